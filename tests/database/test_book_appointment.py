"""`book_appointment`: what is offered can be booked, by whom it may, once."""

from __future__ import annotations

import threading
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.database.conftest import Connect
from tests.people import (
    Connection,
    Row,
    as_anon,
    as_patient,
    as_service,
    as_user,
    at,
    book,
    call,
    denied,
    every,
    make_member,
    make_patient,
    make_practice,
    make_provider,
    make_service,
    make_user,
    one,
    refused,
)


def booked(db: Connection, service: Any, starts_at: Any, **arguments: Any) -> Row:
    return call(db, "public.book_appointment", service_id=service, starts_at=starts_at, **arguments)


def test_a_patient_books_for_themselves(db: Connection) -> None:
    practice = make_practice(db)
    with as_patient(db, practice.user):
        visit = booked(db, practice.service, at(9), provider_id=practice.provider)
    assert (visit["patient_id"], visit["provider_id"]) == (practice.patient, practice.provider)
    assert (visit["status"], visit["version"]) == ("booked", 1)
    assert (visit["booked_by"], visit["booked_via"]) == (practice.user, "patient")
    assert (visit["starts_at"], visit["ends_at"]) == (at(9), at(9.5))


def test_a_provider_may_have_their_own_length(db: Connection) -> None:
    practice = make_practice(db)
    db.execute("update public.provider_services set duration_minutes = 50")
    with as_patient(db, practice.user):
        assert booked(db, practice.service, at(9))["ends_at"] == at(9 + 50 / 60)


def test_a_visitor_cannot_book(db: Connection) -> None:
    practice = make_practice(db)
    with as_anon(db), denied(db):
        booked(db, practice.service, at(9))


def test_one_must_be_a_patient_of_the_clinic(db: Connection) -> None:
    practice = make_practice(db)
    with as_user(db, make_user(db)), refused(db, "not_found"):
        booked(db, practice.service, at(9))


def test_a_patient_cannot_book_for_another(db: Connection) -> None:
    practice = make_practice(db)
    other = make_patient(db, practice.clinic)
    with as_patient(db, practice.user), refused(db, "not_found"):
        booked(db, practice.service, at(9), patient_id=other)


def test_the_front_desk_books_for_a_patient(db: Connection) -> None:
    practice = make_practice(db)
    with as_user(db, make_member(db, practice.clinic, "front_desk")):
        visit = booked(db, practice.service, at(9), patient_id=practice.patient)
    assert visit["booked_via"] == "staff"


def test_the_service_key_books_for_a_patient(db: Connection) -> None:
    practice = make_practice(db)
    with as_service(db):
        visit = booked(db, practice.service, at(9), patient_id=practice.patient)
    assert (visit["booked_via"], visit["booked_by"]) == ("worker", None)


@pytest.mark.parametrize(
    ("starts_at", "key"),
    [
        (None, "invalid_time"),
        ("infinity", "invalid_time"),
        ("-infinity", "invalid_time"),
        (at(9, days=-1), "too_soon"),
        (datetime.now(UTC) + timedelta(minutes=30), "too_soon"),
        (at(9, days=31), "too_far_ahead"),
        (at(9 + 1 / 60), "outside_availability"),
        (at(3), "outside_availability"),
        (at(11.75), "outside_availability"),
    ],
)
def test_a_time_that_is_not_offered_is_refused(db: Connection, starts_at: Any, key: str) -> None:
    practice = make_practice(
        db,
        hours={"opens": "09:00", "closes": "12:00"},
        min_notice_minutes=120,
        horizon_days=30,
    )
    with as_patient(db, practice.user), refused(db, key):
        booked(db, practice.service, starts_at)
    assert every(db, "select from public.appointments") == []


def test_unknown_and_foreign_things_are_not_found(db: Connection) -> None:
    practice, elsewhere = make_practice(db), make_practice(db)
    nobody = uuid.uuid4()
    with as_patient(db, practice.user):
        for service, arguments in (
            (nobody, {}),
            (None, {}),
            (practice.service, {"provider_id": nobody}),
            (practice.service, {"provider_id": elsewhere.provider}),
            (practice.service, {"patient_id": nobody}),
            (practice.service, {"patient_id": elsewhere.patient}),
            (practice.service, {"hold_id": nobody}),
        ):
            with refused(db, "not_found"):
                booked(db, service, at(9), **arguments)


def test_a_provider_who_does_not_offer_the_service_is_not_found(db: Connection) -> None:
    practice = make_practice(db)
    other = make_provider(db, practice.clinic, practice.location)
    with as_patient(db, practice.user), refused(db, "not_found"):
        booked(db, practice.service, at(9), provider_id=other)


def test_a_taken_time_is_refused_and_the_next_is_not(db: Connection) -> None:
    practice = make_practice(db)
    book(db, replace(practice, patient=make_patient(db, practice.clinic)), at(9))
    with as_patient(db, practice.user):
        with refused(db, "slot_taken"):
            booked(db, practice.service, at(9.25))
        booked(db, practice.service, at(9.5))


def test_any_provider_is_the_one_booked_least_recently_who_is_free(db: Connection) -> None:
    practice = make_practice(db)
    second = make_provider(db, practice.clinic, practice.location, (practice.service,))
    third = make_provider(db, practice.clinic, practice.location, (practice.service,))
    for minutes, provider in ((30, third), (20, practice.provider), (10, second)):
        visit = book(db, replace(practice, provider=provider), at(minutes / 10))
        db.execute("alter table public.appointments disable trigger user")
        db.execute(
            "update public.appointments set created_at = now() - make_interval(mins => %s)"
            " where id = %s",
            [minutes, visit["id"]],
        )
        db.execute("alter table public.appointments enable trigger user")
    rival = make_patient(db, practice.clinic)
    book(db, replace(practice, provider=third, patient=rival), at(9))
    db.execute("alter table public.appointments disable trigger user")
    db.execute(
        "update public.appointments set created_at = now() - interval '1 hour'"
        " where patient_id = %s",
        [rival],
    )
    db.execute("alter table public.appointments enable trigger user")
    with as_patient(db, practice.user):
        assert booked(db, practice.service, at(9))["provider_id"] == practice.provider


def test_a_service_that_needs_approval_waits_for_it(db: Connection) -> None:
    practice = make_practice(db, needs_approval=True)
    with as_patient(db, practice.user):
        assert booked(db, practice.service, at(9))["status"] == "pending"
    with as_user(db, make_member(db, practice.clinic, "front_desk")):
        visit = booked(db, practice.service, at(10), patient_id=practice.patient)
    assert visit["status"] == "booked"


def test_two_pending_requests_for_one_time_cannot_both_exist(db: Connection) -> None:
    practice = make_practice(db, needs_approval=True)
    user = make_user(db)
    make_patient(db, practice.clinic, user)
    with as_patient(db, practice.user):
        booked(db, practice.service, at(9))
    with as_patient(db, user), refused(db, "slot_taken"):
        booked(db, practice.service, at(9))


def test_a_service_of_the_past_cannot_be_booked(db: Connection) -> None:
    practice = make_practice(db)
    db.execute("update public.services set active = false")
    with as_patient(db, practice.user), refused(db, "not_found"):
        booked(db, practice.service, at(9))


def test_the_same_request_again_is_the_same_appointment(db: Connection) -> None:
    practice = make_practice(db)
    request = uuid.uuid4()
    with as_patient(db, practice.user):
        first = booked(db, practice.service, at(9), request_id=request)
        again = booked(db, practice.service, at(9), request_id=request)
        with refused(db, "request_id_reused"):
            booked(db, practice.service, at(10), request_id=request)
    assert again == first
    assert first["request_id"] == request
    assert len(every(db, "select from public.appointments")) == 1


def test_a_refused_request_may_be_tried_again(db: Connection) -> None:
    practice = make_practice(db)
    blocker = book(db, replace(practice, patient=make_patient(db, practice.clinic)), at(9))
    request = uuid.uuid4()
    with as_patient(db, practice.user), refused(db, "slot_taken"):
        booked(db, practice.service, at(9), request_id=request)
    db.execute("update public.appointments set status = 'cancelled' where id = %s", [blocker["id"]])
    with as_patient(db, practice.user):
        booked(db, practice.service, at(9), request_id=request)


def test_two_people_may_use_the_same_request_id(db: Connection) -> None:
    practice = make_practice(db)
    user, request = make_user(db), uuid.uuid4()
    make_patient(db, practice.clinic, user)
    with as_patient(db, practice.user):
        first = booked(db, practice.service, at(9), request_id=request)
    with as_patient(db, user):
        assert booked(db, practice.service, at(10), request_id=request)["id"] != first["id"]


def test_one_request_from_many_connections_is_one_appointment(connect: Connect) -> None:
    setup = connect()
    practice = make_practice(setup)
    request = uuid.uuid4()
    start = threading.Barrier(8)
    answers: list[Any] = []

    def call(connection: Connection) -> None:
        with as_patient(connection, practice.user):
            start.wait()
            answers.append(booked(connection, practice.service, at(9), request_id=request)["id"])

    threads = [threading.Thread(target=call, args=(connect(),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
    assert len(set(answers)) == 1


def test_a_reason_is_kept_apart_from_the_appointment(db: Connection) -> None:
    practice = make_practice(db)
    with as_patient(db, practice.user):
        visit = booked(db, practice.service, at(9), reason="an unmistakable reason")
        with refused(db, "invalid_input"):
            booked(db, practice.service, at(10), reason="x" * 2001)
    assert "unmistakable" not in str(visit)
    assert one(db, "select reason from public.appointment_reasons") == {
        "reason": "an unmistakable reason"
    }


def test_another_service_of_the_clinic_needs_its_own_offer(db: Connection) -> None:
    practice = make_practice(db)
    unoffered = make_service(db, practice.clinic)
    with as_patient(db, practice.user), refused(db, "outside_availability"):
        booked(db, unoffered, at(9))
