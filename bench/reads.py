"""What row security adds to the reads of each day: the same query with policies and without.

The queries are those of the web client. Over HTTP, as they are exposed, the other side is the
service key; inside the database it is the tables' owner. Each pair is measured in turns.
"""

from __future__ import annotations

import http.client
import json
import random
import statistics
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import psycopg
from rich.console import Console

from bench.cluster import Cluster
from bench.over_http import running_postgrest
from bench.pages import Section, spread
from stack.config import HOST, StackConfig

RUNS = 200
COLUMNS = "id,clinic_id,provider_id,patient_id,service_id,starts_at,ends_at,status,version"
CLINIC = "c1000000-0000-4000-8000-000000000001"
PROVIDER = 10_000
PROVIDERS_NUMBER = 7
PATIENT = 42

Asking = Callable[[], int]


@dataclass(frozen=True)
class Read:
    """One read by one person of the scene: equal column, span of days from today, order, limit."""

    title: str
    person: int
    column: str
    value: str
    days: tuple[int, int] | None = None
    order: str = "starts_at"
    limit: int = 1000

    def span(self) -> list[str]:
        """The two ends as instants."""
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return [(today + timedelta(days=day)).isoformat() for day in self.days or ()]

    def sql(self) -> str:
        """As SQL; all of it is written in this file."""
        times = self.span()
        where = f"{self.column} = '{self.value}'"
        if times:
            where += f" and starts_at >= '{times[0]}' and starts_at < '{times[1]}'"
        order = self.order.replace(".", " ")
        return (
            f"select {COLUMNS} from public.appointments where {where}"  # noqa: S608
            f" order by {order} limit {self.limit}"
        )

    def path(self) -> str:
        """As PostgREST takes it."""
        query = [("select", COLUMNS), (self.column, f"eq.{self.value}"), ("order", self.order)]
        for operator, end in zip(("gte", "lt"), self.span(), strict=False):
            query.append(("starts_at", f"{operator}.{end}"))
        return "/appointments?" + urllib.parse.urlencode([*query, ("limit", str(self.limit))])


def measure(
    cluster: Cluster, databases: dict[int, str], repeats: int, console: Console
) -> list[Section]:
    """Each read in the largest database, over HTTP and inside."""
    size = max(databases)
    url = cluster.config.db_url(database=databases[size])
    with psycopg.connect(url, autocommit=True) as connection:
        reads = _employ(connection)
    over_http = _section("over HTTP", size, "the service key, for which no policy holds")
    inside = _section(
        "inside the database", size, "the owner of the tables, with plans made before"
    )
    with running_postgrest(cluster.config, databases[size]) as port:
        for read in reads:
            console.print(f"  reads: {read.title}")
            over_http.rows.append(_row(read, repeats, *_over_http(cluster, url, port, read)))
            with (
                psycopg.connect(url, autocommit=True) as person,
                psycopg.connect(url, autocommit=True) as owner,
            ):
                _sign_in(person, read)
                inside.rows.append(_row(read, repeats, _inside(person, read), _inside(owner, read)))
    return [over_http, inside]


def _section(where: str, size: int, other: str) -> Section:
    return Section(
        f"Reads through row security, {where}",
        f"{size:,} visits. The same query as the person whose day it is and as {other}; "
        f"{RUNS} times each in turns, medians. Wanted where it is exposed: at most 1.15.",
        ("read", "rows", "with policies ms", "without ms", "ratio"),
    )


def _employ(connection: psycopg.Connection[Any]) -> list[Read]:
    """Let one person be the provider whose week is read, and say what is read."""
    connection.execute(
        "insert into public.members (clinic_id, user_id, role)"
        " values (%s, bench.person(%s), 'provider') on conflict do nothing",
        [CLINIC, PROVIDER],
    )
    connection.execute(
        "update public.providers set user_id = bench.person(%s) where id = bench.provider(%s)",
        [PROVIDER, PROVIDERS_NUMBER],
    )
    row = connection.execute(
        "select bench.patient(%s)::text, bench.provider(%s)::text", [PATIENT, PROVIDERS_NUMBER]
    ).fetchone()
    patient, provider = row or ("", "")
    return [
        Read(
            "a patient's own 50 visits", PATIENT, "patient_id", patient, None, "starts_at.desc", 50
        ),
        Read("a front desk's day of 200", 0, "clinic_id", CLINIC, (3, 4), limit=200),
        Read("a provider's week", PROVIDER, "provider_id", provider, (3, 10)),
    ]


def _person(connection: psycopg.Connection[Any], read: Read) -> dict[str, str]:
    row = connection.execute("select bench.person(%s)::text", [read.person]).fetchone()
    return {"role": "authenticated", "aud": "authenticated", "sub": row[0] if row else ""}


def _over_http(cluster: Cluster, url: str, port: int, read: Read) -> tuple[Asking, Asking]:
    with psycopg.connect(url) as connection:
        claims = _person(connection, read)
    return tuple(  # type: ignore[return-value]
        _asking(port, read.path(), _token(cluster.config, who))
        for who in (claims, {"role": "service_role"})
    )


def _asking(port: int, path: str, token: str) -> Asking:
    connection = http.client.HTTPConnection(HOST, port)

    def ask() -> int:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"refused: {response.status}")
        return len(json.loads(body))

    return ask


def _token(config: StackConfig, claims: dict[str, str]) -> str:
    key = jwt.PyJWK(config.keys.signing_jwk)
    whole = claims | {"exp": int(time.time()) + 3600}
    return jwt.encode(whole, key.key, "ES256", {"kid": config.keys.signing_jwk["kid"]})


def _sign_in(connection: psycopg.Connection[Any], read: Read) -> None:
    claims = json.dumps(_person(connection, read))
    connection.execute("select set_config('request.jwt.claims', %s, false)", [claims])
    connection.execute("set role authenticated")


def _inside(connection: psycopg.Connection[Any], read: Read) -> Asking:
    query = read.sql()
    return lambda: len(connection.execute(query, prepare=True).fetchall())


def _row(read: Read, repeats: int, person: Asking, other: Asking) -> tuple[str, ...]:
    """Medians of each repeat, and their ratios."""
    medians: dict[Asking, list[float]] = {person: [], other: []}
    rows = 0
    for _ in range(repeats):
        taken: dict[Asking, list[float]] = {person: [], other: []}
        for run in range(RUNS + 10):
            for ask in random.sample([person, other], 2):
                began = time.perf_counter()
                rows = ask()
                if run >= 10:  # the first ones warm up
                    taken[ask].append((time.perf_counter() - began) * 1000)
        for ask, times in taken.items():
            medians[ask].append(statistics.median(times))
    ratios = [a / b for a, b in zip(medians[person], medians[other], strict=True)]
    return (
        read.title,
        str(rows),
        spread(medians[person], digits=3),
        spread(medians[other], digits=3),
        spread(ratios),
    )
