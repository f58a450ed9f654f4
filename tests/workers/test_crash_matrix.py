"""`kill -9` at every step of a message's way, beside two other workers: none lost, none twice.

APPOINT_CRASHES sets how often each step is tried.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from stack.config import StackConfig
from tests.people import Practice, at, book, every, make_practice, one
from tests.workers.bookings import set_faults
from tests.workers.crash_points import FreezingGateway, freezing
from tests.workers.silent_mailbox import nobody_answers, silent_mailbox
from tests.workers.worker_process import WorkerProcess, forked_notifier, worker

CRASHES = int(os.environ.get("APPOINT_CRASHES", "1"))
# Of each step, as far as several crashes are wanted.
AT_ONCE = 3
MESSAGES = 4
PATIENCE_SECONDS = 60
# No lease of a dead worker ends before the test says so.
LONG_LEASE = {"APPOINT_WORKER_LEASE_SECONDS": "600"}
STEPS = [
    ("claim_notifications", "before"),
    ("claim_notifications", "after"),
    ("begin_sending", "before"),
    ("begin_sending", "after"),
    ("mailbox", "before"),
    ("mailbox", "after"),
    ("complete_notifications", "before"),
    ("complete_notifications", "after"),
]
# Where a batch differs from messages that go alone.
STEPS_OF_BATCHES = STEPS[3:] if CRASHES == 1 else STEPS


def make_messages(stack: StackConfig, practice: Practice, first_hour: int) -> None:
    with psycopg.connect(stack.db_url(), autocommit=True) as db:
        for hour in range(first_hour, first_hour + MESSAGES):
            book(db, practice, at(hour, days=3))


def make_reminders(stack: StackConfig, practice: Practice, first_hour: int) -> None:
    """Reminders that are due, which share requests, and nothing else."""
    with psycopg.connect(stack.db_url()) as db:
        db.execute(
            "update public.clinics set reminder_offsets_minutes = '{120}' where id = %s",
            [practice.clinic],
        )
        for hour in range(first_hour, first_hour + MESSAGES):
            book(db, practice, at(hour, days=3))
        db.execute(
            "delete from public.notifications where kind <> 'reminder' and clinic_id = %s",
            [practice.clinic],
        )
        db.execute(
            "update public.notifications set due_at = now() where status = 'queued'"
            " and clinic_id = %s",
            [practice.clinic],
        )


def new_practice(stack: StackConfig) -> tuple[Practice, str]:
    with psycopg.connect(stack.db_url(), autocommit=True) as db:
        practice = make_practice(db)
        row = one(db, "select email from public.patients where id = %s", practice.patient)
    return practice, row["email"]


def states(stack: StackConfig, practice: Practice) -> dict[str, str]:
    with psycopg.connect(stack.db_url(), autocommit=True) as db:
        rows = every(
            db,
            "select id::text, status::text from public.notifications where clinic_id = %s",
            practice.clinic,
        )
    return {row["id"]: row["status"] for row in rows}


def leases_held(stack: StackConfig) -> list[UUID]:
    with psycopg.connect(stack.db_url(), autocommit=True) as db:
        rows = every(db, "select lease_id from public.notifications where status = 'sending'")
    return [row["lease_id"] for row in rows]


def let_leases_end(stack: StackConfig, leases: list[UUID]) -> None:
    """Let the time pass for which workers that are dead now had their messages."""
    with psycopg.connect(stack.db_url("supabase_admin")) as db:
        db.execute(
            """
            with ended as (
              update public.notifications set leased_until = now()
              where lease_id = any (%s) and status = 'sending' returning id
            )
            update private.sending_batches set ready_at = now()
            where id in (
              select batch_id from private.notification_queue
              where notification_id in (select id from ended)
            )
            """,
            [leases],
        )


async def until_final(stack: StackConfig, practice: Practice) -> dict[str, str]:
    """The statuses once none is on its way. The tables announce nothing to tests."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            found = await asyncio.to_thread(states, stack, practice)
            if not set(found.values()) & {"queued", "sending"}:
                return found
            await asyncio.sleep(0.05)


async def messages_received(stack: StackConfig, address: str) -> list[str]:
    """Which messages came, as often as they came; a batch's key is not any message's."""
    async with httpx.AsyncClient(base_url=stack.mailbox_url) as mailbox:
        answer = await mailbox.get("/inbox.json", params={"to": address})
    mails: list[dict[str, Any]] = answer.json()
    return sorted(tag["value"] for mail in mails for tag in mail["tags"])


@dataclass(frozen=True)
class Doomed:
    """A worker that freezes at one step of the messages of one practice."""

    worker: WorkerProcess
    gateway: FreezingGateway
    practice: Practice
    address: str


@asynccontextmanager
async def doomed(stack: StackConfig, step: str, when: str) -> AsyncIterator[Doomed]:
    practice, address = await asyncio.to_thread(new_practice, stack)
    async with AsyncExitStack() as held:
        gateway = await held.enter_async_context(freezing(stack, step, when))
        environment = LONG_LEASE | {"SUPABASE_URL": gateway.url}
        if step == "mailbox" and when == "after":
            silent = await held.enter_async_context(silent_mailbox(stack, gateway.reached))
            environment["RESEND_API_URL"] = silent.url
        elif step == "mailbox":
            environment["RESEND_API_URL"] = await held.enter_async_context(
                nobody_answers(gateway.reached)
            )
        process = await held.enter_async_context(forked_notifier(stack, **environment))
        yield Doomed(process, gateway, practice, address)


def each(workers: list[WorkerProcess], number: signal.Signals) -> None:
    for one_of_them in workers:
        one_of_them.process.send_signal(number)


async def kill_at_each(
    stack: StackConfig,
    others: list[WorkerProcess],
    steps: list[tuple[str, str]],
    make: Callable[[StackConfig, Practice, int], None],
) -> None:
    """A crash at each of these steps at once; then every message is sent, and came once."""
    # The others look away until the doomed ones have something in their hands.
    each(others, signal.SIGSTOP)
    try:
        async with AsyncExitStack() as held:
            victims = [
                await held.enter_async_context(doomed(stack, step, when)) for step, when in steps
            ]
            for victim in victims:
                await asyncio.to_thread(make, stack, victim.practice, 0)
                victim.gateway.opened.set()
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await victim.gateway.reached.wait()
            leases = await asyncio.to_thread(leases_held, stack)
            each(others, signal.SIGCONT)
            for victim in victims:
                await asyncio.to_thread(make, stack, victim.practice, 12)
                await victim.worker.kill()
            await asyncio.to_thread(let_leases_end, stack, leases)
    finally:
        each(others, signal.SIGCONT)
    for victim, step in zip(victims, steps, strict=True):
        final = await until_final(stack, victim.practice)
        assert set(final.values()) == {"sent"}, (step, final)
        assert await messages_received(stack, victim.address) == sorted(final), step


@pytest.mark.timeout(60 * CRASHES + 240)
@pytest.mark.parametrize(
    ("make", "steps"), [(make_messages, STEPS), (make_reminders, STEPS_OF_BATCHES)]
)
async def test_killed_at_any_step_nothing_is_lost_and_nothing_comes_twice(
    workerless_stack: StackConfig,
    make: Callable[[StackConfig, Practice, int], None],
    steps: list[tuple[str, str]],
) -> None:
    async with (
        worker(workerless_stack) as first,
        worker(workerless_stack) as second,
    ):
        others = [first, second]
        await asyncio.gather(first.logs("worker_started"), second.logs("worker_started"))
        for crashes in range(0, CRASHES, AT_ONCE):
            times = min(AT_ONCE, CRASHES - crashes)
            await kill_at_each(workerless_stack, others, steps * times, make)
            if CRASHES > 1:
                print(f"{crashes + times} crashes at each of {len(steps)} steps", flush=True)  # noqa: T201


async def test_a_provider_that_hangs_up_after_accepting_leads_to_no_second_mail(
    workerless_stack: StackConfig,
) -> None:
    practice, address = await asyncio.to_thread(new_practice, workerless_stack)
    await set_faults(workerless_stack, drop_after_accept=True, times=MESSAGES)
    await asyncio.to_thread(make_messages, workerless_stack, practice, 0)
    async with worker(workerless_stack), worker(workerless_stack):
        final = await until_final(workerless_stack, practice)
    assert set(final.values()) == {"sent"}
    assert await messages_received(workerless_stack, address) == sorted(final)
