"""A worker's vital signs in the format Prometheus reads: counts, ages in seconds, nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from appoint.queue_depth import QueueDepth
from workers.vital_signs import VitalSigns

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _Counts(Collector):
    """Totals that the vital signs keep themselves."""

    def __init__(self, signs: VitalSigns) -> None:
        self._signs = signs

    def collect(self) -> list[Metric]:
        return [
            CounterMetricFamily("appoint_worker_sent", "Messages sent.", self._signs.sent),
            CounterMetricFamily("appoint_worker_failed", "Failed tries.", self._signs.failed),
        ]


def exposition(signs: VitalSigns, depth: QueueDepth | None, now: datetime | None = None) -> bytes:
    """The text, without ages of what never happened and a queue that cannot be known."""
    now = now or datetime.now(UTC)
    registry = CollectorRegistry()
    registry.register(_Counts(signs))

    def show(name: str, what: str, value: float) -> None:
        Gauge(f"appoint_worker_{name}", what, registry=registry).set(value)

    def show_age(name: str, what: str, since: datetime | None) -> None:
        if since is not None:
            show(name, what, max(0.0, (now - since).total_seconds()))

    show_age("age_seconds", "Since the worker started.", signs.started_at)
    show_age("sweep_age_seconds", "Since it last looked into the queue.", signs.last_sweep_at)
    show_age("wake_age_seconds", "Since Realtime last woke it.", signs.last_wake_at)
    show("turn_age_seconds", "Since its loop last turned.", signs.seconds_since_turn())
    show("in_flight", "Messages being sent.", signs.in_flight)
    show("realtime_up", "Whether Realtime is subscribed.", signs.realtime == "subscribed")
    show("database_up", "Whether the database answered.", signs.is_database_reachable(depth))
    ages = Gauge(
        "appoint_worker_round_age_seconds",
        "Since it last looked with success.",
        ["round"],
        registry=registry,
    )
    failing = Gauge(
        "appoint_worker_round_failing",
        "Whether the last look failed.",
        ["round"],
        registry=registry,
    )
    for name, one in signs.rounds.items():
        if one.last_look_at is not None:
            ages.labels(name).set(max(0.0, (now - one.last_look_at).total_seconds()))
        failing.labels(name).set(one.failing)
    if depth is not None:
        show("queued", "Messages that wait.", depth.queued)
        show("dead", "Messages given up.", depth.dead)
        show("overdue", "Messages nobody has taken for two minutes.", depth.overdue)
        show("provider_closed", "Whether no mail can be sent.", depth.closed_because is not None)
        show("lag_seconds", "How late the oldest due message is.", depth.lag_seconds)
    return generate_latest(registry)
