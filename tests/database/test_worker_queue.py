"""The workers' RPCs: what they hand out, how failures are retried, who may call them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.database.test_sent_once import claim, states
from tests.people import (
    Connection,
    Row,
    as_anon,
    as_service,
    as_user,
    at,
    book,
    denied,
    make_member,
    make_practice,
    one,
    refused,
)


def fail(db: Connection, message: Row, **arguments: object) -> str | None:
    with as_service(db):
        result: str | None = one(
            db,
            "select worker.fail_notification(%s, %s, 'provider_500', %s, %s) as status",
            message["notification_id"],
            message["lease_id"],
            arguments.get("retry_after_seconds"),
            arguments.get("permanent", False),
        )["status"]
        return result


def wait(db: Connection) -> timedelta:
    """How long the one message waits from now."""
    pause: timedelta = one(db, "select due_at - now() as pause from public.notifications")["pause"]
    return pause


def make_due(db: Connection) -> None:
    db.execute("update public.notifications set due_at = now() where status = 'queued'")


def test_a_claim_has_everything_a_mail_needs(db: Connection) -> None:
    practice = make_practice(db)
    visit = book(db, practice, at(9))
    (message,) = claim(db)
    patient = one(db, "select * from public.patients where id = %s", practice.patient)
    assert message["recipient_address"] == patient["email"]
    assert message["recipient_name"] == "Pat Test"
    assert (message["kind"], message["channel"], message["locale"]) == (
        "confirmation",
        "email",
        "en",
    )
    assert (message["appointment_id"], message["appointment_version"]) == (visit["id"], 1)
    assert (message["starts_at"], message["ends_at"]) == (at(9), at(9.5))
    assert (message["time_zone"], message["attempts"]) == ("UTC", 1)
    for name in ("clinic_name", "location_name", "provider_name", "service_name"):
        assert message[name]


def test_the_longest_waiting_goes_first_and_no_more_than_asked_for(db: Connection) -> None:
    practice = make_practice(db)
    for hour in (9, 10, 11):
        book(db, practice, at(hour))
        db.execute("update public.notifications set due_at = due_at - interval '1 minute'")
    assert [message["starts_at"] for message in claim(db, batch=2)] == [at(9), at(10)]


def test_failures_wait_longer_each_time_until_the_message_is_dead(db: Connection) -> None:
    book(db, make_practice(db), at(9))
    pauses = []
    for _ in range(7):
        (message,) = claim(db)
        assert fail(db, message) == "queued"
        pauses.append(wait(db))
        make_due(db)
    assert pauses == [timedelta(seconds=15 * 2**attempt) for attempt in range(7)]
    (message,) = claim(db)
    assert fail(db, message) == "dead"
    assert states(db) == [("dead", "provider_500")]
    assert claim(db) == []


def test_the_provider_may_say_when_to_come_back(db: Connection) -> None:
    book(db, make_practice(db), at(9))
    (message,) = claim(db)
    assert fail(db, message, retry_after_seconds=3) == "queued"
    assert wait(db) == timedelta(seconds=3)


def test_a_permanent_failure_is_dead_at_once_and_a_person_can_requeue_it(db: Connection) -> None:
    book(db, make_practice(db), at(9))
    (message,) = claim(db)
    assert fail(db, message, permanent=True) == "dead"
    requeue = "select worker.requeue_notification(%s) as done"
    with as_service(db):
        assert one(db, requeue, message["notification_id"])["done"] is True
        assert one(db, requeue, message["notification_id"])["done"] is False
    (again,) = claim(db)
    assert again["attempts"] == 1


def test_failing_without_the_lease_changes_nothing(db: Connection) -> None:
    book(db, make_practice(db), at(9))
    (message,) = claim(db)
    assert fail(db, message | {"lease_id": message["notification_id"]}) is None
    assert states(db) == [("sending", None)]


def test_the_depth_counts_what_waits(db: Connection) -> None:
    practice = make_practice(db)
    for hour in (9, 10, 11):
        book(db, practice, at(hour))
    (first, _) = claim(db, batch=2)
    fail(db, first, permanent=True)
    with as_service(db):
        depth = one(db, "select * from worker.queue_depth()")
    assert (depth["queued"], depth["sending"], depth["dead"]) == (1, 1, 1)
    assert depth["oldest_due_at"] is not None


@pytest.mark.parametrize(("batch", "lease"), [(0, 60), (1001, 60), (20, 0), (None, 60), (20, -5)])
def test_a_senseless_claim_is_refused(db: Connection, batch: int | None, lease: int | None) -> None:
    with as_service(db), refused(db, "invalid_input"):
        db.execute("select worker.claim_notifications(%s, %s)", [batch, lease])


def test_nobody_else_reaches_the_queue(db: Connection) -> None:
    owner = make_member(db, make_practice(db).clinic, "owner")
    for caller in (as_user(db, owner), as_anon(db)):
        with caller, denied(db):
            db.execute("select worker.claim_notifications()")
