"""Removes what has done its work: request ids, message bodies, ids of delivery events."""

from __future__ import annotations

import logging
from typing import Any

from supabase import AsyncClient

logger = logging.getLogger(__name__)

TIDY_EVERY = 300.0
MOST = 1000


class Tidying:
    """The housekeeping's `worker` RPC, with the service's rights: it spans all clinics."""

    def __init__(self, client: AsyncClient) -> None:
        self._rpc = client.schema("worker").rpc

    async def look(self) -> bool:
        """Remove some of what can go. True: there may be more."""
        parameters: dict[str, Any] = {"most": MOST}
        removed: Any = (await self._rpc("tidy", parameters).execute()).data
        if removed:
            logger.info("tidied", extra={"removed": removed})
        return bool(removed >= MOST)
