"""Joining, broadcasts and presence, spoken frame by frame in both protocol versions."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest
import websockets

from stack.config import HOST, StackConfig
from tests.stack.realtime_clients import brisk_realtime, connected, notebook, token_of

TOPIC = "realtime:room"


@pytest.fixture(scope="module")
def server(stack: StackConfig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackConfig]:
    with notebook(stack), brisk_realtime(stack, tmp_path_factory.mktemp("realtime")) as brisk:
        yield brisk


@pytest.mark.parametrize("version", ["1.0.0", "2.0.0"])
async def test_heartbeats_are_answered(server: StackConfig, version: str) -> None:
    async with connected(server, version) as client:
        reply = await client.ask("phoenix", "heartbeat")
        assert reply.payload == {"status": "ok", "response": {}}
        assert reply.topic == "phoenix"


@pytest.mark.parametrize("version", ["1.0.0", "2.0.0"])
async def test_a_join_is_answered_and_a_leave_closes(server: StackConfig, version: str) -> None:
    async with connected(server, version) as client:
        reply = await client.join(TOPIC)
        assert reply == {"status": "ok", "response": {"postgres_changes": []}}
        assert (await client.ask(TOPIC, "phx_leave")).payload["status"] == "ok"
        assert (await client.expect("phx_close")).topic == TOPIC
        unjoined = await client.ask(TOPIC, "broadcast")
        assert unjoined.payload == {"status": "error", "response": {"reason": "unmatched topic"}}


async def test_joining_a_topic_again_closes_the_first_channel(server: StackConfig) -> None:
    async with connected(server) as client:
        first = await client.push(TOPIC, "phx_join", {"config": {"presence": {"enabled": True}}})
        await client.expect("presence_state")
        second = await client.push(TOPIC, "phx_join")
        closed = await client.expect("phx_close")
        assert closed.join_ref == first
        assert (await client.expect("phx_reply")).ref == second


@pytest.mark.parametrize(
    "key",
    [
        "",
        "sb_publishable_of_another_project",
        "not.a.jwt",
        "{expired}",
        "{tampered}",
    ],
)
async def test_a_socket_without_a_valid_key_is_refused(server: StackConfig, key: str) -> None:
    expired = token_of(server, exp=int(time.time()) - 10)
    head, body, _signature = token_of(server).split(".")
    tampered = f"{head}.{body}.{expired.split('.')[2]}"
    with pytest.raises(websockets.InvalidStatus) as refusal:
        async with connected(server, key=key.format(expired=expired, tampered=tampered)):
            pass
    assert refusal.value.response.status_code == 401
    assert "error" in json.loads(refusal.value.response.body or b"")


async def test_a_join_with_a_bad_token_says_why(server: StackConfig) -> None:
    expired = token_of(server, exp=int(time.time()) - 10)
    async with connected(server) as client:
        refused = await client.join(TOPIC, token=expired)
        assert refused["status"] == "error"
        assert refused["response"]["reason"].startswith("InvalidJWTToken: Token has expired")
        refused = await client.join(TOPIC, token="nonsense")
        expected = "MalformedJWT: The token provided is not a valid JWT"
        assert refused["response"]["reason"] == expected
        assert (await client.join(TOPIC, token=server.keys.publishable))["status"] == "ok"


@pytest.mark.parametrize("sender_version", ["1.0.0", "2.0.0"])
async def test_a_broadcast_reaches_others_in_both_versions(
    server: StackConfig, sender_version: str
) -> None:
    async with (
        connected(server, sender_version) as sender,
        connected(server, "1.0.0") as old,
        connected(server, "2.0.0") as new,
    ):
        for client in (sender, old, new):
            await client.join(TOPIC, broadcast={"ack": client is sender})
        if sender_version == "2.0.0":
            ref = await sender.push_binary(TOPIC, "hello", '{"who":"Zoë"}'.encode(), encoding=1)
        else:
            message = {"type": "broadcast", "event": "hello", "payload": {"who": "Zoë"}}
            ref = await sender.push(TOPIC, "broadcast", message)
        # Without `self` the sender gets its acknowledgement only.
        acknowledged = await sender.receive()
        assert (acknowledged.event, acknowledged.ref) == ("phx_reply", ref)
        expected = {"type": "broadcast", "event": "hello", "payload": {"who": "Zoë"}}
        for client in (old, new):
            received = await client.expect("broadcast")
            assert received.payload == expected
            assert received.ref is None


async def test_bytes_reach_the_new_version_only(server: StackConfig) -> None:
    async with connected(server, "1.0.0") as old, connected(server, "2.0.0") as new:
        await old.join(TOPIC)
        await new.join(TOPIC, broadcast={"self": True})
        await new.push_binary(TOPIC, "bytes", b"\x00\xff", encoding=0)
        await new.push_binary(TOPIC, "text", b"{}", encoding=1)
        assert (await new.expect("broadcast")).payload["payload"] == b"\x00\xff"
        assert (await old.expect("broadcast")).payload["event"] == "text"


async def test_a_broadcast_larger_than_the_limit_is_not_sent(
    stack: StackConfig, tmp_path: Path
) -> None:
    with brisk_realtime(stack, tmp_path, max_payload_kb=1) as small:
        async with connected(small) as client:
            await client.join(TOPIC, broadcast={"ack": True, "self": True})
            body = json.dumps({"text": "x" * 2000}).encode()
            ref = await client.push_binary(TOPIC, "large", body, encoding=1)
            refused = await client.receive()
            assert (refused.ref, refused.payload["status"]) == (ref, "error")
            await client.push_binary(TOPIC, "small", b"{}", encoding=1)
            assert (await client.expect("broadcast")).payload["event"] == "small"


async def test_a_private_channel_opens_for_those_whom_a_policy_lets_read(
    server: StackConfig,
) -> None:
    owner = str(uuid4())
    own_topic = f"realtime:notebook:{owner}"
    async with connected(server) as client:
        joined = await client.join(own_topic, token_of(server, owner), private=True)
        assert joined["status"] == "ok"
    async with connected(server) as client:
        refused = await client.join(own_topic, token_of(server), private=True)
        assert refused["response"]["reason"] == (
            "Unauthorized: You do not have permissions to read from this Channel topic: "
            f"notebook:{owner}"
        )
        anonymous = await client.join(own_topic, private=True)
        assert anonymous["status"] == "error"
    async with connected(server, key=server.keys.secret) as worker:
        assert (await worker.join(own_topic, private=True))["status"] == "ok"


async def test_probing_permissions_leaves_no_rows(server: StackConfig) -> None:
    topic = f"notebook:{uuid4()}"
    async with connected(server, key=server.keys.secret) as worker:
        await worker.join(f"realtime:{topic}", private=True, broadcast={"ack": True})
        ref = await worker.push_binary(f"realtime:{topic}", "e", b"{}", encoding=1)
        assert (await worker.expect("phx_reply")).ref == ref
    with psycopg.connect(server.db_url("supabase_admin")) as admin:
        rows = admin.execute("select from realtime.messages where topic = %s", (topic,))
        assert rows.fetchall() == []


async def test_a_message_without_permission_to_write_is_silently_ignored(
    server: StackConfig,
) -> None:
    shared = "realtime:notebook:shared"
    async with (
        connected(server) as reader,
        connected(server, key=server.keys.secret) as worker,
    ):
        await reader.join(shared, token_of(server), private=True, broadcast={"ack": True})
        await worker.join(shared, private=True, broadcast={"self": True})
        await reader.push_binary(shared, "forged", b"{}", encoding=1)
        # No acknowledgement: the next answer belongs to the next question.
        assert (await reader.receive_after_heartbeat()).topic == "phoenix"
        await worker.push_binary(shared, "genuine", b"{}", encoding=1)
        assert (await worker.expect("broadcast")).payload["event"] == "genuine"
        assert (await reader.expect("broadcast")).payload["event"] == "genuine"


async def test_public_and_private_channels_of_one_name_do_not_meet(server: StackConfig) -> None:
    shared = "realtime:notebook:shared"
    async with connected(server) as public, connected(server, key=server.keys.secret) as private:
        await public.join(shared, broadcast={"self": True})
        await private.join(shared, private=True, broadcast={"self": True})
        await private.push_binary(shared, "inside", b"{}", encoding=1)
        assert (await private.expect("broadcast")).payload["event"] == "inside"
        await public.push_binary(shared, "outside", b"{}", encoding=1)
        assert (await public.expect("broadcast")).payload["event"] == "outside"


async def test_presence_is_announced_to_all_and_ends_with_the_socket(server: StackConfig) -> None:
    topic = "realtime:waiting-room"
    async with connected(server, "1.0.0") as watcher:
        await watcher.join(topic, presence={"enabled": True, "key": "watcher"})
        assert (await watcher.expect("presence_state")).payload == {}
        async with connected(server) as guest:
            await guest.join(topic, presence={"enabled": True, "key": "guest"})
            track = {"type": "presence", "event": "track", "payload": {"mood": "calm"}}
            assert (await guest.ask(topic, "presence", track)).payload["status"] == "ok"
            joined = (await watcher.expect("presence_diff")).payload
            assert joined["leaves"] == {}
            (meta,) = joined["joins"]["guest"]["metas"]
            assert meta["mood"] == "calm"
            track["payload"] = {"mood": "tense"}
            await guest.ask(topic, "presence", track)
            changed = (await watcher.expect("presence_diff")).payload
            assert changed["joins"]["guest"]["metas"][0]["phx_ref_prev"] == meta["phx_ref"]
            assert changed["leaves"]["guest"]["metas"][0]["phx_ref"] == meta["phx_ref"]
            async with connected(server) as late:
                await late.join(topic, presence={"enabled": True})
                state = (await late.expect("presence_state")).payload
                assert state["guest"]["metas"][0]["mood"] == "tense"
        left = (await watcher.expect("presence_diff")).payload
        assert left["joins"] == {}
        assert left["leaves"]["guest"]["metas"][0]["mood"] == "tense"


async def test_untracking_leaves(server: StackConfig) -> None:
    topic = "realtime:waiting-room"
    async with connected(server) as guest:
        await guest.join(topic, presence={"enabled": True, "key": "guest"})
        await guest.ask(topic, "presence", {"event": "track", "payload": {}})
        assert "guest" in (await guest.expect("presence_diff")).payload["joins"]
        await guest.ask(topic, "presence", {"event": "untrack"})
        assert "guest" in (await guest.expect("presence_diff")).payload["leaves"]


async def test_tracking_without_permission_is_an_error(server: StackConfig) -> None:
    shared = "realtime:notebook:shared"
    async with connected(server) as reader:
        await reader.join(shared, token_of(server), private=True, presence={"enabled": True})
        reply = await reader.ask(shared, "presence", {"event": "track", "payload": {}})
        assert reply.payload["status"] == "error"


async def test_too_many_presence_calls_end_the_channel(server: StackConfig) -> None:
    async with connected(server) as guest:
        await guest.join("realtime:busy", presence={"enabled": True})
        for call in range(6):
            await guest.push(
                "realtime:busy", "presence", {"event": "track", "payload": {"n": call}}
            )
        system = await guest.expect("system")
        assert system.payload["message"] == "Client presence rate limit exceeded"
        await guest.expect("phx_close")


async def test_one_socket_has_at_most_the_allowed_number_of_channels(
    stack: StackConfig, tmp_path: Path
) -> None:
    with brisk_realtime(stack, tmp_path, max_channels_per_client=2) as narrow:
        async with connected(narrow) as client:
            for name in ("a", "b"):
                assert (await client.join(f"realtime:{name}"))["status"] == "ok"
            refused = await client.join("realtime:c")
            expected = "ChannelRateLimitReached: Too many channels"
            assert refused["response"]["reason"] == expected


async def test_too_many_messages_end_the_channel_and_stop_http(
    stack: StackConfig, tmp_path: Path
) -> None:
    with brisk_realtime(stack, tmp_path, max_events_per_second=0) as silent:
        async with connected(silent) as client:
            await client.join(TOPIC, broadcast={"self": True})
            await client.push_binary(TOPIC, "first", b"{}", encoding=1)
            assert (await client.expect("broadcast")).payload["event"] == "first"
            await client.push_binary(TOPIC, "second", b"{}", encoding=1)
            system = await client.expect("system", "broadcast")
            assert system.payload["message"] == "Too many messages per second"
            await client.expect("phx_close")
        messages = {"messages": [{"topic": "room", "event": "e", "payload": {}}]}
        refused = await TestHttp.post(silent, "", messages, silent.keys.publishable)
        assert refused.status_code == 429


async def test_a_malformed_frame_closes_the_socket_and_nothing_else(server: StackConfig) -> None:
    async with connected(server) as other, connected(server) as client:
        await client.websocket.send("this is not JSON")
        with pytest.raises(websockets.ConnectionClosed):
            await client.receive()
        assert (await other.ask("phoenix", "heartbeat")).payload["status"] == "ok"


class TestHttp:
    """Broadcasts sent with HTTP."""

    async def test_a_batch_reaches_public_and_permitted_private_channels(
        self, server: StackConfig
    ) -> None:
        owner = str(uuid4())
        own = f"notebook:{owner}"
        async with connected(server, key=server.keys.secret) as client:
            await client.join("realtime:room")
            await client.join("realtime:notebook:shared", private=True)
            await client.join(f"realtime:{own}", private=True)
            private = [("notebook:shared", True), (own, True), ("room", False)]
            messages = [
                {"topic": topic, "event": "e", "payload": {"to": topic}, "private": is_private}
                for topic, is_private in private
            ]
            answer = await self.post(server, "", {"messages": messages}, token_of(server, owner))
            assert answer.status_code == 202  # also for the one that was not permitted
            received = [(await client.expect("broadcast")).payload["payload"] for _ in range(2)]
            assert {message["to"] for message in received} == {"room", own}

    async def test_a_single_message_takes_json_and_bytes(self, server: StackConfig) -> None:
        async with connected(server) as client:
            await client.join("realtime:a/b")
            path, key = "/a%2Fb/events/e", server.keys.publishable
            assert (await self.post(server, path, {"n": 1}, key)).status_code == 202
            assert (await client.expect("broadcast")).payload["payload"] == {"n": 1}
            answer = await self.post(server, path, b"\x01", key)
            assert answer.status_code == 202
            assert (await client.expect("broadcast")).payload["payload"] == b"\x01"

    async def test_a_single_private_message_needs_permission(self, server: StackConfig) -> None:
        path = "/notebook:shared/events/e?private=true"
        assert (await self.post(server, path, {}, token_of(server))).status_code == 403
        assert (await self.post(server, path, {}, server.keys.secret)).status_code == 202

    async def test_what_is_no_message_is_refused(self, server: StackConfig) -> None:
        key = server.keys.secret
        assert (await self.post(server, "", {"messages": []}, key)).status_code == 422
        incomplete = {"messages": [{"topic": "t", "payload": {}}]}
        refused = await self.post(server, "", incomplete, key)
        assert refused.status_code == 422
        assert refused.json() == {"errors": {"messages": [{"event": ["can't be blank"]}]}}
        assert (await self.post(server, "", incomplete, "nonsense")).status_code == 401
        async with httpx.AsyncClient() as http:
            answer = await http.post(
                f"http://{HOST}:{server.ports.realtime}/api/broadcast/t/events/e",
                content=b"x",
                headers={"Authorization": f"Bearer {key}", "Content-Type": "text/plain"},
            )
            assert answer.status_code == 415

    @staticmethod
    async def post(server: StackConfig, path: str, body: object, token: str) -> httpx.Response:
        is_bytes = isinstance(body, bytes)
        kind = "application/octet-stream" if is_bytes else "application/json"
        async with httpx.AsyncClient() as http:
            return await http.post(
                f"http://{HOST}:{server.ports.realtime}/api/broadcast{path}",
                content=body if is_bytes else json.dumps(body),
                headers={"Authorization": f"Bearer {token}", "Content-Type": kind},
            )
