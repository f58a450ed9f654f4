"""Pairs of calls that only a lock keeps apart, and the lock as it stands in the source.

Each is tried in a database of its own by two connections at once. With the lock the promise holds;
with its line taken out of the function the same two calls must break it.
"""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from tests import people
from tests.people import Connection, at

SECONDS_TO_MEET = 20


@dataclass(frozen=True)
class Step:
    """A statement, and the user who makes it; None: a worker or the dashboard."""

    statement: str
    user: UUID | None = None


@dataclass(frozen=True)
class Encounter:
    """`second` comes while `first` has not committed. `holds` asks whether the promise does."""

    first: Step
    second: Step
    holds: str


@dataclass(frozen=True)
class Race:
    """`lock` is what the function loses as a mutant: one match of the pattern."""

    name: str
    function: str
    lock: str
    prepare: Callable[[Connection], Encounter]

    def without_lock(self, connection: Connection) -> str:
        """The function's definition with the lock taken out."""
        row = connection.execute(
            "select pg_get_functiondef(%s::regproc)", [self.function]
        ).fetchone()
        assert row is not None
        mutated, count = re.subn(self.lock, "", row[0])
        assert count == 1, f"{self.function} has {count} such locks"
        return mutated


def run(url: str, encounter: Encounter) -> tuple[str, bool]:
    """How the second ended, and whether the promise holds afterwards."""
    ended: list[str] = []
    with (
        psycopg.connect(url) as first,
        psycopg.connect(url) as second,
        psycopg.connect(url, autocommit=True) as onlooker,
    ):
        assert _take(first, encounter.first) == "done"

        def follow() -> None:
            ended.append(_take(second, encounter.second))
            second.commit()

        follower = threading.Thread(target=follow)
        follower.start()
        _await_meeting(onlooker, second.info.backend_pid, follower)
        first.commit()
        follower.join(SECONDS_TO_MEET)
        assert ended, "the second never ended"
        row = onlooker.execute(encounter.holds).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return ended[0], bool(row[0])


def _take(connection: Connection, step: Step) -> str:
    """Begin a transaction as somebody; `done`, or the key or code of the refusal."""
    try:
        if step.user is not None:
            row = connection.execute(
                "select email from auth.users where id = %s", [step.user]
            ).fetchone()
            claims = {"sub": str(step.user), "role": "authenticated", "email": row and row[0]}
            connection.execute(
                "select set_config('request.jwt.claims', %s, true)", [json.dumps(claims)]
            )
            connection.execute("set local role authenticated")
        connection.execute(step.statement)  # type: ignore[arg-type]
    except psycopg.Error as error:
        connection.rollback()
        code = error.sqlstate or ""
        return str(error.diag.message_primary) if code.startswith("PT") else code
    return "done"


def _await_meeting(onlooker: Connection, pid: int, follower: threading.Thread) -> None:
    """Until the second waits for the first, or is through."""
    deadline = time.monotonic() + SECONDS_TO_MEET
    while follower.is_alive() and time.monotonic() < deadline:
        row = onlooker.execute("select pg_blocking_pids(%s) <> '{}'", [pid]).fetchone()
        if row and row[0]:
            return
        follower.join(0.01)


def _practice(connection: Connection, **columns: Any) -> tuple[UUID, UUID, UUID, list[UUID]]:
    """A clinic with a service and two providers who are always there."""
    clinic = people.make_clinic(connection, **columns)
    location = people.make_location(connection, clinic)
    service = people.make_service(connection, clinic)
    providers = [people.make_provider(connection, clinic, location, (service,)) for _ in range(2)]
    return clinic, location, service, providers


def _last_owner(connection: Connection) -> Encounter:
    clinic = people.make_clinic(connection)
    users = [people.make_member(connection, clinic, "owner") for _ in range(2)]
    first, second = (
        Step(f"update public.members set role = 'provider' where user_id = '{user}'")
        for user in users
    )
    holds = (
        f"select count(*) > 0 from public.members where clinic_id = '{clinic}' and role = 'owner'"
    )
    return Encounter(first, second, holds)


def _clinics_of_one(connection: Connection) -> Encounter:
    user = people.make_user(connection)
    for _ in range(19):
        people.make_member(connection, people.make_clinic(connection), "owner", user)
    first, second = (
        Step(
            "select public.create_clinic(name => 'New', slug => 'new-"
            f"{uuid.uuid4().hex[:8]}', time_zone => 'UTC', location_name => 'Main Street')",
            user,
        )
        for _ in range(2)
    )
    holds = f"select count(*) <= 20 from public.members where user_id = '{user}'"
    return Encounter(first, second, holds)


def _claims(connection: Connection) -> Encounter:
    user = people.make_user(connection)
    connection.execute(
        "insert into private.claim_attempts (user_id, claimed) select %s, 0"
        " from generate_series(1, 4)",
        [user],
    )
    step = Step("select public.claim_patient_records()", user)
    holds = f"select count(*) <= 5 from private.claim_attempts where user_id = '{user}'"
    return Encounter(step, step, holds)


def _children(connection: Connection) -> Encounter:
    clinic = people.make_clinic(connection)
    user = people.make_user(connection)
    for _ in range(11):
        people.insert(
            connection,
            "public.guardians",
            clinic_id=clinic,
            patient_id=people.make_patient(connection, clinic),
            user_id=user,
        )
    first, second = (
        Step(
            f"select public.register_dependant('{clinic}', 'Child {n}', current_date - 1000)", user
        )
        for n in (1, 2)
    )
    holds = f"select count(*) <= 12 from public.guardians where user_id = '{user}'"
    return Encounter(first, second, holds)


def _holds_of_one(connection: Connection) -> Encounter:
    clinic, _, service, providers = _practice(connection, max_holds_per_person=1)
    user = people.make_user(connection)
    people.make_patient(connection, clinic, user)
    first, second = (
        Step(
            f"select public.hold_slot(service_id => '{service}', provider_id => '{provider}',"
            f" starts_at => '{at(hours).isoformat()}')",
            user,
        )
        for provider, hours in zip(providers, (9, 12), strict=True)
    )
    holds = f"select count(*) <= 1 from public.appointments where clinic_id = '{clinic}'"
    return Encounter(first, second, holds)


def _visits_in_a_day(connection: Connection) -> Encounter:
    clinic, _, service, providers = _practice(connection)
    connection.execute("update public.services set max_per_day = 1 where id = %s", [service])
    first, second = (
        Step(
            "insert into public.appointments (service_id, provider_id, patient_id, starts_at)"
            " values"
            f" ('{service}', '{provider}', '{people.make_patient(connection, clinic)}',"
            f" '{at(hours).isoformat()}')"
        )
        for provider, hours in zip(providers, (9, 12), strict=True)
    )
    holds = f"select count(*) <= 1 from public.appointments where clinic_id = '{clinic}'"
    return Encounter(first, second, holds)


def _merge_each_into_the_other(connection: Connection) -> Encounter:
    clinic = people.make_clinic(connection)
    one, other = (people.make_patient(connection, clinic) for _ in range(2))
    holds = f"select count(merged_into) <= 1 from public.patients where id in ('{one}', '{other}')"
    return Encounter(
        Step(f"select public.merge_patients('{one}', '{other}')"),
        Step(f"select public.merge_patients('{other}', '{one}')"),
        holds,
    )


def _request_with_a_key(connection: Connection) -> Encounter:
    """The lease is over, and at this moment whoever had it is done after all."""
    user, key = people.make_user(connection), uuid.uuid4().hex
    connection.execute(
        "insert into private.flow_requests (user_id, key, fingerprint, leased_until)"
        " values (%s, %s, repeat('0', 64), now() - interval '1 s')",
        [user, key],
    )
    return Encounter(
        Step(f"select worker.finish_request('{user}', '{key}', 200, 'told')"),
        Step(
            f"create table private.begun_{key} as select * from worker.begin_request("
            f"'{user}', 'change_clinic', '{key}', repeat('0', 64))"
        ),
        f"select outcome = 'replay' from private.begun_{key}",
    )


LINE = r"\n *perform {}\([^;]*;"
RACES = (
    Race(
        "two owners leave at once", "private.keep_an_owner",
        r"\n *perform from public\.clinics [^;]*for no key update;", _last_owner,
    ),
    Race(
        "one person opens two clinics at once", "public.create_clinic",
        LINE.format(r"pg_catalog\.pg_advisory_xact_lock"), _clinics_of_one,
    ),
    Race(
        "one person claims records twice at once", "public.claim_patient_records",
        LINE.format("pg_advisory_xact_lock"), _claims,
    ),
    Race(
        "one person adds two children at once", "public.register_dependant",
        LINE.format("pg_advisory_xact_lock"), _children,
    ),
    Race(
        "one person holds two times at once", "private.check_person_limits",
        LINE.format("pg_advisory_xact_lock"), _holds_of_one,
    ),
    Race(
        "two visits on the day's last place", "private.exchange",
        LINE.format(r"private\.lock_schedules"), _visits_in_a_day,
    ),
    Race(
        "two records merged into each other at once", "private.lock_records",
        LINE.format(r"private\.lock_patients"), _merge_each_into_the_other,
    ),
    Race(
        "a request taken over while it ends", "worker.begin_request",
        r"\n *for update(?=;)", _request_with_a_key,
    ),
)  # fmt: skip
