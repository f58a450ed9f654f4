"""Overbooking: staff overrule hours, limits and buffers with a reason; nobody is in two places."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from tests.database.test_never_overlaps import disagreements, overlaps
from tests.people import (
    Connection,
    Practice,
    Row,
    as_patient,
    as_service,
    as_user,
    at,
    book,
    call,
    every,
    make_member,
    make_patient,
    make_practice,
    make_provider,
    one,
    refused,
)

REASON = "an unmistakable reason"


def overbooked(db: Connection, practice: Practice, starts_at: datetime, **arguments: Any) -> Row:
    arguments = {
        "service_id": practice.service,
        "provider_id": practice.provider,
        "patient_id": practice.patient,
        "overbook_reason": REASON,
    } | arguments
    return call(db, "public.book_appointment", starts_at=starts_at, **arguments)


@pytest.mark.parametrize("role", ["front_desk", "provider", "manager", "owner"])
def test_staff_book_outside_hours_and_between_starts(db: Connection, role: str) -> None:
    practice = make_practice(
        db, hours={"opens": "09:00", "closes": "12:00"}, horizon_days=30, min_notice_minutes=600
    )
    with as_user(db, make_member(db, practice.clinic, role)):
        for starts_at in (at(20), at(9 + 7 / 60), at(11.75), at(3, days=40)):
            with refused(db, "outside_availability"):
                overbooked(db, practice, starts_at, overbook_reason=None)
            visit = overbooked(db, practice, starts_at)
            assert (visit["status"], visit["overbook_reason"]) == ("booked", REASON)
            assert visit["location_id"] == practice.location
    assert disagreements(db) == []


def test_patients_do_not_overbook(db: Connection) -> None:
    practice = make_practice(db)
    with as_patient(db, practice.user):
        for starts_at in (at(9), at(20.1)):
            with refused(db, "not_allowed"):
                overbooked(db, practice, starts_at, patient_id=None)
        visit = overbooked(db, practice, at(9), overbook_reason=None)
        with refused(db, "not_allowed"):
            call(
                db,
                "public.reschedule_appointment",
                appointment_id=visit["id"],
                starts_at=at(10),
                overbook_reason=REASON,
            )


def test_staff_of_another_clinic_do_not_overbook_here(db: Connection) -> None:
    practice, elsewhere = make_practice(db), make_practice(db)
    with as_user(db, make_member(db, elsewhere.clinic, "owner")):
        with refused(db, "not_found"):
            overbooked(db, practice, at(9))
        patient = call(db, "public.register_patient", clinic_id=practice.clinic, full_name="Me")
        with refused(db, "not_allowed"):
            overbooked(db, practice, at(9), patient_id=patient["id"])


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_a_reason_is_a_reason(db: Connection, reason: str) -> None:
    practice = make_practice(db)
    with as_service(db), refused(db, "invalid_input"):
        overbooked(db, practice, at(9), overbook_reason=reason)


def test_an_overbooked_visit_names_its_provider_and_is_not_in_the_past(db: Connection) -> None:
    practice = make_practice(db)
    other = make_provider(db, practice.clinic, practice.location)
    with as_service(db):
        for arguments, key in (
            ({"provider_id": None}, "invalid_input"),
            ({"provider_id": other}, "not_found"),
            ({"starts_at": at(9, days=-1)}, "too_soon"),
            ({"starts_at": None}, "invalid_time"),
            ({"starts_at": "infinity"}, "invalid_time"),
        ):
            with refused(db, key):
                overbooked(db, practice, **({"starts_at": at(9)} | arguments))  # type: ignore[arg-type]


def test_overbooking_puts_nobody_in_two_places(db: Connection) -> None:
    practice = make_practice(db)
    overbooked(db, practice, at(20))
    rival = replace(practice, patient=make_patient(db, practice.clinic))
    with refused(db, "slot_taken"):
        overbooked(db, rival, at(20.25))
    colleague = make_provider(db, practice.clinic, practice.location, (practice.service,))
    with refused(db, "patient_already_booked"):
        overbooked(db, practice, at(20.25), provider_id=colleague)
    assert overlaps(db) == []


def test_an_overbooked_visit_gives_up_its_own_buffers_and_no_others(db: Connection) -> None:
    practice = make_practice(db, buffer_before_minutes=10, buffer_after_minutes=10)
    book(db, practice, at(9))
    late = at(9 + 40 / 60)
    rival = replace(practice, patient=make_patient(db, practice.clinic))
    with refused(db, "slot_taken"):
        book(db, rival, late)
    with refused(db, "slot_taken"):
        overbooked(db, rival, at(9 + 35 / 60))
    visit = overbooked(db, rival, late)
    assert (visit["buffer_before_minutes"], visit["buffer_after_minutes"]) == (0, 0)
    assert disagreements(db) == []
    assert overlaps(db) == []


def test_a_visit_is_moved_beyond_the_rules_and_back(db: Connection) -> None:
    practice = make_practice(
        db, hours={"opens": "09:00", "closes": "12:00"}, buffer_after_minutes=10
    )
    visit = book(db, practice, at(9))
    move = {"appointment_id": visit["id"]}
    with as_user(db, make_member(db, practice.clinic, "front_desk")):
        with refused(db, "outside_availability"):
            call(db, "public.reschedule_appointment", starts_at=at(20), **move)
        moved = call(
            db,
            "public.reschedule_appointment",
            starts_at=at(20),
            overbook_reason=REASON,
            **move,
        )
        assert (moved["id"], moved["version"]) == (visit["id"], 2)
        assert (moved["overbook_reason"], moved["buffer_after_minutes"]) == (REASON, 0)
        back = call(db, "public.reschedule_appointment", starts_at=at(10), **move)
        assert (back["overbook_reason"], back["buffer_after_minutes"]) == (None, 10)
    assert disagreements(db) == []


def test_history_says_that_it_was_overbooked_and_not_why(db: Connection) -> None:
    practice = make_practice(db)
    visit = overbooked(db, practice, at(20))
    event = one(db, "select after from public.appointment_events")
    assert event["after"]["is_overbooked"] is True
    call(db, "public.reschedule_appointment", appointment_id=visit["id"], starts_at=at(9))
    changed = every(db, "select before, after from public.appointment_events order by id")[-1]
    assert changed["before"]["is_overbooked"] is True
    assert changed["after"]["is_overbooked"] is False
    assert REASON not in str(every(db, "select * from public.appointment_events"))
