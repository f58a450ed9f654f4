"""Reports what happens to mails, signed as Resend signs (Svix headers), again until taken.

The API is told, unless `mailbox.webhook_url` names somebody else. In a stack without the API the
events still happen, nobody is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from standardwebhooks.webhooks import Webhook

from stack.config import StackConfig
from stack.mailbox.store import Event, Store, now

MAX_ATTEMPTS = 8
FIRST_WAIT = timedelta(seconds=0.5)
ANSWER_WITHIN = aiohttp.ClientTimeout(total=5)
log = logging.getLogger("mailbox")


class Reporter:
    """Takes events from the store as they become due."""

    def __init__(self, config: StackConfig, store: Store, accepted: asyncio.Event) -> None:
        api = None if "api" in config.without else f"{config.api_url}/v1/webhooks/resend"
        self._url: str | None = config.setting("mailbox.webhook_url", api)
        self._webhook = Webhook(config.keys.resend_webhook_secret)
        self._store = store
        self._accepted = accepted

    async def run(self) -> None:
        """Report for ever; sleeps until the next event is due or a mail was accepted."""
        async with aiohttp.ClientSession(timeout=ANSWER_WITHIN) as session:
            while True:
                self._accepted.clear()
                try:
                    event = self._store.next_event()
                    if event is not None and event.due_at <= now():
                        await self._report(session, event)
                        continue
                except sqlite3.Error as error:  # a full disk: reported again once there is room
                    log.error("cannot keep what was reported: %s", error)
                    await asyncio.sleep(FIRST_WAIT.total_seconds())
                    continue
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_seconds_until(event)):
                        await self._accepted.wait()

    async def _report(self, session: aiohttp.ClientSession, event: Event) -> None:
        mail = self._store.mail(event.mail_id)
        if mail is not None and event.attempts == 0:
            self._store.record(event)
        if mail is None or self._url is None or await self._post(session, event, mail):
            self._store.finish(event)
        elif event.attempts + 1 >= MAX_ATTEMPTS:
            log.warning("webhook %s given up", event.type)
            self._store.finish(event)
        else:
            self._store.postpone(event, FIRST_WAIT * 2**event.attempts)

    async def _post(
        self, session: aiohttp.ClientSession, event: Event, mail: dict[str, Any]
    ) -> bool:
        assert self._url is not None
        content = json.dumps(payload(event, mail))
        at = datetime.now(UTC)
        headers = {
            "content-type": "application/json",
            "svix-id": event.id,
            "svix-timestamp": str(int(at.timestamp())),
            "svix-signature": self._webhook.sign(event.id, at, content),
        }
        try:
            async with session.post(self._url, data=content, headers=headers) as answer:
                return 200 <= answer.status < 300
        except (aiohttp.ClientError, TimeoutError):
            return False


def payload(event: Event, mail: dict[str, Any]) -> dict[str, Any]:
    """The body of a webhook, as Resend documents it."""
    data: dict[str, Any] = {
        "email_id": mail["id"],
        "created_at": mail["created_at"],
        "from": mail["from"],
        "to": mail["to"],
        "subject": mail["subject"],
        "tags": {tag["name"]: tag["value"] for tag in mail["tags"]},
    }
    if event.type == "email.bounced":
        message = "The recipient's mail server rejected the message."
        data["bounce"] = {"message": message, "type": "Permanent", "subType": "General"}
    if event.type == "email.suppressed":
        message = "Resend has suppressed sending to this address."
        data["suppressed"] = {"message": message, "type": "OnAccountSuppressionList"}
    if event.type == "email.failed":
        data["failed"] = {"reason": "reached_daily_quota"}
    return {"type": event.type, "created_at": event.happens_at, "data": data}


def _seconds_until(event: Event | None) -> float | None:
    if event is None:
        return None
    return max(0.0, (datetime.fromisoformat(event.due_at) - datetime.now(UTC)).total_seconds())
