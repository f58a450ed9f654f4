"""How fast bookings are written, against bare INSERTs in the same run."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from rich.console import Console

from bench import scene
from bench.cluster import Cluster
from bench.load import FRESH, Outcome, Runner, client_name
from bench.pages import Section, spread

CLIENTS = 8
LARGE = 500_000
BOOK = "select bench.book(:slot)"
PLAIN = (
    "insert into bench.plain_visits (clinic_id, location_id, service_id, provider_id, patient_id,"
    " starts_at, ends_at) values ('c1000000-0000-4000-8000-000000000001',"
    " '10c00000-0000-4000-8000-000000000001', bench.service(), bench.slot_provider(:slot),"
    " bench.patient(mod(:slot, 10000)), bench.slot_start(:slot),"
    " bench.slot_start(:slot) + interval '30 minutes') returning id"
)


@dataclass
class Pair:
    """Repeats of a measurement and of what it is measured against."""

    measured: list[Outcome] = field(default_factory=list)
    against: list[Outcome] = field(default_factory=list)

    def ratios(self) -> list[float]:
        return [a.rate / b.rate for a, b in zip(self.measured, self.against, strict=True)]


def measure(
    cluster: Cluster, databases: dict[int, str], repeats: int, seconds: float, console: Console
) -> list[Section]:
    """`book_appointment` with every rule, as a signed-in patient, ÷ one bare durable row."""
    runners = {
        size: (
            Runner(cluster.config.db_url(database=name), "authenticated"),
            Runner(cluster.config.db_url(database=name)),
        )
        for size, name in databases.items()
    }
    pairs = {size: Pair() for size in databases}
    for repeat in range(repeats):
        for size in random.sample(list(databases), len(databases)):
            console.print(f"  booking: repeat {repeat + 1} of {repeats}, {size:,} visits")
            book, plain = runners[size]
            for is_book in random.sample([True, False], 2):
                if is_book:
                    pairs[size].measured.append(book.run(BOOK, FRESH, CLIENTS, seconds))
                else:
                    pairs[size].against.append(plain.run(PLAIN, FRESH, CLIENTS, seconds))
            # No slot is asked for twice; only a small table would be another after so many more.
            if size < LARGE:
                scene.clear(cluster, databases[size])
    return [_section(pairs, repeats, seconds)]


def _section(pairs: dict[int, Pair], repeats: int, seconds: float) -> Section:
    section = Section(
        "Booking",
        "`book_appointment` by a signed-in patient, all rules, ledger, history, queue and "
        f"broadcasts, ÷ one bare row ({CLIENTS} clients, fsync, {client_name()}, {repeats} "
        f"shuffled repeats of {seconds:g} s; free slots at random over 300 days of 500 providers). "
        "Target 0.30.",
        ("visits", "bookings/s", "p99 ms", "bare rows/s", "ratio"),
    )
    for size, pair in sorted(pairs.items()):
        section.rows.append(
            (
                f"{size:,}",
                spread([outcome.rate for outcome in pair.measured], digits=0),
                spread([outcome.percentile(0.99) for outcome in pair.measured], digits=1),
                spread([outcome.rate for outcome in pair.against], digits=0),
                spread(pair.ratios()),
            )
        )
    smallest, largest = min(pairs), max(pairs)
    if smallest < largest:
        growth = [
            a.rate / b.rate
            for a, b in zip(pairs[largest].measured, pairs[smallest].measured, strict=True)
        ]
        section.rows.append(
            (f"{largest:,} ÷ {smallest:,}", spread(growth) + " (target 0.90)", "", "", "")
        )
    return section
