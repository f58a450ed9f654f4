"""Promise legal_transitions: status moves only along the rows of the transition table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.people import (
    Connection,
    Practice,
    Row,
    as_user,
    at,
    book,
    every,
    make_member,
    make_practice,
    one,
    refused,
)

STATUSES = (
    "held",
    "pending",
    "booked",
    "arrived",
    "fulfilled",
    "cancelled",
    "noshow",
    "entered_in_error",
)
# Written out once more, on purpose: a row that slips into the table must be noticed.
LEGAL = {
    ("held", "pending"),
    ("held", "booked"),
    ("held", "cancelled"),
    ("pending", "booked"),
    ("pending", "cancelled"),
    ("pending", "entered_in_error"),
    ("booked", "arrived"),
    ("booked", "fulfilled"),
    ("booked", "noshow"),
    ("booked", "cancelled"),
    ("booked", "entered_in_error"),
    ("arrived", "booked"),
    ("arrived", "fulfilled"),
    ("arrived", "cancelled"),
    ("arrived", "entered_in_error"),
    ("fulfilled", "arrived"),
    ("fulfilled", "entered_in_error"),
    ("noshow", "booked"),
    ("noshow", "arrived"),
    ("noshow", "entered_in_error"),
    ("cancelled", "entered_in_error"),
}
WAY = {
    "held": [],
    "pending": [],
    "booked": [],
    "arrived": ["arrived"],
    "fulfilled": ["fulfilled"],
    "cancelled": ["cancelled"],
    "noshow": ["noshow"],
    "entered_in_error": ["entered_in_error"],
}


def set_status(db: Connection, visit: Row, status: str) -> None:
    db.execute("update public.appointments set status = %s where id = %s", [status, visit["id"]])


def visit_in(db: Connection, practice: Practice, status: str) -> Row:
    """A visit that came to be in that state by legal moves."""
    begin = status if status in ("held", "pending") else "booked"
    expiry = datetime.now(UTC) + timedelta(minutes=5) if begin == "held" else None
    visit = book(db, practice, at(9), status=begin, hold_expires_at=expiry)
    for step in WAY[status]:
        set_status(db, visit, step)
    return visit


@pytest.mark.parametrize("from_status", STATUSES)
def test_plain_sql_moves_along_the_table_alone(db: Connection, from_status: str) -> None:
    visit = visit_in(db, make_practice(db), from_status)
    for to_status in STATUSES:
        if (from_status, to_status) in LEGAL:
            with db.transaction(force_rollback=True):
                set_status(db, visit, to_status)
                assert one(db, "select status from public.appointments") == {"status": to_status}
        elif to_status != from_status:
            with refused(db, "illegal_transition"):
                set_status(db, visit, to_status)


def test_the_table_holds_these_moves_and_no_others(db: Connection) -> None:
    rows = every(
        db,
        "select distinct from_status::text, to_status::text"
        " from private.appointment_transitions where from_status is not null",
    )
    assert {(row["from_status"], row["to_status"]) for row in rows} == LEGAL


@pytest.mark.parametrize("status", ["arrived", "fulfilled", "noshow", "entered_in_error"])
def test_patients_cannot_say_what_happened(db: Connection, status: str) -> None:
    practice = make_practice(db)
    visit = book(db, practice, at(9))
    with as_user(db, practice.user), refused(db, "not_allowed"):
        db.execute("select public.change_appointment_status(%s, %s)", [visit["id"], status])


@pytest.mark.parametrize(
    ("role", "status", "may"),
    [
        ("front_desk", "arrived", True),
        ("front_desk", "noshow", True),
        ("front_desk", "entered_in_error", True),
        ("provider", "fulfilled", True),
        ("provider", "entered_in_error", False),
        ("manager", "entered_in_error", True),
        ("owner", "cancelled", True),
    ],
)
def test_each_role_makes_its_own_moves(db: Connection, role: str, status: str, may: bool) -> None:
    practice = make_practice(db)
    visit = book(db, practice, at(9))
    change = "select public.change_appointment_status(%s, %s)"
    with as_user(db, make_member(db, practice.clinic, role)):
        if may:
            db.execute(change, [visit["id"], status])
        else:
            with refused(db, "not_allowed"):
                db.execute(change, [visit["id"], status])


def test_a_fulfilled_visit_can_only_be_taken_back_by_those_who_may(db: Connection) -> None:
    practice = make_practice(db)
    visit = visit_in(db, practice, "fulfilled")
    with (
        as_user(db, make_member(db, practice.clinic, "front_desk")),
        refused(db, "not_allowed"),
    ):
        db.execute("select public.change_appointment_status(%s, 'arrived')", [visit["id"]])


@pytest.mark.parametrize("status", ["cancelled", "noshow", "fulfilled", "entered_in_error"])
def test_a_visit_that_is_over_does_not_move(db: Connection, status: str) -> None:
    visit = visit_in(db, make_practice(db), status)
    with refused(db, "illegal_transition"):
        db.execute(
            "update public.appointments set starts_at = %s where id = %s", [at(12), visit["id"]]
        )
    with refused(db, "illegal_transition"):
        db.execute("select public.reschedule_appointment(%s, %s)", [visit["id"], at(12)])


def test_nothing_begins_as_a_mistake(db: Connection) -> None:
    with refused(db, "illegal_transition"):
        book(db, make_practice(db), at(9), status="entered_in_error")
