"""Group sessions: seats are counted right under any race, and follow their session."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.database.conftest import Connect
from tests.database.test_never_overlaps import at_once
from tests.people import (
    Connection,
    Practice,
    Row,
    as_anon,
    as_front_desk,
    as_patient,
    as_provider,
    at,
    book,
    denied,
    every,
    insert,
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

FULL = "PT409 slot_taken"


def group_practice(connection: Connection, capacity: int = 3, **service: Any) -> Practice:
    """A clinic whose one service is a course of an hour."""
    return make_practice(
        connection, capacity=capacity, **({"duration_minutes": 60, "name": "Back class"} | service)
    )


def plan(connection: Connection, practice: Practice, starts_at: datetime, **columns: Any) -> Row:
    """Add a session the dashboard's way."""
    return insert(
        connection,
        "public.group_sessions",
        **{"service_id": practice.service, "provider_id": practice.provider}
        | {"starts_at": starts_at}
        | columns,
    )


def seat(connection: Connection, session: Row, patient: UUID, **columns: Any) -> Row:
    """Add a seat the dashboard's way."""
    return insert(
        connection,
        "public.appointments",
        session_id=session["id"],
        patient_id=patient,
        **columns,
    )


def fill(connection: Connection, practice: Practice, session: Row, seats: int) -> list[Row]:
    """That many seats, each of a new patient."""
    return [
        seat(connection, session, make_patient(connection, practice.clinic)) for _ in range(seats)
    ]


def state_of(connection: Connection, session: Row) -> Row:
    return one(connection, "select * from public.group_sessions where id = %s", session["id"])


def miscounted(connection: Connection) -> list[Row]:
    """Sessions whose count differs from their seats, or that have more seats than they may."""
    return every(
        connection,
        """
        select sessions.id from public.group_sessions as sessions
        left join lateral (
          select count(*) as taken from public.appointments
          where session_id = sessions.id
            and status in ('held', 'pending', 'booked', 'arrived', 'fulfilled')
        ) as seats on true
        where sessions.seats_taken <> seats.taken or seats.taken > sessions.capacity
        """,
    )


def double_bookings(connection: Connection) -> list[Row]:
    """What keeps one provider or patient twice: a session counts once, its seats for patients."""
    return every(
        connection,
        """
        with kept as (
          select id, provider_id as who, tstzrange(starts_at, ends_at) as during
          from public.group_sessions where status = 'scheduled'
          union all
          select id, provider_id, tstzrange(starts_at, ends_at) from public.appointments
          where session_id is null
            and status in ('held', 'pending', 'booked', 'arrived', 'fulfilled')
          union all
          select id, patient_id, tstzrange(starts_at, ends_at) from public.appointments
          where status in ('held', 'pending', 'booked', 'arrived', 'fulfilled')
        )
        select a.id, b.id as other from kept a join kept b
          on a.id < b.id and a.who = b.who and a.during && b.during
        """,
    )


def ledger_of(connection: Connection, session: Row) -> set[tuple[UUID, Any]]:
    """Everything reserved for a session and its seats: what, and from when."""
    rows = every(
        connection,
        "select resource_id, lower(during) as since from private.reservations where session_id = %s"
        " or appointment_id in (select id from public.appointments where session_id = %s)",
        session["id"],
        session["id"],
    )
    return {(row["resource_id"], row["since"]) for row in rows}


def join(connection: Connection, user: UUID, session: Row) -> Callable[[], Any]:
    def action() -> None:
        with as_patient(connection, user):
            connection.execute("select public.join_session(%s)", [session["id"]])

    return action


def test_service_provider_and_start_are_enough_to_plan_a_session(db: Connection) -> None:
    practice = group_practice(db, capacity=7, buffer_before_minutes=5, buffer_after_minutes=10)
    make_need(db, practice.clinic, practice.service)
    room = make_resource(db, practice.clinic, practice.location)
    session = plan(db, practice, at(9))
    assert session["clinic_id"] == practice.clinic
    assert session["location_id"] == practice.location
    assert session["ends_at"] == at(10)
    assert (session["capacity"], session["seats_taken"], session["status"]) == (7, 0, "scheduled")
    early = at(9) - timedelta(minutes=5)
    assert ledger_of(db, session) == {(practice.provider, early), (room, early)}


def test_a_seat_keeps_its_patient_and_nothing_else(db: Connection) -> None:
    practice = group_practice(db, buffer_before_minutes=5)
    session = plan(db, practice, at(9))
    taken = seat(db, session, practice.patient)
    assert {key: taken[key] for key in ("service_id", "provider_id", "location_id")} == {
        key: session[key] for key in ("service_id", "provider_id", "location_id")
    }
    assert (taken["starts_at"], taken["ends_at"]) == (at(9), at(10))
    assert ledger_of(db, session) == {
        (practice.provider, at(9) - timedelta(minutes=5)),
        (practice.patient, at(9)),
    }
    assert state_of(db, session)["seats_taken"] == 1


def test_a_patient_joins_once_and_is_told(db: Connection) -> None:
    practice = group_practice(db)
    session = plan(db, practice, at(9))
    request = uuid4()
    with as_patient(db, practice.user):
        first = one(db, "select * from public.join_session(%s, null, %s)", session["id"], request)
        again = one(db, "select * from public.join_session(%s, null, %s)", session["id"], request)
        assert (first["id"], first["booked_via"]) == (again["id"], "patient")
        with refused(db, "patient_already_booked"):
            db.execute("select public.join_session(%s)", [session["id"]])
    other = plan(db, practice, at(15))
    with as_patient(db, practice.user), refused(db, "request_id_reused"):
        db.execute("select public.join_session(%s, null, %s)", [other["id"], request])
    assert state_of(db, session)["seats_taken"] == 1
    assert one(
        db, "select kind, recipient_id from public.notifications where appointment_id = %s",
        first["id"],
    ) == {"kind": "confirmation", "recipient_id": practice.patient}  # fmt: skip


def test_a_full_session_refuses_the_next_on_every_path(db: Connection) -> None:
    practice = group_practice(db, capacity=2)
    session = plan(db, practice, at(9))
    fill(db, practice, session, 2)
    with as_patient(db, practice.user), refused(db, "slot_taken"):
        db.execute("select public.join_session(%s)", [session["id"]])
    with refused(db, "slot_taken"):
        seat(db, session, practice.patient)
    assert miscounted(db) == []


@pytest.mark.parametrize("status", ["cancelled", "noshow", "entered_in_error"])
def test_a_seat_given_back_is_free_for_another(db: Connection, status: str) -> None:
    practice = group_practice(db, capacity=1)
    session = plan(db, practice, at(9, days=-1))
    (first,) = fill(db, practice, session, 1)
    set_status = "update public.appointments set status = %s where id = %s"
    db.execute(set_status, [status, first["id"]])
    assert state_of(db, session)["seats_taken"] == 0
    seat(db, session, practice.patient)
    if status == "noshow":
        with refused(db, "slot_taken"):
            db.execute(set_status, ["booked", first["id"]])
    assert miscounted(db) == []


def test_a_patient_leaves_by_cancelling(db: Connection) -> None:
    practice = group_practice(db)
    session = plan(db, practice, at(9))
    with as_patient(db, practice.user):
        taken = one(db, "select * from public.join_session(%s)", session["id"])
        db.execute("select public.cancel_appointment(%s)", [taken["id"]])
    assert state_of(db, session)["seats_taken"] == 0
    assert ledger_of(db, session) == {(practice.provider, at(9))}


def test_a_session_and_a_visit_never_share_their_provider(db: Connection) -> None:
    practice = group_practice(db)
    plan(db, practice, at(9))
    with refused(db, "slot_taken"):
        book(db, practice, at(9.5))
    book(db, practice, at(12))
    with refused(db, "slot_taken"):
        plan(db, practice, at(11.5))
    with refused(db, "slot_taken"):
        plan(db, practice, at(8.5))


def test_a_session_outside_the_hours_needs_a_reason(db: Connection) -> None:
    practice = group_practice(db, duration_minutes=30)
    db.execute(
        "update public.weekly_hours set opens = '08:00', closes = '12:00' where provider_id = %s",
        [practice.provider],
    )
    with refused(db, "outside_availability"):
        plan(db, practice, at(13))
    session = plan(db, practice, at(13), overbook_reason="Open evening")
    taken = seat(db, session, practice.patient)
    assert taken["overbook_reason"] == "Open evening"


def test_a_seat_cannot_be_moved_out_of_its_session(db: Connection) -> None:
    practice = group_practice(db)
    session = plan(db, practice, at(9))
    other = plan(db, practice, at(15))
    taken = seat(db, session, practice.patient)
    for change in (
        "starts_at = starts_at + interval '1 hour'",
        "ends_at = ends_at + interval '1 hour'",
        f"session_id = '{other['id']}'",
        "session_id = null",
    ):
        with refused(db, "not_allowed"):
            db.execute(
                f"update public.appointments set {change} where id = %s",  # type: ignore[arg-type]
                [taken["id"]],
            )
    with refused(db, "not_allowed"):
        seat(db, session, make_patient(db, practice.clinic), starts_at=at(20))
    with as_patient(db, practice.user), refused(db, "not_allowed"):
        db.execute("select public.reschedule_appointment(%s, %s)", [taken["id"], at(18)])


def test_a_moved_session_takes_its_seats_along_and_tells_them(db: Connection) -> None:
    practice = group_practice(db)
    colleague = make_provider(db, practice.clinic, practice.location, (practice.service,))
    session = plan(db, practice, at(9))
    seats = fill(db, practice, session, 2)
    (left,) = fill(db, practice, session, 1)
    db.execute("update public.appointments set status = 'cancelled' where id = %s", [left["id"]])
    db.execute(
        "update public.group_sessions set starts_at = %s, provider_id = %s where id = %s",
        [at(14), colleague, session["id"]],
    )
    assert state_of(db, session)["ends_at"] == at(15)
    patients = {taken["patient_id"] for taken in seats}
    assert ledger_of(db, session) == {(colleague, at(14))} | {(p, at(14)) for p in patients}
    told = every(db, "select recipient_id from public.notifications where kind = 'change'")
    assert {row["recipient_id"] for row in told} == patients
    moved = every(db, "select * from public.appointments where session_id = %s", session["id"])
    assert {row["starts_at"] for row in moved if row["id"] != left["id"]} == {at(14)}
    # A seat that was left is where it was, and may still be corrected.
    assert {row["starts_at"] for row in moved if row["id"] == left["id"]} == {at(9)}
    db.execute(
        "update public.appointments set status = 'entered_in_error' where id = %s", [left["id"]]
    )


def test_a_session_moves_with_all_its_seats_or_not_at_all(db: Connection) -> None:
    practice = group_practice(db)
    colleague = make_provider(db, practice.clinic, practice.location, (practice.service,))
    session = plan(db, practice, at(9))
    seats = fill(db, practice, session, 2)
    busy = replace(practice, provider=colleague, patient=seats[1]["patient_id"])
    book(db, busy, at(14))
    before = ledger_of(db, session)
    with refused(db, "patient_already_booked"):
        db.execute(
            "update public.group_sessions set starts_at = %s where id = %s",
            [at(14.5), session["id"]],
        )
    assert state_of(db, session)["starts_at"] == at(9)
    assert ledger_of(db, session) == before


def test_one_statement_may_shift_a_whole_day_of_sessions(db: Connection) -> None:
    practice = group_practice(db)
    sessions = [plan(db, practice, at(hour)) for hour in (9, 10, 11)]
    for session in sessions:
        seat(db, session, practice.patient)
    db.execute("update public.group_sessions set starts_at = starts_at + interval '1 hour'")
    shifted = every(db, "select starts_at from public.appointments order by starts_at")
    assert [row["starts_at"] for row in shifted] == [at(10), at(11), at(12)]
    assert double_bookings(db) == []


def test_a_session_called_off_calls_off_its_seats_and_tells_each(db: Connection) -> None:
    practice = group_practice(db)
    session = plan(db, practice, at(9))
    seats = fill(db, practice, session, 3)
    db.execute(
        "update public.group_sessions set status = 'cancelled' where id = %s", [session["id"]]
    )
    statuses = every(db, "select status from public.appointments")
    assert {row["status"] for row in statuses} == {"cancelled"}
    assert state_of(db, session)["seats_taken"] == 0
    assert ledger_of(db, session) == set()
    told = every(db, "select recipient_id from public.notifications where kind = 'cancellation'")
    assert {row["recipient_id"] for row in told} == {taken["patient_id"] for taken in seats}
    book(db, practice, at(9))
    with refused(db, "illegal_transition"):
        seat(db, session, practice.patient)
    with refused(db, "illegal_transition"):
        db.execute(
            "update public.group_sessions set status = 'scheduled' where id = %s", [session["id"]]
        )


def test_capacity_never_falls_below_the_seats_taken(db: Connection) -> None:
    practice = group_practice(db, capacity=3)
    session = plan(db, practice, at(9))
    fill(db, practice, session, 2)
    resize = "update public.group_sessions set capacity = %s where id = %s"
    with refused(db, "limit_reached"):
        db.execute(resize, [1, session["id"]])
    with refused(db, "invalid_input"):
        db.execute(resize, [1001, session["id"]])
    db.execute(resize, [2, session["id"]])
    with refused(db, "slot_taken"):
        seat(db, session, practice.patient)


def test_the_count_of_seats_cannot_be_written(db: Connection) -> None:
    practice = group_practice(db)
    session = plan(db, practice, at(9), seats_taken=2)
    assert session["seats_taken"] == 0
    fill(db, practice, session, 1)
    db.execute("update public.group_sessions set seats_taken = 0 where id = %s", [session["id"]])
    assert state_of(db, session)["seats_taken"] == 1


def test_a_session_that_somebody_joined_is_not_deleted(db: Connection) -> None:
    practice = group_practice(db)
    joined, empty = plan(db, practice, at(9)), plan(db, practice, at(12))
    fill(db, practice, joined, 1)
    with refused(db, "not_allowed"):
        db.execute("delete from public.group_sessions where id = %s", [joined["id"]])
    db.execute("delete from public.group_sessions where id = %s", [empty["id"]])
    assert ledger_of(db, empty) == set()


@pytest.mark.parametrize(
    ("columns", "key"),
    [
        ({"starts_at": "infinity"}, "invalid_time"),
        ({"starts_at": None}, "invalid_time"),
        ({"ends_at": at(9)}, "invalid_time"),
        ({"ends_at": at(8)}, "invalid_time"),
        ({"capacity": 0}, "invalid_input"),
        ({"provider_id": None}, "invalid_input"),
        ({"service_id": uuid4()}, "not_found"),
        ({"provider_id": uuid4()}, "not_found"),
        ({"location_id": uuid4()}, "not_found"),
        ({"clinic_id": uuid4()}, "not_found"),
    ],
)
def test_an_impossible_session_is_refused(
    db: Connection, columns: dict[str, Any], key: str
) -> None:
    practice = group_practice(db)
    with refused(db, key):
        plan(db, practice, **({"starts_at": at(9)} | columns))
    assert every(db, "select from public.group_sessions") == []


def test_parts_of_another_clinic_are_not_found(db: Connection) -> None:
    practice, other = group_practice(db), group_practice(db)
    session = plan(db, practice, at(9))
    with refused(db, "not_found"):
        plan(db, practice, at(12), provider_id=other.provider)
    with refused(db, "not_found"):
        plan(db, practice, at(12), location_id=other.location)
    with refused(db, "not_found"):
        seat(db, session, other.patient)
    with refused(db, "not_found"):
        seat(db, session, practice.patient, clinic_id=other.clinic)
    with as_patient(db, practice.user), refused(db, "not_found"):
        db.execute("select public.join_session(%s)", [uuid4()])
    with as_patient(db, other.user), refused(db, "not_found"):
        db.execute("select public.join_session(%s)", [session["id"]])


def test_nobody_joins_for_a_stranger_or_too_late(db: Connection) -> None:
    practice = group_practice(db, min_notice_minutes=24 * 60, horizon_days=10)
    session = plan(db, practice, at(9))
    stranger = make_patient(db, practice.clinic)
    with as_patient(db, practice.user), refused(db, "not_found"):
        db.execute("select public.join_session(%s, %s)", [session["id"], stranger])
    soon = plan(db, practice, datetime.now(session["starts_at"].tzinfo) + timedelta(hours=2))
    far = plan(db, practice, at(9, days=20))
    with as_patient(db, practice.user):
        with refused(db, "too_soon"):
            db.execute("select public.join_session(%s)", [soon["id"]])
        with refused(db, "too_far_ahead"):
            db.execute("select public.join_session(%s)", [far["id"]])
    with as_front_desk(db, make_member(db, practice.clinic, "front_desk")):
        db.execute("select public.join_session(%s, %s)", [soon["id"], stranger])


def test_a_group_service_is_joined_and_not_booked_alone(db: Connection) -> None:
    practice = group_practice(db)
    with as_patient(db, practice.user):
        ask = "select from public.open_slots(%s, %s, %s)"
        assert every(db, ask, practice.service, at(0), at(24)) == []
        with refused(db, "outside_availability"):
            db.execute("select public.book_appointment(%s, %s)", [practice.service, at(9)])


def test_open_sessions_lists_those_with_seats_left(db: Connection) -> None:
    practice = group_practice(db, capacity=2, horizon_days=10)
    half, full, off = (plan(db, practice, at(hour)) for hour in (9, 11, 13))
    plan(db, practice, at(9, days=20))
    fill(db, practice, half, 1)
    fill(db, practice, full, 2)
    db.execute("update public.group_sessions set status = 'cancelled' where id = %s", [off["id"]])
    ask = "select * from public.open_sessions(%s, %s, %s)"
    with as_anon(db):
        assert every(db, ask, practice.service, at(0), at(0, days=30)) == [
            {
                "session_id": half["id"],
                "provider_id": practice.provider,
                "location_id": practice.location,
                "starts_at": at(9),
                "ends_at": at(10),
                "seats_left": 1,
            }
        ]
        with refused(db, "invalid_time"):
            db.execute(ask, [practice.service, at(9), at(9)])
        with refused(db, "limit_reached"):
            db.execute(ask, [practice.service, at(0), at(0, days=100)])
    db.execute("update public.clinics set books_publicly = false")
    with as_anon(db), refused(db, "not_found"):
        db.execute(ask, [practice.service, at(0), at(0, days=3)])


FOLLOW_UPS = (
    "select session_id, appointment_id from public.appointment_follow_ups"
    " where resolved_at is null order by session_id"
)


def test_hours_changed_over_an_empty_session_are_refused_or_leave_it_marked(
    db: Connection,
) -> None:
    practice = group_practice(db)
    session = plan(db, practice, at(9))
    close = (
        "select session_id, appointment_id, patient_id, starts_at from public.add_exception("
        "starts_on => %s, provider_id => %s, on_conflict => %s)"
    )
    with refused(db, "visits_outside_hours"):
        db.execute(close, [at(0).date(), practice.provider, "refuse"])
    outside = {
        "session_id": session["id"],
        "appointment_id": None,
        "patient_id": None,
        "starts_at": at(9),
    }
    assert every(db, close, at(0).date(), practice.provider, "preview") == [outside]
    assert every(db, FOLLOW_UPS) == []
    assert every(db, close, at(0).date(), practice.provider, "mark") == [outside]
    assert every(db, FOLLOW_UPS) == [{"session_id": session["id"], "appointment_id": None}]
    assert every(db, "select what, session_id from public.needs_attention") == [
        {"what": "session outside the hours", "session_id": session["id"]}
    ]


def test_a_session_left_outside_is_marked_with_its_seats_until_it_is_settled(
    db: Connection,
) -> None:
    practice = group_practice(db)
    moved, cancelled, agreed, back = (plan(db, practice, at(hour)) for hour in (9, 11, 13, 15))
    (taken,) = fill(db, practice, moved, 1)
    close = "insert into public.availability_exceptions (provider_id, starts_on) values (%s, %s)"
    db.execute(close, [practice.provider, at(0).date()])
    noted = every(db, FOLLOW_UPS)
    assert {row["session_id"] for row in noted} == {
        *(session["id"] for session in (moved, cancelled, agreed, back)),
        None,
    }
    assert [row["appointment_id"] for row in noted if row["session_id"] is None] == [taken["id"]]
    change = "update public.group_sessions set {} where id = %s"
    db.execute(change.format("starts_at = starts_at + interval '1 day'"), [moved["id"]])
    db.execute(change.format("status = 'cancelled'"), [cancelled["id"]])
    db.execute(change.format("overbook_reason = 'agreed'"), [agreed["id"]])
    assert every(db, FOLLOW_UPS) == [{"session_id": back["id"], "appointment_id": None}]
    db.execute("delete from public.availability_exceptions")
    assert every(db, FOLLOW_UPS) == []
    # Nothing keeps a session that nobody joined from being removed.
    db.execute(close, [practice.provider, at(0).date()])
    db.execute("delete from public.group_sessions where id = %s", [back["id"]])
    assert every(db, FOLLOW_UPS) == []


def test_patients_see_their_own_seats_and_sessions_and_no_others(db: Connection) -> None:
    practice = group_practice(db)
    mine, theirs = plan(db, practice, at(9)), plan(db, practice, at(12))
    seat(db, mine, practice.patient)
    fill(db, practice, mine, 1)
    fill(db, practice, theirs, 1)
    see_seats, see_sessions = (
        "select patient_id from public.appointments",
        "select id from public.group_sessions",
    )
    with as_patient(db, practice.user):
        assert every(db, see_seats) == [{"patient_id": practice.patient}]
        assert every(db, see_sessions) == [{"id": mine["id"]}]
    with as_patient(db, make_user(db)):
        assert every(db, see_seats) == []
        assert every(db, see_sessions) == []
    with as_provider(db, make_member(db, practice.clinic, "provider")):
        assert {row["id"] for row in every(db, see_sessions)} == {mine["id"], theirs["id"]}
    with as_anon(db), denied(db):
        every(db, see_sessions)


def test_the_office_plans_and_providers_and_patients_do_not(db: Connection) -> None:
    practice, other = group_practice(db), group_practice(db)
    desk = make_member(db, practice.clinic, "front_desk")
    with as_front_desk(db, desk):
        session = plan(db, practice, at(9))
        with refused(db, "not_found"):
            plan(db, other, at(9))
        with denied(db):
            db.execute("update public.group_sessions set seats_taken = 2")
    fill(db, practice, session, 2)
    with as_patient(db, practice.user), refused(db, "not_found"):
        plan(db, practice, at(15))
    with as_provider(db, make_member(db, practice.clinic, "provider")), denied(db):
        plan(db, practice, at(15))
    call_off = "update public.group_sessions set status = 'cancelled' where id = %s"
    with as_front_desk(db, make_member(db, other.clinic, "front_desk")):
        assert db.execute(call_off, [session["id"]]).rowcount == 0
    with as_front_desk(db, desk):
        db.execute(call_off, [session["id"]])
    actors = every(
        db, "select actor_id from public.appointment_events where kind = 'status_changed'"
    )
    assert [row["actor_id"] for row in actors] == [desk, desk]


@pytest.mark.parametrize("seats_left", [1, 3])
def test_of_a_hundred_who_want_the_last_seats_exactly_as_many_as_there_are_get_one(
    connect: Connect, seats_left: int
) -> None:
    setup = connect()
    practice = group_practice(setup, capacity=5)
    session = plan(setup, practice, at(9))
    fill(setup, practice, session, 5 - seats_left)
    users = [make_user(setup) for _ in range(100)]
    for user in users:
        make_patient(setup, practice.clinic, user)
    outcomes = at_once([join(connect(), user, session) for user in users])
    assert Counter(outcomes) == {"done": seats_left, FULL: 100 - seats_left}
    assert miscounted(setup) == []
    assert double_bookings(setup) == []
    assert state_of(setup, session)["seats_taken"] == 5


def test_joining_leaving_moving_and_booking_at_once_leave_everything_in_order(
    connect: Connect,
) -> None:
    """Every path that takes or frees a seat, against sessions that move, shrink and are called off
    and visits of the same people with the same provider."""
    setup = connect()
    practice = group_practice(setup, capacity=3)
    single = replace(practice, service=make_service(setup, practice.clinic))
    insert(
        setup,
        "public.provider_services",
        clinic_id=single.clinic,
        provider_id=single.provider,
        service_id=single.service,
    )
    sessions = [plan(setup, practice, at(hour)) for hour in (9, 11, 13)]
    people = [make_user(setup) for _ in range(4)]
    patients = [make_patient(setup, practice.clinic, user) for user in people]

    def hand(number: int) -> Callable[[], None]:
        connection = connect()
        person = number % len(people)

        def work() -> None:
            for turn in range(12):
                session = sessions[(number + turn) % len(sessions)]
                deed = DEEDS[(number * 5 + turn) % len(DEEDS)]
                try:
                    deed(connection, single, session, people[person], patients[person])
                except psycopg.Error as error:
                    key = f"{error.sqlstate} {error.diag.message_primary}"
                    seen[key] += 1
                    if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                        connection.rollback()
                    connection.execute("reset role")
                    connection.execute("select set_config('request.jwt.claims', '', false)")

        return work

    seen: Counter[str] = Counter()
    assert set(at_once([hand(number) for number in range(8)])) == {"done"}
    assert {key.split()[0] for key in seen} <= {"PT409", "PT403", "PT422"}, seen
    assert miscounted(setup) == []
    assert double_bookings(setup) == []
    kept = every(setup, "select resource_id, during from private.reservations")
    assert len(kept) == one(
        setup,
        "select (select count(*) from public.group_sessions where status = 'scheduled')"
        " + (select sum(case when session_id is null then 2 else 1 end) from public.appointments"
        " where status in ('pending', 'booked', 'arrived')) as due",
    )["due"]  # fmt: skip


def _join(c: Connection, _p: Practice, session: Row, user: UUID, _patient: UUID) -> None:
    join(c, user, session)()


def _leave(c: Connection, _p: Practice, session: Row, user: UUID, patient: UUID) -> None:
    with as_patient(c, user):
        c.execute(
            "select public.cancel_appointment(id) from public.appointments"
            " where session_id = %s and patient_id = %s and status = 'booked'",
            [session["id"], patient],
        )


def _leave_by_hand(c: Connection, _p: Practice, session: Row, _u: UUID, patient: UUID) -> None:
    c.execute(
        "update public.appointments set status = 'cancelled' where session_id = %s"
        " and patient_id = %s and status = 'booked'",
        [session["id"], patient],
    )


def _move(c: Connection, _p: Practice, session: Row, _u: UUID, _patient: UUID) -> None:
    c.execute(
        "update public.group_sessions set starts_at = %s + (random() * 8)::int * interval '1 hour'"
        " where id = %s",
        [at(9), session["id"]],
    )


def _visit(c: Connection, practice: Practice, session: Row, user: UUID, _patient: UUID) -> None:
    with as_patient(c, user):
        c.execute(
            "select public.book_appointment(%s, %s)",
            [practice.service, session["starts_at"] + timedelta(hours=1)],
        )


def _resize(c: Connection, _p: Practice, session: Row, _u: UUID, _patient: UUID) -> None:
    c.execute(
        "update public.group_sessions set capacity = 1 + (random() * 4)::int where id = %s",
        [session["id"]],
    )


def _both(c: Connection, practice: Practice, session: Row, _u: UUID, patient: UUID) -> None:
    """A visit, then a seat: a transaction that holds schedules must not wait for a session."""
    with c.transaction():
        book(c, replace(practice, patient=patient), session["starts_at"] + timedelta(hours=10))
        seat(c, session, patient)


DEEDS = [_join, _leave, _move, _join, _visit, _leave_by_hand, _join, _resize, _both]
