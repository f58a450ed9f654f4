"""The queue of messages owed, as the database's `worker` schema offers it to the notifier.

The database is the truth: a claim is a lease, and only the holder of the lease may end it.
Claiming, completing and failing are at-least-once; the lease id makes a late call harmless.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from math import ceil
from typing import Any
from uuid import UUID

from supabase import AsyncClient

from appoint.mail import Notification
from appoint.queue_depth import QueueDepth

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A claimed row that is not a notification; it must be failed, not stop the others."""

    notification_id: UUID
    lease_id: UUID
    reason: str


Claim = Notification | Unreadable


class Outbox:
    """The `worker` RPCs, with the service's rights: the queue belongs to no single clinic."""

    def __init__(self, client: AsyncClient) -> None:
        self._rpc = client.schema("worker").rpc

    async def claim(self, batch: int, lease_seconds: int) -> list[Claim]:
        """Lease at most `batch` messages that are due, oldest first."""
        answer = await self._rpc(
            "claim_notifications",
            {"batch": batch, "lease_seconds": lease_seconds},  # type: ignore[dict-item]
        ).execute()
        rows: list[Any] = answer.data  # type: ignore[assignment]
        return [_read(row) for row in rows]

    async def complete(self, claim: Claim, provider_message_id: str) -> bool:
        """Record that the provider has accepted the message; False when the lease is not ours."""
        answer = await self._rpc(
            "complete_notification",
            {
                "notification_id": str(claim.notification_id),
                "lease_id": str(claim.lease_id),
                "provider_message_id": provider_message_id,
            },
        ).execute()
        return bool(answer.data)

    async def fail(
        self, claim: Claim, error: str, *, retry_after: float | None, permanent: bool
    ) -> str | None:
        """Record a failed try and return the status that follows, None when the lease is not ours.

        Without a delay the database chooses one that grows with the tries.
        `error` is a code for staff and logs: never an address or a name.
        """
        answer = await self._rpc(
            "fail_notification",
            {
                "notification_id": str(claim.notification_id),
                "lease_id": str(claim.lease_id),
                "error": error,
                "retry_after_seconds": None if retry_after is None else ceil(retry_after),  # type: ignore[dict-item]
                "permanent": permanent,  # type: ignore[dict-item]
            },
        ).execute()
        status: Any = answer.data
        return None if status is None else str(status)

    async def depth(self) -> QueueDepth:
        """How much waits, how late it is, how much is dead."""
        answer = await self._rpc("queue_depth", {}).execute()
        rows: list[Any] = answer.data  # type: ignore[assignment]
        return QueueDepth.from_row(rows[0])


def _read(row: dict[str, Any]) -> Claim:
    try:
        return Notification.from_row(row)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        logger.exception(
            "notification_unreadable", extra={"notification_id": row["notification_id"]}
        )
        return Unreadable(
            notification_id=UUID(row["notification_id"]),
            lease_id=UUID(row["lease_id"]),
            reason=f"unreadable:{type(error).__name__}",
        )
