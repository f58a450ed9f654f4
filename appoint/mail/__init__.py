"""Mails about appointments: what a claimed notification says, in words and in HTML."""

from appoint.mail.notification import Notification
from appoint.mail.rendering import Mail, UnknownKindError, render

__all__ = ["Mail", "Notification", "UnknownKindError", "render"]
