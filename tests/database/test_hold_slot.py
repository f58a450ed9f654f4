"""`hold_slot` and its confirmation: the hold is the reservation; once over it blocks nobody."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.database.conftest import Connect
from tests.database.test_never_overlaps import at_once, disagreements, overlaps
from tests.people import (
    Connection,
    Practice,
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
    insert,
    make_guardian,
    make_hours,
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


def held(db: Connection, practice: Practice, hours: float = 9, **arguments: Any) -> Row:
    arguments = {"provider_id": practice.provider} | arguments
    return call(
        db, "public.hold_slot", service_id=practice.service, starts_at=at(hours), **arguments
    )


def confirmed(db: Connection, hold: Row, **arguments: Any) -> Row:
    arguments = {"service_id": hold["service_id"], "starts_at": hold["starts_at"]} | arguments
    return call(db, "public.book_appointment", hold_id=hold["id"], **arguments)


def let_it_run_out(db: Connection, hold: Row) -> None:
    db.execute(
        "update public.appointments set hold_expires_at = now() - interval '1 second'"
        " where id = %s",
        [hold["id"]],
    )


def rival_of(db: Connection, practice: Practice) -> Practice:
    user = make_user(db)
    return replace(practice, user=user, patient=make_patient(db, practice.clinic, user))


def statuses(db: Connection) -> Counter[str]:
    return Counter(row["status"] for row in every(db, "select status from public.appointments"))


def slots(db: Connection, practice: Practice) -> list[Any]:
    rows = every(
        db, "select starts_at from public.open_slots(%s, %s, %s)", practice.service, at(9), at(10)
    )
    return [row["starts_at"] for row in rows]


def test_a_hold_keeps_the_time_for_the_clinics_minutes(db: Connection) -> None:
    practice = make_practice(db)
    db.execute("update public.clinics set hold_minutes = 7")
    with as_patient(db, practice.user):
        hold = held(db, practice)
        assert slots(db, practice) == [at(9.5), at(9.75)]
    assert (hold["status"], hold["version"]) == ("held", 1)
    assert hold["hold_expires_at"] == one(db, "select now()")["now"] + timedelta(minutes=7)
    assert (hold["booked_by"], hold["booked_via"]) == (practice.user, "patient")
    rival = rival_of(db, practice)
    with as_patient(db, rival.user):
        for attempt in ("public.hold_slot", "public.book_appointment"):
            with refused(db, "slot_taken"):
                call(
                    db,
                    attempt,
                    service_id=practice.service,
                    provider_id=practice.provider,
                    starts_at=at(9.25),
                )


def test_a_hold_owes_no_message_and_its_confirmation_does(db: Connection) -> None:
    practice = make_practice(db)
    with as_patient(db, practice.user):
        hold = held(db, practice)
        assert every(db, "select from public.appointments where status = 'booked'") == []
    assert every(db, "select from public.notifications") == []
    with as_patient(db, practice.user):
        confirmed(db, hold)
    assert one(db, "select kind, appointment_version as version from public.notifications") == {
        "kind": "confirmation",
        "version": 2,
    }


def test_confirming_changes_the_row_that_is_the_hold(db: Connection) -> None:
    practice = make_practice(db)
    make_need(db, practice.clinic, practice.service)
    make_resource(db, practice.clinic, practice.location)
    with as_patient(db, practice.user):
        hold = held(db, practice)
    kept = every(db, "select id, resource_id, during from private.reservations order by id")
    with as_patient(db, practice.user):
        visit = confirmed(db, hold, reason="an unmistakable reason")
    assert (visit["id"], visit["status"], visit["version"]) == (hold["id"], "booked", 2)
    assert visit["hold_expires_at"] is None
    assert kept == every(db, "select id, resource_id, during from private.reservations order by id")
    assert every(db, "select from private.reservations where expires_at is not null") == []
    assert len(every(db, "select from public.appointment_reasons")) == 1
    assert disagreements(db) == []


def test_a_hold_of_a_visit_that_needs_approval_becomes_pending(db: Connection) -> None:
    practice = make_practice(db, needs_approval=True)
    with as_patient(db, practice.user):
        hold = held(db, practice)
        with refused(db, "not_allowed"):
            call(db, "public.change_appointment_status", appointment_id=hold["id"], status="booked")
        assert confirmed(db, hold)["status"] == "pending"
        hold = held(db, practice, 10)
    with as_user(db, make_member(db, practice.clinic, "front_desk")):
        assert confirmed(db, hold)["status"] == "booked"


def test_only_the_holder_and_the_clinic_confirm(db: Connection) -> None:
    practice = make_practice(db)
    stranger = rival_of(db, practice)
    elsewhere = make_practice(db)
    with as_patient(db, practice.user):
        hold = held(db, practice)
    for user in (
        stranger.user,
        elsewhere.user,
        make_member(db, elsewhere.clinic, "owner"),
        make_user(db),
    ):
        with as_user(db, user), refused(db, "not_found"):
            confirmed(db, hold)
    with as_service(db):
        assert confirmed(db, hold)["status"] == "booked"


def test_what_is_confirmed_has_to_be_what_is_held(db: Connection) -> None:
    practice = make_practice(db)
    other_service = make_service(db, practice.clinic)
    colleague = make_provider(db, practice.clinic, practice.location, (practice.service,))
    with as_patient(db, practice.user):
        hold = held(db, practice)
        for difference in (
            {"service_id": other_service},
            {"starts_at": at(9.5)},
            {"provider_id": colleague},
            {"patient_id": uuid.uuid4()},
        ):
            with refused(db, "invalid_input"):
                confirmed(db, hold, **difference)
        assert confirmed(db, hold, service_id=None, starts_at=None)["status"] == "booked"


def test_a_hold_is_used_once(db: Connection) -> None:
    practice = make_practice(db)
    with as_patient(db, practice.user):
        hold = held(db, practice)
        confirmed(db, hold)
        with refused(db, "illegal_transition"):
            confirmed(db, hold)


def test_an_expired_hold_cannot_be_confirmed_though_its_row_is_there(db: Connection) -> None:
    practice = make_practice(db)
    with as_patient(db, practice.user):
        hold = held(db, practice)
    let_it_run_out(db, hold)
    with as_patient(db, practice.user), refused(db, "hold_expired"):
        confirmed(db, hold)
    with refused(db, "hold_expired"):
        db.execute("update public.appointments set status = 'booked'")
    with as_service(db):
        assert call(db, "worker.expire_holds")["expire_holds"] == 1
    with as_patient(db, practice.user), refused(db, "hold_expired"):
        confirmed(db, hold)


def test_a_hold_can_be_given_back(db: Connection) -> None:
    practice = make_practice(db)
    with as_patient(db, practice.user):
        hold = held(db, practice)
        call(db, "public.cancel_appointment", appointment_id=hold["id"])
        assert slots(db, practice)[0] == at(9)
        with refused(db, "illegal_transition"):
            confirmed(db, hold)


def test_a_hold_needs_what_a_booking_needs(db: Connection) -> None:
    practice = make_practice(
        db, hours={"opens": "09:00", "closes": "12:00"}, min_notice_minutes=120, horizon_days=30
    )
    stranger, colleague = make_user(db), make_provider(db, practice.clinic)
    somebody = make_patient(db, practice.clinic)
    with as_anon(db), denied(db):
        held(db, practice)
    with as_user(db, stranger), refused(db, "not_found"):
        held(db, practice)
    with as_patient(db, practice.user):
        for arguments, key in (
            ({"starts_at": None}, "invalid_time"),
            ({"starts_at": "infinity"}, "invalid_time"),
            ({"starts_at": at(0, days=0)}, "too_soon"),
            ({"starts_at": at(9, days=31)}, "too_far_ahead"),
            ({"starts_at": at(8)}, "outside_availability"),
            ({"starts_at": at(9.1)}, "outside_availability"),
            ({"service_id": None}, "not_found"),
            ({"provider_id": colleague}, "not_found"),
            ({"patient_id": uuid.uuid4()}, "not_found"),
            ({"patient_id": somebody}, "not_found"),
        ):
            full = {
                "service_id": practice.service,
                "provider_id": practice.provider,
                "starts_at": at(9),
            } | arguments
            with refused(db, key):
                call(db, "public.hold_slot", **full)
    assert every(db, "select from public.appointments") == []


def test_any_provider_can_be_held(db: Connection) -> None:
    practice = make_practice(db)
    colleague = make_provider(db, practice.clinic, practice.location, (practice.service,))
    rival = rival_of(db, practice)
    with as_patient(db, practice.user):
        first = held(db, practice, provider_id=None)
    with as_patient(db, rival.user):
        second = held(db, practice, provider_id=None)
    assert {first["provider_id"], second["provider_id"]} == {practice.provider, colleague}


def test_a_place_that_is_named_is_the_place(db: Connection) -> None:
    practice, other_practice = make_practice(db), make_practice(db)
    elsewhere = make_location(db, practice.clinic)
    other = make_provider(db, practice.clinic, elsewhere, (practice.service,))
    third = make_provider(db, practice.clinic, elsewhere, (practice.service,))
    people = [rival_of(db, practice) for _ in range(3)]

    def held_there(person: Practice, provider: Any = None) -> Row:
        with as_patient(db, person.user):
            return held(db, practice, provider_id=provider, location_id=elsewhere)

    kept = [held_there(person) for person in people[:2]]
    assert {hold["location_id"] for hold in kept} == {elsewhere}
    assert {hold["provider_id"] for hold in kept} == {other, third}
    # The one who is still free is at the first place.
    with refused(db, "slot_taken"):
        held_there(people[2])
    with refused(db, "outside_availability"):
        held_there(people[2], practice.provider)
    with refused(db, "outside_availability"), as_patient(db, people[2].user):
        held(db, practice, provider_id=None, location_id=other_practice.location)


@pytest.mark.parametrize("path", ["book", "hold", "dashboard", "move"])
def test_whoever_wants_the_time_ends_an_expired_hold(db: Connection, path: str) -> None:
    practice = make_practice(db)
    rival = rival_of(db, practice)
    with as_patient(db, practice.user):
        hold = held(db, practice)
    let_it_run_out(db, hold)
    wanted = {"service_id": practice.service, "starts_at": at(9.25)}
    with as_patient(db, rival.user):
        assert slots(db, practice)[0] == at(9)
        if path == "book":
            call(db, "public.book_appointment", **wanted)
        elif path == "hold":
            call(db, "public.hold_slot", provider_id=practice.provider, **wanted)
    if path == "dashboard":
        book(db, rival, at(9.25))
    elif path == "move":
        visit = book(db, rival, at(14))
        with as_patient(db, rival.user):
            call(
                db,
                "public.reschedule_appointment",
                appointment_id=visit["id"],
                starts_at=at(9.25),
            )
    assert one(db, "select status from public.appointments where id = %s", hold["id"]) == {
        "status": "cancelled"
    }
    event = one(
        db,
        "select kind, after from public.appointment_events where appointment_id = %s"
        " order by id desc limit 1",
        hold["id"],
    )
    assert (event["kind"], event["after"]) == ("status_changed", {"status": "cancelled"})
    assert disagreements(db) == []
    assert overlaps(db) == []


def test_an_expired_hold_lets_go_of_room_and_patient_too(db: Connection) -> None:
    practice = make_practice(db)
    make_need(db, practice.clinic, practice.service)
    make_resource(db, practice.clinic, practice.location)
    colleague = make_provider(db, practice.clinic, practice.location, (practice.service,))
    with as_patient(db, practice.user):
        hold = held(db, practice)
    let_it_run_out(db, hold)
    with as_patient(db, practice.user):
        visit = held(db, practice, 9.25, provider_id=colleague)
    assert visit["provider_id"] == colleague
    assert statuses(db) == {"held": 1, "cancelled": 1}
    assert disagreements(db) == []


def test_the_sweep_ends_what_is_over_and_nothing_else(db: Connection) -> None:
    practice = make_practice(db)
    rival = rival_of(db, practice)
    with as_patient(db, practice.user):
        first, second = held(db, practice, 9), held(db, practice, 10)
    with as_patient(db, rival.user):
        third = held(db, practice, 11)
    for hold in (first, third):
        let_it_run_out(db, hold)
    with as_service(db):
        assert call(db, "worker.expire_holds", batch=1)["expire_holds"] == 1
        assert call(db, "worker.expire_holds")["expire_holds"] == 1
        assert call(db, "worker.expire_holds")["expire_holds"] == 0
        with refused(db, "invalid_input"):
            call(db, "worker.expire_holds", batch=0)
    assert statuses(db) == {"cancelled": 2, "held": 1}
    assert one(db, "select distinct appointment_id as id from private.reservations") == {
        "id": second["id"]
    }
    assert every(db, "select from public.notifications") == []


def test_a_hold_across_zones_and_places_stays_at_its_place(db: Connection) -> None:
    practice = make_practice(db, hours={"opens": "08:00", "closes": "12:00"})
    afternoon = make_location(db, practice.clinic)
    make_hours(db, practice.clinic, practice.provider, afternoon, opens="13:00", closes="17:00")
    with as_patient(db, practice.user):
        hold = held(db, practice, 13)
        assert confirmed(db, hold)["location_id"] == afternoon


def test_however_parallel_one_person_keeps_no_more_than_the_clinic_allows(
    connect: Connect,
) -> None:
    setup = connect()
    practice = make_practice(setup)
    connections = [connect() for _ in range(12)]

    def hold(connection: Connection, hours: float) -> None:
        with as_patient(connection, practice.user):
            held(connection, practice, hours)

    outcomes = at_once([lambda c=c, n=n: hold(c, 9 + n) for n, c in enumerate(connections)])
    assert Counter(outcomes) == {"done": 2, "PT422 limit_reached": 10}
    assert statuses(setup) == {"held": 2}


def test_guardians_together_keep_no_more_for_a_patient_than_one_could(connect: Connect) -> None:
    setup = connect()
    practice = make_practice(setup)
    guardians = [make_user(setup) for _ in range(3)]
    for guardian in guardians:
        make_guardian(setup, practice.clinic, practice.patient, guardian)
    hands = [(connect(), user) for user in (practice.user, *guardians) for _ in range(3)]

    def hold(connection: Connection, user: Any, hours: float) -> None:
        with as_user(connection, user):
            held(connection, practice, hours, patient_id=practice.patient)

    outcomes = at_once([lambda c=c, u=u, n=n: hold(c, u, 9 + n) for n, (c, u) in enumerate(hands)])
    assert Counter(outcomes) == {"done": 2, "PT422 limit_reached": 10}


def test_many_who_want_the_time_of_an_expired_hold_leave_one_winner(connect: Connect) -> None:
    """Half want it exactly, half a time that overlaps it; none may be told of a deadlock."""
    setup = connect()
    practice = make_practice(setup)
    with as_patient(setup, practice.user):
        hold = held(setup, practice)
    let_it_run_out(setup, hold)
    rivals = [(connect(), rival_of(setup, practice)) for _ in range(16)]

    def take(connection: Connection, rival: Practice, hours: float) -> None:
        with as_patient(connection, rival.user):
            call(
                connection,
                "public.book_appointment",
                service_id=rival.service,
                starts_at=at(hours),
                provider_id=rival.provider,
            )

    outcomes = at_once(
        [lambda c=c, p=p, n=n: take(c, p, 9 + n % 2 / 4) for n, (c, p) in enumerate(rivals)]
    )
    assert Counter(outcomes) == {"done": 1, "PT409 slot_taken": 15}
    assert statuses(setup) == {"booked": 1, "cancelled": 1}
    assert disagreements(setup) == []


def test_holding_confirming_sweeping_and_booking_at_once_stays_in_order(connect: Connect) -> None:
    """Holds run out under everybody's hands, so confirmations, the sweep and rivals meet."""
    setup = connect()
    practice = make_practice(setup)
    setup.execute("update public.clinics set max_holds_per_person = 100")
    colleague = make_provider(setup, practice.clinic, practice.location, (practice.service,))
    people = [rival_of(setup, practice) for _ in range(8)]
    seen: Counter[str] = Counter()

    def deed(connection: Connection, person: Practice, step: int) -> None:
        hours = 9 + step % 4 / 4
        if step % 5 == 4:
            with as_service(connection):
                call(connection, "worker.expire_holds")
        elif step % 5 == 3:
            book(connection, replace(person, provider=colleague), at(hours))
        else:
            with as_patient(connection, person.user):
                hold = held(connection, person, hours, provider_id=None)
            if step % 2:
                let_it_run_out(connection, hold)
            with as_patient(connection, person.user):
                visit = confirmed(connection, hold)
                call(connection, "public.cancel_appointment", appointment_id=visit["id"])

    def hand(number: int, person: Practice) -> None:
        connection = connect()
        for step in range(20):
            seen.update(at_once([lambda s=step: deed(connection, person, s * 7 + number)]))

    at_once([lambda n=n, p=p: hand(n, p) for n, p in enumerate(people)])
    assert seen["done"] > 10
    assert set(seen) <= {
        "done",
        "PT409 slot_taken",
        "PT409 patient_already_booked",
        "PT410 hold_expired",
    }
    assert overlaps(setup) == []
    assert disagreements(setup) == []


def test_a_hold_is_nobodys_to_insert(db: Connection) -> None:
    practice = make_practice(db)
    with as_patient(db, practice.user), denied(db):
        insert(db, "public.appointments", **practice.visit(at(9), status="held"))
