"""What the day board asks: hours, rooms, blocked time, and offers made by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.people import (
    Connection,
    Practice,
    as_front_desk,
    as_manager,
    as_patient,
    as_provider,
    at,
    book,
    call,
    every,
    insert,
    make_clinic,
    make_location,
    make_member,
    make_need,
    make_patient,
    make_practice,
    make_provider,
    make_resource,
    make_service,
    one,
    refused,
)


@pytest.fixture
def practice(db: Connection) -> Practice:
    """Open from 8 to 18 every day."""
    return make_practice(db, hours={"opens": "08:00", "closes": "18:00"})


@pytest.fixture
def front_desk(db: Connection, practice: Practice) -> UUID:
    return make_member(db, practice.clinic, "front_desk")


def hours(db: Connection, practice: Practice) -> list[tuple[Any, Any]]:
    rows = every(
        db,
        "select * from public.working_hours(%s, %s, %s)",
        practice.clinic,
        at(0),
        at(24),
    )
    return [(row["opens_at"], row["closes_at"]) for row in rows]


def test_staff_see_when_each_provider_is_there(
    db: Connection, practice: Practice, front_desk: UUID
) -> None:
    with as_front_desk(db, front_desk):
        assert hours(db, practice) == [(at(8), at(18))]
        db.execute("select public.block_time(%s, %s, %s)", [practice.provider, at(12), at(13)])
        assert hours(db, practice) == [(at(8), at(12)), (at(13), at(18))]


def test_strangers_learn_nothing_of_a_clinics_day(db: Connection, practice: Practice) -> None:
    stranger = make_member(db, make_clinic(db), "owner")
    for user in (practice.user, stranger):
        for question in ("working_hours", "rooms_in_use"):
            with as_patient(db, user), refused(db, "not_found"):
                db.execute(
                    f"select * from public.{question}(%s, %s, %s)",
                    [practice.clinic, at(0), at(24)],
                )


def test_a_day_is_asked_with_a_beginning_and_an_end(
    db: Connection, practice: Practice, front_desk: UUID
) -> None:
    with as_front_desk(db, front_desk):
        for to, key in ((at(0), "invalid_time"), (at(0, days=90), "limit_reached")):
            with refused(db, key):
                db.execute(
                    "select * from public.working_hours(%s, %s, %s)", [practice.clinic, at(0), to]
                )


def test_the_board_knows_which_room_a_visit_keeps(
    db: Connection, practice: Practice, front_desk: UUID
) -> None:
    room = make_resource(db, practice.clinic, practice.location)
    make_need(db, practice.clinic, practice.service)
    visit = book(db, practice, at(9))
    with as_front_desk(db, front_desk):
        assert every(
            db,
            "select * from public.rooms_in_use(%s, %s, %s)",
            practice.clinic,
            at(0),
            at(24),
        ) == [{"appointment_id": visit["id"], "resource_id": room}]


def test_blocking_time_is_refused_while_visits_stand_in_it(
    db: Connection, practice: Practice, front_desk: UUID
) -> None:
    visit = book(db, practice, at(12))
    with as_front_desk(db, front_desk):
        with refused(db, "visits_outside_hours"):
            db.execute("select public.block_time(%s, %s, %s)", [practice.provider, at(12), at(13)])
        marked = call(
            db,
            "public.block_time",
            provider_id=practice.provider,
            starts_at=at(12),
            ends_at=at(13),
            on_conflict="mark",
        )
    assert marked["appointment_id"] == visit["id"]
    assert one(db, "select appointment_id from public.appointment_follow_ups") == {
        "appointment_id": visit["id"]
    }


def test_providers_block_their_own_time_alone(db: Connection, practice: Practice) -> None:
    user = make_member(db, practice.clinic, "provider")
    db.execute("update public.providers set user_id = %s where id = %s", [user, practice.provider])
    colleague = make_provider(db, practice.clinic, practice.location, (practice.service,))
    with as_provider(db, user):
        db.execute("select public.block_time(%s, %s, %s)", [practice.provider, at(12), at(13)])
        with refused(db, "not_allowed"):
            db.execute("select public.block_time(%s, %s, %s)", [colleague, at(12), at(13)])
    block = one(db, "select id from public.availability_exceptions")["id"]
    with as_patient(db, practice.user), refused(db, "not_found"):
        db.execute("select public.unblock_time(%s)", [block])
    with as_provider(db, user):
        db.execute("select public.unblock_time(%s)", [block])
    assert every(db, "select from public.availability_exceptions") == []


def test_a_block_is_hours_of_one_day(db: Connection, practice: Practice, front_desk: UUID) -> None:
    with as_front_desk(db, front_desk):
        for ends in (at(12), at(13, days=4)):
            with refused(db, "invalid_time"):
                db.execute(
                    "select public.block_time(%s, %s, %s)", [practice.provider, at(12), ends]
                )
        db.execute("select public.block_time(%s, %s, %s)", [practice.provider, at(22), at(24)])
    assert str(one(db, "select closes::text from public.availability_exceptions")["closes"]) == (
        "24:00:00"
    )


def test_where_clocks_differ_a_block_is_the_same_time_everywhere(
    db: Connection, practice: Practice, front_desk: UUID
) -> None:
    far = make_location(db, practice.clinic, "Asia/Tokyo")
    with as_front_desk(db, front_desk):
        db.execute("select public.block_time(%s, %s, %s)", [practice.provider, at(2), at(3)])
    blocks = every(
        db, "select location_id, opens::text, closes::text from public.availability_exceptions"
    )
    assert {block["location_id"]: (block["opens"], block["closes"]) for block in blocks} == {
        practice.location: ("02:00:00", "03:00:00"),
        far: ("11:00:00", "12:00:00"),
    }


def test_absences_stay_with_managers(db: Connection, practice: Practice, front_desk: UUID) -> None:
    closure = insert(
        db,
        "public.availability_exceptions",
        clinic_id=practice.clinic,
        provider_id=practice.provider,
        starts_on=at(0).date(),
    )["id"]
    with as_front_desk(db, front_desk), refused(db, "not_allowed"):
        db.execute("select public.unblock_time(%s)", [closure])


def wait(db: Connection, practice: Practice, location: UUID | None = None) -> UUID:
    waiting: UUID = one(
        db,
        "insert into public.waitlist_entries (service_id, patient_id, location_id)"
        " values (%s, %s, %s) returning id",
        practice.service,
        practice.patient,
        location,
    )["id"]
    return waiting


@pytest.fixture
def entry(db: Connection, practice: Practice) -> UUID:
    return wait(db, practice)


def test_staff_offer_a_free_time_and_withdraw_it(
    db: Connection, practice: Practice, front_desk: UUID, entry: UUID
) -> None:
    with as_front_desk(db, front_desk):
        offer = call(
            db,
            "public.offer_time",
            entry_id=entry,
            provider_id=practice.provider,
            starts_at=at(9),
        )
        assert (offer["status"], offer["starts_at"]) == ("open", at(9))
        with refused(db, "illegal_transition"):
            db.execute("select public.offer_time(%s, %s, %s)", [entry, practice.provider, at(10)])
        db.execute("select public.cancel_appointment(%s)", [offer["appointment_id"]])
    assert one(db, "select status from public.waitlist_entries where id = %s", entry) == {
        "status": "waiting"
    }
    assert one(
        db,
        "select kind::text from public.notifications where appointment_id = %s and kind = 'offer'",
        offer["appointment_id"],
    )


def test_only_what_is_free_is_offered(
    db: Connection, practice: Practice, front_desk: UUID, entry: UUID
) -> None:
    book(db, practice, at(9), patient_id=make_patient(db, practice.clinic))
    times = {
        at(9): "slot_taken",
        at(7): "outside_availability",
        at(0) - timedelta(days=9): "too_soon",
    }
    with as_front_desk(db, front_desk):
        for time, key in times.items():
            with refused(db, key):
                db.execute("select public.offer_time(%s, %s, %s)", [entry, practice.provider, time])


def test_a_wished_place_is_kept_to(db: Connection, practice: Practice, front_desk: UUID) -> None:
    entry = wait(db, practice, location=make_location(db, practice.clinic))
    with as_front_desk(db, front_desk), refused(db, "outside_availability"):
        db.execute("select public.offer_time(%s, %s, %s)", [entry, practice.provider, at(9)])


def test_offers_are_for_the_clinics_own_staff_and_people(
    db: Connection, practice: Practice, entry: UUID
) -> None:
    stranger = make_member(db, make_clinic(db), "manager")
    for user in (practice.user, stranger):
        with as_manager(db, user), refused(db, "not_found"):
            db.execute("select public.offer_time(%s, %s, %s)", [entry, practice.provider, at(9)])
    manager = make_member(db, practice.clinic, "manager")
    other = make_practice(db)
    make_service(db, practice.clinic)
    with as_manager(db, manager), refused(db, "not_found"):
        db.execute("select public.offer_time(%s, %s, %s)", [entry, other.provider, at(9)])


def test_patients_are_found_by_parts_of_their_names(
    db: Connection, practice: Practice, front_desk: UUID
) -> None:
    for name in ("Anna-Maria Berg", "Bergit Anders", "Anna 100% Sure"):
        insert(db, "public.patients", clinic_id=practice.clinic, full_name=name)
    insert(db, "public.patients", clinic_id=make_clinic(db), full_name="Anna Berg")

    def found(name: str) -> list[str]:
        rows = every(db, "select * from public.find_patients(%s, %s)", practice.clinic, name)
        return [row["full_name"] for row in rows]

    with as_front_desk(db, front_desk):
        assert found("BERG an") == ["Anna-Maria Berg", "Bergit Anders"]
        assert found("100%") == ["Anna 100% Sure"]
        assert found("%") == ["Anna 100% Sure"]
        assert found("  ") == []
    with as_patient(db, practice.user):
        assert found("berg") == []


def test_namesakes_are_told_apart_by_the_year_in_which_they_were_born(
    db: Connection, practice: Practice, front_desk: UUID
) -> None:
    for name, born in (
        ("Anna Berg", "1980-02-03"),
        ("anna berg ", "1999-12-31"),
        ("Anna Bergen", "1970-01-01"),
    ):
        insert(
            db,
            "public.patients",
            clinic_id=practice.clinic,
            full_name=name,
            date_of_birth=born,
        )

    def found() -> dict[str, int | None]:
        rows = every(db, "select * from public.find_patients(%s, 'berg')", practice.clinic)
        return {row["full_name"]: row["birth_year"] for row in rows}

    with as_front_desk(db, front_desk):
        assert found() == {"Anna Berg": 1980, "anna berg ": 1999, "Anna Bergen": None}
        # However few are shown: the other one is there.
        (first,) = every(
            db, "select * from public.find_patients(%s, 'anna berg', 1)", practice.clinic
        )
        assert first["birth_year"] in {1980, 1999}
    with as_patient(db, practice.user):
        assert found() == {}
        others = every(db, "select private.birth_year_of(id) as year from public.patients")
        assert {row["year"] for row in others} == {None}
