"""Awkward calendars, most after the RFC's own examples, and the busy time they mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from appoint.calendars.busy_times import ReadingError, read_busy_times
from appoint.calendars.reading import Busy, NotACalendarError, Window, busy_times

FOLDER = Path(__file__).parent / "awkward"
ZONE = ZoneInfo("Europe/Zurich")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
UNTIL = datetime(2027, 4, 5, tzinfo=UTC)
WINDOW = Window(NOW, datetime(2027, 4, 5, tzinfo=UTC))

# Name of the file: busy time in UTC, as month-day hour:minute.
MEANT = {
    "across_midnight_and_the_clock_change": ["03-08 04:00/03-08 10:00"],
    "additional_dates": [
        "03-03 14:00/03-03 15:00",
        "03-05 17:00/03-05 18:00",
        "03-06 12:00/03-06 14:00",
    ],
    "bare_line_feeds": ["03-03 09:00/03-03 10:00"],
    "broken_around_events": ["03-03 09:00/03-03 10:00"],
    # What cannot be read of a series takes nothing away from the rest of it.
    "broken_in_what_says_when": [
        "03-05 09:00/03-05 10:00",
        "03-06 09:00/03-06 10:00",
        "03-07 09:00/03-07 10:00",
    ],
    "broken_where_it_does_not_matter": [
        "03-03 09:00/03-03 10:00",
        "03-04 09:00/03-04 10:00",
        "03-05 09:00/03-05 10:00",
        "03-06 09:00/03-06 10:00",
        "03-10 09:00/03-10 10:00",
        "03-12 11:00/03-12 12:00",
    ],
    "broken_among_good": ["03-03 09:00/03-03 10:00"],
    "cancelled_occurrence": ["03-03 14:00/03-03 15:00", "03-17 13:00/03-17 14:00"],
    "daily_until_with_exceptions": [
        "03-02 14:00/03-02 15:00",
        "03-03 14:00/03-03 15:00",
        "03-06 14:00/03-06 15:00",
        "03-07 14:00/03-07 15:00",
        "03-08 13:00/03-08 14:00",
        "03-09 13:00/03-09 14:00",
    ],
    "days_told_oddly": [
        "03-09 23:00/03-10 23:00",
        "03-19 23:00/03-20 23:00",
        "03-24 23:00/03-25 23:00",
    ],
    "floating": ["03-30 06:30/03-30 07:30"],
    "folded_in_a_character": ["03-03 09:00/03-03 10:00"],
    "free_and_busy_times": [
        "03-03 09:00/03-03 10:00",
        "03-04 09:00/03-04 09:30",
        "03-06 09:00/03-06 10:00",
    ],
    "free_and_cancelled": ["03-03 15:00/03-03 16:00"],
    "last_friday_of_the_month": [
        "03-27 13:00/03-27 13:30",
        "04-24 13:00/04-24 13:30",
        "05-29 13:00/05-29 13:30",
    ],
    "moved_occurrence": [
        "03-03 14:00/03-03 15:00",
        "03-11 18:00/03-11 19:00",
        "03-17 13:00/03-17 14:00",
    ],
    # What ends before it starts is read the other way round; a moment keeps nobody busy.
    "no_length": ["03-03 10:00/03-03 11:00"],
    "our_own_visit": [],
    "overlapping": ["03-03 09:00/03-03 11:30"],
    "own_zone_rules": ["03-03 05:30/03-03 06:30"],
    "tasks_only": [],
    "unknown_zone": ["03-03 08:00/03-03 09:00", "03-04 09:00/03-04 10:00"],
    "until_as_a_day": [
        "03-05 15:00/03-05 16:00",
        "03-06 15:00/03-06 16:00",
        "03-10 02:00/03-10 03:00",
        "03-11 02:00/03-11 03:00",
        "03-13 02:00/03-13 03:00",
        "03-14 02:00/03-14 03:00",
        "03-16 15:00/03-16 16:00",
        "03-17 15:00/03-17 16:00",
        "03-18 15:00/03-18 16:00",
        "03-19 15:00/03-19 16:00",
        "03-23 23:00/03-25 23:00",
    ],
    "until_the_end_of_time": ["03-03 14:00/03-03 15:00", "03-03 14:00/03-03 15:00"],
    "whole_days": ["03-27 23:00/03-29 22:00", "04-09 22:00/04-10 22:00"],
    "windows_zone": ["07-03 07:00/07-03 08:00"],
    "without_uid": ["03-03 09:00/03-03 10:00", "03-04 09:00/03-04 10:00"],
    "zones_of_many_kinds": [
        "07-03 07:00/07-03 08:00",
        "07-04 13:00/07-04 14:00",
        "07-05 05:30/07-05 06:30",
    ],
}
# How many events are not understood in all that says when they are.
SKIPPED = {"broken_among_good": 2, "broken_in_what_says_when": 4, "unknown_zone": 2}


def read(name: str) -> Busy:
    return busy_times((FOLDER / f"{name}.ics").read_bytes(), ZONE, WINDOW)


def test_every_awkward_calendar_has_a_meaning() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == MEANT.keys() | {"for_ever"}


@pytest.mark.parametrize("name", MEANT)
def test_a_calendar_keeps_busy_what_it_means(name: str) -> None:
    busy = read(name)
    assert [f"{start:%m-%d %H:%M}/{end:%m-%d %H:%M}" for start, end in busy.spans] == MEANT[name]
    assert busy.skipped_events == SKIPPED.get(name, 0)


def test_visits_at_appoint_are_told_apart() -> None:
    starts_at = datetime(2026, 3, 3, 9, tzinfo=UTC)
    (known,) = read("our_own_visit").visits
    assert known == (
        UUID("6f1f4c1a-0000-4000-8000-000000000001"),
        (starts_at, starts_at + timedelta(hours=1)),
    )


def test_what_repeats_for_ever_is_followed_to_the_end_of_the_window() -> None:
    busy = read("for_ever").spans
    local = [start.astimezone(ZoneInfo("America/New_York")) for start, _ in busy]
    assert {(start.isoweekday(), start.hour) for start in local} == {(1, 9)}
    assert len(busy) == 57
    assert WINDOW.ends_at.timestamp() - busy[-1][1].timestamp() < 8 * 24 * 3600


def test_busy_time_is_cut_to_the_window() -> None:
    content = (FOLDER / "whole_days.ics").read_bytes()
    first = datetime(2026, 3, 29, 12, tzinfo=UTC)
    busy = busy_times(content, ZONE, Window(first, datetime(2026, 3, 30, tzinfo=UTC)))
    assert busy.spans == [(first, datetime(2026, 3, 29, 22, tzinfo=UTC))]


@pytest.mark.parametrize(
    "content", [b"", b"<html>Sign in</html>", b"\x00\xff" * 100, b"BEGIN:VCARD\r\nEND:VCARD\r\n"]
)
def test_what_is_no_calendar_is_said_so(content: bytes) -> None:
    with pytest.raises(NotACalendarError):
        busy_times(content, ZONE, WINDOW)


async def test_what_goes_on_beyond_both_ends_reads_the_same_all_day_long() -> None:
    away = (
        (FOLDER / "whole_days.ics")
        .read_bytes()
        .replace(b"20260328", b"20250101")
        .replace(b"20260330", b"20300101")
    )
    early, late = timedelta(minutes=1), timedelta(hours=23, minutes=59)
    first, second = [
        await read_busy_times(away, ZONE.key, NOW + after, UNTIL + after) for after in (early, late)
    ]
    assert first == second
    assert first.starts[0] == (NOW - timedelta(days=1)).isoformat()
    assert first.ends[-1] == (UNTIL + timedelta(days=1)).isoformat()


def test_a_calendar_that_takes_all_memory_is_not_merely_skipped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run_out(_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("appoint.calendars.reading.recurring_ical_events.of", run_out)
    with pytest.raises(MemoryError):
        read("floating")


async def test_reading_happens_in_a_process_of_its_own() -> None:
    busy = await read_busy_times((FOLDER / "floating.ics").read_bytes(), ZONE.key, NOW, UNTIL)
    assert busy.starts == ["2026-03-30T06:30:00+00:00"]
    assert busy.ends == ["2026-03-30T07:30:00+00:00"]
    with pytest.raises(ReadingError, match="not_a_calendar"):
        await read_busy_times(b"no calendar", ZONE.key, NOW, UNTIL)


async def test_a_calendar_that_would_take_for_ever_is_given_up() -> None:
    every_second = (
        (FOLDER / "for_ever.ics").read_bytes().replace(b"FREQ=WEEKLY;BYDAY=MO", b"FREQ=SECONDLY")
    )
    assert b"SECONDLY" in every_second
    with pytest.raises(ReadingError, match="too_complex"):
        await read_busy_times(every_second, ZONE.key, NOW, UNTIL, processor_seconds=1)
