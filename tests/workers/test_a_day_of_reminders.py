"""A day of a busy group of clinics, across a change of the clocks, in virtual time: every reminder
goes out within its minute, none early, none about what no longer holds.

The notifier, the outbox, the mails and the database are the real ones, two workers at once; only
time is not, and the provider answers from here. APPOINT_REMINDER_DAY=1 makes it 10,000 visits and
24 hours.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import psycopg
import pytest

from stack.config import StackConfig
from tests.people import (
    Connection,
    every,
    make_clinic,
    make_location,
    make_patient,
    make_provider,
    make_service,
    one,
)
from tests.workers.played_provider import played_by
from tests.workers.virtual_time import (
    Clock,
    VirtualDatabase,
    VirtualTimeLoop,
    virtual_database,
    workers_log_from,
)
from tests.workers.virtual_workers import SETTINGS, outbox_of, two_notifiers
from workers.notifier import SHARED_WAITING, Pace

IS_LONG = os.environ.get("APPOINT_REMINDER_DAY") == "1"
VISITS = 10_000 if IS_LONG else 120
HOURS = 24 if IS_LONG else 2
# The clocks go forward in Europe at 01:00 UTC; between 48 hours before a visit and the visit they
# have changed, or not, or never do.
CLOCKS_CHANGE = datetime(2026, 3, 29, 1, tzinfo=UTC)
BEGINS = CLOCKS_CHANGE - timedelta(hours=HOURS / 2)
ENDS = BEGINS + timedelta(hours=HOURS)
# Long enough for the confirmations of all visits.
OPENS_BEFORE = timedelta(minutes=60 if IS_LONG else 5)
ZONES = ("Europe/Zurich", "Europe/Lisbon", "America/New_York", "Asia/Kolkata")
OFFSETS = (2880, 120)
SLOT = timedelta(minutes=15)
WITHIN = 60.0
LONGEST_ANSWER = 0.4


@dataclass
class Visit:
    """What the model knows: each agreed time, since when it holds and when it ceased to."""

    id: UUID
    patient: UUID
    zone: str
    agreed: list[tuple[datetime, float, float]] = field(default_factory=list)

    def agree(self, starts_at: datetime, now: float) -> None:
        self.end(now)
        self.agreed.append((starts_at, now, float("inf")))

    def end(self, now: float) -> None:
        if self.agreed:
            starts_at, since, _ = self.agreed[-1]
            self.agreed[-1] = (starts_at, since, now)

    @property
    def is_on(self) -> bool:
        return self.agreed[-1][2] == float("inf")


@dataclass(frozen=True)
class Sent:
    """A mail that the provider has accepted."""

    key: str
    at: float
    text: str


class Provider:
    """Resend, as far as a notifier sees it; answers after a while of virtual time."""

    def __init__(self, clock: Clock, chance: random.Random) -> None:
        self._clock = clock
        self._chance = chance
        self.sent: list[Sent] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(self._chance.uniform(0.05, LONGEST_ANSWER))
        asked = json.loads(request.content)
        mails = asked if isinstance(asked, list) else [asked]
        for mail in mails:
            (tag,) = mail["tags"]
            self.sent.append(Sent(tag["value"], self._clock.seconds, mail["text"]))
        ids = [{"id": f"mail-{mail['tags'][0]['value']}"} for mail in mails]
        return httpx.Response(200, json={"data": ids} if isinstance(asked, list) else ids[0])


class Group:
    """Clinics around the world with their visits, and what happens to these in a day."""

    def __init__(self, database: VirtualDatabase, clock: Clock, chance: random.Random) -> None:
        self._database = database
        self._clock = clock
        self._chance = chance
        self.visits: list[Visit] = []
        self.wishes: dict[UUID, list[tuple[float, bool]]] = {}
        self._taken: set[tuple[UUID, datetime]] = set()

    def open(self) -> None:
        """As many providers as the visits need, at two thirds of their time, and their patients."""
        db = self._database.now()
        providers = max(len(ZONES), VISITS * 3 // (2 * 2 * HOURS * 4))
        self._columns: list[tuple[str, UUID, UUID, UUID, UUID]] = []
        for number, zone in enumerate(ZONES):
            clinic = make_clinic(db, reminder_offsets_minutes=list(OFFSETS), time_zone=zone)
            location = make_location(db, clinic, zone)
            service = make_service(db, clinic, duration_minutes=15)
            for _ in range(number, providers, len(ZONES)):
                provider = make_provider(db, clinic, location, (service,))
                self._columns.append((zone, clinic, service, location, provider))
        # One visit at a time for each: a patient for every provider is enough.
        self._patients = {}
        for _, clinic, _, _, provider in self._columns:
            self._patients[provider] = patient = make_patient(db, clinic)
            db.execute("update public.patients set locale = 'de' where id = %s", [patient])

    def book_all(self) -> None:
        """Half of the visits are two hours ahead during the day, the others two days ahead."""
        for first in (BEGINS + timedelta(hours=2), BEGINS + timedelta(hours=48)):
            places = [
                (column, first + number * SLOT)
                for column in self._columns
                for number in range(HOURS * 4)
            ]
            for column, starts_at in self._chance.sample(places, VISITS // 2):
                self._book(column, starts_at)

    def _book(self, column: tuple[str, UUID, UUID, UUID, UUID], starts_at: datetime) -> None:
        zone, _, service, location, provider = column
        row = one(
            self._database.now(),
            "insert into public.appointments (service_id, provider_id, location_id, patient_id,"
            "   starts_at, booked_via) values (%s, %s, %s, %s, %s, 'staff') returning id",
            service,
            provider,
            location,
            self._patients[provider],
            starts_at,
        )
        visit = Visit(row["id"], self._patients[provider], zone)
        visit.agree(starts_at, self._clock.seconds)
        self._taken.add((provider, starts_at))
        self.visits.append(visit)

    def something_happens(self) -> str:
        """A booking, a move, a cancellation or a change of mind."""
        what = self._chance.choices(("moves", "cancels", "books", "minds"), (4, 4, 2, 1))[0]
        if what == "books":
            self._book_anew()
        elif what == "minds":
            self._change_a_mind()
        else:
            self._change(what)
        return what

    def _free_time(self, provider: UUID) -> datetime | None:
        soon = self._clock.now() + timedelta(hours=self._chance.choice((1, 2, 3, 40, 48, 50)))
        first = datetime.fromtimestamp(soon.timestamp() // 900 * 900, UTC)
        free = [
            first + number * SLOT
            for number in range(12)
            if (provider, first + number * SLOT) not in self._taken
        ]
        return self._chance.choice(free) if free else None

    def _book_anew(self) -> None:
        column = self._chance.choice(self._columns)
        if starts_at := self._free_time(column[-1]):
            self._book(column, starts_at)

    def _change(self, what: str) -> None:
        now = self._clock.now()
        visit = self._chance.choice(self.visits)
        if not visit.is_on or visit.agreed[-1][0] <= now:
            return
        db = self._database.now()
        if what == "cancels":
            db.execute(
                "update public.appointments set status = 'cancelled' where id = %s", [visit.id]
            )
            visit.end(self._clock.seconds)
            return
        provider = one(db, "select provider_id from public.appointments where id = %s", visit.id)
        if starts_at := self._free_time(provider["provider_id"]):
            db.execute(
                "update public.appointments set starts_at = %s, ends_at = %s where id = %s",
                [starts_at, starts_at + SLOT, visit.id],
            )
            self._taken.add((provider["provider_id"], starts_at))
            visit.agree(starts_at, self._clock.seconds)

    def _change_a_mind(self) -> None:
        patient = self._chance.choice(self.visits).patient
        wanted = not self.wishes.get(patient, [(0.0, True)])[-1][1]
        self._database.now().execute(
            "insert into public.notification_preferences (clinic_id, patient_id, reminders)"
            " select clinic_id, id, %s from public.patients where id = %s"
            " on conflict (clinic_id, patient_id) do update set reminders = excluded.reminders",
            [wanted, patient],
        )
        self.wishes.setdefault(patient, [(0.0, True)]).append((self._clock.seconds, wanted))

    def wants(self, patient: UUID, first: float, last: float) -> bool | None:
        """Whether they want reminders throughout that stretch of time; None: it changes in it."""
        held = True
        for since, wanted in self.wishes.get(patient, []):
            if since <= first:
                held = wanted
            elif since <= last:
                return None
        return held


async def live_through_the_day(
    database: VirtualDatabase, clock: Clock, group: Group, provider: Provider, chance: random.Random
) -> Counter[str]:
    """Two workers, and a day of changes at random instants; counts what happened."""
    happened: Counter[str] = Counter()
    pace = Pace(
        concurrency=SETTINGS.appoint_worker_concurrency,
        lease_seconds=SETTINGS.appoint_worker_lease_seconds,
        sweep_seconds=SETTINGS.appoint_worker_sweep_seconds,
        per_second=SETTINGS.appoint_mail_per_second,
    )

    async with played_by(provider) as http:
        workers = two_notifiers(outbox_of(database), http, pace)
        running = [asyncio.create_task(worker.run()) for worker in workers]
        group.book_all()
        await asyncio.sleep(BEGINS.timestamp() - clock.seconds)
        for instant in sorted(
            chance.uniform(BEGINS.timestamp(), ENDS.timestamp()) for _ in range(VISITS // 3)
        ):
            await asyncio.sleep(instant - clock.seconds)
            happened[group.something_happens()] += 1
        await asyncio.sleep(ENDS.timestamp() + WITHIN - clock.seconds)
        for worker in workers:
            worker.stop()
        await asyncio.gather(*running)
    return happened


@dataclass(frozen=True)
class Reminder:
    """A reminder that the provider accepted."""

    visit: UUID
    minutes: int
    sent_at: float
    text: str


@pytest.fixture(scope="module")
def day(stack: StackConfig) -> Iterator[tuple[Group, list[Sent], list[Reminder], Counter[str]]]:
    chance = random.Random(2026)
    clock = Clock(BEGINS - OPENS_BEFORE)
    with (
        workers_log_from(logging.ERROR),
        virtual_database(stack, clock) as url,
        psycopg.connect(url, autocommit=True) as connection,
        asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(clock)) as runner,
    ):
        database = VirtualDatabase(connection, clock)
        group, provider = Group(database, clock, chance), Provider(clock, chance)
        group.open()
        happened = runner.run(live_through_the_day(database, clock, group, provider, chance))
        yield group, provider.sent, _reminders(database.now(), provider.sent), happened


def _reminders(db: Connection, sent: list[Sent]) -> list[Reminder]:
    rows = every(
        db,
        "select id::text, appointment_id, reminder_minutes from public.notifications"
        " where kind = 'reminder'",
    )
    known = {row["id"]: row for row in rows}
    return [
        Reminder(
            known[mail.key]["appointment_id"],
            known[mail.key]["reminder_minutes"],
            mail.at,
            mail.text,
        )
        for mail in sent
        if mail.key in known
    ]


Day = tuple[Group, list[Sent], list[Reminder], Counter[str]]


@pytest.mark.timeout(7200 if IS_LONG else 600)
def test_the_day_has_everything_in_it(day: Day) -> None:
    group, sent, reminders, happened = day
    assert {reminder.minutes for reminder in reminders} == set(OFFSETS)
    assert min(happened[what] for what in ("moves", "cancels", "books", "minds")) > 0
    assert any(mail.at < CLOCKS_CHANGE.timestamp() for mail in sent)
    assert any(mail.at > CLOCKS_CHANGE.timestamp() for mail in sent)
    assert len(reminders) > VISITS // 2
    assert any(not visit.is_on for visit in group.visits)


def test_nobody_gets_a_mail_twice(day: Day) -> None:
    _, sent, _, _ = day
    assert len({mail.key for mail in sent}) == len(sent)


def test_no_reminder_is_early_or_late_or_about_what_no_longer_holds(day: Day) -> None:
    group, _, reminders, _ = day
    visits = {visit.id: visit for visit in group.visits}
    late = []
    for reminder in reminders:
        visit = visits[reminder.visit]
        (starts_at,) = [
            starts_at
            for starts_at, since, until in visit.agreed
            # What was asked for the last time, waited for its turn and was under way when the visit
            # changed.
            if since <= reminder.sent_at < until + SHARED_WAITING + LONGEST_ANSWER
            and 0 <= reminder.sent_at - due(starts_at, reminder.minutes) < WITHIN
        ]
        late.append(reminder.sent_at - due(starts_at, reminder.minutes))
        local = starts_at.astimezone(ZoneInfo(visit.zone))
        assert f"{local:%H:%M} – " in reminder.text
    if IS_LONG:
        late.sort()
        shown = [late[len(late) // 2], late[len(late) * 99 // 100], late[-1]]
        print(  # noqa: T201 - asked for
            f"{len(late)} reminders, seconds after they were due (median, 99 %, longest):",
            ", ".join(f"{seconds:.1f}" for seconds in shown),
        )


def test_every_reminder_that_was_owed_came_once(day: Day) -> None:
    group, _, reminders, _ = day
    got = Counter((reminder.visit, reminder.minutes) for reminder in reminders)
    owed: Counter[tuple[UUID, int]] = Counter()
    unclear = set()
    for visit in group.visits:
        for starts_at, since, until in visit.agreed:
            for minutes in OFFSETS:
                at = due(starts_at, minutes)
                if not (since < at <= ENDS.timestamp() and at < until):
                    continue
                wanted = group.wants(visit.patient, at, at + WITHIN)
                if until < at + WITHIN or wanted is None:
                    unclear.add((visit.id, minutes))
                elif wanted:
                    owed[visit.id, minutes] += 1
    assert {key: count for key, count in got.items() if key not in unclear} == {
        key: count for key, count in owed.items() if key not in unclear
    }
    assert len(unclear) < len(owed) / 20


def due(starts_at: datetime, minutes: int) -> float:
    return starts_at.timestamp() - minutes * 60
