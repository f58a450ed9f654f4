"""How often an address may ask without being anybody: with a link from a mail, or with a token that
is missing or bad.

People are counted in the database (`worker.begin_request`). Strangers are counted here, in each
copy of the API, because a count that had to be written would itself be what they wear out.
"""

from __future__ import annotations

import ipaddress
import time

from api.error_responses import ProblemError
from api.vouchers import whence

MOST = 600
PER_SECONDS = 60.0
# More would be a crowd of machines, whom no count by address stops; memory has its bounds.
MOST_ADDRESSES = 100_000


class Strangers:
    """Counts by address; everybody starts anew each minute."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._began_at = float("-inf")

    def count(self) -> None:
        """Count the request under way. Raises ProblemError when its address has asked too often."""
        self.admit()
        if len(self._counts) >= MOST_ADDRESSES:
            self._counts.clear()
        self._counts[_address()] = self._counts.get(_address(), 0) + 1

    def admit(self) -> None:
        """Raises ProblemError when the address of the request under way has asked too often."""
        now = time.monotonic()
        if now - self._began_at >= PER_SECONDS:
            self._counts.clear()
            self._began_at = now
        if self._counts.get(_address(), 0) >= MOST:
            wait = {"Retry-After": str(int(self._began_at + PER_SECONDS - now) + 1)}
            raise ProblemError(429, "too_many_requests", "Try again later.", wait)


def _address() -> str:
    """The caller's; one network of IPv6 is one caller, who may choose any address in it."""
    caller = whence.get()
    given = (caller.address if caller else None) or ""
    try:
        address = ipaddress.ip_address(given)
    except ValueError:
        return given
    if address.version == 6:
        return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
    return given
