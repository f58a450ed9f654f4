"""Who may read and write a private channel: asked of the row security of realtime.messages, with
probe rows in a transaction that is always rolled back.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import psycopg
from psycopg import AsyncConnection, Rollback
from psycopg.errors import InsufficientPrivilege

from stack.realtime.database import Database
from stack.realtime.frames import dumps
from stack.realtime.tokens import Identity

EXTENSIONS = ("broadcast", "presence")


@dataclass(frozen=True)
class Person:
    """On whose behalf a channel asks: the identity and the `x-…` headers it connected with."""

    identity: Identity
    headers: dict[str, str]


@dataclass(frozen=True)
class Permissions:
    """What was found out about one channel; None is what nobody asked yet."""

    read_broadcast: bool | None = None
    read_presence: bool | None = None
    write_broadcast: bool | None = None
    write_presence: bool | None = None


PUBLIC = Permissions(True, True, True, True)


class PolicyError(Exception):
    """The policies could not be evaluated; nothing is allowed."""


class Authorizer:
    """Evaluates the policies anew on every call; callers keep the answer per channel and token."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def readable(
        self, topic: str, person: Person, extensions: tuple[str, ...] = EXTENSIONS
    ) -> dict[str, bool]:
        """Which extensions of the topic the person may read. Raises PolicyError, psycopg.Error."""
        probes = {str(uuid.uuid4()): extension for extension in extensions}
        found: set[str] = set()
        async with self._database.connection() as connection:
            try:
                async with connection.transaction():
                    for probe, extension in probes.items():
                        await connection.execute(
                            "insert into realtime.messages (id, topic, extension)"
                            " values (%s, %s, %s)",
                            (probe, topic, extension),
                        )
                    await _act_as(connection, topic, person)
                    rows = await connection.execute(
                        "select id::text from realtime.messages where id = any (%s::uuid[])",
                        (list(probes),),
                    )
                    found = {row[0] for row in await rows.fetchall()}
                    raise Rollback
            except psycopg.OperationalError:
                raise
            except psycopg.Error as error:
                raise PolicyError(error.sqlstate) from None
        return {extension: probe in found for probe, extension in probes.items()}

    async def writable(self, topic: str, person: Person) -> dict[str, bool]:
        """Which extensions of the topic the person may write. Raises PolicyError, psycopg.Error."""
        allowed = {}
        async with self._database.connection() as connection:
            try:
                async with connection.transaction():
                    await _act_as(connection, topic, person)
                    for extension in EXTENSIONS:
                        allowed[extension] = await _may_insert(connection, topic, extension)
                    raise Rollback
            except psycopg.OperationalError:
                raise
            except psycopg.Error as error:
                raise PolicyError(error.sqlstate) from None
        return allowed


async def _may_insert(connection: AsyncConnection, topic: str, extension: str) -> bool:
    try:
        async with connection.transaction():
            await connection.execute(
                "insert into realtime.messages (topic, extension) values (%s, %s)",
                (topic, extension),
            )
    except InsufficientPrivilege:
        return False
    return True


async def _act_as(connection: AsyncConnection, topic: str, person: Person) -> None:
    claims = person.identity.claims
    await connection.execute(
        """
        select set_config('role', %s, true),
          set_config('realtime.topic', %s, true),
          set_config('request.jwt.claims', %s, true),
          set_config('request.jwt.claim.sub', %s, true),
          set_config('request.jwt.claim.role', %s, true),
          set_config('request.headers', %s, true)
        """,
        (
            person.identity.role,
            topic,
            dumps(claims),
            str(claims.get("sub") or ""),
            person.identity.role,
            dumps(person.headers),
        ),
    )
