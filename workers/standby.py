"""Stands in for the notifier in a process that has other roles only: lives until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime

from workers.vital_signs import VitalSigns

TURN_EVERY = 5.0


class Standby:
    """Has the notifier's handles and no work."""

    def __init__(self, signs: VitalSigns) -> None:
        self._signs = signs
        self._stopped = asyncio.Event()

    def wake(self) -> None:
        """Nothing to look for; the other roles hear of it, too."""
        self._signs.last_wake_at = datetime.now(UTC)

    def stop(self) -> None:
        """Let `run` return."""
        self._stopped.set()

    async def run(self) -> None:
        """Show that the loop turns, until `stop`."""
        while not self._stopped.is_set():
            self._signs.turn()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TURN_EVERY):
                    await self._stopped.wait()
