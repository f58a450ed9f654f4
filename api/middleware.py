"""What surrounds every request: its id, one log line, its figures, security headers, and limits on
how much it sends and how long it takes."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.error_responses import BY_STATUS, INTERNAL, UNAVAILABLE, problem_response
from api.metrics import Metrics
from api.vouchers import whence, whence_of
from appoint.logs import request_id

logger = logging.getLogger(__name__)

ACCEPTABLE_ID = re.compile(r"^[A-Za-z0-9_-]{8,64}$")
LARGEST_BODY = 64 * 1024
LARGEST_UPLOAD = 16 * 1024 * 1024
UPLOADS = re.compile(r"^/v1/clinics/[^/]+/imports$")
# How many times the limit is read before the connection is cut.
DRAINED = 4
BODY_SECONDS = 20.0
UPLOAD_SECONDS = 120.0
# From the whole request to the answer; below what proxies commonly wait.
ANSWER_SECONDS = 30.0
# Where the rest of a body is not read, the connection cannot serve another request.
CUT = {"Connection": "close"}
SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-site",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
NOTHING_ALLOWED = "default-src 'none'; frame-ancestors 'none'"
# The page of the API's documentation is the one that needs scripts and styles.
DOCUMENTATION = "/docs"
UNINTERESTING = ("/healthz", "/readyz", "/metrics")


class RequestSurroundings:
    """The outermost layer: whatever happens inside, every answer has an id and a log line."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        current = _id_of(scope)
        token = request_id.set(current)
        caller = whence.set(whence_of(scope))
        began = time.monotonic()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(MutableHeaders(scope=message), scope["path"], current)
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            logger.exception("request_crashed")
            if status:  # The answer has begun; only the connection's end can tell now.
                raise
            await problem_response(*INTERNAL)(scope, receive, send_with_headers)
        finally:
            self._tell(scope, status, time.monotonic() - began)
            request_id.reset(token)
            whence.reset(caller)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        # The route's pattern, not the path: what callers type into a path must not reach a log.
        route = getattr(scope.get("route"), "path", None)
        self._metrics.answered(scope["method"], route, status, seconds)
        took = round(seconds * 1000, 1)
        said = {"method": scope["method"], "route": route, "status": status, "took_ms": took}
        # Who was refused what is the audit of attempts: what is refused leaves no row anywhere.
        known = scope.get("state", {})
        said |= {name: known[name] for name in ("user_id", "refusal") if name in known}
        level = logging.DEBUG if route in UNINTERESTING else logging.INFO
        logger.log(level, "request", extra=said)


class Deadline:
    """Answers 503 when an answer takes too long; what was being done is cancelled."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = has_arrived = False

        async def received() -> Message:
            # How long the body of an upload may take is another's limit.
            nonlocal has_arrived
            if has_arrived:
                return await receive()
            deadline.reschedule(None)
            message = await receive()
            deadline.reschedule(asyncio.get_running_loop().time() + ANSWER_SECONDS)
            has_arrived = True
            return message

        async def noticed(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            async with asyncio.timeout(ANSWER_SECONDS) as deadline:
                await self._app(scope, received, noticed)
        except TimeoutError:
            logger.error("request_took_too_long")
            if has_begun:
                raise
            answer = problem_response(*UNAVAILABLE, headers={"Retry-After": "5"})
            await answer(scope, receive, send)


class BodyLimit:
    """Refuses bodies that are too large, announced or not, before they fill the memory, and those
    that arrive too slowly. An upload is kept only once somebody is known to be let in: it is read
    when the route asks for it, and every other body before."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_upload = scope["method"] == "POST" and UPLOADS.match(scope["path"])
        largest = LARGEST_UPLOAD if is_upload else LARGEST_BODY
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdecimal() or len(announced) > 10 or int(announced) > largest * DRAINED:
            await _refuse(413, scope, receive, send)
            return
        seconds = UPLOAD_SECONDS if is_upload else BODY_SECONDS
        pending: list[Message] = []
        is_read = False

        async def replay() -> Message:
            nonlocal is_read
            if not is_read:
                is_read = True
                return await _whole(seconds, largest, receive)
            return pending.pop() if pending else await receive()

        if not is_upload:
            try:
                pending.append(await replay())
            except HTTPException as refusal:
                await _refuse(refusal.status_code, scope, receive, send)
                return
        await self._app(scope, replay, send)


async def _whole(seconds: float, largest: int, receive: Receive) -> Message:
    """The body in one piece. Raises HTTPException, which passes wherever a route reads."""
    try:
        async with asyncio.timeout(seconds):
            body = await _read_up_to(largest, receive)
    except TimeoutError:
        raise HTTPException(408, headers=CUT) from None
    if body is None:
        raise HTTPException(413, headers=CUT)
    return {"type": "http.request", "body": body, "more_body": False}


async def _read_up_to(largest: int, receive: Receive) -> bytes | None:
    """The body, or None if it is larger. What is a little too large is read and thrown away: a
    client that is still sending when the connection is cut never sees why."""
    body = bytearray()
    size = 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size <= largest:
            body += part
        elif size > largest * DRAINED:
            return None
        if not message.get("more_body", False):
            return bytes(body) if size <= largest else None


async def _refuse(status: int, scope: Scope, receive: Receive, send: Send) -> None:
    answer = problem_response(status, *BY_STATUS[status], headers=CUT)
    await answer(scope, receive, send)


def _id_of(scope: Scope) -> str:
    given = Headers(scope=scope).get("x-request-id", "")
    return given if ACCEPTABLE_ID.match(given) else uuid.uuid4().hex


def _add_headers(headers: MutableHeaders, path: str, current: str) -> None:
    headers["X-Request-Id"] = current
    for name, value in SECURITY_HEADERS.items():
        headers[name] = value
    if path != DOCUMENTATION:
        # A page may name the one style it has.
        headers.setdefault("Content-Security-Policy", NOTHING_ALLOWED)
