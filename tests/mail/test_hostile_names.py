"""Names that people type to do harm: no header, line, markup or event comes out of them."""

from __future__ import annotations

import asyncio
import unicodedata

import pytest

from appoint.mail import render
from appoint.mail.rendering import kinds
from appoint.settings import Settings
from tests.access.hostile import TEXTS
from tests.calendar_parsers import events_by_python
from tests.workers.notifications import SENDER, notification
from tests.workers.smtp_double import smtp_double
from workers.frozen_mail import FrozenMail
from workers.smtp_mail import SmtpMail

COLUMNS = (
    "recipient_name", "clinic_name", "location_name", "location_address", "location_phone",
    "provider_name", "service_name", "preparation",
)  # fmt: skip
NAMES = (
    *TEXTS,
    "Eve\nBcc: everybody@people.example\n.\nMAIL FROM:<x>",
    "Eve\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:2\r\n",
    '"><a href="https://evil.example">click</a>',
    "n" * 50_000,
)
BY_NUMBER = [str(number) for number in range(len(NAMES))]


@pytest.mark.parametrize("name", NAMES, ids=BY_NUMBER)
def test_every_kind_of_mail_stays_what_it_is(name: str) -> None:
    everywhere = dict.fromkeys(COLUMNS, name)
    for kind in kinds():
        plain = render(notification(kind=kind), SENDER)
        mail = render(notification(kind=kind, **everywhere), SENDER)
        assert mail.subject == plain.subject
        assert dict(mail.headers) == dict(plain.headers)
        for body in (mail.text, mail.html):
            strange = {one for one in body if unicodedata.category(one).startswith("C")}
            # The joiner of the one emoji that is made of several.
            assert strange <= {"\n", "\u200d"}, kind
            assert len(body) < 40_000
        for markup in ("<script", '<a href="https://evil', "49"):
            assert mail.html.count(markup) <= plain.html.count(markup), kind
        for attachment in mail.attachments:
            (event,) = events_by_python(attachment.content)
            assert "\n" not in event["summary"] + event["location"]


async def test_no_header_and_no_recipient_comes_out_of_a_name() -> None:
    async with smtp_double() as server:
        settings = Settings.model_validate(
            {
                "supabase_url": "https://project.example",
                "supabase_publishable_key": "sb_publishable_x",
                "supabase_secret_key": "sb_secret_x",
                "appoint_smtp_url": server.url,
            }
        )
        deadline = asyncio.get_running_loop().time() + 20
        for number, name in enumerate(NAMES):
            mail = render(notification(**dict.fromkeys(COLUMNS, name)), SENDER)
            assert mail.sender.isascii()
            assert mail.sender.isprintable()
            frozen = FrozenMail.of(mail, to="ada@example.org")
            await SmtpMail(settings).send(
                frozen, notification_id="1", key=f"key-{number}", deadline=deadline
            )
    assert len(server.received) == len(NAMES)
    headers = {tuple(name.lower() for name in mail) for mail in server.received}
    assert len(headers) == 1, "the same headers, whatever the names"
    assert "bcc" not in next(iter(headers))
    assert {str(mail["To"]) for mail in server.received} == {"ada@example.org"}
    senders = [mail["From"].addresses for mail in server.received]
    assert {address.addr_spec for (address,) in senders} == {"appointments@appoint.example"}
