"""A clinic that wants a second factor is out of its staff's reach without one, not of patients'."""

from __future__ import annotations

import pytest

from tests.people import (
    Connection,
    Practice,
    as_patient,
    as_user,
    at,
    book,
    every,
    make_member,
    make_practice,
    one,
    refused,
)

ROLES = ("owner", "manager", "front_desk", "provider")
TABLES = (
    "appointments",
    "appointment_events",
    "patients",
    "resources",
    "weekly_hours",
    "access_log",
    "clinics",
)


@pytest.fixture
def practice(db: Connection) -> Practice:
    """A clinic that is not public and wants a second factor, with a visit tomorrow."""
    practice = make_practice(db)
    book(db, practice, at(9))
    db.execute(
        "update public.clinics set staff_needs_second_factor = true, books_publicly = false"
        " where id = %s",
        [practice.clinic],
    )
    return practice


def readable(db: Connection) -> set[str]:
    return {
        table
        for table in TABLES
        if every(db, f"select from public.{table}")  # type: ignore[arg-type]
    }


@pytest.mark.parametrize("role", ROLES)
def test_a_member_without_second_factor_reaches_nothing(
    db: Connection, practice: Practice, role: str
) -> None:
    member = make_member(db, practice.clinic, role)
    visit = one(db, "select id from public.appointments")
    with as_user(db, member):
        assert readable(db) == set()
        assert len(every(db, "select from public.members")) == 1
        for call, value in (
            ("select public.cancel_appointment(%s)", visit["id"]),
            ("select public.open_patient(%s)", practice.patient),
            ("select public.find_duplicates(%s)", practice.clinic),
            (
                "select public.create_feed(provider_id => %s, details => 'titles')",
                practice.provider,
            ),
        ):
            with refused(db, "not_found"):
                db.execute(call, [value])  # type: ignore[arg-type]
    with as_user(db, member, aal="aal2"):
        assert {"appointments", "patients", "clinics", "access_log"} <= readable(db)
        db.execute("select public.cancel_appointment(%s)", [visit["id"]])


def test_a_providers_feed_is_made_with_the_second_factor(
    db: Connection, practice: Practice
) -> None:
    member = make_member(db, practice.clinic, "provider")
    db.execute(
        "update public.providers set user_id = %s where id = %s", [member, practice.provider]
    )
    create = "select public.create_feed(provider_id => %s)"
    with as_user(db, member), refused(db, "not_found"):
        db.execute(create, [practice.provider])
    with as_user(db, member, aal="aal2"):
        db.execute(create, [practice.provider])


def test_the_setting_takes_effect_at_once(db: Connection) -> None:
    practice = make_practice(db)
    member = make_member(db, practice.clinic, "front_desk")
    with as_user(db, member):
        assert every(db, "select from public.patients")
    db.execute("update public.clinics set staff_needs_second_factor = true where true")
    with as_user(db, member):
        assert every(db, "select from public.patients") == []
    db.execute("update public.clinics set staff_needs_second_factor = false where true")
    with as_user(db, member):
        assert every(db, "select from public.patients")


def test_patients_need_none(db: Connection, practice: Practice) -> None:
    visit = one(db, "select id from public.appointments")
    with as_patient(db, practice.user):
        assert len(every(db, "select from public.appointments")) == 1
        db.execute("select public.cancel_appointment(%s)", [visit["id"]])


def test_a_member_who_is_a_patient_too_is_only_that_without_one(
    db: Connection, practice: Practice
) -> None:
    make_member(db, practice.clinic, "manager", practice.user)
    with as_user(db, practice.user):
        assert len(every(db, "select from public.patients")) == 1
        assert every(db, "select from public.weekly_hours") == []


def test_other_clinics_of_the_member_are_not_concerned(db: Connection, practice: Practice) -> None:
    there = make_practice(db)
    member = make_member(db, practice.clinic, "owner")
    make_member(db, there.clinic, "owner", member)
    with as_user(db, member):
        assert {row["clinic_id"] for row in every(db, "select clinic_id from public.patients")} == {
            there.clinic
        }


def test_a_member_sees_where_another_log_in_is_needed(db: Connection, practice: Practice) -> None:
    member = make_member(db, practice.clinic, "provider")
    for aal, needed in (("aal1", True), ("aal2", False)):
        with as_user(db, member, aal=aal):
            (membership,) = every(db, "select * from public.my_memberships()")
        assert membership["clinic_id"] == practice.clinic
        assert membership["role"] == "provider"
        assert membership["needs_second_factor"] is needed
    db.execute("update public.members set active = false where user_id = %s", [member])
    with as_user(db, member, aal="aal2"):
        assert every(db, "select * from public.my_memberships()") == []


def test_nobody_locks_themselves_out(db: Connection) -> None:
    practice = make_practice(db)
    owner = make_member(db, practice.clinic, "owner")
    turn_on = "update public.clinics set staff_needs_second_factor = true where id = %s"
    with as_user(db, owner), refused(db, "not_allowed"):
        db.execute(turn_on, [practice.clinic])
    with as_user(db, owner, aal="aal2"):
        assert db.execute(turn_on, [practice.clinic]).rowcount == 1


@pytest.mark.parametrize("aal", ["", "aal1", "AAL2", "aal3"])
def test_only_the_exact_level_counts(db: Connection, practice: Practice, aal: str) -> None:
    with as_user(db, make_member(db, practice.clinic, "owner"), aal=aal):
        assert every(db, "select from public.patients") == []


def test_the_question_is_asked_once_a_statement(db: Connection, practice: Practice) -> None:
    with as_user(db, make_member(db, practice.clinic, "owner"), aal="aal2"):
        plan = "\n".join(
            row["QUERY PLAN"] for row in every(db, "explain select id from public.appointments")
        )
    assert "InitPlan" in plan
    assert "SubPlan" not in plan
