"""Promise wall_clock_time: one function resolves gaps and folds, for every zone.

The oracle is Python's own zone arithmetic with `fold=0`, which has the same rule: a skipped time is
moved forward by the gap, a repeated one is its first occurrence. Where Python's zone database and
PostgreSQL's are of different age they may differ; such days are left out, and few may be.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.people import (
    Connection,
    book,
    every,
    make_clinic,
    make_hours,
    make_location,
    make_patient,
    make_practice,
    make_provider,
    make_service,
    one,
)

ZONES = sorted(name for name in available_timezones() if "/" in name and "posix" not in name)
DAY = timedelta(days=1)


def expected(shown: datetime, zone: str) -> datetime:
    return shown.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)


def test_every_zone_around_every_clock_change_of_three_years(db: Connection) -> None:
    known = {row["name"] for row in every(db, "select name from private.time_zones")}
    begin = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    days, clocks, zones = [], [], []
    for name in ZONES:
        if name not in known:
            continue
        zone, instant = ZoneInfo(name), begin
        for _ in range(3 * 366):
            before, instant = instant, instant + DAY
            if before.astimezone(zone).utcoffset() != instant.astimezone(zone).utcoffset():
                for day in {before.astimezone(zone).date(), instant.astimezone(zone).date()}:
                    for half_hour in range(0, 48, 1):
                        days.append(day)
                        clocks.append(time(half_hour // 2, half_hour % 2 * 30))
                        zones.append(name)
    assert len(days) > 10_000
    answers = every(
        db,
        "select day, clock, zone, private.local_instant(day, clock, zone) as instant"
        " from unnest(%s::date[], %s::time[], %s::text[]) as asked (day, clock, zone)",
        days,
        clocks,
        zones,
    )
    wrong = {
        (row["zone"], row["day"])
        for row in answers
        if row["instant"] != expected(datetime.combine(row["day"], row["clock"]), row["zone"])
    }
    disputed = {pair for pair in wrong if not agree(db, *pair)}
    assert wrong - disputed == set()
    assert len({zone for zone, _ in disputed}) < 15


def agree(db: Connection, zone: str, day: date) -> bool:
    """Whether both zone databases have the same offsets on the days around."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    instants = [noon + timedelta(hours=hours) for hours in range(-48, 49, 1)]
    rows = every(
        db, "select t at time zone %s as shown from unnest(%s::timestamptz[]) t", zone, instants
    )
    return [row["shown"] for row in rows] == [
        instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for instant in instants
    ]


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    shown=st.datetimes(datetime(1975, 1, 2), datetime(2037, 12, 30)).map(
        lambda moment: moment.replace(microsecond=0, fold=0)
    ),
    zone=st.sampled_from(ZONES),
)
def test_any_time_in_any_zone(db: Connection, shown: datetime, zone: str) -> None:
    answer = one(
        db, "select private.local_instant(%s, %s, %s) as t", shown.date(), shown.time(), zone
    )["t"]
    if answer != expected(shown, zone):
        assert not agree(db, zone, shown.date())


@pytest.mark.parametrize(
    ("zone", "shown", "instant"),
    [
        # Spring gap, moved forward by the hour; autumn fold, the first.
        ("Europe/Vienna", "2027-03-28 02:30", "2027-03-28 01:30"),
        ("Europe/Vienna", "2027-10-31 02:30", "2027-10-31 00:30"),
        # Half an hour of daylight saving.
        ("Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-03 15:45"),
        ("Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-04 14:45"),
        # A day that never was.
        ("Pacific/Apia", "2011-12-30 10:00", "2011-12-30 20:00"),
        # The clock jumps at midnight.
        ("America/Havana", "2026-03-08 00:30", "2026-03-08 05:30"),
        ("America/Santiago", "2026-09-06 00:30", "2026-09-06 04:30"),
    ],
)
def test_known_oddities(db: Connection, zone: str, shown: str, instant: str) -> None:
    wanted = datetime.fromisoformat(shown)
    row = one(
        db, "select private.local_instant(%s, %s, %s) as t", wanted.date(), wanted.time(), zone
    )
    assert row["t"] == datetime.fromisoformat(instant).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "night", "minutes"),
    [
        ("Europe/Vienna", date(2027, 3, 28), 23 * 60),
        ("Europe/Vienna", date(2027, 10, 31), 25 * 60),
        ("Europe/Vienna", date(2027, 6, 1), 24 * 60),
        ("Australia/Lord_Howe", date(2027, 4, 4), 24 * 60 + 30),
        ("America/Havana", date(2027, 3, 14), 23 * 60),
    ],
)
def test_a_day_of_slots_on_the_night_of_a_change(
    db: Connection, zone: str, night: date, minutes: int
) -> None:
    """None twice, none lost, each as long as it says, each bookable."""
    clinic = make_clinic(db)
    location = make_location(db, clinic, zone)
    service = make_service(db, clinic, slot_interval_minutes=30, horizon_days=1095)
    provider = make_provider(db, clinic, location, (service,))
    # The days around are closed, so that exactly this local day is offered.
    db.execute("update public.weekly_hours set valid_from = %s, valid_until = %s", [night, night])
    noon = datetime(night.year, night.month, night.day, 12, tzinfo=UTC)
    found = every(
        db,
        "select * from public.open_slots(%s, %s, %s)",
        service,
        noon - 2 * DAY,
        noon + 2 * DAY,
    )
    starts = [slot["starts_at"] for slot in found]
    assert len(starts) == len(set(starts)) == minutes // 30
    assert {slot["ends_at"] - slot["starts_at"] for slot in found} == {timedelta(minutes=30)}
    assert {start.astimezone(ZoneInfo(zone)).date() for start in starts} == {night}
    practice = make_practice(db)
    for slot in found[::6]:
        visit = {
            "clinic": clinic,
            "location": location,
            "service": service,
            "provider": provider,
            "patient": make_patient(db, clinic),
            "user": practice.user,
        }
        assert book(db, type(practice)(**visit), slot["starts_at"])["ends_at"] == slot["ends_at"]


def test_hours_that_a_gap_swallows_leave_nothing(db: Connection) -> None:
    clinic = make_clinic(db)
    location = make_location(db, clinic, "Europe/Vienna")
    provider = make_provider(db, clinic)
    # 02:30 is shown as 03:30, after 03:00 has come: nothing is left between them.
    make_hours(db, clinic, provider, location, opens="02:30", closes="03:00", weekdays=[7])
    open_time = one(
        db,
        "select private.open_time(%s, %s, '2027-03-27', '2027-03-29')::text as ranges",
        provider,
        location,
    )
    assert open_time == {"ranges": "{}"}
