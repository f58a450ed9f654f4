"""Plans the reminders that no change of a visit has queued.

They are of patients who have had an address only since, or at times that their clinic chose since.
"""

from __future__ import annotations

import logging
from typing import Any

from supabase import AsyncClient

logger = logging.getLogger(__name__)

PLAN_EVERY = 300.0
MOST = 1000


class Reminders:
    """The reminders' `worker` RPC, with the service's rights: it spans all clinics."""

    def __init__(self, client: AsyncClient) -> None:
        self._rpc = client.schema("worker").rpc

    async def look(self) -> bool:
        """Plan some of what is missing for the next hours. True: there may be more."""
        parameters: dict[str, Any] = {"most": MOST}
        planned: Any = (await self._rpc("plan_reminders", parameters).execute()).data
        if planned:
            logger.info("reminders_planned", extra={"planned": planned})
        return bool(planned >= MOST)
