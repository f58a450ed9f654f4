"""postgres_changes: filters, columns, row security and the rows that cannot be shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from stack.config import StackConfig
from tests.stack.realtime_clients import brisk_realtime, connected, notebook, token_of

TOPIC = "realtime:changes"
NOTES = {"event": "*", "schema": "notebook", "table": "notes"}
OPEN_NOTES = {"event": "*", "schema": "notebook", "table": "open_notes"}


@pytest.fixture(scope="module")
def server(stack: StackConfig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackConfig]:
    with notebook(stack), brisk_realtime(stack, tmp_path_factory.mktemp("realtime")) as brisk:
        yield brisk


@pytest.fixture
def dashboard(stack: StackConfig) -> Iterator[psycopg.Connection]:
    with psycopg.connect(stack.db_url(), autocommit=True) as connection:
        yield connection
        connection.execute("truncate notebook.notes, notebook.open_notes, notebook.keyless")


async def test_wishes_are_echoed_exactly_with_ids(server: StackConfig) -> None:
    wishes: list[dict[str, Any]] = [
        {"event": "INSERT", "schema": "notebook", "table": "notes", "filter": "pages=gt.3"},
        {"event": "*", "schema": "notebook"},
    ]
    async with connected(server) as client:
        reply = await client.join(TOPIC, token_of(server), postgres_changes=wishes)
        echoed = reply["response"]["postgres_changes"]
        ids = [one.pop("id") for one in echoed]
        assert echoed == wishes
        assert all(isinstance(one, int) and one > 0 for one in ids)
        assert len(set(ids)) == 2
        system = await client.expect("system")
        assert system.payload == {
            "extension": "postgres_changes",
            "status": "ok",
            "message": "Subscribed to PostgreSQL",
            "channel": "changes",
        }


async def test_an_owner_sees_inserts_updates_and_deletes(
    server: StackConfig, dashboard: psycopg.Connection
) -> None:
    owner = str(uuid4())
    async with connected(server) as client:
        ids = await client.join_changes(TOPIC, NOTES, token=token_of(server, owner))
        dashboard.execute(
            "insert into notebook.notes (id, owner, price, tags) values (1, %s, 9.5, '{a,b}')",
            (owner,),
        )
        # Row security looks at the row as it is on delivery, so each change waits for its event.
        inserted = (await client.expect("postgres_changes")).payload
        dashboard.execute("update notebook.notes set pages = 5")
        updated = (await client.expect("postgres_changes")).payload
        dashboard.execute("delete from notebook.notes")
        deleted = (await client.expect("postgres_changes")).payload
    assert inserted["ids"] == ids
    data = inserted["data"]
    assert data["commit_timestamp"].endswith("Z")
    assert (data["schema"], data["table"], data["type"]) == ("notebook", "notes", "INSERT")
    assert data["errors"] is None
    assert {"name": "price", "type": "numeric"} in data["columns"]
    # Columns the role may not select are left out.
    assert "secret" not in {column["name"] for column in data["columns"]}
    assert data["record"] == {
        "id": 1,
        "owner": owner,
        "title": "",
        "pages": 0,
        "price": 9.5,
        "tags": ["a", "b"],
        "written_at": "2026-03-01T09:00:00+00:00",
    }
    assert "old_record" not in data
    assert updated["data"]["record"]["pages"] == 5
    assert updated["data"]["old_record"] == {"id": 1}
    assert deleted["data"]["old_record"] == {"id": 1}
    assert "record" not in deleted["data"]


async def test_row_security_hides_the_rows_of_others_but_not_their_deletion(
    server: StackConfig, dashboard: psycopg.Connection
) -> None:
    owner = str(uuid4())
    async with connected(server) as client:
        await client.join_changes(TOPIC, NOTES, token=token_of(server, owner))
        for note, whose in ((1, str(uuid4())), (2, owner)):
            dashboard.execute(
                "insert into notebook.notes (id, owner) values (%s, %s)", (note, whose)
            )
        dashboard.execute("delete from notebook.notes where id = 1")
        first, second = [(await client.expect("postgres_changes")).payload for _ in range(2)]
    assert first["data"]["record"]["id"] == 2
    assert second["data"]["old_record"] == {"id": 1}


async def test_what_is_rolled_back_is_not_announced(
    server: StackConfig, dashboard: psycopg.Connection
) -> None:
    async with connected(server) as client:
        await client.join_changes(TOPIC, OPEN_NOTES, token=token_of(server))
        with dashboard.transaction():
            dashboard.execute("insert into notebook.open_notes values (1, 'undone')")
            raise psycopg.Rollback
        dashboard.execute("insert into notebook.open_notes values (2, 'done')")
        assert (await client.expect("postgres_changes")).payload["data"]["record"]["id"] == 2


@pytest.mark.parametrize(
    ("text", "matching"),
    [
        ("id=eq.2", [2]),
        ("id=neq.2", [1, 3]),
        ("id=gte.2,id=lt.3", [2]),
        ("id=in.(1,3)", [1, 3]),
        ("id=not.in.(1,3)", [2]),
        ("title=like.b%", [2]),
        ("title=imatch.^[AB]$", [1, 2]),
        ("title=is.null", [3]),
        ("title=isdistinct.a", [2, 3]),
    ],
)
async def test_filters_choose_rows(
    server: StackConfig, dashboard: psycopg.Connection, text: str, matching: list[int]
) -> None:
    async with connected(server) as client:
        wishes = ({**OPEN_NOTES, "filter": text}, {**OPEN_NOTES, "event": "DELETE"})
        await client.join_changes(TOPIC, *wishes, token=token_of(server))
        dashboard.execute("insert into notebook.open_notes values (1, 'a'), (2, 'b'), (3, null)")
        dashboard.execute("delete from notebook.open_notes where id = 1")  # ends the story
        seen = []
        while True:
            data = (await client.expect("postgres_changes")).payload["data"]
            if data["type"] == "DELETE":
                break
            seen.append(data["record"]["id"])
    assert seen == matching


async def test_a_deletion_without_row_security_shows_the_logged_row(
    server: StackConfig, dashboard: psycopg.Connection
) -> None:
    dashboard.execute("insert into notebook.open_notes values (1, 'gone')")
    async with connected(server) as client:
        wish = {**OPEN_NOTES, "event": "DELETE", "filter": "title=eq.gone"}
        await client.join_changes(TOPIC, wish, token=token_of(server))
        dashboard.execute("delete from notebook.open_notes")
        data = (await client.expect("postgres_changes")).payload["data"]
        assert data["old_record"] == {"id": 1, "title": "gone"}


async def test_selected_columns_and_the_key_are_all_that_is_sent(
    server: StackConfig, dashboard: psycopg.Connection
) -> None:
    owner = str(uuid4())
    async with connected(server) as client:
        wish = {**NOTES, "select": ["title"]}
        await client.join_changes(TOPIC, wish, token=token_of(server, owner))
        dashboard.execute("insert into notebook.notes (id, owner) values (1, %s)", (owner,))
        data = (await client.expect("postgres_changes")).payload["data"]
        assert data["record"] == {"id": 1, "title": ""}
        assert [column["name"] for column in data["columns"]] == ["id", "title"]


async def test_one_change_reaches_each_subscription_of_a_channel_once(
    server: StackConfig, dashboard: psycopg.Connection
) -> None:
    async with connected(server) as client:
        wishes = (OPEN_NOTES, {**OPEN_NOTES, "event": "INSERT"}, {**OPEN_NOTES, "event": "DELETE"})
        all_id, insert_id, delete_id = await client.join_changes(
            TOPIC, *wishes, token=token_of(server)
        )
        dashboard.execute("insert into notebook.open_notes values (1, 'a')")
        dashboard.execute("delete from notebook.open_notes")
        inserted, deleted = [(await client.expect("postgres_changes")).payload for _ in range(2)]
        assert sorted(inserted["ids"]) == sorted([all_id, insert_id])
        assert sorted(deleted["ids"]) == sorted([all_id, delete_id])


async def test_rows_that_cannot_be_shown_arrive_as_errors(
    server: StackConfig, dashboard: psycopg.Connection
) -> None:
    async with connected(server, key=server.keys.secret) as worker:
        # service_role passes row security but was granted nothing on this table.
        await worker.join_changes(TOPIC, NOTES, token=server.keys.service_role)
        dashboard.execute("insert into notebook.notes (owner) values (%s)", (str(uuid4()),))
        data = (await worker.expect("postgres_changes")).payload["data"]
        assert data["errors"] == ["Error 401: Unauthorized"]
        assert (data["columns"], data["record"], data["commit_timestamp"]) == ([], {}, None)
    async with connected(server) as client:
        wish = {"event": "*", "schema": "notebook", "table": "keyless"}
        await client.join_changes(TOPIC, wish, token=token_of(server))
        dashboard.execute("insert into notebook.keyless values ('a')")
        data = (await client.expect("postgres_changes")).payload["data"]
        assert data["errors"] == ["Error 400: Bad Request, no primary key"]


async def test_a_row_over_a_megabyte_loses_its_large_values(
    server: StackConfig, dashboard: psycopg.Connection
) -> None:
    async with connected(server) as client:
        await client.join_changes(TOPIC, OPEN_NOTES, token=token_of(server))
        dashboard.execute("insert into notebook.open_notes values (1, repeat('x', 1100000))")
        data = (await client.expect("postgres_changes")).payload["data"]
        assert data["errors"] == ["Error 413: Payload Too Large"]
        assert data["record"] == {"id": 1}


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"table": "unpublished"}, "Please check Realtime is enabled"),
        ({"table": "notes", "filter": "id=foo.1"}, "Error parsing `filter` params"),
        ({"table": "notes", "filter": "id=eq.many"}, "invalid input syntax for type bigint"),
        ({"table": "notes", "filter": "secret=eq.x"}, "invalid column for filter secret"),
        ({"table": "notes", "filter": "pages=like.5"}, "operator does not exist"),
        ({"table": "notes", "select": ["nothing"]}, "invalid column for select nothing"),
    ],
)
async def test_a_wish_that_cannot_be_served_is_a_system_error(
    server: StackConfig, wish: dict[str, Any], message: str
) -> None:
    async with connected(server) as client:
        wishes = [{"event": "*", "schema": "notebook", **wish}]
        reply = await client.join(TOPIC, token_of(server), postgres_changes=wishes)
        assert reply["status"] == "ok"
        system = await client.expect("system")
        assert system.payload["status"] == "error"
        assert message in system.payload["message"]


async def test_a_join_can_wait_for_its_subscription(server: StackConfig) -> None:
    options = {"wait": True}
    async with connected(server) as client:
        joined = await client.join(
            TOPIC, token_of(server), postgres_changes=[NOTES], postgres_changes_options=options
        )
        assert joined["status"] == "ok"
        wish = {**NOTES, "table": "unpublished"}
        refused = await client.join(
            TOPIC, token_of(server), postgres_changes=[wish], postgres_changes_options=options
        )
        assert refused["response"]["reason"].startswith("RealtimeDisabledForConfiguration: ")
