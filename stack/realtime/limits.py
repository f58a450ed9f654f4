"""What one client and all together may ask of the server. Defaults are a hosted Pro project's."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from stack.config import StackConfig

WINDOW_SECONDS = 60
PADDING_BYTES = 500


@dataclass(frozen=True)
class Limits:
    """Figures that `[realtime]` of config.toml may change, by these names."""

    max_connections: int = 500
    max_channels_per_client: int = 100
    max_joins_per_second: int = 500
    max_events_per_second: int = 500
    max_payload_kb: int = 3000
    max_presence_calls: int = 5
    presence_window_seconds: float = 30
    token_check_seconds: float = 300
    # Refusals are slow on purpose, so that a client in a loop does little harm.
    connect_error_seconds: float = 2
    join_error_seconds: float = 5

    @classmethod
    def of(cls, config: StackConfig) -> Limits:
        defaults = cls()
        names = cls.__dataclass_fields__
        return cls(
            **{name: config.setting(f"realtime.{name}", getattr(defaults, name)) for name in names}
        )

    @property
    def max_payload_bytes(self) -> int:
        return self.max_payload_kb * 1000 + PADDING_BYTES


class Rate:
    """Counts events; exceeded while the average of the last minute is above the limit."""

    def __init__(self, max_per_second: int) -> None:
        self._max_in_window = max_per_second * WINDOW_SECONDS
        self._buckets: deque[tuple[int, int]] = deque()
        self._sum = 0

    def add(self, count: int = 1) -> None:
        second = int(time.monotonic())
        self._sum += count
        if self._buckets and self._buckets[-1][0] == second:
            count += self._buckets.pop()[1]
        self._buckets.append((second, count))

    @property
    def exceeded(self) -> bool:
        oldest = int(time.monotonic()) - WINDOW_SECONDS
        while self._buckets and self._buckets[0][0] <= oldest:
            self._sum -= self._buckets.popleft()[1]
        return self._sum > self._max_in_window


class CallWindow:
    """Allows so many calls in a window that opens with the first one."""

    def __init__(self, max_calls: int, seconds: float) -> None:
        self._max_calls, self._seconds = max_calls, seconds
        self._calls, self._ends_at = 0, 0.0

    def allow(self) -> bool:
        now = time.monotonic()
        if now > self._ends_at:
            self._calls, self._ends_at = 0, now + self._seconds
        self._calls += 1
        return self._calls <= self._max_calls
