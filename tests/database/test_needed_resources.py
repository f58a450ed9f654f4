"""Several rooms at once: offered, explained and reserved as different ones, on every path."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from psycopg.types.json import Json

from tests.database.conftest import Connect
from tests.database.test_never_overlaps import at_once, disagreements, outcome
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
    make_location,
    make_member,
    make_need,
    make_patient,
    make_practice,
    make_provider,
    make_resource,
    make_service,
    make_user,
    one,
    refused,
)

ROOMS = (
    "select resource_id from private.reservations where resource_id in"
    " (select id from public.resources) and (appointment_id = %s or session_id = %s)"
)


def practice_with(db: Connection, rooms: int, quantity: int, **service: Any) -> Practice:
    """A clinic with that many rooms, whose visits need `quantity` of them at once."""
    practice = make_practice(db, hours={"opens": "09:00", "closes": "12:00"}, **service)
    make_need(db, practice.clinic, practice.service, quantity=quantity)
    for _ in range(rooms):
        make_resource(db, practice.clinic, practice.location)
    return practice


def colleague_of(db: Connection, practice: Practice) -> Practice:
    """The same visit with another provider and another patient."""
    user = make_user(db)
    return replace(
        practice,
        provider=make_provider(
            db, practice.clinic, practice.location, (practice.service,), opens="09:00",
            closes="12:00",
        ),
        patient=make_patient(db, practice.clinic, user),
        user=user,
    )  # fmt: skip


def with_one_room(db: Connection, practice: Practice) -> Practice:
    """A visit to another provider that needs one room of the same kind."""
    service = make_service(db, practice.clinic)
    make_need(db, practice.clinic, service)
    other = replace(practice, service=service)
    return colleague_of(db, other)


def rooms_of(db: Connection, visit: UUID) -> list[UUID]:
    return [row["resource_id"] for row in every(db, ROOMS, visit, visit)]


def offered(db: Connection, practice: Practice) -> list[datetime]:
    rows = every(
        db,
        "select starts_at from public.open_slots(%s, %s, %s, %s)",
        practice.service,
        at(8),
        at(13),
        practice.provider,
    )
    return [row["starts_at"] for row in rows]


def attempt(db: Connection, practice: Practice, starts_at: datetime) -> None:
    """Book, and leave nothing behind if it is refused."""
    with db.transaction():
        book(db, practice, starts_at)


def rule(db: Connection, practice: Practice, starts_at: datetime) -> Row:
    """What explain_slot says about rooms."""
    return one(
        db,
        "select * from public.explain_slot(%s, %s, %s) where rule = 'room is free'",
        practice.service,
        practice.provider,
        starts_at,
    )


@pytest.mark.parametrize("way", ["patient", "dashboard", "hold", "series", "together", "session"])
def test_every_path_reserves_as_many_different_rooms_as_are_needed(
    db: Connection, way: str
) -> None:
    practice = practice_with(db, rooms=3, quantity=2, capacity=4 if way == "session" else 1)
    if way == "dashboard":
        visits = [book(db, practice, at(9))["id"]]
    elif way == "session":
        visits = [
            insert(
                db,
                "public.group_sessions",
                service_id=practice.service,
                provider_id=practice.provider,
                starts_at=at(9),
            )["id"]
        ]
    else:
        with as_patient(db, practice.user):
            if way == "series":
                made = every(
                    db,
                    "select appointment_id as id from"
                    " public.book_series(%s, %s, 'FREQ=DAILY;COUNT=2')",
                    practice.service,
                    at(9),
                )
            elif way == "together":
                made = every(
                    db,
                    "select id from public.book_together(%s::jsonb)",
                    Json(
                        [
                            {
                                "service_id": str(practice.service),
                                "starts_at": at(hour).isoformat(),
                            }
                            for hour in (9, 10)
                        ]
                    ),
                )
            else:
                function = "public.hold_slot" if way == "hold" else "public.book_appointment"
                wanted = {"service_id": practice.service, "provider_id": practice.provider}
                made = [call(db, function, starts_at=at(9), **wanted)]
        visits = [row["id"] for row in made]
    assert visits
    for visit in visits:
        rooms = rooms_of(db, visit)
        assert len(rooms) == len(set(rooms)) == 2


def test_a_time_with_one_room_too_few_is_neither_offered_nor_booked(db: Connection) -> None:
    practice = practice_with(db, rooms=2, quantity=2, buffer_after_minutes=15)
    single = with_one_room(db, practice)
    book(db, single, at(10))
    assert offered(db, practice) == [at(9), at(9.25), at(10.5), at(10.75), at(11), at(11.25),
                                     at(11.5)]  # fmt: skip
    with as_patient(db, practice.user), refused(db, "slot_taken"):
        call(db, "public.book_appointment", service_id=practice.service, starts_at=at(10))
    with refused(db, "slot_taken"):
        book(db, practice, at(9.5))
    assert rooms_of(db, book(db, practice, at(10.5))["id"])


def test_two_rooms_free_one_after_the_other_are_not_two_rooms(db: Connection) -> None:
    """One is free for the first half of the visit, the other for the second."""
    practice = practice_with(db, rooms=2, quantity=2, duration_minutes=60)
    first, second = with_one_room(db, practice), with_one_room(db, practice)
    book(db, first, at(9))
    book(db, second, at(9.5))
    assert offered(db, practice) == [at(10), at(10.25), at(10.5), at(10.75), at(11)]


def test_more_rooms_than_there_are_is_never_offered_and_said(db: Connection) -> None:
    practice = practice_with(db, rooms=2, quantity=3)
    assert offered(db, practice) == []
    with refused(db, "slot_taken"):
        book(db, practice, at(9))
    said = rule(db, practice, at(9))
    assert not said["passes"]
    assert said["detail"].startswith("Needed at the same time: 3. Free: room ")


def test_explain_slot_says_how_many_are_needed_free_and_taken(db: Connection) -> None:
    practice = practice_with(db, rooms=0, quantity=2)
    assert rule(db, practice, at(9)) == {
        "rule": "room is free",
        "passes": False,
        "detail": "There is no active room of the kind needed at this place.",
    }
    for name in ("Blue", "Green"):
        insert(
            db,
            "public.resources",
            clinic_id=practice.clinic,
            location_id=practice.location,
            kind="room",
            name=name,
        )
    free = rule(db, practice, at(9))
    assert (free["passes"], free["detail"]) == (
        True,
        "Needed at the same time: 2. Free: Blue, Green.",
    )
    book(db, with_one_room(db, practice), at(9))
    taken = rule(db, practice, at(9))
    assert not taken["passes"]
    assert taken["detail"].startswith("Needed at the same time: 2. Free: ")
    assert "Taken: " in taken["detail"]


def test_a_visit_that_moves_takes_its_rooms_along(db: Connection) -> None:
    practice = practice_with(db, rooms=2, quantity=2)
    visit = book(db, practice, at(9))
    rival = colleague_of(db, practice)
    with refused(db, "slot_taken"):
        book(db, rival, at(9.25))
    with as_user(db, make_member(db, practice.clinic, "front_desk")):
        call(db, "public.reschedule_appointment", appointment_id=visit["id"], starts_at=at(9.25))
    assert len(set(rooms_of(db, visit["id"]))) == 2
    book(db, rival, at(9.75))
    assert disagreements(db) == []


def test_of_a_thing_that_is_named_there_is_only_one(db: Connection) -> None:
    practice = make_practice(db)
    scanner = make_resource(db, practice.clinic, practice.location, "equipment")
    with refused(db, "invalid_input"):
        make_need(
            db, practice.clinic, practice.service, "equipment", resource_id=scanner, quantity=2
        )
    for quantity in (0, -1, 21):
        with refused(db, "invalid_input"):
            make_need(db, practice.clinic, practice.service, quantity=quantity)


def test_the_named_room_is_not_one_of_the_two_others(db: Connection) -> None:
    practice = practice_with(db, rooms=2, quantity=2)
    named = make_resource(db, practice.clinic, practice.location)
    make_need(db, practice.clinic, practice.service, resource_id=named)
    rooms = rooms_of(db, book(db, practice, at(9))["id"])
    assert len(set(rooms)) == 3
    assert named in rooms


@pytest.mark.parametrize("fault", ["switched off", "elsewhere"])
def test_a_named_thing_that_is_not_there_is_not_booked(db: Connection, fault: str) -> None:
    """What is not offered is not booked by whoever knows the function, either."""
    practice = make_practice(db)
    scanner = make_resource(db, practice.clinic, practice.location, "equipment")
    make_need(db, practice.clinic, practice.service, "equipment", resource_id=scanner)
    if fault == "elsewhere":
        change = "location_id"
        value: Any = make_location(db, practice.clinic)
    else:
        change, value = "active", False
    db.execute(f"update public.resources set {change} = %s where id = %s", [value, scanner])
    assert offered(db, practice) == []
    with as_patient(db, practice.user), refused(db, "slot_taken"):
        call(db, "public.book_appointment", service_id=practice.service, starts_at=at(9))
    with refused(db, "slot_taken"):
        book(db, practice, at(9))


@pytest.mark.parametrize("seed", range(4))
def test_what_is_offered_is_exactly_what_enough_free_rooms_allow(db: Connection, seed: int) -> None:
    """Random visits in random rooms; the oracle counts rooms minute by minute."""
    chance = random.Random(seed)
    practice = practice_with(
        db, rooms=4, quantity=chance.choice([2, 3]), buffer_before_minutes=chance.choice([0, 5])
    )
    needed = one(db, "select quantity from public.service_needs")["quantity"]
    before = one(db, "select buffer_before_minutes as b from public.services")["b"]
    for _ in range(8):
        other = with_one_room(db, practice)
        minutes = chance.choice([15, 30, 60])
        db.execute(
            "update public.services set duration_minutes = %s where id = %s",
            [minutes, other.service],
        )
        starts = at(9 + chance.randrange(8) / 4)
        assert outcome(partial(attempt, db, other, starts)) in {
            "done",
            "PT409 slot_taken",
        }
    busy = every(
        db,
        "select resource_id, lower(during) as since, upper(during) as until"
        " from private.reservations where resource_id in (select id from public.resources)",
    )
    expected = []
    for quarter in range(11):
        since, until = at(9 + quarter / 4 - before / 60), at(9.5 + quarter / 4)
        taken = {
            row["resource_id"] for row in busy if row["since"] < until and since < row["until"]
        }
        if 4 - len(taken) >= needed:
            expected.append(at(9 + quarter / 4))
    assert offered(db, practice) == expected


def test_a_herd_on_five_rooms_leaves_two_pairs_and_no_raw_error(connect: Connect) -> None:
    setup = connect()
    practice = practice_with(setup, rooms=5, quantity=2)
    rivals = [(connect(), colleague_of(setup, practice)) for _ in range(12)]
    outcomes = at_once([partial(attempt, *rival, at(9)) for rival in rivals])
    assert Counter(outcomes) == {"done": 2, "PT409 slot_taken": 10}
    kept = every(setup, "select id from public.appointments")
    assert all(len(set(rooms_of(setup, row["id"]))) == 2 for row in kept)
    assert disagreements(setup) == []
