"""Rounds are made at a wake-up or in time, and a freed time reaches the one who waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import psycopg
import pytest

from stack.config import StackConfig
from tests.workers.bookings import new_patient
from tests.workers.worker_process import worker
from workers import rounds as rounds_module
from workers.rounds import Rounds

NEVER = 600.0


class Looks:
    """Counts the looks; says there is more, or fails, as often as it was told to."""

    def __init__(self, *, more: int = 0, failures: int = 0) -> None:
        self.made = 0
        self.more = more
        self.failures = failures
        self._changed = asyncio.Condition()

    async def look(self) -> bool:
        async with self._changed:
            self.made += 1
            self._changed.notify_all()
        if self.made <= self.failures:
            raise ConnectionError
        return self.made <= self.failures + self.more

    async def until(self, times: int) -> None:
        async with asyncio.timeout(30), self._changed:
            await self._changed.wait_for(lambda: self.made >= times)


@contextlib.asynccontextmanager
async def running(looks: Looks, every: float = NEVER) -> AsyncIterator[Rounds]:
    rounds = Rounds("test", looks.look, every)
    task = asyncio.create_task(rounds.run())
    try:
        yield rounds
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_round_goes_on_while_there_is_more() -> None:
    looks = Looks(more=3)
    async with running(looks):
        await looks.until(4)


async def test_a_wake_up_starts_a_round_before_its_time() -> None:
    looks = Looks()
    async with running(looks) as rounds:
        await looks.until(1)
        rounds.wake()
        await looks.until(2)


async def test_a_round_comes_without_a_wake_up() -> None:
    looks = Looks()
    async with running(looks, every=0.001):
        await looks.until(3)


async def test_a_failure_is_logged_once_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(rounds_module, "FIRST_PAUSE", 0.0)
    looks = Looks(failures=3)
    with caplog.at_level(logging.WARNING):
        async with running(looks):
            await looks.until(4)
    assert [record.message for record in caplog.records] == ["round_failed"]


async def test_a_freed_time_is_offered_by_mail_at_once(workerless_stack: StackConfig) -> None:
    # What the demo clinic's own hours give would be offered as well.
    with psycopg.connect(workerless_stack.db_url()) as connection:
        connection.execute("delete from private.freed_slots")
    someone, waiting = await new_patient(workerless_stack), await new_patient(workerless_stack)
    async with worker(workerless_stack, APPOINT_WORKER_SWEEP_SECONDS=str(NEVER)) as working:
        await working.logs("realtime_subscribed")
        appointment = await someone.book()
        await waiting.wait_for(appointment)
        await someone.cancel(appointment)
        (mail,) = await waiting.mails()
        (offer,) = await waiting.offers()
    assert mail["subject"] == "A time has become free for you"
    assert (offer["status"], offer["starts_at"]) == ("open", appointment["starts_at"])
