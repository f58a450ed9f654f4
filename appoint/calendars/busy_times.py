"""When an outside calendar says somebody is busy, read in a process of its own (`reading.py`)."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

BEFORE_NOW = timedelta(days=1)
# Of processor time; waiting for a processor may take as long again and more.
PROCESSOR_SECONDS = 15
PATIENCE = 3
REASONS = {3: "not_a_calendar", 4: "too_complex"}


class ReadingError(Exception):
    """The calendar cannot be read; `reason` is a code for staff."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class BusyTimes:
    """Busy time side by side: ISO 8601 instants and the visit at Appoint that it is, if it is one;
    and how many events were not understood."""

    starts: list[str]
    ends: list[str]
    visits: list[str | None]
    skipped_events: int


async def read_busy_times(
    content: bytes,
    time_zone: str,
    now: datetime,
    until: datetime,
    *,
    processor_seconds: int = PROCESSOR_SECONDS,
) -> BusyTimes:
    """Busy time from a day before `now` until then; times without a zone are read in `time_zone`.

    Whole days of UTC, so that what goes on beyond either end reads the same all day long.
    Raises ReadingError.
    """
    starts_at = _midnight(now - BEFORE_NOW)
    ends_at = _midnight(until) + timedelta(days=1)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "appoint.calendars.reading",
        time_zone,
        starts_at.isoformat(),
        ends_at.isoformat(),
        str(processor_seconds),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # Tracebacks would quote the calendar.
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(processor_seconds * PATIENCE):
            answer, _ = await process.communicate(content)
    except TimeoutError:
        raise ReadingError("too_complex") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        # Below zero it was ended by a signal: one of its limits.
        by_limit = "too_complex" if process.returncode < 0 else "crash"
        raise ReadingError(REASONS.get(process.returncode, by_limit))
    return BusyTimes(**json.loads(answer))


def _midnight(moment: datetime) -> datetime:
    """When the day of that moment began in UTC."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
