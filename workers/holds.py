"""Ends holds that nobody confirmed in time, so that open screens show their times as free.

Nothing depends on it: a hold that is over is in nobody's way, and whoever books its time ends it.
"""

from __future__ import annotations

import logging
from typing import Any

from supabase import AsyncClient

logger = logging.getLogger(__name__)

BATCH = 100


class Holds:
    """The holds' `worker` RPC, with the service's rights: it spans all clinics."""

    def __init__(self, client: AsyncClient) -> None:
        self._rpc = client.schema("worker").rpc

    async def look(self) -> bool:
        """End what is over. True: there may be more."""
        answer = await self._rpc("expire_holds", {"batch": BATCH}).execute()  # type: ignore[dict-item]
        ended: Any = answer.data
        if ended:
            logger.info("holds_ended", extra={"ended": ended})
        return bool(ended == BATCH)
