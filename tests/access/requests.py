"""Every cell of the matrix as one request: who, which verb, on what, and what came back."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp

from tests.access.outcomes import Answer

# Requests under way at once: more would only wait for each other's row locks.
AT_ONCE = 8
# Two requests that lock each other's rows tell nothing about access; one of them asks again.
ASK_AGAIN = ("40P01", "40001", "55P03")
TRY_AGAIN = "right now. Try again."


@dataclass(frozen=True)
class Cell:
    """Where an answer belongs. `place` is home, away or unknown."""

    person: str
    thing: str
    verb: str
    place: str


@dataclass(frozen=True)
class Request:
    """One HTTP request for one cell."""

    cell: Cell
    method: str
    path: str
    query: dict[str, str]
    body: Any = None
    schema: str = "public"
    prefer: str = "count=exact"
    accept: str = "application/json"

    @property
    def works_alone(self) -> bool:
        """Workers skip what others have locked, so they must not meet anybody."""
        return self.cell.person == "worker" and self.cell.verb == "call"

    def url(self, base: str) -> str:
        return f"{base}/{self.path}" + (f"?{urlencode(self.query)}" if self.query else "")


async def send_all(
    base: str, tokens: dict[str, str | None], requests: Iterable[Request]
) -> dict[Cell, Answer]:
    """Send them all over a few connections that stay open; the answers by cell.

    Those that work alone come last, one after the other.
    """
    answers: dict[Cell, Answer] = {}
    together: list[Request] = []
    alone: list[Request] = []
    for request in requests:
        (alone if request.works_alone else together).append(request)

    async def client(session: aiohttp.ClientSession, waiting: Iterator[Request]) -> None:
        for request in waiting:
            answers[request.cell] = await send(session, base, tokens, request)

    async with aiohttp.ClientSession() as session:
        waiting = iter(together)
        await asyncio.gather(*(client(session, waiting) for _ in range(AT_ONCE)))
        await client(session, iter(alone))
    return answers


async def send(
    session: aiohttp.ClientSession, base: str, tokens: dict[str, str | None], request: Request
) -> Answer:
    """One request and its answer; again if it met another one's locks."""
    headers = {
        "Prefer": request.prefer,
        "Accept": request.accept,
        "Accept-Profile": request.schema,
        "Content-Profile": request.schema,
        "Content-Type": "application/json",
    }
    token = tokens[request.cell.person]
    if token:
        headers["Authorization"] = f"Bearer {token}"
    content = json.dumps(request.body).encode()
    while True:
        async with session.request(
            request.method,
            request.url(base),
            data=None if request.method in ("GET", "DELETE") else io.BytesIO(content),
            headers=headers,
        ) as response:
            answer = Answer(
                response.status,
                await response.text("utf-8", "replace"),
                response.headers.get("Content-Range", ""),
            )
        if answer.error not in ASK_AGAIN and TRY_AGAIN not in answer.body:
            return answer
