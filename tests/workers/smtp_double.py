"""A mail server that speaks just enough SMTP, and misbehaves when told to."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage

from stack.config import HOST


class SmtpDouble:
    """`answers` replaces what is said to a command; None hangs up instead."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self.answers: dict[str, str | None] = {}
        self.url = ""
        self.talks: set[asyncio.Task[None] | None] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.talks.add(asyncio.current_task())
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await self._talk(reader, writer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        while line := await reader.readline():
            command = line.decode().split()[0].split(":")[0].upper()
            if command == "DATA" and "DATA" not in self.answers:
                writer.write(b"354 go on\r\n")
                content = await reader.readuntil(b"\r\n.\r\n")
                command = "CONTENT"
                if "CONTENT" not in self.answers:
                    self._keep(content[:-5])
            answer = self.answers.get(command, "250 fine")
            if answer is None:
                return
            writer.write(f"{answer}\r\n".encode())

    def _keep(self, content: bytes) -> None:
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.received.append(message)


@asynccontextmanager
async def smtp_double() -> AsyncIterator[SmtpDouble]:
    double = SmtpDouble()
    server = await asyncio.start_server(double.serve, HOST, 0)
    double.url = f"smtp://{HOST}:{server.sockets[0].getsockname()[1]}"
    try:
        yield double
    finally:
        server.close()
        if talks := {talk for talk in double.talks if talk}:
            await asyncio.wait(talks, timeout=2)
