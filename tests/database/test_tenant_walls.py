"""Promise tenant_walls: no row of one clinic refers to, shows or changes a row of another."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.people import (
    Connection,
    as_user,
    at,
    book,
    every,
    insert,
    make_guardian,
    make_member,
    make_practice,
    make_resource,
    one,
    refused,
)

WITH_CLINIC = """
    select table_name from information_schema.columns
    where table_schema = 'public' and column_name = 'clinic_id'
"""


def test_a_reference_across_clinics_cannot_be_written(db: Connection) -> None:
    here, there = make_practice(db), make_practice(db)
    room = make_resource(db, there.clinic, there.location)
    crossings: list[tuple[Any, dict[str, Any]]] = [
        (
            "public.provider_services",
            {"clinic_id": here.clinic, "provider_id": there.provider, "service_id": here.service},
        ),
        (
            "public.resources",
            {
                "clinic_id": here.clinic,
                "location_id": there.location,
                "kind": "room",
                "name": "Room",
            },
        ),
        (
            "public.service_needs",
            {
                "clinic_id": here.clinic,
                "service_id": here.service,
                "kind": "room",
                "resource_id": room,
            },
        ),
        (
            "public.weekly_hours",
            {
                "clinic_id": here.clinic,
                "provider_id": here.provider,
                "location_id": there.location,
                "weekday": 1,
                "opens": "09:00",
                "closes": "10:00",
            },
        ),
    ]
    # Triggers say it in words; the keys hold it without them.
    for table in {table for table, _ in crossings}:
        db.execute(
            psycopg.sql.SQL("alter table {} disable trigger user").format(psycopg.sql.SQL(table))
        )
    for table, columns in crossings:
        with pytest.raises(psycopg.errors.ForeignKeyViolation), db.transaction():
            insert(db, table, **columns)


@pytest.mark.parametrize("party", ["service", "provider", "patient", "location", "clinic"])
def test_an_appointment_cannot_mix_clinics(db: Connection, party: str) -> None:
    here, there = make_practice(db), make_practice(db)
    with refused(db, "not_found"):
        book(db, here, at(9), **{f"{party}_id": getattr(there, party)})


def test_even_without_triggers_the_keys_refuse_a_crossing(db: Connection) -> None:
    here, there = make_practice(db), make_practice(db)
    visit = book(db, here, at(9))
    db.execute("alter table public.appointments disable trigger user")
    for column, stranger in (
        ("patient_id", there.patient),
        ("provider_id", there.provider),
        ("service_id", there.service),
        ("location_id", there.location),
        ("clinic_id", there.clinic),
    ):
        with pytest.raises(psycopg.errors.ForeignKeyViolation), db.transaction():
            db.execute(
                psycopg.sql.SQL("update public.appointments set {} = %s where id = %s").format(
                    psycopg.sql.Identifier(column)
                ),
                [stranger, visit["id"]],
            )


@pytest.mark.parametrize("role", ["owner", "manager", "front_desk", "provider"])
def test_members_see_and_change_nothing_of_another_clinic(db: Connection, role: str) -> None:
    here, there = make_practice(db), make_practice(db)
    db.execute("update public.clinics set books_publicly = false where id = %s", [there.clinic])
    book(db, there, at(9))
    make_member(db, there.clinic, "owner")
    make_resource(db, there.clinic, there.location)
    tables = [row["table_name"] for row in every(db, WITH_CLINIC)]
    assert len(tables) > 10
    with as_user(db, make_member(db, here.clinic, role)):
        for table in tables:
            rows = db.execute(
                psycopg.sql.SQL("select from public.{} where clinic_id = %s").format(
                    psycopg.sql.Identifier(table)
                ),
                [there.clinic],
            ).fetchall()
            assert rows == [], table
        changed = db.execute(
            "update public.patients set full_name = 'Nobody' where id = %s", [there.patient]
        )
        assert changed.rowcount == 0
        assert (
            db.execute("select from public.clinics where id = %s", [there.clinic]).fetchall() == []
        )


def test_functions_do_not_reach_across(db: Connection) -> None:
    here, there = make_practice(db), make_practice(db)
    db.execute("update public.clinics set books_publicly = false where id = %s", [there.clinic])
    visit = book(db, there, at(9))
    make_guardian(db, there.clinic, there.patient)
    guardianship = one(db, "select id from public.guardians")["id"]
    with as_user(db, make_member(db, here.clinic, "owner")):
        for call, values in (
            ("select public.cancel_appointment(%s)", [visit["id"]]),
            ("select public.reschedule_appointment(%s, %s)", [visit["id"], at(12)]),
            ("select public.book_appointment(%s, %s)", [there.service, at(12)]),
            ("select public.register_patient(%s, 'Somebody')", [there.clinic]),
            (
                "select public.invite_member(%s, 'somebody@people.example', 'provider')",
                [there.clinic],
            ),
            ("select public.open_slots(%s, %s, %s)", [there.service, at(1), at(9)]),
            ("select public.open_patient(%s)", [there.patient]),
            ("select public.read_reasons(%s)", [visit["id"]]),
            ("select public.find_duplicates(%s)", [there.clinic]),
            ("select public.find_duplicates(%s, %s)", [there.clinic, there.patient]),
            ("select public.merge_patients(%s, %s)", [here.patient, there.patient]),
            ("select public.merge_patients(%s, %s)", [there.patient, here.patient]),
            ("select public.unmerge_patients(%s)", [there.patient]),
            ("select public.invite_guardian(%s, 'x@people.example')", [there.patient]),
            ("select public.end_guardianship(%s)", [guardianship]),
            ("select public.register_dependant(%s, 'C', '2020-01-01')", [there.clinic]),
            ("select public.verify_history(%s)", [there.clinic]),
        ):
            with refused(db, "not_found"):
                db.execute(call, values)  # type: ignore[arg-type]
    assert one(db, "select status from public.appointments where id = %s", visit["id"]) == {
        "status": "booked"
    }


def test_a_duplicate_of_another_clinic_is_not_named(db: Connection) -> None:
    here, there = make_practice(db), make_practice(db)
    with as_user(db, make_member(db, here.clinic, "front_desk")):
        found = "select * from public.find_duplicates(%s, %s)"
        assert every(db, found, here.clinic, there.patient) == []
        assert every(db, found, here.clinic, here.patient) == []


def test_a_record_cannot_be_merged_into_another_clinics(db: Connection) -> None:
    here, there = make_practice(db), make_practice(db)
    with pytest.raises(psycopg.errors.ForeignKeyViolation), db.transaction():
        db.execute(
            "update public.patients set merged_into = %s where id = %s",
            [there.patient, here.patient],
        )


def test_booking_here_for_a_patient_of_another_clinic_is_refused(db: Connection) -> None:
    here, there = make_practice(db), make_practice(db)
    with (
        as_user(db, make_member(db, here.clinic, "front_desk")),
        refused(db, "not_found"),
    ):
        db.execute(
            "select public.book_appointment(%s, %s, patient_id => %s)",
            [here.service, at(9), there.patient],
        )
