"""A few connections to the project's database as supabase_admin, kept only while they work."""

from __future__ import annotations

import asyncio
import select
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import AsyncConnection
from psycopg.pq import TransactionStatus

from stack.config import StackConfig

MAX_CONNECTIONS = 3
STATEMENT_TIMEOUT = "10s"


class Database:
    """Lends connections in autocommit mode. One that died with PostgreSQL is never lent again."""

    def __init__(self, config: StackConfig) -> None:
        self._url = config.db_url("supabase_admin")
        self._idle: list[AsyncConnection] = []
        self._places = asyncio.Semaphore(MAX_CONNECTIONS)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """Raises psycopg.OperationalError when the database cannot be reached."""
        async with self._places:
            connection = self._living() or await self._connect()
            try:
                yield connection
            finally:
                if connection.info.transaction_status == TransactionStatus.IDLE:
                    self._idle.append(connection)
                else:
                    await connection.close()

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().close()

    def _living(self) -> AsyncConnection | None:
        while self._idle:
            connection = self._idle.pop()
            if not _has_input(connection):
                return connection
            connection.pgconn.finish()
        return None

    async def _connect(self) -> AsyncConnection:
        return await AsyncConnection.connect(
            self._url,
            autocommit=True,
            connect_timeout=5,
            application_name="realtime",
            options=f"-c statement_timeout={STATEMENT_TIMEOUT} -c timezone=UTC -c jit=off",
        )


def _has_input(connection: AsyncConnection) -> bool:
    """What an idle connection has to say is its end, or that the server is about to end it."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
