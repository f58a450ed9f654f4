"""Figures for Prometheus: requests by route and status, how long they take, and the queues.

Labels are route patterns and statuses, never paths or ids. The queues are asked when somebody
looks, at most every few seconds; while the database is away their figures are left out.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
from postgrest.exceptions import APIError
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from supabase import AsyncClient

from appoint.queue_depth import QueueDepth

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
UNKNOWN_ROUTE = "none"
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
QUEUES_KEPT_SECONDS = 5.0
QUEUES_SECONDS = 2.0
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The figures of one application, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "appoint_api_requests",
            "Answered requests.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "appoint_api_request_seconds",
            "Time to answer.",
            ("method", "route"),
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._database = Gauge(
            "appoint_database_up", "Whether the database answered.", registry=self._registry
        )
        self._messages = Gauge(
            "appoint_notifications",
            "Messages in the queue.",
            ("status",),
            registry=self._registry,
        )
        self._lag = Gauge(
            "appoint_notifications_lag_seconds",
            "How late the oldest message is that should be out; grows when no worker works.",
            registry=self._registry,
        )
        self._queues_known_at = float("-inf")

    def answered(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Count one request; `route` is the pattern, None where no route matched."""
        labels = method if method in METHODS else "OTHER", route or UNKNOWN_ROUTE
        self._requests.labels(*labels, str(status)).inc()
        self._seconds.labels(*labels).observe(seconds)

    async def exposition(self, service: AsyncClient) -> bytes:
        """Everything in Prometheus' text format. `service` carries the service key: the queues
        belong to no single clinic, and only counts are read."""
        if time.monotonic() - self._queues_known_at > QUEUES_KEPT_SECONDS:
            self._queues_known_at = time.monotonic()
            await self._read_queues(service)
        return generate_latest(self._registry)

    async def _read_queues(self, service: AsyncClient) -> None:
        try:
            async with asyncio.timeout(QUEUES_SECONDS):
                answer = await service.schema("worker").rpc("queue_depth", {}).execute()
        except (APIError, httpx.HTTPError, TimeoutError):
            self._database.set(0)
            self._messages.clear()
            return
        rows: list[Any] = answer.data  # type: ignore[assignment]
        depth = QueueDepth.from_row(rows[0])
        self._database.set(1)
        for status in ("queued", "sending", "dead", "overdue"):
            self._messages.labels(status).set(getattr(depth, status))
        self._lag.set(depth.lag_seconds)
