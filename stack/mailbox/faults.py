"""What can be made to go wrong on purpose, and the rate limit that is always there."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, fields
from typing import Any

from stack.mailbox.mails import ApiError

NAMES = {
    403: "invalid_permission",
    422: "validation_error",
    429: "rate_limit_exceeded",
    500: "internal_server_error",
}


@dataclass
class Faults:
    """How sending goes wrong, until `times` requests have been hit.

    `probability` is the chance that a request is hit; `rate_limit` changes the limit for all.
    """

    delay_ms: float = 0
    status: int | None = None
    drop_after_accept: bool = False
    not_json: bool = False
    rate_limit: int | None = None
    times: int | None = None
    probability: float = 1

    @classmethod
    def parse(cls, body: Any) -> Faults:
        """Faults from JSON. Raises ApiError for a name that does not exist or a wrong type."""
        known = {field.name for field in fields(cls)}
        if not isinstance(body, dict) or not body.keys() <= known:
            raise ApiError(422, "validation_error", f"Faults are {', '.join(sorted(known))}.")
        if not all(isinstance(value, int | float | None) for value in body.values()):
            raise ApiError(422, "validation_error", "Faults are numbers, true or false.")
        return cls(**body)

    def strike(self) -> bool:
        """Whether the next request to send is hit; counts it if so."""
        harmless = not (self.delay_ms or self.status or self.drop_after_accept or self.not_json)
        if harmless or self.times == 0 or random.random() >= self.probability:  # noqa: S311
            return False
        if self.times is not None:
            self.times -= 1
        return True

    def error(self) -> ApiError | None:
        """The error a struck request is answered with instead of being accepted."""
        if self.status is None:
            return None
        name = NAMES.get(self.status, "application_error")
        return ApiError(self.status, name, "This fault was asked for.")


class RateLimit:
    """At most so many requests in each second."""

    def __init__(self) -> None:
        self._second = 0
        self._count = 0

    def headers(self, limit: int) -> dict[str, str]:
        """Count one request; the headers of its answer. Raises ApiError when it is one too many."""
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._count = second, 0
        self._count += 1
        headers = {
            "ratelimit-limit": str(limit),
            "ratelimit-remaining": str(max(0, limit - self._count)),
            "ratelimit-reset": "1",
        }
        if self._count > limit:
            message = f"Too many requests. You can only make {limit} requests per second."
            error = ApiError(429, "rate_limit_exceeded", message)
            error.headers = headers | {"retry-after": "1"}
            raise error
        return headers
