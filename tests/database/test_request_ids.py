"""One `request_id`, any number of calls: one row, and the same answer to all."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any, LiteralString

import psycopg
import pytest

from tests.database.conftest import Connect
from tests.database.test_hold_slot import confirmed, held, let_it_run_out, rival_of
from tests.people import (
    Connection,
    Practice,
    Row,
    as_patient,
    at,
    book,
    call,
    every,
    insert,
    make_practice,
    make_provider,
    make_service,
    one,
    refused,
)

CALLS, CONNECTIONS = 1000, 50


def from_all(connect: Connect, practice: Practice, ask: Callable[[Connection], Any]) -> list[Any]:
    """The answers, or keys, of 1,000 calls by one person over 50 connections that start at once."""
    start = threading.Barrier(CONNECTIONS)
    answers: list[Any] = []

    def hand(connection: Connection) -> None:
        with as_patient(connection, practice.user):
            start.wait()
            for _ in range(CALLS // CONNECTIONS):
                try:
                    answers.append(ask(connection))
                except psycopg.Error as error:
                    answers.append(error.diag.message_primary)

    threads = [threading.Thread(target=hand, args=(connect(),)) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == CALLS
    return answers


@pytest.mark.parametrize("function", ["public.book_appointment", "public.hold_slot"])
def test_a_thousand_calls_are_one_appointment(connect: Connect, function: LiteralString) -> None:
    setup = connect()
    practice = make_practice(setup)
    make_provider(setup, practice.clinic, practice.location, (practice.service,))
    request = uuid.uuid4()

    def ask(connection: Connection) -> Any:
        return call(
            connection,
            function,
            service_id=practice.service,
            provider_id=None,
            starts_at=at(9),
            request_id=request,
        )

    answers = from_all(connect, practice, ask)
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["request_id"] == request
    assert one(setup, "select count(*) from public.appointments")["count"] == 1
    assert one(setup, "select count(*) from public.appointment_events")["count"] == 1


def test_a_thousand_confirmations_of_a_hold_are_one(connect: Connect) -> None:
    setup = connect()
    practice = make_practice(setup)
    with as_patient(setup, practice.user):
        hold = held(setup, practice)
    request = uuid.uuid4()
    answers = from_all(connect, practice, lambda c: confirmed(c, hold, request_id=request))
    assert all(answer == answers[0] for answer in answers)
    assert (answers[0]["id"], answers[0]["version"]) == (hold["id"], 2)


def test_a_thousand_moves_are_one_version(connect: Connect) -> None:
    setup = connect()
    practice = make_practice(setup)
    visit = book(setup, practice, at(9))
    request = uuid.uuid4()

    def ask(connection: Connection) -> Any:
        return call(
            connection,
            "public.reschedule_appointment",
            appointment_id=visit["id"],
            starts_at=at(10),
            request_id=request,
            expected_version=1,
        )

    answers = from_all(connect, practice, ask)
    assert all(answer == answers[0] for answer in answers)
    assert (answers[0]["id"], answers[0]["version"]) == (visit["id"], 2)


def test_of_a_thousand_calls_with_one_id_and_two_times_one_time_wins(connect: Connect) -> None:
    setup = connect()
    practice = make_practice(setup)
    request = uuid.uuid4()

    def ask(connection: Connection) -> Any:
        hours = 9 + connection.info.backend_pid % 2
        return call(
            connection,
            "public.book_appointment",
            service_id=practice.service,
            starts_at=at(hours),
            request_id=request,
        )["starts_at"]

    kinds = Counter(from_all(connect, practice, ask))
    booked = one(setup, "select starts_at from public.appointments")["starts_at"]
    assert set(kinds) <= {booked, "request_id_reused"}
    assert kinds[booked] > 0


def test_the_same_id_with_other_arguments_is_refused(db: Connection) -> None:
    practice = make_practice(db)
    colleague = make_provider(db, practice.clinic, practice.location, (practice.service,))
    request = uuid.uuid4()
    first = {
        "service_id": practice.service,
        "provider_id": practice.provider,
        "starts_at": at(9),
        "request_id": request,
    }
    with as_patient(db, practice.user):
        hold = call(db, "public.hold_slot", **first)
        assert call(db, "public.hold_slot", **first) == hold
        for difference in ({"starts_at": at(10)}, {"provider_id": colleague}):
            with refused(db, "request_id_reused"):
                call(db, "public.hold_slot", **(first | difference))
        with refused(db, "request_id_reused"):
            call(db, "public.book_appointment", **first)
        with refused(db, "request_id_reused"):
            confirmed(db, hold, request_id=request)
        visit = confirmed(db, hold, request_id=uuid.uuid4(), reason="a reason")
        with refused(db, "request_id_reused"):
            confirmed(db, hold, request_id=visit["request_id"], reason="another reason")
        move = {
            "appointment_id": visit["id"],
            "starts_at": at(11),
            "request_id": uuid.uuid4(),
        }
        call(db, "public.reschedule_appointment", **move)
        with refused(db, "request_id_reused"):
            call(db, "public.reschedule_appointment", **(move | {"starts_at": at(12)}))


def replays(db: Connection, practice: Practice) -> dict[str, Callable[[], Row]]:
    """Each function that takes a request_id and answers with one visit, with its arguments."""
    workshop = make_service(db, practice.clinic, capacity=3)
    trainer = make_provider(db, practice.clinic, practice.location, (workshop,))
    session = insert(
        db,
        "public.group_sessions",
        service_id=workshop,
        provider_id=trainer,
        starts_at=at(9, days=3),
    )["id"]
    with as_patient(db, practice.user):
        hold = held(db, practice, 11)
    wanted = {"service_id": practice.service, "request_id": uuid.uuid4()}
    keeping, confirmation = uuid.uuid4(), uuid.uuid4()
    seat = {"session_id": session, "request_id": uuid.uuid4()}
    return {
        "book_appointment": lambda: call(db, "public.book_appointment", starts_at=at(9), **wanted),
        "hold_slot": lambda: held(db, practice, 10, request_id=keeping),
        "confirm": lambda: confirmed(db, hold, request_id=confirmation),
        "join_session": lambda: call(db, "public.join_session", **seat),
    }


ANSWERED = ["book_appointment", "hold_slot", "confirm", "join_session"]


@pytest.mark.parametrize("function", ANSWERED)
def test_an_answer_that_was_removed_since_is_not_found(db: Connection, function: str) -> None:
    practice = make_practice(db)
    ask = replays(db, practice)[function]
    with as_patient(db, practice.user):
        visit = ask()
    db.execute("update public.appointments set status = 'cancelled' where id = %s", [visit["id"]])
    with as_patient(db, practice.user):
        assert ask()["status"] == "cancelled"
    db.execute("update public.notifications set status = 'skipped'")
    db.execute("delete from public.appointments where id = %s", [visit["id"]])
    with as_patient(db, practice.user), refused(db, "not_found"):
        ask()


@pytest.mark.parametrize("function", ANSWERED)
def test_the_session_s_time_zone_is_no_argument(db: Connection, function: str) -> None:
    practice = make_practice(db)
    ask = replays(db, practice)[function]
    with as_patient(db, practice.user):
        first = ask()
        db.execute("set local time zone 'Asia/Kathmandu'")
        assert ask() == first


def test_nor_is_it_one_of_a_move_or_a_series(db: Connection) -> None:
    practice = make_practice(db)
    visit = book(db, practice, at(9))
    move = {"appointment_id": visit["id"], "starts_at": at(10), "request_id": uuid.uuid4()}
    series = {
        "service_id": practice.service,
        "starts_at": at(15),
        "rule": "FREQ=DAILY;COUNT=2",
        "request_id": uuid.uuid4(),
    }
    with as_patient(db, practice.user):
        moved = call(db, "public.reschedule_appointment", **move)
        begun = call(db, "public.book_series", **series)
        db.execute("set local time zone 'America/St_Johns'")
        assert call(db, "public.reschedule_appointment", **move) == moved
        assert call(db, "public.book_series", **series) == begun


def test_a_refused_hold_or_confirmation_may_be_tried_again(db: Connection) -> None:
    practice = make_practice(db)
    rival = rival_of(db, practice)
    with as_patient(db, rival.user):
        obstacle = held(db, rival)
    request = uuid.uuid4()
    with as_patient(db, practice.user), refused(db, "slot_taken"):
        held(db, practice, request_id=request)
    let_it_run_out(db, obstacle)
    with as_patient(db, practice.user):
        assert held(db, practice, request_id=request)["request_id"] == request


def test_what_was_asked_is_not_kept(db: Connection) -> None:
    practice = make_practice(db)
    with as_patient(db, practice.user):
        confirmed(db, held(db, practice), request_id=uuid.uuid4(), reason="an unmistakable reason")
    assert "unmistakable" not in str(every(db, "select * from private.requests"))
