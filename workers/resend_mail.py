"""Hands mails to Resend through its own package, one HTTP request each, on keep-alive connections.

The notification's id is the idempotency key: a second try of a message that Resend already accepted
is answered with the first one's id and reaches nobody twice. Every failure becomes one `MailError`
that says whether trying again can help and when; its reason is a code, never an address.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import random
import time
from collections.abc import Mapping
from typing import Any

import httpx
import resend
from resend.exceptions import ResendError

from appoint.mail import Attachment, Mail
from appoint.settings import Settings

logger = logging.getLogger(__name__)

DEFAULT_RETRY_AFTER = 1.0
# Our key or our domain is refused: every message would be, until a person repairs it.
MISCONFIGURED_PAUSE = 30.0
QUOTAS = ("daily_quota_exceeded", "monthly_quota_exceeded")
QUOTA_PAUSE = 600.0


class MailError(Exception):
    """The mail was not accepted, as far as is known.

    `retry_after` is in seconds, None where the provider named no delay.
    """

    def __init__(
        self, reason: str, *, retry_after: float | None = None, permanent: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after
        self.permanent = permanent


class _KeepAliveHttp(resend.AsyncHTTPClient):
    """Resend's transport interface on one pool; its own opens a connection for every mail."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def request(  # noqa: PLR0917 - the library's signature
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        json: Any = None,
        files: Any = None,
        data: Any = None,
    ) -> tuple[bytes, int, Mapping[str, str]]:
        answer = await self._http.request(method, url, headers=headers, json=json)
        return answer.content, answer.status_code, answer.headers


class ResendMail:
    """The door to Resend. While it is closed (429 and the like) nobody needs to try."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        assert settings.resend_api_key is not None, "checked when the process starts"
        # The package keeps its configuration in module globals: one account a process.
        resend.api_key = settings.resend_api_key.get_secret_value()
        resend.api_url = settings.resend_api_url.rstrip("/")
        resend.default_async_http_client = _KeepAliveHttp(http)
        self._from = settings.appoint_mail_from
        self._closed_until = 0.0

    def closed_for(self) -> float:
        """Seconds until the provider wants to be asked again; 0 when it may be asked now."""
        return max(0.0, self._closed_until - time.monotonic())

    async def send(self, mail: Mail, *, to: str, key: str, deadline: float) -> str:
        """Have the mail accepted before `deadline` (monotonic) and return the provider's id.

        Waits for the provider's rate limit as long as the deadline allows. Raises MailError.
        """
        while True:
            await self._wait_until_open(deadline)
            try:
                async with asyncio.timeout_at(_loop_time(deadline)):
                    return await self._send_once(mail, to, key)
            except TimeoutError:
                raise MailError("timeout") from None
            except ResendError as error:
                failure = _judge(error)
                if failure.reason.startswith("429:"):
                    self._close(failure.retry_after or DEFAULT_RETRY_AFTER)
                    if failure.reason.partition(":")[2] not in QUOTAS:
                        continue
                elif failure.reason.startswith(("401:", "403:")):
                    self._close(MISCONFIGURED_PAUSE)
                    logger.error("mail_provider_refuses_us", extra={"reason": failure.reason})
                raise failure from None

    async def _send_once(self, mail: Mail, to: str, key: str) -> str:
        request: resend.Emails.SendParams = {
            "from": self._from,
            "to": [to],
            "subject": mail.subject,
            "html": mail.html,
            "text": mail.text,
        }
        if mail.attachments:
            request["attachments"] = [_attached(attachment) for attachment in mail.attachments]
        accepted = await resend.Emails.send_async(request, {"idempotency_key": key})
        return str(accepted["id"])

    async def _wait_until_open(self, deadline: float) -> None:
        """Raises MailError when the door stays closed past the deadline."""
        while (closed_for := self.closed_for()) > 0:
            if time.monotonic() + closed_for >= deadline:
                raise MailError("429:closed", retry_after=closed_for)
            # Those who wait together must not all knock in the same instant.
            await asyncio.sleep(closed_for + random.uniform(0, 0.2))  # noqa: S311

    def _close(self, seconds: float) -> None:
        self._closed_until = max(self._closed_until, time.monotonic() + seconds)


def _attached(attachment: Attachment) -> resend.Attachment:
    return {
        "filename": attachment.filename,
        "content": base64.b64encode(attachment.content).decode(),
        "content_type": attachment.content_type,
    }


def _loop_time(deadline: float) -> float:
    return asyncio.get_running_loop().time() + deadline - time.monotonic()


def _judge(error: ResendError) -> MailError:
    """What an error of Resend means for the message: docs/errors of Resend, "Errors"."""
    status = int(error.code) if str(error.code).isdigit() else 500
    reason = f"{status}:{error.error_type}"
    if status == 429:
        pause = QUOTA_PAUSE if error.error_type in QUOTAS else DEFAULT_RETRY_AFTER
        return MailError(reason, retry_after=_retry_after(error) or pause)
    if status in (401, 403):
        return MailError(reason, retry_after=MISCONFIGURED_PAUSE)
    if status == 409 and error.error_type == "concurrent_idempotent_requests":
        return MailError(reason, retry_after=DEFAULT_RETRY_AFTER)
    # 400, 404, 413, 422 are about this message. 409 with other bytes means that an earlier try was
    # accepted and its content has changed since: a person must look, nothing may be sent again.
    return MailError(reason, permanent=400 <= status < 500 and status != 408)


def _retry_after(error: ResendError) -> float | None:
    headers = {name.lower(): value for name, value in error.headers.items()}
    try:
        return max(0.0, float(headers["retry-after"]))
    except (KeyError, ValueError):
        return None
