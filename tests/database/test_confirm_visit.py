"""`confirm_visit`: who says that the patient will come, to which visit, and until when."""

from __future__ import annotations

from tests.people import (
    Connection,
    as_anon,
    as_patient,
    as_user,
    at,
    book,
    denied,
    every,
    make_member,
    make_patient,
    make_practice,
    make_user,
    one,
    refused,
)

CONFIRM = "select * from public.confirm_visit(%s)"
CONFIRM_AS_SEEN = "select * from public.confirm_visit(%s, %s)"
SAID = "select appointment_version from public.visit_confirmations where appointment_id = %s"


def test_a_patient_confirms_the_visit_as_it_is_and_twice_is_once(db: Connection) -> None:
    practice = make_practice(db)
    visit = book(db, practice, at(9))
    with as_patient(db, practice.user):
        first = one(db, CONFIRM, visit["id"])
        assert one(db, CONFIRM, visit["id"]) == first
        assert every(db, SAID, visit["id"]) == [{"appointment_version": visit["version"]}]


def test_a_moved_visit_is_not_confirmed_until_it_is_said_again(db: Connection) -> None:
    practice = make_practice(db)
    visit = book(db, practice, at(9))
    with as_patient(db, practice.user):
        db.execute(CONFIRM, [visit["id"]])
        db.execute("select public.reschedule_appointment(%s, %s)", [visit["id"], at(12)])
        with refused(db, "stale_version"):
            db.execute(CONFIRM_AS_SEEN, [visit["id"], visit["version"]])
        confirmed = one(db, CONFIRM_AS_SEEN, visit["id"], visit["version"] + 1)
    assert confirmed["appointment_version"] == visit["version"] + 1


def test_a_visit_that_was_called_off_is_not_confirmed(db: Connection) -> None:
    practice = make_practice(db)
    visit = book(db, practice, at(9))
    with as_patient(db, practice.user):
        db.execute("select public.cancel_appointment(%s)", [visit["id"]])
        with refused(db, "illegal_transition"):
            db.execute(CONFIRM, [visit["id"]])


def test_the_front_desk_confirms_what_it_was_told_and_strangers_find_nothing(
    db: Connection,
) -> None:
    practice = make_practice(db)
    visit = book(db, practice, at(9))
    stranger = make_user(db)
    make_patient(db, practice.clinic, stranger)
    with as_patient(db, stranger), refused(db, "not_found"):
        db.execute(CONFIRM, [visit["id"]])
    with as_anon(db), denied(db):
        db.execute(CONFIRM, [visit["id"]])
    desk = make_member(db, practice.clinic, "front_desk")
    with as_user(db, desk):
        assert one(db, CONFIRM, visit["id"])["appointment_id"] == visit["id"]
