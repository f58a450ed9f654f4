"""Says when an appointment is, as a clock on the wall of its place shows it, and as the recipient's
language and country write it (CLDR, by Babel)."""

from __future__ import annotations

from datetime import datetime

from babel import Locale
from babel.core import UnknownLocaleError
from babel.dates import format_date, format_time, get_timezone_name

from appoint.mail.notification import Notification


def locale_for(tag: str, language: str) -> Locale:
    """The recipient's locale if it is of that language and known, else the language alone."""
    wanted = tag.replace("_", "-")
    if wanted.partition("-")[0].lower() == language:
        try:
            return Locale.parse(wanted, sep="-")
        except (UnknownLocaleError, ValueError):
            pass
    return Locale(language)


def date_in_words(notification: Notification, locale: Locale) -> str:
    """The local date, e.g. "Tuesday, March 3, 2026"."""
    return _date(_local(notification.starts_at, notification), locale)


def time_span_in_words(notification: Notification, locale: Locale) -> str:
    """The local start and end, e.g. "9:30 AM – 10:00 AM"."""
    start = _local(notification.starts_at, notification)
    end = _local(notification.ends_at, notification)
    return f"{_time(start, locale)} – {_time(end, locale)}"


def deadline_in_words(notification: Notification, locale: Locale) -> str | None:
    """Until when to answer, e.g. "Tuesday, March 3, 2026, 9:30 AM"; None if nothing is asked."""
    if notification.answer_by is None:
        return None
    local = _local(notification.answer_by, notification)
    return f"{_date(local, locale)}, {_time(local, locale)}"


def zone_in_words(notification: Notification, locale: Locale) -> str:
    """The zone in force at the start: its name and, as names are ambiguous, its offset."""
    start = _local(notification.starts_at, notification)
    offset = start.strftime("%z")
    name = get_timezone_name(start, width="long", locale=locale)
    return f"{name}, UTC{offset[:3]}:{offset[3:5]}"


def _local(instant: datetime, notification: Notification) -> datetime:
    return instant.astimezone(notification.time_zone)


def _date(local: datetime, locale: Locale) -> str:
    return _plain(format_date(local.date(), "full", locale=locale))


def _time(local: datetime, locale: Locale) -> str:
    return _plain(format_time(local.time(), "short", locale=locale))


def _plain(text: str) -> str:
    """CLDR's narrow spaces show as boxes in old mail programs."""
    return text.replace("\u202f", " ").replace("\u00a0", " ")
