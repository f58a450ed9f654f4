"""Two real notifiers over a database in virtual time, with a provider of the test's own."""

from __future__ import annotations

import resend

from appoint.mail import Message, Sender, render_message
from appoint.settings import Settings
from tests.workers.virtual_time import VirtualDatabase, WorkerRpc
from workers.frozen_mail import FrozenMail
from workers.notifier import Notifier, Pace
from workers.outbox import Outbox
from workers.resend_mail import ResendMail
from workers.vital_signs import VitalSigns

SENDER = Sender("Clinic <clinic@appoint.example>", "https://site.example", "https://api.example")
SETTINGS = Settings.model_validate(
    {
        "supabase_url": "https://project.example",
        "supabase_publishable_key": "sb_publishable_x",
        "supabase_secret_key": "sb_secret_x",
        "resend_api_key": "re_x",
        "resend_api_url": "https://mail.example",
    }
)


def outbox_of(database: VirtualDatabase) -> Outbox:
    """The queue, as workers reach it."""
    return Outbox(WorkerRpc(database))  # type: ignore[arg-type]


def write(message: Message) -> FrozenMail:
    """The mail, to the address the message names."""
    mail = render_message(message, SENDER)
    return FrozenMail.of(mail, to=message.recipient_address)


def two_notifiers(outbox: Outbox, http: resend.AsyncHTTPClient, pace: Pace) -> list[Notifier]:
    """Not running yet."""
    return [Notifier(outbox, ResendMail(SETTINGS, http), write, pace, VitalSigns()) for _ in "ab"]
