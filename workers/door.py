"""Whether a mail provider may be asked: while its door is closed, nobody needs to try."""

from __future__ import annotations

import asyncio

# Our key, our password or our domain is refused: every message would be, until a person repairs it.
MISCONFIGURED_PAUSE = 30.0


class Door:
    """One provider's; `closed_because` is the code of what closed it last."""

    def __init__(self) -> None:
        self.closed_because = ""
        self._closed_until = 0.0

    def closed_for(self) -> float:
        """Seconds until the provider wants to be asked again; 0 when it may be asked now."""
        return max(0.0, self._closed_until - asyncio.get_running_loop().time())

    def close(self, seconds: float, because: str) -> None:
        """Keep everybody of this process from asking for that long."""
        until = asyncio.get_running_loop().time() + seconds
        if until > self._closed_until:
            self._closed_until, self.closed_because = until, because
