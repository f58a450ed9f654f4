"""Places at which a worker can be stopped: a way to Supabase that freezes at one call."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from stack.config import HOST, StackConfig

CLAIM = b"claim_notifications"
NOTHING_TO_DO = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
    b"Connection: close\r\n\r\n[]"
)


class FreezingGateway:
    """Forwards every request, but freezes at the first call of one function that does something.

    `when` is before (the call never arrives) or after (it is carried out, nobody hears of it). It
    says that there is nothing to claim until it `is_open`, so that a worker can be ready before.
    """

    def __init__(self, port: int, function: str, when: str) -> None:
        self.is_open = False
        self.reached = asyncio.Event()
        self.url = ""
        self._port = port
        self._function = function.encode()
        self._when = when

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            # Without Realtime the timer finds the work, and connections stay simple.
            if b"/realtime/" not in head:
                await self._answer(head, reader, writer)
        writer.close()

    async def _answer(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        body = await reader.readexactly(int(length[1])) if length else b""
        asked = head.split(b"\r\n", 1)[0]
        if CLAIM in asked and not self.is_open:
            writer.write(NOTHING_TO_DO)
            return
        is_ours = self._function in asked
        # Once frozen it stays so: a worker that asks again must not do what the first did not.
        if self.reached.is_set() or (is_ours and self._when == "before"):
            await self._freeze(reader)
            return
        from_gateway, to_gateway = await asyncio.open_connection(HOST, self._port)
        closing = re.sub(rb"(?i)\r\nconnection:[^\r]*", b"", head[:-4])
        to_gateway.write(closing + b"\r\nConnection: close\r\n\r\n" + body)
        answer = await from_gateway.read()
        to_gateway.close()
        # A claim of nothing is no step on any message's way.
        if is_ours and not answer.endswith(b"[]"):
            await self._freeze(reader)
            return
        writer.write(answer)
        await writer.drain()

    async def _freeze(self, reader: asyncio.StreamReader) -> None:
        self.reached.set()
        await reader.read()  # Until the worker is dead.


@asynccontextmanager
async def freezing(stack: StackConfig, function: str, when: str) -> AsyncIterator[FreezingGateway]:
    gateway = FreezingGateway(stack.ports.gateway, function, when)
    server = await asyncio.start_server(gateway.handle, HOST, 0, limit=2**24)
    gateway.url = f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
    try:
        yield gateway
    finally:
        server.close()
