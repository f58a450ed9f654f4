"""SMTP: what the server gets, and which failures may be tried again."""

from __future__ import annotations

import asyncio

import pytest

from appoint.mail import Attachment
from appoint.settings import Settings
from tests.workers.smtp_double import SmtpDouble, smtp_double
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


async def send(server: SmtpDouble, seconds: float = 5) -> str:
    settings = Settings.model_validate(
        {
            "supabase_url": "https://project.example",
            "supabase_publishable_key": "sb_publishable_x",
            "supabase_secret_key": "sb_secret_x",
            "appoint_smtp_url": server.url,
        }
    )
    deadline = asyncio.get_running_loop().time() + seconds
    return await SmtpMail(settings).send(MAIL, key="key-1", deadline=deadline)


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


async def test_a_server_that_is_not_there_may_be_tried_again() -> None:
    async with smtp_double() as server:
        pass
    with pytest.raises(MailError) as raised:
        await send(server)
    assert (raised.value.permanent, raised.value.refused) == (False, True)
