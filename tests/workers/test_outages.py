"""What workers live through: restarts of what they depend on, a provider that fails in every way,
long silence of Realtime, clocks that jump. Nothing is lost, nothing comes twice.

APPOINT_REALTIME_GONE_SECONDS sets how long Realtime stays away, APPOINT_CRASHES how often a part is
killed and for how many rounds the provider fails.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest

from stack.config import StackConfig
from tests.people import Practice, at, book, one
from tests.stacks import pid_of
from tests.workers.bookings import PATIENCE_SECONDS, set_faults
from tests.workers.deaf_gateway import deaf_gateway
from tests.workers.test_crash_matrix import messages_received, new_practice, until_final
from tests.workers.worker_process import WorkerProcess, worker
from workers.wakeups import CONNECT_SECONDS, LONGEST_PAUSE

CRASHES = int(os.environ.get("APPOINT_CRASHES", "1"))
REALTIME_GONE_SECONDS = float(os.environ.get("APPOINT_REALTIME_GONE_SECONDS", "2"))
SHORT_LEASE = {"APPOINT_WORKER_LEASE_SECONDS": "3"}
MESSAGES = 6
LETTING_FAIL = 10
FAULTS: list[dict[str, Any]] = [
    {"status": 500, "probability": 0.5},
    {"status": 429, "probability": 0.5},
    {"drop_after_accept": True, "probability": 0.5},
    {"not_json": True, "probability": 0.5},
    {"delay_ms": 2000, "probability": 0.3},
    {},
]


def queue_confirmations(stack: StackConfig, practice: Practice, first_hour: int) -> None:
    with psycopg.connect(stack.db_url(), autocommit=True) as db:
        for hour in range(first_hour, first_hour + MESSAGES):
            book(db, practice, at(hour, days=3))


async def kill_and_await(stack: StackConfig, part: str) -> None:
    """`kill -9`; the supervisor starts the part again."""
    killed = pid_of(stack, part)
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            if pid_of(stack, part) not in (None, killed):
                return
            # The supervisor announces nothing; it can only be asked.
            await asyncio.sleep(0.05)


def hasten(stack: StackConfig, practice: Practice) -> None:
    """Let the time pass for which failed messages wait."""
    with psycopg.connect(stack.db_url(), autocommit=True) as db:
        db.execute(
            "update public.notifications set due_at = now() where status = 'queued'"
            " and clinic_id = %s",
            [practice.clinic],
        )


@asynccontextmanager
async def two_workers(stack: StackConfig, **environment: str) -> AsyncIterator[list[WorkerProcess]]:
    async with (
        worker(stack, **SHORT_LEASE, **environment) as first,
        worker(stack, **SHORT_LEASE, **environment) as second,
    ):
        await asyncio.gather(first.logs("worker_started"), second.logs("worker_started"))
        yield [first, second]


async def assert_each_came_once(stack: StackConfig, practice: Practice, address: str) -> None:
    final = await until_final(stack, practice)
    assert set(final.values()) == {"sent"}, final
    assert await messages_received(stack, address) == sorted(final)


@pytest.mark.timeout(120 * CRASHES + 120)
@pytest.mark.parametrize("part", ["postgres", "postgrest"])
async def test_a_part_that_is_killed_while_messages_go_out_costs_none(
    workerless_stack: StackConfig, part: str
) -> None:
    async with two_workers(workerless_stack):
        for _ in range(CRASHES):
            practice, address = await asyncio.to_thread(new_practice, workerless_stack)
            await set_faults(workerless_stack, delay_ms=100)
            await asyncio.to_thread(queue_confirmations, workerless_stack, practice, 0)
            await kill_and_await(workerless_stack, part)
            await set_faults(workerless_stack)
            await asyncio.to_thread(queue_confirmations, workerless_stack, practice, 12)
            await assert_each_came_once(workerless_stack, practice, address)


@pytest.mark.timeout(120 * CRASHES + 120)
async def test_a_provider_that_fails_in_every_way_gets_each_message_through_once(
    workerless_stack: StackConfig,
) -> None:
    async with two_workers(workerless_stack):
        for number in range(CRASHES):
            chance = random.Random(number)
            practice, address = await asyncio.to_thread(new_practice, workerless_stack)
            await asyncio.to_thread(queue_confirmations, workerless_stack, practice, 0)
            for _ in range(LETTING_FAIL):
                await set_faults(workerless_stack, **chance.choice(FAULTS))
                # Faults have to have time to strike; nobody announces that they did.
                await asyncio.sleep(0.2)
                await asyncio.to_thread(hasten, workerless_stack, practice)
            await set_faults(workerless_stack)
            await asyncio.to_thread(hasten, workerless_stack, practice)
            await assert_each_came_once(workerless_stack, practice, address)


@pytest.mark.timeout(REALTIME_GONE_SECONDS + 300)
async def test_while_realtime_is_gone_the_timer_finds_the_work_and_afterwards_it_wakes_again(
    workerless_stack: StackConfig,
) -> None:
    practice, address = await asyncio.to_thread(new_practice, workerless_stack)
    async with (
        deaf_gateway(workerless_stack) as gateway,
        worker(workerless_stack, SUPABASE_URL=gateway.url) as working,
    ):
        gateway.lets_realtime_through = True
        await working.logs("realtime_subscribed")
        gateway.cut()
        await working.logs("realtime_lost")
        await asyncio.to_thread(queue_confirmations, workerless_stack, practice, 0)
        await assert_each_came_once(workerless_stack, practice, address)
        await asyncio.sleep(REALTIME_GONE_SECONDS)
        gateway.lets_realtime_through = True
        # After a long outage it tries no more often than that.
        longest = LONGEST_PAUSE * 1.5 + CONNECT_SECONDS
        await working.logs("realtime_subscribed", times=2, within=longest + PATIENCE_SECONDS)
        await asyncio.to_thread(queue_confirmations, workerless_stack, practice, 12)
        await assert_each_came_once(workerless_stack, practice, address)


def let_the_databases_clock_jump(stack: StackConfig, practice: Practice, hours: int) -> None:
    """What an hour's jump makes of all times that were written before it."""
    with psycopg.connect(stack.db_url("supabase_admin"), autocommit=True) as db:
        shift = f"{-hours} hours"
        db.execute(
            "update public.notifications set due_at = due_at + %s::interval,"
            " leased_until = leased_until + %s::interval where clinic_id = %s",
            [shift, shift, practice.clinic],
        )
        db.execute(
            "update private.notification_payloads set trying_since = trying_since + %s::interval,"
            " uncertain_since = uncertain_since + %s::interval",
            [shift, shift],
        )
        db.execute("update private.sending_batches set ready_at = ready_at + %s::interval", [shift])
        db.execute(
            "update private.sending_budget set free_at = free_at + %s::interval,"
            " asked_at = asked_at + %s::interval",
            [shift, shift],
        )


async def test_a_clock_that_jumps_an_hour_ahead_ends_leases_early_and_nothing_comes_twice(
    workerless_stack: StackConfig,
) -> None:
    practice, address = await asyncio.to_thread(new_practice, workerless_stack)
    await set_faults(workerless_stack, delay_ms=500)
    async with two_workers(workerless_stack):
        await asyncio.to_thread(queue_confirmations, workerless_stack, practice, 0)
        await asyncio.to_thread(let_the_databases_clock_jump, workerless_stack, practice, 1)
        await set_faults(workerless_stack)
        await assert_each_came_once(workerless_stack, practice, address)


async def test_a_clock_that_is_set_back_an_hour_does_not_stop_the_sending(
    workerless_stack: StackConfig,
) -> None:
    practice, address = await asyncio.to_thread(new_practice, workerless_stack)
    await asyncio.to_thread(let_the_databases_clock_jump, workerless_stack, practice, -1)
    async with two_workers(workerless_stack):
        await asyncio.to_thread(queue_confirmations, workerless_stack, practice, 0)
        await assert_each_came_once(workerless_stack, practice, address)


def test_a_pause_asked_for_before_the_clock_was_set_back_is_kept(
    workerless_stack: StackConfig,
) -> None:
    with psycopg.connect(workerless_stack.db_url("supabase_admin")) as db:
        db.execute(
            "update private.sending_budget set asked_at = now() + interval '1 hour',"
            " free_at = now() + interval '1 hour 10 minutes'"
        )
        turn = one(db, "select * from private.take_sending_budget(1, 5, 3600)")
        assert 590 <= turn["first_in"] <= 600
        db.rollback()
