"""Databases of the measurements: the same clinic with 10 thousand, 100 thousand, 1 million rows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg

from bench.cluster import MIGRATED, Cluster
from stack.migrations import clone_database

SQL = Path(__file__).parent / "sql"
SIZES = (10_000, 100_000, 1_000_000)
# What a booking writes; the rest stays as it was loaded.
GROWING = (
    "public.appointments, private.reservations, public.appointment_events, public.notifications,"
    " private.requests, bench.plain_visits, public.plain_visits"
)


def make(cluster: Cluster, visits: int, source: str | None = None, already: int = 0) -> str:
    """A database with that many visits, grown from `source`, which holds `already` of them."""
    name = f"bench_{visits}"
    clone_database(cluster.config, source or MIGRATED, name)
    url = cluster.config.db_url("supabase_admin", name)
    with psycopg.connect(url, autocommit=True) as connection:
        if source is None:
            connection.execute((SQL / "scene.sql").read_bytes())
        add_visits(url, already, visits)
        connection.execute("vacuum (analyze, freeze)")
        connection.execute("checkpoint")
    return name


def add_visits(url: str, already: int, wanted: int) -> None:
    """Add visits until there are `wanted`; tables that do not touch each other side by side."""
    plan = (SQL / "existing.sql").read_text()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            plan.replace("%(first)s", str(already)).replace("%(last)s", str(wanted - 1))
        )

        def fill(file: str) -> None:
            with psycopg.connect(url, autocommit=True) as another:
                another.execute((SQL / file).read_bytes())

        with ThreadPoolExecutor() as pool:
            list(pool.map(fill, ["existing_appointments.sql", "existing_reservations.sql"]))
        connection.execute("drop table bench.visits_to_add")


def make_all(cluster: Cluster, sizes: tuple[int, ...] = SIZES) -> dict[int, str]:
    """One database of each size, each grown from the one before."""
    made: dict[int, str] = {}
    source, already = None, 0
    for visits in sorted(sizes):
        made[visits] = source = make(cluster, visits, source, already)
        already = visits
    return made


def clear(cluster: Cluster, database: str) -> None:
    """Take away what a run has booked, so that the next one finds what the first found."""
    url = cluster.config.db_url("supabase_admin", database)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute((SQL / "clear.sql").read_bytes())
        connection.execute(f"vacuum {GROWING}")
