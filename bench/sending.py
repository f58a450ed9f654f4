"""Whole workers against a provider that answers at once: speed, latency, rate, memory.

The stack is real (gateway, PostgREST, Realtime, PostgreSQL), the provider is `bench.provider`.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg.rows import dict_row
from rich.console import Console

from bench import rival
from bench.cluster import free_ports
from bench.pages import Section, spread
from bench.provider import LARGEST_BATCH, Provider, running_provider
from bench.scene import SQL, add_visits
from stack import lifecycle, postgres
from stack.config import PROJECT_DIR, Keys, StackConfig
from stack.migrations import clone_database
from stack.parts import product_environment

VISITS = 20_000
MESSAGES = 3_000
CONCURRENCY = 16
LATENCIES = 200
SWEEP_SECONDS = 2.0
RATE = 5
RATE_SECONDS = 30
QUIET_SECONDS = 3
# As many reminders as can leave in that time, so that no worker runs out of them.
RATE_MESSAGES = RATE * LARGEST_BATCH * (RATE_SECONDS + QUIET_SECONDS)
MEMORY_STEP = 10_000
PATIENCE_SECONDS = 900

DUE: dict[str, str] = {
    "reminder": """
        insert into public.notifications (clinic_id, appointment_id, appointment_version, kind,
          recipient_id, reminder_minutes)
        select clinic_id, id, version, 'reminder', patient_id, 10080 - %s from public.appointments
        where starts_at > now() + interval '1 day' and clinic_id = %s order by id limit %s
    """,
    "confirmation": """
        insert into public.notifications (clinic_id, appointment_id, appointment_version, kind,
          recipient_id)
        select clinic_id, id, version, 'confirmation', patient_id from public.appointments
        where %s is not null and starts_at > now() + interval '1 day' and clinic_id = %s
        order by id desc limit %s
    """,
}
CLINIC = "c1000000-0000-4000-8000-000000000001"


def measure(repeats: int, console: Console, *, long: bool) -> list[Section]:
    """Starts a stack of its own, measures, removes it."""
    directory = Path(tempfile.mkdtemp(prefix="appoint-bench-"))
    directory.chmod(0o755)
    config = StackConfig(directory, free_ports(), Keys.generate(), without=("api", "worker"))
    config.save()
    try:
        lifecycle.start(config)
        _load(config)
        return asyncio.run(_measure(Bench(config, console), min(repeats, 3), long=long))
    finally:
        lifecycle.stop(directory)
        lifecycle.erase(config)
        shutil.rmtree(directory)


class Bench:
    """One stack with a scene, and a provider."""

    def __init__(self, config: StackConfig, console: Console) -> None:
        self.config = config
        self.console = console
        self.cycle = 0

    def sql(self, query: str, *values: Any) -> list[dict[str, Any]]:
        url = self.config.db_url("supabase_admin")
        with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
            cursor = connection.execute(query, values)
            return cursor.fetchall() if cursor.description else []

    def make_due(self, kind: str, messages: int) -> None:
        """Queue so many, later ones about nearer reminders, so that none supersedes another."""
        self.cycle += 1
        self.sql(DUE[kind], self.cycle, CLINIC, messages)

    def forget(self) -> None:
        self.sql("delete from public.notifications where true")
        self.sql("vacuum (analyze) public.notifications, private.notification_queue")

    @asynccontextmanager
    async def worker(
        self, provider: Provider, **environment: str
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        """A notifier process; killed at the end."""
        variables = {
            "PATH": os.environ.get("PATH", ""),
            **product_environment(self.config),
            "RESEND_API_URL": provider.url,
            "APPOINT_MAIL_PER_SECOND": "1000",
            "APPOINT_WORKER_CONCURRENCY": str(CONCURRENCY),
            "APPOINT_WORKER_HEALTH_PORT": "0",
            "APPOINT_LOG_LEVEL": "WARNING",
            **environment,
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "workers", "--only", "notifier"),
            cwd=PROJECT_DIR,
            env=variables,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _load(config: StackConfig) -> None:
    url = config.db_url("supabase_admin")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute((SQL / "scene.sql").read_bytes())
        add_visits(url, 0, VISITS)
        connection.execute("set session_replication_role = replica")
        connection.execute(
            "update public.patients set email = id || '@patients.example' where email is null"
        )
        connection.execute("delete from public.notifications where true")
        connection.execute("vacuum (analyze)")


async def _measure(bench: Bench, repeats: int, *, long: bool) -> list[Section]:
    async with running_provider() as provider, asyncio.timeout(None):
        return [
            await _against_procrastinate(bench, provider, repeats),
            await _latency(bench, provider),
            await _at_the_providers_rate(bench, provider),
            await _memory(bench, provider, 100_000 if long else 20_000),
        ]


async def _against_procrastinate(bench: Bench, provider: Provider, repeats: int) -> Section:
    section = Section(
        "Notifier: a provider that answers at once",
        f"One process each, {CONCURRENCY} at a time, {MESSAGES:,} messages due at the start: take, "
        "write, post, note as done; messages a second from the first request to the last. "
        "Reminders go in batches, confirmations (with invitations) one by one; procrastinate sends "
        "one by one. Ratio for reminders to be at least 4.",
        ("kind", "notifier", "procrastinate", "ratio"),
    )
    for kind in DUE:
        ours, theirs = [], []
        for repeat in range(repeats):
            bench.console.print(f"  {kind}s: repeat {repeat + 1} of {repeats}")
            rows = _claimable(bench, kind)
            bench.forget()
            theirs.append(await _rivals_rate(bench, provider, rows))
            bench.make_due(kind, MESSAGES)
            provider.clear()
            async with bench.worker(provider), asyncio.timeout(PATIENCE_SECONDS):
                await provider.until(MESSAGES)
            ours.append(_rate(provider))
            bench.forget()
        ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
        section.rows.append(
            (kind, spread(ours, digits=0), spread(theirs, digits=0), spread(ratios))
        )
    return section


def _claimable(bench: Bench, kind: str) -> list[dict[str, Any]]:
    """Rows as a worker would get them, for the rival's jobs."""
    bench.forget()
    bench.make_due(kind, MESSAGES)
    rows: list[dict[str, Any]] = []
    while claimed := bench.sql(
        "select to_jsonb(claimed) as row from worker.claim_notifications(1000) as claimed"
    ):
        rows += [one["row"] for one in claimed]
    return rows


async def _rivals_rate(bench: Bench, provider: Provider, rows: list[dict[str, Any]]) -> float:
    name = f"procrastinate_{uuid.uuid4().hex[:8]}"
    clone_database(bench.config, postgres.TEMPLATE, name)
    url = bench.config.db_url("supabase_admin", name)
    await rival.prepare(url, rows)
    provider.clear()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.rival", url, provider.url, str(CONCURRENCY)),
        cwd=PROJECT_DIR,
    )
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await provider.until(len(rows))
    finally:
        process.kill()
        await process.wait()
    return _rate(provider)


def _rate(provider: Provider) -> float:
    """Messages a second between the first request and the last."""
    first, last = provider.asked[0], provider.asked[-1]
    return (len(provider.received) - len(first.messages)) / (last.at - first.at)


async def _latency(bench: Bench, provider: Provider) -> Section:
    section = Section(
        "Notifier: commit to request",
        f"One idle worker, {LATENCIES} confirmations at random moments; milliseconds from the "
        "commit's return to the provider's receipt. To be at most 250 for 99 of 100. Without "
        f"Realtime, looking every {SWEEP_SECONDS:.0f} s: none later than that and a second, none "
        "lost.",
        ("", "median", "99 %", "longest", "lost"),
    )
    bench.forget()
    for name, url in (
        ("with Realtime", bench.config.gateway_url),
        ("every Realtime message dropped", None),
    ):
        bench.console.print(f"  latency {name}")
        async with _way_to_supabase(bench.config, url) as address:
            delays = await _delays(bench, provider, address, LATENCIES if url else 30)
        came = sorted(delay for delay in delays if delay is not None)
        section.rows.append(
            (
                name,
                f"{statistics.median(came):,.0f}",
                f"{came[int(len(came) * 0.99)]:,.0f}",
                f"{came[-1]:,.0f}",
                str(len(delays) - len(came)),
            )
        )
        bench.forget()
    return section


@asynccontextmanager
async def _way_to_supabase(config: StackConfig, url: str | None) -> AsyncIterator[str]:
    if url is not None:
        yield url
        return
    from tests.workers.deaf_gateway import without_realtime  # noqa: PLC0415 - a test's own double

    async with without_realtime(config) as address:
        yield address


async def _delays(
    bench: Bench, provider: Provider, address: str, samples: int
) -> list[float | None]:
    visits = bench.sql(
        "select id, version, patient_id from public.appointments where clinic_id = %s"
        " and starts_at > now() + interval '1 day' order by id limit %s",
        CLINIC,
        samples + 1,
    )
    delays: list[float | None] = []
    sweep = str(SWEEP_SECONDS) if address != bench.config.gateway_url else "60"
    async with bench.worker(provider, SUPABASE_URL=address, APPOINT_WORKER_SWEEP_SECONDS=sweep):
        for position, visit in enumerate(visits):
            provider.clear()
            rows = await asyncio.to_thread(
                bench.sql,
                "insert into public.notifications (clinic_id, appointment_id, appointment_version,"
                " kind, recipient_id) values (%s, %s, %s, 'confirmation', %s) returning id",
                CLINIC,
                visit["id"],
                visit["version"],
                visit["patient_id"],
            )
            committed_at = time.monotonic()
            assert rows
            with suppress(TimeoutError):
                # The first one waits for the worker to start.
                async with asyncio.timeout(15):
                    await provider.until(1)
            delay = (provider.asked[0].at - committed_at) * 1000 if provider.asked else None
            if position > 0:
                delays.append(None if delay is None else max(0.0, delay))
            await asyncio.sleep(random.uniform(0.02, 0.15))  # noqa: S311
    return delays


async def _at_the_providers_rate(bench: Bench, provider: Provider) -> Section:
    section = Section(
        "Notifier: at the provider's rate",
        f"Two workers, a provider that allows {RATE} requests a second, {RATE_SECONDS} seconds "
        f"after the first {QUIET_SECONDS}: 40 confirmations and {RATE_MESSAGES:,} reminders due at "
        "once. At least 0.95 of the allowed requests, no message failed by a 429, confirmations "
        "first.",
        ("requests a second", "of the allowed", "messages a second", "429s", "messages failed",
         "reminders before the last confirmation"),
    )  # fmt: skip
    bench.console.print("  at the provider's rate")
    bench.forget()
    bench.make_due("reminder", RATE_MESSAGES)
    bench.make_due("confirmation", 40)
    urgent = {
        str(row["id"])
        for row in bench.sql("select id from public.notifications where kind = 'confirmation'")
    }
    provider.clear()
    provider.per_second = RATE
    slow = {"APPOINT_MAIL_PER_SECOND": str(RATE)}
    async with bench.worker(provider, **slow), bench.worker(provider, **slow):
        await provider.until(1)
        begins = time.monotonic() + QUIET_SECONDS
        await asyncio.sleep(QUIET_SECONDS + RATE_SECONDS)
        ends = time.monotonic()
    provider.per_second = None
    counted = [one for one in provider.asked if begins <= one.at < ends and one.status == 200]
    rate = len(counted) / (ends - begins)
    sent = sum(len(one.messages) for one in counted) / (ends - begins)
    order = [one for one in provider.asked if one.status == 200]
    last = max(
        (position for position, one in enumerate(order) if set(one.messages) & urgent), default=0
    )
    early = sum(len(one.messages) for one in order[:last] if not set(one.messages) & urgent)
    failed = bench.sql(
        "select count(*) as n from public.notifications where last_error like '429%%'"
    )[0]["n"]
    refused = sum(one.status == 429 for one in provider.asked)
    section.rows.append(
        (f"{rate:.2f}", f"{rate / RATE:.2f}", f"{sent:.0f}", str(refused), str(failed), str(early))
    )
    bench.forget()
    return section


async def _memory(bench: Bench, provider: Provider, messages: int) -> Section:
    section = Section(
        "Notifier: memory",
        f"One worker sends {messages:,} reminders; its resident memory after every so many.",
        ("messages", "MB"),
    )
    provider.clear()
    async with bench.worker(provider) as process:
        for done in range(0, messages, MEMORY_STEP // 2):
            bench.console.print(f"  memory: {done:,} of {messages:,}")
            bench.make_due("reminder", MEMORY_STEP // 2)
            async with asyncio.timeout(PATIENCE_SECONDS):
                await provider.until(MEMORY_STEP // 2)
            provider.clear()
            rss = psutil.Process(process.pid).memory_info().rss / 1e6
            section.rows.append((f"{done + MEMORY_STEP // 2:,}", f"{rss:.1f}"))
            bench.forget()
    return section
