"""What patients and visitors reach: their own rows and free times, nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.people import (
    Connection,
    Practice,
    as_anon,
    as_patient,
    at,
    book,
    denied,
    every,
    make_clinic,
    make_patient,
    make_practice,
    make_resource,
    make_user,
    one,
    refused,
)

TABLES = [
    "access_log",
    "appointment_events",
    "appointment_reasons",
    "appointments",
    "guardian_invitations",
    "guardians",
    "members",
    "notifications",
    "patients",
    "resources",
    "service_needs",
    "staff_invitations",
    "weekly_hours",
]


@pytest.fixture
def practice(db: Connection) -> Practice:
    """A practice with a visit of its own patient and one of another's, with reasons."""
    practice = make_practice(db)
    make_resource(db, practice.clinic, practice.location)
    other = replace(practice, patient=make_patient(db, practice.clinic, make_user(db)))
    for who, start in ((practice, at(9)), (other, at(10))):
        visit = book(db, who, start)
        db.execute(
            "select private.keep_reason(visit, 'visit', 'a reason') from public.appointments"
            " as visit where id = %s",
            [visit["id"]],
        )
    return practice


def test_patients_read_their_own_visits_and_reasons_alone(
    db: Connection, practice: Practice
) -> None:
    with as_patient(db, practice.user):
        for table in ("appointments", "appointment_reasons"):
            rows = every(db, f"select patient_id from public.{table}")  # type: ignore[arg-type]
            assert rows == [{"patient_id": practice.patient}], table
        assert every(db, "select id from public.patients") == [{"id": practice.patient}]
        for table in (
            "appointment_events",
            "members",
            "notifications",
            "resources",
            "staff_invitations",
            "weekly_hours",
        ):
            assert every(db, f"select from public.{table}") == [], table  # type: ignore[arg-type]


def test_a_stranger_with_an_account_sees_the_shop_window(
    db: Connection, practice: Practice
) -> None:
    with as_patient(db, make_user(db)):
        for table in TABLES:
            assert every(db, f"select from public.{table}") == [], table  # type: ignore[arg-type]
        assert len(every(db, "select from public.services")) == 1


@pytest.mark.parametrize("table", TABLES)
def test_visitors_have_no_way_into_what_is_not_public(
    db: Connection, practice: Practice, table: str
) -> None:
    with as_anon(db), denied(db):
        db.execute(psycopg.sql.SQL("select from public.{}").format(psycopg.sql.Identifier(table)))


def test_visitors_see_public_clinics_and_no_others(db: Connection, practice: Practice) -> None:
    hidden = make_clinic(db, books_publicly=False)
    with as_anon(db):
        seen = {row["id"] for row in every(db, "select id from public.clinics")}
        assert practice.clinic in seen
        assert hidden not in seen
        assert len(every(db, "select from public.providers")) == 1


def test_patients_of_a_private_clinic_see_what_they_can_book(db: Connection) -> None:
    practice = make_practice(db)
    db.execute("update public.clinics set books_publicly = false")
    with as_patient(db, practice.user):
        for table in ("clinics", "locations", "providers", "services", "provider_services"):
            assert len(every(db, f"select from public.{table}")) == 1, table  # type: ignore[arg-type]
    with as_patient(db, make_user(db)):
        assert every(db, "select from public.services") == []


def test_patients_write_no_appointment_directly(db: Connection, practice: Practice) -> None:
    with as_patient(db, practice.user):
        for statement in (
            "insert into public.appointments (starts_at) values (now())",
            "update public.appointments set status = 'arrived' where true",
            "delete from public.appointments where true",
        ):
            with denied(db):
                db.execute(statement)  # type: ignore[arg-type]


def test_patients_correct_their_record_and_no_other(db: Connection, practice: Practice) -> None:
    with as_patient(db, practice.user):
        update = "update public.patients set phone = '555' where true"
        assert db.execute(update).rowcount == 1
        with denied(db):
            db.execute("update public.patients set user_id = null where true")
        with denied(db):
            db.execute("update public.patients set clinic_id = clinic_id where true")
        with refused(db, "not_allowed"):
            db.execute("update public.patients set email = 'else@people.example' where true")


def test_patients_cannot_make_records_directly(db: Connection, practice: Practice) -> None:
    with as_patient(db, practice.user), denied(db):
        db.execute(
            "insert into public.patients (clinic_id, full_name) values (%s, 'Somebody')",
            [practice.clinic],
        )


def test_strangers_hear_the_same_of_a_known_and_an_unknown_patient(
    db: Connection, practice: Practice
) -> None:
    """Whether a record exists is nobody's business: key, sentence and status are the same."""
    other = make_patient(db, practice.clinic)
    calls: list[tuple[Any, list[Any]]] = [
        ("select public.open_patient(%s)", []),
        ("select public.invite_guardian(%s, 'x@people.example')", []),
        ("select public.merge_patients(%s, %s)", [practice.patient]),
        ("select public.unmerge_patients(%s)", []),
        (
            "select public.book_appointment(patient_id => %s, service_id => %s, starts_at => %s)",
            [practice.service, at(12)],
        ),
        ("select public.join_waitlist(patient_id => %s, service_id => %s)", [practice.service]),
        ("select public.create_feed(patient_id => %s)", []),
    ]
    with as_patient(db, practice.user):
        for call, values in calls:
            answers = set()
            for patient in (other, uuid4()):
                with pytest.raises(psycopg.Error) as caught, db.transaction():
                    db.execute(call, [patient, *values])
                answers.add((caught.value.diag.message_primary, caught.value.diag.message_hint))
            assert len(answers) == 1, call
            assert answers.pop()[0] == "not_found", call


REGISTER = "select * from public.register_patient(%s, %s)"


def test_registering_makes_one_record_and_returns_it_again(db: Connection) -> None:
    clinic, user = make_clinic(db), make_user(db)
    with as_patient(db, user):
        first = one(db, REGISTER, clinic, " Pat Example ")
        again = one(db, REGISTER, clinic, "Other Name")
    assert again == first
    assert (first["user_id"], first["full_name"]) == (user, "Pat Example")
    assert first["email"] == f"{user}@people.example"


@pytest.mark.parametrize("name", ["", "   ", None, "x" * 201])
def test_a_record_needs_a_name(db: Connection, name: str | None) -> None:
    clinic, user = make_clinic(db), make_user(db)
    with as_patient(db, user), refused(db, "invalid_input"):
        db.execute(REGISTER, [clinic, name])


@pytest.mark.parametrize("born", ["2999-01-01", "0001-01-01", "infinity"])
def test_a_date_of_birth_must_be_possible(db: Connection, born: str) -> None:
    clinic, user = make_clinic(db), make_user(db)
    with as_patient(db, user), refused(db, "invalid_input"):
        db.execute("select public.register_patient(%s, 'Pat', %s)", [clinic, born])


def test_nobody_registers_with_a_clinic_they_cannot_see(db: Connection) -> None:
    clinic = make_clinic(db, books_publicly=False)
    with as_patient(db, make_user(db)), refused(db, "not_found"):
        db.execute(REGISTER, [clinic, "Pat"])
    with as_anon(db), denied(db):
        db.execute(REGISTER, [clinic, "Pat"])
