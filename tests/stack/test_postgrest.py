"""PostgREST as the stack starts it: whose tokens it accepts and what load it bears."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator

import httpx
import jwt
import psycopg
import pytest

from stack import postgrest
from stack.config import HOST, Keys, StackConfig

FUNCTIONS = """
create function public.postgrest_test_caller() returns text
language sql stable set search_path = '' as 'select current_user::text';

create function public.postgrest_test_slow() returns text
language sql volatile set search_path = '' as $$ select pg_sleep(0.05)::text $$;

create function public.postgrest_test_rows() returns setof integer
language sql stable set search_path = '' as 'select generate_series(1, 2000)';

grant execute on function
  public.postgrest_test_caller(), public.postgrest_test_slow(), public.postgrest_test_rows()
to anon, authenticated, service_role;
"""
DROP = """
drop function if exists
  public.postgrest_test_caller(), public.postgrest_test_slow(), public.postgrest_test_rows();
"""


@pytest.fixture(scope="module")
async def rest(stack: StackConfig) -> AsyncIterator[httpx.AsyncClient]:
    """A client of PostgREST itself, behind the gateway's back, with functions to call."""
    with psycopg.connect(stack.db_url("postgres"), autocommit=True) as database:
        database.execute(DROP)
        database.execute(FUNCTIONS)
        address = f"http://{HOST}:{stack.ports.postgrest}"
        limits = httpx.Limits(max_connections=300)
        async with httpx.AsyncClient(base_url=address, limits=limits, timeout=60) as client:
            async with asyncio.timeout(20):
                while (await client.post("/rpc/postgrest_test_rows")).status_code == 404:
                    pass
            yield client
        database.execute(DROP)


def token(config: StackConfig, **claims: object) -> str:
    """A token as Auth signs it."""
    signing_jwk = config.keys.signing_jwk
    content = {"role": "authenticated", "exp": int(time.time()) + 60} | claims
    headers = {"kid": signing_jwk["kid"]}
    return jwt.encode(content, jwt.PyJWK(signing_jwk).key, "ES256", headers=headers)


async def caller(rest: httpx.AsyncClient, bearer: str | None) -> tuple[int, str]:
    """The status and the role, or the error's code, of a call with this token."""
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    answer = await rest.post("/rpc/postgrest_test_caller", headers=headers)
    body = answer.json()
    return answer.status_code, body if isinstance(body, str) else body["code"]


async def test_every_kind_of_token_becomes_its_role(
    rest: httpx.AsyncClient, stack: StackConfig
) -> None:
    assert await caller(rest, None) == (200, "anon")
    assert await caller(rest, stack.keys.anon) == (200, "anon")
    assert await caller(rest, stack.keys.service_role) == (200, "service_role")
    assert await caller(rest, token(stack)) == (200, "authenticated")
    assert await caller(rest, token(stack, aud="another")) == (200, "authenticated")


async def test_any_other_token_is_refused(rest: httpx.AsyncClient, stack: StackConfig) -> None:
    foreign = Keys.generate()
    unsigned = jwt.encode({"role": "service_role"}, None, algorithm="none")
    for bearer in (
        token(stack, exp=int(time.time()) - 60),
        token(stack)[:-8] + "AAAAAAAA",
        foreign.service_role,
        jwt.encode({"role": "service_role"}, jwt.PyJWK(foreign.signing_jwk).key, "ES256"),
        unsigned,
        stack.keys.secret,
    ):
        assert await caller(rest, bearer) == (401, "PGRST301")
    assert (await caller(rest, token(stack, role="supabase_admin")))[0] == 403


async def test_schemas_and_rows_are_as_many_as_the_project_says(rest: httpx.AsyncClient) -> None:
    rows = (await rest.post("/rpc/postgrest_test_rows")).json()
    assert len(rows) == 1000
    hidden = await rest.get("/reservations", headers={"Accept-Profile": "private"})
    assert (hidden.status_code, hidden.json()["code"]) == (406, "PGRST106")
    assert "public, worker" in hidden.json()["message"]


async def test_two_hundred_calls_at_once_wait_for_their_turn(
    rest: httpx.AsyncClient, stack: StackConfig
) -> None:
    address = f"{stack.gateway_url}/rest/v1/rpc/postgrest_test_slow"
    headers = {"apikey": stack.keys.publishable}
    answers = await asyncio.gather(*(rest.post(address, headers=headers) for _ in range(200)))
    assert Counter(answer.status_code for answer in answers) == {200: 200}


async def test_lost_connections_are_replaced(rest: httpx.AsyncClient, stack: StackConfig) -> None:
    await asyncio.gather(*(rest.post("/rpc/postgrest_test_slow") for _ in range(40)))
    with psycopg.connect(stack.db_url("supabase_admin"), autocommit=True) as database:
        lost = database.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where usename = 'authenticator' and pid <> pg_backend_pid()"
        ).fetchall()
    assert lost
    async with asyncio.timeout(20):
        while (await rest.post("/rpc/postgrest_test_caller")).status_code >= 500:
            pass
    answers = await asyncio.gather(*(rest.post("/rpc/postgrest_test_slow") for _ in range(40)))
    assert Counter(answer.status_code for answer in answers) == {200: 40}


def test_secrets_are_in_the_environment_not_on_the_command_line(stack: StackConfig) -> None:
    shown = " ".join(postgrest.command(stack))
    assert "postgres:" not in shown
    assert postgrest.environment(stack)["PGRST_DB_URI"].startswith("postgresql://authenticator:")
