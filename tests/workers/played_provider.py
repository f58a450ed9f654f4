"""The mail provider played by a function, behind the interface of Resend's package."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import resend

Answers = (
    Callable[[httpx.Request], httpx.Response] | Callable[[httpx.Request], Awaitable[httpx.Response]]
)


@asynccontextmanager
async def played_by(answer: Answers) -> AsyncIterator[resend.AsyncHTTPClient]:
    """Connections whose every request `answer` answers, or raises what a network would."""
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        yield _Played(http)


class _Played(resend.AsyncHTTPClient):
    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def request(  # noqa: PLR0917 - the library's signature
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        json: Any = None,
        files: Any = None,
        data: Any = None,
    ) -> tuple[bytes, int, Mapping[str, str]]:
        answer = await self._http.request(method, url, headers=headers, json=json)
        return answer.content, answer.status_code, answer.headers
