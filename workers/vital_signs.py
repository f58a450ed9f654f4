"""What a worker knows about its own health, written by its parts and shown by `/healthz`."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from appoint.queue_depth import QueueDepth


@dataclass(slots=True)
class RoundSigns:
    """How one role fares: when it last looked with success, and whether it fails since."""

    last_look_at: datetime | None = None
    failing: bool = False


@dataclass(slots=True)
class VitalSigns:
    """Times of the last events, None before the first; only counts and times, never content."""

    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    last_wake_at: datetime | None = None
    last_sweep_at: datetime | None = None
    last_sent_at: datetime | None = None
    realtime: str = "connecting"
    # As the notifier found it; not every process has one, and it asks only while mail is taken.
    database: str = "unknown"
    in_flight: int = 0
    sent: int = 0
    failed: int = 0
    # Of the notifier's loop, on the monotonic clock; a loop that no longer turns is a dead worker.
    turned_at: float = field(default_factory=time.monotonic)

    rounds: dict[str, RoundSigns] = field(default_factory=dict)

    def round_made(self, name: str, *, failing: bool) -> None:
        """A role has looked for work; `failing`: in vain."""
        known = self.rounds.setdefault(name, RoundSigns())
        known.failing = failing
        if not failing:
            known.last_look_at = datetime.now(UTC)

    def is_database_reachable(self, depth: QueueDepth | None) -> bool:
        """`depth` is what it has just answered to who asks for this worker's health."""
        return depth is not None and self.database != "unreachable"

    def turn(self) -> None:
        """The notifier's loop is alive."""
        self.turned_at = time.monotonic()

    def seconds_since_turn(self) -> float:
        return time.monotonic() - self.turned_at
