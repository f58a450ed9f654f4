"""Carries requests and sockets to the parts behind the gateway and their answers back.

A part that restarts is mostly not noticed: while nothing has been sent, or for requests that only
read, forwarding tries again for `PATIENCE` seconds. A write that was sent is never repeated.
"""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from stack.config import HOST
from stack.gateway.routes import Target

PATIENCE = 2.0
RETRY_EVERY = 0.05
MAX_SOCKET_MESSAGE = 10 * 1024 * 1024
# Uvicorn closes idle connections after five seconds; the gateway must do so first.
IDLE_SECONDS = 4.0
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# Written anew by the server or the client on either side.
REQUEST_DROPPED = HOP_BY_HOP | {"host", "content-length", "expect"}
RESPONSE_DROPPED = HOP_BY_HOP | {"content-length", "date"}


@dataclass(frozen=True)
class Outgoing:
    """A request as it goes to a part."""

    target: Target
    method: str
    url: URL
    headers: CIMultiDict[str]
    body: bytes = b""


class PartUnavailable(Exception):
    """A part did not answer; nothing is known about a write that had been sent (`was_sent`)."""

    def __init__(self, part: str, *, was_sent: bool) -> None:
        super().__init__(part)
        self.was_sent = was_sent


class SocketRefused(Exception):
    """The part behind answered a socket's handshake with this HTTP status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def make_session() -> aiohttp.ClientSession:
    """A client that passes everything on as it is, over as many connections as are asked for."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=PATIENCE, sock_read=150),
        skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
    )


def request_headers(request: web.BaseRequest) -> CIMultiDict[str]:
    """The caller's headers for the part behind, with who is calling from where."""
    named = {name.strip().lower() for name in request.headers.get("Connection", "").split(",")}
    dropped = REQUEST_DROPPED | named
    headers = CIMultiDict(
        (name, value) for name, value in request.headers.items() if name.lower() not in dropped
    )
    prior = headers.get("X-Forwarded-For")
    caller = request.remote or HOST
    headers["X-Forwarded-For"] = f"{prior}, {caller}" if prior else caller
    headers["X-Forwarded-Host"] = request.host
    headers["X-Forwarded-Proto"] = "http"
    headers["X-Real-IP"] = caller
    return headers


def response_headers(headers: Mapping[str, str]) -> CIMultiDict[str]:
    """An answer's headers without those that concern one connection only."""
    return CIMultiDict(
        (name, value) for name, value in headers.items() if name.lower() not in RESPONSE_DROPPED
    )


async def send(session: aiohttp.ClientSession, outgoing: Outgoing) -> aiohttp.ClientResponse:
    """The part's answer, its body still to be read. Raises PartUnavailable."""
    give_up_at = time.monotonic() + PATIENCE
    cause: Exception
    while True:
        try:
            return await session.request(
                outgoing.method,
                outgoing.url,
                headers=outgoing.headers,
                data=io.BytesIO(outgoing.body) if outgoing.body else None,
                allow_redirects=False,
            )
        except aiohttp.ClientConnectorError as refused:
            was_sent, cause = False, refused
        except (aiohttp.ClientError, TimeoutError) as broken:
            was_sent, cause = outgoing.method not in SAFE_METHODS, broken
        if was_sent or time.monotonic() >= give_up_at:
            raise PartUnavailable(outgoing.target.part, was_sent=was_sent) from cause
        await asyncio.sleep(RETRY_EVERY)


async def relay(
    request: web.BaseRequest, answer: aiohttp.ClientResponse, headers: CIMultiDict[str]
) -> web.StreamResponse:
    """Hand an answer to the caller: at once when it has already arrived, else as it comes.

    Raises aiohttp.ClientError when the part breaks off before the first byte of the body.
    """
    first = b""
    if answer.content_type != "text/event-stream":
        first = await answer.content.readany()
        if answer.content.at_eof():
            if request.method == "HEAD" and "Content-Length" in answer.headers:
                headers["Content-Length"] = answer.headers["Content-Length"]
            return web.Response(
                status=answer.status, reason=answer.reason, headers=headers, body=first
            )
    response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=headers)
    if "Content-Length" in answer.headers:
        response.content_length = int(answer.headers["Content-Length"])
    await response.prepare(request)
    try:
        await response.write(first)
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
    except aiohttp.ClientError:
        # Half an answer must not look like a whole one.
        if request.transport is not None:
            request.transport.abort()
    return response


async def bridge_socket(
    session: aiohttp.ClientSession, request: web.BaseRequest, outgoing: Outgoing
) -> web.WebSocketResponse:
    """Connect the caller's WebSocket with the part's, frame by frame, pings included.

    Raises SocketRefused or PartUnavailable while there is still time for an HTTP answer.
    """
    inner = await _open_socket(session, outgoing)
    outer = web.WebSocketResponse(
        protocols=[inner.protocol] if inner.protocol else (),
        autoping=False,
        autoclose=False,
        compress=False,
        max_msg_size=MAX_SOCKET_MESSAGE,
        timeout=1,
    )
    try:
        await outer.prepare(request)
        pumps = [
            asyncio.ensure_future(_pump(inner, outer)),
            asyncio.ensure_future(_pump(outer, inner)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
    finally:
        await inner.close()
        await outer.close(code=aiohttp.WSCloseCode.GOING_AWAY)
    return outer


async def _open_socket(
    session: aiohttp.ClientSession, outgoing: Outgoing
) -> aiohttp.ClientWebSocketResponse:
    headers = outgoing.headers.copy()
    offered = ",".join(headers.popall("Sec-WebSocket-Protocol", []))
    for name in [name for name in headers if name.lower().startswith("sec-websocket-")]:
        del headers[name]
    give_up_at = time.monotonic() + PATIENCE
    while True:
        try:
            return await session.ws_connect(
                outgoing.url,
                headers=headers,
                protocols=[name.strip() for name in offered.split(",") if name.strip()],
                autoping=False,
                autoclose=False,
                max_msg_size=MAX_SOCKET_MESSAGE,
                timeout=aiohttp.ClientWSTimeout(ws_close=1),
            )
        except aiohttp.WSServerHandshakeError as refusal:
            raise SocketRefused(refusal.status) from refusal
        except (aiohttp.ClientError, TimeoutError) as broken:
            if time.monotonic() >= give_up_at:
                raise PartUnavailable(outgoing.target.part, was_sent=False) from broken
        await asyncio.sleep(RETRY_EVERY)


Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


async def _pump(source: Socket, sink: Socket) -> None:
    """Pass frames on until either side closes; a close passes on with its code and reason."""
    while True:
        message = await source.receive()
        match message.type:
            case aiohttp.WSMsgType.TEXT:
                await sink.send_str(message.data)
            case aiohttp.WSMsgType.BINARY:
                await sink.send_bytes(message.data)
            case aiohttp.WSMsgType.PING:
                await sink.ping(message.data)
            case aiohttp.WSMsgType.PONG:
                await sink.pong(message.data)
            case aiohttp.WSMsgType.CLOSE:
                await sink.close(code=message.data or 1000, message=(message.extra or "").encode())
                return
            case _:
                return
