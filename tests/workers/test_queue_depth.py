"""When the queue counts as late."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from appoint.queue_depth import QueueDepth

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("oldest_due_at", "lag", "overdue"),
    [
        (None, 0.0, False),
        ("2026-03-01T12:05:00+00:00", 0.0, False),
        ("2026-03-01T11:59:00+00:00", 60.0, False),
        ("2026-03-01T12:57:00+01:00", 180.0, True),
    ],
)
def test_only_what_should_have_gone_out_counts_as_late(
    oldest_due_at: str | None, lag: float, overdue: bool
) -> None:
    counts = {"queued": 1, "sending": 0, "dead": 2, "overdue": 0, "closed_because": None}
    row = counts | {"oldest_due_at": oldest_due_at}
    depth = QueueDepth.from_row(row, NOW)
    assert (depth.lag_seconds, depth.is_overdue) == (lag, overdue)
