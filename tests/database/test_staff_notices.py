"""What members are told: bookings, requests, late cancellations, and the day in the morning."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import pytest

from tests.database.test_group_sessions import fill, group_practice
from tests.database.test_group_sessions import plan as plan_session
from tests.database.test_sent_once import claim
from tests.database.test_waitlist import OFFERS, free_up, settled_practice, wait_for
from tests.database.test_waitlist import offer as offer_what_is_free
from tests.people import (
    Connection,
    Practice,
    Row,
    as_front_desk,
    as_patient,
    as_service,
    as_user,
    at,
    book,
    every,
    insert,
    make_member,
    make_practice,
    make_user,
    one,
    tokens_of,
)


@pytest.fixture
def practice(db: Connection) -> Practice:
    return make_practice(db)


@pytest.fixture
def doctor(db: Connection, practice: Practice) -> UUID:
    user = make_member(db, practice.clinic, "provider")
    db.execute("update public.providers set user_id = %s where id = %s", [user, practice.provider])
    return user


@pytest.fixture
def desk(db: Connection, practice: Practice) -> UUID:
    return make_member(db, practice.clinic, "front_desk")


def book_online(db: Connection, practice: Practice, hour: float = 9) -> UUID:
    with as_patient(db, practice.user):
        visit = one(db, "select * from public.book_appointment(%s, %s)", practice.service, at(hour))
    booked: UUID = visit["id"]
    return booked


def told(db: Connection) -> set[tuple[str, UUID]]:
    rows = every(
        db,
        "select kind::text, recipient_user_id from public.notifications"
        " where recipient_user_id is not null",
    )
    return {(row["kind"], row["recipient_user_id"]) for row in rows}


def test_a_patients_booking_is_told_to_the_provider_of_the_visit(
    db: Connection, practice: Practice, doctor: UUID, desk: UUID
) -> None:
    make_member(db, practice.clinic, "provider")
    book_online(db, practice)
    assert told(db) == {("staff_booking", doctor)}
    message = next(message for message in claim(db) if message["kind"] == "staff_booking")
    assert message["recipient_name"] is None
    assert message["action_tokens"].keys() == {"unsubscribe"}


def test_what_staff_book_themselves_is_told_to_nobody(
    db: Connection, practice: Practice, doctor: UUID
) -> None:
    book(db, practice, at(9))
    assert told(db) == set()


def test_a_request_is_told_to_those_who_answer_it(
    db: Connection, practice: Practice, doctor: UUID, desk: UUID
) -> None:
    db.execute("update public.services set needs_approval = true")
    visit = book_online(db, practice)
    assert told(db) == {("staff_request", desk)}
    assert {message["kind"] for message in claim(db)} == {"request", "staff_request"}
    db.execute("update public.appointments set status = 'booked' where id = %s", [visit])
    assert "staff_request" not in {message["kind"] for message in claim(db)}


def test_a_move_that_needs_approval_is_told_to_those_who_answer_it(
    db: Connection, practice: Practice, doctor: UUID, desk: UUID
) -> None:
    db.execute("update public.services set needs_approval = true")
    visit = book(db, practice, at(9))
    assert told(db) == set()
    with as_patient(db, practice.user):
        db.execute("select public.reschedule_appointment(%s, %s)", [visit["id"], at(12)])
    assert told(db) == {("staff_request", desk)}
    # Its patient is told that the agreed time is given up, and which time is asked for by now.
    assert "move_request" in {message["kind"] for message in claim(db)}
    with as_patient(db, practice.user):
        db.execute("select public.reschedule_appointment(%s, %s)", [visit["id"], at(13)])
    assert "move_request" in {message["kind"] for message in claim(db)}


def accept(db: Connection, offer: Row, way: str) -> None:
    """Its patient takes the offer, signed in or with the link of the mail, or the clinic does."""
    visit = offer["appointment_id"]
    patient = one(
        db,
        "select patients.id, patients.clinic_id from public.patients"
        " join public.appointments on patients.id = patient_id where appointments.id = %s",
        visit,
    )
    if way == "dashboard":
        db.execute("update public.appointments set status = 'booked' where id = %s", [visit])
    elif way == "link":
        message = one(
            db,
            "select id from public.notifications where appointment_id = %s and kind = 'offer'",
            visit,
        )["id"]
        token = tokens_of(db, message)["accept"]
        with as_service(db):
            token_hash = hashlib.sha256(token.encode()).hexdigest()
            db.execute(
                "select worker.use_action(%s, %s, %s)",
                [message, int(token.split(".")[1]), token_hash],
            )
    else:
        if way == "patient":
            who = make_user(db)
            db.execute(
                "update public.patients set user_id = %s where id = %s", [who, patient["id"]]
            )
        else:
            who = make_member(db, patient["clinic_id"], "manager")
        with as_user(db, who):
            db.execute("select public.accept_offer(%s)", [offer["id"]])


@pytest.mark.parametrize("needs_approval", [False, True])
@pytest.mark.parametrize("way", ["patient", "link", "staff", "dashboard"])
def test_an_offer_taken_by_its_patient_is_told_like_a_booking(
    db: Connection, way: str, needs_approval: bool
) -> None:
    practice = settled_practice(db)
    desk = make_member(db, practice.clinic, "front_desk")
    doctor = make_member(db, practice.clinic, "provider")
    db.execute("update public.providers set user_id = %s", [doctor])
    db.execute("update public.services set needs_approval = %s", [needs_approval])
    wait_for(db, practice)
    free_up(db, practice, at(9))
    offer_what_is_free(db)
    (offer,) = every(db, OFFERS)
    accept(db, offer, way)
    expected = ("staff_request", desk) if needs_approval else ("staff_booking", doctor)
    assert told(db) == ({expected} if way in ("patient", "link") else set())


def test_a_request_that_its_patient_moves_is_told_anew_instead_of_the_old_one(
    db: Connection, practice: Practice, doctor: UUID, desk: UUID
) -> None:
    db.execute("update public.services set needs_approval = true")
    visit = book_online(db, practice)
    with as_patient(db, practice.user):
        db.execute("select public.reschedule_appointment(%s, %s)", [visit, at(12)])
    claimed = claim(db)
    assert {(message["kind"], message["appointment_version"]) for message in claimed} == {
        ("request", 2),
        ("staff_request", 2),
    }


def test_a_request_that_staff_move_is_told_to_its_patient_alone(
    db: Connection, practice: Practice, doctor: UUID, desk: UUID
) -> None:
    db.execute("update public.services set needs_approval = true")
    visit = book_online(db, practice)
    with as_front_desk(db, desk):
        db.execute("select public.reschedule_appointment(%s, %s)", [visit, at(12)])
    rows = every(db, "select kind::text from public.notifications where appointment_version = 2")
    assert [row["kind"] for row in rows] == ["request"]


def test_a_late_cancellation_is_told_and_an_early_one_is_not(
    db: Connection, practice: Practice, doctor: UUID, desk: UUID
) -> None:
    early, late = book_online(db, practice, 9), book_online(db, practice, 12)
    with as_patient(db, practice.user):
        db.execute("select public.cancel_appointment(%s)", [early])
    assert {kind for kind, _ in told(db)} == {"staff_booking"}
    db.execute("update public.clinics set late_cancel_hours = 8760")
    with as_patient(db, practice.user):
        db.execute("select public.cancel_appointment(%s)", [late])
    assert {who for kind, who in told(db) if kind == "staff_cancellation"} == {doctor, desk}


def test_preferences_overrule_the_role_also_for_what_is_queued(
    db: Connection, practice: Practice, doctor: UUID, desk: UUID
) -> None:
    own = {"clinic_id": practice.clinic, "user_id": desk, "new_bookings": True}
    insert(db, "public.notification_preferences", **own)
    book_online(db, practice)
    assert told(db) == {("staff_booking", doctor), ("staff_booking", desk)}
    db.execute("update public.notification_preferences set new_bookings = false")
    kinds = [message["kind"] for message in claim(db)]
    assert kinds.count("staff_booking") == 1


def test_who_left_the_clinic_is_told_nothing_more(
    db: Connection, practice: Practice, doctor: UUID
) -> None:
    book_online(db, practice)
    db.execute("update public.members set active = false where user_id = %s", [doctor])
    assert "staff_booking" not in {message["kind"] for message in claim(db)}


def plan(db: Connection) -> int:
    with as_service(db):
        planned: int = one(db, "select worker.plan_agendas(24) as planned")["planned"]
    return planned


def zone_where_it_is_nine() -> tuple[str, timedelta]:
    """A zone whose clocks show nine to ten in the morning, and how far it is ahead of UTC."""
    ahead = 9 - datetime.now(UTC).hour
    ahead = ahead + 24 if ahead < -12 else ahead
    # The names count westward.
    return f"Etc/GMT{-ahead:+d}" if ahead else "UTC", timedelta(hours=ahead)


def test_an_agenda_is_planned_once_for_seven_oclock_where_the_provider_works(
    db: Connection, practice: Practice, doctor: UUID
) -> None:
    zone, ahead = zone_where_it_is_nine()
    db.execute("update public.locations set time_zone = %s", [zone])
    today = (datetime.now(UTC) + ahead).date()
    tomorrow_at_ten = datetime.combine(today, time(10), UTC) - ahead + timedelta(days=1)
    for hour in range(3):
        book(db, practice, tomorrow_at_ten + timedelta(hours=hour))
    assert plan(db) == 1
    assert plan(db) == 0
    agenda = one(db, "select due_at, day from public.notifications where kind = 'agenda'")
    assert agenda["day"] == today + timedelta(days=1)
    assert agenda["due_at"] == tomorrow_at_ten - timedelta(hours=3)


def test_an_agenda_lists_the_visits_there_are_when_it_is_sent(
    db: Connection, practice: Practice, doctor: UUID
) -> None:
    first, second = book(db, practice, at(9)), book(db, practice, at(12))
    insert(
        db,
        "public.notifications",
        clinic_id=practice.clinic,
        kind="agenda",
        recipient_user_id=doctor,
        provider_id=practice.provider,
        day=at(0).date(),
    )
    db.execute("update public.appointments set status = 'cancelled' where id = %s", [first["id"]])
    (agenda,) = (message for message in claim(db) if message["kind"] == "agenda")
    (visit,) = agenda["content"]["visits"]
    assert visit["starts_at"].startswith(second["starts_at"].strftime("%Y-%m-%dT%H:%M"))
    assert set(visit) == {
        "starts_at", "ends_at", "time_zone", "service_name", "location_name", "seats_taken",
    }  # fmt: skip
    assert visit["seats_taken"] is None


def test_an_agenda_lists_a_group_session_once_with_the_seats_that_are_taken(
    db: Connection,
) -> None:
    practice = group_practice(db, capacity=4)
    fill(db, practice, plan_session(db, practice, at(9)), 3)
    content = one(
        db, "select private.agenda_of(%s, %s) as visits", practice.provider, at(9).date()
    )["visits"]
    assert [visit["seats_taken"] for visit in content] == [3]


def test_a_day_without_visits_has_no_agenda(
    db: Connection, practice: Practice, doctor: UUID
) -> None:
    insert(
        db,
        "public.notifications",
        clinic_id=practice.clinic,
        kind="agenda",
        recipient_user_id=doctor,
        provider_id=practice.provider,
        day=at(0).date(),
    )
    assert claim(db) == []
    assert one(db, "select last_error from public.notifications")["last_error"] == "nothing_planned"
