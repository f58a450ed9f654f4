"""Auth comes back by itself after the database was away, and loses nothing when it is killed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from stack.config import StackConfig
from tests.stack.auth_clients import PASSWORD, free_port, new_address, own_server


@pytest.fixture
def credentials() -> dict[str, str]:
    return {"email": new_address(), "password": PASSWORD}


async def test_connections_that_the_database_dropped_are_replaced(
    stack: StackConfig, tmp_path: Path, credentials: dict[str, str]
) -> None:
    with own_server(stack, tmp_path) as server:
        async with server.http() as http:
            (await http.post("/signup", json=credentials)).raise_for_status()
            query = {"grant_type": "password"}
            log_ins = (http.post("/token", params=query, json=credentials) for _ in range(12))
            await asyncio.gather(*log_ins)  # so that the pool holds several connections
            with psycopg.connect(stack.db_url("supabase_admin"), autocommit=True) as admin:
                admin.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity "
                    "where usename = 'supabase_auth_admin'"
                )
            answer = await http.post("/token", params=query, json=credentials)
    assert answer.status_code == 200


async def test_without_a_database_requests_end_in_a_clear_error(
    stack: StackConfig, tmp_path: Path, credentials: dict[str, str]
) -> None:
    ports = replace(stack.ports, postgres=free_port())
    with own_server(stack, tmp_path, ports=ports) as server:
        async with server.http(timeout=20) as http:
            assert (await http.get("/health")).status_code == 200
            answer = await http.post("/signup", json=credentials)
    assert (answer.status_code, answer.json()["error_code"]) == (504, "request_timeout")


async def test_a_session_outlives_the_server_that_opened_it(
    stack: StackConfig, tmp_path: Path, credentials: dict[str, str]
) -> None:
    with own_server(stack, tmp_path) as first:
        async with first.http() as http:
            session = (await http.post("/signup", json=credentials)).json()
    with own_server(stack, tmp_path) as second:
        async with second.http() as http:
            body = {"refresh_token": session["refresh_token"]}
            answer = await http.post("/token", params={"grant_type": "refresh_token"}, json=body)
    assert answer.json()["user"]["id"] == session["user"]["id"]
