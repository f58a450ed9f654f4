"""The clock that leases are measured by: the loop's, and the time that the machine was suspended.

While a machine is suspended the lease goes on by the database's clock; the loop's may stand still.
"""

from __future__ import annotations

import asyncio
import sys
import time


def lease_time() -> float:
    """Seconds since some moment, suspension included; only differences mean something."""
    return asyncio.get_running_loop().time() + _suspended()


def _suspended() -> float:
    if sys.platform != "linux":
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
