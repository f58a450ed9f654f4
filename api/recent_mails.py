"""Remembers for a while which mails were sent under which `Idempotency-Key`.

A repeated request must not send a second mail. The memory is this process's own and lasts ten
minutes: enough for a client that retries because an answer got lost. What the mails are about is
decided in the database, where repeating a request changes nothing.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

KEPT_SECONDS = 600.0
MOST_KEPT = 10_000


class RecentMails:
    """A bounded memory of keys. `clock` gives seconds and never goes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sent_at: OrderedDict[Hashable, float] = OrderedDict()

    def claim(self, key: Hashable) -> bool:
        """True exactly once per key while it is remembered: the caller is the one to send."""
        self._forget_old()
        if key in self._sent_at:
            return False
        self._sent_at[key] = self._clock()
        return True

    def release(self, key: Hashable) -> None:
        """Sending failed: the next request with this key may try again."""
        self._sent_at.pop(key, None)

    def _forget_old(self) -> None:
        oldest_kept = self._clock() - KEPT_SECONDS
        while self._sent_at:
            key, sent_at = next(iter(self._sent_at.items()))
            if sent_at > oldest_kept and len(self._sent_at) < MOST_KEPT:
                return
            del self._sent_at[key]
