"""A mail provider that answers at once: Resend's two ways to send, its keys and its rate limit."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from stack.config import HOST

LARGEST_BATCH = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: when it came (monotonic), what it was answered, which messages it carried."""

    at: float
    status: int
    messages: tuple[str, ...]


class Provider:
    """Remembers every request. `per_second`: more in one second are answered with 429."""

    def __init__(self, per_second: int | None = None) -> None:
        self.per_second = per_second
        self.url = ""
        self.asked: list[Asked] = []
        self.received: dict[str, int] = {}
        self._keys: dict[str, object] = {}
        self._second = 0
        self._in_second = 0
        self._changed = asyncio.Condition()

    def clear(self) -> None:
        """Forget what was asked."""
        self.asked.clear()
        self.received.clear()
        self._keys.clear()

    async def until(self, messages: int) -> None:
        """Return once so many different messages have come."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.received) >= messages)

    async def send(self, request: web.Request) -> web.Response:
        """POST /emails and POST /emails/batch."""
        at = time.monotonic()
        body = await request.read()
        if self._is_too_many(at):
            self.asked.append(Asked(at, 429, ()))
            refusal = {"statusCode": 429, "name": "rate_limit_exceeded", "message": "Too many."}
            return web.json_response(refusal, status=429, headers={"retry-after": "1"})
        key = request.headers["idempotency-key"]
        if key in self._keys:
            return web.json_response(self._keys[key])
        given = json.loads(body)
        mails = given if isinstance(given, list) else [given]
        messages = tuple(mail["tags"][0]["value"] for mail in mails)
        for message in messages:
            self.received[message] = self.received.get(message, 0) + 1
        self.asked.append(Asked(at, 200, messages))
        accepted = [{"id": message} for message in messages]
        self._keys[key] = answer = {"data": accepted} if isinstance(given, list) else accepted[0]
        async with self._changed:
            self._changed.notify_all()
        return web.json_response(answer)

    def _is_too_many(self, at: float) -> bool:
        if self.per_second is None:
            return False
        if int(at) != self._second:
            self._second, self._in_second = int(at), 0
        self._in_second += 1
        return self._in_second > self.per_second


@asynccontextmanager
async def running_provider() -> AsyncIterator[Provider]:
    """A provider on a free port of loopback."""
    provider = Provider()
    app = web.Application(client_max_size=2**26)
    app.add_routes([web.post("/emails", provider.send), web.post("/emails/batch", provider.send)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0)
    await site.start()
    assert runner.addresses
    provider.url = f"http://{HOST}:{runner.addresses[0][1]}"
    try:
        yield provider
    finally:
        await runner.cleanup()
