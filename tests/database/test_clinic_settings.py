"""A clinic's settings: checked by whichever way they are written, and every change on record."""

from __future__ import annotations

import os
from uuid import UUID

import pytest

from tests.people import (
    Connection,
    as_user,
    denied,
    every,
    make_clinic,
    make_member,
    make_practice,
    make_service,
    one,
    refused,
)

FACTOR = "update public.clinics set staff_needs_second_factor = %s where id = %s"
RETENTION = "update public.clinics set audit_retention_days = %s where id = %s"
OPEN = "update public.clinics set books_publicly = true where id = %s"
SLUG = "update public.clinics set slug = %s where id = %s"


def test_every_change_is_on_record(db: Connection) -> None:
    clinic = make_clinic(db)
    owner = make_member(db, clinic, "owner")
    with as_user(db, owner):
        db.execute(RETENTION, [400, clinic])
        db.execute(
            "update public.clinics set hold_minutes = 5, offer_minutes = 9 where id = %s", [clinic]
        )
        db.execute("update public.clinics set hold_minutes = 5 where id = %s", [clinic])
        db.execute("select public.change_clinic(%s, name => 'Renamed')", [clinic])
    entries = every(
        db,
        "select clinic_id, subject, subject_id, action::text, changed_columns, actor_id, acted_as"
        " from public.access_log where subject = 'clinics' order by id",
    )
    assert [entry["changed_columns"] for entry in entries] == [
        ["audit_retention_days"],
        ["hold_minutes", "offer_minutes"],
        ["name"],
    ]
    for entry in entries:
        assert (entry["clinic_id"], entry["subject_id"]) == (clinic, str(clinic))
        assert (entry["actor_id"], entry["acted_as"]) == (owner, "owner")


def test_owners_alone_decide_how_the_clinic_guards_itself(db: Connection) -> None:
    clinic = make_clinic(db)
    owner, manager = (make_member(db, clinic, role) for role in ("owner", "manager"))
    with as_user(db, owner, aal="aal2"):
        db.execute(FACTOR, [True, clinic])
    with as_user(db, manager, aal="aal2"):
        for change, value in ((FACTOR, False), (RETENTION, 30)):
            with refused(db, "not_allowed"):
                db.execute(change, [value, clinic])
        with refused(db, "not_allowed"):
            db.execute(
                "select public.change_clinic(%s, staff_needs_second_factor => false)", [clinic]
            )
        # What stays as it is may be written along.
        same = one(db, "select audit_retention_days as days from public.clinics")["days"]
        assert db.execute(RETENTION, [same, clinic]).rowcount == 1
        assert db.execute(FACTOR, [True, clinic]).rowcount == 1
    with as_user(db, owner, aal="aal2"):
        db.execute(FACTOR, [False, clinic])


@pytest.mark.parametrize("missing", ["hours", "provider", "service", "offer"])
def test_a_clinic_opens_only_when_something_can_be_booked(db: Connection, missing: str) -> None:
    practice = make_practice(db)
    db.execute("update public.clinics set books_publicly = false where id = %s", [practice.clinic])
    break_it, mend_it = {
        "hours": ("delete from public.weekly_hours where clinic_id = %s", None),
        "provider": (
            "update public.providers set active = false where clinic_id = %s",
            "update public.providers set active = true where clinic_id = %s",
        ),
        "service": (
            "update public.services set active = false where clinic_id = %s",
            "update public.services set active = true where clinic_id = %s",
        ),
        "offer": ("delete from public.provider_services where clinic_id = %s", None),
    }[missing]
    db.execute(break_it, [practice.clinic])  # type: ignore[arg-type]
    with as_user(db, make_member(db, practice.clinic, "manager")):
        with refused(db, "invalid_input"):
            db.execute(OPEN, [practice.clinic])
        if mend_it:
            db.execute(mend_it, [practice.clinic])  # type: ignore[arg-type]
            assert db.execute(OPEN, [practice.clinic]).rowcount == 1


def test_a_slug_is_one_clinics_alone_and_readable(db: Connection) -> None:
    clinic, other = make_clinic(db), make_clinic(db, slug="taken-by-others", books_publicly=False)
    with as_user(db, make_member(db, clinic, "owner")):
        assert every(db, "select from public.clinics where id = %s", other) == []
        with refused(db, "slug_in_use"):
            db.execute(SLUG, ["taken-by-others", clinic])
        for slug in ("no", "Upper", "two  words", "-edge", "x" * 61):
            with refused(db, "invalid_input"):
                db.execute(SLUG, [slug, clinic])
        assert db.execute(SLUG, ["taken-by-nobody", clinic]).rowcount == 1


# Columns by which clients write text, and what keeps each short: a length, a list, or a reference.
WRITABLE_TEXTS = """
    select pg_class.relname || '.' || attname as "column",
      coalesce(string_agg(pg_get_constraintdef(pg_constraint.oid), ' '), '') as rules
    from pg_attribute
    join pg_class on pg_class.oid = attrelid
    left join pg_constraint on conrelid = attrelid and attnum = any (conkey)
      and contype in ('c', 'f')
    where relnamespace = 'public'::regnamespace and relkind = 'r' and attnum > 0
      and atttypid in ('text'::regtype, 'varchar'::regtype, 'text[]'::regtype, 'jsonb'::regtype)
      and not attisdropped
    group by pg_class.relname, attname
"""
# What no client gives: the server's own words, and what other servers answer it.
OUR_OWN_TEXTS = {
    "access_log.acted_as",
    "access_log.actor_role",
    "access_log.address_hash",
    "access_log.agent_hash",
    "access_log.changed_columns",
    "access_log.subject",
    "access_log.subject_id",
    "appointment_events.actor_role",
    "appointment_events.after",
    "appointment_events.before",
    "import_rejects.file",
    "import_rejects.reason",
    "notifications.provider_message_id",
    "outside_calendars.etag",
    "outside_calendars.last_modified",
}


def test_no_text_that_clients_write_is_endless(db: Connection) -> None:
    texts = every(db, WRITABLE_TEXTS)
    assert len(texts) > 30
    endless = {
        row["column"]
        for row in texts
        if "length(" not in row["rules"]
        and "= ANY" not in row["rules"]
        and "time_zones" not in row["rules"]
    }
    assert endless == OUR_OWN_TEXTS


def long_text(length: int) -> str:
    """Nothing that compression makes short."""
    return os.urandom(length).hex()[:length]


def texts_of(db: Connection, table: str) -> list[str]:
    return [
        row["name"]
        for row in every(
            db,
            "select attname as name from pg_attribute where attrelid = %s::regclass and attnum > 0"
            " and atttypid = 'text'::regtype"
            " and has_column_privilege('authenticated', attrelid, attnum, 'update')",
            f"public.{table}",
        )
    ]


@pytest.mark.parametrize(
    "table", ["clinics", "locations", "providers", "services", "resources", "patients"]
)
def test_a_text_that_is_too_long_is_refused_in_words(db: Connection, table: str) -> None:
    practice = make_practice(db)
    make_row(db, practice.clinic, practice.location, table)
    columns = texts_of(db, table)
    assert columns
    with as_user(db, make_member(db, practice.clinic, "owner")):
        for column in columns:
            with refused(db, "invalid_input"):
                db.execute(
                    f"update public.{table} set {column} = %s where true",  # type: ignore[arg-type]
                    [long_text(5_000) + ("@x.yz" if column == "email" else "")],
                )


def make_row(db: Connection, clinic: UUID, location: UUID, table: str) -> None:
    if table == "resources":
        db.execute(
            "insert into public.resources (clinic_id, location_id, kind, name)"
            " values (%s, %s, 'room', 'Room 1')",
            [clinic, location],
        )
    elif table == "services":
        make_service(db, clinic)


def test_no_client_says_what_a_clinic_is_called_elsewhere(db: Connection) -> None:
    clinic = make_clinic(db)
    with as_user(db, make_member(db, clinic, "owner")), denied(db):
        db.execute("update public.clinics set external_id = 'x' where true")
