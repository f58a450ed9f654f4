"""Who read or changed which patient's data is on record, and the record only grows."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from tests.people import (
    Connection,
    Practice,
    Row,
    as_patient,
    as_service,
    as_user,
    at,
    book,
    denied,
    every,
    insert,
    make_guardian,
    make_member,
    make_patient,
    make_practice,
    make_user,
    one,
    refused,
)

OPEN = "select * from public.open_patient(%s)"
READ = "select * from public.read_reasons(%s)"


@pytest.fixture
def practice(db: Connection) -> Practice:
    return make_practice(db)


def log(db: Connection, patient: UUID, action: str = "opened") -> list[Row]:
    return every(
        db,
        "select * from public.access_log where patient_id = %s and action::text = %s order by id",
        patient,
        action,
    )


def make_treating_provider(db: Connection, practice: Practice, role: str = "provider") -> UUID:
    """A member who is the practice's provider."""
    user = make_member(db, practice.clinic, role)
    db.execute("update public.providers set user_id = %s where id = %s", [user, practice.provider])
    return user


def visit_with_reason(db: Connection, practice: Practice) -> UUID:
    with as_patient(db, practice.user):
        visit: UUID = one(
            db,
            "select id from public.book_appointment(%s, %s, reason => 'a reason')",
            practice.service,
            at(9),
        )["id"]
    return visit


@pytest.mark.parametrize("role", ["owner", "manager", "front_desk"])
def test_the_office_opens_a_record_and_leaves_a_trace(
    db: Connection, practice: Practice, role: str
) -> None:
    member = make_member(db, practice.clinic, role)
    with as_user(db, member):
        opened = one(db, OPEN, practice.patient)
    assert opened["email"].endswith("@patients.example")
    (entry,) = log(db, practice.patient)
    assert (entry["actor_id"], entry["acted_as"], entry["actor_role"]) == (
        member,
        role,
        "authenticated",
    )
    assert (entry["subject"], entry["subject_id"]) == ("patients", str(practice.patient))


@pytest.mark.parametrize("column", ["email", "phone", "date_of_birth", "external_id", "*"])
@pytest.mark.parametrize("role", ["owner", "front_desk", "provider", None])
def test_contacts_are_read_in_no_other_way(
    db: Connection, practice: Practice, column: Any, role: str | None
) -> None:
    user = make_member(db, practice.clinic, role) if role else practice.user
    with as_user(db, user):
        assert every(db, "select id, full_name from public.patients")
        with denied(db):
            db.execute(f"select {column} from public.patients")
        if column != "*":
            for statement in (
                f"select id from public.patients where {column} is null",
                f"select id from public.patients order by {column}",
                f"update public.patients set locale = 'de' where {column} is null",
                f"update public.patients set locale = 'de' where true returning {column}",
            ):
                with denied(db):
                    db.execute(statement)  # type: ignore[arg-type]


def test_a_provider_opens_their_own_patients_alone(db: Connection, practice: Practice) -> None:
    provider = make_treating_provider(db, practice)
    other = make_patient(db, practice.clinic)
    book(db, practice, at(9))
    with as_user(db, provider):
        assert one(db, OPEN, practice.patient)["id"] == practice.patient
        with refused(db, "not_allowed"):
            db.execute(OPEN, [other])
    assert len(log(db, practice.patient)) == 1
    assert log(db, other) == []


def test_looking_at_oneself_leaves_no_trace_a_guardian_does(
    db: Connection, practice: Practice
) -> None:
    guardian = make_guardian(db, practice.clinic, practice.patient)
    with as_patient(db, practice.user):
        one(db, OPEN, practice.patient)
        assert len(every(db, "select * from public.my_records()")) == 1
    assert log(db, practice.patient) == []
    with as_user(db, guardian):
        one(db, OPEN, practice.patient)
    assert [entry["acted_as"] for entry in log(db, practice.patient)] == ["guardian"]


def test_strangers_open_nothing(db: Connection, practice: Practice) -> None:
    there = make_practice(db)
    for user in (make_user(db), make_member(db, there.clinic, "owner"), there.user):
        with as_user(db, user):
            for patient in (practice.patient, make_id(db)):
                with refused(db, "not_found"):
                    db.execute(OPEN, [patient])
    assert log(db, practice.patient) == []


def make_id(db: Connection) -> UUID:
    new: UUID = one(db, "select gen_random_uuid() as id")["id"]
    return new


@pytest.mark.parametrize(
    ("role", "treats", "key"),
    [
        ("provider", True, None),
        ("owner", True, None),
        ("manager", True, "not_allowed"),
        ("provider", False, "not_allowed"),
        ("owner", False, "not_allowed"),
        ("front_desk", False, "not_allowed"),
    ],
)
def test_those_who_treat_the_patient_read_why_they_come(
    db: Connection, practice: Practice, role: str, treats: bool, key: str | None
) -> None:
    visit = visit_with_reason(db, practice)
    user = (
        make_treating_provider(db, practice, role)
        if treats
        else make_member(db, practice.clinic, role)
    )
    with as_user(db, user):
        if key:
            with refused(db, key):
                db.execute(READ, [visit])
        else:
            assert [row["reason"] for row in every(db, READ, visit)] == ["a reason"]
        with denied(db):
            db.execute("select reason from public.appointment_reasons")
    assert len(log(db, practice.patient)) == (key is None)


@pytest.mark.parametrize(
    ("change", "treats"),
    [
        ("status = 'pending'", True),
        ("status = 'booked'", True),
        ("status = 'arrived'", True),
        ("status = 'fulfilled'", True),
        ("status = 'fulfilled', starts_at = now() - interval '1090 days'", True),
        ("status = 'fulfilled', starts_at = now() - interval '1100 days'", False),
        ("status = 'cancelled'", False),
        ("status = 'noshow'", False),
        ("status = 'entered_in_error'", False),
    ],
)
def test_only_visits_that_take_place_make_a_patient_ones_own(
    db: Connection, practice: Practice, change: str, treats: bool
) -> None:
    """Otherwise whoever books a patient with themselves and calls it off would read on."""
    visit = visit_with_reason(db, practice)
    provider = make_treating_provider(db, practice)
    db.execute("alter table public.appointments disable trigger user")
    db.execute(f"update public.appointments set {change} where id = %s", [visit])  # type: ignore[arg-type]
    db.execute("alter table public.appointments enable trigger user")
    with as_user(db, provider):
        assert len(every(db, "select id from public.appointment_reasons")) == (1 if treats else 0)
        for call, value in ((READ, visit), (OPEN, practice.patient)):
            if treats:
                assert every(db, call, value)
            else:
                with refused(db, "not_allowed"):
                    db.execute(call, [value])  # type: ignore[arg-type]


def test_a_provider_stops_treating_with_the_membership(db: Connection, practice: Practice) -> None:
    visit = visit_with_reason(db, practice)
    provider = make_treating_provider(db, practice)
    db.execute("update public.members set active = false where user_id = %s", [provider])
    with as_user(db, provider):
        assert every(db, "select id from public.appointment_reasons") == []
        with refused(db, "not_found"):
            db.execute(READ, [visit])


def test_patients_read_their_own_reasons_without_a_trace(
    db: Connection, practice: Practice
) -> None:
    visit = visit_with_reason(db, practice)
    with as_patient(db, practice.user):
        assert [row["reason"] for row in every(db, READ, visit)] == ["a reason"]
    with as_user(db, make_user(db)), refused(db, "not_found"):
        db.execute(READ, [visit])
    assert log(db, practice.patient) == []


def test_changes_are_on_record_by_the_names_of_columns(db: Connection, practice: Practice) -> None:
    member = make_member(db, practice.clinic, "front_desk")
    with as_user(db, member):
        db.execute(
            "update public.patients set phone = '0555 123', full_name = 'Canary Name'"
            " where id = %s",
            [practice.patient],
        )
        db.execute("update public.patients set locale = locale where id = %s", [practice.patient])
    (entry,) = log(db, practice.patient, "changed")
    assert entry["changed_columns"] == ["full_name", "phone"]
    assert entry["actor_id"] == member
    assert "Canary" not in str(entry)
    assert "0555" not in str(entry)


def test_what_is_added_and_removed_is_on_record(db: Connection, practice: Practice) -> None:
    visit_with_reason(db, practice)
    make_guardian(db, practice.clinic, practice.patient)
    db.execute("delete from public.guardians where true")
    subjects = [
        (entry["action"], entry["subject"])
        for entry in every(
            db,
            "select action::text, subject from public.access_log where patient_id = %s order by id",
            practice.patient,
        )
    ]
    assert subjects == [
        ("added", "patients"),
        ("added", "appointment_reasons"),
        ("added", "guardians"),
        ("removed", "guardians"),
    ]


def test_changes_of_the_staff_are_on_record(db: Connection, practice: Practice) -> None:
    owner, member = (make_member(db, practice.clinic, role) for role in ("owner", "provider"))
    with as_user(db, owner):
        db.execute("update public.members set role = 'manager' where user_id = %s", [member])
    make_treating_provider(db, practice)
    entries = every(
        db,
        "select action::text, subject, changed_columns, actor_id from public.access_log"
        " where subject in ('members', 'providers') and action = 'changed' order by id",
    )
    assert [(entry["subject"], entry["changed_columns"]) for entry in entries] == [
        ("members", ["role"]),
        ("providers", ["user_id"]),
    ]
    assert entries[0]["actor_id"] == owner


def test_where_from_is_a_keyed_hash(db: Connection, practice: Practice) -> None:
    member = make_member(db, practice.clinic, "front_desk")
    for address in ("192.0.2.7, 10.0.0.1", "192.0.2.7, 10.0.0.2", "192.0.2.8"):
        db.execute(
            "select set_config('request.headers', %s, true)",
            [json.dumps({"x-forwarded-for": address, "user-agent": "Canary Browser"})],
        )
        with as_user(db, member):
            one(db, OPEN, practice.patient)
    first, second, third = (entry["address_hash"] for entry in log(db, practice.patient))
    assert first == second != third
    assert "192.0.2" not in str(log(db, practice.patient))
    assert "Canary" not in str(log(db, practice.patient))
    assert log(db, practice.patient)[0]["agent_hash"]


def test_who_reads_the_log(db: Connection, practice: Practice) -> None:
    other = replace(practice, patient=make_patient(db, practice.clinic))
    member = make_member(db, practice.clinic, "front_desk")
    with as_user(db, member):
        one(db, OPEN, practice.patient)
        one(db, OPEN, other.patient)
        assert {row["patient_id"] for row in every(db, "select patient_id from public.access_log")}
    with as_patient(db, practice.user):
        mine = every(db, "select patient_id, acted_as, action::text from public.access_log")
    assert {row["patient_id"] for row in mine} == {practice.patient}
    assert ("front_desk", "opened") in {(row["acted_as"], row["action"]) for row in mine}
    there = make_practice(db)
    with as_user(db, make_member(db, there.clinic, "owner")):
        assert {
            row["clinic_id"] for row in every(db, "select clinic_id from public.access_log")
        } == {there.clinic}


def test_a_patient_sees_who_opened_what_was_merged_into_their_record(
    db: Connection, practice: Practice
) -> None:
    double = make_patient(db, practice.clinic)
    first = make_patient(db, practice.clinic)
    guardian = make_guardian(db, practice.clinic, practice.patient)
    stranger = make_user(db)
    make_patient(db, practice.clinic, stranger)
    with as_user(db, make_member(db, practice.clinic, "front_desk")):
        for patient in (double, first):
            one(db, OPEN, patient)
        # A duplicate of a duplicate.
        db.execute("select public.merge_patients(%s, %s)", [double, first])
        db.execute("select public.merge_patients(%s, %s)", [practice.patient, double])
    mine = "select patient_id from public.access_log where action = 'opened'"
    for somebody in (practice.user, guardian):
        with as_user(db, somebody):
            assert {row["patient_id"] for row in every(db, mine)} == {double, first}
    with as_user(db, stranger):
        assert every(db, mine) == []
    with as_user(db, make_member(db, practice.clinic, "front_desk")):
        db.execute("select public.unmerge_patients(%s)", [double])
    with as_patient(db, practice.user):
        assert every(db, mine) == []


@pytest.mark.parametrize("alike", ["email", "phone", "date_of_birth"])
def test_guessing_contacts_by_looking_for_duplicates_is_on_record(
    db: Connection, practice: Practice, alike: str
) -> None:
    known = {"email": "ann@people.example", "phone": "555 0100 22", "date_of_birth": "1990-05-05"}
    ann, other, guess = (
        insert(db, "public.patients", clinic_id=practice.clinic, full_name=name, **columns)["id"]
        for name, columns in (
            ("Ann Example", known),
            ("Ann Example", {}),
            ("Ann Example", {alike: known[alike]}),
        )
    )
    member = make_member(db, practice.clinic, "front_desk")
    with as_user(db, member):
        pairs = every(db, "select * from public.find_duplicates(%s, %s)", practice.clinic, guess)
    assert {pair["other_id"] for pair in pairs} == {ann, other}
    for record, lines in ((ann, 1), (guess, 1), (other, 0)):
        entries = log(db, record)
        assert [entry["actor_id"] for entry in entries] == [member] * lines


@pytest.mark.parametrize(
    "statement",
    [
        "update public.access_log set actor_id = null where true",
        "delete from public.access_log where true",
        "truncate public.access_log",
    ],
)
def test_not_even_plain_sql_changes_the_log(
    db: Connection, practice: Practice, statement: Any
) -> None:
    with refused(db, "not_allowed"):
        db.execute(statement)
    with as_user(db, make_member(db, practice.clinic, "owner")), denied(db):
        db.execute(statement)
    with as_service(db), denied(db):
        db.execute(statement)


def test_only_what_is_older_than_the_clinic_keeps_is_pruned(
    db: Connection, practice: Practice
) -> None:
    db.execute("update public.clinics set audit_retention_days = 40 where true")
    for days in (39, 41, 400):
        insert(
            db,
            "public.access_log",
            clinic_id=practice.clinic,
            patient_id=practice.patient,
            action="opened",
            subject="patients",
            subject_id=str(days),
            actor_role="authenticated",
            happened_at=one(db, "select now() - make_interval(days => %s) as at", days)["at"],
        )
    with as_service(db):
        assert one(db, "select worker.prune_access_log(1) as n") == {"n": 1}
        assert one(db, "select worker.prune_access_log() as n") == {"n": 1}
        assert one(db, "select worker.prune_access_log() as n") == {"n": 0}
    assert [entry["subject_id"] for entry in log(db, practice.patient)] == ["39"]


@pytest.mark.parametrize("days", [29, 36501])
def test_the_retention_is_bounded(db: Connection, practice: Practice, days: int) -> None:
    with refused(db, "invalid_input"):
        db.execute("update public.clinics set audit_retention_days = %s where true", [days])


def test_a_deleted_log_in_stays_in_the_log_as_an_id(db: Connection, practice: Practice) -> None:
    with as_user(db, make_member(db, practice.clinic, "front_desk")):
        one(db, OPEN, practice.patient)
    (entry,) = log(db, practice.patient)
    db.execute("delete from auth.users where id = %s", [entry["actor_id"]])
    assert log(db, practice.patient) == [entry]
