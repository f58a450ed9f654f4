"""Connections to PostgreSQL as supabase_auth_admin: a small pool that outlives restarts."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection, OperationalError, sql
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from stack.auth.errors import DatabaseTimeout
from stack.config import StackConfig

Row = dict[str, Any]
Transaction = AsyncConnection[DictRow]

# Seconds that a request waits for a connection, and how often a lost database is tried.
PATIENCE = 5.0
RETRY_EVERY = 1.0


class Database:
    """Transactions on demand; nothing is connected before the first one."""

    def __init__(self, config: StackConfig) -> None:
        self._pool = AsyncConnectionPool(
            config.db_url("supabase_auth_admin"),
            connection_class=AsyncConnection[DictRow],
            kwargs={"row_factory": dict_row, "connect_timeout": 2},
            min_size=0,
            max_size=12,
            max_idle=60,
            open=False,
            # Give up early: whoever waits asks again, and a restarted server is met at once
            # instead of after a growing back-off.
            reconnect_timeout=RETRY_EVERY,
        )

    async def open(self) -> None:
        await self._pool.open()

    async def close(self) -> None:
        await self._pool.close(timeout=1)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Commits at the end of the block, rolls back when it raises.

        Raises DatabaseTimeout when the database cannot be reached or goes away.
        """
        try:
            connection = await self._working_connection()
            try:
                async with connection:
                    yield connection
            finally:
                await self._pool.putconn(connection)
        except (PoolTimeout, OperationalError) as error:
            raise DatabaseTimeout from error

    async def _working_connection(self) -> AsyncConnection[DictRow]:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                connection = await self._pool.getconn(RETRY_EVERY)
            except PoolTimeout:
                if time.monotonic() > deadline:
                    raise
                continue
            try:
                await self._pool.check_connection(connection)
            except OperationalError:
                await self._pool.putconn(connection)
                # Its siblings died with it; the pool's own check would find them one by one,
                # with a pause after each.
                await self._pool.drain()
            else:
                return connection


async def fetch_one(tx: Transaction, query: str, *parameters: Any) -> Row | None:
    """The first row of a fixed query, or None."""
    cursor = await tx.execute(query.encode(), parameters)
    return await cursor.fetchone()


async def fetch_all(tx: Transaction, query: str, *parameters: Any) -> list[Row]:
    """All rows of a fixed query."""
    cursor = await tx.execute(query.encode(), parameters)
    return await cursor.fetchall()


async def execute(tx: Transaction, query: str, *parameters: Any) -> int:
    """The number of rows that a fixed statement touched."""
    return (await tx.execute(query.encode(), parameters)).rowcount


async def insert(tx: Transaction, table: str, values: Mapping[str, Any]) -> None:
    """One new row of `auth.<table>`; dictionaries become jsonb."""
    statement = sql.SQL("insert into auth.{} ({}) values ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(sql.Placeholder() * len(values)),
    )
    await tx.execute(statement, _adapted(values))


async def update(tx: Transaction, table: str, row_id: Any, values: Mapping[str, Any]) -> None:
    """Set columns of the row of `auth.<table>` with this id, and its `updated_at`."""
    assignments = [
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder()) for name in values
    ]
    statement = sql.SQL("update auth.{} set {}, updated_at = now() where id = {}").format(
        sql.Identifier(table), sql.SQL(", ").join(assignments), sql.Placeholder()
    )
    await tx.execute(statement, [*_adapted(values), row_id])


def _adapted(values: Mapping[str, Any]) -> list[Any]:
    return [Jsonb(value) if isinstance(value, dict) else value for value in values.values()]
