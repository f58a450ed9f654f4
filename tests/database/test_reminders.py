"""Reminders: when they are due, what a change makes of them, and who may decline them."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from tests.database.test_sent_once import claim, complete
from tests.people import (
    Connection,
    Practice,
    Row,
    as_front_desk,
    as_patient,
    at,
    book,
    denied,
    every,
    insert,
    make_member,
    make_practice,
    make_user,
    one,
)

HOURS = timedelta(hours=1)


@pytest.fixture
def practice(db: Connection) -> Practice:
    practice = make_practice(db)
    db.execute(
        "update public.clinics set reminder_offsets_minutes = '{2880,120}' where id = %s",
        [practice.clinic],
    )
    return practice


def reminders(db: Connection) -> list[tuple[int, int, str, str | None]]:
    rows = every(
        db,
        "select appointment_version as version, reminder_minutes as minutes, status::text,"
        " last_error from public.notifications where kind = 'reminder' order by 1, 2 desc",
    )
    return [(row["version"], row["minutes"], row["status"], row["last_error"]) for row in rows]


def let_reminders_be_due(db: Connection) -> None:
    """As if their time had come; the database's clock cannot be set."""
    db.execute("update public.notifications set due_at = now() where kind = 'reminder'")


def send_all(db: Connection) -> list[Row]:
    messages = claim(db)
    assert all(complete(db, message) for message in messages)
    return messages


def prefer(db: Connection, practice: Practice, **wishes: Any) -> None:
    insert(
        db,
        "public.notification_preferences",
        clinic_id=practice.clinic,
        patient_id=practice.patient,
        **wishes,
    )


def test_each_offset_is_a_row_due_that_long_before_the_visit(
    db: Connection, practice: Practice
) -> None:
    visit = book(db, practice, at(9, days=5))
    rows = every(
        db,
        "select reminder_minutes, due_at from public.notifications where kind = 'reminder'"
        " order by due_at",
    )
    assert [(row["reminder_minutes"], visit["starts_at"] - row["due_at"]) for row in rows] == [
        (2880, 48 * HOURS),
        (120, 2 * HOURS),
    ]


def test_a_moment_already_past_is_not_reminded_of(db: Connection, practice: Practice) -> None:
    soon = datetime.now(UTC).replace(microsecond=0, second=0, minute=0) + 25 * HOURS
    book(db, practice, soon)
    assert reminders(db) == [(1, 120, "queued", None)]


def test_a_moved_visit_is_reminded_of_at_its_new_time_alone(
    db: Connection, practice: Practice
) -> None:
    book(db, practice, at(9, days=5))
    db.execute("update public.appointments set starts_at = %s", [at(9, days=7)])
    assert reminders(db) == [
        (1, 2880, "skipped", "superseded"),
        (1, 120, "skipped", "superseded"),
        (2, 2880, "queued", None),
        (2, 120, "queued", None),
    ]


def test_a_cancelled_visit_is_not_reminded_of(db: Connection, practice: Practice) -> None:
    book(db, practice, at(9, days=5))
    db.execute("update public.appointments set status = 'cancelled'")
    assert {status for _, _, status, _ in reminders(db)} == {"skipped"}


def test_a_note_leaves_reminders_in_force(db: Connection, practice: Practice) -> None:
    book(db, practice, at(9, days=5))
    send_all(db)
    db.execute("update public.appointments set overbook_reason = 'a note'")
    let_reminders_be_due(db)
    assert [message["kind"] for message in send_all(db)] == ["reminder"]


def test_of_reminders_that_were_held_up_the_last_is_enough(
    db: Connection, practice: Practice
) -> None:
    book(db, practice, at(9, days=5))
    send_all(db)
    let_reminders_be_due(db)
    assert len(send_all(db)) == 1
    assert reminders(db) == [(1, 2880, "skipped", "superseded"), (1, 120, "sent", None)]


def test_reminders_can_be_declined_and_confirmations_cannot(
    db: Connection, practice: Practice
) -> None:
    prefer(db, practice, reminders=False)
    book(db, practice, at(9, days=5))
    assert [message["kind"] for message in send_all(db)] == ["confirmation"]
    let_reminders_be_due(db)
    assert send_all(db) == []
    assert ("skipped", "opted_out") in {(status, why) for _, _, status, why in reminders(db)}


def test_a_reminder_waits_for_the_end_of_the_quiet_hours(
    db: Connection, practice: Practice
) -> None:
    now = datetime.now(UTC)
    begin, end = (now - HOURS).time(), (now + HOURS).time()
    prefer(db, practice, quiet_from=begin, quiet_until=end)
    book(db, practice, at(9, days=5))
    assert [message["kind"] for message in send_all(db)] == ["confirmation"]
    let_reminders_be_due(db)
    assert send_all(db) == []
    (waiting,) = every(
        db,
        "select due_at, attempts from public.notifications"
        " where kind = 'reminder' and status = 'queued'",
    )
    assert abs(waiting["due_at"] - (now + HOURS)) < timedelta(seconds=1)
    assert waiting["attempts"] == 0


@pytest.mark.parametrize(
    ("shown", "begin", "end", "ends"),
    [
        ("2026-03-10 23:00", "22:00", "07:00", "2026-03-11 07:00"),
        ("2026-03-11 06:59", "22:00", "07:00", "2026-03-11 07:00"),
        ("2026-03-11 07:00", "22:00", "07:00", None),
        ("2026-03-11 13:00", "12:00", "14:00", "2026-03-11 14:00"),
        ("2026-03-11 14:00", "12:00", "14:00", None),
        ("2026-03-11 14:00", "12:00", "12:00", None),
        ("2026-03-11 14:00", None, None, None),
        # Clocks go forward at 02:00: there is no 02:30, it is 03:30 then.
        ("2026-03-29 01:00", "22:00", "02:30", "2026-03-29 03:30"),
    ],
)
def test_quiet_hours_end_by_the_wall_clock(
    db: Connection, shown: str, begin: str | None, end: str | None, ends: str | None
) -> None:
    found = one(
        db,
        "select private.end_of_quiet_hours(%s::timestamp at time zone 'Europe/Vienna',"
        " 'Europe/Vienna', %s::time, %s::time) at time zone 'Europe/Vienna' as ends",
        shown,
        begin,
        end,
    )["ends"]
    assert (str(found)[:16] if found else None) == ends


def test_the_preferred_language_wins(db: Connection, practice: Practice) -> None:
    prefer(db, practice, language="fr-CH")
    book(db, practice, at(9, days=5))
    (message,) = claim(db)
    assert message["locale"] == "fr-CH"


def test_urgent_kinds_are_handed_out_before_older_bulk(db: Connection, practice: Practice) -> None:
    book(db, practice, at(9, days=5))
    send_all(db)
    db.execute(
        "update public.notifications set due_at = now() - interval '1 hour' where kind = 'reminder'"
    )
    book(db, practice, at(12, days=5))
    assert [message["kind"] for message in claim(db, batch=1)] == ["confirmation"]


def test_a_missed_visit_is_followed_up_an_hour_later_unless_the_mark_is_taken_back(
    db: Connection, practice: Practice
) -> None:
    book(db, practice, at(9, days=-1))
    db.execute("update public.appointments set status = 'noshow'")
    follow_up = one(db, "select kind::text, due_at - now() as wait from public.notifications")
    assert (follow_up["kind"], follow_up["wait"]) == ("follow_up", HOURS)
    db.execute("update public.appointments set status = 'arrived'")
    db.execute("update public.notifications set due_at = now()")
    assert claim(db) == []
    assert one(db, "select last_error from public.notifications")["last_error"] == "status_changed"


def test_people_state_their_own_preferences_and_the_office_its_patients(
    db: Connection, practice: Practice
) -> None:
    mine = {"clinic_id": practice.clinic, "patient_id": practice.patient}
    with as_patient(db, make_user(db)), denied(db):
        insert(db, "public.notification_preferences", **mine)
    with as_patient(db, practice.user):
        insert(
            db, "public.notification_preferences", **mine, quiet_from=time(22), quiet_until=time(7)
        )
    desk = make_member(db, practice.clinic, "front_desk")
    provider = make_member(db, practice.clinic, "provider")
    change = "update public.notification_preferences set reminders = false returning id"
    with as_front_desk(db, provider):
        assert every(db, change) == []
    with as_front_desk(db, desk):
        assert len(every(db, change)) == 1
        insert(db, "public.notification_preferences", clinic_id=practice.clinic, user_id=desk)
    with as_front_desk(db, desk), denied(db):
        insert(db, "public.notification_preferences", clinic_id=practice.clinic, user_id=provider)
