"""The history is sealed piece by piece, until nothing is left for this round."""

from __future__ import annotations

from typing import Any
from unittest.mock import AsyncMock, MagicMock

import pytest

from workers.history import MOST_CLINICS, MOST_EVENTS, History


def sealing(*event_counts: int) -> History:
    """The database seals so many events, each count those of another clinic."""
    seals: list[dict[str, Any]] = [{"event_count": count} for count in event_counts]
    client = MagicMock()
    client.schema.return_value.rpc.return_value.execute = AsyncMock(
        return_value=MagicMock(data=seals)
    )
    return History(client)


@pytest.mark.parametrize(
    ("event_counts", "is_more_left"),
    [
        ([], False),
        ([1, MOST_EVENTS - 1], False),
        ([1, MOST_EVENTS + 3], True),
        ([1] * MOST_CLINICS, True),
    ],
)
async def test_a_full_piece_means_that_there_may_be_more(
    event_counts: list[int], is_more_left: bool
) -> None:
    assert await sealing(*event_counts).look() is is_more_left
