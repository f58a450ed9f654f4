"""What surrounds every request: its id, one log line, security headers, and a limit on its body."""

from __future__ import annotations

import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.error_responses import BY_STATUS, INTERNAL, problem_response
from appoint.logs import request_id

logger = logging.getLogger(__name__)

ACCEPTABLE_ID = re.compile(r"^[A-Za-z0-9_-]{8,64}$")
LARGEST_BODY = 64 * 1024
SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-site",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
NOTHING_ALLOWED = "default-src 'none'; frame-ancestors 'none'"
# The page of the API's documentation is the one that needs scripts and styles.
DOCUMENTATION = "/docs"


class RequestSurroundings:
    """The outermost layer: whatever happens inside, every answer has an id and a log line."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        current = _id_of(scope)
        token = request_id.set(current)
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
            _log(scope, status, began)
            request_id.reset(token)


class BodyLimit:
    """Refuses bodies over `LARGEST_BODY` bytes, announced or not, before they fill the memory."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdigit() or int(announced) > LARGEST_BODY:
            await _too_large(scope, receive, send)
            return
        body = await _read_up_to_limit(receive)
        if body is None:
            await _too_large(scope, receive, send)
            return
        pending = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return pending.pop() if pending else await receive()

        await self._app(scope, replay, send)


async def _read_up_to_limit(receive: Receive) -> bytes | None:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            return None
        if not message.get("more_body", False):
            return bytes(body)


async def _too_large(scope: Scope, receive: Receive, send: Send) -> None:
    # The rest of the body is not read, so the connection cannot serve another request.
    answer = problem_response(413, *BY_STATUS[413], headers={"Connection": "close"})
    await answer(scope, receive, send)


def _id_of(scope: Scope) -> str:
    given = Headers(scope=scope).get("x-request-id", "")
    return given if ACCEPTABLE_ID.match(given) else uuid.uuid4().hex


def _add_headers(headers: MutableHeaders, path: str, current: str) -> None:
    headers["X-Request-Id"] = current
    for name, value in SECURITY_HEADERS.items():
        headers[name] = value
    if path != DOCUMENTATION:
        headers["Content-Security-Policy"] = NOTHING_ALLOWED


def _log(scope: Scope, status: int, began: float) -> None:
    # The route's pattern, not the path: what callers type into a path must not reach a log.
    route = getattr(scope.get("route"), "path", None)
    took = round((time.monotonic() - began) * 1000, 1)
    said = {"method": scope["method"], "route": route, "status": status, "took_ms": took}
    level = logging.DEBUG if route in ("/healthz", "/readyz") else logging.INFO
    logger.log(level, "request", extra=said)
