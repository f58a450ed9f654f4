"""Seals the history of every clinic, and writes each seal into the log.

Whoever can alter the whole database can rewrite the history and its seals; they cannot rewrite the
log lines that were shipped elsewhere before.
"""

from __future__ import annotations

import logging
from typing import Any

from supabase import AsyncClient

logger = logging.getLogger(__name__)

SEAL_EVERY = 60.0
# What one look takes, so that it ends in time also after an import of years.
MOST_CLINICS = 100
MOST_EVENTS = 2000


class History:
    """The history's `worker` RPC, with the service's rights: it spans all clinics."""

    def __init__(self, client: AsyncClient) -> None:
        self._rpc = client.schema("worker").rpc

    async def look(self) -> bool:
        """Seal some of what is new. True: there may be more."""
        most: dict[str, Any] = {"most_clinics": MOST_CLINICS, "most_events": MOST_EVENTS}
        answer = await self._rpc("seal_history", most).execute()
        seals: list[Any] = answer.data  # type: ignore[assignment]
        for seal in seals:
            logger.info("history_sealed", extra=seal)
        is_one_full = any(seal["event_count"] >= MOST_EVENTS for seal in seals)
        return is_one_full or len(seals) == MOST_CLINICS
