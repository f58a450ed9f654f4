"""Channels and their tokens: expiry, renewal, and permissions that a new token loses or gains."""

from __future__ import annotations

import time
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from stack.config import StackConfig
from tests.stack.realtime_clients import brisk_realtime, connected, notebook, token_of

TOPIC = "realtime:room"


@pytest.fixture(scope="module")
def server(stack: StackConfig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackConfig]:
    with notebook(stack), brisk_realtime(stack, tmp_path_factory.mktemp("realtime")) as brisk:
        yield brisk


async def test_a_channel_is_closed_when_its_token_expires(server: StackConfig) -> None:
    async with connected(server) as client:
        await client.join(TOPIC, token_of(server, exp=int(time.time()) + 2))
        system = await client.expect("system")
        assert system.payload["status"] == "error"
        assert system.payload["extension"] == "system"
        assert system.payload["message"].startswith("Token has expired")
        await client.expect("phx_close")
        # The socket itself lives on.
        assert (await client.join(TOPIC, token_of(server)))["status"] == "ok"


async def test_a_renewed_token_keeps_the_channel_open(server: StackConfig) -> None:
    user = str(uuid4())
    async with connected(server) as client:
        await client.join("realtime:short", token_of(server, user, exp=int(time.time()) + 2))
        await client.join(TOPIC, token_of(server, user, exp=int(time.time()) + 2))
        await client.push(TOPIC, "access_token", {"access_token": token_of(server, user)})
        closed = await client.expect("phx_close")
        assert closed.topic == "realtime:short"
        assert (await client.ask(TOPIC, "phx_leave")).payload["status"] == "ok"


@pytest.mark.parametrize("token", ["{expired}", "nonsense"])
async def test_a_new_token_that_is_invalid_closes_the_channel(
    server: StackConfig, token: str
) -> None:
    expired = token_of(server, exp=int(time.time()) - 5)
    async with connected(server) as client:
        await client.join(TOPIC, token_of(server))
        await client.push(TOPIC, "access_token", {"access_token": token.format(expired=expired)})
        assert (await client.expect("system")).payload["status"] == "error"
        await client.expect("phx_close")


async def test_an_api_key_as_a_new_token_changes_nothing(server: StackConfig) -> None:
    user = str(uuid4())
    own = f"realtime:notebook:{user}"
    async with connected(server) as client:
        await client.join(own, token_of(server, user), private=True, broadcast={"ack": True})
        await client.push(own, "access_token", {"access_token": server.keys.publishable})
        await client.push_binary(own, "e", b"{}", encoding=1)
        assert (await client.expect("phx_reply", "system")).payload["status"] == "ok"


async def test_a_new_token_without_permission_closes_the_private_channel(
    server: StackConfig,
) -> None:
    user = str(uuid4())
    own = f"realtime:notebook:{user}"
    async with connected(server) as client:
        await client.join(own, token_of(server, user), private=True)
        await client.push(own, "access_token", {"access_token": token_of(server)})
        assert "do not have permissions" in (await client.expect("system")).payload["message"]
        await client.expect("phx_close")


async def test_permissions_to_write_are_asked_again_for_a_new_token(server: StackConfig) -> None:
    user, shared = str(uuid4()), "realtime:notebook:shared"
    async with connected(server) as client:
        await client.join(shared, token_of(server, user), private=True, broadcast={"ack": True})
        await client.push_binary(shared, "ignored", b"{}", encoding=1)
        await client.push(shared, "access_token", {"access_token": server.keys.service_role})
        ref = await client.push_binary(shared, "sent", b"{}", encoding=1)
        assert (await client.expect("phx_reply")).ref == ref


async def test_changes_are_shown_to_the_person_of_the_new_token(
    server: StackConfig, stack: StackConfig
) -> None:
    first, second = str(uuid4()), str(uuid4())
    wish = {"event": "INSERT", "schema": "notebook", "table": "notes"}
    async with connected(server) as client:
        await client.join_changes(TOPIC, wish, token=token_of(server, first))
        await client.push(TOPIC, "access_token", {"access_token": token_of(server, second)})
        assert (await client.expect("system")).payload["message"] == "Subscribed to PostgreSQL"
        with psycopg.connect(stack.db_url(), autocommit=True) as dashboard:
            for owner in (first, second):
                dashboard.execute("insert into notebook.notes (owner) values (%s)", (owner,))
        data = (await client.expect("postgres_changes")).payload["data"]
        assert data["record"]["owner"] == second
