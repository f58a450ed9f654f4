"""Deletes the accounts of erased people that the API did not get to delete itself."""

from __future__ import annotations

import logging
from typing import Any

from supabase import AsyncClient
from supabase_auth.errors import AuthApiError

logger = logging.getLogger(__name__)

BATCH = 50
LOOK_EVERY = 60.0
GONE = 404


class ErasedLogIns:
    """Asks the database whom to delete, and Auth to do it, both with the service's rights."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def look(self) -> bool:
        """Delete what is queued. True: there may be more."""
        parameters: dict[str, Any] = {"most": BATCH}
        answer = await self._client.schema("worker").rpc("log_ins_to_delete", parameters).execute()
        user_ids: list[Any] = answer.data  # type: ignore[assignment]
        for user_id in user_ids:
            await self._delete(str(user_id))
        if user_ids:
            logger.info("log_ins_deleted", extra={"deleted": len(user_ids)})
        return len(user_ids) == BATCH

    async def _delete(self, user_id: str) -> None:
        try:
            await self._client.auth.admin.delete_user(user_id)
        except AuthApiError as error:
            # Whoever was quicker, the queue's row went with the account.
            if error.status != GONE:
                raise
