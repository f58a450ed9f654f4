"""The queue of messages owed, as the database's `worker` schema offers it to the notifier.

The database is the truth: a claim is a lease, and only the holder of the lease may end it.
Claiming, completing and failing are at-least-once; the lease id makes a late call harmless.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any
from uuid import UUID

from supabase import AsyncClient

from appoint.mail import Message, message_from_row
from appoint.queue_depth import QueueDepth
from workers.frozen_mail import FrozenMail
from workers.mail_errors import MailError

logger = logging.getLogger(__name__)

LARGEST_BATCH = 500


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A claimed row that is not a notification; it must be failed, not stop the others."""

    notification_id: UUID
    lease_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class Frozen:
    """A claimed message that was tried before: its mail is already written."""

    notification_id: UUID
    lease_id: UUID
    kind: str
    channel: str
    attempts: int
    may_share: bool
    appointment_id: UUID | None
    mail: FrozenMail


Claim = Message | Frozen | Unreadable


@dataclass(frozen=True, slots=True)
class Letter:
    """A claimed message and its mail. `may_share`: it can go with others, which the transport could
    take, too."""

    claim: Message | Frozen
    mail: FrozenMail
    may_share: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """When, in seconds from now, a message may be tried, under which key; with which others, if not
    alone."""

    starts_in: float
    key: str
    batch_id: UUID | None = None


class Outbox:
    """The `worker` RPCs, with the service's rights: the queue belongs to no single clinic."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client.schema("worker")
        self._completed: list[tuple[Claim, str, asyncio.Future[bool]]] = []
        self._completing: asyncio.Task[None] | None = None

    async def _rpc(self, function: str, **parameters: Any) -> Any:
        return (await self._client.rpc(function, parameters).execute()).data

    async def claim(
        self, batch: int, lease_seconds: int, remembered_seconds: int, bulk: int | None
    ) -> list[Claim]:
        """Lease at most `batch` messages that are due, the most urgent first.

        With `bulk`, at most so many of the least urgent come on top, once no others are left. What
        was tried longer ago than the transport remembers is not handed out again.
        """
        rows = await self._rpc(
            "claim_notifications",
            batch=batch,
            lease_seconds=lease_seconds,
            remembered_seconds=remembered_seconds,
            bulk=bulk,
        )
        return [_read(row) for row in rows]

    async def begin(
        self, letters: Sequence[Letter], per_second: float, within: float
    ) -> dict[UUID, Turn]:
        """Freeze claimed messages before they are tried; when each may start, and in which batch.

        Those that could not start `within` seconds without asking the provider too often went back
        into the queue and are left out, as are those that do not hold any more.
        """
        rows = await self._rpc(
            "begin_sending",
            messages=[
                {
                    "notification_id": str(letter.claim.notification_id),
                    "lease_id": str(letter.claim.lease_id),
                    "frozen": letter.mail.as_json(),
                    "bulk": letter.may_share,
                }
                for letter in letters
            ],
            per_second=per_second,
            within_seconds=within,
        )
        return {
            UUID(row["notification_id"]): Turn(
                float(row["starts_in"]),
                row["sending_key"],
                UUID(row["batch_id"]) if row["batch_id"] else None,
            )
            for row in rows
        }

    async def pause(self, seconds: float, reason: str) -> None:
        """Keep all workers from asking the provider for that long; operators read the reason."""
        await self._rpc("pause_sending", seconds=seconds, reason=reason)

    async def complete(self, claim: Claim, provider_message_id: str) -> bool:
        """Record that the provider has accepted the message; False when the lease is not ours.

        Whatever else is completed while a request is on its way shares the next one.
        """
        outcome: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._completed.append((claim, provider_message_id, outcome))
        if self._completing is None or self._completing.done():
            self._completing = asyncio.create_task(self._complete_all())
        return await outcome

    async def _complete_all(self) -> None:
        while self._completed:
            batch, self._completed = (
                self._completed[:LARGEST_BATCH],
                self._completed[LARGEST_BATCH:],
            )
            try:
                answer = await self._rpc(
                    "complete_notifications",
                    notification_ids=[str(claim.notification_id) for claim, _, _ in batch],
                    lease_ids=[str(claim.lease_id) for claim, _, _ in batch],
                    provider_message_ids=[provider_id for _, provider_id, _ in batch],
                )
            except Exception as error:
                for _, _, outcome in batch:
                    if not outcome.done():
                        outcome.set_exception(error)
                continue
            held: set[Any] = set(answer)
            for claim, _, outcome in batch:
                if not outcome.done():
                    outcome.set_result(str(claim.notification_id) in held)

    async def fail(
        self, claims: Sequence[Claim], failure: MailError, retry_after: float | None
    ) -> dict[UUID, str]:
        """Record a failed try of all of these; the status of each whose lease is ours.

        Without a delay the database chooses one that grows with the tries.
        """
        rows = await self._rpc(
            "fail_notifications",
            notification_ids=[str(claim.notification_id) for claim in claims],
            lease_ids=[str(claim.lease_id) for claim in claims],
            error=failure.reason,
            retry_after_seconds=None if retry_after is None else ceil(retry_after),
            permanent=failure.permanent,
            refused=failure.refused,
            alone=failure.alone,
            closed=failure.closed,
        )
        return {UUID(row["notification_id"]): str(row["status"]) for row in rows}

    async def depth(self) -> QueueDepth:
        """How much waits, how late it is, how much is dead."""
        rows = await self._rpc("queue_depth")
        return QueueDepth.from_row(rows[0])


def _read(row: dict[str, Any]) -> Claim:
    try:
        if row["frozen"] is not None:
            return Frozen(
                notification_id=UUID(row["notification_id"]),
                lease_id=UUID(row["lease_id"]),
                kind=row["kind"],
                channel=row["channel"],
                attempts=row["attempts"],
                may_share=row["may_share"],
                appointment_id=UUID(row["appointment_id"]) if row["appointment_id"] else None,
                mail=FrozenMail.from_json(row["frozen"]),
            )
        return message_from_row(row)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        logger.exception(
            "notification_unreadable", extra={"notification_id": row["notification_id"]}
        )
        return Unreadable(
            notification_id=UUID(row["notification_id"]),
            lease_id=UUID(row["lease_id"]),
            reason=f"unreadable:{type(error).__name__}",
        )
