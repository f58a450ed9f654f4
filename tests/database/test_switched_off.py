"""Who or what is switched off, put elsewhere or removed while coming visits need it."""

from __future__ import annotations

import threading
from typing import LiteralString
from uuid import UUID

import pytest

from tests.database.conftest import Connect
from tests.database.test_change_hours import waits
from tests.database.test_group_sessions import group_practice, plan, seat
from tests.people import (
    Connection,
    Practice,
    as_manager,
    at,
    book,
    every,
    make_location,
    make_member,
    make_need,
    make_patient,
    make_practice,
    make_provider,
    make_resource,
    make_service,
    refused,
)

SWITCH: dict[str, LiteralString] = {
    "provider": "update public.providers set active = %s where id = %s",
    "room": "update public.resources set active = %s where id = %s",
}
KINDS = {"provider": "outside_hours", "room": "resource_gone"}


def with_room(db: Connection, practice: Practice) -> UUID:
    make_need(db, practice.clinic, practice.service)
    return make_resource(db, practice.clinic, practice.location)


def marked(db: Connection) -> set[tuple[str, UUID]]:
    rows = every(
        db,
        "select kind::text, coalesce(appointment_id, session_id) as what"
        " from public.appointment_follow_ups where resolved_at is null",
    )
    return {(row["kind"], row["what"]) for row in rows}


@pytest.mark.parametrize("which", SWITCH)
def test_coming_visits_of_who_or_what_is_switched_off_are_marked(
    db: Connection, which: str
) -> None:
    practice = make_practice(db)
    room = with_room(db, practice)
    switched = practice.provider if which == "provider" else room
    book(db, practice, at(9, days=-1))
    calls_off, moves, stays = (book(db, practice, at(hour)) for hour in (9, 10, 11))
    with as_manager(db, make_member(db, practice.clinic, "manager")):
        db.execute(SWITCH[which], [False, switched])
    assert marked(db) == {(KINDS[which], visit["id"]) for visit in (calls_off, moves, stays)}
    detail = every(db, "select what, detail from public.needs_attention")
    assert {row["what"] for row in detail} >= {
        "outside the hours" if which == "provider" else "without its room"
    }
    assert all(row["detail"] for row in detail)

    db.execute(
        "update public.appointments set status = 'cancelled' where id = %s", [calls_off["id"]]
    )
    colleague = make_provider(db, practice.clinic, practice.location, (practice.service,))
    make_resource(db, practice.clinic, practice.location)
    db.execute(
        "update public.appointments set provider_id = %s, starts_at = %s where id = %s",
        [colleague, at(12), moves["id"]],
    )
    assert marked(db) == {(KINDS[which], stays["id"])}
    db.execute(SWITCH[which], [True, switched])
    assert marked(db) == set()


@pytest.mark.parametrize("which", SWITCH)
def test_so_are_coming_sessions(db: Connection, which: str) -> None:
    practice = group_practice(db)
    room = with_room(db, practice)
    session = plan(db, practice, at(9))
    taken = seat(db, session, practice.patient)
    switched = practice.provider if which == "provider" else room
    db.execute(SWITCH[which], [False, switched])
    # The room is the session's; the seat has a provider, too.
    assert (KINDS[which], session["id"]) in marked(db)
    assert ((KINDS[which], taken["id"]) in marked(db)) == (which == "provider")
    db.execute(SWITCH[which], [True, switched])
    assert marked(db) == set()


def test_two_things_switched_off_must_both_come_back(db: Connection) -> None:
    practice = make_practice(db)
    rooms = [with_room(db, practice), make_resource(db, practice.clinic, practice.location)]
    db.execute("update public.service_needs set quantity = 2")
    visit = book(db, practice, at(9))
    for room in rooms:
        db.execute(SWITCH["room"], [False, room])
    db.execute(SWITCH["room"], [True, rooms[0]])
    assert marked(db) == {("resource_gone", visit["id"])}
    db.execute(SWITCH["room"], [True, rooms[1]])
    assert marked(db) == set()


def test_a_room_stays_where_it_is_as_long_as_coming_visits_keep_it(db: Connection) -> None:
    practice = make_practice(db)
    room = with_room(db, practice)
    book(db, practice, at(9, days=-1))
    elsewhere = make_location(db, practice.clinic)
    move, remove = (
        "update public.resources set location_id = %s where id = %s",
        "delete from public.resources where id = %s",
    )
    visit = book(db, practice, at(9))
    for doing in (lambda: db.execute(move, [elsewhere, room]), lambda: db.execute(remove, [room])):
        with refused(db, "not_allowed"):
            doing()
    db.execute("update public.appointments set status = 'cancelled' where id = %s", [visit["id"]])
    db.execute(move, [elsewhere, room])
    db.execute(remove, [room])


@pytest.mark.parametrize("which", SWITCH)
def test_a_booking_and_the_switch_at_one_instant_see_each_other(
    connect: Connect, which: str
) -> None:
    setup, manager, patient = connect(), connect(), connect()
    practice = make_practice(setup)
    room = with_room(setup, practice)
    switched = practice.provider if which == "provider" else room
    with patient.transaction():
        visit = book(patient, practice, at(9))
        switching = threading.Thread(
            target=manager.execute, args=(SWITCH[which], [False, switched])
        )
        switching.start()
        while not waits(setup, manager.info.backend_pid):
            assert switching.is_alive()
    switching.join()
    assert marked(setup) == {(KINDS[which], visit["id"])}

    # The other way round: who was switched off a moment before takes nobody.
    setup.execute(SWITCH[which], [True, switched])
    refusals: list[str | None] = []
    other = make_patient(setup, practice.clinic)

    def try_to_book() -> None:
        with refused(patient, "not_found" if which == "provider" else "slot_taken"):
            book(patient, practice, at(12), patient_id=other)
        refusals.append("refused")

    with manager.transaction():
        manager.execute(SWITCH[which], [False, switched])
        booking = threading.Thread(target=try_to_book)
        booking.start()
        while not waits(setup, patient.info.backend_pid):
            assert booking.is_alive()
    booking.join()
    assert refusals == ["refused"]


@pytest.mark.parametrize("table", ["providers", "services", "locations", "resources", "patients"])
def test_what_is_in_use_is_not_removed_and_that_is_said_in_words(
    db: Connection, table: LiteralString
) -> None:
    practice = make_practice(db)
    scanner = make_resource(db, practice.clinic, practice.location, "equipment")
    make_need(db, practice.clinic, practice.service, "equipment", resource_id=scanner)
    book(db, practice, at(9, days=-1))
    used = {
        "providers": practice.provider,
        "services": practice.service,
        "locations": practice.location,
        "resources": scanner,
        "patients": practice.patient,
    }[table]
    remove = f"delete from public.{table} where id = %s"
    with refused(db, "not_allowed"):
        db.execute(remove, [used])
    other = make_practice(db)
    for unused in (
        make_provider(db, practice.clinic, practice.location, (practice.service,)),
        make_service(db, practice.clinic),
        make_location(db, practice.clinic),
        make_resource(db, practice.clinic, practice.location),
        make_patient(db, other.clinic),
    ):
        db.execute(remove, [unused])
    assert every(db, f"select from public.{table} where id = %s", used) == [{}]
