"""Mail with codes and links: through the send-mail hook when it is on, else to the mail API.

Nothing is sent inside a transaction: handlers store the code, commit, and then send.
"""

from __future__ import annotations

import json
import time
from collections import deque
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from stack.auth.errors import AuthError, unexpected_failure
from stack.auth.hooks import call_http_hook, metadata
from stack.auth.mail_texts import render
from stack.auth.one_time_codes import Purpose
from stack.auth.outgoing import post
from stack.auth.settings import AuthSettings
from stack.config import StackConfig

SECONDS = 5.0
HOUR = 3600.0

_FAILURES = {
    "signup": "Error sending confirmation email",
    "invite": "Error sending invite email",
    "recovery": "Error sending recovery email",
    "magiclink": "Error sending magic link email",
    "email_change": "Error sending email change email",
    "reauthentication": "Error sending reauthentication email",
}


@dataclass(frozen=True)
class Letter:
    """One mail: to whom, which code, and the hash that its link carries."""

    address: str
    code: str
    token_hash: str


@dataclass(frozen=True)
class Mailing:
    """What one request sends: a letter, or two when an address changes from old to new.

    The letter to the new address comes first. `user` is the JSON that hooks are shown, `purpose`
    what the user may ask for again at once when the mail could not be sent.
    """

    action: str
    user: dict[str, Any]
    purpose: Purpose
    redirect_to: str
    client_address: str
    letters: tuple[Letter, ...]


class Mailer:
    """Sends, and keeps count of how much was sent in the last hour."""

    def __init__(self, config: StackConfig, settings: AuthSettings) -> None:
        self._config = config
        self._settings = settings
        self._sent: deque[float] = deque()

    def check_budget(self) -> None:
        """Count one mail. Raises AuthError when the hour's are used up.

        As on a hosted project, the budget is not looked at while sign-ups confirm themselves.
        """
        limit = self._settings.mails_per_hour
        if self._settings.autoconfirm and limit:
            return
        now = time.monotonic()
        while self._sent and self._sent[0] < now - HOUR:
            self._sent.popleft()
        if len(self._sent) >= limit:
            raise AuthError(429, "over_email_send_rate_limit", "email rate limit exceeded")
        self._sent.append(now)

    def action_link(self, action: str, token_hash: str, redirect_to: str) -> str:
        """The address behind a mail's button."""
        query = {"token": token_hash, "type": action, "redirect_to": redirect_to}
        return f"{self._config.jwt_issuer}/verify?{urlencode(query)}"

    async def send(self, mailing: Mailing) -> None:
        """Raises AuthError when the mail was not accepted."""
        if self._config.setting("auth.hook.send_email.enabled", False):
            await self._send_by_hook(mailing)
            return
        for letter in mailing.letters:
            try:
                await self._send_by_api(mailing, letter)
            except OSError as error:
                raise unexpected_failure(_FAILURES[mailing.action]) from error

    async def _send_by_hook(self, mailing: Mailing) -> None:
        new, *current = mailing.letters
        # With two letters `token` is the current address's code, while `token_hash` is the new
        # one's and `token_hash_new` the current one's: the real server's crossing, kept.
        email_data = {
            "token": current[0].code if current else new.code,
            "token_hash": new.token_hash,
            "redirect_to": mailing.redirect_to,
            "email_action_type": mailing.action,
            "site_url": self._config.jwt_issuer,
            "token_new": new.code if current else "",
            "token_hash_new": current[0].token_hash if current else "",
            "old_email": "",
            "old_phone": "",
            "provider": "",
            "factor_type": "",
        }
        payload = {
            "metadata": metadata("send-email", mailing.client_address),
            "user": mailing.user,
            "email_data": email_data,
        }
        uri = str(self._config.setting("auth.hook.send_email.uri", ""))
        await call_http_hook(uri, self._config.keys.send_email_hook_secret, payload)

    async def _send_by_api(self, mailing: Mailing, letter: Letter) -> None:
        link = self.action_link(mailing.action, letter.token_hash, mailing.redirect_to)
        mail = render(mailing.action, link, letter.code)
        headers = {
            "content-type": "application/json",
            "authorization": f"Bearer {self._config.keys.resend_api_key}",
            # A code is mailed once, whatever is repeated on the way.
            "idempotency-key": f"auth-{letter.token_hash}",
        }
        body = mail | {"from": self._settings.mail_from, "to": [letter.address]}
        url = f"{self._config.mailbox_url}/emails"
        answer = await post(url, json.dumps(body).encode(), headers, SECONDS)
        if answer.status >= 300:
            raise ConnectionError(f"the mail API answered {answer.status}")
