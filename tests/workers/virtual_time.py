"""Days that pass in seconds: an event loop and a database that agree on a clock nobody waits for.

The loop's clock stands still while anything is to be done and jumps to the next timer when nothing
is. In the database, `now()` is replaced before the migrations run, so that every default, policy
and function means the same clock; it is set anew with every call.
"""

from __future__ import annotations

import asyncio
import json
import logging
import selectors
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import scalar_row

from stack.config import StackConfig
from stack.migrations import clone_database, drop_database, migrate
from stack.postgres import TEMPLATE
from tests.people import Connection

REPLACED = ("now", "clock_timestamp")


# Shorter waits would be lost in rounding, and their timers never come.
SHORTEST_WAIT = 1e-6


class Clock:
    """What time it is; `elapsed` are the seconds since it was started."""

    def __init__(self, at: datetime) -> None:
        self._began = at.timestamp()
        self.elapsed = 0.0

    @property
    def seconds(self) -> float:
        """Since 1970."""
        return self._began + self.elapsed

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)


class _NeverWaits(selectors.DefaultSelector):
    """Moves the clock on instead of waiting."""

    clock: Clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "nothing will ever happen"
            self.clock.elapsed += max(timeout, SHORTEST_WAIT)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop by that clock."""

    def __init__(self, clock: Clock) -> None:
        selector = _NeverWaits()
        selector.clock = clock
        self._virtual = clock
        super().__init__(selector)

    def time(self) -> float:
        return self._virtual.elapsed


@contextmanager
def workers_log_from(level: int) -> Iterator[None]:
    """What workers tell of hours in which everything fails would bury what a test tells."""
    logger = logging.getLogger("workers")
    before = logger.level
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextmanager
def virtual_database(config: StackConfig, clock: Clock) -> Iterator[str]:
    """A database that was migrated at that time, and whose time is the setting `clock.now`."""
    name = f"virtual_{uuid.uuid4().hex[:8]}"
    clone_database(config, TEMPLATE, name)
    try:
        with psycopg.connect(config.db_url("supabase_admin", name), autocommit=True) as admin:
            for function in REPLACED:
                _replace(admin, function)
            admin.execute(
                sql.SQL("alter database {} set clock.now = {}").format(
                    sql.Identifier(name), sql.Literal(clock.now().isoformat())
                )
            )
        migrate(config, name)
        yield config.db_url(database=name)
    finally:
        drop_database(config, name)


def _replace(admin: Connection, function: str) -> None:
    """The built-in keeps its number under another name; what is created later means the new one."""
    kept = f"{function}_of_the_machine"
    admin.execute(
        sql.SQL("alter function pg_catalog.{}() rename to {}").format(
            sql.Identifier(function), sql.Identifier(kept)
        )
    )
    admin.execute(
        sql.SQL(
            "create function pg_catalog.{}() returns timestamptz language sql stable parallel safe"
            " as $$ select coalesce("
            "   nullif(pg_catalog.current_setting('clock.now', true), '')::timestamptz,"
            "   pg_catalog.{}()) $$"
        ).format(sql.Identifier(function), sql.Identifier(kept))
    )


class VirtualDatabase:
    """One connection by that clock, as `postgres`."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def now(self) -> Connection:
        """The connection, its time set."""
        self._connection.execute(
            "select set_config('clock.now', %s, false)", [self._clock.now().isoformat()]
        )
        return self._connection

    @contextmanager
    def pipeline(self) -> Iterator[Connection]:
        """The same, for one question that shares its way with the time."""
        with self._connection.pipeline():
            yield self.now()


@dataclass(frozen=True)
class _Answer:
    data: Any


class WorkerRpc:
    """Stands for supabase-py's client: calls functions of schema `worker` as PostgREST would."""

    def __init__(self, database: VirtualDatabase) -> None:
        self._database = database
        self._known: dict[str, tuple[dict[str, str], bool]] = {}

    def schema(self, name: str) -> WorkerRpc:
        assert name == "worker"
        return self

    def rpc(self, function: str, arguments: Mapping[str, Any]) -> _Call:
        return _Call(self, function, dict(arguments))

    def call(self, function: str, arguments: dict[str, Any]) -> Any:
        types, is_set = self._known.get(function) or self._look_up(function)
        given = sql.SQL(", ").join(
            sql.SQL("{} => {}::{}").format(
                sql.Identifier(name), sql.Placeholder(), sql.SQL(types[name])
            )
            for name in arguments
        )
        statement = sql.SQL("select to_jsonb(answer) from worker.{}({}) as answer").format(
            sql.Identifier(function), given
        )
        values = [
            json.dumps(value) if types[name] == "jsonb" else value
            for name, value in arguments.items()
        ]
        with self._database.pipeline() as connection:
            answer = connection.cursor(row_factory=scalar_row).execute(statement, values)
            rows = answer.fetchall()
        return rows if is_set else rows[0]

    def _look_up(self, function: str) -> tuple[dict[str, str], bool]:
        row = (
            self._database.now()
            .execute(
                "select proargnames, array(select format_type(type, null)"
                "   from unnest(coalesce(proallargtypes, proargtypes::oid[])) as type), proretset"
                " from pg_proc where pronamespace = 'worker'::regnamespace and proname = %s",
                [function],
            )
            .fetchone()
        )
        assert row is not None, function
        names, types, is_set = row
        self._known[function] = dict(zip(names or [], types, strict=True)), is_set
        return self._known[function]


class _Call:
    def __init__(self, client: WorkerRpc, function: str, arguments: dict[str, Any]) -> None:
        self._client = client
        self._function = function
        self._arguments = arguments

    async def execute(self) -> _Answer:
        # A moment of virtual time, so that other tasks get their turn as they would.
        await asyncio.sleep(0.002)
        return _Answer(self._client.call(self._function, self._arguments))
