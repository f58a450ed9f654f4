"""Mail providers that never answer: one that accepts all the same, and one that does nothing."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from stack.config import HOST, StackConfig


class SilentMailbox:
    """`accepted` is set once the mailbox has answered a request that nobody hears about."""

    def __init__(self, mailbox_port: int, accepted: asyncio.Event) -> None:
        self.accepted = accepted
        self.url = ""
        self._mailbox_port = mailbox_port

    async def deliver(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A worker may be killed between connecting and asking.
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            await self._accept(reader)
            await reader.read()  # Until the worker gives up or dies.
        writer.close()

    async def _accept(self, reader: asyncio.StreamReader) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        body = await reader.readexactly(int(length[1])) if length else b""
        from_mailbox, to_mailbox = await asyncio.open_connection(HOST, self._mailbox_port)
        to_mailbox.write(head + body)
        await from_mailbox.readuntil(b"\r\n\r\n")
        to_mailbox.close()
        self.accepted.set()


@asynccontextmanager
async def silent_mailbox(
    stack: StackConfig, accepted: asyncio.Event | None = None
) -> AsyncIterator[SilentMailbox]:
    silent = SilentMailbox(stack.ports.mailbox, accepted or asyncio.Event())
    server = await asyncio.start_server(silent.deliver, HOST, 0)
    silent.url = f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
    try:
        yield silent
    finally:
        server.close()


@asynccontextmanager
async def nobody_answers(reached: asyncio.Event | None = None) -> AsyncIterator[str]:
    """An address that takes connections and does nothing; `reached` tells of the first."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if reached is not None:
            reached.set()
        with contextlib.suppress(OSError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(listen, HOST, 0)
    try:
        yield f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
