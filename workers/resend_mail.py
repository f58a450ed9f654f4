"""Hands mails to Resend through its own package; alone or in batches.

The idempotency key is the message's or the batch's: a second try of what Resend already
accepted is answered with the first one's ids and reaches nobody twice. Every failure becomes one
`MailError` that says whether trying again can help and when; its reason is a code, no address.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import math
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import resend
from resend.exceptions import ResendError

from appoint.mail import Attachment
from appoint.settings import Settings
from workers.door import MISCONFIGURED_PAUSE, Door
from workers.frozen_mail import FrozenMail
from workers.mail_errors import MailError

logger = logging.getLogger(__name__)

TAG = "notification_id"
DEFAULT_RETRY_AFTER = 1.0
# Whatever an answer asks for, the provider is asked again then.
LONGEST_RETRY_AFTER = 3600.0
QUOTAS = ("daily_quota_exceeded", "monthly_quota_exceeded")
QUOTA_PAUSE = 600.0

Answer = TypeVar("Answer")


class ResendMail:
    """The door to Resend. While it is closed (429 and the like) nobody needs to try.

    `remembers` is how long, in seconds, Resend knows a key again, less an hour for clocks.
    """

    remembers = 23 * 3600
    largest_batch = 100

    def __init__(self, settings: Settings, http: resend.AsyncHTTPClient) -> None:
        assert settings.resend_api_key is not None, "checked when the process starts"
        # The package keeps its configuration in module globals: one account a process.
        resend.api_key = settings.resend_api_key.get_secret_value()
        resend.api_url = settings.resend_api_url.rstrip("/")
        resend.default_async_http_client = http
        self._door = Door()

    def closed_for(self) -> float:
        """Seconds until the provider wants to be asked again; 0 when it may be asked now."""
        return self._door.closed_for()

    async def send(
        self, mail: FrozenMail, *, notification_id: str, key: str, deadline: float
    ) -> str:
        """Have the mail accepted before `deadline` (of the loop) and return the provider's id.

        Waits for the provider's rate limit as long as the deadline allows. Raises MailError.
        """

        async def ask() -> str:
            body = _body(mail, notification_id)
            return str((await resend.Emails.send_async(body, {"idempotency_key": key}))["id"])

        return await self._until_answered(ask, deadline)

    async def send_batch(
        self, mails: Sequence[tuple[str, FrozenMail]], *, key: str, deadline: float
    ) -> list[str]:
        """As `send`, for several, each with its notification's id: all are accepted or none is.

        Raises MailError; it is `alone` if one of them was refused for what it is.
        """
        bodies = [_body(mail, notification_id) for notification_id, mail in mails]

        async def ask() -> list[str]:
            answer = await resend.Batch.send_async(bodies, {"idempotency_key": key})
            return [str(accepted["id"]) for accepted in answer["data"]]

        try:
            provider_ids = await self._until_answered(ask, deadline)
        except MailError as failure:
            if failure.permanent and failure.refused:
                raise MailError(failure.reason, retry_after=0, refused=True, alone=True) from None
            raise
        if len(provider_ids) != len(mails):
            raise MailError("answer:another_number_of_mails")
        return provider_ids

    async def _until_answered(
        self, ask: Callable[[], Awaitable[Answer]], deadline: float
    ) -> Answer:
        while True:
            await self._wait_until_open(deadline)
            if _now() >= deadline:
                # Begun too late, a request might still leave before it is cut off.
                raise MailError("timeout", refused=True)
            try:
                async with asyncio.timeout_at(deadline):
                    return await ask()
            except (KeyError, TypeError):
                raise MailError("answer:unreadable") from None
            except TimeoutError:
                raise MailError("timeout") from None
            except ResendError as error:
                failure = _judge(error)
                if failure.closed:
                    self._door.close(failure.retry_after or DEFAULT_RETRY_AFTER, failure.reason)
                    if error.error_type not in QUOTAS and failure.reason.startswith("429:"):
                        continue
                    logger.error("mail_provider_refuses_us", extra={"reason": failure.reason})
                raise failure from None

    async def _wait_until_open(self, deadline: float) -> None:
        """Raises MailError when the door stays closed past the deadline."""
        while (closed_for := self.closed_for()) > 0:
            if _now() + closed_for >= deadline:
                raise MailError(
                    self._door.closed_because, retry_after=closed_for, refused=True, closed=True
                )
            # Those who wait together must not all knock in the same instant.
            await asyncio.sleep(closed_for + random.uniform(0, 0.2))  # noqa: S311


def _body(mail: FrozenMail, notification_id: str) -> resend.Emails.SendParams:
    body: resend.Emails.SendParams = {
        "from": mail.sender,
        "to": [mail.to],
        "subject": mail.subject,
        "html": mail.html,
        "text": mail.text,
        # Resend's webhooks carry it, so that they find the message whatever happens here.
        "tags": [{"name": TAG, "value": notification_id}],
    }
    if mail.headers:
        # Sorted: the database does not keep their order, and a second try is the same request.
        body["headers"] = dict(sorted(mail.headers.items()))
    if mail.attachments:
        body["attachments"] = [_attached(attachment) for attachment in mail.attachments]
    return body


def _attached(attachment: Attachment) -> resend.Attachment:
    return {
        "filename": attachment.filename,
        "content": base64.b64encode(attachment.content).decode(),
        "content_type": attachment.content_type,
    }


def _now() -> float:
    return asyncio.get_running_loop().time()


def _judge(error: ResendError) -> MailError:
    """What an error of Resend means for the message: docs/errors of Resend, "Errors"."""
    status = int(error.code) if str(error.code).isdigit() else 500
    reason = f"{status}:{error.error_type}"
    if status == 429:
        pause = QUOTA_PAUSE if error.error_type in QUOTAS else DEFAULT_RETRY_AFTER
        return MailError(
            reason, retry_after=_retry_after(error) or pause, refused=True, closed=True
        )
    # 404, 405, 407: this is not Resend, but another address or a proxy that lets nothing through.
    if status in (401, 403, 404, 405, 407) or error.error_type == "invalid_from_address":
        return MailError(reason, retry_after=MISCONFIGURED_PAUSE, refused=True, closed=True)
    if status == 409 and error.error_type == "concurrent_idempotent_requests":
        return MailError(reason, retry_after=DEFAULT_RETRY_AFTER)
    # 400, 413, 422 are about this message. 409 with other bytes means that an earlier try was
    # accepted with other content: a person must look, nothing may be sent again.
    is_about_us = 400 <= status < 500 and status != 408
    return MailError(reason, permanent=is_about_us, refused=is_about_us and status != 409)


def _retry_after(error: ResendError) -> float | None:
    headers = {name.lower(): value for name, value in error.headers.items()}
    try:
        seconds = float(headers["retry-after"])
    except (KeyError, ValueError):
        return None
    return min(max(0.0, seconds), LONGEST_RETRY_AFTER) if math.isfinite(seconds) else None
