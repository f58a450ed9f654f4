"""What the provider reports: every order ends in one state, again changes nothing."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from math import perm
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.database.test_sent_once import claim, complete
from tests.database.test_unknown_fate import begin
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

EVENTS = ("sent", "delivered", "failed", "bounced for now", "suppressed", "bounced", "complained")
# What the last word is, and why, by the weightiest of what is known.
OUTCOMES = {
    "complained": ("complained", "complained"),
    "bounced": ("bounced", "bounced"),
    "suppressed": ("bounced", "suppressed"),
    "bounced for now": ("bounced", "bounced_for_now"),
    "failed": ("bounced", "failed"),
    "delivered": ("delivered", None),
    "sent": ("sent", None),
}


@pytest.fixture
def practice(db: Connection) -> Practice:
    return make_practice(db)


def report(
    db: Connection, message: UUID, event: str, event_id: str | None = None, **arguments: Any
) -> bool:
    with as_service(db):
        return record(db, message, event, event_id, **arguments)


def record(
    db: Connection, message: UUID, event: str, event_id: str | None = None, **arguments: Any
) -> bool:
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


def test_every_order_of_up_to_six_events_ends_in_what_the_weightiest_says(
    db: Connection, practice: Practice
) -> None:
    message = sent_message(db, practice)["notification_id"]
    ended: Counter[tuple[str, str | None]] = Counter()

    def go_on_from(told: tuple[str, ...]) -> None:
        for event in EVENTS:
            if event in told:
                continue
            known = (*told, event)
            with db.transaction(force_rollback=True):
                record(db, message, event)
                found = state(db, message)
                assert found == next(OUTCOMES[one] for one in OUTCOMES if one in known), known
                ended[found] += 1
                if len(known) < 6:
                    go_on_from(known)

    with as_service(db):
        go_on_from(())
    assert set(ended) == set(OUTCOMES.values())
    assert ended.total() == sum(perm(len(EVENTS), length) for length in range(1, 7))


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


def requeue(db: Connection, practice: Practice, message: UUID) -> None:
    with as_front_desk(db, make_member(db, practice.clinic, "front_desk")):
        db.execute("select public.requeue_notification(%s)", [message])


def key_of_next_try(db: Connection) -> str:
    (message,) = claim(db)
    (turn,) = begin(db, message)
    assert complete(db, message)
    key: str = turn["sending_key"]
    return key


def test_what_came_back_is_sent_again_as_another_mail(db: Connection, practice: Practice) -> None:
    message = sent_message(db, practice)["notification_id"]
    for number in (1, 2):
        report(db, message, "bounced")
        requeue(db, practice, message)
        assert key_of_next_try(db) == f"{message}-{number}"


def test_what_nobody_got_keeps_its_key(db: Connection, practice: Practice) -> None:
    book(db, practice, at(9))
    (message,) = claim(db)
    with as_service(db):
        db.execute(
            "select worker.fail_notification(%s, %s, '422:validation_error', null, true, true)",
            [message["notification_id"], message["lease_id"]],
        )
    requeue(db, practice, message["notification_id"])
    assert key_of_next_try(db) == str(message["notification_id"])


def test_a_late_report_about_the_mail_that_came_back_says_nothing_about_the_next(
    db: Connection, practice: Practice
) -> None:
    message = sent_message(db, practice)["notification_id"]
    report(db, message, "bounced")
    requeue(db, practice, message)
    report(db, message, "delivered")
    assert state(db, message)[0] == "queued"
    (again,) = claim(db)
    with as_service(db):
        db.execute(
            "select worker.complete_notification(%s, %s, 'provider-2')",
            [message, again["lease_id"]],
        )
    report(db, message, "complained")
    assert state(db, message)[0] == "sent"


def test_a_late_report_about_what_went_to_the_old_address_says_nothing_about_the_new_letter(
    db: Connection, practice: Practice
) -> None:
    book(db, practice, at(9))
    (message,) = claim(db)
    begin(db, message)
    with as_service(db):
        db.execute(
            "select worker.fail_notification(%s, %s, 'timeout', null, true)",
            [message["notification_id"], message["lease_id"]],
        )
    db.execute("update public.patients set email = 'Right@patients.example'")
    message_id, old = message["notification_id"], message["recipient_address"]
    requeue(db, practice, message_id)
    report(db, message_id, "delivered", address=old)
    assert state(db, message_id)[0] == "queued"
    (again,) = claim(db)
    report(db, message_id, "sent", address="right@patients.example")
    assert state(db, message_id)[0] == "sending"
    begin(db, again)
    report(db, message_id, "bounced", address=old)
    assert state(db, message_id)[0] == "sending"
    report(db, message_id, "sent", address="right@patients.example")
    assert state(db, message_id)[0] == "sent"


def test_one_clinics_new_try_is_no_other_clinics(db: Connection, practice: Practice) -> None:
    elsewhere = make_practice(db)
    db.execute("update public.patients set email = 'pat@patients.example'")
    message = sent_message(db, practice)["notification_id"]
    report(db, message, "bounced", address="pat@patients.example")
    requeue(db, practice, message)
    book(db, practice, at(12))
    book(db, elsewhere, at(9))
    claimed = claim(db)
    assert {row["clinic_name"] for row in claimed} == {
        one(db, "select name from public.clinics where id = %s", practice.clinic)["name"]
    }
    assert len(claimed) == 2
    # It comes back again: that clinic, too, is asked anew.
    report(db, message, "bounced", address="pat@patients.example")
    book(db, practice, at(15))
    assert claim(db) == []


@pytest.mark.parametrize(
    ("event", "is_held_back"),
    [("bounced for now", False), ("failed", False), ("suppressed", True), ("complained", True)],
)
def test_only_what_says_something_about_the_address_holds_back_later_mail(
    db: Connection, practice: Practice, event: str, is_held_back: bool
) -> None:
    message = sent_message(db, practice)
    report(db, message["notification_id"], event, address=message["recipient_address"])
    book(db, practice, at(12))
    assert (claim(db) == []) is is_held_back


@pytest.mark.parametrize("event", ["failed", "suppressed"])
def test_what_was_taken_but_never_sent_is_told_to_the_office(
    db: Connection, practice: Practice, event: str
) -> None:
    message = sent_message(db, practice)["notification_id"]
    report(db, message, event)
    (waiting,) = every(db, "select what, detail, notification_id from public.needs_attention")
    assert (waiting["what"], waiting["notification_id"]) == ("message not sent", message)
    assert f"({event})" in waiting["detail"]
