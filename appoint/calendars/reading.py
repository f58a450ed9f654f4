"""Reads a calendar on standard input and prints when it says somebody is busy, as JSON.

A program of its own (`python -m appoint.calendars.reading`), because calendars come from anywhere:
one that would take hours or all memory to expand ends this process and nothing else. Repetitions
are followed through a window; free, cancelled and empty events count for nothing, and events that
cannot be understood are counted and left out.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar, Component

MEMORY = 1024**3
MOST_BLOCKS = 20_000
NOT_A_CALENDAR = 3
TOO_COMPLEX = 4
# Our own visits come back through calendars that subscribe to our feeds.
OWN_EVENTS = "@appoint"


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch of time that is looked at."""

    starts_at: datetime
    ends_at: datetime


class NotACalendarError(Exception):
    """The bytes are no iCalendar object."""


class TooComplexError(Exception):
    """More busy time than anybody has."""


def busy_times(
    content: bytes, zone: ZoneInfo, window: Window
) -> tuple[list[tuple[datetime, datetime]], int]:
    """When the calendar's owner is busy, merged and in order, and how many events were left out.

    Times without a zone are read in `zone`. Raises NotACalendarError, TooComplexError.
    """
    busy: list[tuple[datetime, datetime]] = []
    skipped = 0
    for calendar in _calendars(content):
        for series in _series(calendar):
            try:
                busy += _busy_of(series, zone, window)
            except TooComplexError:
                raise
            except Exception:
                # Libraries raise anything for nonsense; one bad event must not hide the others.
                skipped += 1
            if len(busy) > MOST_BLOCKS:
                raise TooComplexError
    return _merged(busy), skipped


def _calendars(content: bytes) -> list[Calendar]:
    try:
        found = Calendar.from_ical(content.removeprefix(b"\xef\xbb\xbf"), multiple=True)
    except Exception:
        raise NotACalendarError from None
    calendars = [one for one in found if isinstance(one, Calendar)]
    if not calendars:
        raise NotACalendarError
    return calendars


def _series(calendar: Calendar) -> Iterator[Calendar]:
    """Each event with its exceptions and the calendar's zones, as a calendar of its own."""
    zones = calendar.walk("VTIMEZONE")
    by_uid: dict[str, list[Component]] = {}
    for number, event in enumerate(calendar.walk("VEVENT")):
        uid = str(event.get("UID", f"without-uid-{number}"))
        if not uid.endswith(OWN_EVENTS):
            by_uid.setdefault(uid, []).append(event)
    for events in by_uid.values():
        alone = Calendar()
        for component in (*zones, *events):
            alone.add_component(component)
        yield alone


def _busy_of(
    series: Calendar, zone: ZoneInfo, window: Window
) -> Iterator[tuple[datetime, datetime]]:
    if any(event.errors for event in series.walk("VEVENT")):
        raise ValueError
    # Floating times and whole days are local: the library compares them with local bounds.
    first = window.starts_at.astimezone(zone)
    last = window.ends_at.astimezone(zone)
    count = 0
    for event in recurring_ical_events.of(series).between(first, last):
        count += 1
        if count > MOST_BLOCKS:
            raise TooComplexError
        if not _is_busy(event):
            continue
        starts_at, ends_at = _instants(event, zone)
        starts_at, ends_at = max(starts_at, window.starts_at), min(ends_at, window.ends_at)
        if starts_at < ends_at:
            yield starts_at, ends_at


def _is_busy(event: Component) -> bool:
    return (
        str(event.get("TRANSP", "")).upper() != "TRANSPARENT"
        and str(event.get("STATUS", "")).upper() != "CANCELLED"
        and str(event.get("X-MICROSOFT-CDO-BUSYSTATUS", "")).upper() != "FREE"
    )


def _instants(event: Component, zone: ZoneInfo) -> tuple[datetime, datetime]:
    return _instant(event.decoded("DTSTART"), zone), _instant(event.decoded("DTEND"), zone)


def _instant(shown: date | datetime, zone: ZoneInfo) -> datetime:
    if not isinstance(shown, datetime):
        shown = datetime.combine(shown, time())
    if shown.tzinfo is None:
        shown = shown.replace(tzinfo=zone)
    return shown.astimezone(UTC)


def _merged(busy: list[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    merged: list[tuple[datetime, datetime]] = []
    for starts_at, ends_at in sorted(busy):
        if merged and starts_at <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], ends_at)
        else:
            merged.append((starts_at, ends_at))
    return merged


def main() -> int:
    """Arguments: the zone of times without one, the window's first and last instant, and how many
    seconds of processor time it may take."""
    zone, starts_at, ends_at, seconds = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    window = Window(datetime.fromisoformat(starts_at), datetime.fromisoformat(ends_at))
    try:
        busy, skipped = busy_times(sys.stdin.buffer.read(), ZoneInfo(zone), window)
    except NotACalendarError:
        return NOT_A_CALENDAR
    except (TooComplexError, MemoryError):
        return TOO_COMPLEX
    answer = {
        "starts": [starts_at.isoformat() for starts_at, _ in busy],
        "ends": [ends_at.isoformat() for _, ends_at in busy],
        "skipped_events": skipped,
    }
    sys.stdout.write(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
