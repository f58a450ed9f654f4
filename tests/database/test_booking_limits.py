"""What limits bookings: visits per day and week, who is new, and how much one person may keep."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from tests.database.conftest import Connect
from tests.database.test_never_overlaps import at_once
from tests.people import (
    Connection,
    Practice,
    Row,
    as_patient,
    as_user,
    at,
    book,
    call,
    every,
    insert,
    make_clinic,
    make_location,
    make_member,
    make_patient,
    make_practice,
    make_provider,
    make_resource,
    make_service,
    make_user,
    one,
    refused,
)


def monday(hours: float) -> datetime:
    """A time on the Monday after next, so that the whole week lies ahead."""
    noon = at(12)
    return at(hours, days=2 + (7 - noon.weekday()) % 7 + 7)


def another(db: Connection, practice: Practice) -> Practice:
    user = make_user(db)
    return replace(practice, user=user, patient=make_patient(db, practice.clinic, user))


def booked(db: Connection, practice: Practice, starts_at: datetime, **arguments: Any) -> Row:
    return call(
        db,
        "public.book_appointment",
        service_id=practice.service,
        starts_at=starts_at,
        patient_id=practice.patient,
        **arguments,
    )


def limit(db: Connection, table: LiteralString, **columns: int) -> None:
    for column, value in columns.items():
        db.execute(
            f"update public.{table} set {column} = %s",  # type: ignore[arg-type]
            [value],
        )


def offered_days(db: Connection, practice: Practice, days: int = 14) -> set[Any]:
    rows = every(
        db,
        "select distinct starts_at::date as day from public.open_slots(%s, %s, %s,"
        " max_results => 5000)",
        practice.service,
        monday(0),
        monday(0) + timedelta(days=days),
    )
    return {row["day"] for row in rows}


@pytest.mark.parametrize("table", ["services", "provider_services"])
def test_no_more_visits_than_a_day_allows(db: Connection, table: LiteralString) -> None:
    practice = make_practice(db)
    limit(db, table, max_per_day=2)
    for hours in (9, 10):
        booked(db, practice, monday(hours))
    with refused(db, "limit_reached"):
        booked(db, practice, monday(11))
    with refused(db, "limit_reached"):
        book(db, practice, monday(11))
    assert monday(0).date() not in offered_days(db, practice)
    assert len(offered_days(db, practice)) == 13
    booked(db, practice, monday(9 + 24))


@pytest.mark.parametrize("table", ["services", "provider_services"])
def test_no_more_visits_than_a_week_allows(db: Connection, table: LiteralString) -> None:
    practice = make_practice(db)
    limit(db, table, max_per_week=2)
    booked(db, practice, monday(9))
    booked(db, practice, monday(9 + 6 * 24))
    with refused(db, "limit_reached"):
        booked(db, practice, monday(9 + 3 * 24))
    assert offered_days(db, practice) == {monday(24 * n).date() for n in range(7, 14)}
    booked(db, practice, monday(9 + 7 * 24))
    booked(db, practice, monday(9 - 24))


def test_a_services_limit_is_of_all_its_providers_and_a_providers_of_one(db: Connection) -> None:
    practice = make_practice(db)
    colleague = make_provider(db, practice.clinic, practice.location, (practice.service,))
    limit(db, "provider_services", max_per_day=1)
    booked(db, practice, monday(9), provider_id=practice.provider)
    with refused(db, "limit_reached"):
        booked(db, practice, monday(10), provider_id=practice.provider)
    assert booked(db, practice, monday(10))["provider_id"] == colleague
    with refused(db, "limit_reached"):
        booked(db, practice, monday(11))
    limit(db, "provider_services", max_per_day=5)
    limit(db, "services", max_per_day=2)
    with refused(db, "limit_reached"):
        booked(db, practice, monday(11))


def test_another_service_does_not_count(db: Connection) -> None:
    practice = make_practice(db)
    other = make_service(db, practice.clinic)
    insert(
        db,
        "public.provider_services",
        clinic_id=practice.clinic,
        provider_id=practice.provider,
        service_id=other,
    )
    limit(db, "services", max_per_day=1)
    booked(db, practice, monday(9))
    booked(db, replace(practice, service=other), monday(10))


def test_days_are_those_of_the_place(db: Connection) -> None:
    clinic = make_clinic(db)
    auckland = ZoneInfo("Pacific/Auckland")
    location = make_location(db, clinic, "Pacific/Auckland")
    service = make_service(db, clinic, max_per_day=1)
    provider = make_provider(db, clinic, location, (service,))
    user = make_user(db)
    practice = Practice(clinic, location, service, provider, make_patient(db, clinic, user), user)
    day = monday(0).replace(tzinfo=auckland)
    booked(db, practice, day + timedelta(hours=8))
    # Another UTC day, the same day there; then the same UTC day, another day there.
    with refused(db, "limit_reached"):
        booked(db, practice, day + timedelta(hours=20))
    booked(db, practice, day + timedelta(hours=25))


def test_what_gives_its_time_back_makes_room(db: Connection) -> None:
    practice = make_practice(db, max_per_day=1)
    visit = booked(db, practice, monday(9))
    db.execute("update public.appointments set status = 'cancelled'")
    hold = call(
        db,
        "public.hold_slot",
        service_id=practice.service,
        provider_id=practice.provider,
        starts_at=monday(9),
        patient_id=practice.patient,
    )
    with refused(db, "limit_reached"):
        booked(db, practice, monday(10))
    db.execute("update public.appointments set hold_expires_at = now() where id = %s", [hold["id"]])
    assert monday(0).date() in offered_days(db, practice)
    again = booked(db, practice, monday(10))
    assert again["id"] not in (visit["id"], hold["id"])


def test_a_visit_may_move_within_its_day_and_not_into_a_full_one(db: Connection) -> None:
    practice = make_practice(db, max_per_day=1)
    visit = booked(db, practice, monday(9))
    booked(db, practice, monday(9 + 24))
    move = "public.reschedule_appointment"
    moved = call(db, move, appointment_id=visit["id"], starts_at=monday(9.25))
    assert moved["starts_at"] == monday(9.25)
    with refused(db, "limit_reached"):
        call(db, move, appointment_id=visit["id"], starts_at=monday(10 + 24))
    with refused(db, "limit_reached"):
        db.execute(
            "update public.appointments set starts_at = %s where id = %s",
            [monday(10 + 24), visit["id"]],
        )


def test_staff_may_go_beyond_a_limit_with_a_reason(db: Connection) -> None:
    practice = make_practice(db, max_per_day=1)
    booked(db, practice, monday(9))
    with as_user(db, make_member(db, practice.clinic, "front_desk")):
        with refused(db, "limit_reached"):
            booked(db, practice, monday(10), provider_id=practice.provider)
        booked(db, practice, monday(10), provider_id=practice.provider, overbook_reason="in pain")


def test_of_many_at_once_exactly_as_many_as_allowed_are_booked(connect: Connect) -> None:
    setup = connect()
    practice = make_practice(setup, max_per_day=3)
    colleague = make_provider(setup, practice.clinic, practice.location, (practice.service,))
    people = [(connect(), another(setup, practice)) for _ in range(12)]

    def take(connection: Connection, person: Practice, number: int) -> None:
        if number % 3 == 0:
            book(connection, replace(person, provider=colleague), monday(9 + number))
        else:
            with as_patient(connection, person.user):
                booked(connection, person, monday(9 + number))

    outcomes = at_once([lambda c=c, p=p, n=n: take(c, p, n) for n, (c, p) in enumerate(people)])
    assert Counter(outcomes) == {"done": 3, "PT422 limit_reached": 9}
    assert len(every(setup, "select from public.appointments")) == 3


def see(db: Connection, practice: Practice) -> None:
    """A visit of last week that took place."""
    book(db, practice, at(9, days=-7), status="fulfilled", overbook_reason="long ago")


def test_a_service_for_new_patients_refuses_who_was_here_before(db: Connection) -> None:
    practice = make_practice(db, new_patients_only=True)
    newcomer = another(db, practice)
    booked(db, practice, at(9))
    booked(db, practice, at(10))
    see(db, practice)
    for attempt in ("public.book_appointment", "public.hold_slot"):
        with as_patient(db, practice.user), refused(db, "new_patients_only"):
            call(
                db,
                attempt,
                service_id=practice.service,
                starts_at=at(11),
                provider_id=practice.provider,
            )
    with refused(db, "new_patients_only"):
        book(db, practice, at(11))
    with as_patient(db, practice.user):
        assert offered_days(db, practice) == set()
    with as_patient(db, newcomer.user):
        assert len(offered_days(db, practice)) == 14
    booked(db, newcomer, at(11))
    booked(db, practice, at(12), provider_id=practice.provider, overbook_reason="new complaint")


def test_visits_elsewhere_do_not_make_one_known(db: Connection) -> None:
    elsewhere = make_practice(db)
    see(db, elsewhere)
    practice = make_practice(db, new_patients_only=True)
    patient = make_patient(db, practice.clinic, elsewhere.user)
    booked(db, replace(practice, patient=patient), at(9))


def test_a_person_has_no_more_coming_visits_than_the_clinic_allows(db: Connection) -> None:
    practice = make_practice(db)
    db.execute("update public.clinics set max_open_bookings_per_patient = 2")
    see(db, practice)
    with as_patient(db, practice.user):
        first = booked(db, practice, at(9))
        call(
            db,
            "public.hold_slot",
            service_id=practice.service,
            starts_at=at(10),
            provider_id=practice.provider,
        )
        for attempt in ("public.book_appointment", "public.hold_slot"):
            with refused(db, "limit_reached"):
                call(
                    db,
                    attempt,
                    service_id=practice.service,
                    starts_at=at(11),
                    provider_id=practice.provider,
                )
        call(db, "public.cancel_appointment", appointment_id=first["id"])
        booked(db, practice, at(11))
    with as_user(db, make_member(db, practice.clinic, "front_desk")):
        booked(db, practice, at(12))


def test_however_parallel_one_person_books_no_more_than_the_clinic_allows(
    connect: Connect,
) -> None:
    setup = connect()
    practice = make_practice(setup)
    setup.execute("update public.clinics set max_open_bookings_per_patient = 3")
    connections = [connect() for _ in range(10)]

    def take(connection: Connection, hours: float) -> None:
        with as_patient(connection, practice.user):
            booked(connection, practice, at(hours))

    outcomes = at_once([lambda c=c, n=n: take(c, 9 + n) for n, c in enumerate(connections)])
    assert Counter(outcomes) == {"done": 3, "PT422 limit_reached": 7}


def test_a_clinic_may_allow_no_holds(db: Connection) -> None:
    practice = make_practice(db)
    db.execute("update public.clinics set max_holds_per_person = 0")
    with as_patient(db, practice.user), refused(db, "limit_reached"):
        call(
            db,
            "public.hold_slot",
            service_id=practice.service,
            starts_at=at(9),
            provider_id=practice.provider,
        )


def test_a_booking_that_could_be_lost_is_not_confirmed(db: Connection) -> None:
    practice = make_practice(db)
    visit = booked(db, practice, at(14))
    db.execute("set local synchronous_commit = off")
    with refused(db, "not_durable"):
        booked(db, practice, at(9))
    with refused(db, "not_durable"):
        book(db, practice, at(9))
    with refused(db, "not_durable"):
        call(
            db,
            "public.hold_slot",
            service_id=practice.service,
            starts_at=at(9),
            provider_id=practice.provider,
            patient_id=practice.patient,
        )
    with refused(db, "not_durable"):
        call(db, "public.reschedule_appointment", appointment_id=visit["id"], starts_at=at(15))
    db.execute("set local synchronous_commit = on")
    booked(db, practice, at(9))


def test_a_service_needs_everything_it_needs(db: Connection) -> None:
    practice = make_practice(db)
    for kind in ("room", "equipment"):
        insert(
            db,
            "public.service_needs",
            clinic_id=practice.clinic,
            service_id=practice.service,
            kind=kind,
        )
    make_resource(db, practice.clinic, practice.location, "room")
    assert offered_days(db, practice) == set()
    with refused(db, "slot_taken"):
        booked(db, practice, monday(9))
    make_resource(db, practice.clinic, practice.location, "equipment")
    assert len(offered_days(db, practice)) == 14
    booked(db, practice, monday(9))
    assert one(db, "select count(*) from private.reservations")["count"] == 4


def foreign_parts(here: Practice, there: Practice, room: UUID) -> list[tuple[LiteralString, Row]]:
    needs = {"clinic_id": here.clinic, "service_id": here.service, "kind": "room"}
    return [
        ("public.service_needs", needs | {"resource_id": room}),
        ("public.service_needs", needs | {"service_id": there.service}),
        (
            "public.provider_services",
            {"clinic_id": here.clinic, "provider_id": there.provider, "service_id": here.service},
        ),
        (
            "public.provider_services",
            {"clinic_id": here.clinic, "provider_id": here.provider, "service_id": there.service},
        ),
        (
            "public.resources",
            {
                "clinic_id": here.clinic,
                "location_id": there.location,
                "kind": "room",
                "name": "Room",
            },
        ),
    ]


def test_another_clinics_room_provider_service_or_place_is_not_found(db: Connection) -> None:
    here, there = make_practice(db), make_practice(db)
    room = make_resource(db, there.clinic, there.location)
    for table, columns in foreign_parts(here, there, room):
        with refused(db, "not_found"):
            insert(db, table, **columns)
    with as_user(db, make_member(db, here.clinic, "manager")):
        for table, columns in foreign_parts(here, there, room):
            with refused(db, "not_found"):
                insert(db, table, **columns)


def test_a_room_of_another_kind_is_not_found(db: Connection) -> None:
    practice = make_practice(db)
    scanner = make_resource(db, practice.clinic, practice.location, "equipment")
    with refused(db, "not_found"):
        insert(
            db,
            "public.service_needs",
            clinic_id=practice.clinic,
            service_id=practice.service,
            kind="room",
            resource_id=scanner,
        )
