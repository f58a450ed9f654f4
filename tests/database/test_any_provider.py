"""A booking that names no provider: shared fairly among those who are free, never a busy one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from tests.database.conftest import Connect
from tests.database.test_never_overlaps import at_once, disagreements, overlaps
from tests.people import (
    Connection,
    Practice,
    as_patient,
    at,
    book,
    call,
    every,
    make_patient,
    make_practice,
    make_provider,
    make_user,
    one,
    refused,
)


def team(db: Connection, practice: Practice, size: int) -> list[UUID]:
    return [practice.provider] + [
        make_provider(db, practice.clinic, practice.location, (practice.service,))
        for _ in range(size - 1)
    ]


def anybody(db: Connection, practice: Practice, starts_at: datetime, **arguments: Any) -> UUID:
    arguments = {"patient_id": practice.patient} | arguments
    visit = call(
        db,
        "public.book_appointment",
        service_id=practice.service,
        starts_at=starts_at,
        **arguments,
    )
    provider: UUID = visit["provider_id"]
    return provider


def commit_each(connect: Connect) -> tuple[Connection, Practice]:
    """A connection on which every booking has a moment of its own."""
    connection = connect()
    return connection, make_practice(connection)


def weigh(db: Connection, provider: UUID, weight: int) -> None:
    db.execute(
        "update public.provider_services set weight = %s where provider_id = %s",
        [weight, provider],
    )


def test_equal_weights_share_alike_in_turn(connect: Connect) -> None:
    db, practice = commit_each(connect)
    providers = team(db, practice, 3)
    chosen = [anybody(db, practice, at(n, days=3)) for n in range(9)]
    assert Counter(chosen) == dict.fromkeys(providers, 3)
    assert chosen[:3] == chosen[3:6] == chosen[6:]


def test_twice_the_weight_is_twice_the_share(connect: Connect) -> None:
    db, practice = commit_each(connect)
    light, heavy = team(db, practice, 2)
    weigh(db, heavy, 2)
    chosen = Counter(anybody(db, practice, at(n / 2, days=3)) for n in range(30))
    assert chosen == {light: 10, heavy: 20}


def test_no_weight_is_booked_by_name_only(db: Connection) -> None:
    practice = make_practice(db)
    first, second = team(db, practice, 2)
    weigh(db, second, 0)
    assert anybody(db, practice, at(9)) == first
    with refused(db, "slot_taken"):
        anybody(db, practice, at(9), patient_id=make_patient(db, practice.clinic))
    assert anybody(db, practice, at(10), provider_id=second) == second


def test_among_equal_turns_whoever_was_booked_by_name_comes_last(connect: Connect) -> None:
    db, practice = commit_each(connect)
    first, second, third = team(db, practice, 3)
    book(db, replace(practice, provider=second), at(9))
    book(db, replace(practice, provider=first), at(10))
    chosen = [anybody(db, practice, at(12 + n)) for n in range(3)]
    assert chosen == [third, second, first]


def test_a_newcomer_does_not_catch_up_with_the_past(connect: Connect) -> None:
    db, practice = commit_each(connect)
    team(db, practice, 2)
    for n in range(8):
        anybody(db, practice, at(n, days=3))
    newcomer = make_provider(db, practice.clinic, practice.location, (practice.service,))
    chosen = Counter(anybody(db, practice, at(n, days=4)) for n in range(9))
    assert chosen[newcomer] == 3


def test_whoever_was_away_catches_up_by_a_few_turns_at_most(connect: Connect) -> None:
    db, practice = commit_each(connect)
    _, away = team(db, practice, 2)
    db.execute("update public.providers set active = false where id = %s", [away])
    for n in range(20):
        anybody(db, practice, at(n, days=3))
    db.execute("update public.providers set active = true where id = %s", [away])
    chosen = [anybody(db, practice, at(n, days=4)) for n in range(12)]
    assert set(chosen[:3]) == {away}
    assert 6 < Counter(chosen)[away] <= 8


def test_a_busy_provider_is_passed_over(db: Connection) -> None:
    practice = make_practice(db, buffer_before_minutes=15)
    first, second = team(db, practice, 2)
    book(db, replace(practice, provider=first), at(8.5))
    for patient in (make_patient(db, practice.clinic), None):
        if patient:
            assert anybody(db, practice, at(9), patient_id=patient) == second
        else:
            with refused(db, "slot_taken"):
                anybody(db, practice, at(9), patient_id=make_patient(db, practice.clinic))


def test_nobody_at_that_time_is_outside_availability(db: Connection) -> None:
    practice = make_practice(db, hours={"opens": "09:00", "closes": "12:00"})
    for starts_at in (at(8), at(9.1)):
        with refused(db, "outside_availability"):
            anybody(db, practice, starts_at)
    anybody(db, practice, at(9))
    with refused(db, "outside_availability"):
        anybody(db, practice, at(9.1), patient_id=make_patient(db, practice.clinic))


def test_a_provider_who_has_reached_a_limit_is_passed_over(db: Connection) -> None:
    practice = make_practice(db)
    providers = team(db, practice, 2)
    db.execute("update public.provider_services set max_per_day = 1")
    chosen = {anybody(db, practice, at(9)), anybody(db, practice, at(10))}
    assert chosen == set(providers)
    with refused(db, "limit_reached"):
        anybody(db, practice, at(11))


def test_only_those_who_work_then_are_chosen(db: Connection) -> None:
    practice = make_practice(db, hours={"opens": "09:00", "closes": "12:00"})
    evening = make_provider(
        db, practice.clinic, practice.location, (practice.service,), opens="18:00", closes="20:00"
    )
    assert {anybody(db, practice, at(18 + n / 2)) for n in range(4)} == {evening}


def test_a_patients_other_visit_is_their_own_trouble(db: Connection) -> None:
    practice = make_practice(db)
    team(db, practice, 2)
    anybody(db, practice, at(9))
    with refused(db, "patient_already_booked"):
        anybody(db, practice, at(9.25))
    assert one(db, "select count(*) from public.appointments")["count"] == 1


def test_of_many_at_once_each_provider_gets_one_and_the_rest_are_told(connect: Connect) -> None:
    setup = connect()
    practice = make_practice(setup)
    providers = team(setup, practice, 4)
    people = []
    for _ in range(16):
        user = make_user(setup)
        patient = make_patient(setup, practice.clinic, user)
        people.append((connect(), replace(practice, user=user, patient=patient)))

    def take(connection: Connection, person: Practice) -> None:
        with as_patient(connection, person.user):
            anybody(connection, person, at(9))

    outcomes = at_once([lambda c=c, p=p: take(c, p) for c, p in people])
    assert Counter(outcomes) == {"done": 4, "PT409 slot_taken": 12}
    visits = every(setup, "select provider_id from public.appointments")
    assert {visit["provider_id"] for visit in visits} == set(providers)
    assert overlaps(setup) == []
    assert disagreements(setup) == []


def test_transactions_that_book_several_in_any_order_never_wait_for_a_turn(
    connect: Connect,
) -> None:
    setup = connect()
    practice = make_practice(setup)
    team(setup, practice, 3)
    people = [
        (connect(), replace(practice, patient=make_patient(setup, practice.clinic)))
        for _ in range(6)
    ]

    def several(connection: Connection, person: Practice, number: int) -> None:
        with connection.transaction():
            for step in range(3):
                anybody(connection, person, at(number + step, days=3 + number))

    outcomes = at_once([lambda c=c, p=p, n=n: several(c, p, n) for n, (c, p) in enumerate(people)])
    assert set(outcomes) <= {"done", "PT409 slot_taken"}
    assert "done" in outcomes
