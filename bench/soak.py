"""`make soak`: a crowd of 64 works for a long time while PostgreSQL is killed now and then.

Afterwards nothing that was acknowledged may be missing, no instant of the replayed history may hold
an overlap, the ledger must agree with the appointments, and nobody may have seen a raw error.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Annotated
from uuid import UUID

import psycopg
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import crowd, pages
from bench.cluster import MIGRATED, Cluster, running_cluster
from bench.replay import replay
from stack.migrations import clone_database

DATABASE = "soak"
console = Console()


@dataclass(frozen=True)
class Plan:
    """How long, by how many, and how rough."""

    operations: int
    minutes: float
    clients: int
    kill_every: float
    days: int
    seed: int

    @property
    def title(self) -> str:
        """Of its section of the result page: another plan does not take its place."""
        kills = f"a kill every {self.kill_every:g} s" if self.kill_every else "no kills"
        return (
            f"Soak: {self.clients} clients, {self.operations:,} operations or {self.minutes:g} "
            f"minutes, {kills}"
        )


@dataclass
class Tally:
    """What all hands saw together."""

    limit: int
    operations: int = 0
    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    acknowledged: set[tuple[UUID, int]] = field(default_factory=set)
    milliseconds: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopped: threading.Event = field(default_factory=threading.Event)

    def note(self, deed: str, answer: crowd.Answer, took: float) -> None:
        with self.lock:
            self.operations += 1
            self.outcomes.setdefault(deed, Counter())[answer.outcome] += 1
            if answer.outcome.startswith("FAULT"):
                self.faults[answer.outcome] += 1
            self.acknowledged.update(answer.acknowledged)
            self.milliseconds.append(took)
            if self.operations >= self.limit:
                self.stopped.set()


def main(  # noqa: PLR0917
    operations: Annotated[int, typer.Option(min=1)] = 100_000,
    minutes: Annotated[float, typer.Option(help="Stop after that long, whatever is done.")] = 30,
    clients: Annotated[int, typer.Option(min=1)] = 64,
    kill_every: Annotated[float, typer.Option(help="Seconds between kills; 0: never.")] = 30,
    days: Annotated[
        int, typer.Option(min=1, help="Days all visits are in; fewer is tighter.")
    ] = 10,
    seed: Annotated[int | None, typer.Option(help="Of an earlier run, to draw the same.")] = None,
    write: Annotated[bool, typer.Option(help="Write the result page.")] = True,
) -> None:
    """Let a crowd work, kill the server, replay the history. Exits 1 if anything is wrong."""
    # Rolling back on a connection that a kill has cut is no news.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    seed = random.randrange(10**9) if seed is None else seed  # noqa: S311
    plan = Plan(operations, minutes, clients, kill_every, days, seed)
    console.print(f"{operations:,} operations, {clients} clients, seed {seed}")
    with running_cluster() as cluster:
        clone_database(cluster.config, MIGRATED, DATABASE)
        with psycopg.connect(cluster.config.db_url(database=DATABASE), autocommit=True) as setup:
            setup.execute(crowd.SETUP.read_bytes())
        began = time.monotonic()
        tally, kills, down = work(cluster, plan)
        took = time.monotonic() - began
        console.print("Replaying the history …")
        with psycopg.connect(cluster.config.db_url(database=DATABASE)) as connection:
            section = judge(connection, plan, tally, took, kills, down)
    section.how += f" Load of the machine afterwards: {pages.load()}."
    section.show(console)
    if write:
        console.print(f"Written to {pages.write([section])}")
    if any(row[2] == "WRONG" for row in section.rows):
        raise typer.Exit(1)


def work(cluster: Cluster, plan: Plan) -> tuple[Tally, int, float]:
    """Run the clients to the end; gives what they saw, the kills and the seconds of downtime."""
    tally = Tally(plan.operations)
    clinic = crowd.Crowd(days=plan.days)
    url = cluster.config.db_url(database=DATABASE)
    threads = [
        threading.Thread(
            target=hand,
            args=(url, clinic, tally, random.Random(plan.seed + number)),  # noqa: S311
            daemon=True,
        )
        for number in range(plan.clients)
    ]
    for thread in threads:
        thread.start()
    try:
        kills, down = disturb(cluster, plan, tally)
    finally:
        tally.stopped.set()
        for thread in threads:
            thread.join()
    return tally, kills, down


def disturb(cluster: Cluster, plan: Plan, tally: Tally) -> tuple[int, float]:
    """Kill the server now and then until the work is done; gives the kills and the downtime."""
    kills, down = 0, 0.0
    end = time.monotonic() + plan.minutes * 60
    next_kill = time.monotonic() + (plan.kill_every or plan.minutes * 120)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=console,
    ) as progress:  # fmt: skip
        task = progress.add_task("working", total=plan.operations)
        while not tally.stopped.wait(0.5):
            text = f"working, {kills} kills, {tally.faults.total()} faults"
            progress.update(task, completed=tally.operations, description=text)
            if time.monotonic() > end:
                tally.stopped.set()
            elif time.monotonic() > next_kill:
                began = time.monotonic()
                cluster.kill()
                cluster.start()
                kills, down = kills + 1, down + time.monotonic() - began
                next_kill = time.monotonic() + plan.kill_every
        progress.update(task, completed=tally.operations)
    return kills, down


def hand(url: str, clinic: crowd.Crowd, tally: Tally, chance: random.Random) -> None:
    """One client: works, and connects again whenever the server has gone away."""
    connection: crowd.Connection | None = None
    while not tally.stopped.is_set():
        if connection is None or connection.closed:
            try:
                connection = psycopg.connect(url, autocommit=True, connect_timeout=5)
            except psycopg.OperationalError:
                tally.stopped.wait(0.2 + chance.random())
                continue
        began = time.monotonic()
        deed, answer = clinic.act(connection, chance)
        tally.note(deed, answer, (time.monotonic() - began) * 1000)
        if answer.outcome == "lost":
            connection.close()
    if connection is not None:
        connection.close()


def judge(  # noqa: PLR0917
    connection: crowd.Connection, plan: Plan, tally: Tally, took: float, kills: int, down: float
) -> pages.Section:
    """Compare what the callers were told with what the database holds."""
    report = replay(connection)
    missing = tally.acknowledged - report.versions
    overlaps = crowd.overlaps(connection)
    disagreements = crowd.disagreements(connection)
    outcomes: Counter[str] = sum(tally.outcomes.values(), Counter())
    raw = Counter({key: n for key, n in tally.faults.items() if "40P01" in key or "40001" in key})
    times = sorted(tally.milliseconds)
    section = pages.Section(
        plan.title,
        "A crowd on every path (book, hold, confirm, move, cancel, status, series, together, "
        "overbook, hours, plain SQL), PostgreSQL killed with SIGKILL now and then; judged by "
        "replaying the history.",
        ("what", "measured", "verdict"),
    )

    def check(what: str, faults: int, told: str = "") -> None:
        section.rows.append((what, told or str(faults), "WRONG" if faults else "as promised"))

    section.rows += [
        (
            "operations",
            f"{tally.operations:,} in {took:.0f} s, {tally.operations / took:.0f}/s",
            "",
        ),
        ("carried out", f"{outcomes['done']:,}", ""),
        (
            "refused",
            ", ".join(
                f"{key} {n:,}"
                for key, n in outcomes.most_common()
                if key not in ("done", "lost") and not key.startswith("FAULT")
            ),
            "",
        ),
        ("kills of PostgreSQL", f"{kills}, {down:.1f} s down in all", ""),
        ("calls cut off by a kill", f"{outcomes['lost']:,}", ""),
        (
            "ms: median, p99, slowest",
            f"{times[len(times) // 2]:.0f}, {times[len(times) * 99 // 100]:.0f}, {times[-1]:.0f}",
            "",
        ),
    ]
    check("events replayed with an overlap", len(report.overlaps), f"{len(report.overlaps)} of "
          f"{report.events:,}")  # fmt: skip
    check("appointments not as their history says", len(report.differences))
    check("acknowledged versions missing", len(missing),
          f"{len(missing)} of {len(tally.acknowledged):,}")  # fmt: skip
    check("overlaps at the end (self-join)", len(overlaps))
    check("ledger and appointments disagree", len(disagreements))
    check("40P01 or 40001 seen by a caller", raw.total())
    check("other raw errors", (tally.faults - raw).total(), str(dict(tally.faults - raw)))
    return section


if __name__ == "__main__":
    typer.run(main)
