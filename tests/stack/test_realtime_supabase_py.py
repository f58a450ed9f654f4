"""Stock supabase-py through the gateway, as the workers use it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from realtime import AsyncRealtimeChannel, RealtimeSubscribeStates
from supabase import AsyncClient, acreate_client

from stack.config import StackConfig
from tests.stack.realtime_clients import SECONDS_TO_ANSWER, notebook, token_of


@pytest.fixture(scope="module")
def published(stack: StackConfig) -> Iterator[StackConfig]:
    with notebook(stack):
        yield stack


@pytest.fixture
async def worker(published: StackConfig) -> AsyncIterator[AsyncClient]:
    client = await acreate_client(published.gateway_url, published.keys.secret)
    yield client
    await client.realtime.close()


async def subscribed(channel: AsyncRealtimeChannel) -> None:
    """Subscribe and wait for the answer."""
    answer: asyncio.Future[RealtimeSubscribeStates] = asyncio.get_running_loop().create_future()

    def on_status(status: RealtimeSubscribeStates, _error: Exception | None) -> None:
        if not answer.done():
            answer.set_result(status)

    await channel.subscribe(on_status)
    async with asyncio.timeout(SECONDS_TO_ANSWER):
        assert await answer == RealtimeSubscribeStates.SUBSCRIBED


async def next_of(events: asyncio.Queue[Any]) -> Any:
    async with asyncio.timeout(SECONDS_TO_ANSWER):
        return await events.get()


async def test_a_worker_is_woken_from_the_database(
    worker: AsyncClient, published: StackConfig
) -> None:
    events: asyncio.Queue[Any] = asyncio.Queue()
    topic = f"notebook:{uuid4()}"
    channel = worker.channel(topic, {"config": {"private": True}})
    await subscribed(channel.on_broadcast("work_due", events.put_nowait))
    with psycopg.connect(published.db_url(), autocommit=True) as dashboard:
        dashboard.execute("select realtime.send('{\"n\": 1}', 'work_due', %s)", (topic,))
    woken = await next_of(events)
    assert (woken["event"], woken["payload"]["n"]) == ("work_due", 1)


async def test_a_worker_broadcasts_to_itself(worker: AsyncClient) -> None:
    events: asyncio.Queue[Any] = asyncio.Queue()
    config = {"private": True, "broadcast": {"self": True, "ack": True}}
    channel = worker.channel(f"notebook:{uuid4()}", {"config": config})
    await subscribed(channel.on_broadcast("canary", events.put_nowait))
    await channel.send_broadcast("canary", {"alive": True})
    assert (await next_of(events))["payload"] == {"alive": True}


async def test_a_worker_follows_changes_of_a_table(
    worker: AsyncClient, published: StackConfig
) -> None:
    events: asyncio.Queue[Any] = asyncio.Queue()
    systems: asyncio.Queue[Any] = asyncio.Queue()
    channel = worker.channel(f"changes-{uuid4()}")
    channel.on_postgres_changes(
        "*", events.put_nowait, table="notes", schema="notebook", filter="pages=gt.3"
    )
    channel.on_system(systems.put_nowait)
    with psycopg.connect(published.db_url(), autocommit=True) as dashboard:
        dashboard.execute("grant select on notebook.notes to service_role")
        await subscribed(channel)
        assert (await next_of(systems)).message == "Subscribed to PostgreSQL"
        add = "insert into notebook.notes (owner, pages) values (gen_random_uuid(), %s)"
        dashboard.execute(add, (3,))
        dashboard.execute(add, (4,))
    assert (await next_of(events))["data"]["record"]["pages"] == 4


async def test_a_users_token_decides_on_private_channels(published: StackConfig) -> None:
    user = str(uuid4())
    client = await acreate_client(published.gateway_url, published.keys.publishable)
    await client.realtime.set_auth(token_of(published, user))
    await subscribed(client.channel(f"notebook:{user}", {"config": {"private": True}}))
    await client.realtime.close()


async def test_presence_is_shared_between_clients(
    worker: AsyncClient, published: StackConfig
) -> None:
    synced: asyncio.Queue[None] = asyncio.Queue()
    topic = f"presence-{uuid4()}"
    config = {"presence": {"key": "watcher", "enabled": True}}
    watcher = worker.channel(topic, {"config": config})
    watcher.on_presence_sync(lambda: synced.put_nowait(None))
    await subscribed(watcher)
    await next_of(synced)
    other = await acreate_client(published.gateway_url, published.keys.publishable)
    guest = other.channel(topic, {"config": {"presence": {"key": "guest", "enabled": True}}})
    await subscribed(guest)
    await guest.track({"mood": "calm"})
    await next_of(synced)
    (meta,) = watcher.presence_state()["guest"]
    assert meta["mood"] == "calm"  # type: ignore[typeddict-item]
    await other.realtime.close()
    await next_of(synced)
    assert watcher.presence_state() == {}
