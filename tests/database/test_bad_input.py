"""Each argument of the scheduling functions missing or senseless: our keys, nothing written."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from tests.database.test_group_sessions import plan
from tests.people import (
    Connection,
    Practice,
    as_patient,
    as_user,
    at,
    book,
    insert,
    make_member,
    make_practice,
    make_service,
    one,
)

WRITTEN = (
    "select (select count(*) from public.appointments) as visits,"
    " (select count(*) from private.reservations) as kept,"
    " (select count(*) from public.appointment_events) as events,"
    " (select count(*) from public.notifications) as messages,"
    " (select count(*) from public.group_sessions) as sessions,"
    " (select count(*) from public.appointment_series) as series,"
    " (select count(*) from public.waitlist_entries) as entries,"
    " (select count(*) from public.weekly_hours) as hours,"
    " (select count(*) from public.availability_exceptions) as exceptions"
)

Arguments = dict[str, Any]


@dataclass
class Scene:
    """A clinic with something of every kind, and a proper call of every function in it."""

    practice: Practice
    owner: Any
    calls: dict[str, Arguments]


@pytest.fixture
def scene(db: Connection) -> Scene:
    practice = make_practice(db)
    visit, series_visit = book(db, practice, at(9)), book(db, practice, at(9, days=3))
    group = make_service(db, practice.clinic, capacity=3)
    insert(
        db,
        "public.provider_services",
        clinic_id=practice.clinic,
        provider_id=practice.provider,
        service_id=group,
    )
    session = plan(db, practice, at(20), service_id=group)
    series = insert(
        db,
        "public.appointment_series",
        clinic_id=practice.clinic,
        service_id=practice.service,
        patient_id=practice.patient,
        starts_at=at(9),
        rule="FREQ=DAILY;COUNT=2",
        time_zone="Europe/Vienna",
        mode="free_ones",
    )
    db.execute(
        "update public.appointments set series_id = %s where id = %s",
        [series["id"], series_visit["id"]],
    )
    entry = insert(
        db,
        "public.waitlist_entries",
        service_id=practice.service,
        patient_id=practice.patient,
        to_clock="23:00",
    )
    exception = insert(
        db, "public.availability_exceptions", clinic_id=practice.clinic, starts_on=at(0, 30).date()
    )
    service, provider = practice.service, practice.provider
    slot = {"service_id": service, "starts_at": at(12)}
    calls: dict[str, Arguments] = {
        "open_slots": {
            "service_id": service,
            "from_time": at(8),
            "to_time": at(18),
            "provider_id": provider,
            "location_id": practice.location,
            "max_results": 10,
        },
        "explain_slot": slot | {"provider_id": provider},
        "hold_slot": slot
        | {"provider_id": provider, "patient_id": practice.patient, "request_id": uuid4()},
        "book_appointment": slot
        | {
            "provider_id": provider,
            "patient_id": practice.patient,
            "request_id": uuid4(),
            "reason": "cough",
        },
        "reschedule_appointment": {
            "appointment_id": visit["id"],
            "starts_at": at(13),
            "provider_id": provider,
            "request_id": uuid4(),
            "expected_version": 1,
        },
        "cancel_appointment": {
            "appointment_id": visit["id"],
            "reason": "ill",
            "expected_version": 1,
        },
        "change_appointment_status": {
            "appointment_id": visit["id"],
            "status": "cancelled",
            "reason": "ill",
            "expected_version": 1,
        },
        "book_series": {
            "service_id": service,
            "starts_at": at(14),
            "rule": "FREQ=DAILY;COUNT=2",
            "provider_id": provider,
            "patient_id": practice.patient,
            "mode": "all_or_nothing",
            "request_id": uuid4(),
            "reason": "cough",
        },
        "cancel_series": {"series_id": series["id"], "from_time": at(0), "reason": "ill"},
        "book_together": {
            "visits": json.dumps(
                [
                    {
                        "service_id": str(service),
                        "starts_at": at(15).isoformat(),
                        "patient_id": str(practice.patient),
                    }
                ]
            ),
            "request_id": uuid4(),
        },
        "open_sessions": {"service_id": group, "from_time": at(8), "to_time": at(23)},
        "join_session": {
            "session_id": session["id"],
            "patient_id": practice.patient,
            "request_id": uuid4(),
            "reason": "back",
        },
        "join_waitlist": {
            "service_id": group,
            "patient_id": practice.patient,
            "provider_ids": [provider],
            "location_id": practice.location,
            "earliest": at(0).date(),
            "latest": at(0, 9).date(),
            "weekdays": [1, 2],
            "from_clock": "09:00",
            "to_clock": "17:00",
            "urgency": "routine",
        },
        "leave_waitlist": {"entry_id": entry["id"]},
        "accept_offer": {"offer_id": uuid4()},
        "decline_offer": {"offer_id": uuid4()},
        "set_weekly_hours": {
            "provider_id": provider,
            "location_id": practice.location,
            "hours": json.dumps([{"weekday": 1, "opens": "09:00", "closes": "17:00"}]),
            "valid_from": at(0, 40).date(),
            "on_conflict": "mark",
        },
        "add_exception": {
            "starts_on": at(0, 50).date(),
            "ends_on": at(0, 51).date(),
            "kind": "closed",
            "clinic_id": practice.clinic,
            "provider_id": provider,
            "location_id": practice.location,
            "opens": "09:00",
            "closes": "17:00",
            "reason": "moving",
            "on_conflict": "mark",
        },
        "remove_exception": {"exception_id": exception["id"], "on_conflict": "mark"},
        "verify_history": {"clinic_id": practice.clinic},
    }
    return Scene(
        practice,
        make_member(db, practice.clinic, "owner"),
        calls,
    )


def senseless(value: Any) -> list[Any]:
    """What could come instead of a proper value of that kind."""
    match value:
        case bool() | None:
            return [None]
        case int():
            return [None, 0, -1, 10_000, 2**31 - 1]
        case list():
            return [None, [], [None]]
        case str() if value[:1] in "[{":
            return [None, "null", "[]", "{}", "[null]", "[[]]", '"x"', "7"]
        case str():
            return [None, "", " ", "x" * 100_000] if " " not in value else [None]
        case timedelta():
            return [None]
    if hasattr(value, "hour"):
        return [None, "infinity", "-infinity", "0001-01-01", "9999-12-31 23:59:59+00"]
    if hasattr(value, "year"):
        return [None, "infinity", "-infinity", "0001-01-01", "9999-12-31"]
    return [None, uuid4()]


def attempt(
    db: Connection, caller: AbstractContextManager[None], function: str, arguments: Arguments
) -> str:
    """'done', or the key of the refusal, which leaves nothing; all is undone in any case. Raises
    what is not ours."""
    with db.transaction(force_rollback=True):
        before = one(db, WRITTEN)
        outcome = answer(db, caller, function, arguments)
        if outcome != "done":
            # Looked at while whatever was written would still be there.
            assert one(db, WRITTEN) == before
    return outcome


def answer(
    db: Connection, caller: AbstractContextManager[None], function: str, arguments: Arguments
) -> str:
    """As attempt; what is done stays."""
    named = sql.SQL(", ").join(
        sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder()) for name in arguments
    )
    call = sql.SQL("select * from public.{}({})").format(sql.Identifier(function), named)
    try:
        with db.transaction(), caller:
            db.execute(call, list(arguments.values()))
    except psycopg.errors.DataError:
        # A word that is none of the type: refused before any function of ours is asked.
        return "not of the type"
    except psycopg.Error as error:
        if not (error.sqlstate or "").startswith("PT"):
            error.add_note(f"{function} {arguments}"[:2000])
            raise
        return error.diag.message_primary or ""
    return "done"


def test_every_argument_missing_or_senseless_is_answered_in_our_words(
    db: Connection, scene: Scene
) -> None:
    tried = 0
    for function, arguments in scene.calls.items():
        for name, value in arguments.items():
            for wrong in senseless(value):
                for caller in (as_patient(db, scene.practice.user), as_user(db, scene.owner)):
                    attempt(db, caller, function, arguments | {name: wrong})
                    tried += 1
    assert tried > 500


def test_the_proper_calls_are_answered(db: Connection, scene: Scene) -> None:
    """Else everything above could be refused for another reason."""
    refusals = {}
    for function, arguments in scene.calls.items():
        outcome = attempt(db, as_user(db, scene.owner), function, arguments)
        if outcome != "done":
            refusals[function] = outcome
    assert refusals == {"accept_offer": "not_found", "decline_offer": "not_found"}


NEEDED = {
    "open_slots": {"service_id": "not_found", "from_time": "invalid_time",
                   "to_time": "invalid_time", "max_results": "invalid_input"},
    "hold_slot": {"service_id": "not_found", "starts_at": "invalid_time"},
    "book_appointment": {"service_id": "not_found", "starts_at": "invalid_time"},
    "reschedule_appointment": {"appointment_id": "not_found", "starts_at": "invalid_time"},
    "cancel_appointment": {"appointment_id": "not_found"},
    "change_appointment_status": {"appointment_id": "not_found", "status": "invalid_input"},
    "book_series": {"service_id": "not_found", "starts_at": "invalid_time",
                    "rule": "invalid_input", "mode": "invalid_input"},
    "cancel_series": {"series_id": "not_found", "from_time": "invalid_time"},
    "book_together": {"visits": "invalid_input"},
    "open_sessions": {"service_id": "not_found", "from_time": "invalid_time"},
    "join_session": {"session_id": "not_found"},
    "join_waitlist": {"service_id": "not_found", "from_clock": "invalid_time"},
    "leave_waitlist": {"entry_id": "not_found"},
    "explain_slot": {"service_id": "not_found", "provider_id": "not_found",
                     "starts_at": "invalid_time"},
    "set_weekly_hours": {"provider_id": "not_found", "location_id": "invalid_input",
                         "hours": "invalid_input", "on_conflict": "invalid_input"},
    "add_exception": {"starts_on": "invalid_input", "kind": "invalid_input",
                      "on_conflict": "invalid_input"},
    "remove_exception": {"exception_id": "not_found", "on_conflict": "invalid_input"},
}  # fmt: skip


@pytest.mark.parametrize("function", NEEDED)
def test_null_where_a_value_is_needed(db: Connection, scene: Scene, function: str) -> None:
    for name, key in NEEDED[function].items():
        arguments = scene.calls[function] | {name: None}
        assert attempt(db, as_user(db, scene.owner), function, arguments) == key, name
