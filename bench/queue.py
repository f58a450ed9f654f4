"""The workers' queue: claiming and completing with old messages, and under a held snapshot."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
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
STRETCH_SECONDS = 6
STRETCHES = 5

OLD_MESSAGES: LiteralString = """
    insert into public.notifications (clinic_id, appointment_version, kind, recipient_id, status,
      sent_at, due_at, created_at)
    select 'c1000000-0000-4000-8000-000000000001', 1, 'confirmation', bench.patient(number %% 10000),
      'sent', at, at, at
    from generate_series(1, %s::bigint) as number
    cross join lateral (select now() - number * interval '30 seconds' as at) as sent
"""
DUE_MESSAGES: LiteralString = """
    insert into public.notifications (clinic_id, appointment_id, appointment_version, kind,
      recipient_id)
    select clinic_id, id, 1, 'confirmation', patient_id from public.appointments
    where starts_at > now() order by id limit %s
"""
AGAIN: LiteralString = """
    update public.notifications set status = 'queued', sent_at = null, due_at = now()
    where status = 'sent' and appointment_id is not null
"""


def measure(cluster: Cluster, database: str, repeats: int, console: Console) -> list[Section]:
    """`database` is one of the scene's; its copies are gone afterwards."""
    empty, full = f"{database}_queue", f"{database}_queue_old"
    prepare(cluster, database, empty, 0)
    prepare(cluster, database, full, OLD)
    try:
        return [
            _with_history(cluster, empty, full, repeats, console),
            _under_a_snapshot(cluster, full, console),
        ]
    finally:
        for name in (empty, full):
            drop_database(cluster.config, name)


def prepare(cluster: Cluster, source: str, name: str, old: int) -> None:
    clone_database(cluster.config, source, name)
    with _connect(cluster, name) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(
            "update public.patients set email = id || '@patients.example' where email is null"
        )
        connection.execute("delete from public.notifications where true")
        connection.execute(OLD_MESSAGES, [old])
        connection.execute(DUE_MESSAGES, [DUE])
        connection.execute("vacuum (analyze, freeze)")


def _with_history(
    cluster: Cluster, empty: str, full: str, repeats: int, console: Console
) -> Section:
    section = Section(
        "Queue: old messages",
        f"{WORKERS} workers claim {BATCH} at a time and complete them, {DUE:,} in all, by the "
        f"RPCs without HTTP; with no old messages and with {OLD:,}, by turns. Ratio to be at least "
        "0.95.",
        ("messages a second, none old", "a million old", "ratio"),
    )
    rates: dict[str, list[float]] = {empty: [], full: []}
    for repeat in range(repeats):
        console.print(f"  queue: repeat {repeat + 1} of {repeats}")
        for name in (empty, full) if repeat % 2 == 0 else (full, empty):
            rates[name].append(_drain(cluster, name))
            with _connect(cluster, name) as connection:
                connection.execute(AGAIN)
                connection.execute("vacuum (analyze) public.notifications")
    ratios = [after / before for before, after in zip(rates[empty], rates[full], strict=True)]
    section.rows.append(
        (spread(rates[empty], digits=0), spread(rates[full], digits=0), spread(ratios))
    )
    return section


def _under_a_snapshot(cluster: Cluster, name: str, console: Console) -> Section:
    section = Section(
        "Queue: a held snapshot",
        f"The same at full load for {STRETCHES} stretches of {STRETCH_SECONDS} seconds while "
        "another session holds a snapshot, so that no dead row can go. Share of the first stretch.",
        ("stretch", "messages a second", "of the first"),
    )
    with _connect(cluster, name) as holder:
        holder.execute("begin isolation level repeatable read")
        holder.execute("select count(*) from public.clinics")
        first = 0.0
        for stretch in range(STRETCHES):
            console.print(f"  queue under a snapshot: stretch {stretch + 1} of {STRETCHES}")
            sent, took = 0, 0.0
            while took < STRETCH_SECONDS:
                with _connect(cluster, name) as connection:
                    connection.execute(AGAIN)
                began = time.monotonic()
                sent += DUE
                _drain(cluster, name)
                took += time.monotonic() - began
            rate = sent / took
            first = first or rate
            section.rows.append((str(stretch + 1), f"{rate:,.0f}", f"{rate / first:.2f}"))
        holder.execute("rollback")
    return section


def _drain(cluster: Cluster, name: str) -> float:
    """Empty the queue; messages a second."""
    done = 0
    lock = threading.Lock()

    def work() -> None:
        nonlocal done
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

    began = time.monotonic()
    with ThreadPoolExecutor(WORKERS) as pool:
        for worker in [pool.submit(work) for _ in range(WORKERS)]:
            worker.result()
    assert done == DUE, done
    return done / (time.monotonic() - began)


def _connect(cluster: Cluster, name: str) -> psycopg.Connection[Any]:
    return psycopg.connect(cluster.config.db_url("supabase_admin", name), autocommit=True)
