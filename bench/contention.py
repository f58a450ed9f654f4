"""What rivalry costs: 32 clients on 100 slots, against 32 clients that never meet."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import psycopg
from rich.console import Console

from bench import scene
from bench.cluster import Cluster
from bench.load import COLD, HOT, Outcome, Runner, Slots, client_name
from bench.pages import Section, spread

CLIENTS = 32


@dataclass(frozen=True)
class Contest:
    """One way of writing, and what it is run on."""

    name: str
    statement: str
    slots: Slots
    role: str = "authenticated"
    # What the winner does next, in a transaction of its own.
    after: str | None = None


BOOK = "select bench.try_to_book(:slot, :patient)"
CANCEL = "select bench.cancel(:won, :patient)"
MOVE = "select bench.move(:client, :slot)"
CONTESTS = (
    Contest("book, hot", BOOK, HOT, after=CANCEL),
    Contest("book, apart", BOOK, COLD, after=CANCEL),
    Contest(
        "book, hot, plain INSERT",
        "select bench.naive_try_to_book(:slot, :patient)",
        HOT,
        "postgres",
        "select bench.naive_cancel(:won)",
    ),
    Contest("move, hot", MOVE, HOT),
    Contest("move, apart", MOVE, COLD),
    Contest("move, hot, plain UPDATE", "select bench.naive_move(:client, :slot)", HOT, "postgres"),
)


@dataclass
class Runs:
    """Repeats of one contest."""

    outcomes: list[Outcome] = field(default_factory=list)

    def rates(self) -> list[float]:
        return [outcome.rate for outcome in self.outcomes]

    def p99(self) -> list[float]:
        return [outcome.percentile(0.99) for outcome in self.outcomes]

    def deadlocks(self) -> int:
        return sum(outcome.errors["40P01"] for outcome in self.outcomes)


def measure(
    cluster: Cluster, database: str, repeats: int, seconds: float, console: Console
) -> list[Section]:
    """Attempts a second on hot slots ÷ on slots of one's own; winners call off at once."""
    runs = {contest.name: Runs() for contest in CONTESTS}
    for repeat in range(repeats):
        for contest in random.sample(CONTESTS, len(CONTESTS)):
            console.print(f"  contention: repeat {repeat + 1} of {repeats}, {contest.name}")
            if contest.statement == MOVE:
                _place_movers(cluster, database)
            elif "naive_move" in contest.statement:
                _place_naive_movers(cluster, database)
            runner = Runner(cluster.config.db_url(database=database), contest.role)
            runs[contest.name].outcomes.append(
                runner.run(contest.statement, contest.slots, CLIENTS, seconds, contest.after)
            )
            scene.clear(cluster, database)
    return [_section(runs, repeats, seconds)]


def _place_movers(cluster: Cluster, database: str) -> None:
    """A booked visit for each client, in its own range of slots."""
    with psycopg.connect(cluster.config.db_url(database=database), autocommit=True) as connection:
        for client in range(CLIENTS):
            connection.execute(
                "insert into bench.movers select %s, (select id from public.book_appointment("
                "bench.service(), bench.slot_start(%s), bench.slot_provider(%s),"
                " bench.patient(%s)))",
                [client, slot := COLD.first + client * (COLD.each_client or 0), slot, client],
            )


def _place_naive_movers(cluster: Cluster, database: str) -> None:
    with psycopg.connect(cluster.config.db_url(database=database), autocommit=True) as connection:
        for client in range(CLIENTS):
            slot = COLD.first + client * (COLD.each_client or 0)
            connection.execute(
                "insert into bench.constrained_visits (id, clinic_id, location_id, service_id,"
                " provider_id, patient_id, starts_at, ends_at)"
                " values (bench.patient(%s), gen_random_uuid(), gen_random_uuid(),"
                " bench.service(), bench.slot_provider(%s), bench.patient(%s),"
                " bench.slot_start(%s), bench.slot_start(%s) + interval '30 minutes')",
                [client, slot, client, slot, slot],
            )


def _section(runs: dict[str, Runs], repeats: int, seconds: float) -> Section:
    section = Section(
        "Contention",
        f"{CLIENTS} clients on 100 slots (4 providers, starts every 15 minutes, so neighbours "
        f"overlap) and on 3,000 slots of each client's own; a winner calls off at once "
        f"({client_name()}, {repeats} shuffled repeats of {seconds:g} s). Plain: an exclusion "
        "constraint for provider and one for patient, and an exception handler.",
        ("contest", "attempts/s", "p99 ms", "deadlocks"),
    )
    for name, run in runs.items():
        section.rows.append(
            (name, spread(run.rates(), digits=0), spread(run.p99(), digits=1), str(run.deadlocks()))
        )
    for title, above, below, target in (
        ("book: hot ÷ apart", "book, hot", "book, apart", "0.80"),
        ("book: hot ÷ plain INSERT", "book, hot", "book, hot, plain INSERT", "100"),
        ("move: hot ÷ apart", "move, hot", "move, apart", "0.80"),
        ("move: hot ÷ plain UPDATE", "move, hot", "move, hot, plain UPDATE", "100"),
    ):
        rates = [a / b for a, b in zip(runs[above].rates(), runs[below].rates(), strict=True)]
        waits = [a / b for a, b in zip(runs[above].p99(), runs[below].p99(), strict=True)]
        section.rows.append((title, f"{spread(rates)} (target {target})", spread(waits), ""))
    return section
