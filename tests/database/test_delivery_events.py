"""What the provider reports: every order ends in one state, again changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.database.test_sent_once import claim, complete
from tests.people import (
    Connection,
    Practice,
    Row,
    as_front_desk,
    as_service,
    as_user,
    at,
    book,
    every,
    make_member,
    make_practice,
    one,
    refused,
)

EVENTS = ("sent", "delivered", "bounced for now", "bounced", "complained", "delivered")
# What the last word is, by what is known.
OUTCOMES = (
    ({"complained"}, "complained"),
    ({"bounced", "bounced for now"}, "bounced"),
    ({"delivered"}, "delivered"),
    ({"sent"}, "sent"),
)


@pytest.fixture
def practice(db: Connection) -> Practice:
    return make_practice(db)


def report(
    db: Connection, message: UUID, event: str, event_id: str | None = None, **arguments: Any
) -> bool:
    with as_service(db):
        recorded: bool = one(
            db,
            "select worker.record_delivery_event(%s, %s, %s, 'provider-1', %s, %s, %s) as done",
            event_id or str(uuid4()),
            event.partition(" ")[0],
            datetime.now(UTC),
            message,
            event == "bounced",
            arguments.get("address"),
        )["done"]
    return recorded


def state(db: Connection, message: UUID) -> tuple[str, str | None]:
    row = one(
        db, "select status::text, last_error from public.notifications where id = %s", message
    )
    return row["status"], row["last_error"]


def sent_message(db: Connection, practice: Practice, hour: float = 9) -> Row:
    book(db, practice, at(hour))
    (message,) = claim(db)
    assert complete(db, message)
    return message


@pytest.mark.parametrize("length", range(1, len(EVENTS) + 1))
def test_every_order_of_the_same_events_ends_in_one_state(
    db: Connection, practice: Practice, length: int
) -> None:
    message = sent_message(db, practice)["notification_id"]
    outcomes: dict[tuple[str, ...], set[tuple[str, str | None]]] = {}
    for order in set(permutations(EVENTS, length)):
        db.execute("savepoint before")
        for event in order:
            report(db, message, event)
        outcomes.setdefault(tuple(sorted(order)), set()).add(state(db, message))
        db.execute("rollback to savepoint before")
    assert outcomes
    for events, found in outcomes.items():
        assert len(found) == 1, events
        expected = next(outcome for known, outcome in OUTCOMES if known & set(events))
        assert next(iter(found))[0] == expected


def test_the_same_event_again_changes_nothing(db: Connection, practice: Practice) -> None:
    message = sent_message(db, practice)["notification_id"]
    assert report(db, message, "delivered", "event-1") is True
    assert report(db, message, "delivered", "event-1") is False
    # Nor does its id under another name.
    assert report(db, message, "bounced", "event-1") is False
    assert state(db, message) == ("delivered", None)


def test_an_event_of_an_unknown_message_or_kind_is_nobodys(
    db: Connection, practice: Practice
) -> None:
    message = sent_message(db, practice)["notification_id"]
    assert report(db, uuid4(), "bounced") is False
    assert report(db, message, "opened") is False
    assert every(db, "select * from private.delivery_events") == []


def test_a_report_that_is_quicker_than_the_worker_settles_the_message(
    db: Connection, practice: Practice
) -> None:
    book(db, practice, at(9))
    (message,) = claim(db)
    report(db, message["notification_id"], "delivered")
    assert claim(db) == []
    assert complete(db, message) is False
    assert state(db, message["notification_id"])[0] == "delivered"


def test_a_message_of_unknown_fate_is_settled_by_its_report(
    db: Connection, practice: Practice
) -> None:
    message = sent_message(db, practice)["notification_id"]
    db.execute(
        "update public.notifications set status = 'dead', sent_at = null,"
        " last_error = 'unknown_fate'"
    )
    report(db, message, "delivered")
    assert state(db, message) == ("delivered", None)


def test_an_address_that_bounced_for_good_is_not_written_to_until_the_office_says_so(
    db: Connection, practice: Practice
) -> None:
    message = sent_message(db, practice)
    address = message["recipient_address"]
    report(db, message["notification_id"], "bounced", address=address.upper())
    assert state(db, message["notification_id"]) == ("bounced", "bounced")
    book(db, practice, at(12))
    assert claim(db) == []
    (held,) = every(
        db, "select id, status::text, last_error from public.notifications where status = 'dead'"
    )
    assert held["last_error"] == "address_suppressed"
    attention = every(db, "select notification_id from public.needs_attention")
    assert held["id"] in {row["notification_id"] for row in attention}
    requeue = "select id from public.requeue_notification(%s)"
    with as_user(db, make_member(db, practice.clinic, "provider")), refused(db, "not_found"):
        db.execute(requeue, [held["id"]])
    with as_front_desk(db, make_member(db, practice.clinic, "front_desk")):
        one(db, requeue, held["id"])
        with refused(db, "illegal_transition"):
            db.execute(requeue, [held["id"]])
    assert [again["notification_id"] for again in claim(db)] == [held["id"]]


def test_a_bounce_for_now_suppresses_nothing(db: Connection, practice: Practice) -> None:
    message = sent_message(db, practice)
    report(db, message["notification_id"], "bounced for now", address=message["recipient_address"])
    book(db, practice, at(12))
    assert len(claim(db)) == 1
