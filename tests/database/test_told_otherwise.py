"""What no mail could tell is ticked off by whoever told the patient otherwise."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import psycopg
import pytest

from tests.database.test_delivery_events import report, sent_message
from tests.database.test_sent_once import claim
from tests.database.test_worker_queue import fail
from tests.people import (
    Connection,
    Practice,
    Row,
    as_anon,
    as_front_desk,
    as_service,
    as_user,
    at,
    book,
    denied,
    every,
    make_clinic,
    make_guardian,
    make_member,
    make_patient,
    make_practice,
    one,
    refused,
)

MARK_TOLD = "select * from public.mark_told(%s)"


@pytest.fixture
def practice(db: Connection) -> Practice:
    return make_practice(db)


def given_up(db: Connection, practice: Practice, hours: float = 9) -> UUID:
    """A confirmation that the mail provider did not take."""
    book(db, practice, at(hours))
    (message,) = claim(db)
    assert fail(db, message, permanent=True) == "dead"
    found: UUID = message["notification_id"]
    return found


def without_address(db: Connection, practice: Practice, hours: float = 9) -> UUID:
    """A confirmation to a patient who has no address."""
    patient = make_patient(db, practice.clinic)
    db.execute("update public.patients set email = null where id = %s", [patient])
    visit = book(db, practice, at(hours), patient_id=patient)
    found: UUID = one(
        db, "select id from public.notifications where appointment_id = %s", visit["id"]
    )["id"]
    return found


def came_back(db: Connection, practice: Practice) -> UUID:
    message: UUID = sent_message(db, practice)["notification_id"]
    report(db, message, "bounced")
    return message


def listed(db: Connection) -> set[UUID]:
    return {
        row["notification_id"]
        for row in every(db, "select notification_id from public.needs_attention")
    }


def queued(db: Connection) -> set[UUID]:
    return {
        row["notification_id"]
        for row in every(db, "select notification_id from private.notification_queue")
    }


def message_of(db: Connection, message: UUID) -> Row:
    return one(db, "select * from public.notifications where id = %s", message)


@pytest.mark.parametrize("role", ["owner", "manager", "front_desk"])
@pytest.mark.parametrize("untold", [given_up, came_back, without_address])
def test_the_office_ticks_off_what_it_told_otherwise(
    db: Connection, practice: Practice, role: str, untold: Callable[[Connection, Practice], UUID]
) -> None:
    message = untold(db, practice)
    assert message in listed(db)
    before = message_of(db, message)
    member = make_member(db, practice.clinic, role)
    with as_user(db, member):
        told = one(db, MARK_TOLD, message)
        assert message not in listed(db)
    assert (told["id"], told["told_by"], told["status"], told["last_error"]) == (
        message,
        member,
        before["status"],
        before["last_error"],
    )
    assert told["told_at"] is not None
    assert message not in listed(db)
    assert message not in queued(db)


def test_others_are_told_of_no_message(db: Connection, practice: Practice) -> None:
    message = given_up(db, practice)
    for stranger in (
        practice.user,
        make_guardian(db, practice.clinic, practice.patient),
        make_member(db, practice.clinic, "provider"),
        make_member(db, make_clinic(db), "owner"),
    ):
        with as_user(db, stranger), refused(db, "not_found"):
            db.execute(MARK_TOLD, [message])
    suspended = make_member(db, practice.clinic, "front_desk")
    db.execute("update public.members set active = false where user_id = %s", [suspended])
    with as_user(db, suspended), refused(db, "not_found"):
        db.execute(MARK_TOLD, [message])
    with as_anon(db), denied(db):
        db.execute(MARK_TOLD, [message])
    assert message_of(db, message)["told_at"] is None
    assert message in listed(db)


def test_nobody_writes_the_mark_but_by_the_function(db: Connection, practice: Practice) -> None:
    message = given_up(db, practice)
    with as_user(db, make_member(db, practice.clinic, "owner")), denied(db):
        db.execute("update public.notifications set told_at = now() where id = %s", [message])
    with as_service(db), denied(db):
        db.execute("update public.notifications set told_at = now() where id = %s", [message])


def test_the_dashboard_ticks_off_by_the_same_function(db: Connection, practice: Practice) -> None:
    message = given_up(db, practice)
    told = one(db, MARK_TOLD, message)
    assert (told["told_at"] is not None, told["told_by"]) == (True, None)
    assert message not in listed(db)


def test_who_said_so_first_stays(db: Connection, practice: Practice) -> None:
    message = given_up(db, practice)
    with as_front_desk(db, make_member(db, practice.clinic, "front_desk")):
        first = one(db, MARK_TOLD, message)
    with as_user(db, make_member(db, practice.clinic, "owner")):
        assert one(db, MARK_TOLD, message) == first
    assert message_of(db, message) == first


def test_what_may_still_arrive_or_did_is_not_told_otherwise(
    db: Connection, practice: Practice
) -> None:
    book(db, practice, at(9))
    waiting = one(db, "select id from public.notifications where status = 'queued'")["id"]
    desk = make_member(db, practice.clinic, "front_desk")
    mark = [waiting]
    with as_front_desk(db, desk), refused(db, "illegal_transition"):
        db.execute(MARK_TOLD, mark)
    # Also one that stands in the list, since it keeps failing: it is tried again.
    db.execute("update public.notifications set attempts = 4, last_error = 'provider_500'")
    assert waiting in listed(db)
    for columns in (
        "status = 'queued'",
        "status = 'sent', sent_at = now()",
        "status = 'delivered'",
        "status = 'skipped', sent_at = null, last_error = 'opted_out'",
    ):
        db.execute(f"update public.notifications set {columns}")  # type: ignore[arg-type]
        with as_front_desk(db, desk), refused(db, "illegal_transition"):
            db.execute(MARK_TOLD, mark)
    assert message_of(db, waiting)["told_at"] is None


def test_a_new_start_takes_the_mark_away(db: Connection, practice: Practice) -> None:
    message = given_up(db, practice)
    with as_front_desk(db, make_member(db, practice.clinic, "front_desk")):
        one(db, MARK_TOLD, message)
        again = one(db, "select * from public.requeue_notification(%s)", message)
    assert (again["told_at"], again["told_by"]) == (None, None)
    (claimed,) = claim(db)
    assert claimed["notification_id"] == message
    assert fail(db, claimed, permanent=True) == "dead"
    assert message in listed(db)


def test_what_was_told_otherwise_is_not_sent_again_with_the_rest(
    db: Connection, practice: Practice
) -> None:
    told, untold = given_up(db, practice), given_up(db, practice, 11)
    with as_front_desk(db, make_member(db, practice.clinic, "front_desk")):
        one(db, MARK_TOLD, told)
        db.execute("select public.requeue_dead_notifications(%s)", [practice.clinic])
    assert message_of(db, told)["status"] == "dead"
    assert message_of(db, untold)["status"] == "queued"


def test_what_was_told_otherwise_is_not_counted_as_dead(db: Connection, practice: Practice) -> None:
    message = given_up(db, practice)
    dead = "select dead from worker.queue_depth()"
    with as_service(db):
        assert one(db, dead)["dead"] == 1
        one(db, MARK_TOLD, message)
        assert one(db, dead)["dead"] == 0


def test_a_late_report_does_not_ask_for_it_to_be_told_again(
    db: Connection, practice: Practice
) -> None:
    message = sent_message(db, practice)["notification_id"]
    db.execute(
        "update public.notifications set status = 'dead', sent_at = null,"
        " last_error = 'unknown_fate'"
    )
    one(db, MARK_TOLD, message)
    report(db, message, "bounced")
    assert message_of(db, message)["status"] == "bounced"
    assert message not in listed(db)


def test_another_change_of_the_visit_is_listed_again(db: Connection, practice: Practice) -> None:
    message = without_address(db, practice)
    one(db, MARK_TOLD, message)
    assert listed(db) == set()
    db.execute(
        "update public.appointments set starts_at = %s where id = %s",
        [at(13), message_of(db, message)["appointment_id"]],
    )
    (again,) = listed(db)
    assert again != message
    assert message_of(db, again)["kind"] == "change"


def test_a_message_on_its_way_bears_no_mark(db: Connection, practice: Practice) -> None:
    message = given_up(db, practice)
    one(db, MARK_TOLD, message)
    with pytest.raises(psycopg.errors.CheckViolation):
        db.execute("update public.notifications set status = 'queued' where id = %s", [message])


def test_the_mark_outlives_the_account_of_whoever_set_it(
    db: Connection, practice: Practice
) -> None:
    message = given_up(db, practice)
    member = make_member(db, practice.clinic, "front_desk")
    with as_front_desk(db, member):
        one(db, MARK_TOLD, message)
    db.execute("delete from auth.users where id = %s", [member])
    told = message_of(db, message)
    assert (told["told_at"] is not None, told["told_by"]) == (True, None)
    assert message not in listed(db)
