"""Offers freed times to waiting patients and ends offers that nobody answered.

The database chooses whom and keeps the time; this only asks it to, often enough.
"""

from __future__ import annotations

import logging
from typing import Any

from supabase import AsyncClient

logger = logging.getLogger(__name__)

BATCH = 20


class Waitlist:
    """The waiting list's `worker` RPCs, with the service's rights: it spans all clinics."""

    def __init__(self, client: AsyncClient) -> None:
        self._rpc = client.schema("worker").rpc

    async def look(self) -> bool:
        """End what is over, offer what is free. True: there may be more."""
        expired = await self._call("expire_offers", BATCH)
        freed = offered = 0
        # One freed time a transaction: what it offers is locked no longer than that takes.
        for _ in range(BATCH):
            (looked,) = await self._call("offer_freed_slots", 1)
            offered += looked["offered"]
            freed += looked["freed"]
            if not looked["freed"]:
                break
        if expired or offered:
            logger.info("offered", extra={"offered": offered, "expired": expired})
        return bool(BATCH in (expired, freed))

    async def _call(self, function: str, batch: int) -> Any:
        answer = await self._rpc(function, {"batch": batch}).execute()  # type: ignore[dict-item]
        return answer.data
