"""How much waits in the queue of messages, as `worker.queue_depth` counts it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

# A healthy worker sends within seconds; a message this late means that none is doing its work.
OVERDUE_AFTER_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """Counts only. `lag_seconds` is how late the oldest message is that should be out by now;
    `overdue` how many nobody has taken for two minutes; `closed_because` the code of why no mail at
    all could be sent for two minutes."""

    queued: int
    sending: int
    dead: int
    lag_seconds: float
    overdue: int = 0
    closed_because: str | None = None

    @classmethod
    def from_row(cls, row: Mapping[str, Any], now: datetime | None = None) -> QueueDepth:
        """Build from the RPC's one row. Raises KeyError or ValueError if it is another shape."""
        oldest = row["oldest_due_at"]
        late = (now or datetime.now(UTC)) - datetime.fromisoformat(oldest) if oldest else None
        return cls(
            queued=row["queued"],
            sending=row["sending"],
            dead=row["dead"],
            overdue=row["overdue"],
            closed_because=row["closed_because"],
            lag_seconds=max(0.0, round(late.total_seconds(), 1)) if late else 0.0,
        )

    @property
    def is_overdue(self) -> bool:
        return self.lag_seconds > OVERDUE_AFTER_SECONDS
