"""Batches: messages that share a request are tried again together and under the same key."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from tests.database.test_sent_once import complete, let_the_lease_run_out
from tests.people import (
    Connection,
    Practice,
    Row,
    as_service,
    at,
    book,
    every,
    make_patient,
    make_practice,
    one,
)

REMEMBERED = 82800


@pytest.fixture
def practice(db: Connection) -> Practice:
    """A clinic that reminds once, of five visits, all of it due, confirmations long sent."""
    practice = make_practice(db)
    db.execute("update public.clinics set reminder_offsets_minutes = '{120}'")
    for hour in (1, 3, 5, 7, 9):
        book(db, practice, at(hour))
    db.execute("delete from public.notifications where kind <> 'reminder'")
    db.execute("update public.notifications set due_at = now()")
    return practice


def claim(
    db: Connection, batch: int = 20, bulk: int | None = 100, remembered: int = REMEMBERED
) -> list[Row]:
    with as_service(db):
        return every(
            db,
            "select * from worker.claim_notifications(%s, 60, %s, %s)",
            batch,
            remembered,
            bulk,
        )


def begin(db: Connection, messages: list[Row], **arguments: Any) -> list[Row]:
    given = [
        {
            "notification_id": str(message["notification_id"]),
            "lease_id": str(message["lease_id"]),
            "frozen": {"to": message["recipient_address"], "subject": "As first written"},
            "bulk": arguments.get("bulk", True),
        }
        for message in messages
    ]
    with as_service(db):
        return every(
            db,
            "select * from worker.begin_sending(%s, %s::numeric, %s::numeric)",
            json.dumps(given),
            arguments.get("per_second", 100_000),
            arguments.get("within", 10),
        )


def begun_batch(db: Connection) -> tuple[UUID, list[Row]]:
    """The messages that a worker took, with the batch they are in."""
    messages = claim(db)
    (batch,) = {turn["batch_id"] for turn in begin(db, messages)}
    assert batch is not None
    return batch, messages


def fail(db: Connection, messages: list[Row], **arguments: Any) -> set[str]:
    with as_service(db):
        rows = every(
            db,
            "select * from worker.fail_notifications(%s, %s, %s, 0, %s, %s, %s, %s)",
            [message["notification_id"] for message in messages],
            [message["lease_id"] for message in messages],
            arguments.get("error", "timeout"),
            arguments.get("permanent", False),
            arguments.get("refused", False),
            arguments.get("alone", False),
            arguments.get("closed", False),
        )
    return {row["status"] for row in rows}


def ids(messages: list[Row]) -> set[UUID]:
    return {message["notification_id"] for message in messages}


def let_the_batch_be_due(db: Connection) -> None:
    let_the_lease_run_out(db)
    db.execute("update private.sending_batches set ready_at = now() - interval '1 second'")


def cancel_one(db: Connection) -> None:
    db.execute("update public.appointments set status = 'cancelled' where starts_at = %s", [at(5)])
    db.execute("delete from public.notifications where kind <> 'reminder'")


def let_one_be_of_unknown_fate(db: Connection, practice: Practice) -> UUID:
    """One member of a failed batch has another address when the batch is claimed again; the others
    are tried once more, in vain, and wait."""
    other = make_patient(db, practice.clinic)
    changed: UUID = one(
        db,
        "update public.notifications set recipient_id = %s where id = (select id from"
        " public.notifications order by id limit 1) returning id",
        other,
    )["id"]
    again = claim(db)
    begin(db, again)
    fail(db, again)
    db.execute("update private.sending_batches set ready_at = now() + interval '1 minute'")
    assert statuses(db)["dead", "unknown_fate"] == 1
    return changed


def statuses(db: Connection) -> dict[tuple[str, str | None], int]:
    rows = every(
        db,
        "select status::text, last_error, count(*) from public.notifications"
        " group by status, last_error",
    )
    return {(row["status"], row["last_error"]): row["count"] for row in rows}


def batches(db: Connection) -> int:
    return int(one(db, "select count(*) as n from private.sending_batches")["n"])


def test_reminders_share_one_request_and_one_turn(db: Connection, practice: Practice) -> None:
    turns = begin(db, claim(db), per_second=1)
    assert len(turns) == 5
    assert {float(turn["starts_in"]) for turn in turns} == {0}
    assert len({turn["batch_id"] for turn in turns}) == 1


def test_a_request_takes_a_hundred_at_most(db: Connection, practice: Practice) -> None:
    db.execute("delete from public.notifications")
    db.execute(
        "insert into public.notifications (clinic_id, appointment_id, appointment_version, kind,"
        " recipient_id, reminder_minutes, due_at)"
        " select clinic_id, id, 1, 'reminder', patient_id, minutes, now() + interval '1 hour'"
        " from (select * from public.appointments limit 1) as visit,"
        " generate_series(5, 154) as minutes"
    )
    # A reminder that is due replaces the visit's earlier ones; here they only fill the request.
    db.execute(
        "update public.notifications set status = 'sending', lease_id = gen_random_uuid(),"
        " leased_until = now() + interval '1 minute'"
    )
    messages = every(
        db,
        "select id as notification_id, lease_id, 'ada@example.org' as recipient_address"
        " from public.notifications",
    )
    turns = begin(db, messages, per_second=1)
    sizes: dict[tuple[UUID, float], int] = {}
    for turn in turns:
        key = (turn["batch_id"], float(turn["starts_in"]))
        sizes[key] = sizes.get(key, 0) + 1
    assert sorted(sizes.values()) == [50, 100]
    assert {starts_in for _, starts_in in sizes} == {0, 1}


def test_a_confirmation_goes_alone_and_first(db: Connection, practice: Practice) -> None:
    book(db, practice, at(15))
    assert [message["kind"] for message in claim(db, batch=1)] == ["confirmation"]
    let_the_lease_run_out(db)
    messages = claim(db, batch=2)
    assert messages[0]["kind"] == "confirmation"
    assert len(messages) == 6
    turns = {turn["notification_id"]: turn for turn in begin(db, messages, per_second=1)}
    first = turns[messages[0]["notification_id"]]
    assert (first["batch_id"], float(first["starts_in"])) == (None, 0)
    assert {float(turns[message["notification_id"]]["starts_in"]) for message in messages[1:]} == {
        1
    }


def test_what_cannot_share_goes_alone(db: Connection, practice: Practice) -> None:
    assert {turn["batch_id"] for turn in begin(db, claim(db), bulk=False)} == {None}
    assert batches(db) == 0


def test_a_dead_workers_batch_is_taken_over_whole_with_the_same_letters(
    db: Connection, practice: Practice
) -> None:
    batch, messages = begun_batch(db)
    assert claim(db) == []
    let_the_batch_be_due(db)
    taken = claim(db, batch=1)
    assert ids(taken) == ids(messages)
    assert {message["frozen"]["subject"] for message in taken} == {"As first written"}
    assert {turn["batch_id"] for turn in begin(db, taken)} == {batch}
    for message in taken:
        assert complete(db, message)
    assert statuses(db) == {("sent", None): 5}
    assert batches(db) == 0
    assert every(db, "select * from private.notification_payloads") == []


def test_who_knows_no_batches_leaves_them_to_others(db: Connection, practice: Practice) -> None:
    begun_batch(db)
    let_the_batch_be_due(db)
    assert claim(db, bulk=None) == []
    assert claim(db, bulk=0) == []


def test_two_workers_do_not_share_a_batch(db: Connection, practice: Practice) -> None:
    begun_batch(db)
    let_the_batch_be_due(db)
    assert len(claim(db)) == 5
    assert claim(db) == []


def test_a_failed_batch_waits_and_is_tried_again_together(
    db: Connection, practice: Practice
) -> None:
    batch, messages = begun_batch(db)
    assert fail(db, messages) == {"queued"}
    again = claim(db)
    assert ids(again) == ids(messages)
    assert {turn["batch_id"] for turn in begin(db, again)} == {batch}


def test_a_batch_that_is_refused_for_one_of_its_messages_is_tried_one_by_one(
    db: Connection, practice: Practice
) -> None:
    _, messages = begun_batch(db)
    assert fail(db, messages, error="422:validation_error", refused=True, alone=True) == {"queued"}
    assert batches(db) == 0
    again = claim(db)
    assert ids(again) == ids(messages)
    assert {turn["batch_id"] for turn in begin(db, again)} == {None}


def test_what_may_have_arrived_in_a_batch_is_never_tried_alone(
    db: Connection, practice: Practice
) -> None:
    _, messages = begun_batch(db)
    fail(db, messages)
    again = claim(db)
    begin(db, again)
    fail(db, again, error="422:validation_error", refused=True, alone=True)
    assert claim(db) == []
    assert statuses(db) == {("dead", "unknown_fate"): 5}
    with as_service(db):
        db.execute("select worker.requeue_notification(%s)", [messages[0]["notification_id"]])
    assert claim(db) == []


def test_who_cancels_meanwhile_is_left_out_and_the_others_keep_their_key(
    db: Connection, practice: Practice
) -> None:
    batch, messages = begun_batch(db)
    cancel_one(db)
    let_the_batch_be_due(db)
    again = claim(db)
    assert len(again) == 4
    assert ids(again) < ids(messages)
    assert {turn["batch_id"] for turn in begin(db, again)} == {batch}


def test_one_report_settles_the_whole_batch(db: Connection, practice: Practice) -> None:
    _, messages = begun_batch(db)
    with as_service(db):
        db.execute(
            "select worker.record_delivery_event('event-1', 'delivered', now(), 'mail-1', %s)",
            [messages[2]["notification_id"]],
        )
    let_the_batch_be_due(db)
    assert claim(db) == []
    assert statuses(db) == {("sent", None): 4, ("delivered", None): 1}
    assert (batches(db), every(db, "select * from private.notification_payloads")) == (0, [])


def test_a_report_about_one_that_was_taken_out_settles_the_rest(
    db: Connection, practice: Practice
) -> None:
    _, messages = begun_batch(db)
    fail(db, messages)
    cancelled = let_one_be_of_unknown_fate(db, practice)
    with as_service(db):
        db.execute(
            "select worker.record_delivery_event('event-1', 'delivered', now(), 'mail-1', %s)",
            [cancelled],
        )
    let_the_batch_be_due(db)
    assert claim(db) == []
    assert statuses(db) == {("sent", None): 4, ("delivered", None): 1}


def test_what_was_sent_alone_after_its_batch_proves_nothing_about_the_others(
    db: Connection, practice: Practice
) -> None:
    batch, messages = begun_batch(db)
    fail(db, messages)
    corrected = let_one_be_of_unknown_fate(db, practice)
    with as_service(db):
        db.execute("select worker.requeue_notification(%s)", [corrected])
    (alone,) = claim(db)
    assert ids([alone]) == {corrected}
    assert {turn["batch_id"] for turn in begin(db, [alone])} == {None}
    assert complete(db, alone)
    let_the_batch_be_due(db)
    rest = claim(db)
    assert ids(rest) == ids(messages) - {corrected}
    assert {turn["batch_id"] for turn in begin(db, rest)} == {batch}


def test_a_batch_of_which_one_is_known_to_have_arrived_is_not_tried_again(
    db: Connection, practice: Practice
) -> None:
    _, messages = begun_batch(db)
    assert complete(db, messages[0])
    let_the_batch_be_due(db)
    assert claim(db) == []
    assert statuses(db) == {("sent", None): 5}


def test_a_batch_of_unknown_fate_goes_to_a_person_when_the_provider_has_forgotten_it(
    db: Connection, practice: Practice
) -> None:
    begun_batch(db)
    db.execute("update private.notification_payloads set trying_since = now() - interval '1 day'")
    let_the_batch_be_due(db)
    assert claim(db) == []
    assert statuses(db) == {("dead", "unknown_fate"): 5}
    assert batches(db) == 0


def test_a_full_provider_costs_a_batch_no_try_and_its_letters_are_written_anew(
    db: Connection, practice: Practice
) -> None:
    batch, messages = begun_batch(db)
    fail(db, messages, error="429:rate_limit_exceeded", refused=True, closed=True)
    again = claim(db)
    assert ids(again) == ids(messages)
    assert {(message["attempts"], message["frozen"]) for message in again} == {(1, None)}
    (other,) = {turn["batch_id"] for turn in begin(db, again)}
    assert other not in (None, batch)


def test_a_full_provider_changes_nothing_of_a_batch_that_may_have_arrived(
    db: Connection, practice: Practice
) -> None:
    batch, messages = begun_batch(db)
    fail(db, messages)
    again = claim(db)
    begin(db, again)
    fail(db, again, error="429:rate_limit_exceeded", refused=True, closed=True)
    again = claim(db)
    assert ids(again) == ids(messages)
    assert {message["frozen"]["subject"] for message in again} == {"As first written"}
    assert {turn["batch_id"] for turn in begin(db, again)} == {batch}


def test_a_transport_without_memory_takes_a_refused_batch_apart(
    db: Connection, practice: Practice
) -> None:
    _, messages = begun_batch(db)
    fail(db, messages, error="429:rate_limit_exceeded", refused=True)
    again = claim(db, bulk=None, remembered=0)
    assert ids(again) == ids(messages)
    assert {turn["batch_id"] for turn in begin(db, again, bulk=False)} == {None}
    assert batches(db) == 0


def test_a_batch_without_its_row_loses_no_message_and_sends_none_twice(
    db: Connection, practice: Practice
) -> None:
    begun_batch(db)
    let_the_lease_run_out(db)
    db.execute("delete from private.sending_batches")
    assert claim(db) == []
    assert statuses(db) == {("dead", "unknown_fate"): 5}


def test_an_abandoned_batch_is_overdue(db: Connection, practice: Practice) -> None:
    begun_batch(db)
    assert every(db, "select * from public.overdue") == []
    db.execute("update private.sending_batches set ready_at = now() - interval '3 minutes'")
    assert len(every(db, "select * from public.overdue")) == 5
    with as_service(db):
        depth = one(db, "select * from worker.queue_depth()")
    assert (depth["sending"], depth["overdue"]) == (5, 5)
