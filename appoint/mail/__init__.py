"""Mails about appointments: what a claimed notification says, in words, HTML and calendars."""

from appoint.mail.notification import Notification
from appoint.mail.rendering import Attachment, Mail, Sender, UnknownKindError, render

__all__ = ["Attachment", "Mail", "Notification", "Sender", "UnknownKindError", "render"]
