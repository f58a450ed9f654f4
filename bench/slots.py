"""How long free times take, against only reading what is busy, and against trying every slot."""

from __future__ import annotations

import random
import statistics
import time
from dataclasses import dataclass, field

import psycopg
from rich.console import Console

from bench.cluster import Cluster
from bench.pages import Section, spread

RUNS = 20
# The same call costs the client the same, so it is taken off neither side.
QUESTIONS = {
    "31 days of one provider": (
        "select * from public.open_slots(bench.service(), {start}, {start} + interval '31 days',"
        " bench.provider(%(number)s::bigint), null, 5000)",
        "select range_agg(during) from private.reservations"
        " where resource_id = bench.provider(%(number)s::bigint)"
        " and during && tstzrange({start}, {start} + interval '31 days')",
        """
        select provider_id, location_id, starts_at, starts_at + interval '30 minutes'
        from public.weekly_hours
        join public.locations on locations.id = weekly_hours.location_id
        cross join lateral (
          select (day + opens) at time zone time_zone as opens_at,
            (day + closes) at time zone time_zone as closes_at
          from generate_series({start}::date, {start}::date + 31, interval '1 day') as day
          where extract(isodow from day) = weekday
        ) as shift
        cross join lateral generate_series(
          opens_at, closes_at - interval '30 minutes', interval '{step} minutes') as starts_at
        where provider_id = bench.provider(%(number)s::bigint)
          and starts_at >= {start} and starts_at < {start} + interval '31 days'
          and not exists (
            select from private.reservations where resource_id = weekly_hours.provider_id
              and during && tstzrange(starts_at, starts_at + interval '30 minutes'))
        order by starts_at
        """,
        15,
    ),
    "50 providers × 14 days, first free": (
        "select * from public.open_slots(bench.fifty_service(), {start},"
        " {start} + interval '14 days', null, null, 1 + %(number)s * 0)",
        "select busy.* from generate_series(0, 49) as n cross join lateral ("
        "select resource_id, range_agg(during) from private.reservations"
        " where resource_id = bench.provider(n + %(number)s * 0)"
        " and during && tstzrange({start}, {start} + interval '14 days') group by 1) as busy",
        """
        select provider_id, location_id, starts_at, starts_at + interval '30 minutes'
        from public.weekly_hours
        join public.locations on locations.id = weekly_hours.location_id
        cross join lateral (
          select (day + opens) at time zone time_zone as opens_at,
            (day + closes) at time zone time_zone as closes_at
          from generate_series({start}::date, {start}::date + 14, interval '1 day') as day
          where extract(isodow from day) = weekday
        ) as shift
        cross join lateral generate_series(
          opens_at, closes_at - interval '30 minutes', interval '{step} minutes') as starts_at
        where provider_id in (select bench.provider(n + %(number)s * 0)
            from generate_series(0, 49) as n)
          and starts_at >= {start} and starts_at < {start} + interval '14 days'
          and not exists (
            select from private.reservations where resource_id = weekly_hours.provider_id
              and during && tstzrange(starts_at, starts_at + interval '30 minutes'))
        order by starts_at limit 1
        """,
        30,
    ),
}
START = "(current_date + 1)::timestamptz"


@dataclass
class Times:
    """Milliseconds of the ways to answer one question, repeat by repeat."""

    ours: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)
    every_slot: list[float] = field(default_factory=list)
    # Inside the server alone: what a client spends on reading ranges and rows is not in these.
    ours_inside: list[float] = field(default_factory=list)
    floor_inside: list[float] = field(default_factory=list)


def measure(
    cluster: Cluster, databases: dict[int, str], repeats: int, console: Console
) -> list[Section]:
    """`open_slots` as a visitor; the other two as the tables' owner."""
    times = {(size, name): Times() for size in databases for name in QUESTIONS}
    for repeat in range(repeats):
        for size in random.sample(list(databases), len(databases)):
            console.print(f"  free times: repeat {repeat + 1} of {repeats}, {size:,} visits")
            url = cluster.config.db_url(database=databases[size])
            with (
                psycopg.connect(url, autocommit=True) as owner,
                psycopg.connect(url, autocommit=True) as visitor,
            ):
                visitor.execute("set role anon")
                visitor.execute(
                    "select set_config('request.jwt.claims', '{\"role\":\"anon\"}', false)"
                )
                owner.execute("set jit = off")
                for name in random.sample(list(QUESTIONS), len(QUESTIONS)):
                    _repeat(times[size, name], name, owner, visitor)
    return [_section(times, databases, repeats)]


def _repeat(
    times: Times, name: str, owner: psycopg.Connection, visitor: psycopg.Connection
) -> None:
    ours, floor, every_slot, step = QUESTIONS[name]
    ways: list[tuple[list[float], psycopg.Connection, str, int]] = [
        (times.ours, visitor, ours, RUNS),
        (times.floor, owner, floor, RUNS),
        (times.every_slot, owner, every_slot, 2),
    ]
    for results, connection, query, runs in random.sample(ways, len(ways)):
        text = query.replace("{start}", START).replace("{step}", str(step))
        results.append(_median(connection, text, runs))
        if results is times.ours:
            times.ours_inside.append(_inside(connection, text))
        elif results is times.floor:
            times.floor_inside.append(_inside(connection, text))


def _inside(connection: psycopg.Connection, query: str) -> float:
    """Milliseconds the server itself takes, median, without planning and sending."""
    took = []
    for _ in range(RUNS):
        row = connection.execute(
            f"explain (analyze, timing off, summary on, format json) {query}",
            {"number": random.randrange(50)},  # noqa: S311
            prepare=True,
        ).fetchone()
        if row is not None:
            took.append(float(row[0][0]["Execution Time"]))
    return statistics.median(took)


def _median(connection: psycopg.Connection, query: str, runs: int) -> float:
    """Milliseconds of one question, plans made and rows read before."""
    for number in range(min(6, runs)):
        connection.execute(query, {"number": number}, prepare=True).fetchall()
    took = []
    for _ in range(runs):
        number = random.randrange(50)  # noqa: S311
        began = time.perf_counter()
        connection.execute(query, {"number": number}, prepare=True).fetchall()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def _section(
    times: dict[tuple[int, str], Times], databases: dict[int, str], repeats: int
) -> Section:
    section = Section(
        "Free times",
        f"`open_slots` as a visitor ÷ only reading and merging the busy rows, and ÷ trying every "
        f"slot with NOT EXISTS (one client, median of {RUNS} prepared runs, {repeats} shuffled "
        "repeats; a provider has 200 visits in the 31 days). Targets: 1.5 and 1.6 times the floor, "
        "20 times faster than trying, within 20 % from the smallest to the largest. In the server: "
        "as `explain (analyze)` says, without the client's reading of ranges and rows.",
        (
            "question",
            "visits",
            "open_slots ms",
            "floor ms",
            "÷ floor",
            "times faster than trying",
            "in the server: open_slots ms",
            "floor ms",
            "÷ floor",
        ),
    )
    for (size, name), measured in sorted(times.items(), key=lambda item: (item[0][1], item[0][0])):
        section.rows.append(
            (
                name,
                f"{size:,}",
                spread(measured.ours),
                spread(measured.floor),
                spread(_ratios(measured.ours, measured.floor)),
                spread(_ratios(measured.every_slot, measured.ours), digits=1),
                spread(measured.ours_inside),
                spread(measured.floor_inside),
                spread(_ratios(measured.ours_inside, measured.floor_inside)),
            )
        )
    smallest, largest = min(databases), max(databases)
    if smallest < largest:
        for name in QUESTIONS:
            large, small = times[largest, name], times[smallest, name]
            section.rows.append(
                (
                    name,
                    f"{largest:,} ÷ {smallest:,}",
                    spread(_ratios(large.ours, small.ours)),
                    *["", "", ""],
                    spread(_ratios(large.ours_inside, small.ours_inside)),
                    *["", ""],
                )
            )
    return section


def _ratios(above: list[float], below: list[float]) -> list[float]:
    return [a / b for a, b in zip(above, below, strict=True)]
