"""Promise inside_availability: a visit lies in the provider's open time, or staff said why not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import LiteralString

import pytest

from tests.people import (
    Connection,
    as_patient,
    at,
    book,
    call,
    insert,
    make_clinic,
    make_hours,
    make_location,
    make_practice,
    make_provider,
    one,
    refused,
)

NINE_TO_TWELVE = {"opens": "09:00", "closes": "12:00"}


@pytest.mark.parametrize("hour", [8.5, 8.75, 11.75, 12, 20])
def test_a_visit_that_sticks_out_of_the_hours_is_refused(db: Connection, hour: float) -> None:
    practice = make_practice(db, hours=NINE_TO_TWELVE)
    with refused(db, "outside_availability"):
        book(db, practice, at(hour))


@pytest.mark.parametrize("hour", [9, 11.5])
def test_a_visit_may_fill_the_hours_to_their_edges(db: Connection, hour: float) -> None:
    practice = make_practice(db, hours=NINE_TO_TWELVE)
    assert book(db, practice, at(hour))["status"] == "booked"


def test_hours_that_meet_are_one_open_time(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_TWELVE)
    make_hours(
        db, practice.clinic, practice.provider, practice.location, opens="12:00", closes="15:00"
    )
    book(db, practice, at(11.75))


def test_a_buffer_may_lie_outside_of_the_hours(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_TWELVE, buffer_after_minutes=30)
    book(db, practice, at(11.5))


def test_hours_hold_from_their_first_day_to_their_last(db: Connection) -> None:
    practice = make_practice(db)
    db.execute(
        "update public.weekly_hours set valid_from = %s, valid_until = %s",
        [at(0, days=3).date(), at(0, days=4).date()],
    )
    for day in (2, 5):
        with refused(db, "outside_availability"):
            book(db, practice, at(9, days=day))
    for day in (3, 4):
        book(db, practice, at(9, days=day))


def test_hours_at_one_place_open_no_other(db: Connection) -> None:
    practice = make_practice(db)
    elsewhere = make_location(db, practice.clinic)
    with refused(db, "outside_availability"):
        book(db, practice, at(9), location_id=elsewhere)


def test_staff_may_overbook_with_a_reason_that_stays(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_TWELVE)
    visit = book(db, practice, at(20), overbook_reason="came from afar")
    assert visit["overbook_reason"] == "came from afar"
    with refused(db, "outside_availability"):
        db.execute("update public.appointments set overbook_reason = null")


def test_overbooking_is_no_double_booking(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_TWELVE)
    book(db, practice, at(20), overbook_reason="came from afar")
    with refused(db, "slot_taken"):
        book(db, practice, at(20), overbook_reason="also from afar")


def test_a_booked_visit_outlives_its_hours_but_cannot_move_within_what_is_gone(
    db: Connection,
) -> None:
    practice = make_practice(db)
    visit = book(db, practice, at(9))
    db.execute("delete from public.weekly_hours where provider_id = %s", [practice.provider])
    db.execute("update public.appointments set status = 'arrived' where id = %s", [visit["id"]])
    with refused(db, "outside_availability"):
        db.execute(
            "update public.appointments set starts_at = %s where id = %s", [at(10), visit["id"]]
        )


def test_a_provider_who_left_takes_no_new_visits(db: Connection) -> None:
    practice = make_practice(db)
    db.execute("update public.providers set active = false where id = %s", [practice.provider])
    with refused(db, "not_found"):
        book(db, practice, at(9))


def test_a_provider_gives_only_what_they_offer(db: Connection) -> None:
    practice = make_practice(db)
    colleague = make_provider(db, practice.clinic, practice.location)
    with refused(db, "not_found"):
        book(db, replace(practice, provider=colleague), at(9))


def test_another_clinics_hours_open_nothing_here(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_TWELVE)
    other = make_clinic(db)
    with refused(db, "not_found"):
        book(db, practice, at(9), location_id=make_location(db, other))


def test_hours_of_every_third_week_count_from_the_week_they_begin_in(db: Connection) -> None:
    practice = make_practice(db)
    soon = at(0).date()
    begin = soon - timedelta(days=soon.weekday())
    # From a Thursday on: its Monday belongs to the same week of the cycle, but is too early.
    db.execute(
        "update public.weekly_hours set cycle_weeks = 3, valid_from = %s",
        [begin + timedelta(days=3)],
    )
    for since in range(70):
        day = begin + timedelta(days=since)
        is_open = since // 7 % 3 == 0 and since >= 3
        answer = one(
            db,
            "select private.open_time(%s, %s, %s, %s) <> '{}' as is_open",
            practice.provider,
            practice.location,
            f"{day} 09:00+00",
            f"{day} 10:00+00",
        )
        assert answer["is_open"] == is_open, since


def test_only_what_is_over_is_imported(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_TWELVE)
    for status in ("booked", "pending", "held", "arrived"):
        with refused(db, "invalid_time"):
            book(db, practice, at(20), booked_via="import", status=status)
    with refused(db, "invalid_time"):
        book(db, practice, at(9), booked_via="import", external_id="another system's")
    past = book(db, practice, at(20, days=-3), booked_via="import", status="booked")
    for change in ("starts_at = %(coming)s", "starts_at = %(past)s, ends_at = %(coming)s"):
        with refused(db, "invalid_time"):
            db.execute(
                f"update public.appointments set {change} where id = %(id)s",
                {"coming": at(9), "past": at(20, days=-3), "id": past["id"]},
            )


def test_no_visit_becomes_an_import_later(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_TWELVE)
    visit = book(db, practice, at(9))
    with refused(db, "outside_availability"):
        db.execute(
            "update public.appointments set booked_via = 'import', starts_at = %s where id = %s",
            [at(20), visit["id"]],
        )
    db.execute("update public.appointments set booked_via = 'import' where id = %s", [visit["id"]])
    kept = one(db, "select booked_via from public.appointments where id = %s", visit["id"])
    assert kept == {"booked_via": "dashboard"}


@pytest.mark.parametrize("is_plain", [True, False])
def test_a_cycle_keeps_its_weeks_when_the_hours_are_those_of_a_later_week(
    db: Connection, is_plain: bool
) -> None:
    practice = make_practice(db)
    soon = at(0).date()
    begin = soon - timedelta(days=soon.weekday())
    db.execute(
        "update public.weekly_hours set cycle_weeks = 3, cycle_from = %s, valid_from = %s",
        [begin + timedelta(days=3), begin + timedelta(days=14)],
    )
    if not is_plain:
        insert(
            db,
            "public.availability_exceptions",
            provider_id=practice.provider,
            starts_on=begin,
            ends_on=begin + timedelta(days=100),
            opens="00:00",
            closes="00:01",
        )
    for since in range(7, 70):
        starts_at = datetime.combine(begin + timedelta(days=since), time(9), UTC)
        is_open = since // 7 % 3 == 0 and since >= 14
        answer = one(
            db,
            "select private.open_time(%s, %s, %s, %s) <> '{}' as is_open",
            practice.provider,
            practice.location,
            starts_at,
            starts_at + timedelta(hours=1),
        )
        assert answer["is_open"] == is_open, since
        with db.transaction(force_rollback=True), as_patient(db, practice.user):
            wanted = {"service_id": practice.service, "provider_id": practice.provider}
            if is_open:
                call(db, "public.book_appointment", starts_at=starts_at, **wanted)
            else:
                with refused(db, "outside_availability"):
                    call(db, "public.book_appointment", starts_at=starts_at, **wanted)


@pytest.mark.parametrize("cycle_from", ["infinity", "valid_from + 1"])
def test_a_cycle_begins_before_its_hours(db: Connection, cycle_from: LiteralString) -> None:
    make_practice(db)
    value = cycle_from if cycle_from.startswith("valid") else f"'{cycle_from}'"
    with refused(db, "invalid_time"):
        db.execute(f"update public.weekly_hours set cycle_from = {value}")


@pytest.mark.parametrize("cycle", [0, -1, 53])
def test_a_cycle_has_1_to_52_weeks(db: Connection, cycle: int) -> None:
    make_practice(db)
    with refused(db, "invalid_input"):
        db.execute("update public.weekly_hours set cycle_weeks = %s", [cycle])


def test_each_location_keeps_its_own_zone(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_TWELVE)
    tokyo = make_location(db, practice.clinic, "Asia/Tokyo")
    make_hours(db, practice.clinic, practice.provider, tokyo, opens="15:00", closes="16:00")
    assert book(db, practice, at(6))["location_id"] == tokyo
    assert book(db, practice, at(9))["location_id"] == practice.location
    with refused(db, "outside_availability"):
        book(db, practice, at(15))
