"""Deletes the accounts of erased people that the API did not get to delete itself."""

from __future__ import annotations

import logging
from typing import Any

from supabase import AsyncClient
from supabase_auth.errors import AuthApiError, AuthError

logger = logging.getLogger(__name__)

BATCH = 50
LOOK_EVERY = 60.0
GONE = "user_not_found"


class ErasedLogIns:
    """Asks the database whom to delete, and Auth to do it, both with the service's rights."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def look(self) -> bool:
        """Delete what is queued. True: there may be more.

        An account that Auth will not delete keeps no other; raises AuthError once all were tried.
        """
        parameters: dict[str, Any] = {"most": BATCH}
        answer = await self._client.schema("worker").rpc("log_ins_to_delete", parameters).execute()
        user_ids: list[Any] = answer.data  # type: ignore[assignment]
        deleted = 0
        failure: AuthError | None = None
        for user_id in user_ids:
            try:
                deleted += await self._delete(str(user_id))
            except AuthError as error:
                failure = error
                logger.warning("log_in_not_deleted", extra={"user_id": user_id, "code": error.code})
        if deleted:
            logger.info("log_ins_deleted", extra={"deleted": deleted})
        if failure:
            raise failure
        return deleted == BATCH

    async def _delete(self, user_id: str) -> bool:
        """False: somebody was quicker, and the queue's row went with the account."""
        try:
            await self._client.auth.admin.delete_user(user_id)
        except AuthApiError as error:
            # By the code: a 404 may also come from another server than Auth.
            if error.code != GONE:
                raise
            return False
        return True
