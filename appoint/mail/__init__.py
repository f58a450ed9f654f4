"""Mails about appointments: what a claimed notification says, in words, HTML and calendars."""

from appoint.mail.letters import Letter
from appoint.mail.messages import Message, message_from_row, render_message
from appoint.mail.notification import Notification
from appoint.mail.rendering import Attachment, Mail, Sender, UnknownKindError, render

__all__ = [
    "Attachment",
    "Letter",
    "Mail",
    "Message",
    "Notification",
    "Sender",
    "UnknownKindError",
    "message_from_row",
    "render",
    "render_message",
]
