"""A way to Supabase on which Realtime cannot be reached, as behind a proxy without WebSockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from stack.config import HOST, StackConfig


@asynccontextmanager
async def without_realtime(stack: StackConfig) -> AsyncIterator[str]:
    """The address of a forwarder to the gateway that hangs up on everything to /realtime."""

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n")
            if b"/realtime/" not in head:
                await _join(stack.ports.gateway, head, reader, writer)
        writer.close()

    server = await asyncio.start_server(forward, HOST, 0)
    try:
        yield f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def _join(
    port: int, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    from_gateway, to_gateway = await asyncio.open_connection(HOST, port)
    to_gateway.write(head)
    await asyncio.gather(_copy(reader, to_gateway), _copy(from_gateway, writer))


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await source.read(65536):
            target.write(piece)
            await target.drain()
    target.close()
