"""Promise legal_transitions: status moves only along the rows of the transition table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from tests.people import (
    Connection,
    Practice,
    Row,
    as_service,
    as_user,
    at,
    book,
    every,
    let_it_begin,
    make_member,
    make_practice,
    make_user,
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
STAFF = frozenset({"provider", "front_desk", "manager", "owner", "system"})
OFFICE = STAFF - {"provider"}
CHIEFS = frozenset({"manager", "owner", "system"})
EVERYBODY = STAFF | {"patient"}
# Written out once more, on purpose: a row that slips into the table must be noticed.
MOVES = {
    (None, "held"): EVERYBODY,
    (None, "pending"): EVERYBODY,
    (None, "booked"): EVERYBODY,
    (None, "arrived"): STAFF,
    (None, "fulfilled"): {"system"},
    (None, "noshow"): {"system"},
    (None, "cancelled"): {"system"},
    ("held", "pending"): EVERYBODY,
    ("held", "booked"): EVERYBODY,
    ("held", "cancelled"): EVERYBODY,
    ("pending", "booked"): STAFF,
    ("pending", "cancelled"): EVERYBODY,
    ("pending", "entered_in_error"): OFFICE,
    ("booked", "arrived"): STAFF,
    ("booked", "fulfilled"): STAFF,
    ("booked", "noshow"): STAFF,
    ("booked", "cancelled"): EVERYBODY,
    ("booked", "entered_in_error"): OFFICE,
    ("arrived", "booked"): STAFF,
    ("arrived", "fulfilled"): STAFF,
    ("arrived", "cancelled"): STAFF,
    ("arrived", "entered_in_error"): OFFICE,
    ("fulfilled", "arrived"): CHIEFS | {"provider"},
    ("fulfilled", "entered_in_error"): CHIEFS,
    ("noshow", "booked"): OFFICE,
    ("noshow", "arrived"): STAFF,
    ("noshow", "entered_in_error"): CHIEFS,
    ("cancelled", "entered_in_error"): CHIEFS,
}
# What was agreed becomes a request again, with its move to another time alone.
MOVES_WITH_THE_TIME = {("booked", "pending"): {"patient", "system"}}
# Of a visit that has begun alone.
AFTER_THE_BEGINNING = ("fulfilled", "noshow")
WITH_NOTICE = {("pending", "cancelled"), ("booked", "cancelled")}
CHANGE = "select public.change_appointment_status(%s, %s)"
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
    if status in AFTER_THE_BEGINNING:
        let_it_begin(db, visit)
    for step in WAY[status]:
        set_status(db, visit, step)
    return visit


def let_it_begin_for(db: Connection, visit: Row, to_status: str) -> None:
    """The visit has begun, if that is asked for before it may take that state."""
    if to_status in AFTER_THE_BEGINNING and visit["status"] in ("held", "pending", "booked"):
        let_it_begin(db, visit)


@pytest.mark.parametrize("from_status", STATUSES)
def test_plain_sql_moves_along_the_table_alone(db: Connection, from_status: str) -> None:
    visit = visit_in(db, make_practice(db), from_status)
    for to_status in STATUSES:
        if (from_status, to_status) in MOVES:
            with db.transaction(force_rollback=True):
                let_it_begin_for(db, visit, to_status)
                set_status(db, visit, to_status)
                assert one(db, "select status from public.appointments") == {"status": to_status}
        elif to_status != from_status:
            with refused(db, "illegal_transition"):
                set_status(db, visit, to_status)


def test_the_table_holds_these_moves_and_no_others(db: Connection) -> None:
    rows = every(
        db,
        "select from_status::text, to_status::text, moved_by, needs_notice"
        " from private.appointment_transitions",
    )
    assert {(row["from_status"], row["to_status"], row["moved_by"]) for row in rows} == {
        (*move, mover) for move, movers in (MOVES | MOVES_WITH_THE_TIME).items() for mover in movers
    }
    assert {
        (row["from_status"], row["to_status"], row["moved_by"])
        for row in rows
        if row["needs_notice"]
    } == {(*move, "patient") for move in WITH_NOTICE}


@contextmanager
def acting_as(db: Connection, practice: Practice, role: str) -> Iterator[None]:
    """The patient, a member with that role, or the clinic's own programs."""
    if role == "system":
        with as_service(db):
            yield
    else:
        patient = role == "patient"
        with as_user(db, practice.user if patient else make_member(db, practice.clinic, role)):
            yield


@pytest.mark.parametrize("role", sorted(EVERYBODY))
@pytest.mark.parametrize("from_status", STATUSES)
def test_each_role_makes_its_own_moves_and_no_others(
    db: Connection, from_status: str, role: str
) -> None:
    practice = make_practice(db)
    visit = visit_in(db, practice, from_status)
    for to_status in STATUSES:
        movers = MOVES.get((from_status, to_status))
        with db.transaction(force_rollback=True):
            if movers:
                let_it_begin_for(db, visit, to_status)
            with acting_as(db, practice, role):
                if movers is None:
                    with refused(db, "illegal_transition"):
                        db.execute(CHANGE, [visit["id"], to_status])
                elif role not in movers:
                    with refused(db, "not_allowed"):
                        db.execute(CHANGE, [visit["id"], to_status])
                else:
                    db.execute(CHANGE, [visit["id"], to_status])


def test_what_has_not_begun_is_neither_missed_nor_over(db: Connection) -> None:
    practice = make_practice(db)
    visit = book(db, practice, at(9))
    for status in AFTER_THE_BEGINNING:
        with refused(db, "illegal_transition"):
            set_status(db, visit, status)
        with refused(db, "illegal_transition"):
            book(db, practice, at(12), status=status)
        with acting_as(db, practice, "owner"), refused(db, "illegal_transition"):
            db.execute(CHANGE, [visit["id"], status])
    set_status(db, visit, "arrived")
    with refused(db, "illegal_transition"):
        set_status(db, visit, "fulfilled")


def test_who_comes_early_may_be_seen_early_that_day(db: Connection) -> None:
    practice = make_practice(db)
    # Wherever it is noon now, midnight is far away.
    offset = 12 - datetime.now(UTC).hour
    db.execute(
        "update public.locations set time_zone = %s where id = %s",
        [f"Etc/GMT{-offset:+d}" if offset else "UTC", practice.location],
    )
    visit = book(db, practice, datetime.now(UTC) + timedelta(hours=2), overbook_reason="walked in")
    with refused(db, "illegal_transition"):
        set_status(db, visit, "fulfilled")
    set_status(db, visit, "arrived")
    set_status(db, visit, "fulfilled")


def test_an_agreed_visit_becomes_a_request_only_with_its_time(db: Connection) -> None:
    practice = make_practice(db)
    visit = book(db, practice, at(9))
    for role in ("patient", "front_desk", "system"):
        with acting_as(db, practice, role), refused(db, "illegal_transition"):
            db.execute(CHANGE, [visit["id"], "pending"])
    db.execute(
        "update public.appointments set status = 'pending', starts_at = %s where id = %s",
        [at(12), visit["id"]],
    )


@pytest.mark.parametrize("from_status", ["pending", "booked"])
def test_patients_alone_need_notice(db: Connection, from_status: str) -> None:
    practice = make_practice(db, cancel_notice_minutes=24 * 60 * 30)
    visit = visit_in(db, practice, from_status)
    with acting_as(db, practice, "patient"), refused(db, "too_late_to_cancel"):
        db.execute(CHANGE, [visit["id"], "cancelled"])
    with acting_as(db, practice, "front_desk"):
        db.execute(CHANGE, [visit["id"], "cancelled"])


def test_a_stranger_moves_nothing(db: Connection) -> None:
    practice = make_practice(db)
    visit = book(db, practice, at(9))
    for stranger in (make_user(db), make_member(db, make_practice(db).clinic, "owner")):
        with as_user(db, stranger), refused(db, "not_found"):
            db.execute(CHANGE, [visit["id"], "cancelled"])


def test_a_change_of_an_older_version_is_refused(db: Connection) -> None:
    practice = make_practice(db)
    visit = book(db, practice, at(9))
    set_status(db, visit, "arrived")
    for statement in (
        "select public.change_appointment_status(%s, 'fulfilled', expected_version => 1)",
        "select public.cancel_appointment(%s, expected_version => 1)",
        f"select public.reschedule_appointment(%s, '{at(12)}', expected_version => 1)",
    ):
        with refused(db, "stale_version"):
            db.execute(statement, [visit["id"]])


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
