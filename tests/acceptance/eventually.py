"""Waiting for what other processes do; there is no event to await across them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Found = TypeVar("Found")


async def eventually(look: Callable[[], Awaitable[Found]], seconds: float = 30) -> Found:
    """Look until there is something to see, and return it; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = await look()
        if found:
            return found
        assert time.monotonic() < deadline, f"nothing came in {seconds} s"
        await asyncio.sleep(0.05)
