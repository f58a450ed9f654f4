"""The workers' RPCs: what they hand out, how failures are retried, who may call them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.database.test_sent_once import claim, complete, let_the_lease_run_out, states
from tests.database.test_unknown_fate import begin, let_a_day_pass
from tests.people import (
    Connection,
    Row,
    as_anon,
    as_front_desk,
    as_service,
    as_user,
    at,
    book,
    denied,
    every,
    make_member,
    make_practice,
    one,
    refused,
)

TAKE = (
    "select id from private.take_from(0::smallint, 50, '-infinity',"
    " '00000000-0000-0000-0000-000000000000')"
)
LEASE = (
    "update public.notifications set status = 'sending', lease_id = gen_random_uuid(),"
    " leased_until = now() + interval '1 minute' where id = any(%s)"
)


def fail(db: Connection, message: Row, **arguments: object) -> str | None:
    with as_service(db):
        result: str | None = one(
            db,
            "select worker.fail_notification(%s, %s, %s, %s, %s, false, %s) as status",
            message["notification_id"],
            message["lease_id"],
            arguments.get("error", "provider_500"),
            arguments.get("retry_after_seconds"),
            arguments.get("permanent", False),
            arguments.get("closed", False),
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


def rest(db: Connection, seconds: float) -> None:
    """As if looking through all of the queue had taken long: so long not again."""
    db.execute(
        "select setval(('private.queue_rests_' || level)::regclass,"
        " ((extract(epoch from clock_timestamp()) + %s) * 1000000)::bigint)"
        " from generate_series(0, 2) as level",
        [seconds],
    )


def test_what_came_late_is_found_by_the_next_claim_unless_looking_at_all_takes_long(
    db: Connection,
) -> None:
    practice = make_practice(db)
    book(db, practice, at(9))
    assert len(claim(db)) == 1
    book(db, practice, at(11))
    db.execute(
        "update public.notifications set due_at = now() - interval '1 hour' where status = 'queued'"
    )
    rest(db, 10)
    assert claim(db) == []
    # An hour ahead: since it was written the clock was set back.
    rest(db, 3600)
    assert len(claim(db)) == 1


def test_all_of_the_queue_is_looked_through_for_a_twentieth_of_the_time_once_it_is_large(
    db: Connection,
) -> None:
    rests = "select private.queue_rests_until(%s, %s, %s) as until"
    assert one(db, rests, 100, 101, 2**20)["until"] == 101
    assert one(db, rests, 100, 100.5, 2**23)["until"] == 110.5
    assert one(db, rests, 100, 105, 2**23)["until"] == 130


def test_failures_wait_longer_each_time_until_the_message_is_dead(db: Connection) -> None:
    book(db, make_practice(db), at(9))
    waited = timedelta()
    for attempt in range(47):
        (message,) = claim(db)
        assert fail(db, message) == "queued"
        least = timedelta(seconds=15 * 2 ** min(attempt, 6))
        assert least <= wait(db) <= 1.25 * least
        waited += wait(db)
        make_due(db)
    assert waited > timedelta(hours=10)
    (message,) = claim(db)
    assert fail(db, message) == "dead"
    assert states(db) == [("dead", "provider_500")]
    assert claim(db) == []


def test_what_failed_together_does_not_come_back_together(db: Connection) -> None:
    practice = make_practice(db)
    for hour in range(8):
        book(db, practice, at(hour))
    for message in claim(db):
        fail(db, message)
    assert one(db, "select count(distinct due_at) as n from public.notifications")["n"] == 8


def test_while_nobodys_mail_is_taken_no_try_counts_and_people_see_it(db: Connection) -> None:
    practice = make_practice(db)
    book(db, practice, at(9))
    for _ in range(20):
        (message,) = claim(db)
        assert message["attempts"] == 1
        assert fail(db, message, error="401:invalid_api_key", closed=True) == "queued"
        make_due(db)
    (shown,) = every(db, "select what, detail from public.needs_attention")
    assert shown["what"] == "message keeps failing"
    assert "401:invalid_api_key" in shown["detail"]
    (message,) = claim(db)
    assert complete(db, message)
    assert every(db, "select from public.needs_attention") == []


def test_operators_are_told_why_no_mail_can_be_sent_until_one_is_taken_again(
    db: Connection,
) -> None:
    def told() -> str | None:
        with as_service(db):
            reason: str | None = one(db, "select * from worker.queue_depth()")["closed_because"]
        return reason

    def let_three_minutes_pass(tried: bool) -> None:
        db.execute(
            "update private.sending_budget set closed_since = closed_since - interval '3 minutes',"
            " free_at = free_at - interval '3 minutes'"
        )
        if tried:
            refuse()

    def refuse() -> None:
        with as_service(db):
            db.execute("select worker.pause_sending(30, '401:invalid_api_key')")

    book(db, make_practice(db), at(9))
    refuse()
    assert told() is None
    db.execute("update private.sending_budget set closed_since = now() - interval '1 minute'")
    refuse()
    assert told() is None
    db.execute("update private.sending_budget set closed_since = now() - interval '3 minutes'")
    refuse()
    assert told() == "401:invalid_api_key"
    # Nobody has tried since: nothing is known.
    let_three_minutes_pass(tried=False)
    assert told() is None
    # After some quiet it is another closure.
    let_three_minutes_pass(tried=True)
    assert told() is None
    db.execute("update private.sending_budget set closed_since = now() - interval '3 minutes'")
    assert told() == "401:invalid_api_key"
    (message,) = claim(db)
    assert complete(db, message)
    assert told() is None


def test_a_message_that_kills_its_workers_is_isolated_and_given_up(db: Connection) -> None:
    practice = make_practice(db)
    book(db, practice, at(9))
    (poison,) = claim(db)
    for hour in (10, 11, 12):
        book(db, practice, at(hour))
    sent: list[Row] = []
    deaths = 1
    while sorted({status for status, _ in states(db)}) != ["dead", "sent"]:
        let_the_lease_run_out(db)
        while claimed := claim(db):
            # Who writes the poison dies with all that came with it.
            if poison["notification_id"] in {row["notification_id"] for row in claimed}:
                deaths += 1
            else:
                assert all(complete(db, message) for message in claimed)
                sent += claimed
        assert deaths <= 6
    given_up = one(
        db,
        "select status::text, last_error from public.notifications where id = %s",
        poison["notification_id"],
    )
    assert given_up == {"status": "dead", "last_error": "workers_lost"}
    assert (len(sent), deaths) == (3, 6)
    with as_service(db):
        assert one(db, "select worker.requeue_notification(%s) as done", poison["notification_id"])[
            "done"
        ]
    assert len(claim(db)) == 1


def test_the_office_gives_all_that_was_given_up_a_new_start(db: Connection) -> None:
    practice, elsewhere = make_practice(db), make_practice(db)
    for hour, error in enumerate(("provider_500", "address_suppressed")):
        book(db, practice, at(hour))
        (message,) = claim(db)
        fail(db, message, error=error, permanent=True)
    book(db, elsewhere, at(9))
    (message,) = claim(db)
    fail(db, message, permanent=True)
    requeue = "select public.requeue_dead_notifications(%s) as n"
    with (
        as_user(db, make_member(db, practice.clinic, "provider")),
        refused(db, "not_found"),
    ):
        db.execute(requeue, [practice.clinic])
    with (
        as_front_desk(db, make_member(db, elsewhere.clinic, "front_desk")),
        refused(db, "not_found"),
    ):
        db.execute(requeue, [practice.clinic])
    with as_front_desk(db, make_member(db, practice.clinic, "front_desk")):
        assert one(db, requeue, practice.clinic)["n"] == 1
        assert one(db, requeue, practice.clinic)["n"] == 0
    (again,) = claim(db)
    assert again["starts_at"] == at(0)


def test_what_may_have_arrived_gets_a_new_start_with_all_as_long_as_it_is_the_same_mail(
    db: Connection,
) -> None:
    practice = make_practice(db)
    book(db, practice, at(9))
    desk = make_member(db, practice.clinic, "front_desk")

    def try_in_vain() -> None:
        (message,) = claim(db)
        (turn,) = begin(db, message)
        assert turn["sending_key"] == str(message["notification_id"])
        assert fail(db, message, error="timeout", permanent=True) == "dead"
        assert states(db) == [("dead", "unknown_fate")]

    def requeued() -> int:
        with as_front_desk(db, desk):
            n: int = one(db, "select public.requeue_dead_notifications(%s) as n", practice.clinic)[
                "n"
            ]
        return n

    try_in_vain()
    assert requeued() == 1
    try_in_vain()
    let_a_day_pass(db)
    assert requeued() == 0
    # Nor when it is so long ago that the letter is gone.
    db.execute("delete from private.notification_payloads")
    assert requeued() == 0


def test_a_long_backlog_of_what_must_not_be_sent_is_settled_bit_by_bit(db: Connection) -> None:
    practice = make_practice(db)
    visit = book(db, practice, at(9), status="cancelled")
    db.execute(
        "insert into public.notifications (clinic_id, appointment_id, appointment_version, kind,"
        " recipient_id, reminder_minutes) select %s, %s, 1, 'reminder', %s, minutes"
        " from generate_series(1, 5000) as minutes",
        [practice.clinic, visit["id"], practice.patient],
    )
    waiting, most = 5000, 0
    while waiting:
        db.execute("delete from realtime.messages")
        assert claim(db, batch=100) == []
        left = one(db, "select count(*) as n from private.notification_queue")["n"]
        assert left < waiting
        most = max(most, waiting - left)
        waiting = left
        # Whoever leaves some wakes all workers.
        woken = every(db, "select from realtime.messages where event = 'work_due'")
        assert woken or waiting == 0
    assert most <= 2000


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


def rows_read(db: Connection) -> int:
    """Of the queue and the ledger, by this transaction so far."""
    read: int = one(
        db,
        "select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int as read"
        " from pg_stat_xact_all_tables where relname in ('notification_queue', 'notifications')",
    )["read"]
    return read


@contextmanager
def reading_at_most(db: Connection, rows: int) -> Iterator[None]:
    """Fails if more of the queue and the ledger was read meanwhile."""
    before = rows_read(db)
    yield
    assert rows_read(db) - before <= rows


@pytest.mark.parametrize("counted", ["empty", "long"])
def test_taking_some_reads_no_more_of_a_long_queue_than_those(
    database_url: str, counted: str
) -> None:
    add = (
        "insert into public.notifications (kind, status, sent_at, due_at)"
        " select 'log_in', %s, %s, now() from generate_series(1, %s)"
    )
    with psycopg.connect(database_url) as db:
        # Empty, but not as before its first message: there are pages, and nothing in them.
        db.execute(add, ["queued", None, 3_000])
        db.execute("update public.notifications set status = 'sent', sent_at = now()")
        db.execute(add, ["sent", at(0), 20_000])
        db.execute("analyze private.notification_queue, public.notifications")
        db.execute(add, ["queued", None, 3_000])
        if counted == "long":
            db.execute("analyze private.notification_queue")
        # Each in the queue, in the ledger, and there once more under its lock.
        with reading_at_most(db, 3 * 50):
            taken = [row["id"] for row in every(db, TAKE)]
        assert len(taken) == 50
        with reading_at_most(db, 4 * 50):
            db.execute(LEASE, [taken])
        leased = every(
            db, "select id, lease_id from public.notifications where id = any(%s)", taken
        )
        messages = [
            {"notification_id": str(row["id"]), "lease_id": str(row["lease_id"])} for row in leased
        ]
        with reading_at_most(db, 4 * 50):
            db.execute("select from private.requests_for(%s)", [Jsonb(messages)])
        with reading_at_most(db, 6 * 50):
            db.execute(
                "select private.complete(%s, %s, %s)",
                [taken, [row["lease_id"] for row in leased], ["provider"] * len(taken)],
            )
        with reading_at_most(db, 6 * 50):
            db.execute("delete from public.notifications where id = any(%s)", [taken])
        db.rollback()
