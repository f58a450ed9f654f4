"""A websocket client that speaks Realtime's protocol by hand, people with tokens of their own, a
table to watch, and a Realtime server with short waits beside the stack's.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import jwt
import psycopg
import websockets

from stack.config import HOST, PROJECT_DIR, StackConfig
from stack.processes import die_with_parent
from tests.stacks import free_ports

SECONDS_TO_ANSWER = 15


@dataclass(frozen=True)
class Received:
    """One message from the server; `payload` of a binary frame is put together as clients do."""

    topic: str
    event: str
    payload: dict[str, Any]
    ref: str | None = None
    join_ref: str | None = None
    is_binary: bool = False


@dataclass
class RawClient:
    """Sends and receives single messages in one protocol version."""

    websocket: websockets.ClientConnection
    version: str
    _refs: int = field(default=0)
    _join_refs: dict[str, str] = field(default_factory=dict)

    async def push(self, topic: str, event: str, payload: dict[str, Any] | None = None) -> str:
        """Send a message and return its ref."""
        self._refs += 1
        ref = str(self._refs)
        if event == "phx_join":
            self._join_refs[topic] = ref
        join_ref = self._join_refs.get(topic)
        if self.version == "1.0.0":
            message = {"topic": topic, "event": event, "payload": payload or {}}
            await self.websocket.send(json.dumps(message | {"ref": ref, "join_ref": join_ref}))
        else:
            await self.websocket.send(json.dumps([join_ref, ref, topic, event, payload or {}]))
        return ref

    async def push_binary(self, topic: str, event: str, body: bytes, encoding: int) -> str:
        """Send a broadcast as a frame of kind 3; encoding 1 is JSON, 0 is bytes."""
        self._refs += 1
        join_ref = self._join_refs.get(topic) or ""
        fields = [text.encode() for text in (join_ref, str(self._refs), topic, event, "")]
        sizes = bytes(len(one) for one in fields)
        await self.websocket.send(b"\x03" + sizes + bytes([encoding]) + b"".join(fields) + body)
        return str(self._refs)

    async def receive(self) -> Received:
        async with asyncio.timeout(SECONDS_TO_ANSWER):
            frame = await self.websocket.recv()
        if isinstance(frame, bytes):
            return _decode_broadcast(frame)
        decoded = json.loads(frame)
        if self.version == "1.0.0":
            assert "ref" in decoded
            return Received(**{"ref": None, **decoded})
        join_ref, ref, topic, event, payload = decoded
        return Received(topic, event, payload, ref, join_ref)

    async def expect(self, *events: str) -> Received:
        """The next message with one of these events; others are skipped."""
        while True:
            message = await self.receive()
            if message.event in events:
                return message

    async def ask(self, topic: str, event: str, payload: dict[str, Any] | None = None) -> Received:
        """Send a message and wait for its reply."""
        ref = await self.push(topic, event, payload)
        while True:
            message = await self.expect("phx_reply")
            if message.ref == ref:
                return message

    async def receive_after_heartbeat(self) -> Received:
        """The first message that arrives once a heartbeat was sent after everything else."""
        await self.push("phoenix", "heartbeat")
        return await self.receive()

    async def join(self, topic: str, token: str | None = None, **config: Any) -> dict[str, Any]:
        """Join and return the payload of the reply."""
        payload: dict[str, Any] = {"config": config}
        if token:
            payload["access_token"] = token
        return (await self.ask(topic, "phx_join", payload)).payload

    async def join_changes(self, topic: str, *wishes: dict[str, Any], token: str) -> list[int]:
        """Join with `postgres_changes`, wait until they flow, and return their ids."""
        reply = await self.join(topic, token, postgres_changes=list(wishes))
        assert reply["status"] == "ok", reply
        system = await self.expect("system")
        assert system.payload["status"] == "ok", system.payload
        return [one["id"] for one in reply["response"]["postgres_changes"]]


def _decode_broadcast(frame: bytes) -> Received:
    assert frame[0] == 4
    position, texts = 5, []
    for size in frame[1:4]:
        texts.append(frame[position : position + size].decode())
        position += size
    topic, event, meta = texts
    body: Any = frame[position:]
    payload = json.loads(body) if frame[4] else body
    message = {"type": "broadcast", "event": event, "payload": payload}
    if meta:
        message["meta"] = json.loads(meta)
    return Received(topic, "broadcast", message, is_binary=True)


@contextlib.asynccontextmanager
async def connected(
    config: StackConfig, version: str = "2.0.0", key: str | None = None
) -> AsyncIterator[RawClient]:
    """A client of the Realtime server itself, without the gateway."""
    key = config.keys.publishable if key is None else key
    address = f"ws://{HOST}:{config.ports.realtime}/socket/websocket?apikey={key}&vsn={version}"
    async with websockets.connect(address) as websocket:
        yield RawClient(websocket, version)


def token_of(config: StackConfig, user_id: str | None = None, **claims: Any) -> str:
    """An access token as Auth signs it, for an hour unless `exp` says otherwise."""
    now = int(time.time())
    defaults = {"aud": "authenticated", "role": "authenticated", "iat": now, "exp": now + 3600}
    signing = config.keys.signing_jwk
    return jwt.encode(
        defaults | {"sub": user_id or str(uuid4()), "iss": config.jwt_issuer} | claims,
        jwt.PyJWK(signing).key,
        algorithm="ES256",
        headers={"kid": signing["kid"]},
    )


@contextlib.contextmanager
def brisk_realtime(
    config: StackConfig, directory: Path, **settings: float
) -> Iterator[StackConfig]:
    """A second Realtime server on the same database, which refuses without making wait."""
    overrides = {"connect_error_seconds": 0, "join_error_seconds": 0} | settings
    brisk = replace(
        config,
        directory=directory,
        ports=replace(config.ports, realtime=free_ports().realtime),
        overrides={f"realtime.{name}": value for name, value in overrides.items()},
    )
    brisk.save()
    with running_realtime(brisk):
        yield brisk


@contextlib.contextmanager
def running_realtime(config: StackConfig) -> Iterator[subprocess.Popen[bytes]]:
    """The Realtime server of a configuration, ready, until the context ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "stack.realtime", str(config.directory)],
        cwd=PROJECT_DIR,
        stdout=subprocess.DEVNULL,
        preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509
    )
    try:
        wait_until_ready(config, process)
        yield process
    finally:
        process.terminate()
        process.wait(SECONDS_TO_ANSWER)


def wait_until_ready(config: StackConfig, process: subprocess.Popen[bytes]) -> None:
    """Return when the server reads the database's log."""
    deadline = time.monotonic() + SECONDS_TO_ANSWER
    while time.monotonic() < deadline:
        assert process.poll() is None, "the Realtime server ended"
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"http://{HOST}:{config.ports.realtime}/health").status_code == 200:
                return
        time.sleep(0.05)
    raise TimeoutError("the Realtime server did not become ready")


POLICIES = """
    create policy "notebook readers" on realtime.messages for select to authenticated
      using (realtime.topic() = 'notebook:shared' or realtime.topic() = 'notebook:' || auth.uid());
    create policy "notebook writers" on realtime.messages for insert to authenticated
      with check (realtime.topic() = 'notebook:' || auth.uid());
"""
NOTEBOOK = """
    create schema notebook;
    grant usage on schema notebook to authenticated, service_role;
    create table notebook.notes (
      id bigint generated by default as identity primary key,
      owner uuid not null,
      title text not null default '',
      pages int not null default 0,
      price numeric(10, 2),
      tags text[] not null default '{}',
      written_at timestamptz not null default '2026-03-01 10:00:00+01',
      secret text not null default 'hidden'
    );
    alter table notebook.notes enable row level security;
    create policy "owners read" on notebook.notes for select to authenticated
      using (owner = (select auth.uid()));
    grant select (id, owner, title, pages, price, tags, written_at) on notebook.notes
      to authenticated;
    create table notebook.open_notes (id int primary key, title text);
    alter table notebook.open_notes replica identity full;
    grant select on notebook.open_notes to authenticated;
    create table notebook.keyless (title text);
    grant select on notebook.keyless to authenticated;
    alter publication supabase_realtime
      add table notebook.notes, notebook.open_notes, notebook.keyless;
"""
CLEAN_UP = """
    drop schema if exists notebook cascade;
    drop policy if exists "notebook readers" on realtime.messages;
    drop policy if exists "notebook writers" on realtime.messages;
"""


@contextlib.contextmanager
def notebook(config: StackConfig) -> Iterator[None]:
    """Published tables and policies on channels `notebook:…`, gone afterwards."""
    with psycopg.connect(config.db_url("supabase_admin"), autocommit=True) as admin:
        admin.execute(CLEAN_UP)
        with psycopg.connect(config.db_url(), autocommit=True) as dashboard:
            dashboard.execute(NOTEBOOK)
        admin.execute(POLICIES)
        try:
            yield
        finally:
            admin.execute(CLEAN_UP)
