"""Fetches a calendar from an address that somebody typed in, at no risk to the server.

Names are resolved here and the connection goes to an address that was checked, so that a name
cannot point elsewhere a moment later; redirects are followed by hand and checked alike. Size, time
and number of redirects are bounded, and nothing is decompressed.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

import httpcore

from appoint.calendars.addresses import is_public

LARGEST = 5 * 1024 * 1024
MOST_REDIRECTS = 3
SECONDS = 30.0
CONNECT_SECONDS = 5.0
REDIRECTS = (301, 302, 303, 307, 308)
USER_AGENT = "Appoint-Calendar-Import/1"

Resolve = Callable[[str, int], Awaitable[list[str]]]


class FetchError(Exception):
    """The calendar could not be fetched; `reason` is a code for staff, without the address."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came back; `content` is None if nothing has changed since."""

    content: bytes | None
    etag: str | None = None
    last_modified: str | None = None


async def fetch(
    url: str,
    *,
    etag: str | None = None,
    last_modified: str | None = None,
    is_allowed: Callable[[str], bool] = is_public,
    resolve: Resolve | None = None,
) -> Fetched:
    """The calendar at that address, unless it is as it was. Raises FetchError.

    `is_allowed` decides about numeric addresses; tests and the local stack let loopback in.
    """
    conditions = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    headers = {name: value for name, value in conditions.items() if value}
    backend = _CheckedConnections(is_allowed, resolve or _resolve)
    try:
        async with (
            asyncio.timeout(SECONDS),
            httpcore.AsyncConnectionPool(network_backend=backend) as pool,
        ):
            for _ in range(MOST_REDIRECTS + 1):
                answer = await _ask(pool, _checked(url), headers)
                if isinstance(answer, Fetched):
                    return answer
                url = urljoin(url, answer)
    except TimeoutError:
        raise FetchError("timeout") from None
    except httpcore.TimeoutException:
        raise FetchError("timeout") from None
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError):
        raise FetchError("unreachable") from None
    raise FetchError("too_many_redirects")


async def _ask(
    pool: httpcore.AsyncConnectionPool, url: SplitResult, headers: dict[str, str]
) -> Fetched | str:
    """What the server answers, or where else to ask."""
    sent = {
        "Host": url.netloc,
        "User-Agent": USER_AGENT,
        "Accept": "text/calendar, */*;q=0.1",
        "Accept-Encoding": "identity",
        **headers,
    }
    try:
        address = url._replace(fragment="").geturl().encode("ascii")
    except UnicodeEncodeError:
        raise FetchError("unusable_address") from None
    async with pool.stream(
        "GET",
        address,
        headers=[(name.encode(), value.encode("latin-1")) for name, value in sent.items()],
        extensions={"timeout": {"connect": CONNECT_SECONDS, "read": SECONDS}},
    ) as answer:
        given = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in answer.headers
        }
        if answer.status in REDIRECTS and "location" in given:
            return given["location"]
        if answer.status == 304 and headers:
            return Fetched(None)
        if answer.status != 200:
            raise FetchError(f"status_{answer.status}")
        if given.get("content-encoding", "identity") != "identity":
            raise FetchError("compressed")
        content = await _body(answer.aiter_stream(), given.get("content-length", ""))
        return Fetched(content, given.get("etag"), given.get("last-modified"))


async def _body(chunks: AsyncIterable[bytes], announced: str) -> bytes:
    if announced.isdigit() and int(announced) > LARGEST:
        raise FetchError("too_large")
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > LARGEST:
            raise FetchError("too_large")
    return bytes(body)


def _checked(url: str) -> SplitResult:
    """Raises FetchError for what is no plain address of the web."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise FetchError("unusable_address") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise FetchError("unusable_address")
    return parts


async def _resolve(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class _CheckedConnections(httpcore.AsyncNetworkBackend):
    """Opens connections to checked addresses only: every address of a name must be allowed."""

    def __init__(self, is_allowed: Callable[[str], bool], resolve: Resolve) -> None:
        self._is_allowed = is_allowed
        self._resolve = resolve
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            addresses = await self._resolve(host, port)
        except OSError:
            raise FetchError("unknown_host") from None
        if not addresses or not all(self._is_allowed(address) for address in addresses):
            raise FetchError("forbidden_address")
        return await self._network.connect_tcp(
            addresses[0], port, timeout, local_address, socket_options
        )

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)
