"""Promise sent_once, the database's half: a message has one holder, while it still holds."""

from __future__ import annotations

import threading
from uuid import UUID

from tests.database.conftest import Connect
from tests.people import (
    Connection,
    Row,
    as_service,
    at,
    book,
    every,
    make_practice,
    one,
)


def claim(db: Connection, batch: int = 20, lease_seconds: int = 60) -> list[Row]:
    with as_service(db):
        return every(db, "select * from worker.claim_notifications(%s, %s)", batch, lease_seconds)


def complete(db: Connection, message: Row) -> bool:
    with as_service(db):
        done: bool = one(
            db,
            "select worker.complete_notification(%s, %s, 'provider-1') as done",
            message["notification_id"],
            message["lease_id"],
        )["done"]
        return done


def let_the_lease_run_out(db: Connection) -> None:
    db.execute(
        "update public.notifications set leased_until = now() - interval '1 second'"
        " where status = 'sending'"
    )


def states(db: Connection) -> list[tuple[str, str | None]]:
    rows = every(
        db,
        "select status::text, last_error from public.notifications order by appointment_version",
    )
    return [(row["status"], row["last_error"]) for row in rows]


def test_a_claimed_message_is_nobody_elses(db: Connection) -> None:
    book(db, make_practice(db), at(9))
    assert len(claim(db)) == 1
    assert claim(db) == []


def test_what_a_dead_worker_held_is_taken_over_and_the_dead_one_loses_it(db: Connection) -> None:
    book(db, make_practice(db), at(9))
    (lost,) = claim(db)
    let_the_lease_run_out(db)
    (taken_over,) = claim(db)
    assert taken_over["notification_id"] == lost["notification_id"]
    assert taken_over["lease_id"] != lost["lease_id"]
    assert taken_over["attempts"] == 2
    assert complete(db, lost) is False
    assert complete(db, taken_over) is True
    assert complete(db, taken_over) is False
    assert states(db) == [("sent", None)]


def test_a_late_worker_whom_nobody_replaced_may_still_finish(db: Connection) -> None:
    book(db, make_practice(db), at(9))
    (message,) = claim(db)
    let_the_lease_run_out(db)
    assert complete(db, message) is True


def test_a_confirmation_of_what_was_cancelled_is_not_handed_out(db: Connection) -> None:
    visit = book(db, make_practice(db), at(9))
    db.execute("update public.appointments set status = 'cancelled' where id = %s", [visit["id"]])
    assert [message["kind"] for message in claim(db)] == ["cancellation"]
    assert states(db) == [("skipped", "status_changed"), ("sending", None)]


def test_an_older_time_is_not_announced_after_a_newer_one(db: Connection) -> None:
    book(db, make_practice(db), at(9))
    db.execute("update public.appointments set starts_at = %s", [at(12)])
    (message,) = claim(db)
    assert (message["kind"], message["starts_at"]) == ("change", at(12))
    assert states(db)[0] == ("skipped", "superseded")


def test_a_confirmation_survives_a_change_that_tells_nobody(db: Connection) -> None:
    book(db, make_practice(db), at(9))
    db.execute("update public.appointments set status = 'arrived'")
    assert [message["kind"] for message in claim(db)] == ["confirmation"]


def test_a_patient_who_took_their_address_away_gets_nothing(db: Connection) -> None:
    book(db, make_practice(db), at(9))
    db.execute("update public.patients set email = null")
    assert claim(db) == []
    assert states(db) == [("skipped", "no_address")]


def test_many_obsolete_messages_do_not_hide_a_good_one(db: Connection) -> None:
    practice = make_practice(db)
    for hour in range(1, 6):
        book(db, practice, at(hour))
    db.execute("update public.appointments set status = 'cancelled'")
    db.execute("update public.notifications set status = 'skipped' where kind = 'cancellation'")
    db.execute("delete from public.appointments")
    book(db, practice, at(12))
    assert [message["starts_at"] for message in claim(db, batch=2)] == [at(12)]


def test_a_worker_does_not_wait_for_another_that_is_claiming(connect: Connect) -> None:
    setup, first, second = connect(), connect(), connect()
    practice = make_practice(setup)
    for hour in (9, 10):
        book(setup, practice, at(hour))
    second.execute("set lock_timeout = '2s'")
    with first.transaction():
        (mine,) = claim(first, batch=1)
        (theirs,) = claim(second, batch=1)
    assert mine["notification_id"] != theirs["notification_id"]


def test_two_workers_share_the_work_and_nothing_is_given_twice(connect: Connect) -> None:
    setup = connect()
    practice = make_practice(setup)
    for quarter in range(40):
        book(setup, practice, at(quarter / 2))
    given: list[UUID] = []
    lock = threading.Lock()

    def work() -> None:
        connection = connect()
        while messages := claim(connection, batch=3):
            for message in messages:
                assert complete(connection, message)
            with lock:
                given.extend(message["notification_id"] for message in messages)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(given) == len(set(given)) == 40
    assert {status for status, _ in states(setup)} == {"sent"}
