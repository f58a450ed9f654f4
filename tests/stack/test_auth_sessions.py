"""Refresh tokens rotate, theft is noticed, and logging out ends what it says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import psycopg
import pytest
from supabase_auth.errors import AuthApiError

from stack.config import StackConfig
from tests.stack.auth_clients import PASSWORD, auth_client, gateway, new_address


@pytest.fixture
async def http(stack: StackConfig) -> AsyncIterator[httpx.AsyncClient]:
    async with gateway(stack) as client:
        yield client


async def sign_up(http: httpx.AsyncClient) -> dict[str, str]:
    body = {"email": new_address(), "password": PASSWORD}
    answer = await http.post("/signup", json=body)
    return dict(answer.raise_for_status().json())


async def refresh(http: httpx.AsyncClient, token: str) -> httpx.Response:
    body = {"refresh_token": token}
    return await http.post("/token", params={"grant_type": "refresh_token"}, json=body)


def let_the_reuse_interval_pass(stack: StackConfig, token: str) -> None:
    with psycopg.connect(stack.db_url("supabase_admin")) as admin:
        admin.execute(
            "update auth.refresh_tokens set updated_at = now() - interval '1 hour' "
            "where token = %s",
            [token],
        )


async def test_each_refresh_gives_a_new_token_of_the_same_session(
    http: httpx.AsyncClient,
) -> None:
    first = await sign_up(http)
    second = (await refresh(http, first["refresh_token"])).json()
    third = (await refresh(http, second["refresh_token"])).json()
    tokens = {first["refresh_token"], second["refresh_token"], third["refresh_token"]}
    assert len(tokens) == 3
    assert third["user"] == second["user"]


async def test_repeating_the_last_refresh_gives_the_same_successor_however_late(
    stack: StackConfig, http: httpx.AsyncClient
) -> None:
    first = await sign_up(http)
    second = (await refresh(http, first["refresh_token"])).json()
    let_the_reuse_interval_pass(stack, first["refresh_token"])
    repeated = (await refresh(http, first["refresh_token"])).json()
    assert repeated["refresh_token"] == second["refresh_token"]


async def test_an_older_token_is_accepted_within_the_reuse_interval(
    http: httpx.AsyncClient,
) -> None:
    first = await sign_up(http)
    second = (await refresh(http, first["refresh_token"])).json()
    await refresh(http, second["refresh_token"])
    reused = await refresh(http, first["refresh_token"])
    assert reused.status_code == 200


async def test_a_stolen_token_ends_the_whole_family(
    stack: StackConfig, http: httpx.AsyncClient
) -> None:
    first = await sign_up(http)
    second = (await refresh(http, first["refresh_token"])).json()
    third = (await refresh(http, second["refresh_token"])).json()
    let_the_reuse_interval_pass(stack, first["refresh_token"])
    stolen = await refresh(http, first["refresh_token"])
    assert (stolen.status_code, stolen.json()["error_code"]) == (400, "refresh_token_already_used")
    let_the_reuse_interval_pass(stack, third["refresh_token"])
    honest = await refresh(http, third["refresh_token"])
    assert (honest.status_code, honest.json()["error_code"]) == (400, "refresh_token_already_used")


async def test_many_refreshes_of_one_token_at_once_agree_on_one_successor(
    stack: StackConfig, http: httpx.AsyncClient
) -> None:
    first = await sign_up(http)
    answers = await asyncio.gather(*(refresh(http, first["refresh_token"]) for _ in range(12)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    with psycopg.connect(stack.db_url()) as connection:
        active = connection.execute(
            "select count(*) from auth.refresh_tokens where user_id = %s and not revoked",
            [first["user"]["id"]],  # type: ignore[index]
        ).fetchone()
    assert active == (1,)


async def test_an_unknown_or_missing_refresh_token_is_refused(http: httpx.AsyncClient) -> None:
    unknown = await refresh(http, "nosuchtoken")
    assert (unknown.status_code, unknown.json()["error_code"]) == (400, "refresh_token_not_found")
    missing = await refresh(http, "")
    assert (missing.status_code, missing.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("scope", "mine_lives", "other_lives"),
    [("local", False, True), ("others", True, False), ("global", False, False)],
)
async def test_logging_out_ends_the_sessions_of_its_scope(
    stack: StackConfig, scope: str, mine_lives: bool, other_lives: bool
) -> None:
    credentials = {"email": new_address(), "password": PASSWORD}
    async with auth_client(stack) as mine, auth_client(stack) as other, gateway(stack) as http:
        await mine.sign_up(credentials)
        await other.sign_in_with_password(credentials)
        session, other_session = await mine.get_session(), await other.get_session()
        assert session
        assert other_session
        bearer = {"Authorization": f"Bearer {session.access_token}"}
        answer = await http.post("/logout", params={"scope": scope}, headers=bearer)
        assert answer.status_code == 204
        for held, lives in ((session, mine_lives), (other_session, other_lives)):
            bearer = {"Authorization": f"Bearer {held.access_token}"}
            user = await http.get("/user", headers=bearer)
            expected = (200, None) if lives else (403, "session_not_found")
            assert (user.status_code, user.json().get("error_code")) == expected
            answer = await refresh(http, held.refresh_token)
            assert (answer.status_code == 200) is lives


async def test_signing_out_with_the_stock_client_forgets_the_session(stack: StackConfig) -> None:
    async with auth_client(stack) as client:
        await client.sign_up({"email": new_address(), "password": PASSWORD})
        session = await client.get_session()
        assert session
        await client.sign_out()
        assert await client.get_session() is None
        with pytest.raises(AuthApiError) as refusal:
            await client.refresh_session(session.refresh_token)
    assert refusal.value.code == "refresh_token_not_found"


async def test_an_unknown_scope_is_refused(http: httpx.AsyncClient) -> None:
    session = await sign_up(http)
    bearer = {"Authorization": f"Bearer {session['access_token']}"}
    answer = await http.post("/logout", params={"scope": "everything"}, headers=bearer)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "validation_failed")
