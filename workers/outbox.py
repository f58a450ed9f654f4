"""The queue of messages owed, as the database's `worker` schema offers it to the notifier.

The database is the truth: a claim is a lease, and only the holder of the lease may end it.
Claiming, completing and failing are at-least-once; the lease id makes a late call harmless.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from appoint.mail import Notification
from supabase import AsyncClient

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
    ) -> str:
        """Record a failed try and return the state that follows; no delay = the database's own.

        `error` is a code for staff and logs: never an address or a name.
        """
        answer = await self._rpc(
            "fail_notification",
            {
                "notification_id": str(claim.notification_id),
                "lease_id": str(claim.lease_id),
                "error": error,
                "retry_after_seconds": None if retry_after is None else round(retry_after + 0.5),  # type: ignore[dict-item]
                "permanent": permanent,  # type: ignore[dict-item]
            },
        ).execute()
        return str(answer.data)

    async def depth(self) -> dict[str, Any]:
        """How much waits, how old it is, how much is dead; counts only."""
        answer = await self._rpc("queue_depth", {}).execute()
        data: Any = answer.data
        row: dict[str, Any] = data[0] if isinstance(data, list) else data
        return row


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
