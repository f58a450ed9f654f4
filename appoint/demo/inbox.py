"""Reads a patient's mail where the local stack's mailbox keeps it."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from appoint.demo.failures import DemoFailed

LOOK_EVERY = 0.02  # seconds
WAIT_AT_MOST = 20.0  # seconds; longer than one sweep of a worker nobody woke


class Inbox:
    """The mail of one address, each message handed out once."""

    def __init__(self, http: httpx.AsyncClient, mailbox_url: str, address: str) -> None:
        self._http = http
        self._url = f"{mailbox_url.rstrip('/')}/inbox.json"
        self._address = address
        self._seen: set[str] = set()

    async def look(self) -> list[dict[str, Any]]:
        """What has arrived since the last look. Raises DemoFailed if there is no such mailbox."""
        answer = await self._http.get(self._url, params={"to": self._address})
        if answer.status_code != 200:
            raise DemoFailed(
                "RESEND_API_URL is not the local mailbox, so the demo could not read its mail; "
                "`make up` starts one"
            )
        fresh = [mail for mail in answer.json() if mail["id"] not in self._seen]
        self._seen.update(mail["id"] for mail in fresh)
        return fresh

    async def next(self) -> dict[str, Any]:
        """Wait for the next message. Raises DemoFailed if none arrives in time."""
        try:
            async with asyncio.timeout(WAIT_AT_MOST):
                while not (fresh := await self.look()):  # noqa: ASYNC110 - HTTP has no event
                    await asyncio.sleep(LOOK_EVERY)
        except TimeoutError:
            raise DemoFailed(
                f"no mail after {WAIT_AT_MOST:.0f} s; is the worker running? (`appoint status`)"
            ) from None
        return fresh[-1]  # the mailbox lists the newest first
