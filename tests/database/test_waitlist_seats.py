"""Freed seats of group sessions go to waiting patients: kept, passed on, and never two for one."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.database.conftest import Connect
from tests.database.test_group_sessions import (
    fill,
    group_practice,
    join,
    miscounted,
    plan,
    seat,
    state_of,
)
from tests.database.test_never_overlaps import at_once
from tests.database.test_waitlist import CANCEL, OFFERS, expire, offer, pass_time, wait_for
from tests.people import (
    Connection,
    Practice,
    Row,
    as_anon,
    as_patient,
    as_service,
    as_user,
    at,
    book,
    every,
    insert,
    make_member,
    make_need,
    make_patient,
    make_resource,
    make_service,
    make_user,
    one,
    refused,
)


def full_session(db: Connection, capacity: int = 2) -> tuple[Practice, Row, list[Row]]:
    """A session with all seats taken, nothing left to offer."""
    practice = group_practice(db, capacity=capacity)
    session = plan(db, practice, at(9))
    seats = fill(db, practice, session, capacity)
    assert offer(db)["offered"] == 0
    return practice, session, seats


def open_offers(db: Connection) -> list[Row]:
    return every(
        db,
        "select offers.*, hold.session_id, hold.patient_id, hold.status::text as hold"
        " from public.waitlist_offers as offers"
        " join public.appointments as hold on hold.id = offers.appointment_id"
        " where offers.status = 'open'",
    )


@pytest.mark.parametrize("way", ["cancelled", "entered_in_error", "deleted"])
def test_a_freed_seat_is_held_for_the_one_who_waits_longest(db: Connection, way: str) -> None:
    practice, session, seats = full_session(db)
    wait_for(db, practice, created_at=at(0, days=-1))
    longest = wait_for(db, practice, created_at=at(0, days=-2))
    if way == "deleted":
        # Visits to come are called off before they are deleted; an offered or own hold need not be.
        db.execute(CANCEL, [seats[0]["id"]])
        held = seat(db, session, practice.patient, status="held")
        db.execute("delete from private.freed_slots")
        db.execute("delete from public.appointments where id = %s", [held["id"]])
    else:
        db.execute(
            "update public.appointments set status = %s where id = %s", [way, seats[0]["id"]]
        )
    assert offer(db) == {"freed": 1, "offered": 1}
    (made,) = open_offers(db)
    assert (made["entry_id"], made["patient_id"]) == (longest["id"], longest["patient_id"])
    assert (made["session_id"], made["starts_at"], made["hold"]) == (session["id"], at(9), "held")
    assert state_of(db, session)["seats_taken"] == 2
    assert miscounted(db) == []


def test_an_offered_seat_is_nobody_elses(db: Connection) -> None:
    practice, session, seats = full_session(db)
    wait_for(db, practice)
    db.execute(CANCEL, [seats[0]["id"]])
    look = "select seats_left from public.open_sessions(%s, %s, %s)"
    with as_anon(db):
        assert every(db, look, practice.service, at(0), at(24)) == [{"seats_left": 1}]
    offer(db)
    with as_anon(db):
        assert every(db, look, practice.service, at(0), at(24)) == []
    with as_patient(db, practice.user), refused(db, "slot_taken"):
        db.execute("select public.join_session(%s)", [session["id"]])
    with refused(db, "slot_taken"):
        seat(db, session, practice.patient)


@pytest.mark.parametrize("answer", ["accepted", "declined", "left"])
def test_the_patient_answers_the_offer_of_a_seat(db: Connection, answer: str) -> None:
    practice, session, seats = full_session(db)
    user = make_user(db)
    entry = wait_for(db, practice, patient_id=make_patient(db, practice.clinic, user))
    db.execute(CANCEL, [seats[0]["id"]])
    offer(db)
    (made,) = open_offers(db)
    with as_user(db, user):
        if answer == "left":
            db.execute("select public.leave_waitlist(%s)", [entry["id"]])
        else:
            function = "accept_offer" if answer == "accepted" else "decline_offer"
            db.execute(f"select public.{function}(%s)", [made["id"]])
    visit = one(db, "select * from public.appointments where id = %s", made["appointment_id"])
    assert visit["status"] == ("booked" if answer == "accepted" else "cancelled")
    assert state_of(db, session)["seats_taken"] == (2 if answer == "accepted" else 1)
    status = one(db, "select status from public.waitlist_entries where id = %s", entry["id"])
    assert status == {
        "status": {"accepted": "booked", "declined": "waiting", "left": "left"}[answer]
    }
    # Who said no is not asked again for the same seat.
    assert offer(db)["offered"] == 0


def test_an_offer_of_a_seat_that_is_over_passes_it_on(db: Connection) -> None:
    practice, session, seats = full_session(db)
    first = wait_for(db, practice, created_at=at(0, days=-2))
    second = wait_for(db, practice, created_at=at(0, days=-1))
    db.execute(CANCEL, [seats[0]["id"]])
    for entry in (first, second):
        assert offer(db)["offered"] == 1
        (made,) = open_offers(db)
        assert made["entry_id"] == entry["id"]
        pass_time(db)
        with refused(db, "hold_expired"):
            db.execute("select public.accept_offer(%s)", [made["id"]])
        assert expire(db) == 1
    assert offer(db)["offered"] == 0
    assert state_of(db, session)["seats_taken"] == 1


@pytest.mark.parametrize("path", ["join", "insert", "move"])
def test_an_expired_hold_of_a_seat_is_in_nobodys_way(db: Connection, path: str) -> None:
    """Nobody has swept: whoever wants the seat, or moves the session, ends the hold."""
    practice, session, seats = full_session(db)
    entry = wait_for(db, practice)
    db.execute(CANCEL, [seats[0]["id"]])
    offer(db)
    pass_time(db)
    with as_anon(db):
        left = every(
            db,
            "select seats_left from public.open_sessions(%s, %s, %s)",
            practice.service,
            at(0),
            at(24),
        )
    assert left == [{"seats_left": 1}]
    if path == "join":
        with as_patient(db, practice.user):
            db.execute("select public.join_session(%s)", [session["id"]])
    elif path == "insert":
        seat(db, session, practice.patient)
    else:
        # The one who kept it too long is somewhere else by now.
        single = make_service(db, practice.clinic)
        other = insert(db, "public.providers", clinic_id=practice.clinic, full_name="Dr. Other")[
            "id"
        ]
        insert(
            db,
            "public.provider_services",
            clinic_id=practice.clinic,
            provider_id=other,
            service_id=single,
        )
        book(
            db,
            practice,
            at(14),
            service_id=single,
            provider_id=other,
            patient_id=entry["patient_id"],
            location_id=practice.location,
            overbook_reason="walked in",
        )
        db.execute(
            "update public.group_sessions set starts_at = %s where id = %s",
            [at(14), session["id"]],
        )
    assert state_of(db, session)["seats_taken"] == (1 if path == "move" else 2)
    assert every(db, "select from public.waitlist_offers where status = 'expired'")
    assert every(db, "select from public.appointments where status = 'held'") == []
    assert miscounted(db) == []


@pytest.mark.parametrize("change", ["planned", "enlarged", "moved"])
def test_new_seats_are_offered_too(db: Connection, change: str) -> None:
    practice, session, _ = full_session(db)
    wait_for(db, practice, from_clock="10:00" if change == "moved" else "00:00")
    if change == "planned":
        wanted = plan(db, practice, at(15))["id"]
    elif change == "enlarged":
        db.execute("update public.group_sessions set capacity = 3")
        wanted = session["id"]
    else:
        db.execute("update public.group_sessions set capacity = 3")
        assert offer(db)["offered"] == 0
        db.execute("update public.group_sessions set starts_at = %s", [at(11)])
        wanted = session["id"]
    assert offer(db)["offered"] == 1
    assert [made["session_id"] for made in open_offers(db)] == [wanted]


def test_as_many_seats_as_are_left_are_offered_at_once(db: Connection) -> None:
    practice, session, seats = full_session(db, capacity=5)
    for _ in range(4):
        wait_for(db, practice)
    for taken in seats[:3]:
        db.execute(CANCEL, [taken["id"]])
    offer(db)
    assert len(open_offers(db)) == 3
    assert state_of(db, session)["seats_taken"] == 5


@pytest.mark.parametrize(
    "wishes",
    [
        {"from_clock": "09:30"},
        {"to_clock": "09:59"},
        {"earliest": at(0, days=3).date()},
        {"weekdays": [at(0, days=3).isoweekday()]},
        {"service_id": None},
    ],
    ids=["later", "shorter", "another day", "another weekday", "another service"],
)
def test_a_seat_that_does_not_suit_is_not_offered(
    db: Connection, wishes: dict[str, object]
) -> None:
    practice, _, seats = full_session(db)
    if "service_id" in wishes:
        wishes = {"service_id": make_service(db, practice.clinic, capacity=2)}
    wait_for(db, practice, **wishes)
    db.execute(CANCEL, [seats[0]["id"]])
    assert offer(db) == {"freed": 1, "offered": 0}


def test_notice_and_horizon_of_patients_hold_for_offered_seats(db: Connection) -> None:
    practice, _, seats = full_session(db)
    wait_for(db, practice)
    for column, value in (("min_notice_minutes", 10 * 1440), ("horizon_days", 1)):
        with db.transaction(force_rollback=True):
            db.execute(f"update public.services set {column} = %s", [value])
            db.execute(CANCEL, [seats[0]["id"]])
            assert offer(db) == {"freed": 1, "offered": 0}


def test_who_has_a_seat_or_a_visit_then_is_passed_over(db: Connection) -> None:
    practice, _, seats = full_session(db)
    wait_for(db, practice, patient_id=seats[1]["patient_id"], created_at=at(0, days=-5))
    free = wait_for(db, practice)
    db.execute(CANCEL, [seats[0]["id"]])
    offer(db)
    assert [made["entry_id"] for made in open_offers(db)] == [free["id"]]


def test_a_session_that_is_called_off_offers_no_seat_and_frees_its_time(db: Connection) -> None:
    practice, session, _ = full_session(db)
    wait_for(db, practice)
    single = make_service(db, practice.clinic)
    insert(
        db,
        "public.provider_services",
        clinic_id=practice.clinic,
        provider_id=practice.provider,
        service_id=single,
    )
    visit = wait_for(db, practice, service_id=single, earliest=at(0).date(), latest=at(0).date(),
                     from_clock="09:00", to_clock="10:00")  # fmt: skip
    assert offer(db)["offered"] == 0
    db.execute(
        "update public.group_sessions set status = 'cancelled' where id = %s", [session["id"]]
    )
    offer(db)
    assert [made["entry_id"] for made in open_offers(db)] == [visit["id"]]


def test_rooms_of_a_session_are_free_for_others_once_it_is_removed(db: Connection) -> None:
    practice = group_practice(db)
    make_need(db, practice.clinic, practice.service)
    make_resource(db, practice.clinic, practice.location)
    session = plan(db, practice, at(9))
    offer(db)
    db.execute("delete from public.group_sessions where id = %s", [session["id"]])
    noted = every(db, "select provider_id, session_id from private.freed_slots")
    assert noted == [{"provider_id": None, "session_id": None}]


def test_an_offer_of_a_seat_is_told_by_mail(db: Connection) -> None:
    practice, _, seats = full_session(db)
    wait_for(db, practice)
    db.execute(CANCEL, [seats[0]["id"]])
    offer(db)
    (made,) = open_offers(db)
    with as_service(db):
        claimed = every(db, "select * from worker.claim_notifications(50)")
    (mail,) = [row for row in claimed if row["kind"] == "offer"]
    assert (mail["starts_at"], mail["answer_by"]) == (at(9), made["expires_at"])


def test_a_removed_session_leaves_nothing_to_offer(db: Connection) -> None:
    practice = group_practice(db)
    wait_for(db, practice)
    session = plan(db, practice, at(9))
    db.execute("delete from public.group_sessions where id = %s", [session["id"]])
    assert offer(db)["offered"] == 0
    assert every(db, "select from private.freed_slots") == []


# What follows commits, in databases of its own.


def test_of_a_hundred_who_wait_exactly_one_gets_the_one_freed_seat(connect: Connect) -> None:
    db = connect()
    practice, session, seats = full_session(db)
    for _ in range(100):
        wait_for(db, practice)
    workers = [connect() for _ in range(6)]
    canceller = connect()

    def work(connection: Connection) -> None:
        for _ in range(5):
            offer(connection)

    at_once(
        [lambda: canceller.execute(CANCEL, [seats[0]["id"]])]
        + [partial(work, worker) for worker in workers]
    )
    offer(db)
    assert [made["session_id"] for made in open_offers(db)] == [session["id"]]
    assert len(every(db, OFFERS)) == 1
    assert state_of(db, session)["seats_taken"] == 2
    assert miscounted(db) == []
    assert every(db, "select from private.freed_slots") == []


def test_waiting_joining_leaving_and_expiring_at_once_keep_every_seat_in_order(
    connect: Connect,
) -> None:
    """Workers offer and expire while patients join, leave, accept and decline, and the session
    moves and grows: no seat twice, no raw error, every offer follows its hold."""
    db = connect()
    practice, session, _ = full_session(db, capacity=3)
    people = [make_user(db) for _ in range(8)]
    patients = [make_patient(db, practice.clinic, user) for user in people]
    desk = make_member(db, practice.clinic, "front_desk")
    seen: Counter[str] = Counter()
    faults: list[str] = []

    def hand(number: int) -> None:
        connection = connect()
        for turn in range(25):
            deed = DEEDS[(number * 3 + turn) % len(DEEDS)]
            person = (number + turn) % len(people)
            try:
                deed(connection, practice, session, people[person], patients[person], desk)
                seen["done"] += 1
            except psycopg.Error as error:
                key = f"{error.sqlstate} {error.diag.message_primary}"
                seen[key] += 1
                if not key.startswith("PT"):
                    faults.append(str(error))
                connection.rollback()
                connection.execute("reset role")
                connection.execute("select set_config('request.jwt.claims', '', false)")

    assert set(at_once([partial(hand, number) for number in range(12)])) == {"done"}
    assert faults == []
    assert seen["done"] > 20
    assert miscounted(db) == []
    apart = every(
        db,
        "select offers.id from public.waitlist_offers as offers"
        " left join public.appointments as hold on hold.id = offers.appointment_id"
        " left join public.waitlist_entries as entry on entry.id = offers.entry_id"
        " where offers.status = 'open'"
        " and (hold.status is distinct from 'held' or entry.status <> 'offered')",
    )
    assert apart == []


Deed = Any


def _wait(c: Connection, p: Practice, _s: Row, user: UUID, _patient: UUID, _d: UUID) -> None:
    with as_user(c, user):
        c.execute("select public.join_waitlist(%s)", [p.service])


def _join(c: Connection, _p: Practice, s: Row, user: UUID, _patient: UUID, _d: UUID) -> None:
    join(c, user, s)()


def _leave(c: Connection, _p: Practice, s: Row, user: UUID, patient: UUID, _d: UUID) -> None:
    with as_user(c, user):
        c.execute(
            "select public.cancel_appointment(id) from public.appointments"
            " where session_id = %s and patient_id = %s and status = 'booked'",
            [s["id"], patient],
        )


def _free(c: Connection, _p: Practice, s: Row, _u: UUID, _patient: UUID, desk: UUID) -> None:
    with as_user(c, desk):
        c.execute(
            "select public.cancel_appointment(id) from public.appointments"
            " where session_id = %s and status = 'booked' limit 1",
            [s["id"]],
        )


def _answer(function: str) -> Deed:
    def deed(c: Connection, _p: Practice, _s: Row, user: UUID, patient: UUID, _d: UUID) -> None:
        with as_user(c, user):
            c.execute(
                f"select public.{function}(offers.id)"  # type: ignore[arg-type]
                " from public.waitlist_offers as offers"
                " join public.waitlist_entries as entry on entry.id = offers.entry_id"
                " where entry.patient_id = %s and offers.status = 'open'",
                [patient],
            )

    return deed


def _give_up(c: Connection, _p: Practice, _s: Row, user: UUID, patient: UUID, _d: UUID) -> None:
    with as_user(c, user):
        c.execute(
            "select public.leave_waitlist(id) from public.waitlist_entries"
            " where patient_id = %s and status in ('waiting', 'offered')",
            [patient],
        )


def _offer(c: Connection, *_: Any) -> None:
    offer(c)


def _expire(c: Connection, *_: Any) -> None:
    c.execute(
        "update public.appointments set hold_expires_at = now() - interval '1 second'"
        " where id = (select id from public.appointments where status = 'held' limit 1)"
        " and status = 'held'"
    )
    expire(c)


def _move(c: Connection, _p: Practice, s: Row, *_: Any) -> None:
    c.execute(
        "update public.group_sessions set starts_at = %s + (random() * 8)::int * interval '1 hour'"
        " where id = %s",
        [at(9), s["id"]],
    )


def _grow(c: Connection, _p: Practice, s: Row, *_: Any) -> None:
    c.execute(
        "update public.group_sessions set capacity = 3 + (random() * 3)::int where id = %s",
        [s["id"]],
    )


DEEDS: list[Deed] = [
    _wait, _free, _offer, _answer("accept_offer"), _join, _leave, _wait, _offer,
    _answer("decline_offer"), _move, _expire, _give_up, _grow,
]  # fmt: skip
