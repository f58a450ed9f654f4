"""SMTP: what the server gets, and which failures may be tried again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest

from appoint.mail import Attachment
from appoint.settings import Settings
from tests.workers.notifications import SENDER
from tests.workers.smtp_double import SmtpDouble, smtp_double
from workers.door import MISCONFIGURED_PAUSE
from workers.frozen_mail import FrozenMail
from workers.mail_errors import MailError
from workers.smtp_mail import SmtpMail

MAIL = FrozenMail(
    sender="Appoint <appointments@appoint.example>",
    to="ada@example.org",
    subject="Ihre Bestätigung",
    html="<p>Grüße</p>",
    text="Grüße",
    attachments=(
        Attachment(
            filename="appointment.ics",
            content_type="text/calendar; charset=utf-8; method=REQUEST",
            content=b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
        ),
    ),
    headers={"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
)


def transport_to(server: SmtpDouble) -> SmtpMail:
    settings = Settings.model_validate(
        {
            "supabase_url": "https://project.example",
            "supabase_publishable_key": "sb_publishable_x",
            "supabase_secret_key": "sb_secret_x",
            "appoint_smtp_url": server.url,
        }
    )
    return SmtpMail(settings)


async def send(server: SmtpDouble, transport: SmtpMail | None = None) -> str:
    transport = transport or transport_to(server)
    deadline = asyncio.get_running_loop().time() + 5
    return await transport.send(MAIL, notification_id="message-1", key="key-1", deadline=deadline)


async def test_the_server_gets_both_forms_the_invitation_and_the_key_as_message_id() -> None:
    async with smtp_double() as server:
        assert await send(server) == "<key-1@appoint.example>"
    (mail,) = server.received
    assert (mail["To"], mail["Subject"]) == ("ada@example.org", "Ihre Bestätigung")
    assert mail["Message-ID"] == "<key-1@appoint.example>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert (text.get_content().strip(), html.get_content().strip()) == ("Grüße", "<p>Grüße</p>")
    forms = [part.get_content_type() for part in mail.walk() if not part.is_attachment()]
    assert forms[1:] == ["multipart/alternative", "text/plain", "text/html", "text/calendar"]
    (file,) = mail.iter_attachments()
    assert file.get_content_type() == "text/calendar"
    assert file["Content-Type"].params["method"] == "REQUEST"


@pytest.mark.parametrize(
    "name",
    [
        "Lindenhof Family Practice",
        'Smith, Jones & "Partners" (Dentists); Room 3',
        "Ärztezentrum Löwenstraße, " + "Zürich-Überlingen " * 5 + "Ende",
        "درمانگاه",
    ],
)
async def test_the_server_gets_the_clinics_name_before_the_senders_address(name: str) -> None:
    sender = SENDER.in_the_name_of(name)
    async with smtp_double() as server:
        deadline = asyncio.get_running_loop().time() + 5
        await transport_to(server).send(
            replace(MAIL, sender=sender), notification_id="1", key="key-1", deadline=deadline
        )
    # As it was sent: Python's parser puts spaces between the words of a long name.
    written, address = parseaddr(dict(server.received[0].raw_items())["From"])
    assert str(make_header(decode_header(written))) == name
    assert address == "appointments@appoint.example"


@pytest.mark.parametrize(
    ("command", "answer", "reason", "permanent", "refused"),
    [
        ("RCPT", "550 no such user", "smtp:550", True, True),
        ("RCPT", "450 busy", "smtp:450", False, True),
        ("MAIL", None, "smtp:SMTPServerDisconnected", False, True),
        ("CONTENT", "554 refused", "smtp:554", True, True),
        ("CONTENT", "451 later", "smtp:451", False, True),
        # The content was on its way: nobody knows, so nobody may try again.
        ("CONTENT", None, "unknown_fate", True, False),
    ],
)
async def test_what_a_failure_means_for_the_message(
    command: str, answer: str | None, reason: str, permanent: bool, refused: bool
) -> None:
    async with smtp_double() as server:
        server.answers[command] = answer
        with pytest.raises(MailError) as raised:
            await send(server)
    error = raised.value
    assert (error.reason, error.permanent, error.refused) == (reason, permanent, refused)


@pytest.mark.parametrize(
    ("command", "answer", "reason"),
    [
        ("AUTH", "535 wrong password", "smtp:535"),
        ("EHLO", "554 not from your network", "smtp:554"),
        ("MAIL", "550 sender not allowed", "smtp:550"),
        ("MAIL", "421 busy", "smtp:421"),
    ],
)
async def test_what_is_refused_before_the_recipient_is_named_is_no_messages_fault(
    command: str, answer: str, reason: str
) -> None:
    async with smtp_double() as server:
        works = {"EHLO": "250-fine\r\n250 AUTH PLAIN", "HELO": "554 no", "AUTH": "235 welcome"}
        server.answers = {**works, command: answer}
        server.url = server.url.replace("//", "//clinic:secret@")
        transport = transport_to(server)
        with pytest.raises(MailError) as raised:
            await send(server, transport)
        error = raised.value
        assert (error.reason, error.permanent, error.refused) == (reason, False, True)
        assert error.closed
        assert error.retry_after == MISCONFIGURED_PAUSE
        # Others do not knock meanwhile.
        server.answers = {}
        assert transport.closed_for() > 1
        with pytest.raises(MailError, match=reason):
            await send(server, transport)
    assert server.received == []


async def test_a_server_that_is_not_there_may_be_tried_again() -> None:
    async with smtp_double() as server:
        pass
    with pytest.raises(MailError) as raised:
        await send(server)
    assert (raised.value.permanent, raised.value.refused) == (False, True)
