"""`cancel_appointment` and `reschedule_appointment`: who, until when, and what stays."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.people import (
    Connection,
    as_anon,
    as_patient,
    as_user,
    at,
    book,
    denied,
    every,
    make_guardian,
    make_member,
    make_patient,
    make_practice,
    make_provider,
    make_user,
    one,
    refused,
)

CANCEL = "select * from public.cancel_appointment(%s)"
MOVE = "select * from public.reschedule_appointment(%s, %s)"


def soon() -> datetime:
    """The next quarter of an hour that is at least ten minutes away."""
    later = datetime.now(UTC) + timedelta(minutes=25)
    return later.replace(minute=later.minute // 15 * 15, second=0, microsecond=0)


def test_a_patient_cancels_their_own_and_the_time_is_free(db: Connection) -> None:
    practice = make_practice(db)
    visit = book(db, practice, at(9))
    with as_patient(db, practice.user):
        cancelled = one(db, CANCEL, visit["id"])
    assert (cancelled["id"], cancelled["status"], cancelled["version"]) == (
        visit["id"],
        "cancelled",
        2,
    )
    book(db, replace(practice, patient=make_patient(db, practice.clinic)), at(9))


def test_cancelling_twice_is_refused(db: Connection) -> None:
    practice = make_practice(db)
    visit = book(db, practice, at(9))
    with as_patient(db, practice.user):
        db.execute(CANCEL, [visit["id"]])
        with refused(db, "illegal_transition"):
            db.execute(CANCEL, [visit["id"]])


def test_strangers_find_nothing_to_cancel_or_move(db: Connection) -> None:
    practice = make_practice(db)
    visit = book(db, practice, at(9))
    user = make_user(db)
    make_patient(db, practice.clinic, user)
    with as_patient(db, user):
        for statement, values in ((CANCEL, [visit["id"]]), (MOVE, [visit["id"], at(12)])):
            with refused(db, "not_found"):
                db.execute(statement, values)  # type: ignore[arg-type]
        with refused(db, "not_found"):
            db.execute(CANCEL, [uuid.uuid4()])
    with as_anon(db), denied(db):
        db.execute(CANCEL, [visit["id"]])


def test_patients_are_bound_by_notice_and_the_front_desk_is_not(db: Connection) -> None:
    practice = make_practice(db, cancel_notice_minutes=24 * 60)
    visit = book(db, practice, soon())
    with as_patient(db, practice.user):
        with refused(db, "too_late_to_cancel"):
            db.execute(CANCEL, [visit["id"]])
        with refused(db, "too_late_to_cancel"):
            db.execute(MOVE, [visit["id"], at(12)])
    with as_user(db, make_member(db, practice.clinic, "front_desk")):
        assert one(db, CANCEL, visit["id"])["status"] == "cancelled"


def test_a_stale_version_is_refused(db: Connection) -> None:
    practice = make_practice(db)
    visit = book(db, practice, at(9))
    db.execute("update public.appointments set starts_at = %s", [at(10)])
    with as_patient(db, practice.user):
        for statement in (
            "select public.cancel_appointment(%s, expected_version => 1)",
            "select public.change_appointment_status(%s, 'cancelled', expected_version => 1)",
        ):
            with refused(db, "stale_version"):
                db.execute(statement, [visit["id"]])  # type: ignore[arg-type]
        with refused(db, "stale_version"):
            db.execute(
                "select public.reschedule_appointment(%s, %s, expected_version => 1)",
                [visit["id"], at(12)],
            )
        db.execute("select public.cancel_appointment(%s, expected_version => 2)", [visit["id"]])


def test_a_move_keeps_the_appointment_and_frees_the_old_time(db: Connection) -> None:
    practice = make_practice(db)
    visit = book(db, practice, at(9))
    with as_patient(db, practice.user):
        moved = one(db, MOVE, visit["id"], at(12))
    assert (moved["id"], moved["version"], moved["starts_at"]) == (visit["id"], 2, at(12))
    book(db, replace(practice, patient=make_patient(db, practice.clinic)), at(9))


def test_what_was_approved_and_is_moved_by_its_patient_waits_for_approval_again(
    db: Connection,
) -> None:
    practice = make_practice(db, needs_approval=True)
    desk = make_member(db, practice.clinic, "front_desk")
    child = make_patient(db, practice.clinic)
    guardian = make_guardian(db, practice.clinic, child)
    for patient, mover in ((practice.patient, practice.user), (child, guardian)):
        visit = book(db, replace(practice, patient=patient), at(9))
        with as_patient(db, mover):
            assert one(db, MOVE, visit["id"], at(9))["status"] == "booked"
            moved = one(db, MOVE, visit["id"], at(12))
            assert (moved["status"], moved["starts_at"]) == ("pending", at(12))
            assert one(db, MOVE, visit["id"], at(13))["status"] == "pending"
        with as_user(db, desk):
            approve = "select * from public.change_appointment_status(%s, 'booked')"
            db.execute(approve, [visit["id"]])
            assert one(db, MOVE, visit["id"], at(14))["status"] == "booked"
        db.execute("update public.appointments set status = 'cancelled'")


def test_what_needs_no_approval_stays_agreed_wherever_it_moves(db: Connection) -> None:
    practice = make_practice(db)
    visit = book(db, practice, at(9))
    with as_patient(db, practice.user):
        assert one(db, MOVE, visit["id"], at(12))["status"] == "booked"


def test_a_move_may_overlap_its_own_old_time(db: Connection) -> None:
    practice = make_practice(db)
    visit = book(db, practice, at(9))
    with as_patient(db, practice.user):
        assert one(db, MOVE, visit["id"], at(9.25))["starts_at"] == at(9.25)


def test_a_move_to_another_provider(db: Connection) -> None:
    practice = make_practice(db)
    visit = book(db, practice, at(9))
    colleague = make_provider(db, practice.clinic, practice.location, (practice.service,))
    with as_patient(db, practice.user):
        moved = one(
            db,
            "select * from public.reschedule_appointment(%s, %s, %s)",
            visit["id"],
            at(9),
            colleague,
        )
    assert moved["provider_id"] == colleague


def test_a_refused_move_keeps_the_old_time(db: Connection) -> None:
    practice = make_practice(db, hours={"opens": "08:00", "closes": "18:00"})
    visit = book(db, practice, at(9))
    book(db, replace(practice, patient=make_patient(db, practice.clinic)), at(12))
    before = every(db, "select * from private.reservations order by id")
    with as_patient(db, practice.user):
        for starts_at, key in (
            (at(12), "slot_taken"),
            (at(20), "outside_availability"),
            (at(9, days=-1), "too_soon"),
            (at(9, days=200), "too_far_ahead"),
            (None, "invalid_time"),
        ):
            with refused(db, key):
                db.execute(MOVE, [visit["id"], starts_at])
    assert every(db, "select * from private.reservations order by id") == before


def test_a_repeated_move_is_done_once(db: Connection) -> None:
    practice = make_practice(db)
    visit = book(db, practice, at(9))
    request = uuid.uuid4()
    move = "select * from public.reschedule_appointment(%s, %s, null, %s, 1)"
    with as_patient(db, practice.user):
        first = one(db, move, visit["id"], at(12), request)
        again = one(db, move, visit["id"], at(12), request)
        with refused(db, "request_id_reused"):
            db.execute(move, [visit["id"], at(13), request])
    assert again == first


def test_a_reason_for_calling_off_is_kept_for_the_care_team(db: Connection) -> None:
    practice = make_practice(db)
    visit = book(db, practice, at(9))
    with as_patient(db, practice.user):
        db.execute("select public.cancel_appointment(%s, 'feeling better')", [visit["id"]])
    kept = one(db, "select kind::text, reason, written_by from public.appointment_reasons")
    assert kept == {"kind": "change", "reason": "feeling better", "written_by": practice.user}
