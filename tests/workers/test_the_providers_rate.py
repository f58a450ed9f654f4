"""Two workers use what the provider allows, no more, and the urgent goes first; in virtual time."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest

from appoint.mail import render_message
from stack.config import StackConfig
from tests.people import book, every, make_practice
from tests.workers.played_provider import played_by
from tests.workers.virtual_time import (
    Clock,
    VirtualDatabase,
    VirtualTimeLoop,
    virtual_database,
    workers_log_from,
)
from tests.workers.virtual_workers import SENDER, SETTINGS, outbox_of
from workers.frozen_mail import FrozenMail
from workers.notifier import Notifier, Pace
from workers.resend_mail import ResendMail
from workers.vital_signs import VitalSigns

BEGINS = datetime(2027, 2, 1, 9, tzinfo=UTC)
ALLOWED = 5
REMINDERS, CONFIRMATIONS = 200, 40
# Of a batch; small, so that few messages keep the provider busy for long enough to be counted.
LARGEST_BATCH = 5


@dataclass(frozen=True)
class Asked:
    """A request that came: when, with how many mails, how it was answered."""

    at: float
    mails: int
    status: int


class Provider:
    """Refuses what is one too many in any second; says when all mails have come."""

    def __init__(self, clock: Clock) -> None:
        self.asked: list[Asked] = []
        self.is_done = asyncio.Event()
        self._clock = clock
        self._chance = random.Random(2027)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(self._chance.uniform(0.02, 0.04))
        at = self._clock.elapsed
        body = json.loads(request.content)
        in_this_second = [one for one in self.asked if int(one.at) == int(at)]
        mails = body if isinstance(body, list) else [body]
        status = 429 if len(in_this_second) >= ALLOWED else 200
        self.asked.append(Asked(at, len(mails), status))
        await asyncio.sleep(self._chance.uniform(0.05, 0.3))
        if status == 429:
            problem = {"statusCode": 429, "name": "rate_limit_exceeded", "message": "Too many."}
            return httpx.Response(429, json=problem, headers={"retry-after": "1"})
        if sum(one.mails for one in self.asked) == REMINDERS + CONFIRMATIONS:
            self.is_done.set()
        ids = [{"id": mail["tags"][0]["value"]} for mail in mails]
        return httpx.Response(200, json={"data": ids} if isinstance(body, list) else ids[0])


class SmallBatches(ResendMail):
    """Resend, if a batch held less."""

    largest_batch = LARGEST_BATCH


@pytest.fixture(scope="module")
def asked(workerless_stack: StackConfig) -> Iterator[list[Asked]]:
    """What two workers asked of the provider, when all of it was due at once."""
    clock = Clock(BEGINS)
    with (
        workers_log_from(logging.ERROR),
        virtual_database(workerless_stack, clock) as url,
        psycopg.connect(url, autocommit=True) as connection,
        asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(clock)) as runner,
    ):
        database = VirtualDatabase(connection, clock)
        queue_messages(database)
        yield runner.run(send_all(database, clock))
        stuck = every(
            connection, "select from public.notifications where status <> 'sent' or attempts <> 1"
        )
        assert stuck == []


def queue_messages(database: VirtualDatabase) -> None:
    """Reminders and fewer confirmations, all due now."""
    db = database.now()
    practice = make_practice(db)
    db.execute("update public.clinics set reminder_offsets_minutes = '{120}'")
    for number in range(REMINDERS):
        book(db, practice, BEGINS + timedelta(days=3, minutes=30 * number))
    db.execute(
        "delete from public.notifications where id not in (select id from public.notifications"
        " where kind = 'confirmation' limit %s) and kind <> 'reminder'",
        [CONFIRMATIONS],
    )
    db.execute("update public.notifications set due_at = now()")


async def send_all(database: VirtualDatabase, clock: Clock) -> list[Asked]:
    provider = Provider(clock)
    outbox = outbox_of(database)
    pace = Pace(concurrency=16, lease_seconds=60, sweep_seconds=5, per_second=ALLOWED)

    def write(message: object) -> FrozenMail:
        mail = render_message(message, SENDER)  # type: ignore[arg-type]
        return FrozenMail.of(mail, to="ada@example.org")

    async with played_by(provider) as http:
        workers = [
            Notifier(outbox, SmallBatches(SETTINGS, http), write, pace, VitalSigns())
            for _ in range(2)
        ]
        running = [asyncio.create_task(worker.run()) for worker in workers]
        await provider.is_done.wait()
        for worker in workers:
            worker.stop()
        await asyncio.gather(*running)
    return provider.asked


def test_nothing_is_asked_too_often(asked: list[Asked]) -> None:
    assert {one.status for one in asked} == {200}


def test_at_least_95_percent_of_the_allowed_rate_is_used(asked: list[Asked]) -> None:
    rate = (len(asked) - 1) / (asked[-1].at - asked[0].at)
    assert 0.95 * ALLOWED <= rate <= ALLOWED


def test_reminders_share_requests_and_confirmations_go_alone_and_first(asked: list[Asked]) -> None:
    assert [one.mails for one in asked] == [1] * CONFIRMATIONS + [LARGEST_BATCH] * (
        REMINDERS // LARGEST_BATCH
    )
