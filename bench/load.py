"""Closed-loop clients: each sends one statement, waits for the answer, sends the next.

pgbench is used where it is installed (it costs little, so it leaves the cores to the server), else
threads in a process per core; the two sides of a ratio always get the same client. The first
seconds of every run do not count: each connection makes its plans then. A statement may use
`:slot`, `:patient` and `:client`.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import random
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

# Slots a run of fresh ones goes through, in an order that jumps about: coprime to SPAN.
SPAN = 2_700_000
STRIDE = 1_000_003
# Seconds that do not count: each connection makes its plans then, many of them side by side.
WARM_UP = 0.7
WARM_UP_EACH_CLIENT = 0.05
# pgbench can only branch on numbers, and a variable cannot be null.
THEN = """select coalesce(id, gen_random_uuid()) as won, (id is not null)::int as is_won
from (STATEMENT as id) as answer \\gset
\\if :is_won
AFTER;
\\endif
"""


@dataclass(frozen=True)
class Slots:
    """Which slots of the scene the clients ask for."""

    first: int
    # None: every attempt a slot that nobody asked for before.
    each_client: int | None = None
    # Everybody asks for the same few.
    shared: int | None = None


FRESH = Slots(first=0)
# 4 providers with 25 starts each.
HOT = Slots(first=8_100_000, shared=100)
COLD = Slots(first=8_200_000, each_client=3_000)


def warm_up(clients: int) -> float:
    """Seconds at the beginning of a run that do not count."""
    return WARM_UP + WARM_UP_EACH_CLIENT * clients


@dataclass
class Outcome:
    """What a run did."""

    attempts: int
    seconds: float
    milliseconds: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    # Attempts with those of the warm-up.
    sent: int = 0

    @property
    def rate(self) -> float:
        """Attempts a second."""
        return self.attempts / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds within which that share of the attempts was answered."""
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else math.nan


def pgbench() -> str | None:
    """The program, or None: Debian keeps it beside the server's other programs."""
    found = shutil.which("pgbench")
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"))
    return found or (str(places[-1]) if places else None)


def client_name() -> str:
    """Which client the figures were taken with."""
    return "pgbench" if pgbench() else "Python threads"


@dataclass(frozen=True)
class Job:
    """One run: who sends what, for how long, from which attempt on."""

    url: str
    statement: str
    slots: Slots
    clients: int
    seconds: float
    base: int
    after: str | None


class Runner:
    """Runs statements against one database; remembers which slots have been asked for."""

    def __init__(self, url: str, role: str = "postgres") -> None:
        self._url = f"{url}?options=-crole%3D{role}"
        self._used = 0

    def run(
        self,
        statement: str,
        slots: Slots,
        clients: int,
        seconds: float,
        after: str | None = None,
    ) -> Outcome:
        """Let the clients work that long; `after` follows whenever the statement gave a value,
        which it names `:won`. Raises RuntimeError if a client gives up.
        """
        job = Job(self._url, statement, slots, clients, seconds, self._used, after)
        outcome = _run_pgbench(job) if pgbench() else _run_python(job)
        # Clients do not keep step, so the fastest may be well ahead of the average.
        self._used += 3 * outcome.sent + 100 * clients
        return outcome


def _run_pgbench(job: Job) -> Outcome:
    with tempfile.TemporaryDirectory() as place:
        script = Path(place) / "script.sql"
        script.write_text(
            f"\\set n :n + 1\n\\set slot {_pgbench_slot(job.slots)}\n"
            "\\set patient random(0, 9999)\n" + _pgbench_statements(job)
        )
        finished = subprocess.run(
            [
                str(pgbench()), "-n", "-M", "prepared", "-c", str(job.clients), "-j", "2",
                "-T", str(round(job.seconds + warm_up(job.clients))),
                "-D", "n=-1", "-D", f"base={job.base}",
                "-D", f"clients={job.clients}", "-l", "--log-prefix", f"{place}/times",
                "--verbose-errors", "-f", str(script), job.url,
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        output = finished.stdout + finished.stderr
        if finished.returncode or "aborted" in output:
            raise RuntimeError(f"a client gave up: {output[-2000:]}")
        failed = re.search(r"number of deadlock failures: (\d+)|failed transactions: (\d+)", output)
        lines = [
            line.split()
            for log in Path(place).glob("times*")
            for line in log.open()
            if line.strip()
        ]
    errors = Counter({"40P01": int(failed[1] or failed[2] or 0)}) if failed else Counter()
    # Columns: client, number, microseconds (or a word for a failure), script, second, microsecond.
    ended = [(int(line[4]) + int(line[5]) / 1e6, line[2]) for line in lines]
    # On a machine so busy that hardly anything was done by then, at least half of it counts.
    whens = sorted(when for when, _ in ended)
    begins = min(whens[0] + warm_up(job.clients), whens[len(whens) // 2])
    counted = [took for when, took in ended if when >= begins]
    times = [float(took) / 1000 for took in counted if took.isdigit()]
    seconds = whens[-1] - begins
    return Outcome(len(counted), seconds, times, +errors, len(lines))


def _pgbench_statements(job: Job) -> str:
    statement = job.statement.replace(":client", ":client_id")
    if job.after is None:
        return f"{statement};\n"
    return THEN.replace("STATEMENT", statement).replace("AFTER", job.after)


def _pgbench_slot(slots: Slots) -> str:
    if slots.shared:
        return f"{slots.first} + random(0, {slots.shared} - 1)"
    if slots.each_client:
        each = slots.each_client
        return f"{slots.first} + :client_id * {each} + random(0, {each} - 1)"
    return f"{slots.first} + ((:base + :n * :clients + :client_id) * {STRIDE}) % {SPAN}"


def _run_python(job: Job) -> Outcome:
    workers = min(os.cpu_count() or 1, job.clients)
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        shares = [list(range(number, job.clients, workers)) for number in range(workers)]
        parts = pool.starmap(_work, [(job, share) for share in shares])
    whole = Outcome(0, max(part.seconds for part in parts))
    for part in parts:
        whole.attempts += part.attempts
        whole.sent += part.sent
        whole.milliseconds += part.milliseconds
        whole.errors += part.errors
    return whole


def _work(job: Job, numbers: list[int]) -> Outcome:
    outcome = Outcome(0, job.seconds)
    lock = threading.Lock()
    query, after = (
        re.sub(r":(slot|patient|client)\b", r"%(\1)s::bigint", text).replace(":won", "%(won)s")
        for text in (job.statement, job.after or "")
    )
    ready = threading.Barrier(len(numbers))
    failures: list[BaseException] = []

    def client(number: int) -> None:
        times: list[float] = []
        errors: Counter[str] = Counter()
        attempt = -1
        try:
            with psycopg.connect(job.url, autocommit=True) as connection:
                ready.wait()
                begins = time.monotonic() + warm_up(job.clients)
                end = begins + job.seconds
                while (began := time.monotonic()) < end:
                    attempt += 1
                    arguments = {
                        "slot": _slot(job.slots, number, job.base + attempt * job.clients + number),
                        "patient": random.randrange(10_000),  # noqa: S311
                        "client": number,
                    }
                    try:
                        row = connection.execute(query, arguments, prepare=True).fetchone()
                        if after and row and row[0]:
                            connection.execute(after, arguments | {"won": row[0]}, prepare=True)
                    except psycopg.errors.DeadlockDetected:
                        errors["40P01"] += 1
                    if began >= begins:
                        times.append((time.monotonic() - began) * 1000)
        except BaseException as error:
            failures.append(error)
            ready.abort()
        with lock:
            outcome.attempts += len(times)
            outcome.sent += attempt + 1
            outcome.milliseconds += times
            outcome.errors += errors

    threads = [threading.Thread(target=client, args=(number,)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise RuntimeError(f"a client gave up: {failures[0]}")
    return outcome


def _slot(slots: Slots, client: int, attempt: int) -> int:
    if slots.shared:
        return slots.first + random.randrange(slots.shared)  # noqa: S311
    if slots.each_client:
        return slots.first + client * slots.each_client + random.randrange(slots.each_client)  # noqa: S311
    return slots.first + attempt * STRIDE % SPAN
