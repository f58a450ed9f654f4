"""Changing hours never silently breaks a booked visit: it is refused, or the visit is marked."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.database.conftest import Connect
from tests.people import (
    EVERY_DAY,
    Connection,
    Practice,
    as_patient,
    as_user,
    at,
    book,
    denied,
    every,
    insert,
    make_clinic,
    make_location,
    make_member,
    make_patient,
    make_practice,
    make_provider,
    one,
    refused,
    waits,
)

DAY = at(0).date()
NINE_TO_FIVE = {"opens": "09:00", "closes": "17:00"}


def week(opens: str, closes: str, **more: Any) -> str:
    return json.dumps(
        [{"weekday": day, "opens": opens, "closes": closes} | more for day in EVERY_DAY]
    )


def set_hours(
    db: Connection, practice: Practice, hours: str, rule: str = "refuse", start: Any = None
) -> list[UUID]:
    """The visits that `set_weekly_hours` says are left outside."""
    rows = every(
        db,
        "select appointment_id from public.set_weekly_hours(%s, %s, %s, %s, %s)",
        practice.provider,
        practice.location,
        hours,
        start,
        rule,
    )
    return [row["appointment_id"] for row in rows]


def close_day(db: Connection, practice: Practice, rule: str = "refuse") -> list[UUID]:
    rows = every(
        db,
        "select appointment_id from public.add_exception("
        "starts_on => %s, provider_id => %s, on_conflict => %s)",
        DAY,
        practice.provider,
        rule,
    )
    return [row["appointment_id"] for row in rows]


def hours_of(db: Connection, practice: Practice, day: int) -> tuple[float, float] | None:
    row = one(
        db,
        "select lower(t) as opens, upper(t) as closes from (select range_merge(private.open_time("
        "%s, %s, %s, %s)) as t) as open",
        practice.provider,
        practice.location,
        at(0, day),
        at(24, day),
    )
    if row["opens"] is None:
        return None
    hour = timedelta(hours=1)
    return ((row["opens"] - at(0, day)) / hour, (row["closes"] - at(0, day)) / hour)


def marked(db: Connection) -> set[UUID]:
    """Visits that wait for a follow-up."""
    rows = every(
        db, "select appointment_id from public.appointment_follow_ups where resolved_at is null"
    )
    return {row["appointment_id"] for row in rows}


def test_new_hours_hold_from_their_day_on(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_FIVE)
    assert set_hours(db, practice, week("10:00", "12:00"), start=DAY) == []
    assert hours_of(db, practice, 1) == (9, 17)
    assert hours_of(db, practice, 2) == hours_of(db, practice, 30) == (10, 12)
    # Once more, from the same day: the earlier plan is gone.
    assert set_hours(db, practice, week("11:00", "12:00"), start=DAY) == []
    assert hours_of(db, practice, 2) == (11, 12)
    assert set_hours(db, practice, "[]", start=DAY + timedelta(days=1)) == []
    assert hours_of(db, practice, 2) == (11, 12)
    assert hours_of(db, practice, 3) is None


def test_new_hours_may_come_every_other_week(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_FIVE)
    set_hours(db, practice, week("10:00", "12:00", cycle_weeks=2), start=DAY)
    assert [hours_of(db, practice, 2 + days) is not None for days in (0, 7, 14, 21, 28)] == [
        True,
        False,
        True,
        False,
        True,
    ]


def test_a_change_in_a_week_without_hours_leaves_the_other_weeks_as_they_are(
    db: Connection,
) -> None:
    practice = make_practice(db, hours=NINE_TO_FIVE)
    set_hours(db, practice, week("10:00", "12:00", cycle_weeks=2), start=DAY)
    after = DAY + timedelta(days=7)
    kept = week("10:00", "13:00", cycle_weeks=2, cycle_from=DAY.isoformat())
    set_hours(db, practice, kept, start=after)
    assert [hours_of(db, practice, 2 + days) for days in (0, 7, 14, 21, 28)] == [
        (10, 12),
        None,
        (10, 13),
        None,
        (10, 13),
    ]
    # Else they count from the day of the change.
    set_hours(db, practice, week("10:00", "13:00", cycle_weeks=2), start=after)
    assert hours_of(db, practice, 2 + 7) == (10, 13)
    assert hours_of(db, practice, 2 + 14) is None


def test_new_hours_may_end_on_a_day(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_FIVE)
    last = DAY + timedelta(days=6)
    set_hours(db, practice, week("10:00", "12:00", valid_until=last.isoformat()), start=DAY)
    assert hours_of(db, practice, 2) == hours_of(db, practice, 8) == (10, 12)
    assert hours_of(db, practice, 9) is None


def test_a_change_over_booked_visits_is_refused_and_changes_nothing(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_FIVE)
    book(db, practice, at(14))
    with refused(db, "visits_outside_hours"):
        set_hours(db, practice, week("09:00", "14:15"))
    with refused(db, "visits_outside_hours"):
        close_day(db, practice)
    assert hours_of(db, practice, 2) == (9, 17)
    assert every(db, "select from public.appointment_follow_ups") == []
    # What leaves nothing outside goes through, from the end of the visit on.
    assert set_hours(db, practice, week("14:00", "14:30")) == []


def test_the_refusal_says_how_many(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_FIVE)
    for hour in (9, 10, 11):
        book(db, practice, at(hour))
    with pytest.raises(psycopg.Error) as caught, db.transaction():
        close_day(db, practice)
    assert (caught.value.diag.message_hint or "").startswith("3 booked visits")


def test_a_preview_lists_the_visits_and_changes_nothing(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_FIVE)
    late, early = (book(db, practice, at(hour))["id"] for hour in (16, 9))
    assert set_hours(db, practice, week("10:00", "12:00"), "preview") == [early, late]
    assert close_day(db, practice, "preview") == [early, late]
    assert hours_of(db, practice, 2) == (9, 17)
    assert every(db, "select from public.availability_exceptions") == []
    assert marked(db) == set()


def test_visits_left_outside_are_marked_until_somebody_settles_them(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_FIVE)
    moved, cancelled, agreed, late = (
        book(db, practice, at(hour))["id"] for hour in (9, 9.5, 10, 16)
    )
    assert set_hours(db, practice, week("11:00", "17:00"), "mark") == [moved, cancelled, agreed]
    assert marked(db) == {moved, cancelled, agreed}
    assert one(db, "select status from public.appointments where id = %s", moved)["status"] == (
        "booked"
    )
    db.execute("update public.appointments set starts_at = %s where id = %s", [at(12), moved])
    assert marked(db) == {cancelled, agreed}
    db.execute("update public.appointments set status = 'cancelled' where id = %s", [cancelled])
    assert marked(db) == {agreed}
    db.execute("update public.appointments set overbook_reason = 'agreed' where id = %s", [agreed])
    assert marked(db) == set()
    # Only what the next change adds is its doing.
    assert close_day(db, practice, "preview") == [moved, late]


def test_hours_that_come_back_settle_what_they_left_outside(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_FIVE)
    visit = book(db, practice, at(9))["id"]
    assert close_day(db, practice, "mark") == [visit]
    set_hours(db, practice, week("11:00", "17:00"), "mark")
    db.execute("delete from public.availability_exceptions")
    assert marked(db) == {visit}
    set_hours(db, practice, week("08:00", "17:00"), "mark")
    assert marked(db) == set()


def test_taking_extra_hours_back_is_a_change_like_any_other(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_FIVE)
    extra = insert(
        db,
        "public.availability_exceptions",
        provider_id=practice.provider,
        kind="extra",
        starts_on=DAY,
        opens="18:00",
        closes="20:00",
    )["id"]
    visit = book(db, practice, at(18))["id"]
    query = "select appointment_id as id from public.remove_exception(%s, %s)"
    with refused(db, "visits_outside_hours"):
        db.execute("select public.remove_exception(%s)", [extra])
    assert every(db, query, extra, "preview") == [{"id": visit}]
    assert marked(db) == set()
    assert every(db, query, extra, "mark") == [{"id": visit}]
    assert marked(db) == {visit}


@pytest.mark.parametrize(
    "statement",
    [
        "insert into public.availability_exceptions (clinic_id, starts_on)"
        " select clinic_id, %(day)s from public.locations where id = %(location)s",
        "insert into public.availability_exceptions (location_id, starts_on, opens, closes)"
        " values (%(location)s, %(day)s, '09:15', '09:20')",
        "update public.weekly_hours set opens = '10:00' where location_id = %(location)s",
        "delete from public.weekly_hours where location_id = %(location)s",
        "update public.locations set time_zone = 'Asia/Tokyo' where id = %(location)s",
    ],
)
def test_exception_added_over_booked_visits(db: Connection, statement: Any) -> None:
    """Plain SQL, as in the dashboard, marks them, whichever way the hours go."""
    practice = make_practice(db, hours=NINE_TO_FIVE)
    visit = book(db, practice, at(9))["id"]
    other = make_practice(db, hours=NINE_TO_FIVE)
    book(db, other, at(9))
    db.execute(statement, {"day": DAY, "location": practice.location})
    assert marked(db) == {visit}


def test_what_is_over_called_off_or_agreed_to_needs_no_follow_up(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_FIVE)
    book(db, practice, at(20), overbook_reason="came from afar")
    gone = book(db, practice, at(9))["id"]
    db.execute("update public.appointments set status = 'cancelled' where id = %s", [gone])
    assert close_day(db, practice) == []
    assert marked(db) == set()


def test_one_change_of_a_whole_clinic_finds_all_its_providers_visits(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_FIVE)
    colleague = make_provider(
        db, practice.clinic, practice.location, (practice.service,), **NINE_TO_FIVE
    )
    visits = [
        book(db, practice, at(9))["id"],
        book(
            db,
            practice,
            at(10),
            provider_id=colleague,
            patient_id=make_patient(db, practice.clinic),
        )["id"],
    ]
    rows = every(
        db,
        "select appointment_id as id from public.add_exception("
        "starts_on => %s, clinic_id => %s, on_conflict => 'mark')",
        DAY,
        practice.clinic,
    )
    assert [row["id"] for row in rows] == visits
    assert marked(db) == set(visits)


@pytest.mark.parametrize(
    ("hours", "start", "key"),
    [
        ('[{"weekday": 8, "opens": "09:00", "closes": "10:00"}]', None, "invalid_input"),
        ('[{"weekday": "x", "opens": "09:00", "closes": "10:00"}]', None, "invalid_input"),
        ('[{"weekday": 1, "opens": "10:00", "closes": "09:00"}]', None, "invalid_time"),
        ('[{"weekday": 1, "opens": "09:00", "closes": "09:00"}]', None, "invalid_time"),
        ('[{"weekday": 1, "opens": "25:00", "closes": "26:00"}]', None, "invalid_time"),
        ('[{"weekday": 1, "opens": "nine", "closes": "ten"}]', None, "invalid_time"),
        ('[{"opens": "09:00", "closes": "10:00"}]', None, "invalid_input"),
        ('[{"weekday": 1}]', None, "invalid_input"),
        ('["monday"]', None, "invalid_input"),
        ('{"weekday": 1}', None, "invalid_input"),
        ("null", None, "invalid_input"),
        (week("09:00", "10:00", cycle_weeks=0), None, "invalid_input"),
        (json.dumps([{}] * 201), None, "limit_reached"),
        ("[]", "infinity", "invalid_time"),
        ("[]", "2020-01-01", "invalid_time"),
    ],
)
def test_hours_that_cannot_be_meant_are_refused(
    db: Connection, hours: str, start: str | None, key: str
) -> None:
    practice = make_practice(db, hours=NINE_TO_FIVE)
    with refused(db, key):
        set_hours(db, practice, hours, start=start)
    assert hours_of(db, practice, 2) == (9, 17)


def test_another_clinics_location_is_not_found(db: Connection) -> None:
    practice, other = make_practice(db, hours=NINE_TO_FIVE), make_practice(db)
    with refused(db, "not_found"):
        db.execute(
            "select public.set_weekly_hours(%s, %s, '[]')", [practice.provider, other.location]
        )
    with refused(db, "not_found"):
        db.execute(
            "insert into public.weekly_hours (provider_id, location_id, weekday, opens, closes)"
            " values (%s, %s, 1, '09:00', '10:00')",
            [practice.provider, make_location(db, other.clinic)],
        )


def test_owners_and_managers_change_hours_and_nobody_else(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_FIVE)
    exception = insert(
        db, "public.availability_exceptions", clinic_id=practice.clinic, starts_on=DAY
    )["id"]
    callers = [
        (make_member(db, practice.clinic, "front_desk"), "not_allowed"),
        (make_member(db, practice.clinic, "provider"), "not_allowed"),
        (make_member(db, make_clinic(db), "owner"), "not_found"),
        (practice.user, "not_found"),
    ]
    for user, key in callers:
        with as_user(db, user):
            with refused(db, key):
                set_hours(db, practice, "[]")
            with refused(db, key):
                close_day(db, practice)
            with refused(db, key):
                db.execute("select public.remove_exception(%s)", [exception])
    with as_user(db, make_member(db, practice.clinic, "manager")):
        set_hours(db, practice, week("10:00", "11:00"))
        db.execute("select public.remove_exception(%s)", [exception])
        close_day(db, practice)


def test_providers_change_their_own_hours_and_no_others(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_FIVE)
    colleague = make_provider(db, practice.clinic, practice.location)
    user = make_member(db, practice.clinic, "provider")
    db.execute("update public.providers set user_id = %s where id = %s", [user, practice.provider])
    with as_user(db, user):
        set_hours(db, practice, week("10:00", "11:00"))
        db.execute(
            "select public.add_exception(starts_on => %s, provider_id => %s)",
            [DAY, practice.provider],
        )
        own = one(db, "select id from public.availability_exceptions")["id"]
        db.execute("select public.remove_exception(%s)", [own])
        with refused(db, "not_allowed"):
            db.execute(
                "select public.set_weekly_hours(%s, %s, '[]')", [colleague, practice.location]
            )
        with refused(db, "not_allowed"):
            db.execute(
                "select public.add_exception(starts_on => %s, clinic_id => %s)",
                [DAY, practice.clinic],
            )
    db.execute("update public.members set active = false where user_id = %s", [user])
    with as_user(db, user), refused(db, "not_found"):
        set_hours(db, practice, "[]")


def test_members_see_and_close_follow_ups_and_patients_do_not(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_FIVE)
    visit = book(db, practice, at(9))["id"]
    close_day(db, practice, "mark")
    with as_patient(db, practice.user):
        assert marked(db) == set()
    with as_user(db, make_member(db, practice.clinic, "front_desk")):
        assert marked(db) == {visit}
        with denied(db):
            db.execute("delete from public.appointment_follow_ups")
        with denied(db):
            db.execute("update public.appointment_follow_ups set created_at = now()")
        db.execute("update public.appointment_follow_ups set resolved_at = now()")
        assert marked(db) == set()


def test_a_booking_under_way_is_seen_by_the_change(connect: Connect) -> None:
    booker, manager, observer = connect(), connect(), connect()
    practice = make_practice(booker, hours=NINE_TO_FIVE)
    with booker.transaction():
        visit = book(booker, practice, at(9))["id"]
        closing = threading.Thread(target=close_day, args=(manager, practice, "mark"))
        closing.start()
        while not waits(observer, manager.info.backend_pid):
            assert closing.is_alive()
    closing.join()
    assert marked(observer) == {visit}


def test_a_booking_that_comes_during_the_change_is_refused(connect: Connect) -> None:
    booker, manager, observer = connect(), connect(), connect()
    practice = make_practice(booker, hours=NINE_TO_FIVE)
    failures: list[psycopg.Error] = []

    def try_to_book() -> None:
        try:
            book(booker, practice, at(9))
        except psycopg.Error as error:
            failures.append(error)

    with manager.transaction():
        close_day(manager, practice)
        booking = threading.Thread(target=try_to_book)
        booking.start()
        while not waits(observer, booker.info.backend_pid):
            assert booking.is_alive()
    booking.join()
    assert [error.diag.message_primary for error in failures] == ["outside_availability"]
    assert marked(observer) == set()
