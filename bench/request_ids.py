"""A thousand calls at once with one request id: one row, the same answer to all."""

from __future__ import annotations

import statistics
import threading
import time
import uuid

import psycopg
from rich.console import Console

from bench import scene
from bench.cluster import Cluster
from bench.pages import Section

CONNECTIONS = 100
CALLS_EACH = 10
SLOT = 8_000_000


def measure(cluster: Cluster, database: str, repeats: int, console: Console) -> list[Section]:
    """Each repeat another request id; 100 connections start together and call ten times each."""
    section = Section(
        "One request id",
        f"{CONNECTIONS * CALLS_EACH:,} calls of `book_appointment` with the same `request_id` "
        f"through {CONNECTIONS} connections at once.",
        ("repeat", "rows", "different answers", "errors", "seconds", "median ms"),
    )
    for repeat in range(repeats):
        console.print(f"  one request id: repeat {repeat + 1} of {repeats}")
        answers, errors, times, took = _stampede(cluster, database, SLOT + repeat * 500)
        with psycopg.connect(cluster.config.db_url(database=database)) as connection:
            counted = connection.execute(
                "select count(*) from public.appointments"
                " where starts_at = bench.slot_start(%s::bigint)",
                [SLOT + repeat * 500],
            ).fetchone()
        section.rows.append(
            (
                str(repeat + 1),
                str(counted[0] if counted else 0),
                str(len(set(answers))),
                str(len(errors)),
                f"{took:.2f}",
                f"{statistics.median(times) * 1000:.0f}",
            )
        )
    scene.clear(cluster, database)
    return [section]


def _stampede(
    cluster: Cluster, database: str, slot: int
) -> tuple[list[object], list[str], list[float], float]:
    request_id = uuid.uuid4()
    start = threading.Barrier(CONNECTIONS + 1)
    lock = threading.Lock()
    answers: list[object] = []
    errors: list[str] = []
    times: list[float] = []

    def caller() -> None:
        url = cluster.config.db_url(database=database)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "select set_config('request.jwt.claims',"
                " json_build_object('role', 'authenticated', 'sub', bench.person(7))::text, false)"
            )
            connection.execute("set role authenticated")
            start.wait()
            for _ in range(CALLS_EACH):
                began = time.monotonic()
                try:
                    row = connection.execute(
                        "select public.book_appointment(bench.service(),"
                        " bench.slot_start(%(slot)s::bigint), bench.slot_provider(%(slot)s),"
                        " request_id => %(request)s)",
                        {"slot": slot, "request": request_id},
                    ).fetchone()
                    with lock:
                        answers.append(row)
                except psycopg.Error as error:
                    with lock:
                        errors.append(str(error))
                with lock:
                    times.append(time.monotonic() - began)

    threads = [threading.Thread(target=caller) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.monotonic()
    for thread in threads:
        thread.join()
    return answers, errors, times, time.monotonic() - began
