"""Connections to PostgreSQL as supabase_auth_admin: a small pool that outlives restarts."""

from __future__ import annotations

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

PATIENCE = 3.0


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
            timeout=PATIENCE,
            # Give up early: the next request tries again at once, so a restarted server is met
            # immediately instead of after a long back-off.
            reconnect_timeout=1,
            check=AsyncConnectionPool.check_connection,
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
            async with self._pool.connection() as connection:
                yield connection
        except (PoolTimeout, OperationalError) as error:
            raise DatabaseTimeout from error


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
