"""A provider that is out of order for hours costs no message; those who run the system are told.

With the real notifier, outbox and database, in virtual time.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest

from stack.config import StackConfig
from tests.people import at, book, every, make_practice, one
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

MESSAGES = 3


class Provider:
    """Fails in one way until it is mended; says when all messages have come."""

    def __init__(self, fault: int | Exception) -> None:
        self.fault: int | Exception | None = fault
        self.refused = 0
        self.sent: list[str] = []
        self.is_done = asyncio.Event()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.05)
        if self.fault is not None:
            self.refused += 1
            if isinstance(self.fault, Exception):
                raise self.fault
            problem = {"statusCode": self.fault, "name": "asked_for", "message": "No."}
            return httpx.Response(self.fault, json=problem)
        (tag,) = json.loads(request.content)["tags"]
        self.sent.append(tag["value"])
        if len(self.sent) == MESSAGES:
            self.is_done.set()
        return httpx.Response(200, json={"id": tag["value"]})


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock(datetime.now(UTC))


@pytest.fixture(scope="module")
def database(workerless_stack: StackConfig, clock: Clock) -> Iterator[VirtualDatabase]:
    with (
        workers_log_from(logging.CRITICAL),
        virtual_database(workerless_stack, clock) as url,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        yield VirtualDatabase(connection, clock)


async def live_through(
    database: VirtualDatabase, provider: Provider, lasts: timedelta
) -> str | None:
    """Two workers until all is sent; what operators were told after half of the outage."""
    outbox = outbox_of(database)
    pace = Pace(concurrency=16, lease_seconds=60, sweep_seconds=60, per_second=5)

    async with played_by(provider) as http:
        workers = two_notifiers(outbox, http, pace)
        running = [asyncio.create_task(worker.run()) for worker in workers]
        await asyncio.sleep(lasts.total_seconds() / 2)
        told = (await outbox.depth()).closed_because
        await asyncio.sleep(lasts.total_seconds() / 2)
        provider.fault = None
        # The longest wait between two tries is twenty minutes.
        async with asyncio.timeout(3600):
            await provider.is_done.wait()
        for worker in workers:
            worker.stop()
        await asyncio.gather(*running)
        assert (await outbox.depth()).closed_because is None
    return told


@pytest.mark.parametrize(
    ("fault", "hours", "told"),
    [
        (401, 1, "401:asked_for"),
        (403, 1, "403:asked_for"),
        (500, 6, None),
        (httpx.ConnectError("refused"), 6, None),
    ],
    ids=str,
)
def test_hours_of_it_cost_no_message(
    database: VirtualDatabase,
    clock: Clock,
    fault: int | Exception,
    hours: int,
    told: str | None,
) -> None:
    db = database.now()
    practice = make_practice(db)
    for hour in range(MESSAGES):
        book(db, practice, at(hour, days=20))
    db.execute("update public.notifications set status = 'skipped' where kind = 'reminder'")
    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(clock)) as runner:
        provider = Provider(fault)
        assert runner.run(live_through(database, provider, timedelta(hours=hours))) == told
    assert provider.refused > 20
    rows = every(
        database.now(),
        "select id::text, status::text from public.notifications"
        " where clinic_id = %s and kind = 'confirmation'",
        practice.clinic,
    )
    assert {row["status"] for row in rows} == {"sent"}
    assert sorted(provider.sent) == sorted(row["id"] for row in rows)
    stuck = one(db, "select count(*) as n from private.notification_queue where needs_person")
    assert stuck["n"] == 0
