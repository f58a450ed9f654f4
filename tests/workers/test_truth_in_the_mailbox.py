"""What each person has in their mailbox in the end is exactly what a simple model says.

Random stories of several patients: bookings, moves, cancellations, changes of mind and of address,
nights that pass, a provider that fails or whose answer gets lost. The notifier, the outbox, the
mails and the database are the real ones, in virtual time; the mailbox keeps what Resend would have
delivered. APPOINT_TRUTH_RUNS sets the number of stories. What the ledger says of the same:
tests/database/test_truth.py.
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

import httpx
import psycopg
import pytest

from stack.config import StackConfig
from tests.people import Practice, book, make_patient, make_practice
from tests.workers.played_provider import played_by
from tests.workers.virtual_time import (
    Clock,
    VirtualDatabase,
    VirtualTimeLoop,
    virtual_database,
    workers_log_from,
)
from tests.workers.virtual_workers import outbox_of, two_notifiers
from workers.notifier import Pace

USUAL_STORIES = 2
STORIES = max(USUAL_STORIES, int(os.environ.get("APPOINT_TRUTH_RUNS", "20")) // 10)
STEPS = 20
PATIENTS = 4
OFFSETS = (2880, 120)
# Within this everything that is due is delivered, whatever the provider does meanwhile.
SETTLED = 3600.0
SUBJECTS = {
    "Your appointment is confirmed": "confirmation",
    "Your appointment has changed": "change",
    "Your appointment is cancelled": "cancellation",
    "Your appointment is coming up": "reminder",
}
# To which address, what about, and which time of the visit it shows.
Mail = tuple[str, str, str]


class Mailbox:
    """Resend with a memory for keys, which fails now and then; what it took, people have."""

    def __init__(self, chance: random.Random) -> None:
        self.mails: Counter[Mail] = Counter()
        self._chance = chance
        self._answers: dict[str, tuple[bytes, httpx.Response]] = {}

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(self._chance.uniform(0.05, 0.4))
        luck = self._chance.random()
        if luck < 0.1:
            return self._problem(self._chance.choice((401, 429, 500)), "asked_for")
        key = request.headers["idempotency-key"]
        body, answer = self._answers.get(key, (request.content, None))
        if body != request.content:
            return self._problem(409, "invalid_idempotent_request")
        if answer is None:
            answer = self._take(json.loads(request.content))
            self._answers[key] = request.content, answer
        if luck < 0.2:
            raise httpx.ReadTimeout("the answer is lost")
        return answer

    def _take(self, asked: dict[str, object] | list[dict[str, object]]) -> httpx.Response:
        mails = asked if isinstance(asked, list) else [asked]
        for mail in mails:
            (to,), subject = mail["to"], str(mail["subject"])  # type: ignore[misc]
            self.mails[str(to), SUBJECTS[subject], str(mail["text"])] += 1
        ids = [{"id": str(number)} for number, _ in enumerate(mails)]
        return httpx.Response(200, json={"data": ids} if isinstance(asked, list) else ids[0])

    @staticmethod
    def _problem(status: int, name: str) -> httpx.Response:
        problem = {"statusCode": status, "name": name, "message": "No."}
        return httpx.Response(status, json=problem, headers={"retry-after": "1"})


@dataclass
class Person:
    """What the model knows of one patient."""

    id: UUID
    address: str
    wants_reminders: bool = True


@dataclass
class Visit:
    id: UUID
    person: Person
    starts_at: datetime
    # Seconds at which reminders are due that have not come yet.
    reminders: set[float] = field(default_factory=set)
    is_on: bool = True

    def agree(self, starts_at: datetime, now: float) -> None:
        self.starts_at = starts_at
        due = {starts_at.timestamp() - minutes * 60 for minutes in OFFSETS}
        self.reminders = {at for at in due if at > now}


class Story:
    """One clinic whose patients do what comes to their minds."""

    def __init__(self, database: VirtualDatabase, clock: Clock, chance: random.Random) -> None:
        self._database, self._clock, self._chance = database, clock, chance
        self.expected: Counter[tuple[str, str, datetime]] = Counter()
        self._visits: list[Visit] = []
        self._taken: set[datetime] = set()
        db = database.now()
        # What the story before left for later is not of this one.
        db.execute("update public.notifications set status = 'skipped' where status = 'queued'")
        self._practice: Practice = make_practice(db)
        db.execute("update public.clinics set reminder_offsets_minutes = %s", [list(OFFSETS)])
        self._people = []
        for number in range(PATIENTS):
            patient = make_patient(db, self._practice.clinic)
            person = Person(patient, "")
            self._people.append(person)
            self._move_house(person, number)

    def tell(self, number: int) -> None:
        """One thing happens."""
        person = self._chance.choice(self._people)
        mine = [visit for visit in self._visits if visit.person is person and self._is_ahead(visit)]
        what = self._chance.choice(("books", "books", "moves", "cancels", "minds", "address"))
        if what == "books" or (what in ("moves", "cancels") and not mine):
            self._book(person)
        elif what == "moves":
            self._move(self._chance.choice(mine))
        elif what == "cancels":
            self._cancel(self._chance.choice(mine))
        elif what == "minds":
            self._change_the_mind(person)
        else:
            self._move_house(person, number)

    def let_time_pass(self, seconds: float) -> None:
        """What falls due within that time and is still wanted, comes."""
        until = self._clock.seconds + seconds
        for visit in self._visits:
            come = {at for at in visit.reminders if at <= until}
            visit.reminders -= come
            if visit.is_on and visit.person.wants_reminders:
                for _ in come:
                    self._expect(visit, "reminder")

    def is_a_reminder_near(self, seconds: float) -> bool:
        """Whether one falls due so shortly after that time that it may or may not come before."""
        end = self._clock.seconds + seconds
        return any(
            end - SETTLED < at <= end + 60 for visit in self._visits for at in visit.reminders
        )

    def _is_ahead(self, visit: Visit) -> bool:
        return visit.is_on and visit.starts_at.timestamp() > self._clock.seconds + 2 * SETTLED

    def _expect(self, visit: Visit, kind: str) -> None:
        self.expected[visit.person.address, kind, visit.starts_at] += 1

    def _free_time(self) -> datetime:
        while True:
            hours = self._chance.randrange(3, 120)
            soon = self._clock.now() + timedelta(hours=hours)
            starts_at = soon.replace(minute=self._chance.choice((0, 30)), second=0, microsecond=0)
            if starts_at not in self._taken:
                self._taken.add(starts_at)
                return starts_at

    def _book(self, person: Person) -> None:
        starts_at = self._free_time()
        row = book(self._database.now(), self._practice, starts_at, patient_id=person.id)
        visit = Visit(row["id"], person, starts_at)
        visit.agree(starts_at, self._clock.seconds)
        self._visits.append(visit)
        self._expect(visit, "confirmation")

    def _move(self, visit: Visit) -> None:
        starts_at = self._free_time()
        self._database.now().execute(
            "update public.appointments set starts_at = %s where id = %s", [starts_at, visit.id]
        )
        visit.agree(starts_at, self._clock.seconds)
        self._expect(visit, "change")

    def _cancel(self, visit: Visit) -> None:
        self._database.now().execute(
            "update public.appointments set status = 'cancelled' where id = %s", [visit.id]
        )
        visit.is_on = False
        self._expect(visit, "cancellation")

    def _change_the_mind(self, person: Person) -> None:
        person.wants_reminders = not person.wants_reminders
        self._database.now().execute(
            "insert into public.notification_preferences (clinic_id, patient_id, reminders)"
            " values (%s, %s, %s)"
            " on conflict (clinic_id, patient_id) do update set reminders = excluded.reminders",
            [self._practice.clinic, person.id, person.wants_reminders],
        )

    def _move_house(self, person: Person, number: int) -> None:
        person.address = f"{person.id}-{number}@patients.example"
        self._database.now().execute(
            "update public.patients set email = %s where id = %s", [person.address, person.id]
        )


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock(datetime(2027, 3, 1, 9, tzinfo=UTC))


@pytest.fixture(scope="module")
def database(workerless_stack: StackConfig, clock: Clock) -> Iterator[VirtualDatabase]:
    with (
        workers_log_from(logging.CRITICAL),
        virtual_database(workerless_stack, clock) as url,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        yield VirtualDatabase(connection, clock)


async def live(
    database: VirtualDatabase, clock: Clock, mailbox: Mailbox, chance: random.Random
) -> Story:
    outbox = outbox_of(database)
    pace = Pace(concurrency=16, lease_seconds=60, sweep_seconds=300, per_second=5)

    async with played_by(mailbox) as http:
        workers = two_notifiers(outbox, http, pace)
        running = [asyncio.create_task(worker.run()) for worker in workers]
        story = Story(database, clock, chance)
        for number in range(PATIENTS, PATIENTS + STEPS):
            story.tell(number)
            seconds = SETTLED + chance.uniform(0, 8 * 3600)
            while story.is_a_reminder_near(seconds):
                seconds += SETTLED
            story.let_time_pass(seconds)
            await asyncio.sleep(seconds)
        for worker in workers:
            worker.stop()
        await asyncio.gather(*running)
    return story


@pytest.mark.timeout(600 + 60 * STORIES)
@pytest.mark.parametrize("seed", range(STORIES))
def test_each_person_has_what_a_simple_model_says(
    database: VirtualDatabase, clock: Clock, seed: int
) -> None:
    chance = random.Random(seed)
    mailbox = Mailbox(chance)
    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(clock)) as runner:
        story = runner.run(live(database, clock, mailbox, chance))
    if seed < USUAL_STORIES:
        # Among many more there are some in which nobody wants reminders.
        assert {kind for _, kind, _ in story.expected} == set(SUBJECTS.values())
    # A text shows the day and the time of the visit; which one, the model knows.
    found = Counter(
        (to, kind, starts_at)
        for (to, kind, text), times in mailbox.mails.items()
        for _ in range(times)
        for starts_at in {at for _, _, at in story.expected if shows(text, at)}
    )
    assert found == story.expected
    assert mailbox.mails.total() == story.expected.total()


def shows(text: str, starts_at: datetime) -> bool:
    """Whether a mail in English is about that time."""
    day = f"{starts_at:%A, %B} {starts_at.day}, {starts_at.year}"
    return f"When: {day}, {starts_at:%-I:%M %p} –" in text.replace("\u202f", " ")
