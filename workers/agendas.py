"""Queues each provider's list of the day, ahead of seven o'clock where the provider works."""

from __future__ import annotations

import logging
from typing import Any

from supabase import AsyncClient

logger = logging.getLogger(__name__)

PLAN_EVERY = 300.0


class Agendas:
    """The agendas' `worker` RPC, with the service's rights: it spans all clinics."""

    def __init__(self, client: AsyncClient) -> None:
        self._rpc = client.schema("worker").rpc

    async def look(self) -> bool:
        """Queue what is due within the next hours; all of it is done at once."""
        answer = await self._rpc("plan_agendas", {}).execute()
        planned: Any = answer.data
        if planned:
            logger.info("agendas_planned", extra={"planned": planned})
        return False
