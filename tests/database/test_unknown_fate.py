"""Frozen messages and the shared budget: what may be tried again, and how fast all together."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.database.conftest import Connect
from tests.database.test_sent_once import claim, complete, let_the_lease_run_out
from tests.people import (
    Connection,
    Practice,
    Row,
    as_service,
    at,
    book,
    every,
    make_practice,
    one,
)

FAST = 100_000


@pytest.fixture
def practice(db: Connection) -> Practice:
    return make_practice(db)


def begin(
    db: Connection, *messages: Row, per_second: float = FAST, within: float = 10
) -> list[Row]:
    frozen = [
        {
            "notification_id": str(message["notification_id"]),
            "lease_id": str(message["lease_id"]),
            "frozen": {"to": message["recipient_address"], "subject": "As first written"},
        }
        for message in messages
    ]
    with as_service(db):
        return every(
            db,
            "select * from worker.begin_sending(%s, %s::numeric, %s::numeric)",
            json.dumps(frozen),
            per_second,
            within,
        )


def fail(db: Connection, message: Row, **arguments: Any) -> str:
    with as_service(db):
        status: str = one(
            db,
            "select worker.fail_notification(%s, %s, %s, 0, %s, %s, %s) as status",
            message["notification_id"],
            message["lease_id"],
            arguments.get("error", "timeout"),
            arguments.get("permanent", False),
            arguments.get("refused", False),
            arguments.get("closed", False),
        )["status"]
    return status


def let_a_day_pass(db: Connection) -> None:
    db.execute(
        "update private.notification_payloads set trying_since = trying_since - interval '1 day',"
        " uncertain_since = uncertain_since - interval '1 day'"
    )


def settled(db: Connection) -> tuple[str, str | None]:
    row = one(db, "select status::text, last_error from public.notifications")
    return row["status"], row["last_error"]


def test_a_second_try_is_the_first_ones_letter_whatever_changed_since(
    db: Connection, practice: Practice
) -> None:
    book(db, practice, at(9))
    (message,) = claim(db)
    assert message["frozen"] is None
    begin(db, message)
    db.execute("update public.clinics set name = 'Renamed'")
    let_the_lease_run_out(db)
    (again,) = claim(db)
    assert again["frozen"]["subject"] == "As first written"


def test_a_worker_that_lost_its_lease_may_not_begin(db: Connection, practice: Practice) -> None:
    book(db, practice, at(9))
    (lost,) = claim(db)
    let_the_lease_run_out(db)
    (taken,) = claim(db)
    assert begin(db, lost) == []
    assert len(begin(db, taken)) == 1


def test_what_may_have_been_sent_longer_ago_than_the_provider_remembers_goes_to_a_person(
    db: Connection, practice: Practice
) -> None:
    book(db, practice, at(9))
    (message,) = claim(db)
    begin(db, message)
    let_the_lease_run_out(db)
    let_a_day_pass(db)
    assert claim(db) == []
    assert settled(db) == ("dead", "unknown_fate")


def test_what_was_certainly_refused_may_be_tried_for_longer(
    db: Connection, practice: Practice
) -> None:
    book(db, practice, at(9))
    (message,) = claim(db)
    begin(db, message)
    how = {"error": "429:daily_quota_exceeded", "refused": True, "closed": True}
    assert fail(db, message, **how) == "queued"
    let_a_day_pass(db)
    (again,) = claim(db)
    assert again["attempts"] == 1


def test_a_mail_whose_sender_was_refused_is_written_anew_unless_somebody_may_have_it(
    db: Connection, practice: Practice
) -> None:
    book(db, practice, at(9))
    (message,) = claim(db)
    begin(db, message)
    refusal = {"error": "422:invalid_from_address", "refused": True, "closed": True}
    fail(db, message, **refusal)
    (message,) = claim(db)
    assert message["frozen"] is None
    begin(db, message)
    fail(db, message)
    (message,) = claim(db)
    begin(db, message)
    fail(db, message, **refusal)
    (message,) = claim(db)
    assert message["frozen"]["subject"] == "As first written"


def test_what_was_certainly_refused_is_written_anew(db: Connection, practice: Practice) -> None:
    """It may be hours later, and the visit another one."""
    book(db, practice, at(9))
    (message,) = claim(db)
    begin(db, message)
    fail(db, message, error="429:daily_quota_exceeded", refused=True, closed=True)
    (again,) = claim(db)
    assert again["frozen"] is None


def test_a_code_outlives_a_refusal(db: Connection, practice: Practice) -> None:
    with as_service(db):
        db.execute(
            "select worker.queue_log_in_mail('hook-1', 0, 'ada@example.org', 'signup', '123456')"
        )
    (message,) = claim(db)
    begin(db, message)
    fail(db, message, error="429:daily_quota_exceeded", refused=True, closed=True)
    (again,) = claim(db)
    assert again["content"]["code"] == "123456"


def test_an_uncertain_try_stays_uncertain_after_a_certain_refusal(
    db: Connection, practice: Practice
) -> None:
    book(db, practice, at(9))
    (message,) = claim(db)
    begin(db, message)
    fail(db, message)
    (message,) = claim(db)
    begin(db, message)
    fail(db, message, error="429:rate_limit_exceeded", refused=True)
    (message,) = claim(db)
    assert message["frozen"]["subject"] == "As first written"
    let_the_lease_run_out(db)
    let_a_day_pass(db)
    assert claim(db) == []
    assert settled(db) == ("dead", "unknown_fate")


def test_a_transport_without_keys_never_tries_again_what_it_began(
    db: Connection, practice: Practice
) -> None:
    book(db, practice, at(9))
    (message,) = claim(db)
    begin(db, message)
    let_the_lease_run_out(db)
    with as_service(db):
        assert every(db, "select * from worker.claim_notifications(20, 60, 0)") == []
    assert settled(db) == ("dead", "unknown_fate")


def test_a_new_address_gets_a_new_letter_and_never_the_old_ones(
    db: Connection, practice: Practice
) -> None:
    book(db, practice, at(9))
    (message,) = claim(db)
    begin(db, message)
    fail(db, message, refused=True)
    db.execute("update public.patients set email = 'new@patients.example'")
    (again,) = claim(db)
    assert (again["frozen"], again["recipient_address"]) == (None, "new@patients.example")
    begin(db, again)
    fail(db, again)
    db.execute("update public.patients set email = 'newest@patients.example'")
    assert claim(db) == []
    assert settled(db) == ("dead", "unknown_fate")


def key_of(turns: list[Row]) -> str:
    (turn,) = turns
    key: str = turn["sending_key"]
    return key


def requeue(db: Connection, message: Row) -> None:
    with as_service(db):
        db.execute("select worker.requeue_notification(%s)", [message["notification_id"]])


def test_a_person_may_send_what_is_of_unknown_fate_to_the_right_address(
    db: Connection, practice: Practice
) -> None:
    book(db, practice, at(9))
    (message,) = claim(db)
    first = key_of(begin(db, message))
    fail(db, message, permanent=True)
    # To the same address it is the same mail, which the provider knows.
    requeue(db, message)
    (again,) = claim(db)
    assert again["frozen"]["subject"] == "As first written"
    assert key_of(begin(db, again)) == first
    fail(db, again, permanent=True)
    # To another it is another mail: under the old key the provider would refuse it.
    db.execute("update public.patients set email = 'right@patients.example'")
    requeue(db, message)
    (corrected,) = claim(db)
    assert corrected["frozen"] is None
    second = key_of(begin(db, corrected))
    assert second != first
    # Nor does the provider take it for the old one after it has forgotten that, or nearly so.
    fail(db, corrected, permanent=True)
    let_a_day_pass(db)
    requeue(db, message)
    (late,) = claim(db)
    assert key_of(begin(db, late)) not in (first, second)


def test_what_is_called_off_while_a_mail_is_written_is_not_sent(
    db: Connection, practice: Practice
) -> None:
    book(db, practice, at(9, days=5))
    (message,) = claim(db)
    other = book(db, practice, at(12, days=5))
    (good,) = claim(db)
    db.execute("update public.appointments set status = 'cancelled' where id <> %s", [other["id"]])
    assert [turn["notification_id"] for turn in begin(db, message, good)] == [
        good["notification_id"]
    ]
    assert one(
        db,
        "select status::text, last_error from public.notifications where id = %s",
        message["notification_id"],
    ) == {"status": "skipped", "last_error": "status_changed"}


def test_the_links_of_a_mail_are_about_the_visit_as_it_was_when_the_mail_was_written(
    db: Connection, practice: Practice
) -> None:
    def version_of(message: Row) -> str:
        return str(message["action_tokens"]["cancel"]).split(".")[1]

    book(db, practice, at(9, days=5))
    (message,) = claim(db)
    assert version_of(message) == "1"
    # The worker dies before it has written anything, and the visit's version rises.
    let_the_lease_run_out(db)
    db.execute("update public.appointments set overbook_reason = 'a note'")
    (message,) = claim(db)
    assert version_of(message) == "2"


def test_the_letter_is_gone_when_the_message_is_settled(db: Connection, practice: Practice) -> None:
    book(db, practice, at(9))
    (message,) = claim(db)
    begin(db, message)
    assert len(every(db, "select * from private.notification_payloads")) == 1
    complete(db, message)
    assert every(db, "select * from private.notification_payloads") == []


def test_turns_are_evenly_spaced_and_what_has_none_in_time_goes_back(
    db: Connection, practice: Practice
) -> None:
    for hour in range(4):
        book(db, practice, at(hour * 2))
    turns = begin(db, *claim(db), per_second=2, within=1)
    assert [round(float(turn["starts_in"]), 2) for turn in turns] == [0, 0.5, 1]
    put_back = one(
        db,
        "select attempts, due_at > now() as later from public.notifications"
        " where status = 'queued'",
    )
    assert put_back == {"attempts": 0, "later": True}


def test_all_workers_share_one_rate(connect: Connect) -> None:
    setup, first, second = connect(), connect(), connect()
    practice = make_practice(setup)
    for hour in (1, 3):
        book(setup, practice, at(hour))
    (mine,), (theirs,) = claim(first, batch=1), claim(second, batch=1)
    (turn,) = begin(first, mine, per_second=0.5)
    (later,) = begin(second, theirs, per_second=0.5)
    assert float(turn["starts_in"]) == 0
    assert 0 < float(later["starts_in"]) <= 2


def test_one_that_is_told_to_wait_makes_all_wait(db: Connection, practice: Practice) -> None:
    book(db, practice, at(9))
    with as_service(db):
        db.execute("select worker.pause_sending(600)")
    assert begin(db, *claim(db)) == []
    assert settled(db) == ("queued", None)
    assert claim(db) == []


def test_a_log_in_mail_is_queued_once_goes_first_and_is_no_clinics(
    db: Connection, practice: Practice
) -> None:
    book(db, practice, at(9))
    queue = "select worker.queue_log_in_mail('hook-1', 0, 'Ada@example.org', 'signup', '123456')"
    with as_service(db):
        db.execute(queue)
        db.execute(queue)
    (message,) = claim(db, batch=1)
    assert (message["kind"], message["recipient_address"]) == ("log_in", "ada@example.org")
    assert message["content"]["code"] == "123456"
    complete(db, message)
    assert every(db, "select * from private.notification_payloads") == []
    row = one(db, "select * from public.notifications where kind = 'log_in'")
    assert "123456" not in str(row)
    assert row["clinic_id"] is None


def test_overdue_messages_are_shown_and_counted(db: Connection, practice: Practice) -> None:
    book(db, practice, at(9))
    assert every(db, "select * from public.overdue") == []
    db.execute("update public.notifications set due_at = now() - interval '3 minutes'")
    assert len(every(db, "select * from public.overdue")) == 1
    with as_service(db):
        assert one(db, "select overdue from worker.queue_depth()")["overdue"] == 1


def test_tidying_takes_what_has_done_its_work_and_nothing_else(
    db: Connection, practice: Practice
) -> None:
    book(db, practice, at(9))
    (message,) = claim(db)
    begin(db, message)
    old = "2 days 1 hour"
    db.execute(
        "insert into private.requests (caller_id, request_id, fingerprint, appointment_id,"
        " created_at) select gen_random_uuid(), gen_random_uuid(), '', gen_random_uuid(),"
        " now() - age from unnest(array[%s, '1 hour']::interval[]) as age",
        [old],
    )
    db.execute("update private.notification_payloads set created_at = now() - %s::interval", [old])
    with as_service(db):
        assert one(db, "select worker.tidy() as n")["n"] == 1
    db.execute(
        "update public.notifications set status = 'dead', leased_until = null, lease_id = null"
    )
    # It was tried a moment ago: whoever requeues it must not make another mail of it.
    with as_service(db):
        assert one(db, "select worker.tidy() as n")["n"] == 0
    db.execute(
        "update private.notification_payloads set trying_since = now() - %s::interval", [old]
    )
    with as_service(db):
        assert one(db, "select worker.tidy() as n")["n"] == 1
        assert one(db, "select worker.tidy() as n")["n"] == 0


def test_tidying_takes_the_code_of_a_dead_log_in_mail_when_it_has_run_out(db: Connection) -> None:
    with as_service(db):
        db.execute(
            "select worker.queue_log_in_mail('hook', 0, 'a@example.org', 'signup', '123456')"
        )
    for age, status, tidied in (
        ("59 minutes", "dead", 0),
        ("61 minutes", "queued", 0),
        ("61 minutes", "dead", 1),
    ):
        db.execute("update public.notifications set status = %s where kind = 'log_in'", [status])
        db.execute(
            "update private.notification_payloads set created_at = now() - %s::interval", [age]
        )
        with as_service(db):
            assert one(db, "select worker.tidy() as n")["n"] == tidied


def test_tidying_forgets_messages_that_were_settled_years_ago(
    db: Connection, practice: Practice
) -> None:
    for hour in (1, 3, 5):
        book(db, practice, at(hour))
    for message in claim(db, batch=2):
        complete(db, message)
    db.execute(
        "update public.notifications set created_at = now() - interval '2 years 1 day'"
        " where status = 'queued' or id = (select id from public.notifications"
        " where status = 'sent' limit 1)"
    )
    with as_service(db):
        assert one(db, "select worker.tidy() as n")["n"] == 1
    kept = every(db, "select status::text from public.notifications order by status")
    assert [row["status"] for row in kept] == ["queued", "sent"]
