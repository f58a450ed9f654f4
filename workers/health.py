"""`GET /healthz` of a worker, on loopback: is the loop turning, what happened last, what waits.
`GET /metrics` tells the same to Prometheus.

Answers 200 while the worker lives, also when Supabase is away or a round fails (the body says so:
`degraded`); 503 when the notifier's loop has stopped turning, which only a restart can mend. A few
lines of HTTP, because a web framework would double the memory of the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from appoint.queue_depth import QueueDepth
from workers.vital_signs import VitalSigns

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
PATHS = ("/healthz", "/health")
METRICS = "/metrics"
REQUEST_SECONDS = 5.0
LONGEST_REQUEST = 8192
DEPTH_SECONDS = 2.0
DEPTH_KEPT_SECONDS = 5.0


class CannotListenError(Exception):
    """The port is taken or not ours to take; the text says why."""


class HealthServer:
    """Serves the vital signs; `stalled_after` is in seconds."""

    def __init__(
        self,
        signs: VitalSigns,
        depth: Callable[[], Awaitable[QueueDepth]],
        *,
        port: int,
        stalled_after: float,
    ) -> None:
        self._signs = signs
        self._depth = depth
        self._port = port
        self._stalled_after = stalled_after
        self._known_depth: QueueDepth | None = None
        self._depth_known_at = float("-inf")

    async def start(self) -> asyncio.Server:
        """Listen. Raises CannotListenError."""
        try:
            server = await asyncio.start_server(
                self._answer, HOST, self._port, limit=LONGEST_REQUEST
            )
        except OSError as error:
            raise CannotListenError(
                f"cannot listen on port {self._port}: {error.strerror}"
            ) from None
        port = server.sockets[0].getsockname()[1]
        logger.info("health_listening", extra={"port": port})
        return server

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
            async with asyncio.timeout(REQUEST_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                method, path, *_ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
                status, body = await self._respond(method, path.partition("?")[0])
                writer.write(_http(status, *body))
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.close()

    async def _respond(self, method: str, path: str) -> tuple[str, tuple[str, bytes]]:
        if path not in (*PATHS, METRICS):
            return "404 Not Found", _json({"key": "not_found"})
        if method not in ("GET", "HEAD"):
            return "405 Method Not Allowed", _json({"key": "method_not_allowed"})
        if path == METRICS:
            # Only who is asked for figures needs the library.
            from workers.figures import MEDIA_TYPE, exposition  # noqa: PLC0415

            return "200 OK", (MEDIA_TYPE, exposition(self._signs, await self._queue()))
        stalled = self._signs.seconds_since_turn() > self._stalled_after
        body = await self._report("stalled" if stalled else "ok")
        return "503 Service Unavailable" if stalled else "200 OK", _json(body)

    async def _report(self, status: str) -> dict[str, Any]:
        signs = self._signs
        depth = await self._queue()
        is_reachable = signs.is_database_reachable(depth)
        is_closed = depth is not None and depth.closed_because is not None
        is_failing = any(one.failing for one in signs.rounds.values())
        if status == "ok" and (not is_reachable or is_closed or is_failing):
            status = "degraded"
        return {
            "status": status,
            "started_at": _iso(signs.started_at),
            "last_wake_at": _iso(signs.last_wake_at),
            "last_sweep_at": _iso(signs.last_sweep_at),
            "last_sent_at": _iso(signs.last_sent_at),
            "realtime": signs.realtime,
            "database": "reachable" if is_reachable else "unreachable",
            "in_flight": signs.in_flight,
            "sent": signs.sent,
            "failed": signs.failed,
            "rounds": {
                name: {"last_look_at": _iso(one.last_look_at), "failing": one.failing}
                for name, one in signs.rounds.items()
            },
            "queue": asdict(depth) if depth else None,
        }

    async def _queue(self) -> QueueDepth | None:
        """Depth and age of the queue, at most a few seconds old; None when it cannot be known."""
        if time.monotonic() - self._depth_known_at < DEPTH_KEPT_SECONDS:
            return self._known_depth
        try:
            async with asyncio.timeout(DEPTH_SECONDS):
                self._known_depth = await self._depth()
        except Exception:
            self._known_depth = None
        self._depth_known_at = time.monotonic()
        return self._known_depth


def _json(body: dict[str, Any]) -> tuple[str, bytes]:
    return "application/json", json.dumps(body).encode()


def _http(status: str, media_type: str, content: bytes) -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nCache-Control: no-store\r\n"
        f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + content


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat(timespec="milliseconds") if instant else None
