"""The server's place at the write-ahead log: one temporary slot over the project's publication and
the server's own. When PostgreSQL goes away it comes back by itself with a new slot; what happened
in between is not replayed, as with the real server.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import struct
from collections.abc import AsyncIterator, Callable, Iterator

import psycopg
from psycopg import AsyncClientCursor, AsyncConnection
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn

from stack.config import StackConfig
from stack.realtime.pgoutput import Decoder, RowChange

PUBLICATIONS = ("supabase_realtime", "supabase_realtime_messages_publication")
RETRY_SECONDS = 0.5
FEEDBACK_SECONDS = 10.0
log = logging.getLogger("realtime")


class Replication:
    """Feeds committed row changes to `on_change`, in commit order, while PostgreSQL is there."""

    def __init__(
        self,
        config: StackConfig,
        on_change: Callable[[RowChange], None],
        on_ready: Callable[[], None],
    ) -> None:
        self._url = config.db_url("supabase_admin")
        self._on_change = on_change
        self._on_ready = on_ready
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Stream until cancelled, reconnecting whenever the connection ends."""
        while True:
            try:
                await self._connect_and_stream()
            except (psycopg.Error, OSError) as error:
                if self.ready.is_set():
                    log.info("replication ended: %s", type(error).__name__)
            except Exception as error:  # a record we cannot read: go on after it
                log.error("replication failed: %s", type(error).__name__)
            finally:
                self.ready.clear()
            await asyncio.sleep(RETRY_SECONDS)

    async def _connect_and_stream(self) -> None:
        connection = await AsyncConnection.connect(
            self._url,
            autocommit=True,
            connect_timeout=5,
            replication="database",
            application_name="realtime",
        )
        try:
            await self._stream(connection)
        finally:
            await connection.close()

    async def _stream(self, connection: AsyncConnection) -> None:
        slot = f"realtime_{os.getpid()}_{os.urandom(3).hex()}"
        await AsyncClientCursor(connection).execute(
            f"CREATE_REPLICATION_SLOT {slot} TEMPORARY LOGICAL pgoutput NOEXPORT_SNAPSHOT"
        )
        publications = ",".join(PUBLICATIONS)
        pgconn = connection.pgconn
        with _readable(pgconn.socket) as readable:
            pgconn.send_query(
                f"START_REPLICATION SLOT {slot} LOGICAL 0/0 "
                f"(proto_version '1', publication_names '{publications}')".encode()
            )
            await _wait_for_copy(pgconn, readable)
            log.info("replication started")
            self.ready.set()
            self._on_ready()
            await self._receive(pgconn, readable)

    async def _receive(self, pgconn: PGconn, readable: asyncio.Event) -> None:
        decoder, seen = Decoder(), 0
        async for message in _messages(pgconn, readable):
            if message is None:
                _send_feedback(pgconn, seen)
            elif message[:1] == b"w":
                start, _end, _sent_at = struct.unpack("!qqq", message[1:25])
                change = decoder.decode(message[25:])
                seen = max(seen, start)
                if change:
                    self._on_change(change)
            elif message[:1] == b"k":
                end, _sent_at, reply_requested = struct.unpack("!qqb", message[1:18])
                # Everything up to `end` was sent before this, so it is handled.
                seen = max(seen, end)
                if reply_requested:
                    _send_feedback(pgconn, seen)


@contextlib.contextmanager
def _readable(descriptor: int) -> Iterator[asyncio.Event]:
    event, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(descriptor, event.set)
    try:
        yield event
    finally:
        loop.remove_reader(descriptor)


async def _wait_for_copy(pgconn: PGconn, readable: asyncio.Event) -> None:
    while pgconn.is_busy():
        await readable.wait()
        readable.clear()
        pgconn.consume_input()
    result = pgconn.get_result()
    if result is None or result.status != ExecStatus.COPY_BOTH:
        raise psycopg.OperationalError("the server does not stream its log")


async def _messages(pgconn: PGconn, readable: asyncio.Event) -> AsyncIterator[bytes | None]:
    """Copy messages as they come; None when feedback is due although none came."""
    while True:
        while True:
            size, data = pgconn.get_copy_data(1)
            if size <= 0:
                break
            yield bytes(data)
        if size < 0:
            raise psycopg.OperationalError("the stream ended")
        try:
            async with asyncio.timeout(FEEDBACK_SECONDS):
                await readable.wait()
        except TimeoutError:
            yield None
        readable.clear()
        pgconn.consume_input()


def _send_feedback(pgconn: PGconn, seen: int) -> None:
    pgconn.put_copy_data(struct.pack("!cqqqqb", b"r", seen, seen, seen, 0, 0))
    pgconn.flush()
