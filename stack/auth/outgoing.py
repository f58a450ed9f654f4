"""HTTP requests that Auth makes itself: to the mail API and to hooks, with one time budget."""

from __future__ import annotations

import asyncio
import http.client
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """`headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def post(url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> Answer:
    """POST once. Raises TimeoutError after `seconds`, other OSErrors when nobody answers."""
    deadline = time.monotonic() + seconds
    async with asyncio.timeout(seconds):
        return await asyncio.to_thread(_post, url, body, headers, deadline)


def _post(url: str, body: bytes, headers: Mapping[str, str], deadline: float) -> Answer:
    target = urlsplit(url)
    secure = target.scheme == "https"
    connection_class = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    timeout = max(deadline - time.monotonic(), 0.05)
    connection = connection_class(target.hostname or "", target.port, timeout=timeout)
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    try:
        connection.request("POST", path, body, dict(headers))
        response = connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, response.read())
    except http.client.HTTPException as error:
        raise ConnectionError(type(error).__name__) from error
    finally:
        connection.close()
