"""A Realtime server in miniature that can fail in the ways real ones do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve


class RealtimeDouble:
    """Accepts joins and echoes broadcasts, unless told to be deaf or to refuse."""

    def __init__(self) -> None:
        self.server: Server
        self.sockets: list[ServerConnection] = []
        self.joins: list[dict[str, Any]] = []
        self.topic = ""
        self.refuses_joins = 0
        self.echoes = True
        self.echoed = 0
        self.changed = asyncio.Condition()

    @property
    def url(self) -> str:
        port = next(iter(self.server.sockets)).getsockname()[1]
        return f"ws://127.0.0.1:{port}/realtime/v1"

    async def push(self, event: str, payload: dict[str, Any]) -> None:
        """Send one server message to the client connected last."""
        message = {"topic": self.topic, "event": event, "payload": payload, "ref": None}
        await self.sockets[-1].send(json.dumps(message))

    async def announce_work(self) -> None:
        await self.push(
            "broadcast", {"type": "broadcast", "event": "work_due", "payload": {"count": 1}}
        )

    async def joined(self, times: int) -> None:
        """Wait until that many joins have been answered with ok."""
        async with self.changed:
            await self.changed.wait_for(lambda: len(self.joins) >= times)

    async def canaries_echoed(self, times: int) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: self.echoed >= times)

    async def serve_one(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        async for text in socket:
            message = json.loads(text)
            if message["event"] == "phx_join":
                await self._answer_join(socket, message)
            elif message["event"] == "broadcast" and self.echoes:
                await self.push("broadcast", message["payload"])
                await self._echoed_one()
            elif message["event"] == "heartbeat":
                await _reply(socket, message, "ok", {})

    async def _echoed_one(self) -> None:
        self.echoed += 1
        async with self.changed:
            self.changed.notify_all()

    async def _answer_join(self, socket: ServerConnection, message: dict[str, Any]) -> None:
        self.topic = message["topic"]
        if self.refuses_joins:
            self.refuses_joins -= 1
            await _reply(socket, message, "error", {"reason": "Unauthorized: no"})
            return
        await _reply(socket, message, "ok", {"postgres_changes": []})
        self.joins.append(message["payload"])
        async with self.changed:
            self.changed.notify_all()


async def _reply(
    socket: ServerConnection, message: dict[str, Any], status: str, response: dict[str, Any]
) -> None:
    answer = {
        "topic": message["topic"],
        "event": "phx_reply",
        "ref": message["ref"],
        "payload": {"status": status, "response": response},
    }
    await socket.send(json.dumps(answer))


@asynccontextmanager
async def realtime_double() -> AsyncIterator[RealtimeDouble]:
    double = RealtimeDouble()
    async with serve(double.serve_one, "127.0.0.1", 0) as double.server:
        yield double
