"""`explain_slot` names what removes a time, agrees with `open_slots`, and tells of no patient."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.people import (
    Connection,
    Practice,
    as_anon,
    as_provider,
    as_user,
    at,
    book,
    every,
    insert,
    make_hours,
    make_location,
    make_member,
    make_need,
    make_patient,
    make_practice,
    make_provider,
    make_resource,
    make_service,
    refused,
)

EXPLAIN = "select * from public.explain_slot(%s, %s, %s)"


@pytest.fixture
def practice(db: Connection) -> Practice:
    """Open from 9 to 12, a visit of 30 minutes every 15."""
    return make_practice(db, hours={"opens": "09:00", "closes": "12:00"})


def failing(db: Connection, practice: Practice, starts_at: datetime) -> dict[str, str]:
    """The rules that remove the time, with what is said about each."""
    rules = every(db, EXPLAIN, practice.service, practice.provider, starts_at)
    assert len(rules) > 1
    return {rule["rule"]: rule["detail"] for rule in rules if not rule["passes"]}


def test_nothing_removes_a_free_time(db: Connection, practice: Practice) -> None:
    assert failing(db, practice, at(9)) == {}


@pytest.mark.parametrize(
    ("hour", "rule", "detail"),
    [
        (11.75, "hours", "The provider's hours end at 12:00; the visit would end at 12:15."),
        (7, "hours", "The provider's hours here on that day are 09:00–12:00."),
        (9.1, "grid of starts", "Visits start every 15 min, counted from 09:00."),
    ],
)
def test_hours_and_grid_are_named(
    db: Connection, practice: Practice, hour: float, rule: str, detail: str
) -> None:
    assert failing(db, practice, at(hour)) == {rule: detail}


def test_a_day_off_is_named(db: Connection, practice: Practice) -> None:
    db.execute("delete from public.weekly_hours where weekday = %s", [at(0).isoweekday()])
    assert failing(db, practice, at(9)) == {"hours": "The provider does not work here on that day."}


def test_a_closure_is_named_with_its_reason(db: Connection, practice: Practice) -> None:
    insert(
        db,
        "public.availability_exceptions",
        clinic_id=practice.clinic,
        starts_on=at(0).date(),
        ends_on=at(0).date(),
        opens="09:30",
        closes="10:00",
        reason="Fire drill",
    )
    assert failing(db, practice, at(9.25)) == {
        "not closed": "Closed 09:30–10:00 for the whole clinic: Fire drill."
    }


def test_notice_and_horizon_are_those_of_patients(db: Connection) -> None:
    practice = make_practice(db, min_notice_minutes=72 * 60, horizon_days=10)
    assert failing(db, practice, at(9, days=2)) == {"notice": "Patients book at least 72 h ahead."}
    assert failing(db, practice, at(9, days=11)) == {
        "horizon": "Patients book at most 10 days ahead."
    }


def test_what_is_over_is_named(db: Connection, practice: Practice) -> None:
    assert "still to come" in failing(db, practice, at(9, days=-2))


def test_a_busy_provider_is_named_without_the_patient(db: Connection) -> None:
    practice = make_practice(db, buffer_after_minutes=15)
    book(db, practice, at(9))
    rules = every(db, EXPLAIN, practice.service, practice.provider, at(9.5))
    assert [rule["detail"] for rule in rules if not rule["passes"]] == [
        "The provider is busy 09:00–09:45, buffers included; this visit would keep 09:30–10:15."
    ]
    assert str(practice.patient) not in str(rules)
    assert "Pat Test" not in str(rules)


def test_taken_rooms_are_named(db: Connection, practice: Practice) -> None:
    room = make_resource(db, practice.clinic, practice.location)
    db.execute("update public.resources set name = 'Room 2' where id = %s", [room])
    make_need(db, practice.clinic, practice.service)
    colleague = make_provider(db, practice.clinic, practice.location, (practice.service,))
    book(
        db,
        practice,
        at(9),
        provider_id=colleague,
        patient_id=make_patient(db, practice.clinic),
    )
    assert failing(db, practice, at(9)) == {"room is free": "Taken: Room 2 09:00–09:30."}
    db.execute("update public.resources set active = false")
    assert failing(db, practice, at(10)) == {
        "room is free": "There is no active room of the kind needed at this place."
    }


def test_a_reached_limit_is_named(db: Connection) -> None:
    practice = make_practice(db, max_per_day=1)
    book(db, practice, at(9))
    assert set(failing(db, practice, at(15))) == {"daily and weekly limits"}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("update public.services set active = false", "service is active"),
        ("update public.services set capacity = 8", "visit of one patient"),
        ("update public.providers set active = false", "provider is active"),
        ("delete from public.provider_services", "provider offers it"),
    ],
)
def test_what_is_not_offered_is_named(
    db: Connection, practice: Practice, change: str, rule: str
) -> None:
    db.execute(change)
    assert rule in failing(db, practice, at(9))


def test_only_the_clinics_own_staff_may_ask(db: Connection, practice: Practice) -> None:
    question = [practice.service, practice.provider, at(9)]
    with as_user(db, practice.user), refused(db, "not_found"):
        db.execute(EXPLAIN, question)
    with as_user(db, make_member(db, make_practice(db).clinic, "owner")), refused(db, "not_found"):
        db.execute(EXPLAIN, question)
    with as_provider(db, make_member(db, practice.clinic, "provider")):
        assert every(db, EXPLAIN, *question)


def test_a_provider_of_another_clinic_is_not_explained(db: Connection, practice: Practice) -> None:
    with refused(db, "not_found"):
        db.execute(EXPLAIN, [practice.service, make_practice(db).provider, at(9)])


@pytest.mark.parametrize("nowhen", [None, "infinity"])
def test_no_time_is_no_question(db: Connection, practice: Practice, nowhen: str | None) -> None:
    with refused(db, "invalid_time"):
        db.execute(EXPLAIN, [practice.service, practice.provider, nowhen])


def crowded_clinic(db: Connection, dice: random.Random) -> Practice:
    """At random, everything that can remove a time: hours, closures, visits, holds, rooms."""
    practice = make_practice(
        db,
        hours={"opens": "08:30", "closes": "12:10"},
        duration_minutes=dice.choice([20, 30, 50]),
        slot_interval_minutes=dice.choice([5, 10, 15, 20]),
        buffer_before_minutes=dice.choice([0, 5, 10]),
        buffer_after_minutes=dice.choice([0, 5, 15]),
        min_notice_minutes=dice.choice([0, 2900]),
        horizon_days=dice.choice([3, 90]),
        max_per_day=dice.choice([None, 4]),
    )
    make_hours(
        db, practice.clinic, practice.provider, practice.location, opens="12:10", closes="14:05"
    )
    elsewhere = make_location(db, practice.clinic, dice.choice(["UTC", "Asia/Kathmandu"]))
    make_hours(
        db, practice.clinic, practice.provider, elsewhere, opens="13:00", closes="17:00",
        weekdays=[at(0).isoweekday()],
    )  # fmt: skip
    for _ in range(dice.choice([0, 1, 2])):
        make_resource(db, practice.clinic, practice.location)
    make_resource(db, practice.clinic, elsewhere)
    if dice.random() < 0.7:
        make_need(db, practice.clinic, practice.service)
    opens = dice.choice([None, "10:00"])
    insert(
        db, "public.availability_exceptions", clinic_id=practice.clinic,
        provider_id=dice.choice([None, practice.provider]), kind=dice.choice(["closed", "extra"]),
        starts_on=at(0).date(), ends_on=at(0).date(), opens=opens, closes=opens and "10:40",
    )  # fmt: skip
    colleague = make_provider(db, practice.clinic, practice.location, (practice.service,))
    other_service = make_service(db, practice.clinic, duration_minutes=25)
    for provider in (practice.provider, colleague):
        insert(
            db, "public.provider_services", clinic_id=practice.clinic,
            provider_id=provider, service_id=other_service,
        )  # fmt: skip
    for _ in range(6):
        fill(db, practice, dice, [practice.service, other_service], [practice.provider, colleague])
    return practice


def fill(
    db: Connection, practice: Practice, dice: random.Random, services: list[Any], by: list[Any]
) -> None:
    """Try to put in one visit or hold, some of them already over."""
    status = dice.choice(["booked", "held"])
    try:
        with db.transaction():
            visit = book(
                db, practice, at(8) + timedelta(minutes=5 * dice.randrange(0, 100)),
                service_id=dice.choice(services), provider_id=dice.choice(by),
                patient_id=make_patient(db, practice.clinic), status=status,
            )  # fmt: skip
            if status == "held" and dice.random() < 0.5:
                db.execute(
                    "update public.appointments set hold_expires_at = now() - interval '1 minute'"
                    " where id = %s",
                    [visit["id"]],
                )
    except Exception as error:
        if not str(getattr(error, "sqlstate", "")).startswith("PT"):
            raise


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4, 5, 6, 10])
def test_a_time_is_offered_exactly_when_every_rule_passes(db: Connection, seed: int) -> None:
    practice = crowded_clinic(db, random.Random(seed))
    starts = [at(2) + timedelta(minutes=5 * step) for step in range(12 * 18)]
    with as_anon(db):
        offered = {
            row["starts_at"]
            for row in every(
                db,
                "select starts_at from public.open_slots(%s, %s, %s, %s)",
                practice.service,
                starts[0],
                starts[-1] + timedelta(minutes=1),
                practice.provider,
            )
        }
    explained = every(
        db,
        "select asked.starts_at, bool_and(rules.passes) as passes"
        " from unnest(%s::timestamptz[]) as asked (starts_at)"
        " cross join lateral public.explain_slot(%s, %s, asked.starts_at) as rules"
        " group by asked.starts_at",
        starts,
        practice.service,
        practice.provider,
    )
    assert {row["starts_at"] for row in explained if row["passes"]} == offered
