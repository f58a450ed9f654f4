"""Clinics in which every table has a row, made by plain SQL as the dashboard would.

`build` makes one; all text in it carries its word, so that a clinic whose word is a canary can be
looked for in everything that other people are shown.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from tests import people
from tests.people import Connection, at

CANARY = "canarybird"
# How far apart the visits of a clinic are, so that each can be moved without meeting another.
GAP = timedelta(hours=2)
# Text that only some words can be: zones, rules, languages, hashes, keys, words of the schema.
FIXED_TEXT = {
    "time_zone", "rule", "language", "locale", "actor_role", "acted_as", "subject", "subject_id",
    "slug", "address_hash", "agent_hash",
}  # fmt: skip


@dataclass
class World:
    """One clinic. `ids` holds the id of what a parameter of that name may be given."""

    word: str
    clinic: UUID
    patient: UUID
    other_patient: UUID
    provider: UUID
    user: UUID
    ids: dict[str, Any] = field(default_factory=dict)

    def time(self, step: int) -> datetime:
        """The start of a visit nobody has asked for; whole hours on coming days, UTC."""
        return at(1, days=10 + step // 8) + GAP * (step % 8)


def build(connection: Connection, word: str, **clinic_columns: Any) -> World:
    """A clinic open around the clock, with two patients, and a row or more in every table."""
    clinic = people.make_clinic(
        connection, slug=f"{word}-{uuid.uuid4().hex[:8]}", name=f"{word} clinic", **clinic_columns
    )
    location = people.make_location(connection, clinic)
    service = people.make_service(
        connection, clinic, name=f"{word} visit", description=f"{word} text", preparation=word
    )
    group = people.make_service(connection, clinic, name=f"{word} group", capacity=4)
    provider = people.make_provider(connection, clinic, location, (service, group))
    user = people.make_user(connection)
    patient = people.make_patient(connection, clinic, user)
    other = people.make_patient(connection, clinic, people.make_user(connection))
    world = World(word, clinic, patient, other, provider, user)
    world.ids |= {
        "clinic_id": clinic, "location_id": location, "service_id": service, "group_id": group,
        "provider_id": provider, "patient_id": patient,
    }  # fmt: skip
    _visits(connection, world)
    _shelves(connection, world)
    _around_visits(connection, world)
    _merge(connection, world)
    _imports(connection, world)
    # By hand: real seals wait until every transaction of the server is settled.
    _made(
        connection, world, "history_seals", position=1, settled_from="3", settled_before="4",
        after_event_id=0, last_event_id=1, event_count=1, hash=uuid.uuid4().bytes,
    )  # fmt: skip
    return world


def _made(connection: Connection, world: World, table: str, **columns: Any) -> Any:
    """Add a row and return its id, if it has one. Python could not read the 24:00 in others."""
    columns = {"clinic_id": world.clinic} | columns
    row = connection.execute(
        sql.SQL("insert into {} as made ({}) values ({}) returning to_jsonb(made) ->> 'id'").format(
            sql.Identifier("public", table),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
        ),
        list(columns.values()),
    ).fetchone()
    assert row is not None
    return row[0]


def _visits(connection: Connection, world: World) -> None:
    practice = people.Practice(
        world.clinic, world.ids["location_id"], world.ids["service_id"], world.provider,
        world.patient, world.user,
    )  # fmt: skip
    visit = people.book(connection, practice, world.time(0))
    people.book(connection, practice, world.time(1), patient_id=world.other_patient)
    world.ids["appointment_id"] = visit["id"]
    hold = people.book(
        connection, practice, world.time(2), status="held", hold_expires_at=at(0, days=1),
        booked_by=world.user,
    )  # fmt: skip
    world.ids["hold_id"] = hold["id"]
    offered = people.book(
        connection, practice, world.time(3), status="held", hold_expires_at=at(0, days=1)
    )
    for whose in (world.other_patient, world.patient):
        entry = _made(
            connection, world, "waitlist_entries", service_id=world.ids["service_id"],
            patient_id=whose, location_id=world.ids["location_id"],
        )  # fmt: skip
        _made(
            connection, world, "waitlist_entry_providers", entry_id=entry,
            provider_id=world.provider,
        )  # fmt: skip
    world.ids["entry_id"] = entry
    world.ids["offer_id"] = _made(
        connection, world, "waitlist_offers", entry_id=entry, appointment_id=offered["id"],
        provider_id=world.provider, starts_at=offered["starts_at"],
        expires_at=offered["hold_expires_at"],
    )  # fmt: skip
    series = _made(
        connection, world, "appointment_series", service_id=world.ids["service_id"],
        provider_id=world.provider, patient_id=world.patient, starts_at=world.time(4),
        rule="FREQ=WEEKLY;COUNT=2", time_zone="UTC", mode="all_or_nothing", booked_by=world.user,
    )  # fmt: skip
    world.ids["series_id"] = series
    people.book(connection, practice, world.time(4), series_id=series)
    world.ids["session_id"] = _made(
        connection, world, "group_sessions", service_id=world.ids["group_id"],
        provider_id=world.provider, location_id=world.ids["location_id"],
        starts_at=world.time(5), ends_at=world.time(5) + timedelta(minutes=30), capacity=4,
    )  # fmt: skip
    _made(
        connection, world, "group_sessions", service_id=world.ids["group_id"],
        provider_id=world.provider, location_id=world.ids["location_id"],
        starts_at=world.time(6), ends_at=world.time(6) + timedelta(minutes=30), capacity=4,
    )  # fmt: skip


def _shelves(connection: Connection, world: World) -> None:
    """What the clinic is set up with."""
    word = world.word
    room = people.make_resource(connection, world.clinic, world.ids["location_id"])
    world.ids["resource_id"] = room
    spare = people.make_service(connection, world.clinic, name=f"{word} spare")
    people.make_need(connection, world.clinic, spare)
    world.ids["spare_service_id"] = spare
    world.ids["exception_id"] = _made(
        connection, world, "availability_exceptions", provider_id=world.provider,
        starts_on=at(0, days=200).date(), ends_on=at(0, days=201).date(), reason=f"{word} away",
    )  # fmt: skip
    world.ids["calendar_id"] = _made(
        connection, world, "outside_calendars", provider_id=world.provider, name=word,
        url=f"https://calendar.example/{word}",
    )  # fmt: skip
    _made(
        connection, world, "busy_blocks", provider_id=world.provider,
        outside_calendar_id=world.ids["calendar_id"],
        starts_at=at(0, days=300), ends_at=at(1, days=300),
    )  # fmt: skip
    for patient, user in ((world.patient, world.user), (world.other_patient, None)):
        owner = user or people.make_user(connection)
        feed = _made(
            connection, world, "calendar_feeds", user_id=owner, patient_id=patient,
            token_hash=uuid.uuid4().bytes,
        )  # fmt: skip
        if user:
            world.ids["feed_id"] = feed
        _made(connection, world, "notification_preferences", patient_id=patient, reminders=False)
    _made(
        connection, world, "calendar_feeds", user_id=people.make_user(connection),
        provider_id=world.provider, token_hash=uuid.uuid4().bytes,
    )  # fmt: skip
    world.ids["invited_email"] = f"{word}.{uuid.uuid4().hex[:8]}@people.example"
    world.ids["staff_invitation_id"] = _made(
        connection, world, "staff_invitations", email=world.ids["invited_email"], role="provider"
    )
    guarded = people.make_guardian(connection, world.clinic, world.other_patient)
    row = connection.execute(
        "select id from public.guardians where clinic_id = %s and user_id = %s",
        [world.clinic, guarded],
    ).fetchone()
    assert row is not None
    world.ids["guardian_id"] = row[0]
    world.ids["guardian_invitation_id"] = _made(
        connection, world, "guardian_invitations", patient_id=world.patient,
        email=world.ids["invited_email"],
    )  # fmt: skip


def _around_visits(connection: Connection, world: World) -> None:
    visit = world.ids["appointment_id"]
    visits = connection.execute(
        "select id, patient_id, version from public.appointments where clinic_id = %s"
        " order by starts_at limit 2",
        [world.clinic],
    ).fetchall()
    for visit_id, patient, version in visits:
        _made(
            connection, world, "appointment_reasons", appointment_id=visit_id, patient_id=patient,
            kind="visit", reason=f"{world.word} reason",
        )  # fmt: skip
        _made(
            connection, world, "visit_confirmations", appointment_id=visit_id,
            appointment_version=version,
        )  # fmt: skip
        _made(
            connection, world, "appointment_follow_ups", appointment_id=visit_id,
            kind="outside_hours",
        )  # fmt: skip
    row = connection.execute(
        "select id from public.notifications where appointment_id = %s limit 1", [visit]
    ).fetchone()
    assert row is not None
    world.ids["notification_id"] = row[0]
    # One that failed long ago, for the views that show what needs attention.
    connection.execute(
        "update public.notifications set status = 'dead', attempts = 9 where id = %s", [row[0]]
    )
    _make_late(connection, world)


def _make_late(connection: Connection, world: World) -> None:
    """A visit of today, one that was missed and a message that is overdue, as time leaves them."""
    connection.execute("alter table public.appointments disable trigger user")
    for starts_at, status in ((at(0, days=-2), "noshow"), (at(0, days=0), "booked")):
        _made(
            connection, world, "appointments", location_id=world.ids["location_id"],
            service_id=world.ids["service_id"], provider_id=world.provider,
            patient_id=world.patient, starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=1), buffer_before_minutes=0,
            buffer_after_minutes=0, status=status, booked_via="dashboard",
        )  # fmt: skip
    connection.execute("alter table public.appointments enable trigger user")
    connection.execute(
        "update public.notifications set due_at = case when id = ("
        "  select id from public.notifications where clinic_id = %s and status = 'queued'"
        "  order by created_at, id limit 1"
        " ) then now() - interval '2 days' else now() + interval '2 days' end"
        " where clinic_id = %s and status = 'queued'",
        [world.clinic, world.clinic],
    )


def _merge(connection: Connection, world: World) -> None:
    """A record entered twice, merged a moment ago."""
    double = people.make_patient(connection, world.clinic)
    connection.execute("select public.merge_patients(%s, %s)", [world.other_patient, double])
    world.ids["merge_id"] = double


def _imports(connection: Connection, world: World) -> None:
    job = _made(connection, world, "import_jobs", kind="patients", dry_run=False)
    world.ids["job_id"] = job
    _made(connection, world, "import_files", job_id=job, name="patients.csv", size_bytes=9)
    _made(
        connection, world, "import_rejects", job_id=job, file="patients.csv", line=2,
        reason="unknown",
    )  # fmt: skip


def spread_word(connection: Connection, world: World) -> set[str]:
    """Write the clinic's word into every text column that can hold it.

    Returns the columns that hold it nowhere. Triggers are off meanwhile, so nobody is told.
    """
    untouched: set[str] = set()
    columns = connection.execute(
        "select table_name, column_name from information_schema.columns"
        " join information_schema.tables using (table_schema, table_name)"
        " where table_schema = 'public' and table_type = 'BASE TABLE' and data_type = 'text'"
        " order by table_name"
    ).fetchall()
    for table, column in columns:
        if column in FIXED_TEXT:
            continue
        if not _write_word(connection, world, table, column):
            untouched.add(f"{table}.{column}")
    return untouched


def _write_word(connection: Connection, world: World, table: str, column: str) -> bool:
    name = sql.Identifier("public", table)
    key = "id" if table == "clinics" else "clinic_id"
    mark = f"{world.word}~"
    for text in (mark, f"{mark}@people.example", f"https://calendar.example/{mark}"):
        try:
            with connection.transaction():
                connection.execute(sql.SQL("alter table {} disable trigger user").format(name))
                connection.execute(
                    sql.SQL(
                        "update {} set {} = replace(%s, '~', left(md5(random()::text), 8))"
                        " where {} = %s"
                    ).format(name, sql.Identifier(column), sql.Identifier(key)),
                    [text, world.clinic],
                )
                connection.execute(sql.SQL("alter table {} enable trigger user").format(name))
        except psycopg.IntegrityError:
            continue
        return True
    return False
