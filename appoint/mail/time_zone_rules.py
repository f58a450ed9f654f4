"""A zone's clock changes around a visit, as iCalendar's VTIMEZONE writes them (RFC 5545, 3.6.5).

Every change is listed with its own instant, from the zone database: exact for any rule, and short,
since an invitation needs no history.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard

# No zone changes its clock twice within so short a time.
STEP = timedelta(days=7)
RESOLUTION = timedelta(minutes=1)


def time_zone_rules(zone: ZoneInfo, year: int) -> Timezone:
    """The changes from the year before that one to the year after it."""
    first = datetime(year - 1, 1, 1, tzinfo=UTC)
    last = datetime(year + 2, 1, 1, tzinfo=UTC)
    rules = Timezone()
    rules.add("tzid", zone.key)
    rules.add_component(_observance(zone, first, first))
    for change in _changes(zone, first, last):
        rules.add_component(_observance(zone, change - RESOLUTION, change))
    return rules


def _changes(zone: ZoneInfo, first: datetime, last: datetime) -> Iterator[datetime]:
    """The instants at which the offset changes."""
    before = first
    while before < last:
        after = before + STEP
        if _offset(zone, before) != _offset(zone, after):
            low, high = before, after
            while high - low > RESOLUTION:
                middle = low + (high - low) / 2
                middle = middle.replace(second=0, microsecond=0)
                if _offset(zone, middle) == _offset(zone, before):
                    low = middle
                else:
                    high = middle
            yield high
        before = after


def _observance(
    zone: ZoneInfo, before: datetime, begins: datetime
) -> TimezoneDaylight | TimezoneStandard:
    """What holds from that instant on; its start is told by the clock that was shown before."""
    local = begins.astimezone(zone)
    observance = TimezoneDaylight() if local.dst() else TimezoneStandard()
    offset_before = _offset(zone, before)
    observance.add("dtstart", (begins + offset_before).replace(tzinfo=None))
    observance.add("tzoffsetfrom", offset_before)
    observance.add("tzoffsetto", _offset(zone, begins))
    observance.add("tzname", local.tzname())
    return observance


def _offset(zone: ZoneInfo, instant: datetime) -> timedelta:
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None, "an instant in a zone has an offset"
    return offset
