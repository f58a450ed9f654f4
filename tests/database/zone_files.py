"""The zone database that PostgreSQL itself reads, for Python's zone arithmetic to read as well.

The system's may be of another age: comparing with it would only find the laws changed in between.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from stack.postgres import PACKAGE

FILES = PACKAGE / "native/share/postgresql/timezone"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HEADER = struct.Struct(">4s1s15x6l")
DAY = timedelta(days=1)


@cache
def zone(name: str) -> ZoneInfo:
    """The zone as PostgreSQL knows it."""
    with (FILES / name).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def distinct(names: list[str]) -> list[str]:
    """One name of each set of zones whose rules are the same to the byte."""
    return sorted({(FILES / name).read_bytes(): name for name in sorted(names)}.values())


def recorded_changes(name: str) -> Iterator[datetime]:
    """Instants since 1970 at which the file lists a change (RFC 8536, version 2)."""
    data = (FILES / name).read_bytes()
    _, _, isut, isstd, leap, times, types, chars = HEADER.unpack_from(data)
    second = HEADER.size + times * 5 + types * 6 + chars + leap * 8 + isstd + isut
    times = HEADER.unpack_from(data, second)[5]
    for seconds in struct.unpack_from(f">{times}q", data, second + HEADER.size):
        if seconds > 0:
            yield EPOCH + timedelta(seconds=seconds)


def changes_between(name: str, begin: datetime, end: datetime) -> Iterator[datetime]:
    """Instants at which the clock is changed, found by asking; at most one a day."""
    while begin < end:
        if offset(name, begin) != offset(name, begin + DAY):
            low, high = 0, 86_400
            while high - low > 1:
                middle = (low + high) // 2
                is_before = offset(name, begin + timedelta(seconds=middle)) == offset(name, begin)
                low, high = (middle, high) if is_before else (low, middle)
            yield begin + timedelta(seconds=high)
        begin += DAY


def offset(name: str, instant: datetime) -> timedelta:
    """How far the wall clock is ahead of UTC."""
    ahead = instant.astimezone(zone(name)).utcoffset()
    assert ahead is not None
    return ahead


def instant_of(shown: datetime, name: str) -> datetime:
    """Our rule in Python's arithmetic: `fold=0` is the first of two, and forward over a gap."""
    return shown.replace(tzinfo=zone(name), fold=0).astimezone(UTC)
