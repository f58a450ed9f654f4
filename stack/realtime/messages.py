"""The table realtime.messages from the server's side: broadcasts read from the log, replay of past
ones, and the daily partitions.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any

import psycopg

from stack.realtime.database import Database
from stack.realtime.frames import Broadcast, dumps
from stack.realtime.pgoutput import RowChange

MAX_REPLAYED = 25
MAINTENANCE_SECONDS = 3600.0
log = logging.getLogger("realtime")


class InvalidReplay(Exception):
    """The replay options of a join make no sense; the message says why."""


def is_message(change: RowChange) -> bool:
    return (change.relation.schema, change.relation.table) == ("realtime", "messages")


def broadcast_of(change: RowChange) -> tuple[str, bool, Broadcast] | None:
    """Topic, privacy and broadcast of a committed row; None for rows that announce nothing."""
    row = change.new or {}
    topic, event, private = row.get("topic"), row.get("event"), row.get("private")
    if not isinstance(topic, str) or not isinstance(event, str) or not isinstance(private, str):
        return None
    meta = {"id": row["id"]}
    payload, binary = row.get("payload"), row.get("binary_payload")
    if isinstance(binary, str):
        body = bytes.fromhex(binary.removeprefix("\\x"))
        return topic, private == "t", Broadcast(event, body, is_binary=True, meta=meta)
    if isinstance(payload, str):
        return topic, private == "t", Broadcast(event, payload.encode(), meta=meta)
    return None


async def replay(database: Database, topic: str, options: Any) -> list[Broadcast]:
    """The newest private broadcasts since `options.since` (Unix milliseconds), oldest first.

    Raises InvalidReplay for options that make no sense, psycopg.Error without the database.
    """
    since, limit = options.get("since"), options.get("limit") or MAX_REPLAYED
    if not isinstance(since, int) or not isinstance(limit, int):
        raise InvalidReplay("Replay params are not valid")
    try:
        start = datetime.fromtimestamp(since / 1000, UTC).replace(tzinfo=None)
    except (OverflowError, OSError, ValueError):
        raise InvalidReplay("Replay params are not valid") from None
    async with database.connection() as connection:
        rows = await connection.execute(
            """
            select id::text, event, payload, binary_payload from realtime.messages
            where topic = %s and private is true and extension = 'broadcast'
              and inserted_at >= %s and inserted_at < now() + interval '1 minute'
            order by inserted_at desc limit %s
            """,
            (topic, start, max(1, min(limit, MAX_REPLAYED))),
        )
        found = await rows.fetchall()
    return [_replayed(*row) for row in reversed(found)]


def _replayed(row_id: str, event: str, payload: Any, binary: bytes | None) -> Broadcast:
    meta = {"replayed": True, "id": row_id}
    if binary is not None:
        return Broadcast(event, binary, is_binary=True, meta=meta)
    whole = {"payload": payload, "event": event, "type": "broadcast", "meta": meta}
    return Broadcast(event, meta=meta, whole=dumps(whole))


async def keep_partitions(database: Database, ready: asyncio.Event) -> None:
    """Make tomorrow's partitions and drop outdated ones, now and every hour."""
    while True:
        await ready.wait()
        try:
            async with database.connection() as connection:
                await connection.execute("select realtime.maintain_partitions()")
        except psycopg.Error as error:
            log.warning("partitions were not maintained: %s", error.sqlstate)
        await asyncio.sleep(MAINTENANCE_SECONDS)
