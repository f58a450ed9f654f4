"""What each role of a clinic's staff reads and changes, and how one joins and leaves."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest

from tests.database.conftest import Connect
from tests.people import (
    Connection,
    as_front_desk,
    as_manager,
    as_owner,
    as_provider,
    as_user,
    at,
    book,
    denied,
    every,
    make_clinic,
    make_member,
    make_patient,
    make_practice,
    make_user,
    one,
    refused,
)

ROLES = ("owner", "manager", "front_desk", "provider")
INVITE = "select * from public.invite_member(%s, %s, %s)"
ACCEPT = "select * from public.accept_invitation(%s)"


@pytest.mark.parametrize("role", ROLES)
def test_every_member_reads_the_clinics_day(db: Connection, role: str) -> None:
    practice = make_practice(db)
    for hour in (9, 10):
        book(db, replace(practice, patient=make_patient(db, practice.clinic)), at(hour))
    with as_user(db, make_member(db, practice.clinic, role)):
        assert len(every(db, "select from public.appointments")) == 2
        assert len(every(db, "select from public.patients")) == 3
        assert len(every(db, "select from public.appointment_events")) == 2
        assert len(every(db, "select from public.weekly_hours")) == 7


@pytest.mark.parametrize(
    ("role", "treats", "may"),
    [
        ("owner", False, False),
        ("owner", True, True),
        ("manager", True, False),
        ("front_desk", True, False),
        ("provider", False, False),
        ("provider", True, True),
    ],
)
def test_only_those_who_treat_a_patient_see_that_there_is_a_reason(
    db: Connection, role: str, treats: bool, may: bool
) -> None:
    practice = make_practice(db)
    with as_user(db, practice.user):
        db.execute(
            "select public.book_appointment(%s, %s, reason => 'a reason')",
            [practice.service, at(9)],
        )
    member = make_member(db, practice.clinic, role)
    if treats:
        db.execute(
            "update public.providers set user_id = %s where id = %s", [member, practice.provider]
        )
    with as_user(db, member):
        assert (len(every(db, "select from public.appointment_reasons")) == 1) is may
        assert len(every(db, "select from public.appointments")) == 1


def test_a_hold_makes_nobody_a_patient_of_the_provider(db: Connection) -> None:
    practice = make_practice(db)
    member = make_member(db, practice.clinic, "provider")
    db.execute(
        "update public.providers set user_id = %s where id = %s", [member, practice.provider]
    )
    with as_user(db, practice.user):
        db.execute(
            "select public.hold_slot(%s, %s, %s)", [practice.service, practice.provider, at(9)]
        )
    with as_user(db, member), refused(db, "not_allowed"):
        db.execute("select public.open_patient(%s)", [practice.patient])


@pytest.mark.parametrize("change", ["role = 'provider'", "active = false"])
def test_a_role_is_lost_at_once_whatever_the_token_says(db: Connection, change: str) -> None:
    practice = make_practice(db)
    make_member(db, practice.clinic, "owner")
    member = make_member(db, practice.clinic, "manager")
    rename = "update public.clinics set name = 'Renamed' where id = %s"
    with as_user(db, member):
        assert db.execute(rename, [practice.clinic]).rowcount == 1
    db.execute(f"update public.members set {change} where user_id = %s", [member])  # type: ignore[arg-type]
    with as_user(db, member):
        assert db.execute(rename, [practice.clinic]).rowcount == 0


def test_one_person_is_staff_here_and_patient_there(db: Connection) -> None:
    here, there = make_practice(db), make_practice(db)
    make_member(db, here.clinic, "front_desk", there.user)
    visit = book(db, there, at(9))
    other = make_patient(db, there.clinic)
    book(db, replace(there, patient=other), at(10))
    book(db, here, at(9))
    with as_user(db, there.user):
        seen = every(db, "select id, clinic_id from public.appointments")
        assert [row["id"] for row in seen if row["clinic_id"] == there.clinic] == [visit["id"]]
        assert {row["clinic_id"] for row in seen} == {here.clinic, there.clinic}
        with refused(db, "not_allowed"):
            db.execute(
                "select public.change_appointment_status(%s, 'arrived')",
                [visit["id"]],
            )
        with refused(db, "not_found"):
            db.execute("select public.open_patient(%s)", [other])


def test_a_member_who_left_sees_nothing(db: Connection) -> None:
    practice = make_practice(db)
    book(db, practice, at(9))
    user = make_member(db, practice.clinic, "front_desk")
    db.execute("update public.members set active = false where user_id = %s", [user])
    with as_front_desk(db, user):
        assert every(db, "select from public.appointments") == []
        assert every(db, "select from public.patients") == []


@pytest.mark.parametrize(
    ("role", "may"),
    [("owner", True), ("manager", True), ("front_desk", False), ("provider", False)],
)
def test_managers_and_owners_set_the_clinic_up(db: Connection, role: str, may: bool) -> None:
    practice = make_practice(db)
    changes: list[tuple[Any, list[Any]]] = [
        ("update public.services set duration_minutes = 20 where id = %s", [practice.service]),
        ("update public.providers set active = false where id = %s", [practice.provider]),
        ("update public.clinics set name = 'Renamed' where id = %s", [practice.clinic]),
        ("delete from public.weekly_hours where provider_id = %s", [practice.provider]),
    ]
    with as_user(db, make_member(db, practice.clinic, role)):
        for statement, values in changes:
            assert (db.execute(statement, values).rowcount > 0) is may
        add = "insert into public.locations (clinic_id, name, time_zone) values (%s, 'New', 'UTC')"
        if may:
            db.execute(add, [practice.clinic])
        else:
            with denied(db):
                db.execute(add, [practice.clinic])


def test_the_front_desk_keeps_patients(db: Connection) -> None:
    practice = make_practice(db)
    with as_front_desk(db, make_member(db, practice.clinic, "front_desk")):
        db.execute(
            "insert into public.patients (clinic_id, full_name, email)"
            " values (%s, 'New Patient', 'new@patients.example')",
            [practice.clinic],
        )
        changed = db.execute(
            "update public.patients set email = 'moved@patients.example' where id = %s",
            [practice.patient],
        )
        assert changed.rowcount == 1


@pytest.mark.parametrize("role", ["manager", "front_desk", "provider"])
def test_only_owners_change_roles(db: Connection, role: str) -> None:
    clinic = make_clinic(db)
    make_member(db, clinic, "owner")
    with as_user(db, make_member(db, clinic, role)):
        promoted = db.execute("update public.members set role = 'owner' where true")
        assert promoted.rowcount == 0
        assert db.execute("delete from public.members where true").rowcount == 0
        with denied(db):
            db.execute(
                "insert into public.members (clinic_id, user_id, role) values (%s, %s, 'owner')",
                [clinic, make_id(db)],
            )


def make_id(db: Connection) -> UUID:
    new: UUID = one(db, "select gen_random_uuid() as id")["id"]
    return new


def test_the_last_owner_stays(db: Connection) -> None:
    clinic = make_clinic(db)
    owner = make_member(db, clinic, "owner")
    for statement in (
        "update public.members set role = 'manager' where user_id = %s",
        "update public.members set active = false where user_id = %s",
        "delete from public.members where user_id = %s",
    ):
        with refused(db, "last_owner"):
            db.execute(statement, [owner])  # type: ignore[arg-type]
    make_member(db, clinic, "owner")
    db.execute("delete from public.members where user_id = %s", [owner])


def test_two_owners_who_leave_at_once_do_not_both_go(connect: Connect) -> None:
    setup = connect()
    clinic = make_clinic(setup)
    owners = [make_member(setup, clinic, "owner") for _ in range(2)]
    start = threading.Barrier(2)
    refusals: list[str | None] = []

    def leave(connection: Connection, user: UUID) -> None:
        start.wait()
        try:
            connection.execute("delete from public.members where user_id = %s", [user])
        except psycopg.Error as error:
            refusals.append(error.diag.message_primary)

    threads = [threading.Thread(target=leave, args=(connect(), owner)) for owner in owners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refusals == ["last_owner"]
    assert len(every(setup, "select from public.members")) == 1


@pytest.mark.parametrize(
    ("inviter", "role", "may"),
    [
        ("owner", "owner", True),
        ("owner", "manager", True),
        ("manager", "provider", True),
        ("manager", "front_desk", True),
        ("manager", "manager", False),
        ("manager", "owner", False),
        ("front_desk", "provider", False),
        ("provider", "front_desk", False),
    ],
)
def test_who_invites_whom(db: Connection, inviter: str, role: str, may: bool) -> None:
    clinic = make_clinic(db)
    with as_user(db, make_member(db, clinic, inviter)):
        if may:
            invited = one(db, INVITE, clinic, "New@People.example", role)
            assert (invited["email"], invited["status"]) == ("new@people.example", "pending")
        else:
            with refused(db, "not_allowed"):
                db.execute(INVITE, [clinic, "new@people.example", role])


def test_inviting_again_changes_the_pending_invitation(db: Connection) -> None:
    clinic = make_clinic(db)
    with as_owner(db, make_member(db, clinic, "owner")):
        first = one(db, INVITE, clinic, "new@people.example", "provider")
        again = one(db, INVITE, clinic, "new@people.example", "manager")
    assert (again["id"], again["role"]) == (first["id"], "manager")


@pytest.mark.parametrize("email", ["", "  ", "nobody", None, "two words@people.example"])
def test_an_invitation_needs_an_address(db: Connection, email: str | None) -> None:
    clinic = make_clinic(db)
    with as_owner(db, make_member(db, clinic, "owner")), refused(db, "invalid_input"):
        db.execute(INVITE, [clinic, email, "provider"])


def test_only_the_invited_accepts_and_only_once(db: Connection) -> None:
    clinic = make_clinic(db)
    invited, other = make_user(db), make_user(db)
    with as_manager(db, make_member(db, clinic, "manager")):
        invitation = one(db, INVITE, clinic, f"{invited}@people.example", "provider")
    with as_user(db, other), refused(db, "not_found"):
        db.execute(ACCEPT, [invitation["id"]])
    with as_provider(db, invited):
        member = one(db, ACCEPT, invitation["id"])
        assert (member["user_id"], member["role"]) == (invited, "provider")
        with refused(db, "not_found"):
            db.execute(ACCEPT, [invitation["id"]])


def test_an_unconfirmed_address_proves_nothing(db: Connection) -> None:
    clinic, invited = make_clinic(db), make_user(db)
    with as_owner(db, make_member(db, clinic, "owner")):
        invitation = one(db, INVITE, clinic, f"{invited}@people.example", "manager")
    db.execute("update auth.users set email_confirmed_at = null where id = %s", [invited])
    with as_user(db, invited), refused(db, "not_found"):
        db.execute(ACCEPT, [invitation["id"]])


def test_an_invitation_is_over_after_14_days_unless_sent_again(db: Connection) -> None:
    clinic, invited = make_clinic(db), make_user(db)
    owner = make_member(db, clinic, "owner")
    with as_owner(db, owner):
        invitation = one(db, INVITE, clinic, f"{invited}@people.example", "provider")
    assert invitation["expires_at"] - invitation["created_at"] == timedelta(days=14)
    db.execute("update public.staff_invitations set expires_at = now() where true")
    with as_user(db, invited), refused(db, "not_found"):
        db.execute(ACCEPT, [invitation["id"]])
    with as_owner(db, owner):
        again = one(db, INVITE, clinic, f"{invited}@people.example", "provider")
    assert again["id"] == invitation["id"]
    with as_user(db, invited):
        db.execute(ACCEPT, [invitation["id"]])


@pytest.mark.parametrize("way", ["suspended", "demoted", "removed", "deleted"])
def test_an_invitation_is_void_once_its_sender_may_not_send_it(db: Connection, way: str) -> None:
    clinic, invited = make_clinic(db), make_user(db)
    make_member(db, clinic, "owner")
    sender = make_member(db, clinic, "owner")
    with as_owner(db, sender):
        invitation = one(db, INVITE, clinic, f"{invited}@people.example", "manager")
    change: LiteralString = {
        "suspended": "update public.members set active = false where user_id = %s",
        "demoted": "update public.members set role = 'manager' where user_id = %s",
        "removed": "delete from public.members where user_id = %s",
        "deleted": "delete from auth.users where id = %s",
    }[way]
    db.execute(change, [sender])
    with as_user(db, invited), refused(db, "not_found"):
        db.execute(ACCEPT, [invitation["id"]])


def test_a_revoked_invitation_is_worth_nothing(db: Connection) -> None:
    clinic, invited = make_clinic(db), make_user(db)
    owner = make_member(db, clinic, "owner")
    with as_owner(db, owner):
        invitation = one(db, INVITE, clinic, f"{invited}@people.example", "provider")
        db.execute("update public.staff_invitations set status = 'revoked' where true")
    with as_user(db, invited), refused(db, "not_found"):
        db.execute(ACCEPT, [invitation["id"]])
