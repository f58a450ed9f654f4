"""Who came and who did not: unknown is not a no-show, and the clinic's limit on missed visits."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.people import (
    Connection,
    Practice,
    Row,
    as_user,
    at,
    book,
    every,
    make_member,
    make_patient,
    make_practice,
    make_user,
    one,
    refused,
)

BOOK = "select * from public.book_appointment(%s, %s)"
HOLD = "select * from public.hold_slot(%s, %s, %s)"


@pytest.fixture
def practice(db: Connection) -> Practice:
    """A clinic that stops taking bookings of people who missed two visits in a year."""
    practice = make_practice(db)
    db.execute("update public.clinics set max_missed_visits = 2")
    return practice


def visit_that_was(db: Connection, practice: Practice, status: str, days_ago: int = 5) -> Row:
    return book(db, practice, at(9, days=-days_ago), status=status)


def outcomes(db: Connection) -> list[str]:
    return [
        row["outcome"]
        for row in every(db, "select outcome::text from public.attendance order by starts_at")
    ]


def counts(db: Connection, practice: Practice) -> Row:
    return one(
        db, "select * from public.patient_attendance where patient_id = %s", practice.patient
    )


def cancel(db: Connection, practice: Practice, visit: Row) -> Row:
    with as_user(db, practice.user):
        return one(db, "select * from public.cancel_appointment(%s)", visit["id"])


def may_book(db: Connection, practice: Practice) -> None:
    with as_user(db, practice.user), db.transaction(force_rollback=True):
        db.execute(BOOK, [practice.service, at(9, days=5)])


def may_not_book(db: Connection, practice: Practice) -> None:
    with as_user(db, practice.user):
        with refused(db, "limit_reached"):
            db.execute(BOOK, [practice.service, at(9, days=5)])
        with refused(db, "limit_reached"):
            db.execute(HOLD, [practice.service, practice.provider, at(9, days=5)])


def test_a_past_visit_that_nobody_marked_is_unknown_and_not_a_no_show(
    db: Connection, practice: Practice
) -> None:
    for days_ago, status in ((4, "booked"), (3, "booked"), (2, "booked"), (1, "noshow")):
        visit_that_was(db, practice, status, days_ago)
    assert outcomes(db) == ["unknown", "unknown", "unknown", "missed"]
    count = counts(db, practice)
    assert (count["unknown"], count["no_shows"], count["books_by_phone_only"]) == (3, 1, False)
    may_book(db, practice)


def test_each_visit_has_one_of_three_outcomes(db: Connection, practice: Practice) -> None:
    statuses = ["booked", "fulfilled", "arrived", "noshow", "cancelled", "pending"]
    for hours, status in enumerate(statuses):
        book(db, practice, at(9 + hours, days=-1), status=status)
    book(db, practice, at(9))
    assert outcomes(db) == ["unknown", "attended", "attended", "missed"]


@pytest.mark.parametrize("path", ["patient", "staff", "service", "sql"])
def test_only_the_patients_own_bookings_are_limited(
    db: Connection, practice: Practice, path: str
) -> None:
    for days_ago in (3, 4):
        visit_that_was(db, practice, "noshow", days_ago)
    assert counts(db, practice)["books_by_phone_only"] is True
    if path == "patient":
        may_not_book(db, practice)
    elif path == "staff":
        with as_user(db, make_member(db, practice.clinic, "front_desk")):
            db.execute(
                "select public.book_appointment(%s, %s, patient_id => %s)",
                [practice.service, at(9, days=5), practice.patient],
            )
    else:
        book(db, practice, at(9, days=5))


def test_the_refusal_says_to_call_the_clinic(db: Connection, practice: Practice) -> None:
    for days_ago in (3, 4):
        visit_that_was(db, practice, "noshow", days_ago)
    with as_user(db, practice.user), pytest.raises(Exception, match="call the clinic"):
        db.execute(BOOK, [practice.service, at(9, days=5)])


def test_whoever_may_not_book_may_not_queue_either(db: Connection, practice: Practice) -> None:
    for days_ago in (3, 4):
        visit_that_was(db, practice, "noshow", days_ago)
    with as_user(db, practice.user), refused(db, "limit_reached"):
        db.execute("select public.join_waitlist(%s)", [practice.service])


@pytest.mark.parametrize("corrected", ["arrived", "entered_in_error"])
def test_a_corrected_mark_no_longer_counts(
    db: Connection, practice: Practice, corrected: str
) -> None:
    marked = [visit_that_was(db, practice, "noshow", days_ago) for days_ago in (3, 4)]
    may_not_book(db, practice)
    with as_user(db, make_member(db, practice.clinic, "manager")):
        db.execute("select public.change_appointment_status(%s, %s)", [marked[0]["id"], corrected])
    may_book(db, practice)


def test_what_was_missed_long_ago_does_not_count(db: Connection, practice: Practice) -> None:
    for days_ago in (40, 50):
        visit_that_was(db, practice, "noshow", days_ago)
    may_not_book(db, practice)
    db.execute("update public.clinics set missed_visits_window_days = 45")
    assert counts(db, practice)["no_shows"] == 1
    may_book(db, practice)


def test_one_clinics_limit_is_not_anothers(db: Connection, practice: Practice) -> None:
    for days_ago in (3, 4):
        visit_that_was(db, practice, "noshow", days_ago)
    elsewhere = make_practice(db)
    make_patient(db, elsewhere.clinic, practice.user)
    with as_user(db, practice.user):
        db.execute(BOOK, [elsewhere.service, at(9, days=5)])


def test_a_clinic_without_a_limit_takes_everybody(db: Connection, practice: Practice) -> None:
    db.execute("update public.clinics set max_missed_visits = null")
    for days_ago in (2, 3, 4):
        visit_that_was(db, practice, "noshow", days_ago)
    assert counts(db, practice)["books_by_phone_only"] is False
    may_book(db, practice)


def soon(hours: float) -> datetime:
    """A start on the grid, about that many hours from now."""
    return at(0, days=0) + timedelta(
        minutes=15 * round((datetime.now().astimezone() - at(0, days=0)).seconds / 900 + 4 * hours)
    )


def test_a_late_cancellation_by_the_patient_counts_as_missed(
    db: Connection, practice: Practice
) -> None:
    late = cancel(db, practice, book(db, practice, soon(20)))
    early = cancel(db, practice, book(db, practice, soon(30)))
    assert (late["cancelled_late"], early["cancelled_late"]) == (True, False)
    assert counts(db, practice)["late_cancellations"] == 1
    may_book(db, practice)
    visit_that_was(db, practice, "noshow")
    may_not_book(db, practice)


def test_a_cancellation_by_the_clinic_is_never_the_patients(
    db: Connection, practice: Practice
) -> None:
    visit = book(db, practice, soon(2))
    with as_user(db, make_member(db, practice.clinic, "front_desk")):
        cancelled = one(db, "select * from public.cancel_appointment(%s)", visit["id"])
    assert cancelled["cancelled_late"] is False
    assert counts(db, practice)["late_cancellations"] == 0


def test_staff_may_correct_what_counts_as_late(db: Connection, practice: Practice) -> None:
    visit = cancel(db, practice, book(db, practice, soon(2)))
    db.execute("update public.appointments set cancelled_late = false where id = %s", [visit["id"]])
    assert counts(db, practice)["late_cancellations"] == 0


def test_a_given_up_request_or_hold_is_no_late_cancellation(
    db: Connection, practice: Practice
) -> None:
    for status in ("pending", "held"):
        assert cancel(db, practice, book(db, practice, soon(2), status=status)) is not None
    assert counts(db, practice)["late_cancellations"] == 0


def test_patients_see_their_own_attendance_alone(db: Connection, practice: Practice) -> None:
    visit_that_was(db, practice, "noshow", 3)
    someone_else = make_patient(db, practice.clinic, make_user(db))
    book(db, practice, at(9, days=-4), patient_id=someone_else, status="noshow")
    with as_user(db, practice.user):
        seen = every(db, "select patient_id from public.attendance")
        assert [row["patient_id"] for row in seen] == [practice.patient]
        assert len(every(db, "select from public.patient_attendance")) == 1
    with as_user(db, make_user(db)):
        assert every(db, "select from public.attendance") == []
        assert every(db, "select from public.patient_attendance") == []
