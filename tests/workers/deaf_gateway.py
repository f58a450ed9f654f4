"""A way to Supabase on which Realtime cannot be reached, as behind a proxy without WebSockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from stack.config import HOST, StackConfig


class DeafGateway:
    """Forwards to the gateway; `lets_realtime_through` says whether /realtime, too."""

    def __init__(self, port: int) -> None:
        self.url = ""
        self.lets_realtime_through = False
        self._port = port
        self._sockets: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """Hang up on whoever is connected to Realtime, and let nobody through any more."""
        self.lets_realtime_through = False
        for writer in self._sockets:
            writer.transport.abort()

    async def forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n")
            if b"/realtime/" not in head:
                await _join(self._port, head, reader, writer)
            elif self.lets_realtime_through:
                self._sockets.add(writer)
                await _join(self._port, head, reader, writer)
        self._sockets.discard(writer)
        writer.close()


@asynccontextmanager
async def deaf_gateway(stack: StackConfig) -> AsyncIterator[DeafGateway]:
    gateway = DeafGateway(stack.ports.gateway)
    server = await asyncio.start_server(gateway.forward, HOST, 0)
    gateway.url = f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
    try:
        yield gateway
    finally:
        server.close()


@asynccontextmanager
async def without_realtime(stack: StackConfig) -> AsyncIterator[str]:
    """The address of a forwarder to the gateway that hangs up on everything to /realtime."""
    async with deaf_gateway(stack) as gateway:
        yield gateway.url


async def _join(
    port: int, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    from_gateway, to_gateway = await asyncio.open_connection(HOST, port)
    with contextlib.closing(to_gateway):
        to_gateway.write(head)
        await asyncio.gather(_copy(reader, to_gateway), _copy(from_gateway, writer))


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await source.read(65536):
            target.write(piece)
            await target.drain()
    target.close()
