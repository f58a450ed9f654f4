"""Booking together: a family at once, or visits one after another; all of them or none."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.database.conftest import Connect
from tests.database.test_never_overlaps import at_once, disagreements, overlaps
from tests.people import (
    Connection,
    Practice,
    Row,
    as_front_desk,
    as_patient,
    at,
    book,
    every,
    insert,
    make_member,
    make_patient,
    make_practice,
    make_provider,
    make_service,
    one,
    refused,
)


def together(
    connection: Connection, *visits: dict[str, Any], request_id: UUID | None = None
) -> list[Row]:
    """Book these visits together, as the current caller."""
    return every(
        connection,
        "select * from public.book_together(%s, %s)",
        json.dumps(visits, default=str),
        request_id,
    )


def nothing_written(connection: Connection) -> None:
    assert every(connection, "select from public.appointments") == []
    assert every(connection, "select from private.reservations") == []


@pytest.fixture
def practice(db: Connection) -> Practice:
    return make_practice(db)


@pytest.fixture
def desk(db: Connection, practice: Practice) -> UUID:
    return make_member(db, practice.clinic, "front_desk")


def test_a_family_comes_at_once_to_different_providers(
    db: Connection, practice: Practice, desk: UUID
) -> None:
    colleague = make_provider(db, practice.clinic, practice.location, (practice.service,))
    child = make_patient(db, practice.clinic)
    with as_front_desk(db, desk):
        booked = together(
            db,
            {"service_id": practice.service, "starts_at": at(9), "patient_id": practice.patient},
            {
                "service_id": practice.service,
                "starts_at": at(9),
                "patient_id": child,
                "provider_id": practice.provider,
                "reason": "Vaccination",
            },
        )
    # In the order given, though the one who asks for a certain provider was booked first.
    assert [(visit["patient_id"], visit["provider_id"]) for visit in booked] == [
        (practice.patient, colleague),
        (child, practice.provider),
    ]
    assert {visit["starts_at"] for visit in booked} == {at(9)}
    reasons = every(db, "select patient_id from public.appointment_reasons")
    assert reasons == [{"patient_id": child}]
    assert disagreements(db) == []


def test_two_visits_follow_each_other(db: Connection, practice: Practice) -> None:
    check = make_service(db, practice.clinic, duration_minutes=20, slot_interval_minutes=5)
    insert(
        db,
        "public.provider_services",
        clinic_id=practice.clinic,
        provider_id=practice.provider,
        service_id=check,
    )
    with as_patient(db, practice.user):
        booked = together(
            db,
            {"service_id": check, "starts_at": at(9)},
            {"service_id": practice.service},
            {"service_id": check},
        )
    # 09:20 is no start of the second service, which is given every quarter of an hour.
    assert [visit["starts_at"] for visit in booked] == [at(9), at(9.5), at(10)]
    assert [visit["ends_at"] for visit in booked] == [at(9 + 20 / 60), at(10), at(10 + 20 / 60)]


def test_buffers_lie_between_visits_with_the_same_provider(db: Connection) -> None:
    practice = make_practice(db, buffer_after_minutes=10)
    with as_patient(db, practice.user):
        booked = together(
            db,
            {"service_id": practice.service, "starts_at": at(9)},
            {"service_id": practice.service},
        )
    assert booked[1]["starts_at"] == at(9.75)


def test_one_that_cannot_be_booked_refuses_all_and_is_named(
    db: Connection, practice: Practice, desk: UUID
) -> None:
    taken = book(db, replace(practice, patient=make_patient(db, practice.clinic)), at(11))
    child = make_patient(db, practice.clinic)
    visits = [
        {"service_id": practice.service, "starts_at": at(hour), "patient_id": patient}
        for hour, patient in ((9, practice.patient), (11, child))
    ]
    with as_front_desk(db, desk), pytest.raises(psycopg.Error) as caught, db.transaction():
        together(db, *visits)
    assert caught.value.diag.message_primary == "slot_taken"
    assert (caught.value.diag.message_hint or "").startswith("Visit 2: ")
    db.execute("reset role")
    assert every(db, "select id from public.appointments") == [{"id": taken["id"]}]


@pytest.mark.parametrize("start", [9, 9.25])
def test_a_patient_twice_at_overlapping_times_is_refused(
    db: Connection, practice: Practice, desk: UUID, start: float
) -> None:
    make_provider(db, practice.clinic, practice.location, (practice.service,))
    with as_front_desk(db, desk), refused(db, "patient_already_booked"):
        together(
            db,
            *(
                {"service_id": practice.service, "starts_at": at(hour)}
                | {"patient_id": practice.patient}
                for hour in (9, start)
            ),
        )
    nothing_written(db)


def test_the_only_provider_does_not_hide_that_a_patient_comes_twice(
    db: Connection, practice: Practice
) -> None:
    with as_patient(db, practice.user), refused(db, "patient_already_booked"):
        together(db, *[{"service_id": practice.service, "starts_at": at(9)}] * 2)


def test_the_same_request_gets_the_same_visits(db: Connection, practice: Practice) -> None:
    request = uuid4()
    visits = [{"service_id": practice.service, "starts_at": at(hour)} for hour in (9, 12)]
    with as_patient(db, practice.user):
        first = together(db, *visits, request_id=request)
        assert together(db, *visits, request_id=request) == first
        with refused(db, "request_id_reused"):
            together(db, *visits[:1], request_id=request)
    assert one(db, "select count(*) from public.appointments") == {"count": 2}


@pytest.mark.parametrize(
    ("visits", "key"),
    [
        (None, "invalid_input"),
        ([], "invalid_input"),
        ({}, "invalid_input"),
        ("x", "invalid_input"),
        ([1], "invalid_input"),
        ([{}], "invalid_input"),
        ([{"service_id": "x", "starts_at": "2099-01-01T09:00Z"}], "invalid_input"),
        ([{"starts_at": "2099-01-01T09:00Z"}], "invalid_input"),
        ([{"service_id": None, "starts_at": "2099-01-01T09:00Z"}], "invalid_input"),
        ([{"service_id": "SERVICE", "starts_at": "2099-13-01T09:00Z"}], "invalid_input"),
        ([{"service_id": "SERVICE", "starts_at": "tomorrow"}], "invalid_input"),
        ([{"service_id": "SERVICE", "starts_at": "infinity"}], "invalid_input"),
        ([{"service_id": "SERVICE", "starts_at": 5}], "invalid_input"),
        ([{"service_id": "SERVICE", "starts_at": "2099-01-01T09:00Z", "x": 1}], "invalid_input"),
        ([{"service_id": "SERVICE", "starts_at": "2099-01-01T09:00Z", "reason": 1}],
         "invalid_input"),
        ([{"service_id": "SERVICE"}], "invalid_time"),
        ([{"service_id": "SERVICE", "starts_at": "2001-01-01T09:00Z"}], "too_soon"),
        ([{"service_id": "SERVICE", "starts_at": "2099-01-01T09:00Z"}], "too_far_ahead"),
        ([{"service_id": "SERVICE", "starts_at": "2099-01-01T09:00Z"}] * 11, "limit_reached"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_and_nothing_is_written(
    db: Connection, practice: Practice, visits: Any, key: str
) -> None:
    text = json.dumps(visits).replace("SERVICE", str(practice.service))
    with as_patient(db, practice.user), refused(db, key):
        db.execute("select public.book_together(%s)", [text if visits is not None else None])
    nothing_written(db)


def test_nobody_books_for_strangers_or_across_clinics(db: Connection, practice: Practice) -> None:
    elsewhere = make_practice(db)
    stranger = make_patient(db, practice.clinic)
    visit = {"service_id": practice.service, "starts_at": at(9)}
    with as_patient(db, practice.user):
        for other in (
            {"patient_id": stranger},
            {"service_id": elsewhere.service},
            {"service_id": uuid4()},
            {"provider_id": elsewhere.provider},
            {"patient_id": elsewhere.patient},
        ):
            with refused(db, "not_found"):
                together(db, visit | other)
    nothing_written(db)


def test_families_that_cross_each_other_never_deadlock(connect: Connect) -> None:
    setup = connect()
    practice = make_practice(setup)
    providers = [practice.provider] + [
        make_provider(setup, practice.clinic, practice.location, (practice.service,))
        for _ in range(2)
    ]
    patients = [make_patient(setup, practice.clinic) for _ in range(4)]

    def work(number: int) -> None:
        connection = connect()
        order = [(number + turn) % 3 for turn in (range(3) if number % 2 else range(3, 0, -1))]
        for hour in (9, 10, 11):
            together(
                connection,
                *(
                    {
                        "service_id": practice.service,
                        "starts_at": at(hour),
                        "patient_id": patients[(place + number) % 4],
                        "provider_id": providers[place] if number % 3 else None,
                    }
                    for place in order
                ),
            )

    outcomes = at_once([lambda n=n: work(n) for n in range(6)])
    assert set(outcomes) <= {"done", "PT409 slot_taken", "PT409 patient_already_booked"}
    assert len(every(setup, "select from public.appointments")) >= 3
    assert overlaps(setup) == []
    assert disagreements(setup) == []
