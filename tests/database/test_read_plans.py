"""How the reads of each day are planned as the people who make them: by index, asked once.

A clinic with so many visits that reading all of them would be the worse plan; a policy asked for
every row would show.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest

from tests.people import (
    Connection,
    Practice,
    as_anon,
    as_user,
    every,
    make_member,
    make_patient,
    make_practice,
    make_provider,
    make_user,
    one,
)

VISITS = 20_000
LOAD = """
    insert into public.appointments (clinic_id, location_id, service_id, provider_id, patient_id,
      starts_at, ends_at, buffer_before_minutes, buffer_after_minutes, booked_via)
    select %(clinic)s, %(location)s, %(service)s,
      (%(providers)s::uuid[])[1 + number %% cardinality(%(providers)s::uuid[])],
      (%(patients)s::uuid[])[1 + number %% cardinality(%(patients)s::uuid[])],
      at, at + interval '30 minutes', 0, 0, 'import'
    from generate_series(0, %(visits)s - 1) as number,
      lateral (select date_trunc('day', now()) - interval '60 days'
        + number / 40 * interval '20 minutes' as at) as starts
"""
COLUMNS = "id, patient_id, provider_id, service_id, starts_at, ends_at, status, version"
A_DAY = "starts_at >= date_trunc('day', now()) and starts_at < date_trunc('day', now()) + '1 day'"
A_WEEK = A_DAY.replace("1 day", "7 days")


@pytest.fixture(scope="module")
def loaded(shared_database: str) -> Iterator[tuple[Connection, Practice]]:
    """20,000 visits of 40 providers and 200 patients, a good part of them over."""
    with psycopg.connect(shared_database) as connection:
        yield connection, load(connection)
        connection.rollback()


@pytest.fixture
def db(loaded: tuple[Connection, Practice]) -> Iterator[Connection]:
    """The connection that sees them; what a test does is taken back."""
    connection, _ = loaded
    with connection.transaction(force_rollback=True):
        yield connection


@pytest.fixture
def clinic(loaded: tuple[Connection, Practice]) -> Practice:
    """Whose visits they are."""
    return loaded[1]


def load(db: Connection) -> Practice:
    practice = make_practice(db)
    providers = [
        practice.provider, *(make_provider(db, practice.clinic) for _ in range(39))
    ]  # fmt: skip
    patients = [practice.patient, *(make_patient(db, practice.clinic) for _ in range(199))]
    db.execute("alter table public.appointments disable trigger user")
    db.execute(
        LOAD,
        {
            "clinic": practice.clinic,
            "location": practice.location,
            "service": practice.service,
            "providers": providers,
            "patients": patients,
            "visits": VISITS,
        },
    )
    db.execute("alter table public.appointments enable trigger user")
    db.execute("analyze public.appointments, public.patients, public.members, public.providers")
    return practice


def plan(db: Connection, query: str) -> str:
    return "\n".join(row["QUERY PLAN"] for row in every(db, f"explain {query}"))  # type: ignore[arg-type]


def assert_by_index_and_asked_once(text: str, index: str) -> None:
    assert "Seq Scan on appointments" not in text, text
    assert index in text, text
    # An InitPlan runs once in a statement; a SubPlan may run for every row.
    assert "InitPlan" in text, text
    assert "SubPlan" not in text, text


def test_a_patients_own_visits(db: Connection, clinic: Practice) -> None:
    with as_user(db, clinic.user):
        text = plan(
            db,
            f"select {COLUMNS} from public.appointments where patient_id = '{clinic.patient}'"
            " order by starts_at desc limit 50",
        )
        assert_by_index_and_asked_once(text, "appointments_by_patient")
        counted = one(db, "select count(*) as visits from public.appointments")
    assert counted["visits"] == VISITS / 200


def test_a_front_desks_day(db: Connection, clinic: Practice) -> None:
    with as_user(db, make_member(db, clinic.clinic, "front_desk")):
        text = plan(
            db,
            f"select {COLUMNS} from public.appointments where clinic_id = '{clinic.clinic}'"
            f" and {A_DAY} order by starts_at limit 200",
        )
    assert_by_index_and_asked_once(text, "appointments_by_clinic")


def test_a_providers_week(db: Connection, clinic: Practice) -> None:
    member = make_member(db, clinic.clinic, "provider")
    db.execute("update public.providers set user_id = %s where id = %s", [member, clinic.provider])
    with as_user(db, member):
        text = plan(
            db,
            f"select {COLUMNS} from public.appointments where provider_id = '{clinic.provider}'"
            f" and {A_WEEK} order by starts_at",
        )
    assert_by_index_and_asked_once(text, "appointments_by_provider")


@pytest.mark.parametrize(
    "table", ["appointments", "patients", "appointment_events", "notifications", "access_log"]
)
def test_policies_are_asked_once_a_statement(db: Connection, clinic: Practice, table: str) -> None:
    with as_user(db, make_member(db, clinic.clinic, "owner")):
        text = plan(db, f"select clinic_id from public.{table}")
    assert "InitPlan" in text, text
    assert "SubPlan" not in text, text


def test_the_check_sees_a_policy_that_is_asked_for_every_row(
    db: Connection, clinic: Practice
) -> None:
    db.execute(
        'alter policy "patients read their own appointments, members their clinic\'s"'
        " on public.appointments using (exists (select from public.members"
        " where members.clinic_id = appointments.clinic_id and members.user_id = auth.uid())"
        " or patient_id in (select private.my_patients()))"
    )
    with as_user(db, clinic.user):
        text = plan(db, "select id from public.appointments order by starts_at limit 9")
    assert "SubPlan" in text


CLINICS = """
    insert into public.clinics (slug, name, time_zone, books_publicly)
    select 'many-' || number, 'One of many', 'UTC', number % 5 < 4
    from generate_series(1, 5000) as number
"""
SHOP_WINDOW = ("locations", "providers", "services", "provider_services")


def open_a_street(db: Connection) -> None:
    """5,000 clinics, each with something in every window."""
    db.execute(CLINICS)
    for things in (
        "locations (clinic_id, name, time_zone) select id, 'Here', 'UTC'",
        "providers (clinic_id, full_name) select id, 'Dr. Many'",
        "services (clinic_id, name) select id, 'Visit'",
    ):
        db.execute(
            f"insert into public.{things} from public.clinics where slug like 'many-%'"  # type: ignore[arg-type]
        )
    db.execute(
        "insert into public.provider_services (clinic_id, provider_id, service_id)"
        " select providers.clinic_id, providers.id, services.id from public.providers"
        " join public.services using (clinic_id) where providers.full_name = 'Dr. Many'"
    )
    db.execute(
        "analyze public.clinics, public.locations, public.providers, public.services,"
        " public.provider_services"
    )


def test_one_clinics_window_does_not_read_the_whole_street(db: Connection) -> None:
    """A look-up of the clinic for each of its few rows; no list of all clinics is made."""
    practice = make_practice(db)
    open_a_street(db)
    stranger, owner = make_user(db), make_member(db, practice.clinic, "owner")
    for who in (None, stranger, practice.user, owner):
        with as_user(db, who) if who else as_anon(db):
            for table in SHOP_WINDOW:
                text = plan(
                    db,
                    f"select clinic_id from public.{table} where clinic_id = '{practice.clinic}'",
                )
                assert re.search(r"Index (Only )?Scan using clinics_\w+ on clinics", text), text
                assert "Seq Scan on clinics" not in text, text
