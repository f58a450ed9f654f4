"""One websocket: frames in, frames out in order, and a task per joined channel."""

from __future__ import annotations

import asyncio
import logging
import traceback
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from stack.realtime.channels import Channel
from stack.realtime.frames import (
    Broadcast,
    Frame,
    MalformedFrame,
    Message,
    decode,
    dumps,
    encode,
    encode_broadcast,
)
from stack.realtime.joins import PREFIX
from stack.realtime.tokens import Identity

if TYPE_CHECKING:
    from stack.realtime.server import Realtime

MAX_WAITING_FRAMES = 10_000
INTERNAL_ERROR = 1011
GOING_AWAY = 1001
log = logging.getLogger("realtime")


class Socket:
    """A client's connection. `send` never waits; a client that does not read is cut off."""

    def __init__(
        self, server: Realtime, websocket: WebSocket, version: str, identity: Identity
    ) -> None:
        self.server, self.version, self.identity = server, version, identity
        self.headers = {
            name: value for name, value in websocket.headers.items() if name.startswith("x-")
        }
        self.channels: dict[str, Channel] = {}
        self._websocket = websocket
        self._tasks: dict[Channel, asyncio.Task[None]] = {}
        self._outgoing: asyncio.Queue[Frame | int] = asyncio.Queue()

    async def run(self) -> None:
        """Serve the accepted websocket until either side closes it."""
        writer = asyncio.create_task(self._write())
        try:
            await self._read()
        finally:
            writer.cancel()
            for channel in list(self._tasks):
                self._end(channel)

    def send(self, frame: Frame) -> None:
        if self._outgoing.qsize() > MAX_WAITING_FRAMES:
            self.close(INTERNAL_ERROR)
        else:
            self._outgoing.put_nowait(frame)

    def send_broadcast(self, topic: str, broadcast: Broadcast) -> None:
        frame = encode_broadcast(self.version, topic, broadcast)
        if frame is not None:
            self.send(frame)

    def reply(self, to: Message, status: str, response: dict[str, Any]) -> None:
        payload = dumps({"status": status, "response": response})
        self.send(encode(self.version, to.topic, "phx_reply", payload, (to.join_ref, to.ref)))

    def close(self, code: int = GOING_AWAY) -> None:
        """Close after what is already waiting to be sent."""
        self._outgoing.put_nowait(code)

    async def _read(self) -> None:
        while True:
            try:
                received = await self._websocket.receive()
            except (WebSocketDisconnect, RuntimeError):
                return
            if received["type"] == "websocket.disconnect":
                return
            frame = received.get("text") or received.get("bytes") or ""
            try:
                self._route(decode(frame, self.version))
            except MalformedFrame as error:
                log.info("socket closed: malformed frame, %s", error)
                self.close(INTERNAL_ERROR)

    async def _write(self) -> None:
        while True:
            frame = await self._outgoing.get()
            if self._websocket.client_state is not WebSocketState.CONNECTED:
                return
            try:
                if isinstance(frame, int):
                    await self._websocket.close(frame)
                    return
                if isinstance(frame, str):
                    await self._websocket.send_text(frame)
                else:
                    await self._websocket.send_bytes(frame)
            except (WebSocketDisconnect, RuntimeError, OSError):
                return

    def _route(self, message: Message) -> None:
        channel = self.channels.get(message.topic)
        if message.topic == "phoenix" and message.event == "heartbeat":
            self.reply(message, "ok", {})
        elif message.event == "phx_join" and message.topic.startswith(PREFIX):
            self._join(message)
        elif channel is None:
            if message.event == "phx_leave":
                self.reply(message, "ok", {})
            else:
                self.reply(message, "error", {"reason": "unmatched topic"})
        elif message.join_ref in (None, channel.join_ref):
            channel.inbox.put_nowait(message)

    def _join(self, message: Message) -> None:
        previous = self.channels.get(message.topic)
        if previous is not None:
            self._end(previous)
            ref = previous.join_ref
            self.send(encode(self.version, message.topic, "phx_close", "{}", (ref, ref)))
        channel = Channel(self.server, self, message)
        self.channels[message.topic] = channel
        self._tasks[channel] = asyncio.create_task(self._run_channel(channel, message.topic))

    def _end(self, channel: Channel) -> None:
        channel.close()
        self._tasks[channel].cancel()

    async def _run_channel(self, channel: Channel, topic: str) -> None:
        try:
            await channel.run()
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            log.error("channel failed: %s at %s", type(error).__name__, where)
            self.send(
                encode(self.version, topic, "phx_error", "{}", (channel.join_ref, channel.join_ref))
            )
        finally:
            del self._tasks[channel]
            if self.channels.get(topic) is channel:
                del self.channels[topic]
