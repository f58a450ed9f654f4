"""Broadcasts from the database: announced when committed, never otherwise, and replayed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from stack.config import StackConfig
from tests.stack.realtime_clients import brisk_realtime, connected, notebook, token_of


@pytest.fixture(scope="module")
def server(stack: StackConfig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackConfig]:
    with notebook(stack), brisk_realtime(stack, tmp_path_factory.mktemp("realtime")) as brisk:
        yield brisk


@pytest.fixture
def dashboard(stack: StackConfig) -> Iterator[psycopg.Connection]:
    with psycopg.connect(stack.db_url(), autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("version", ["1.0.0", "2.0.0"])
async def test_a_committed_message_is_announced_with_its_id(
    server: StackConfig, dashboard: psycopg.Connection, version: str
) -> None:
    topic = f"notebook:{uuid4()}"
    async with connected(server, version, server.keys.secret) as client:
        await client.join(f"realtime:{topic}", private=True)
        dashboard.execute("""select realtime.send('{"n": 1}', 'counted', %s)""", (topic,))
        received = await client.expect("broadcast")
        ((row_id,),) = dashboard.execute(
            "select id::text from realtime.messages where topic = %s", (topic,)
        ).fetchall()
        assert received.is_binary == (version == "2.0.0")
        assert received.payload == {
            "type": "broadcast",
            "event": "counted",
            "payload": {"n": 1, "id": row_id},
            "meta": {"id": row_id},
        }


async def test_a_rolled_back_transaction_announces_nothing(
    server: StackConfig, dashboard: psycopg.Connection
) -> None:
    topic = f"notebook:{uuid4()}"
    async with connected(server, key=server.keys.secret) as client:
        await client.join(f"realtime:{topic}", private=True)
        with dashboard.transaction():
            dashboard.execute("select realtime.send('{}', 'undone', %s)", (topic,))
            with dashboard.transaction():
                dashboard.execute("select realtime.send('{}', 'undone too', %s)", (topic,))
            raise psycopg.Rollback
        dashboard.execute("select realtime.send('{}', 'done', %s)", (topic,))
        assert (await client.expect("broadcast")).payload["event"] == "done"


async def test_messages_arrive_in_commit_order_and_none_is_lost(
    server: StackConfig, dashboard: psycopg.Connection
) -> None:
    topic = f"notebook:{uuid4()}"
    async with connected(server, key=server.keys.secret) as client:
        await client.join(f"realtime:{topic}", private=True)
        for number in range(50):
            dashboard.execute(
                "select realtime.send(jsonb_build_object('n', %s::int), 'e', %s)", (number, topic)
            )
        received = [(await client.expect("broadcast")).payload["payload"]["n"] for _ in range(50)]
        assert received == list(range(50))


async def test_a_public_message_reaches_the_public_channel_only(
    server: StackConfig, dashboard: psycopg.Connection
) -> None:
    topic = f"notebook:{uuid4()}"
    async with (
        connected(server) as public,
        connected(server, key=server.keys.secret) as private,
    ):
        await public.join(f"realtime:{topic}")
        await private.join(f"realtime:{topic}", private=True)
        dashboard.execute("select realtime.send('{}', 'open', %s, false)", (topic,))
        dashboard.execute("select realtime.send('{}', 'closed', %s, true)", (topic,))
        assert (await public.expect("broadcast")).payload["event"] == "open"
        assert (await private.expect("broadcast")).payload["event"] == "closed"


async def test_bytes_can_be_sent_from_the_database(
    server: StackConfig, dashboard: psycopg.Connection
) -> None:
    topic = f"notebook:{uuid4()}"
    async with connected(server, key=server.keys.secret) as client:
        await client.join(f"realtime:{topic}", private=True)
        dashboard.execute(r"select realtime.send_binary('\x00ff', 'bytes', %s)", (topic,))
        assert (await client.expect("broadcast")).payload["payload"] == b"\x00\xff"


async def test_a_row_trigger_broadcasts_its_change(
    server: StackConfig, dashboard: psycopg.Connection
) -> None:
    topic = f"notebook:{uuid4()}"
    dashboard.execute(
        f"""
        create or replace function notebook.announce() returns trigger
        language plpgsql security definer set search_path = '' as $$
        begin
          perform realtime.broadcast_changes(
            '{topic}', 'note_changed', tg_op, tg_table_name, tg_table_schema, new, old);
          return null;
        end $$;
        create or replace trigger announce after insert or update on notebook.open_notes
          for each row execute function notebook.announce();
        """
    )
    async with connected(server, key=server.keys.secret) as client:
        await client.join(f"realtime:{topic}", private=True)
        dashboard.execute("insert into notebook.open_notes values (1, 'a')")
        dashboard.execute("update notebook.open_notes set title = 'b'")
        inserted = (await client.expect("broadcast")).payload["payload"]
        updated = (await client.expect("broadcast")).payload["payload"]
    dashboard.execute("drop trigger announce on notebook.open_notes")
    assert inserted.pop("id")
    assert inserted == {
        "operation": "INSERT",
        "schema": "notebook",
        "table": "open_notes",
        "record": {"id": 1, "title": "a"},
        "old_record": None,
    }
    assert (updated["old_record"]["title"], updated["record"]["title"]) == ("a", "b")


async def test_a_late_reader_can_have_private_messages_replayed(
    server: StackConfig, dashboard: psycopg.Connection
) -> None:
    topic = f"notebook:{uuid4()}"
    for number in range(30):
        dashboard.execute(
            "select realtime.send(jsonb_build_object('n', %s::int), 'e', %s)", (number, topic)
        )
    since = int((time.time() - 600) * 1000)
    async with connected(server, key=server.keys.secret) as client:
        replay = {"since": since, "limit": 100}
        await client.join(f"realtime:{topic}", private=True, broadcast={"replay": replay})
        replayed = [(await client.expect("broadcast")).payload for _ in range(25)]
        assert [one["payload"]["n"] for one in replayed] == list(range(5, 30))
        assert all(one["meta"]["replayed"] for one in replayed)
        dashboard.execute("select realtime.send('{}', 'fresh', %s)", (topic,))
        assert (await client.expect("broadcast")).payload["event"] == "fresh"


async def test_replay_is_for_private_channels_and_sensible_options(server: StackConfig) -> None:
    async with connected(server, key=server.keys.secret) as client:
        refused = await client.join("realtime:r", broadcast={"replay": {"since": 0}})
        assert refused["response"]["reason"] == (
            "UnableToReplayMessages: Replay is not allowed for public channels"
        )
        options = {"replay": {"since": "yesterday"}}
        refused = await client.join("realtime:r", private=True, broadcast=options)
        assert refused["response"]["reason"] == (
            "UnableToReplayMessages: Replay params are not valid"
        )
    async with connected(server) as client:
        topic = f"realtime:notebook:{uuid4()}"
        replay = {"replay": {"since": 0}}
        refused = await client.join(topic, token_of(server), private=True, broadcast=replay)
        assert refused["response"]["reason"].startswith("Unauthorized")
