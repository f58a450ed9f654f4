"""Promise message_with_the_commit: what someone must be told is queued with the change, once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.database.test_sent_once import claim, complete
from tests.database.test_unknown_fate import begin
from tests.people import (
    Connection,
    Row,
    at,
    book,
    every,
    insert,
    make_practice,
    make_service,
    one,
    refused,
)

QUEUED = """
    select kind::text, appointment_version as version, status::text
    from public.notifications order by appointment_version
"""


def messages(db: Connection) -> list[tuple[str, int, str]]:
    return [(row["kind"], row["version"], row["status"]) for row in every(db, QUEUED)]


def set_status(db: Connection, visit: Row, status: str) -> None:
    db.execute("update public.appointments set status = %s where id = %s", [status, visit["id"]])


def test_a_booking_owes_a_confirmation_and_a_cancellation_its_own_mail(db: Connection) -> None:
    visit = book(db, make_practice(db), at(9))
    assert messages(db) == [("confirmation", 1, "queued")]
    set_status(db, visit, "cancelled")
    assert messages(db) == [("confirmation", 1, "queued"), ("cancellation", 2, "queued")]


def test_a_move_owes_a_change(db: Connection) -> None:
    book(db, make_practice(db), at(9))
    db.execute("update public.appointments set starts_at = %s", [at(12)])
    assert messages(db)[1:] == [("change", 2, "queued")]


def test_another_service_owes_a_change(db: Connection) -> None:
    """It may have to be prepared for in another way, though it takes as long."""
    practice = make_practice(db)
    visit = book(db, practice, at(9))
    other = make_service(db, practice.clinic)
    offer = {"clinic_id": practice.clinic, "provider_id": practice.provider, "service_id": other}
    insert(db, "public.provider_services", **offer)
    db.execute("update public.appointments set service_id = %s", [other])
    moved = one(db, "select starts_at, ends_at from public.appointments")
    assert (moved["starts_at"], moved["ends_at"]) == (visit["starts_at"], visit["ends_at"])
    assert messages(db)[1:] == [("change", 2, "queued")]


def test_a_request_for_another_time_is_acknowledged_too(db: Connection) -> None:
    book(db, make_practice(db), at(9), status="pending")
    db.execute("update public.appointments set starts_at = %s", [at(12)])
    assert messages(db)[1:] == [("request", 2, "queued")]


def test_a_note_or_an_arrival_owes_nothing(db: Connection) -> None:
    visit = book(db, make_practice(db), at(9))
    db.execute("update public.appointments set overbook_reason = 'walked in'")
    set_status(db, visit, "arrived")
    set_status(db, visit, "booked")
    assert len(messages(db)) == 1


def test_a_request_is_acknowledged_and_its_approval_owes_the_confirmation(db: Connection) -> None:
    visit = book(db, make_practice(db), at(9), status="pending")
    assert messages(db) == [("request", 1, "queued")]
    set_status(db, visit, "booked")
    assert messages(db)[1:] == [("confirmation", 2, "queued")]
    db.execute("update public.appointments set status = 'pending', starts_at = %s", [at(12)])
    set_status(db, visit, "booked")
    assert messages(db)[2:] == [("request", 3, "queued"), ("confirmation", 4, "queued")]


def test_a_hold_tells_nobody(db: Connection) -> None:
    until = datetime.now(UTC) + timedelta(minutes=5)
    visit = book(db, make_practice(db), at(9), status="held", hold_expires_at=until)
    set_status(db, visit, "cancelled")
    assert messages(db) == []


def test_what_is_over_tells_nobody(db: Connection) -> None:
    book(db, make_practice(db), at(9, days=-2))
    assert messages(db) == []


def test_a_patient_without_an_address_is_recorded_as_skipped(db: Connection) -> None:
    practice = make_practice(db)
    db.execute("update public.patients set email = null where id = %s", [practice.patient])
    book(db, practice, at(9))
    assert messages(db) == [("confirmation", 1, "skipped")]


def test_a_refused_booking_owes_nothing(db: Connection) -> None:
    practice = make_practice(db)
    book(db, practice, at(9))
    with refused(db, "slot_taken"):
        book(db, practice, at(9))
    assert len(messages(db)) == 1


def test_the_same_message_cannot_be_queued_twice(db: Connection) -> None:
    practice = make_practice(db)
    visit = book(db, practice, at(9))
    with pytest.raises(psycopg.errors.UniqueViolation):
        insert(
            db,
            "public.notifications",
            clinic_id=practice.clinic,
            appointment_id=visit["id"],
            appointment_version=1,
            kind="confirmation",
            recipient_id=practice.patient,
            channel="email",
        )


def test_a_visit_that_someone_waits_for_is_not_deleted_silently(db: Connection) -> None:
    visit = book(db, make_practice(db), at(9))
    with refused(db, "not_allowed"):
        db.execute("delete from public.appointments where id = %s", [visit["id"]])
    set_status(db, visit, "cancelled")
    # The message is made of the row, which must be there until it has left.
    with refused(db, "not_allowed"):
        db.execute("delete from public.appointments where id = %s", [visit["id"]])
    (message,) = claim(db)
    with refused(db, "not_allowed"):
        db.execute("delete from public.appointments where id = %s", [visit["id"]])
    assert complete(db, message)
    db.execute("delete from public.appointments where id = %s", [visit["id"]])
    assert messages(db) == [("confirmation", 1, "skipped"), ("cancellation", 2, "sent")]


def test_a_message_about_a_visit_that_was_removed_is_skipped_and_says_why(db: Connection) -> None:
    practice = make_practice(db)
    visit = book(db, practice, at(9, days=-1))
    set_status(db, visit, "noshow")
    db.execute("update public.notifications set due_at = now()")
    (begun,) = claim(db)
    db.execute("delete from public.appointments where id = %s", [visit["id"]])
    book(db, practice, at(9))
    assert begin(db, begun) == []
    (good,) = claim(db)
    assert good["kind"] == "confirmation"
    removed = one(
        db,
        "select status::text, last_error from public.notifications where id = %s",
        begun["notification_id"],
    )
    assert removed == {"status": "skipped", "last_error": "appointment_removed"}


def test_a_visit_entered_in_error_is_called_off_for_whom_it_was_confirmed(db: Connection) -> None:
    visit = book(db, make_practice(db), at(9, days=5))
    set_status(db, visit, "entered_in_error")
    assert [message["kind"] for message in claim(db)] == ["cancellation"]


def test_workers_are_woken_once_for_a_statement(db: Connection) -> None:
    practice = make_practice(db)
    for hour in (9, 10):
        book(db, practice, at(hour))
    db.execute("delete from realtime.messages")
    db.execute("update public.appointments set status = 'cancelled'")
    woken = every(db, "select * from realtime.messages where topic = 'worker:outbox'")
    assert [row["event"] for row in woken] == ["work_due"]
    assert woken[0]["payload"]["queued"] == 2
    assert woken[0]["private"] is True
