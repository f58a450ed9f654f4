"""Promise no_health_data_outside: what leaves people's tables carries ids, times and states."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.people import (
    Connection,
    Practice,
    as_anon,
    as_patient,
    as_service,
    as_user,
    at,
    book,
    every,
    make_guardian,
    make_member,
    make_practice,
    make_user,
    one,
)

SECRETS = ("Unmistakable", "unmistakable")


@pytest.fixture
def practice(db: Connection) -> Practice:
    """A visit with everything personal marked, booked, moved and called off."""
    practice = make_practice(db)
    db.execute(
        "update public.patients set full_name = 'Unmistakable Name',"
        " email = 'unmistakable@people.example', phone = 'unmistakable'"
    )
    with as_patient(db, practice.user):
        visit = one(
            db,
            "select * from public.book_appointment(%s, %s, reason => 'unmistakable reason')",
            practice.service,
            at(9),
        )
        db.execute("select public.reschedule_appointment(%s, %s)", [visit["id"], at(10)])
        db.execute("select public.cancel_appointment(%s, 'unmistakable excuse')", [visit["id"]])
    return practice


def test_broadcasts_carry_ids_times_and_states_alone(db: Connection, practice: Practice) -> None:
    sent = every(db, "select topic, event, payload, private from realtime.messages")
    assert {row["event"] for row in sent} == {"appointment_changed", "slots_changed", "work_due"}
    allowed = {
        "appointment_changed": {"id", "appointment_id", "version", "status"},
        "slots_changed": {"id", "provider_id", "from", "to"},
        "work_due": {"id", "queued"},
    }
    for row in sent:
        assert set(row["payload"]) == allowed[row["event"]]
        assert not any(secret in str(row) for secret in SECRETS)
        assert row["private"] is not row["topic"].endswith(":slots")
    assert {row["topic"] for row in sent} == {
        f"clinic:{practice.clinic}:slots",
        f"clinic:{practice.clinic}:appointments",
        f"user:{practice.user}",
        "worker:outbox",
    }


def test_free_times_of_a_private_clinic_are_told_privately(db: Connection) -> None:
    practice = make_practice(db)
    db.execute("update public.clinics set books_publicly = false")
    book(db, practice, at(9))
    rows = every(db, "select private from realtime.messages where topic like '%%:slots'")
    assert rows == [{"private": True}]


@pytest.mark.parametrize(
    ("ended", "told"),
    [
        ("update public.guardians set ends_at = now() where true", False),
        ("update public.guardians set ends_at = now() - interval '59 minutes'", False),
        ("delete from public.guardians where true", False),
        ("update public.patients set user_id = null where user_id is not null", False),
        ("update public.guardians set ends_at = now() - interval '62 minutes'", True),
        ("update public.guardians set ends_at = now() + interval '1 day'", True),
    ],
)
def test_free_times_of_a_private_clinic_are_not_told_to_who_was_a_patients(
    db: Connection, ended: Any, told: bool
) -> None:
    """Whose token may still be good: for an hour and a minute."""
    practice = make_practice(db)
    db.execute("update public.clinics set books_publicly = false")
    make_guardian(db, practice.clinic, practice.patient, starts_at=at(0, days=-9))
    db.execute(ended)
    visit = book(db, practice, at(9))
    db.execute("update public.appointments set status = 'cancelled' where id = %s", [visit["id"]])
    rows = every(db, "select from realtime.messages where topic like '%%:slots'")
    assert len(rows) == (2 if told else 0)


def test_history_and_queue_hold_nothing_personal(db: Connection, practice: Practice) -> None:
    for table in ("appointment_events", "notifications", "appointments"):
        rows = every(db, f"select row_to_json(t)::text from public.{table} as t")  # type: ignore[arg-type]
        assert rows
        assert not any(secret in str(rows) for secret in SECRETS), table
    requests = every(db, "select row_to_json(t)::text from private.requests as t")
    assert not any(secret in str(requests) for secret in SECRETS)


def test_refusals_tell_nothing_about_others(db: Connection) -> None:
    practice = make_practice(db)
    db.execute("update public.patients set full_name = 'Unmistakable Name'")
    visit = book(db, practice, at(9))
    stranger = make_user(db)
    with as_patient(db, stranger):
        db.execute("select public.register_patient(%s, 'Somebody')", [practice.clinic])
    with as_patient(db, stranger), pytest.raises(psycopg.Error) as caught, db.transaction():
        db.execute("select public.book_appointment(%s, %s)", [practice.service, at(9)])
    told = str(vars(caught.value)) + str(caught.value) + str(caught.value.diag.message_hint)
    for secret in (*SECRETS, str(visit["id"]), str(practice.patient), "2026-", "2027-"):
        assert secret not in told
    assert caught.value.diag.message_detail is None


LISTEN = "select private.may_listen(%s) as may"


@pytest.mark.parametrize(
    ("channel", "who"),
    [
        ("clinic:{clinic}:appointments", {"member"}),
        ("clinic:{clinic}:slots", {"member", "patient"}),
        ("user:{user}", {"patient"}),
        ("worker:outbox", set()),
        ("clinic:not-an-id:slots", set()),
        ("clinic:{clinic}:slots:more", set()),
        ("", set()),
    ],
)
def test_who_listens_to_which_private_channel(db: Connection, channel: str, who: set[str]) -> None:
    practice = make_practice(db)
    db.execute("update public.clinics set books_publicly = false")
    topic = channel.format(clinic=practice.clinic, user=practice.user)
    people: dict[str, Any] = {
        "member": make_member(db, practice.clinic, "front_desk"),
        "patient": practice.user,
        "stranger": make_user(db),
    }
    db.execute(
        "insert into realtime.messages (topic, extension, event, private)"
        " values (%s, 'broadcast', 'probe', true)",
        [topic],
    )
    for name, user in people.items():
        with as_user(db, user):
            db.execute("select set_config('realtime.topic', %s, true)", [topic])
            seen = every(db, "select from realtime.messages where event = 'probe'")
        assert bool(seen) is (name in who), name


def test_nobody_but_the_server_writes_a_private_channel(db: Connection) -> None:
    practice = make_practice(db)
    topic = f"clinic:{practice.clinic}:appointments"
    for caller in (as_anon(db), as_user(db, make_member(db, practice.clinic, "owner"))):
        with caller, pytest.raises(psycopg.errors.InsufficientPrivilege), db.transaction():
            db.execute(
                "insert into realtime.messages (topic, extension, event, private)"
                " values (%s, 'broadcast', 'forged', true)",
                [topic],
            )
    with as_service(db):
        db.execute(
            "insert into realtime.messages (topic, extension, event, private)"
            " values (%s, 'broadcast', 'canary', true)",
            ["worker:outbox"],
        )
