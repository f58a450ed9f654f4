"""Hands mails to an SMTP server, one connection each.

SMTP has no idempotency keys: once the content is on its way, an answer that does not come leaves it
unknown whether the server took the mail, and a person must decide. Until then every failure is a
certain refusal and trying again is safe. What a server refuses before it has heard of the recipient
it refuses everybody: a wrong password is repaired by a person, once, and not message by message.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, localtime, parseaddr
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from appoint.settings import Settings
from workers.door import MISCONFIGURED_PAUSE, Door
from workers.frozen_mail import FrozenMail
from workers.mail_errors import MailError

logger = logging.getLogger(__name__)

LONGEST_CONNECTING = 10.0
FIRST_PERMANENT_CODE = 500


class SmtpMail:
    """The door to an SMTP server."""

    remembers = 0
    largest_batch = 1

    def __init__(self, settings: Settings) -> None:
        assert settings.appoint_smtp_url is not None, "checked when the process starts"
        address = urlsplit(settings.appoint_smtp_url.get_secret_value())
        assert address.hostname is not None, "checked with the settings"
        self._host = address.hostname
        self._port = address.port or (465 if address.scheme == "smtps" else 587)
        self._tls = address.scheme == "smtps"
        # Loopback is for tests and relays on the same machine; everything else must be encrypted.
        self._start_tls = not self._tls and self._host not in ("localhost", "127.0.0.1", "::1")
        self._user = unquote(address.username) if address.username else None
        self._password = unquote(address.password or "")
        self._door = Door()

    def closed_for(self) -> float:
        """Seconds until the server is to be asked again; 0 when it may be asked now."""
        return self._door.closed_for()

    async def send(
        self, mail: FrozenMail, *, notification_id: str, key: str, deadline: float
    ) -> str:
        """Have the mail accepted before `deadline` (of the loop) and return its Message-ID.

        Raises MailError.
        """
        if closed_for := self.closed_for():
            raise MailError(
                self._door.closed_because, retry_after=closed_for, refused=True, closed=True
            )
        message = _message(mail, key)
        about_the_mail = handing_over = False
        client = SMTP(
            hostname=self._host,
            port=self._port,
            use_tls=self._tls,
            start_tls=self._start_tls,
            timeout=LONGEST_CONNECTING,
        )
        try:
            async with asyncio.timeout_at(deadline):
                await client.connect()
                if self._user is not None:
                    await client.login(self._user, self._password)
                await client.mail(parseaddr(mail.sender)[1])
                about_the_mail = True
                await client.rcpt(mail.to)
                handing_over = True
                await client.data(message.as_bytes())
        except SMTPResponseException as error:
            code = int(error.code)
            # aiosmtplib makes up code -1 for a server that hung up.
            if code < 0 and handing_over:
                raise MailError("unknown_fate", permanent=True) from None
            reason = f"smtp:{code}"
            if code > 0 and not about_the_mail:
                self._door.close(MISCONFIGURED_PAUSE, reason)
                logger.error("mail_provider_refuses_us", extra={"reason": reason})
                raise MailError(
                    reason, retry_after=MISCONFIGURED_PAUSE, refused=True, closed=True
                ) from None
            permanent = code >= FIRST_PERMANENT_CODE
            raise MailError(reason, permanent=permanent, refused=True) from None
        except (SMTPException, OSError) as error:
            if handing_over:
                raise MailError("unknown_fate", permanent=True) from None
            raise MailError(f"smtp:{type(error).__name__}", refused=True) from None
        finally:
            with contextlib.suppress(SMTPException, OSError, aiosmtplib.SMTPServerDisconnected):
                client.close()
        return str(message["Message-ID"])

    async def send_batch(
        self, mails: Sequence[tuple[str, FrozenMail]], *, key: str, deadline: float
    ) -> list[str]:
        """Never asked for, as `largest_batch` says."""
        raise NotImplementedError


def _message(mail: FrozenMail, key: str) -> EmailMessage:
    message = EmailMessage()
    name, address = parseaddr(mail.sender)
    # Decoded, since Python would put spaces between the words of a long name.
    message["From"] = Address(str(make_header(decode_header(name))), addr_spec=address)
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = f"<{key}@{address.rpartition('@')[2]}>"
    for name, value in mail.headers.items():
        message[name] = value
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    for file in mail.attachments:
        main, sub, parameters = _parsed(file.content_type)
        if (main, sub) == ("text", "calendar"):
            # Outlook takes an invitation for one only beside the other forms (RFC 6047, 2.4).
            message.add_alternative(file.content, maintype=main, subtype=sub, params=parameters)
    for file in mail.attachments:
        main, sub, parameters = _parsed(file.content_type)
        message.add_attachment(
            file.content, maintype=main, subtype=sub, filename=file.filename, params=parameters
        )
    return message


def _parsed(content_type: str) -> tuple[str, str, dict[str, str]]:
    """`text/calendar; charset=utf-8; method=REQUEST` as type, subtype and parameters."""
    kind, *given = content_type.split(";")
    main, _, sub = kind.strip().partition("/")
    pairs = (parameter.strip().partition("=") for parameter in given)
    return main, sub, {name: value for name, _, value in pairs}
