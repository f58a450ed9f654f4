"""A calendar feed of 5,000 events: what it costs whole, and what "nothing has changed" costs."""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
from psycopg.rows import dict_row

from bench.cluster import free_ports
from bench.pages import Section, spread
from stack import lifecycle
from stack.config import Keys, StackConfig

EVENTS = 5_000
# An answer takes milliseconds: many of them cost nothing and say more.
ROUNDS = 8
PROVIDER = "12000000-0000-4000-8000-000000000002"
SERVICE = "13000000-0000-4000-8000-000000000002"

# Everybody but one provider is left alone; visits of five minutes follow each other.
BOOK = """
with someone as (
  insert into public.patients (clinic_id, full_name)
  select clinic_id, 'Pat Feed' from public.providers where id = %(provider)s
  returning id
)
insert into public.appointments (service_id, provider_id, patient_id, location_id, starts_at,
  ends_at, overbook_reason)
select %(service)s, %(provider)s, someone.id, (
    select id from public.locations where clinic_id = (
      select clinic_id from public.providers where id = %(provider)s) order by id limit 1
  ), begins, begins + interval '5 minutes', 'measured'
from someone, generate_series(%(first)s::int, %(last)s::int) as number
cross join lateral (
  select date_trunc('day', now()) + interval '7 days' + number * interval '10 minutes' as begins
) as visit
"""


def measure(repeats: int) -> list[Section]:
    """Starts a stack, measures over HTTP through gateway and edge function, removes the stack."""
    repeats *= ROUNDS
    with _running_stack() as config:
        _book(config)
        rows = [_measure(config, details, repeats) for details in ("busy", "titles")]
    how = (
        f"GET of a feed of {EVENTS:,} events by gateway, edge function and database, whole and "
        f"with `If-None-Match`, {repeats} times in turns, in milliseconds. Target: at most 0.10."
    )
    return [Section("Calendar feeds", how, ("details", "whole", "304", "ratio"), rows)]


@contextmanager
def _running_stack() -> Iterator[StackConfig]:
    directory = Path(tempfile.mkdtemp(prefix="appoint-bench-"))
    directory.chmod(0o755)
    config = StackConfig(directory, free_ports(), Keys.generate())
    config.save()
    try:
        lifecycle.start(config)
        yield config
    finally:
        lifecycle.stop(directory)
        lifecycle.erase(config)
        shutil.rmtree(directory)


def _book(config: StackConfig) -> None:
    with psycopg.connect(config.db_url(), autocommit=True) as connection:
        for first in range(0, EVENTS, 1000):
            span = {"first": first, "last": first + 999}
            connection.execute(BOOK, {"service": SERVICE, "provider": PROVIDER, **span})
        connection.execute("vacuum analyze public.appointments")


def _measure(config: StackConfig, details: str, repeats: int) -> tuple[str, ...]:
    address = _make_feed(config, details)
    whole, unchanged = [], []
    with httpx.Client(base_url=config.gateway_url, timeout=60) as client:
        first = client.get(address)
        assert first.text.count("BEGIN:VEVENT") == EVENTS
        known = {"If-None-Match": first.headers["etag"]}
        for _ in range(repeats):
            whole.append(_milliseconds(client, address, {}, 200))
            unchanged.append(_milliseconds(client, address, known, 304))
    ratio = statistics.median(unchanged) / statistics.median(whole)
    return details, spread(whole, digits=1), spread(unchanged, digits=1), f"{ratio:.3f}"


def _make_feed(config: StackConfig, details: str) -> str:
    with psycopg.connect(config.db_url(), row_factory=dict_row) as connection:
        owner = connection.execute(
            "select members.user_id from public.members join public.providers using (clinic_id)"
            " where providers.id = %s and members.role = 'owner'",
            [PROVIDER],
        ).fetchone()
        assert owner is not None
        connection.execute(
            "select set_config('request.jwt.claims', json_build_object("
            " 'role', 'authenticated', 'sub', %s::text)::text, true)",
            [str(owner["user_id"])],
        )
        made = connection.execute(
            "select address from public.create_feed(provider_id => %s, details => %s)",
            [PROVIDER, details],
        ).fetchone()
        assert made is not None
        return str(made["address"])


def _milliseconds(
    client: httpx.Client, address: str, headers: dict[str, str], expected: int
) -> float:
    began = time.perf_counter()
    answer = client.get(address, headers=headers)
    took = (time.perf_counter() - began) * 1000
    assert answer.status_code == expected
    return took
