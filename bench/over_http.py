"""How fast PostgREST books with a user's token, against the same PostgREST adding one plain row."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import random
import socket
import subprocess
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import jwt
import psycopg
from rich.console import Console

from bench import scene
from bench.cluster import Cluster
from bench.load import SPAN, STRIDE, Outcome
from bench.pages import Section, spread
from stack import postgrest
from stack.config import HOST, StackConfig

CLIENTS = 16
PEOPLE = 200


@dataclass(frozen=True)
class Request:
    """What is sent for one slot, ready but for the token."""

    path: str
    body: str
    number: int


@contextlib.contextmanager
def running_postgrest(config: StackConfig, database: str) -> Iterator[int]:
    """PostgREST on one database; gives its port."""
    environment = {
        **os.environ,
        **postgrest.environment(config),
        "PGRST_DB_URI": config.db_url("authenticator", database),
    }
    server = subprocess.Popen(
        postgrest.command(config), env=environment, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(400):
            with contextlib.suppress(OSError):
                ready = f"http://{HOST}:{config.ports.postgrest_admin}/ready"
                with urllib.request.urlopen(ready) as answer:
                    if answer.status == 200:
                        break
            time.sleep(0.05)
        else:
            raise RuntimeError("PostgREST did not start")
        yield config.ports.postgrest
    finally:
        server.terminate()
        server.wait()


def measure(
    cluster: Cluster, databases: dict[int, str], repeats: int, seconds: float, console: Console
) -> list[Section]:
    """Bookings a second ÷ plain rows a second, the same client and tokens on both sides."""
    tokens = {number: _token(cluster.config, number) for number in range(PEOPLE)}
    section = Section(
        "Booking over HTTP",
        f"`POST /rpc/book_appointment` ÷ `POST /plain_visits` under row security, straight to "
        f"PostgREST with a patient's ES256 token ({CLIENTS} kept-alive connections, {PEOPLE} "
        f"patients, {repeats} shuffled repeats of {seconds:g} s). Target 0.60.",
        ("visits", "bookings/s", "p99 ms", "plain rows/s", "ratio"),
    )
    # The one between says nothing that these two do not.
    for size in sorted({min(databases), max(databases)}):
        database = databases[size]
        booked: list[Outcome] = []
        plain: list[Outcome] = []
        used = 0
        with running_postgrest(cluster.config, database) as port:
            for repeat in range(repeats + 1):  # the first one warms up
                console.print(f"  HTTP: repeat {repeat} of {repeats}, {size:,} visits")
                for kind in random.sample(["book", "plain"], 2):
                    requests = _requests(cluster, database, kind, used)
                    outcome = _run(port, requests, tokens, seconds)
                    used += 2 * outcome.attempts
                    if repeat:
                        (booked if kind == "book" else plain).append(outcome)
                scene.clear(cluster, database)
        for outcome in booked + plain:
            if outcome.errors:
                raise RuntimeError(f"refused: {outcome.errors}")
        section.rows.append(
            (
                f"{size:,}",
                spread([outcome.rate for outcome in booked], digits=0),
                spread([outcome.percentile(0.99) for outcome in booked], digits=1),
                spread([outcome.rate for outcome in plain], digits=0),
                spread([a.rate / b.rate for a, b in zip(booked, plain, strict=True)]),
            )
        )
    return [section]


def _token(config: StackConfig, number: int) -> str:
    with psycopg.connect(config.db_url(database="postgres")) as connection:
        row = connection.execute("select md5(%s)::uuid", [f"person{number}"]).fetchone()
    claims = {
        "sub": str(row[0]) if row else "",
        "role": "authenticated",
        "aud": "authenticated",
        "iss": config.jwt_issuer,
        "exp": int(time.time()) + 3600,
    }
    key = jwt.PyJWK(config.keys.signing_jwk)
    return jwt.encode(claims, key.key, "ES256", {"kid": config.keys.signing_jwk["kid"]})


def _requests(cluster: Cluster, database: str, kind: str, used: int) -> list[Request]:
    """More than can be sent in a run, each for a slot nobody asked for."""
    query = (
        "select (number * %(stride)s) %% %(span)s as slot,"
        " bench.slot_start((number * %(stride)s) %% %(span)s) as starts_at,"
        " bench.slot_provider((number * %(stride)s) %% %(span)s) as provider,"
        " bench.patient(number %% %(people)s) as patient, bench.service() as service"
        " from generate_series(%(used)s::bigint, %(used)s + 20000) as number"
    )
    arguments = {"stride": STRIDE, "span": SPAN, "people": PEOPLE, "used": used}
    with psycopg.connect(cluster.config.db_url(database=database)) as connection:
        rows = connection.execute(query, arguments).fetchall()
    requests = []
    for number, (_, starts_at, provider, patient, service) in enumerate(rows):
        person = (used + number) % PEOPLE
        start = starts_at.isoformat()
        body = {"service_id": str(service), "provider_id": str(provider), "starts_at": start}
        if kind == "plain":
            body |= {
                "clinic_id": "c1000000-0000-4000-8000-000000000001",
                "location_id": "10c00000-0000-4000-8000-000000000001",
                "patient_id": str(patient),
                "ends_at": start,
            }
        path = "/rpc/book_appointment" if kind == "book" else "/plain_visits"
        requests.append(Request(path, json.dumps(body), person))
    return requests


def _run(port: int, requests: list[Request], tokens: dict[int, str], seconds: float) -> Outcome:
    workers = min(os.cpu_count() or 1, CLIENTS)
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        parts = pool.starmap(
            _work,
            [
                (port, requests[number::workers], tokens, CLIENTS // workers, seconds)
                for number in range(workers)
            ],
        )
    whole = Outcome(0, max(part.seconds for part in parts))
    for part in parts:
        whole.attempts += part.attempts
        whole.milliseconds += part.milliseconds
        whole.errors += part.errors
    return whole


def _work(
    port: int, requests: list[Request], tokens: dict[int, str], clients: int, seconds: float
) -> Outcome:
    outcome = Outcome(0, seconds)
    lock = threading.Lock()
    waiting = iter(requests)

    def client() -> None:
        times: list[float] = []
        errors: Counter[str] = Counter()
        with socket.create_connection((HOST, port)) as connection:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                with lock:
                    request = next(waiting)
                began = time.monotonic()
                status = _send(connection, request, tokens[request.number])
                times.append((time.monotonic() - began) * 1000)
                if status not in (200, 201):
                    errors[str(status)] += 1
        with lock:
            outcome.attempts += len(times)
            outcome.milliseconds += times
            outcome.errors += errors

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcome


def _send(connection: socket.socket, request: Request, token: str) -> int:
    """Send one request and read its answer whole; returns the status."""
    body = request.body.encode()
    connection.sendall(
        f"POST {request.path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\nPrefer: return=minimal\r\n"
        f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, rest = received.split(b"\r\n\r\n", 1)
    if b"chunked" in head.lower():
        while not rest.endswith(b"0\r\n\r\n"):
            rest += connection.recv(65536)
    else:
        lengths = [
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ]
        while lengths and len(rest) < lengths[0]:
            rest += connection.recv(65536)
    return int(head.split(b" ", 2)[1])
