"""Says when an appointment is, as a clock on the wall of its place shows it, and as the recipient's
language and country write it (CLDR, by Babel), on the clinic's clock of 12 or 24 hours if it has
chosen one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.core import UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time, get_timezone_name

SKELETONS = {12: "hm", 24: "Hm"}
# Messages that are written together share their days, hours and locales.
REMEMBERED = 2_000


@dataclass(frozen=True, slots=True)
class Writing:
    """How dates and times are written. `clock_hours`: 12 or 24; None: as the locale does."""

    locale: Locale
    clock_hours: int | None = None


@lru_cache(REMEMBERED)
def writing_for(tag: str, language: str, clock_hours: int | None) -> Writing:
    """The recipient's locale if it is of that language and known, else the language alone."""
    wanted = tag.replace("_", "-")
    if wanted.partition("-")[0].lower() == language:
        try:
            return Writing(Locale.parse(wanted, sep="-"), clock_hours)
        except (UnknownLocaleError, ValueError):
            pass
    return Writing(Locale(language), clock_hours)


@lru_cache(REMEMBERED)
def day_in_words(day: date, writing: Writing) -> str:
    """A day of the calendar, e.g. "Tuesday, March 3, 2026"."""
    return _plain(format_date(day, "full", locale=writing.locale))


def date_in_words(instant: datetime, zone: ZoneInfo, writing: Writing) -> str:
    """The local date, e.g. "Tuesday, March 3, 2026"."""
    return day_in_words(instant.astimezone(zone).date(), writing)


def time_in_words(instant: datetime, zone: ZoneInfo, writing: Writing) -> str:
    """The local time, e.g. "9:30 AM"."""
    return _hour_in_words(instant.astimezone(zone).time(), writing)


@lru_cache(REMEMBERED)
def _hour_in_words(hour: time, writing: Writing) -> str:
    if writing.clock_hours is None:
        return _plain(format_time(hour, "short", locale=writing.locale))
    return _plain(format_skeleton(SKELETONS[writing.clock_hours], hour, locale=writing.locale))


def time_span_in_words(
    starts_at: datetime, ends_at: datetime, zone: ZoneInfo, writing: Writing
) -> str:
    """The local start and end, e.g. "9:30 AM – 10:00 AM"."""
    return f"{time_in_words(starts_at, zone, writing)} – {time_in_words(ends_at, zone, writing)}"


def moment_in_words(instant: datetime, zone: ZoneInfo, writing: Writing) -> str:
    """The local date and time, e.g. "Tuesday, March 3, 2026, 9:30 AM"."""
    return f"{date_in_words(instant, zone, writing)}, {time_in_words(instant, zone, writing)}"


def zone_in_words(instant: datetime, zone: ZoneInfo, writing: Writing) -> str:
    """The zone in force then: its name and, as names are ambiguous, its offset."""
    local = instant.astimezone(zone)
    is_summer = local.utcoffset() != _winter_offset(zone, local.year)
    variant: Literal["daylight", "standard"] = "daylight" if is_summer else "standard"
    name = get_timezone_name(local, width="long", locale=writing.locale, zone_variant=variant)
    digits = local.strftime("%z")
    offset = f"UTC{digits[:3]}:{digits[3:5]}"
    # CLDR writes the offset for zones that have no name.
    return offset if any(map(str.isdigit, name)) else f"{name}, {offset}"


@lru_cache(REMEMBERED)
def _winter_offset(zone: ZoneInfo, year: int) -> timedelta:
    """The smaller one of the year. The zone database counts Irish summers as standard time, unlike
    those who gave the names."""
    firsts = (datetime(year, month, 1, tzinfo=zone) for month in range(1, 13))
    return min(first.utcoffset() or timedelta() for first in firsts)


def _plain(text: str) -> str:
    """CLDR's narrow spaces show as boxes in old mail programs."""
    return text.replace("\u202f", " ").replace("\u00a0", " ")
