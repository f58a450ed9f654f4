"""Promise wall_clock_time: one rule resolves gaps and folds, for every zone, and slots follow it.

The oracle is Python's own zone arithmetic with `fold=0`, which has the same rule, on the zone files
that PostgreSQL itself reads.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.database.zone_files import (
    DAY,
    EPOCH,
    FILES,
    changes_between,
    distinct,
    instant_of,
    offset,
    recorded_changes,
)
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

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
MIDNIGHT = time(0)  # as an end: that of the day
# For a longer look: so many random examples, and all changes of the past and of the future where a
# normal run takes some of them.
EXAMPLES = int(os.environ.get("APPOINT_EXAMPLES", "0"))


@cache
def zones() -> list[str]:
    """Every zone there is, under one of its names; those without a slash are old aliases."""
    return distinct(
        [str(path.relative_to(FILES)) for path in FILES.glob("[A-Z]*/**/*") if path.is_file()]
    )


@cache
def coming_changes() -> list[tuple[str, datetime]]:
    """Every clock change of the coming three years."""
    return [
        (name, change)
        for name in zones()
        for change in changes_between(name, TODAY, TODAY + 3 * 366 * DAY)
    ]


@cache
def past_changes() -> list[tuple[str, datetime]]:
    """Every clock change that the files list from 1971 until now."""
    return [
        (name, change)
        for name in zones()
        for change in recorded_changes(name)
        if change.year > 1970 and change < TODAY and not misread(name, change)
    ]


def misread(name: str, instant: datetime) -> bool:
    """Where the oracle errs: a week before daylight saving would have ended by the old law, Python
    follows the file's rule for the future too early."""
    return name == "America/Ojinaga" and abs(instant - datetime(2022, 11, 2, tzinfo=UTC)) < 7 * DAY


# Half an hour of daylight saving, two hours of it, skipped and repeated days, changes at midnight
# and to another day, a law changed at two days' notice, zones that moved for good.
PAST_ODDITIES = [
    ("Australia/Lord_Howe", "1985-10-26"),
    ("Australia/Lord_Howe", "2019-04-06"),
    ("Antarctica/Troll", "2019-03-31"),
    ("Pacific/Apia", "2011-12-30"),
    ("Pacific/Fakaofo", "2011-12-30"),
    ("Pacific/Kwajalein", "1993-08-21"),
    ("Pacific/Kiritimati", "1994-12-31"),
    ("America/Juneau", "1983-10-30"),
    ("America/Havana", "2018-11-04"),
    ("America/Sao_Paulo", "2018-11-04"),
    ("America/Sao_Paulo", "2018-02-18"),
    ("America/Asuncion", "2019-10-06"),
    ("Asia/Amman", "2011-10-27"),
    ("Asia/Beirut", "2022-03-27"),
    ("Africa/Cairo", "2010-08-11"),
    ("Africa/Casablanca", "2019-05-05"),
    ("Asia/Pyongyang", "2015-08-15"),
    ("Asia/Kathmandu", "1986-01-01"),
    ("America/Caracas", "2007-12-09"),
    ("America/Caracas", "2016-05-01"),
    ("Europe/Istanbul", "2015-11-08"),
    ("Antarctica/Casey", "2018-03-11"),
    ("America/St_Johns", "2006-10-29"),
    ("Atlantic/Azores", "2019-10-27"),
]


def test_every_zone_is_known_and_none_is_an_abbreviation(db: Connection) -> None:
    known = {row["name"] for row in every(db, "select name from private.time_zones")}
    assert len(known) > 400
    assert all("/" in name or name == "UTC" for name in known)
    assert {name for name in known if not (FILES / name).is_file()} == set()


def test_every_change_of_every_zone_since_1970_and_of_the_coming_years(db: Connection) -> None:
    """All around each change: a day before, just before, within gap or fold, after, a day after."""
    changes = coming_changes() + [
        (name, change)
        for name in zones()
        for change in recorded_changes(name)
        if not misread(name, change)
    ]
    assert len(changes) > 10_000
    shown: list[datetime] = []
    names: list[str] = []
    for name, change in changes:
        before = offset(name, change - timedelta(seconds=1))
        after = offset(name, change)
        last = (change + before).replace(tzinfo=None)
        skew = after - before
        for step in (
            -25 * timedelta(hours=1),
            -timedelta(seconds=1),
            timedelta(0),
            skew / 2,
            skew - timedelta(seconds=1),
            skew,
            abs(skew),
            timedelta(hours=12),
            timedelta(hours=23, minutes=59),
            25 * timedelta(hours=1),
        ):
            shown.append((last + step).replace(microsecond=0))
            names.append(name)
    rows = db.execute(
        "select private.local_instant(shown::date, shown::time, zone)"
        " from unnest(%s::timestamp[], %s::text[]) with ordinality as asked (shown, zone, place)"
        " order by place",
        [shown, names],
    ).fetchall()
    wrong = [
        (name, clock, answer)
        for clock, name, (answer,) in zip(shown, names, rows, strict=True)
        if answer != instant_of(clock, name)
    ]
    assert wrong == []


@settings(
    max_examples=EXAMPLES or 150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    shown=st.datetimes(datetime(1971, 1, 2), datetime(2060, 12, 30)).map(
        lambda moment: moment.replace(microsecond=0, fold=0)
    ),
    zone=st.sampled_from(zones()),
)
def test_any_time_in_any_zone(db: Connection, shown: datetime, zone: str) -> None:
    answer = one(
        db, "select private.local_instant(%s, %s, %s) as t", shown.date(), shown.time(), zone
    )["t"]
    if not misread(zone, shown.replace(tzinfo=UTC)):
        assert answer == instant_of(shown, zone)


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


@dataclass(frozen=True)
class Week:
    """The same hours on every day, `closes` MIDNIGHT for the end of the day."""

    hours: tuple[tuple[time, time], ...]
    length: timedelta
    interval: timedelta

    def shifts(self, name: str, begin: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        """What the wall clock makes of the hours, by the oracle."""
        first = begin.date() - 2 * DAY
        found = []
        for count in range((end - begin).days + 6):
            day = first + count * DAY
            for opens, closes in self.hours:
                closing = day + DAY if closes == MIDNIGHT else day
                shift = (
                    instant_of(datetime.combine(day, opens), name),
                    instant_of(datetime.combine(closing, closes), name),
                )
                if shift[0] < shift[1]:
                    found.append(shift)
        return sorted(found)

    def starts(self, name: str, begin: datetime, end: datetime) -> list[datetime]:
        """Every start to offer in [begin, end), by the oracle, each once."""
        shifts = self.shifts(name, begin, end)
        merged: list[tuple[datetime, datetime]] = []
        for opens, closes in shifts:
            if merged and opens <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(merged[-1][1], closes))
            else:
                merged.append((opens, closes))
        found = set()
        for opens, closes in shifts:
            until = next(end for start, end in merged if start <= opens < end)
            start = opens
            while start < closes:
                if begin <= start < end and start + self.length <= until:
                    found.add(start)
                start += self.interval
        return sorted(found)


# Around the clock, all offered; and a night in two rows, with hours that begin and end where clocks
# change.
QUARTERS, THIRDS = timedelta(minutes=15), timedelta(minutes=20)
WEEKS = (
    Week(((time(0), MIDNIGHT),), THIRDS, QUARTERS),
    Week(
        ((time(22), MIDNIGHT), (time(0), time(2, 30)), (time(2, 45), time(3, 15))), THIRDS, QUARTERS
    ),
)


@dataclass
class Site:
    """Providers of one service in one place, whose zone and hours change from test to test."""

    db: Connection
    clinic: UUID
    location: UUID
    service: UUID
    providers: tuple[UUID, UUID]

    def keep_zone(self, zone: str) -> None:
        self.db.execute(
            "update public.locations set time_zone = %s where id = %s", [zone, self.location]
        )

    def keep_weeks(self, *weeks: Week) -> None:
        """One week for each provider; length and interval are those of the first."""
        self.db.execute("delete from public.weekly_hours where clinic_id = %s", [self.clinic])
        for provider, week in zip(self.providers, weeks, strict=False):
            for opens, closes in week.hours:
                make_hours(
                    self.db,
                    self.clinic,
                    provider,
                    self.location,
                    opens=str(opens),
                    closes="24:00" if closes == MIDNIGHT else str(closes),
                )
        self.db.execute(
            "update public.weekly_hours set valid_from = '1970-01-01' where clinic_id = %s",
            [self.clinic],
        )
        self.db.execute(
            "update public.services set duration_minutes = %s, slot_interval_minutes = %s"
            " where id = %s",
            [
                weeks[0].length // timedelta(minutes=1),
                weeks[0].interval // timedelta(minutes=1),
                self.service,
            ],
        )

    def offered(
        self, begin: datetime, end: datetime
    ) -> dict[UUID, list[tuple[datetime, datetime]]]:
        """The slots of each provider between two instants, past ones included."""
        rows = self.db.execute(
            "select slot.provider_id, slot.starts_at, slot.ends_at"
            " from public.services cross join lateral"
            " private.slots(services, null, null, %s, %s, 5000) as slot where services.id = %s",
            [begin, end, self.service],
        ).fetchall()
        return {
            provider: [(start, end) for found, start, end in rows if found == provider]
            for provider in self.providers
        }

    def check(self, zone: str, change: datetime, *weeks: Week) -> list[datetime]:
        """The starts offered around that change are exactly the oracle's, none twice, none lost,
        and each visit is as long as it says in elapsed minutes. Returns the first provider's."""
        begin, end = change - timedelta(hours=30), change + timedelta(hours=30)
        offered = self.offered(begin, end)
        for provider, week in zip(self.providers, weeks, strict=False):
            starts = [start for start, _ in offered[provider]]
            assert starts == week.starts(zone, begin, end), (zone, change)
            assert {end - start for start, end in offered[provider]} <= {week.length}
        return [start for start, _ in offered[self.providers[0]]]


@pytest.fixture
def site(db: Connection) -> Site:
    clinic = make_clinic(db)
    location = make_location(db, clinic)
    service = make_service(db, clinic, horizon_days=1095)
    first, second = (make_provider(db, clinic, None, (service,)) for _ in range(2))
    return Site(db, clinic, location, service, (first, second))


def test_slots_around_every_coming_change_of_every_zone(site: Site) -> None:
    assert len(coming_changes()) > 300
    site.keep_weeks(*WEEKS)
    for zone in zones():
        site.keep_zone(zone)
        changes = [change for name, change in coming_changes() if name == zone]
        # Where no clock is changed, any day will do.
        for change in changes or [TODAY + 200 * DAY]:
            assert site.check(zone, change, *WEEKS)


def test_slots_around_changes_of_the_past_of_all_zones(site: Site) -> None:
    changes = past_changes()[:: 1 if EXAMPLES else 200]
    assert len(changes) > 40
    site.keep_weeks(*WEEKS)
    kept = None
    for zone, change in changes:
        if zone != kept:
            site.keep_zone(zone)
            kept = zone
        assert site.check(zone, change, *WEEKS)


@pytest.mark.parametrize(("zone", "day"), PAST_ODDITIES)
def test_slots_around_the_odd_changes_of_the_past(site: Site, zone: str, day: str) -> None:
    midnight = datetime.fromisoformat(day).replace(tzinfo=UTC)
    (change,) = changes_between(zone, midnight - DAY, midnight + 2 * DAY)
    site.keep_weeks(*WEEKS)
    site.keep_zone(zone)
    assert site.check(zone, change, *WEEKS)


def test_slots_next_to_coming_changes_can_be_booked(site: Site) -> None:
    """The ones that begin nearest to the change; booked, they are not offered any more."""
    site.keep_weeks(*WEEKS)
    patient = make_patient(site.db, site.clinic)
    booked = 0
    for zone, change in coming_changes()[:: 1 if EXAMPLES else 20]:
        if change < TODAY + 3 * DAY:
            continue
        site.keep_zone(zone)
        starts = site.check(zone, change, *WEEKS)
        for start in sorted(starts, key=lambda start: abs(start - change))[:2]:
            visit = one(
                site.db,
                "select * from public.book_appointment(%s, %s, %s, %s)",
                site.service,
                start,
                site.providers[0],
                patient,
            )
            assert (visit["starts_at"], visit["ends_at"]) == (start, start + WEEKS[0].length)
            left = site.offered(start, start + timedelta(seconds=1))
            assert left[site.providers[0]] == []
            booked += 1
            site.db.execute("update public.appointments set status = 'cancelled'")
    assert booked > 40


minutes = st.integers(0, 24 * 60)


@settings(
    max_examples=EXAMPLES or 100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    edges=st.lists(minutes, min_size=2, max_size=6, unique=True).map(sorted),
    length=st.integers(1, 180),
    interval=st.integers(5, 90),
    change=st.sampled_from(coming_changes()),
)
def test_any_hours_around_any_coming_change(
    site: Site, edges: list[int], length: int, interval: int, change: tuple[str, datetime]
) -> None:
    clocks = [(EPOCH + timedelta(minutes=edge)).time() for edge in edges]
    pairs = zip(clocks[::2], clocks[1::2], strict=False)
    week = Week(tuple(pairs), timedelta(minutes=length), timedelta(minutes=interval))
    with site.db.transaction(force_rollback=True):
        site.keep_weeks(week)
        site.keep_zone(change[0])
        site.check(*change, week)


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
