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
    as_service,
    at,
    book,
    call,
    denied,
    every,
    insert,
    make_guardian,
    make_member,
    make_practice,
    make_user,
    one,
    refused,
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


def test_a_visit_that_waits_for_approval_again_is_not_reminded_of(
    db: Connection, practice: Practice
) -> None:
    book(db, practice, at(9, days=5))
    db.execute("update public.appointments set status = 'pending', starts_at = %s", [at(9, days=7)])
    assert {status for _, _, status, _ in reminders(db)} == {"skipped"}


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


def plan(db: Connection, hours: int = 24 * 14, **most: int) -> int:
    with as_service(db):
        planned: int = call(db, "worker.plan_reminders", ahead_hours=hours, **most)[
            "plan_reminders"
        ]
    return planned


def set_address(db: Connection, practice: Practice, address: str | None) -> None:
    db.execute("update public.patients set email = %s where id = %s", [address, practice.patient])


def set_offsets(db: Connection, practice: Practice, *minutes: int) -> None:
    db.execute(
        "update public.clinics set reminder_offsets_minutes = %s where id = %s",
        [list(minutes), practice.clinic],
    )


def test_whoever_gets_an_address_after_booking_is_reminded_all_the_same(
    db: Connection, practice: Practice
) -> None:
    set_address(db, practice, None)
    visit = book(db, practice, at(9, days=5))
    db.execute("update public.appointments set overbook_reason = 'a note'")
    assert (plan(db), reminders(db)) == (0, [])
    set_address(db, practice, "pat@patients.example")
    assert plan(db) == 2
    # Of the version that was agreed, not of the one that the note made.
    assert reminders(db) == [(1, 2880, "queued", None), (1, 120, "queued", None)]
    due = every(
        db,
        "select due_at, reminder_minutes as minutes from public.notifications"
        " where kind = 'reminder'",
    )
    for row in due:
        assert visit["starts_at"] - row["due_at"] == timedelta(minutes=row["minutes"])
    assert plan(db) == 0
    let_reminders_be_due(db)
    # The confirmation that could not be sent is no longer held back either.
    assert [message["kind"] for message in send_all(db)] == ["confirmation", "reminder"]


def test_a_guardian_who_comes_later_is_reminded(db: Connection, practice: Practice) -> None:
    set_address(db, practice, None)
    book(db, practice, at(9, days=5))
    make_guardian(db, practice.clinic, practice.patient)
    assert plan(db) == 2


def test_a_clinics_new_offset_counts_for_what_was_booked_before(
    db: Connection, practice: Practice
) -> None:
    book(db, practice, at(9, days=5))
    set_offsets(db, practice, 1440, 120, 1440)
    assert plan(db) == 1
    assert reminders(db) == [
        (1, 2880, "skipped", "offset_dropped"),
        (1, 1440, "queued", None),
        (1, 120, "queued", None),
    ]
    # A change of mind.
    set_offsets(db, practice, 2880)
    assert plan(db) == 2
    assert reminders(db) == [
        (1, 2880, "queued", None),
        (1, 1440, "skipped", "offset_dropped"),
        (1, 120, "skipped", "offset_dropped"),
    ]
    # What was dropped does not stand for what is wanted.
    let_reminders_be_due(db)
    assert [message["kind"] for message in send_all(db)] == ["confirmation", "reminder"]


def test_a_dropped_offset_that_is_wanted_again_is_due_when_it_should_be(
    db: Connection, practice: Practice
) -> None:
    visit = book(db, practice, at(9, days=5))
    set_offsets(db, practice)
    assert plan(db) == 2
    set_offsets(db, practice, 120)
    assert plan(db) == 1
    (again,) = every(
        db,
        "select due_at from public.notifications where kind = 'reminder' and status = 'queued'",
    )
    assert visit["starts_at"] - again["due_at"] == timedelta(minutes=120)


def test_only_what_will_be_is_planned_and_only_so_far_ahead(
    db: Connection, practice: Practice
) -> None:
    set_offsets(db, practice)
    soon = datetime.now(UTC).replace(microsecond=0, second=0, minute=0) + 25 * HOURS
    book(db, practice, soon)
    book(db, practice, at(9, days=5))
    book(db, practice, at(9, days=7), status="pending")
    book(db, practice, at(9, days=-1))
    called_off = book(db, practice, at(9, days=8))
    db.execute(
        "update public.appointments set status = 'cancelled' where id = %s", [called_off["id"]]
    )
    set_offsets(db, practice, 2880, 120)
    # Of the first visit the nearer reminder alone, of the second none yet.
    assert plan(db, hours=24) == 1
    assert reminders(db) == [(1, 120, "queued", None)]
    # One at a time, until nothing is missing.
    assert [plan(db, most=1) for _ in range(3)] == [1, 1, 0]
    assert len(reminders(db)) == 3


def test_a_reminder_that_went_out_is_not_planned_again(db: Connection, practice: Practice) -> None:
    book(db, practice, at(9, days=5))
    let_reminders_be_due(db)
    assert len(send_all(db)) == 2
    assert plan(db) == 0


def test_a_move_while_there_was_no_address_is_reminded_of_at_the_new_time(
    db: Connection, practice: Practice
) -> None:
    book(db, practice, at(9, days=5))
    set_address(db, practice, None)
    db.execute("update public.appointments set starts_at = %s", [at(9, days=7)])
    set_address(db, practice, "pat@patients.example")
    assert plan(db) == 2
    assert [row for row in reminders(db) if row[2] == "queued"] == [
        (2, 2880, "queued", None),
        (2, 120, "queued", None),
    ]


@pytest.mark.parametrize("arguments", [{"hours": 0}, {"hours": 8761}, {"most": 0}])
def test_a_plan_is_of_some_hours(db: Connection, arguments: dict[str, int]) -> None:
    with refused(db, "invalid_input"):
        plan(db, **arguments)


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


@pytest.mark.parametrize(
    ("zone", "quiet_until", "instant", "ends"),
    [
        ("Europe/Vienna", "02:30", "2026-10-25 00:10+00", "2026-10-25 00:30+00"),
        ("Europe/Vienna", "02:30", "2026-10-25 01:10+00", "2026-10-25 01:30+00"),
        ("America/New_York", "01:30", "2026-11-01 05:10+00", "2026-11-01 05:30+00"),
        ("America/New_York", "01:30", "2026-11-01 06:10+00", "2026-11-01 06:30+00"),
        # Half an hour is repeated there, in April.
        ("Australia/Lord_Howe", "01:45", "2026-04-04 14:40+00", "2026-04-04 14:45+00"),
        ("Australia/Lord_Howe", "01:45", "2026-04-04 15:10+00", "2026-04-04 15:15+00"),
    ],
)
def test_quiet_hours_end_later_also_while_an_hour_is_repeated(
    db: Connection, zone: str, quiet_until: str, instant: str, ends: str
) -> None:
    found = one(
        db,
        "select private.end_of_quiet_hours(%s::timestamptz, %s, '22:00', %s::time) as ends",
        instant,
        zone,
        quiet_until,
    )["ends"]
    assert found == datetime.fromisoformat(ends)
    never_later = every(
        db,
        "select minute from generate_series(%s::timestamptz - interval '1 day',"
        " %s::timestamptz + interval '1 day', '1 minute') as minute"
        " where private.end_of_quiet_hours(minute, %s, '22:00', %s::time) <= minute",
        instant,
        instant,
        zone,
        quiet_until,
    )
    assert never_later == []


def test_a_message_that_is_put_off_to_a_time_gone_by_does_not_hold_up_the_claim(
    db: Connection, practice: Practice
) -> None:
    book(db, practice, at(9, days=5))
    send_all(db)
    let_reminders_be_due(db)
    db.execute(
        "create or replace function private.end_of_quiet_hours(instant timestamptz,"
        " time_zone text, quiet_from time, quiet_until time) returns timestamptz"
        " language sql stable as $$ select now() - interval '40 minutes' $$"
    )
    db.execute("set local statement_timeout = '30s'")
    assert claim(db) == []
    assert ("queued", None) in {(status, why) for _, _, status, why in reminders(db)}


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
    (first,) = claim(db, batch=1)
    assert (first["kind"], first["may_share"]) == ("confirmation", False)
    assert {(message["kind"], message["may_share"]) for message in claim(db)} == {
        ("reminder", True)
    }


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
