"""Reads a calendar on standard input and prints when it says somebody is busy, as JSON.

A program of its own (`python -m appoint.calendars.reading`), because calendars come from anywhere:
one that would take hours or all memory to expand ends this process and nothing else. Repetitions
are followed through a window; free, cancelled and empty events count for nothing. Events that do
not say when they are count as not understood and are left out. Those in a zone that nobody knows
count, too, but keep their time, read as local: busy at about that time beats not busy at all.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from itertools import chain
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar, Component

from appoint.calendars.parsing import calendars_of

MEMORY = 1024**3
MOST_BLOCKS = 20_000
NOT_A_CALENDAR = 3
TOO_COMPLEX = 4
# Our own events, from feeds and invitations, are named after the visit.
OWN_EVENTS = "@appoint"
# An event without one of these that it should have would be at another time.
NEEDED = {"DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "RECURRENCE-ID"}
TIMES = NEEDED | {"EXDATE", "FREEBUSY"}
ZONED = ("DTSTART", "DTEND", "RDATE", "EXDATE", "RECURRENCE-ID")

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch of time that is looked at."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Busy:
    """Busy time merged and in order, that of visits at Appoint apart, and how many events were not
    understood in all that says when they are."""

    spans: list[Span]
    visits: list[tuple[UUID, Span]]
    skipped_events: int


class NotACalendarError(Exception):
    """The bytes are no iCalendar object."""


class TooComplexError(Exception):
    """More busy time than anybody has."""


def busy_times(content: bytes, zone: ZoneInfo, window: Window) -> Busy:
    """When the calendar's owner is busy. Times without a zone are read in `zone`.

    Raises NotACalendarError, TooComplexError.
    """
    spans: list[Span] = []
    visits: list[tuple[UUID, Span]] = []
    skipped = 0
    for calendar in _calendars(content):
        for component in calendar.walk("VEVENT") + calendar.walk("VFREEBUSY"):
            skipped += _is_doubtful(component) and not _is_over(component, window)
        stated = ((None, _stated(one, zone)) for one in calendar.walk("VFREEBUSY"))
        followed = ((_visit_of(one), _followed(one, zone, window)) for one in _series(calendar))
        for visit, found in chain(stated, followed):
            try:
                for span in _within(window, found):
                    if visit is None:
                        spans.append(span)
                    else:
                        visits.append((visit, span))
            except (TooComplexError, MemoryError):
                raise
            except Exception:
                # Libraries raise anything for nonsense; one bad event must not hide the others.
                skipped += 1
            if len(spans) + len(visits) > MOST_BLOCKS:
                raise TooComplexError
    return Busy(_merged(spans), visits, skipped)


def _calendars(content: bytes) -> list[Calendar]:
    try:
        calendars = calendars_of(content)
    except MemoryError:
        raise
    except Exception:
        raise NotACalendarError from None
    if not calendars:
        raise NotACalendarError
    return calendars


def _is_doubtful(component: Component) -> bool:
    """Whether what says when was left out of something busy, or is in a zone that nobody knows."""
    return _is_busy(component) and (
        any(name in TIMES for name, _ in component.errors)
        or any(
            given.params.get("TZID")
            and any(isinstance(one.dt, datetime) and one.dt.tzinfo is None for one in given.dts)
            for name in ZONED
            for given in _all(component, name)
            if hasattr(given, "dts")
        )
    )


def _is_over(component: Component, window: Window) -> bool:
    """Whether it is known to have ended before the window, whatever else is not known of it."""
    names = component.keys() | {name for name, _ in component.errors}
    end = getattr(component.get("DTEND", component.get("DTSTART")), "dt", None)
    return (
        not names & {"RRULE", "RDATE"}
        and isinstance(end, date)
        # A day more covers every zone.
        and date(end.year, end.month, end.day) < window.starts_at.date() - timedelta(days=1)
    )


def _all(component: Component, name: str) -> list[Any]:
    """The values of a property, none or one or more."""
    given = component.get(name, [])
    return given if isinstance(given, list) else [given]


def _series(calendar: Calendar) -> Iterator[Calendar]:
    """Each event with its exceptions and the calendar's zones, as a calendar of its own."""
    zones = calendar.walk("VTIMEZONE")
    by_uid: dict[str, list[Component]] = {}
    for number, event in enumerate(calendar.walk("VEVENT")):
        uid = str(event.get("UID", f"without-uid-{number}"))
        if not any(name in NEEDED for name, _ in event.errors):
            by_uid.setdefault(uid, []).append(event)
    for events in by_uid.values():
        alone = Calendar()
        for component in (*zones, *events):
            alone.add_component(component)
        yield alone


def _visit_of(series: Calendar) -> UUID | None:
    """The visit that an event of ours is about."""
    uid = str(series.walk("VEVENT")[0].get("UID", ""))
    with suppress(ValueError):
        return UUID(uid.removesuffix(OWN_EVENTS)) if uid.endswith(OWN_EVENTS) else None
    return None


def _followed(series: Calendar, zone: ZoneInfo, window: Window) -> Iterator[Span]:
    """When an event and its repetitions keep somebody busy."""
    for event in series.walk("VEVENT"):
        _straighten(event, zone)
    # Floating times and whole days are local: the library compares them with local bounds.
    first = window.starts_at.astimezone(zone)
    last = window.ends_at.astimezone(zone)
    for count, event in enumerate(recurring_ical_events.of(series).between(first, last)):
        if count >= MOST_BLOCKS:
            raise TooComplexError
        if _is_busy(event):
            yield (
                _instant(event.decoded("DTSTART"), zone),
                _instant(event.decoded("DTEND"), zone),
            )


def _straighten(event: Component, zone: ZoneInfo) -> None:
    """Has the event say the same in the words that the library takes as they are meant."""
    start = event.decoded("DTSTART")
    if not isinstance(start, datetime):
        if event.decoded("DTEND", None) == start:
            # A day that ends with itself; alone, the start says that.
            del event["DTEND"]
        return
    for rule in _all(event, "RRULE"):
        for until in rule.pop("UNTIL", []):
            # For ever, in the words of some.
            if until.year < MAXYEAR:
                rule["UNTIL"] = [_last_moment(until, start, zone)]


def _last_moment(until: date | datetime, start: datetime, zone: ZoneInfo) -> datetime:
    """The last moment of a repetition, in UTC or, if that floats, on its clock."""
    if not isinstance(until, datetime):
        until = datetime.combine(until, time(23, 59, 59))
    if until.tzinfo is None:
        until = until.replace(tzinfo=start.tzinfo or zone)
    return until.astimezone(UTC) if start.tzinfo else until.astimezone(zone).replace(tzinfo=None)


def _stated(component: Component, zone: ZoneInfo) -> Iterator[Span]:
    """When somebody is busy who says that alone."""
    for period in _all(component, "FREEBUSY"):
        if period.params.get("FBTYPE", "BUSY").upper() != "FREE":
            yield _instant(period.start, zone), _instant(period.end, zone)


def _within(window: Window, spans: Iterator[Span]) -> Iterator[Span]:
    for starts_at, ends_at in spans:
        if starts_at < window.ends_at and window.starts_at < ends_at and starts_at < ends_at:
            yield max(starts_at, window.starts_at), min(ends_at, window.ends_at)


def _is_busy(event: Component) -> bool:
    return (
        str(event.get("TRANSP", "")).upper() != "TRANSPARENT"
        and str(event.get("STATUS", "")).upper() != "CANCELLED"
        and str(event.get("X-MICROSOFT-CDO-BUSYSTATUS", "")).upper() != "FREE"
    )


def _instant(shown: date | datetime, zone: ZoneInfo) -> datetime:
    if not isinstance(shown, datetime):
        shown = datetime.combine(shown, time())
    if shown.tzinfo is None:
        shown = shown.replace(tzinfo=zone)
    return shown.astimezone(UTC)


def _merged(busy: list[Span]) -> list[Span]:
    merged: list[Span] = []
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
        busy = busy_times(sys.stdin.buffer.read(), ZoneInfo(zone), window)
    except NotACalendarError:
        return NOT_A_CALENDAR
    except (TooComplexError, MemoryError):
        return TOO_COMPLEX
    spans = [(None, span) for span in busy.spans] + busy.visits
    answer = {
        "starts": [starts_at.isoformat() for _, (starts_at, _) in spans],
        "ends": [ends_at.isoformat() for _, (_, ends_at) in spans],
        "visits": [visit and str(visit) for visit, _ in spans],
        "skipped_events": busy.skipped_events,
    }
    sys.stdout.write(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
