"""The people and places of database tests: who asks, and the smallest clinic that they can ask in.

`as_patient(…)` and its like speak as PostgREST would: a database role and the claims of a token.
Factories insert as `postgres`, the way the dashboard does, and return ids. Everything is invented.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

Connection = psycopg.Connection[Any]
Row = dict[str, Any]

EVERY_DAY = range(1, 8)


@contextmanager
def _as(connection: Connection, role: LiteralString, claims: dict[str, Any]) -> Iterator[None]:
    connection.execute(
        "select set_config('request.jwt.claims', %s, false)", [json.dumps({"role": role} | claims)]
    )
    connection.execute(f"set role {role}")
    try:
        yield
    finally:
        if connection.info.transaction_status != TransactionStatus.INERROR:
            connection.execute("reset role")
            connection.execute("select set_config('request.jwt.claims', '', false)")


@contextmanager
def as_user(connection: Connection, user: UUID, aal: str = "aal1") -> Iterator[None]:
    """A signed-in person: patient or member, by what the database knows of them.

    `aal` is how they signed in: aal2 is with a second factor.
    """
    row = connection.execute("select email from auth.users where id = %s", [user]).fetchone()
    assert row is not None
    with _as(connection, "authenticated", {"sub": str(user), "email": row[0], "aal": aal}):
        yield


as_patient = as_owner = as_manager = as_front_desk = as_provider = as_user


@contextmanager
def as_anon(connection: Connection) -> Iterator[None]:
    """A visitor without an account."""
    with _as(connection, "anon", {}):
        yield


@contextmanager
def as_service(connection: Connection) -> Iterator[None]:
    """A worker or the API, with the service key."""
    with _as(connection, "service_role", {}):
        yield


@contextmanager
def refused(connection: Connection, key: str) -> Iterator[None]:
    """The block must be refused with that key, and tell nothing but the key and a sentence."""
    with pytest.raises(psycopg.Error) as caught, connection.transaction():
        yield
    diagnosis = caught.value.diag
    assert diagnosis.message_primary == key, caught.value
    assert (diagnosis.sqlstate or "").startswith("PT")
    assert diagnosis.message_hint
    assert diagnosis.message_detail is None


@contextmanager
def denied(connection: Connection) -> Iterator[None]:
    """The block must fail for want of a privilege or a policy."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
        yield


def one(connection: Connection, query: LiteralString, *values: Any) -> Row:
    """The first row of a query, as a dictionary."""
    row = connection.cursor(row_factory=dict_row).execute(query, values).fetchone()
    assert row is not None
    return row


def every(connection: Connection, query: LiteralString, *values: Any) -> list[Row]:
    """All rows of a query, as dictionaries."""
    return connection.cursor(row_factory=dict_row).execute(query, values).fetchall()


def waits(observer: Connection, backend: int) -> bool:
    """Whether that connection waits for a lock."""
    row = one(
        observer,
        "select wait_event_type = 'Lock' as waits from pg_stat_activity where pid = %s",
        backend,
    )
    return row["waits"] is True


def insert(connection: Connection, table: LiteralString, **columns: Any) -> Row:
    """Add one row by plain SQL and return it as it was written."""
    names = psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, columns))
    values = psycopg.sql.SQL(", ").join([psycopg.sql.Placeholder()] * len(columns))
    statement = psycopg.sql.SQL("insert into {} ({}) values ({}) returning *").format(
        psycopg.sql.SQL(table), names, values
    )
    cursor = connection.cursor(row_factory=dict_row)
    row = cursor.execute(statement, list(columns.values())).fetchone()
    assert row is not None
    return row


def call(connection: Connection, function: LiteralString, **arguments: Any) -> Row:
    """Call a function by named arguments, as PostgREST does; the row it answers with."""
    named = psycopg.sql.SQL(", ").join(
        psycopg.sql.SQL("{} => {}").format(psycopg.sql.Identifier(name), psycopg.sql.Placeholder())
        for name in arguments
    )
    statement = psycopg.sql.SQL("select * from {}({})").format(psycopg.sql.SQL(function), named)
    cursor = connection.cursor(row_factory=dict_row)
    row = cursor.execute(statement, list(arguments.values())).fetchone()
    assert row is not None
    return row


def at(hours: float, days: int = 2) -> datetime:
    """That many hours into a coming day, UTC."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=days, hours=hours)


def make_user(connection: Connection) -> UUID:
    """A user with a confirmed address."""
    name = uuid.uuid4()
    insert(
        connection,
        "auth.users",
        id=name,
        email=f"{name}@people.example",
        aud="authenticated",
        role="authenticated",
        email_confirmed_at=datetime.now(UTC),
    )
    return name


def make_member(connection: Connection, clinic: UUID, role: str, user: UUID | None = None) -> UUID:
    """A user with that role in the clinic; returns the user."""
    user = user or make_user(connection)
    insert(connection, "public.members", clinic_id=clinic, user_id=user, role=role)
    return user


def make_clinic(connection: Connection, **columns: Any) -> UUID:
    """A clinic that books publicly and reminds nobody unless said otherwise."""
    columns = {
        "slug": f"clinic-{uuid.uuid4().hex}",
        "name": "Test Clinic",
        "time_zone": "UTC",
        "books_publicly": True,
        "reminder_offsets_minutes": [],
    } | columns
    clinic: UUID = insert(connection, "public.clinics", **columns)["id"]
    return clinic


def make_location(connection: Connection, clinic: UUID, time_zone: str = "UTC") -> UUID:
    """A site of the clinic."""
    location: UUID = insert(
        connection, "public.locations", clinic_id=clinic, name="Main Street", time_zone=time_zone
    )["id"]
    return location


def make_service(connection: Connection, clinic: UUID, **columns: Any) -> UUID:
    """A visit of 30 minutes every 15, without buffers, unless said otherwise."""
    columns = {"name": f"Visit {uuid.uuid4().hex}", "duration_minutes": 30} | columns
    service: UUID = insert(connection, "public.services", clinic_id=clinic, **columns)["id"]
    return service


def make_resource(connection: Connection, clinic: UUID, location: UUID, kind: str = "room") -> UUID:
    """A room or a piece of equipment."""
    resource: UUID = insert(
        connection,
        "public.resources",
        clinic_id=clinic,
        location_id=location,
        kind=kind,
        name=f"{kind} {uuid.uuid4().hex}",
    )["id"]
    return resource


def make_need(
    connection: Connection, clinic: UUID, service: UUID, kind: str = "room", **columns: Any
) -> None:
    """The service needs one of that kind, or the one given as resource_id."""
    insert(
        connection,
        "public.service_needs",
        clinic_id=clinic,
        service_id=service,
        kind=kind,
        **columns,
    )


def make_hours(
    connection: Connection,
    clinic: UUID,
    provider: UUID,
    location: UUID,
    *,
    opens: str = "00:00",
    closes: str = "24:00",
    weekdays: Iterable[int] = EVERY_DAY,
) -> None:
    """Weekly hours, around the clock unless said otherwise."""
    connection.execute(
        "insert into public.weekly_hours"
        " (clinic_id, provider_id, location_id, weekday, opens, closes)"
        " select %s, %s, %s, weekday, %s, %s from unnest(%s::int[]) as weekday",
        [clinic, provider, location, opens, closes, list(weekdays)],
    )


def make_provider(
    connection: Connection,
    clinic: UUID,
    location: UUID | None = None,
    services: tuple[UUID, ...] = (),
    **hours: Any,
) -> UUID:
    """A provider of those services, with weekly hours if there is a location."""
    provider: UUID = insert(connection, "public.providers", clinic_id=clinic, full_name="Dr. Test")[
        "id"
    ]
    for service in services:
        insert(
            connection,
            "public.provider_services",
            clinic_id=clinic,
            provider_id=provider,
            service_id=service,
        )
    if location:
        make_hours(connection, clinic, provider, location, **hours)
    return provider


def make_patient(connection: Connection, clinic: UUID, user: UUID | None = None) -> UUID:
    """A patient with an address; the record of that user if one is given."""
    patient: UUID = insert(
        connection,
        "public.patients",
        clinic_id=clinic,
        user_id=user,
        full_name="Pat Test",
        email=f"{uuid.uuid4()}@patients.example",
    )["id"]
    return patient


def make_guardian(
    connection: Connection, clinic: UUID, patient: UUID, user: UUID | None = None, **columns: Any
) -> UUID:
    """A user who acts for the patient from now on; returns the user."""
    user = user or make_user(connection)
    insert(
        connection,
        "public.guardians",
        clinic_id=clinic,
        patient_id=patient,
        user_id=user,
        **columns,
    )
    return user


@dataclass(frozen=True)
class Practice:
    """A clinic with one of everything, open around the clock."""

    clinic: UUID
    location: UUID
    service: UUID
    provider: UUID
    patient: UUID
    user: UUID

    def visit(self, starts_at: datetime, **columns: Any) -> dict[str, Any]:
        """What a person types into the dashboard to add an appointment."""
        return {
            "service_id": self.service,
            "provider_id": self.provider,
            "patient_id": self.patient,
            "starts_at": starts_at,
        } | columns


def make_practice(
    connection: Connection, *, hours: dict[str, Any] | None = None, **service: Any
) -> Practice:
    """`service` are columns of the service; `hours` arguments of make_hours."""
    clinic = make_clinic(connection)
    location = make_location(connection, clinic)
    service_id = make_service(connection, clinic, **service)
    provider = make_provider(connection, clinic, location, (service_id,), **(hours or {}))
    user = make_user(connection)
    return Practice(
        clinic, location, service_id, provider, make_patient(connection, clinic, user), user
    )


def let_it_begin(connection: Connection, visit: Row) -> None:
    """Time passes for a visit: it moves into the past instead of the clock."""
    connection.execute(
        "update public.appointments set starts_at = %s where id = %s", [at(9, days=-1), visit["id"]]
    )


def tokens_of(connection: Connection, message: UUID) -> dict[str, str]:
    """The tokens of the links in a mail, by action, as if it was written now."""
    row = one(
        connection,
        "select private.links_for(message, visit, service.cancel_notice_minutes, secret.value)"
        " as tokens from public.notifications as message"
        " left join public.appointments as visit on visit.id = message.appointment_id"
        " left join public.services as service on service.id = visit.service_id"
        " cross join private.settings as secret"
        " where message.id = %s and secret.key = 'action_links_secret'",
        message,
    )
    tokens: dict[str, str] = row["tokens"]
    return tokens


def book(connection: Connection, practice: Practice, starts_at: datetime, **columns: Any) -> Row:
    """Add an appointment the dashboard's way."""
    return insert(connection, "public.appointments", **practice.visit(starts_at, **columns))
