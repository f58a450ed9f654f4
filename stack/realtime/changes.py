"""postgres_changes: from a committed row change to the events of those who may see the row.

A change is looked up once, filters are evaluated once each, and row security once for each distinct
person (role and claims), however many subscriptions there are.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from psycopg import AsyncConnection

from stack.realtime.change_events import error_data, event_data
from stack.realtime.change_requests import ChangeRequest, Filter, InvalidRequest
from stack.realtime.changed_rows import ChangedRow, access_error, look_up
from stack.realtime.database import Database
from stack.realtime.frames import dumps
from stack.realtime.pgoutput import RowChange
from stack.realtime.tokens import Identity

if TYPE_CHECKING:
    from stack.realtime.channels import Channel

PUBLICATION = "supabase_realtime"
MAX_RECORD_BYTES = 1024 * 1024
KEPT_WHEN_TOO_LARGE = 64
log = logging.getLogger("realtime")

Values = dict[str, str | None]


@dataclass(frozen=True)
class Subscription:
    """One entry of a channel's `postgres_changes`, on behalf of an identity."""

    channel: Channel
    id: int
    request: ChangeRequest
    identity: Identity

    @property
    def person(self) -> tuple[str, str]:
        return self.identity.role, dumps(self.identity.claims)


class Changes:
    """All subscriptions; `publish` queues a change, `run` delivers them in commit order."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._subscriptions: dict[Channel, list[Subscription]] = {}
        self._queue: asyncio.Queue[RowChange] = asyncio.Queue()

    def publish(self, change: RowChange) -> None:
        if self._concerned(change):
            self._queue.put_nowait(change)

    def remove(self, channel: Channel) -> None:
        self._subscriptions.pop(channel, None)

    async def subscribe(
        self, channel: Channel, requests: dict[int, ChangeRequest], identity: Identity
    ) -> None:
        """Replace a channel's subscriptions. Raises InvalidRequest, psycopg.OperationalError."""
        async with self._database.connection() as connection:
            for request in requests.values():
                try:
                    await _check_request(connection, request, identity.role)
                except psycopg.OperationalError:
                    raise
                except psycopg.Error as error:
                    reason = error.diag.message_primary
                    raise InvalidRequest(_refusal(request, f"Exception: {reason}")) from None
        self._subscriptions[channel] = [
            Subscription(channel, number, request, identity) for number, request in requests.items()
        ]

    async def run(self) -> None:
        while True:
            change = await self._queue.get()
            try:
                await self._deliver(change)
            except psycopg.Error as error:
                log.warning("a change was not delivered: %s", error.sqlstate)
            except Exception as error:  # one odd table must not silence the others
                log.error("a change was not delivered: %s", type(error).__name__)

    def _concerned(self, change: RowChange) -> list[Subscription]:
        return [
            subscription
            for subscriptions in self._subscriptions.values()
            for subscription in subscriptions
            if subscription.request.concerns(change)
        ]

    async def _deliver(self, change: RowChange) -> None:
        concerned = self._concerned(change)
        if not concerned:
            return
        async with self._database.connection() as connection:
            row = await look_up(connection, change, {one.identity.role for one in concerned})
            if row is None:
                return
            refused = {one.identity.role: access_error(row, one.identity.role) for one in concerned}
            admitted = [one for one in concerned if not refused[one.identity.role]]
            admitted = await _passing_filters(connection, row, admitted)
            if row.has_row_security and change.kind != "DELETE":
                admitted = await _passing_row_security(connection, row, admitted)
        _send(row, admitted, None)
        for error in {error for error in refused.values() if error}:
            _send(row, [one for one in concerned if refused[one.identity.role] == error], error)


def _refusal(request: ChangeRequest, reason: str) -> str:
    return f"Unable to subscribe to changes with given parameters. {reason} {request}"


async def _check_request(connection: AsyncConnection, request: ChangeRequest, role: str) -> None:
    """Raises InvalidRequest or the database's own error for filters that cannot be evaluated."""
    tables = await connection.execute(
        """
        select format('%%I.%%I', schemaname, tablename)::regclass::oid
        from pg_publication_tables
        where pubname = %s and %s in (schemaname::text, '*') and %s in (tablename::text, '*')
        """,
        (PUBLICATION, request.schema, request.table),
    )
    oids = [oid for (oid,) in await tables.fetchall()]
    if not oids:
        reason = "Please check Realtime is enabled for the given connect parameters:"
        raise InvalidRequest(_refusal(request, reason))
    named = {one.column for one in request.filters} | (request.select or set())
    for oid in oids if named else ():
        rows = await connection.execute(
            """
            select attname, atttypid from pg_attribute
            where attrelid = %s and attnum > 0 and not attisdropped
              and has_column_privilege(%s::name, attrelid, attnum, 'select')
            """,
            (oid, role),
        )
        types: dict[str, int] = dict(await rows.fetchall())
        for one in request.filters:
            if one.column not in types:
                raise InvalidRequest(_refusal(request, f"invalid column for filter {one.column}"))
            await connection.execute(
                "select realtime.passes_filter(%s::oid, null, %s, %s, %s)",
                (types[one.column], one.operator, one.operand, one.negate),
            )
        for name in (request.select or set()) - types.keys():
            raise InvalidRequest(_refusal(request, f"invalid column for select {name}"))


async def _passing_filters(
    connection: AsyncConnection, row: ChangedRow, subscriptions: list[Subscription]
) -> list[Subscription]:
    values = row.old if row.change.kind == "DELETE" else row.new
    types = {column.name: column.type_oid for column in row.change.relation.columns}
    filters = {one for each in subscriptions for one in each.request.filters}
    known = [one for one in filters if one.column in values]
    passed: set[Filter] = set()
    if known:
        rows = await connection.execute(
            """
            select realtime.passes_filter(type_, val, operator, operand, negate)
            from unnest(%s::oid[], %s::text[], %s::text[], %s::text[], %s::bool[])
              with ordinality as filter (type_, val, operator, operand, negate, number)
            order by number
            """,
            (
                [types[one.column] for one in known],
                [values[one.column] for one in known],
                [one.operator for one in known],
                [one.operand for one in known],
                [one.negate for one in known],
            ),
        )
        results = await rows.fetchall()
        passed = {one for one, (passes,) in zip(known, results, strict=True) if passes}
    return [one for one in subscriptions if passed.issuperset(one.request.filters)]


async def _passing_row_security(
    connection: AsyncConnection, row: ChangedRow, subscriptions: list[Subscription]
) -> list[Subscription]:
    people = list({one.person for one in subscriptions})
    if not people:
        return []
    names = [column.name for column in row.key]
    rows = await connection.execute(
        """
        select realtime.is_visible(%s::oid, %s, %s, role, claims)
        from unnest(%s::text[], %s::text[]) with ordinality as person (role, claims, number)
        order by number
        """,
        (
            row.change.relation.oid,
            names,
            [row.new[name] for name in names],
            [role for role, _ in people],
            [claims for _, claims in people],
        ),
    )
    results = await rows.fetchall()
    seeing = {person for person, (visible,) in zip(people, results, strict=True) if visible}
    return [one for one in subscriptions if one.person in seeing]


def _send(row: ChangedRow, subscriptions: list[Subscription], error: str | None) -> None:
    groups: dict[tuple[str, frozenset[str] | None], dict[Channel, list[int]]] = defaultdict(dict)
    for one in subscriptions:
        group = groups[one.identity.role, one.request.select]
        group.setdefault(one.channel, []).append(one.id)
    for (role, select), channels in groups.items():
        data = error_data(row, error) if error else event_data(row, role, select)
        for channel, ids in channels.items():
            channel.push_change(f'{{"ids":{dumps(ids)},"data":{data}}}')
