"""Work that is looked for again and again: at a wake-up, and at the latest after some seconds.

What a round does is idempotent and decided by the database, so a round that fails is simply made
again, after a growing pause; a failure is logged once, not every time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from workers.vital_signs import VitalSigns

logger = logging.getLogger(__name__)

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0


class Rounds:
    """Calls `look` until it says that nothing is left, then waits. `run` ends by cancellation."""

    def __init__(
        self,
        name: str,
        look: Callable[[], Awaitable[bool]],
        every: float,
        signs: VitalSigns | None = None,
    ) -> None:
        self.name = name
        self._look = look
        self._every = every
        self._signs = signs
        self._wake = asyncio.Event()
        self._failing = False

    def wake(self) -> None:
        """Look now."""
        self._wake.set()

    async def run(self) -> None:
        pause = FIRST_PAUSE
        while True:
            self._wake.clear()
            try:
                is_more_left = await self._look()
            except Exception as error:
                self._is_failing(error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            self._failing = False
            self._tell()
            pause = FIRST_PAUSE
            if not is_more_left:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._every):
                        await self._wake.wait()

    def _is_failing(self, error: Exception) -> None:
        if not self._failing:
            what = {"round": self.name, "error": type(error).__name__}
            logger.warning("round_failed", extra=what | {"code": getattr(error, "code", None)})
        self._failing = True
        self._tell()

    def _tell(self) -> None:
        if self._signs is not None:
            self._signs.round_made(self.name, failing=self._failing)
