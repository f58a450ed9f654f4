"""All messages the queue hands out, whatever they are about: read from a row, written as a mail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from appoint.mail.letters import KINDS as LETTERS
from appoint.mail.letters import Letter, render_letter
from appoint.mail.notification import Notification
from appoint.mail.rendering import Mail, Sender, render

Message = Notification | Letter


def message_from_row(row: Mapping[str, Any]) -> Message:
    """One row of the queue. Raises KeyError, TypeError or ValueError if it is unusable."""
    return Letter.from_row(row) if row["kind"] in LETTERS else Notification.from_row(row)


def render_message(message: Message, sender: Sender) -> Mail:
    """The mail for it. Raises UnknownKindError, or whatever its content makes impossible."""
    if isinstance(message, Letter):
        return render_letter(message, sender)
    return render(message, sender)
