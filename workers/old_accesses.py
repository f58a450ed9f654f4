"""Removes what the access log no longer has to keep, as each clinic's setting says."""

from __future__ import annotations

import logging
from typing import Any

from supabase import AsyncClient

logger = logging.getLogger(__name__)

PRUNE_EVERY = 3600.0
AT_ONCE = 10_000


class OldAccesses:
    """The access log's `worker` RPC, with the service's rights: it spans all clinics."""

    def __init__(self, client: AsyncClient) -> None:
        self._rpc = client.schema("worker").rpc

    async def look(self) -> bool:
        """Remove a batch; true while there may be more."""
        arguments: dict[str, Any] = {"most": AT_ONCE}
        answer = await self._rpc("prune_access_log", arguments).execute()
        removed: Any = answer.data
        if removed:
            logger.info("old_accesses_removed", extra={"removed": removed})
        return bool(removed == AT_ONCE)
