"""`open_slots`: what is offered is free, inside hours, on the grid, within notice and horizon."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.people import (
    Connection,
    Practice,
    Row,
    as_anon,
    as_patient,
    as_user,
    at,
    book,
    every,
    insert,
    make_hours,
    make_location,
    make_member,
    make_need,
    make_patient,
    make_practice,
    make_provider,
    make_resource,
    make_user,
    refused,
)

NINE_TO_ELEVEN = {"opens": "09:00", "closes": "11:00"}


def slots(
    db: Connection, practice: Practice, start: Any = None, end: Any = None, **more: Any
) -> list[Row]:
    return every(
        db,
        "select * from public.open_slots(%s, %s, %s, %s, %s, %s)",
        practice.service,
        start or at(0),
        end or at(24),
        more.get("provider"),
        more.get("location"),
        more.get("max_results", 500),
    )


def hours(found: list[Row]) -> list[float]:
    return [(slot["starts_at"] - at(0)) / timedelta(hours=1) for slot in found]


def test_starts_lie_on_the_interval_and_visits_end_within_the_hours(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_ELEVEN)
    found = slots(db, practice)
    assert hours(found) == [9, 9.25, 9.5, 9.75, 10, 10.25, 10.5]
    assert found[0] == {
        "provider_id": practice.provider,
        "location_id": practice.location,
        "starts_at": at(9),
        "ends_at": at(9.5),
    }


def test_the_grid_begins_with_each_shift(db: Connection) -> None:
    practice = make_practice(
        db, hours={"opens": "09:10", "closes": "10:10"}, slot_interval_minutes=30
    )
    make_hours(
        db, practice.clinic, practice.provider, practice.location, opens="13:05", closes="13:50"
    )
    starts = [f"{slot['starts_at']:%H:%M}" for slot in slots(db, practice)]
    assert starts == ["09:10", "09:40", "13:05"]


def test_a_booked_visit_removes_what_would_touch_it_buffers_included(db: Connection) -> None:
    practice = make_practice(
        db, hours=NINE_TO_ELEVEN, buffer_before_minutes=10, buffer_after_minutes=5
    )
    book(db, replace(practice, patient=make_patient(db, practice.clinic)), at(10))
    # Kept busy 9:50 to 10:35; a visit needs 10 minutes before and 5 after itself.
    assert hours(slots(db, practice)) == [9, 9.25]


def test_a_cancelled_visit_gives_its_time_back(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_ELEVEN)
    before = slots(db, practice)
    book(db, practice, at(10))
    assert slots(db, practice) != before
    db.execute("update public.appointments set status = 'cancelled'")
    assert slots(db, practice) == before


def test_a_slot_needs_a_free_room_and_the_scanner(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_ELEVEN)
    make_need(db, practice.clinic, practice.service)
    assert slots(db, practice) == []
    rooms = [make_resource(db, practice.clinic, practice.location) for _ in range(2)]
    scanner = make_resource(db, practice.clinic, practice.location, "equipment")
    make_need(db, practice.clinic, practice.service, "equipment", resource_id=scanner)
    assert len(slots(db, practice)) == 7
    busy = (
        "insert into private.reservations (resource_id, during, appointment_id) values (%s, %s, %s)"
    )
    elsewhere = book(db, make_practice(db), at(9))["id"]
    reserve = [
        (rooms[0], f"[{at(9)}, {at(11)})"),
        (rooms[1], f"[{at(9)}, {at(10)})"),
        (scanner, f"[{at(10.75)}, {at(12)})"),
    ]
    for resource, during in reserve:
        db.execute(busy, [resource, during, elsewhere])
    assert hours(slots(db, practice)) == [10, 10.25]


def test_every_offered_slot_can_be_booked_and_no_other_start_can(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_ELEVEN, buffer_after_minutes=10)
    make_need(db, practice.clinic, practice.service)
    make_resource(db, practice.clinic, practice.location)
    book(db, replace(practice, patient=make_patient(db, practice.clinic)), at(9.75))
    offered = {slot["starts_at"] for slot in slots(db, practice)}
    assert offered
    call = "select public.book_appointment(%s, %s)"
    for minutes in range(8 * 60, 12 * 60, 5):
        start = at(minutes / 60)
        with as_patient(db, practice.user):
            if start in offered:
                with db.transaction(force_rollback=True):
                    db.execute(call, [practice.service, start])
            else:
                with pytest.raises(psycopg.Error) as caught, db.transaction():
                    db.execute(call, [practice.service, start])
                key = caught.value.diag.message_primary
                assert key in {"slot_taken", "outside_availability"}, (start, key)


def test_a_provider_may_take_longer(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_ELEVEN)
    db.execute("update public.provider_services set duration_minutes = 90")
    found = slots(db, practice)
    assert hours(found) == [9, 9.25, 9.5]
    assert found[0]["ends_at"] == at(10.5)


def test_by_provider_and_by_location(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_ELEVEN)
    elsewhere = make_location(db, practice.clinic)
    colleague = make_provider(
        db, practice.clinic, elsewhere, (practice.service,), opens="14:00", closes="15:00"
    )
    assert len(slots(db, practice)) == 10
    assert {s["provider_id"] for s in slots(db, practice, provider=colleague)} == {colleague}
    assert {s["location_id"] for s in slots(db, practice, location=elsewhere)} == {elsewhere}
    assert slots(db, practice, provider=colleague, location=practice.location) == []


def test_patients_are_bound_by_notice_and_horizon_and_staff_is_not(db: Connection) -> None:
    practice = make_practice(db, min_notice_minutes=180, horizon_days=3)
    now = datetime.now(UTC)
    with as_patient(db, practice.user):
        found = slots(db, practice, now, now + timedelta(days=10), max_results=5000)
    assert now + timedelta(hours=3) <= found[0]["starts_at"] < now + timedelta(hours=3.3)
    assert found[-1]["starts_at"] < now + timedelta(days=3)
    with as_user(db, make_member(db, practice.clinic, "front_desk")):
        found = slots(db, practice, now, now + timedelta(days=10), max_results=5000)
    assert now < found[0]["starts_at"] < now + timedelta(hours=1)
    assert found[-1]["starts_at"] > now + timedelta(days=9)


def test_the_past_is_never_offered(db: Connection) -> None:
    practice = make_practice(db)
    assert slots(db, practice, at(0, days=-5), at(0, days=-1)) == []


def test_results_come_by_time_up_to_the_limit(db: Connection) -> None:
    practice = make_practice(db)
    make_provider(db, practice.clinic, practice.location, (practice.service,))
    found = slots(db, practice, max_results=5)
    assert [slot["starts_at"] for slot in found] == [at(0), at(0), at(0.25), at(0.25), at(0.5)]


def test_overlapping_hours_offer_a_time_once(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_ELEVEN)
    make_hours(db, practice.clinic, practice.provider, practice.location, **NINE_TO_ELEVEN)
    found = [slot["starts_at"] for slot in slots(db, practice)]
    assert len(found) == len(set(found)) == 7


@pytest.mark.parametrize(
    ("start", "end", "max_results", "key"),
    [
        (at(9), at(9), 10, "invalid_time"),
        (at(9), at(8), 10, "invalid_time"),
        ("-infinity", at(9), 10, "invalid_time"),
        (at(9), "infinity", 10, "invalid_time"),
        (at(9), at(10, days=70), 10, "limit_reached"),
        (at(9), at(10), 10_000, "limit_reached"),
        (at(9), at(10), 0, "invalid_input"),
        (at(9), at(10), None, "invalid_input"),
    ],
)
def test_senseless_questions_are_refused(
    db: Connection, start: Any, end: Any, max_results: int | None, key: str
) -> None:
    practice = make_practice(db)
    with refused(db, key):
        slots(db, practice, start, end, max_results=max_results)


def test_private_clinics_answer_their_own_people_alone(db: Connection) -> None:
    practice = make_practice(db)
    with as_anon(db):
        assert len(slots(db, practice)) > 0
    db.execute("update public.clinics set books_publicly = false")
    for caller in (as_anon(db), as_patient(db, make_user(db))):
        with caller, refused(db, "not_found"):
            slots(db, practice)
    for user in (practice.user, make_member(db, practice.clinic, "provider")):
        with as_user(db, user):
            assert len(slots(db, practice)) > 0


def test_who_left_and_what_ended_is_not_offered(db: Connection) -> None:
    practice = make_practice(db)
    db.execute("update public.providers set active = false")
    assert slots(db, practice) == []
    db.execute("update public.services set active = false")
    with refused(db, "not_found"):
        slots(db, practice)


def test_another_clinics_room_is_no_help(db: Connection) -> None:
    practice, other = make_practice(db), make_practice(db)
    make_need(db, practice.clinic, practice.service)
    insert(
        db,
        "public.resources",
        clinic_id=other.clinic,
        location_id=other.location,
        kind="room",
        name="Room",
    )
    assert slots(db, practice) == []
