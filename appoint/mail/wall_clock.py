"""Says when an appointment is, as a clock on the wall of its place shows it, and as the recipient's
language and country write it (CLDR, by Babel)."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel import Locale
from babel.core import UnknownLocaleError
from babel.dates import format_date, format_time, get_timezone_name


def locale_for(tag: str, language: str) -> Locale:
    """The recipient's locale if it is of that language and known, else the language alone."""
    wanted = tag.replace("_", "-")
    if wanted.partition("-")[0].lower() == language:
        try:
            return Locale.parse(wanted, sep="-")
        except (UnknownLocaleError, ValueError):
            pass
    return Locale(language)


def day_in_words(day: date, locale: Locale) -> str:
    """A day of the calendar, e.g. "Tuesday, March 3, 2026"."""
    return _plain(format_date(day, "full", locale=locale))


def date_in_words(instant: datetime, zone: ZoneInfo, locale: Locale) -> str:
    """The local date, e.g. "Tuesday, March 3, 2026"."""
    return day_in_words(instant.astimezone(zone).date(), locale)


def time_in_words(instant: datetime, zone: ZoneInfo, locale: Locale) -> str:
    """The local time, e.g. "9:30 AM"."""
    return _plain(format_time(instant.astimezone(zone).time(), "short", locale=locale))


def time_span_in_words(
    starts_at: datetime, ends_at: datetime, zone: ZoneInfo, locale: Locale
) -> str:
    """The local start and end, e.g. "9:30 AM – 10:00 AM"."""
    return f"{time_in_words(starts_at, zone, locale)} – {time_in_words(ends_at, zone, locale)}"


def moment_in_words(instant: datetime, zone: ZoneInfo, locale: Locale) -> str:
    """The local date and time, e.g. "Tuesday, March 3, 2026, 9:30 AM"."""
    return f"{date_in_words(instant, zone, locale)}, {time_in_words(instant, zone, locale)}"


def zone_in_words(instant: datetime, zone: ZoneInfo, locale: Locale) -> str:
    """The zone in force then: its name and, as names are ambiguous, its offset."""
    local = instant.astimezone(zone)
    offset = local.strftime("%z")
    name = get_timezone_name(local, width="long", locale=locale)
    return f"{name}, UTC{offset[:3]}:{offset[3:5]}"


def _plain(text: str) -> str:
    """CLDR's narrow spaces show as boxes in old mail programs."""
    return text.replace("\u202f", " ").replace("\u00a0", " ")
