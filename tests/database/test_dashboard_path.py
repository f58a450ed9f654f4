"""Plain SQL as `postgres`: what is left out is filled in, what is wrong is said in words."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.people import (
    Connection,
    at,
    book,
    every,
    insert,
    make_clinic,
    make_hours,
    make_location,
    make_need,
    make_practice,
    make_resource,
    make_service,
    one,
    refused,
)


def test_service_provider_patient_and_start_are_enough(db: Connection) -> None:
    practice = make_practice(db, duration_minutes=40, buffer_before_minutes=5)
    visit = book(db, practice, at(9))
    assert visit["clinic_id"] == practice.clinic
    assert visit["location_id"] == practice.location
    assert visit["ends_at"] == at(9 + 40 / 60)
    assert (visit["buffer_before_minutes"], visit["buffer_after_minutes"]) == (5, 0)
    assert (visit["status"], visit["booked_via"], visit["version"]) == ("booked", "dashboard", 1)


def test_the_place_is_where_the_provider_is_at_that_time(db: Connection) -> None:
    practice = make_practice(db, hours={"opens": "08:00", "closes": "12:00"})
    afternoon = make_location(db, practice.clinic)
    make_hours(db, practice.clinic, practice.provider, afternoon, opens="13:00", closes="17:00")
    assert book(db, practice, at(9))["location_id"] == practice.location
    visit = book(db, practice, at(14))
    assert visit["location_id"] == afternoon
    moved = "update public.appointments set starts_at = %s where id = %s returning location_id"
    assert one(db, moved, at(10), visit["id"]) == {"location_id": practice.location}


def test_a_moved_visit_keeps_its_length_unless_told_otherwise(db: Connection) -> None:
    visit = book(db, make_practice(db), at(9))
    move = "update public.appointments set starts_at = %s where id = %s returning ends_at"
    assert one(db, move, at(12), visit["id"]) == {"ends_at": at(12.5)}
    longer = "update public.appointments set ends_at = %s where id = %s returning ends_at"
    assert one(db, longer, at(13), visit["id"]) == {"ends_at": at(13)}


@pytest.mark.parametrize(
    ("columns", "key"),
    [
        ({"starts_at": None}, "invalid_time"),
        ({"starts_at": "infinity"}, "invalid_time"),
        ({"ends_at": "infinity"}, "invalid_time"),
        ({"ends_at": at(8)}, "invalid_time"),
        ({"ends_at": at(9)}, "invalid_time"),
        ({"service_id": None}, "invalid_input"),
        ({"provider_id": None}, "invalid_input"),
        ({"patient_id": None}, "invalid_input"),
    ],
)
def test_what_cannot_be_is_said_in_words(db: Connection, columns: dict[str, Any], key: str) -> None:
    practice = make_practice(db)
    with refused(db, key):
        insert(db, "public.appointments", **(practice.visit(at(9)) | columns))
    assert every(db, "select from public.appointments") == []


def test_a_hold_is_kept_for_the_clinics_minutes_unless_it_says_until_when(db: Connection) -> None:
    practice = make_practice(db)
    now = one(db, "select now()")["now"]
    held = book(db, practice, at(9), status="held")
    assert held["hold_expires_at"] == now + timedelta(minutes=10)
    until = now + timedelta(minutes=3)
    assert (
        book(db, practice, at(10), status="held", hold_expires_at=until)["hold_expires_at"] == until
    )


@pytest.mark.parametrize("column", ["patient_id", "clinic_id", "id"])
def test_an_appointment_stays_whose_it_is(db: Connection, column: str) -> None:
    book(db, make_practice(db), at(9))
    with refused(db, "not_allowed"):
        db.execute(
            psycopg.sql.SQL("update public.appointments set {} = gen_random_uuid()").format(
                psycopg.sql.Identifier(column)
            )
        )


@pytest.mark.parametrize("zone", ["Mars/Olympus", "Foo5", "CEST", "europe/vienna", ""])
def test_a_zone_that_does_not_exist_is_refused(db: Connection, zone: str) -> None:
    with refused(db, "invalid_input"):
        make_clinic(db, time_zone=zone)
    with refused(db, "invalid_input"):
        make_location(db, make_clinic(db), zone)


@pytest.mark.parametrize(
    ("opens", "closes"), [("12:00", "09:00"), ("09:00", "09:00"), ("24:00", "24:00")]
)
def test_hours_must_open_before_they_close(db: Connection, opens: str, closes: str) -> None:
    practice = make_practice(db)
    with refused(db, "invalid_time"):
        make_hours(
            db, practice.clinic, practice.provider, practice.location, opens=opens, closes=closes
        )


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("duration_minutes", 0),
        ("duration_minutes", -5),
        ("duration_minutes", None),
        ("slot_interval_minutes", 0),
        ("buffer_after_minutes", -1),
        ("horizon_days", 0),
        ("capacity", 0),
        ("max_per_day", -1),
        ("name", None),
        ("name", "  "),
    ],
)
def test_a_service_cannot_be_set_up_senselessly(db: Connection, column: str, value: Any) -> None:
    practice = make_practice(db)
    with refused(db, "invalid_input"):
        make_service(db, practice.clinic, **{column: value})
    with refused(db, "invalid_input"):
        db.execute(
            psycopg.sql.SQL("update public.services set {} = %s").format(
                psycopg.sql.Identifier(column)
            ),
            [value],
        )


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("locations", "name"),
        ("providers", "full_name"),
        ("resources", "name"),
        ("resources", "kind"),
        ("service_needs", "quantity"),
        ("provider_services", "weight"),
        ("clinics", "name"),
        ("clinics", "hold_minutes"),
    ],
)
def test_what_is_left_out_of_the_set_up_is_named(db: Connection, table: str, column: str) -> None:
    practice = make_practice(db)
    make_resource(db, practice.clinic, practice.location)
    make_need(db, practice.clinic, practice.service)
    statement = psycopg.sql.SQL("update public.{} set {} = null").format(
        psycopg.sql.Identifier(table), psycopg.sql.Identifier(column)
    )
    with pytest.raises(psycopg.Error) as caught, db.transaction():
        db.execute(statement)
    assert caught.value.diag.message_primary == "invalid_input"
    assert caught.value.diag.message_hint == f"Give the {column.replace('_', ' ')}."


def test_every_bound_of_the_set_up_is_said_in_words(db: Connection) -> None:
    """The triggers know each bounded number, with the bounds of its constraint."""
    checks = every(
        db,
        "select relname as table_name, pg_get_constraintdef(pg_constraint.oid) as definition"
        " from pg_constraint join pg_class on pg_class.oid = conrelid"
        " where contype = 'c' and conname like '%%_is_possible'"
        " and conrelid in ('public.clinics'::regclass, 'public.services'::regclass,"
        "  'public.provider_services'::regclass, 'public.service_needs'::regclass)",
    )
    words = {
        row["table_name"]: row["definition"]
        for row in every(
            db,
            "select relname as table_name, pg_get_triggerdef(pg_trigger.oid) as definition"
            " from pg_trigger join pg_class on pg_class.oid = tgrelid"
            " where tgname = '_020_check_bounds'",
        )
    }
    assert len(checks) > 20
    for check in checks:
        column = re.search(r"(\w+) >= ", check["definition"])
        least = re.search(r">= (\d+)", check["definition"])
        most = re.search(r"<= (\d+)", check["definition"])
        assert column is not None
        assert least is not None
        bound = f"'{column[1]}', '{least[1]}', '{most[1] if most else 2**31 - 1}'"
        assert bound in words[check["table_name"]]


@pytest.mark.parametrize(
    "columns",
    [{"buffer_before_minutes": -1}, {"buffer_after_minutes": -1}, {"overbook_reason": " "}],
    ids=str,
)
def test_a_visit_keeps_no_negative_time_and_no_blank_reason(
    db: Connection, columns: dict[str, Any]
) -> None:
    practice = make_practice(db)
    visit = book(db, practice, at(9))
    with refused(db, "invalid_input"):
        book(db, practice, at(12), **columns)
    for column, value in columns.items():
        with refused(db, "invalid_input"):
            db.execute(
                psycopg.sql.SQL("update public.appointments set {} = %s where id = %s").format(
                    psycopg.sql.Identifier(column)
                ),
                [value, visit["id"]],
            )


def test_people_who_open_the_table_editor_find_every_table_explained(db: Connection) -> None:
    unexplained = every(
        db,
        "select relname from pg_class where relnamespace = 'public'::regnamespace"
        " and relkind = 'r' and obj_description(oid) is null",
    )
    assert unexplained == []
