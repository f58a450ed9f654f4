"""The workers' queue: claiming and completing with old messages, at full load, under a snapshot."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from rich.console import Console

from bench.cluster import Cluster
from bench.pages import Section, spread
from stack.migrations import clone_database, drop_database

OLD = 1_000_000
DUE = 6_000
BATCH = 50
WORKERS = 2
# Long: half an hour at full load, and ten minutes more with the snapshot.
STRETCH_SECONDS, STRETCHES = 6, 5
LONG_STRETCH_SECONDS, LONG_STRETCHES, LONG_STRETCHES_HELD = 60, 30, 10
# How many times the loaded queue is emptied between two looks at what a fresh one does meanwhile.
ROUNDS_A_LOOK = 4

OLD_MESSAGES: LiteralString = """
    insert into public.notifications (clinic_id, appointment_version, kind, recipient_id, status,
      sent_at, due_at, created_at)
    select 'c1000000-0000-4000-8000-000000000001', 1, 'confirmation',
      bench.patient(number %% 10000), 'sent', at, at, at
    from generate_series(1, %s::bigint) as number
    cross join lateral (select now() - number * interval '30 seconds' as at) as sent
"""
# About other visits each time, as far as there are; a nearer reminder supersedes none sent before.
DUE_MESSAGES: LiteralString = """
    insert into public.notifications (clinic_id, appointment_id, appointment_version, kind,
      recipient_id, reminder_minutes)
    select clinic_id, id, version, 'reminder', patient_id, 2000000000 - %(round)s
    from public.appointments
    where starts_at > now() + interval '1 day'
    order by hashtextextended(id::text, %(round)s) limit %(due)s
"""
ROUNDS = itertools.count()


def measure(
    cluster: Cluster, database: str, repeats: int, console: Console, *, long: bool = False
) -> list[Section]:
    """`database` is one of the scene's; its copies are gone afterwards."""
    empty, full = f"{database}_queue", f"{database}_queue_old"
    prepare(cluster, database, empty, 0)
    prepare(cluster, database, full, OLD)
    try:
        return [
            _with_history(cluster, empty, full, repeats, console),
            _at_full_load(cluster, full, empty, console, long=long),
        ]
    finally:
        for name in (empty, full):
            drop_database(cluster.config, name)


def prepare(cluster: Cluster, source: str, name: str, old: int) -> None:
    """A copy of the scene with so many old messages and none that is due."""
    clone_database(cluster.config, source, name)
    with _connect(cluster, name) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(
            "update public.patients set email = id || '@patients.example' where email is null"
        )
        connection.execute("delete from public.notifications where true")
        connection.execute(OLD_MESSAGES, [old])
        connection.execute("vacuum (analyze, freeze)")


def _with_history(
    cluster: Cluster, empty: str, full: str, repeats: int, console: Console
) -> Section:
    section = Section(
        "Queue: old messages",
        f"{WORKERS} workers claim {BATCH} at a time and complete them, {DUE:,} in all, by the "
        f"RPCs without HTTP; with no old messages and with {OLD:,}, by turns. Ratio to be at least "
        "0.95; beside it that of the processor time and of the log the server wrote, which the "
        "machine's other work does not touch.",
        ("messages a second, none old", "a million old", "ratio", "processor time", "log written"),
    )
    runs: dict[str, list[Run]] = {empty: [], full: []}
    for repeat in range(repeats):
        console.print(f"  queue: repeat {repeat + 1} of {repeats}")
        for name in (empty, full) if repeat % 2 == 0 else (full, empty):
            make_due(cluster, name)
            with _connect(cluster, name) as connection:
                connection.execute("vacuum (analyze) public.notifications")
                connection.execute("checkpoint")
            runs[name].append(drain(cluster, name))

    def ratios(figure: Callable[[Run], float]) -> str:
        pairs = zip(runs[empty], runs[full], strict=True)
        return spread([figure(after) / figure(before) for before, after in pairs])

    section.rows.append(
        (
            spread([run.rate for run in runs[empty]], digits=0),
            spread([run.rate for run in runs[full]], digits=0),
            ratios(lambda run: run.rate),
            ratios(lambda run: run.cpu_seconds),
            ratios(lambda run: run.log_bytes),
        )
    )
    return section


def _at_full_load(
    cluster: Cluster, name: str, fresh: str, console: Console, *, long: bool
) -> Section:
    seconds = LONG_STRETCH_SECONDS if long else STRETCH_SECONDS
    stretches = LONG_STRETCHES if long else STRETCHES
    stretches_held = LONG_STRETCHES_HELD if long else STRETCHES
    section = Section(
        "Queue: full load",
        f"The same for {stretches} stretches of {seconds} seconds, with new messages all the time; "
        f"then {stretches_held} while another session holds a snapshot and no dead row can go. "
        "Share of the first stretch, to be at least 0.80: as it was, and against a fresh queue's "
        "rate in the same stretch, which takes out what the machine itself did better or worse.",
        ("stretch", "messages a second", "of the first", "against a fresh queue",
         "with a snapshot held", "of the first", "against a fresh queue"),
    )  # fmt: skip
    free = _stretches(cluster, name, fresh, console, seconds=seconds, stretches=stretches)
    with _connect(cluster, name) as holder:
        holder.execute("begin isolation level repeatable read")
        holder.execute("select count(*) from public.clinics")
        held = _stretches(cluster, name, fresh, console, seconds=seconds, stretches=stretches_held)
        holder.execute("rollback")
    for number, (one, other) in enumerate(itertools.zip_longest(free, held), 1):
        section.rows.append((str(number), *_shares(one, free[0]), *_shares(other, held[0])))
    return section


@dataclass(frozen=True)
class Stretch:
    """What the loaded queue did, and a fresh one by turns with it."""

    loaded: Run
    fresh: Run


def _shares(stretch: Stretch | None, first: Stretch) -> tuple[str, str, str]:
    if stretch is None:
        return "", "", ""
    share = stretch.loaded.rate / first.loaded.rate
    machine = stretch.fresh.rate / first.fresh.rate
    return f"{stretch.loaded.rate:,.0f}", f"{share:.2f}", f"{share / machine:.2f}"


def _stretches(
    cluster: Cluster, name: str, fresh: str, console: Console, *, seconds: int, stretches: int
) -> list[Stretch]:
    found: list[Stretch] = []
    for stretch in range(stretches):
        loaded, beside = Run(0, 0, 0, 0), Run(0, 0, 0, 0)
        until = time.monotonic() + seconds
        while beside.messages == 0 or time.monotonic() < until:
            for _ in range(ROUNDS_A_LOOK):
                make_due(cluster, name)
                loaded += drain(cluster, name)
            _start_again(cluster, fresh)
            make_due(cluster, fresh)
            beside += drain(cluster, fresh)
        found.append(Stretch(loaded, beside))
        done = f"stretch {stretch + 1} of {stretches}, {loaded.rate:,.0f} a second"
        console.print(f"  queue at full load: {done}; a fresh one {beside.rate:,.0f}")
    return found


def _start_again(cluster: Cluster, name: str) -> None:
    """Leave nothing behind of the messages before, dead rows included."""
    with _connect(cluster, name) as connection:
        connection.execute("set client_min_messages = warning")
        connection.execute("truncate private.notification_queue, public.notifications cascade")


class Run:
    """What workers did, and what it cost the server."""

    def __init__(self, messages: int, seconds: float, cpu_seconds: float, log_bytes: float) -> None:
        self.messages = messages
        self.seconds = seconds
        self.cpu_seconds = cpu_seconds
        self.log_bytes = log_bytes

    def __add__(self, other: Run) -> Run:
        return Run(
            self.messages + other.messages,
            self.seconds + other.seconds,
            self.cpu_seconds + other.cpu_seconds,
            self.log_bytes + other.log_bytes,
        )

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds


def make_due(cluster: Cluster, name: str) -> None:
    """Queue DUE messages, without what bookings do besides."""
    with _connect(cluster, name) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(DUE_MESSAGES, {"round": next(ROUNDS), "due": DUE})


def drain(cluster: Cluster, name: str) -> Run:
    """Empty the queue with some workers at once."""
    done = 0
    cpu = 0.0
    lock = threading.Lock()

    def work() -> None:
        nonlocal done, cpu
        with _connect(cluster, name) as connection:
            while claimed := connection.execute(
                "select notification_id, lease_id from worker.claim_notifications(%s, 60)", [BATCH]
            ).fetchall():
                ids, leases = zip(*claimed, strict=True)
                finished = connection.execute(
                    "select worker.complete_notifications(%s, %s, %s)",
                    [list(ids), list(leases), ["provider"] * len(ids)],
                ).fetchall()
                with lock:
                    done += len(finished)
            with lock:
                cpu += _cpu_seconds(connection.info.backend_pid)

    with _connect(cluster, name) as watching:
        before = watching.execute("select pg_current_wal_insert_lsn()").fetchone()
        began = time.monotonic()
        with ThreadPoolExecutor(WORKERS) as pool:
            for worker in [pool.submit(work) for _ in range(WORKERS)]:
                worker.result()
        took = time.monotonic() - began
        ((log,),) = watching.execute(
            "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)", before
        ).fetchall()
    assert done == DUE, done
    return Run(done, took, cpu, float(log))


def _cpu_seconds(pid: int) -> float:
    """Processor time a server process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _connect(cluster: Cluster, name: str) -> psycopg.Connection[Any]:
    return psycopg.connect(cluster.config.db_url("supabase_admin", name), autocommit=True)
