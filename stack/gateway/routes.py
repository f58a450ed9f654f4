"""Which path leads to which part, and what is refused before it gets there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from stack.config import Ports

AUTH_WITHOUT_KEY = ("verify", "callback", "authorize", ".well-known/jwks.json")
REALTIME_INTERNAL = ("/realtime/v1/api/tenants", "/realtime/v1/api/openapi")
# Query parameters that shape the answer of a PATCH or DELETE without choosing rows.
NOT_FILTERS = frozenset({"select", "columns", "order", "offset", "on_conflict", "apikey"})


class Access(Enum):
    """What a route asks of its callers."""

    KEY = "an API key, turned into a token"
    OPEN = "nothing: opened from e-mails and by other servers"
    FUNCTION = "nothing: functions check their callers themselves"


@dataclass(frozen=True)
class Target:
    """Where a request goes: a part's name and port, and the path there."""

    part: str
    port: int
    path: str
    access: Access = Access.KEY


def find_target(path: str, ports: Ports) -> Target | None:
    """The part behind a public path (still percent-encoded), or None if there is none."""
    if (rest := _after(path, "/rest/v1")) is not None:
        return Target("postgrest", ports.postgrest, rest)
    if (rest := _after(path, "/auth/v1")) is not None:
        is_open = rest.removeprefix("/").startswith(AUTH_WITHOUT_KEY)
        return Target("auth", ports.auth, rest, Access.OPEN if is_open else Access.KEY)
    if (rest := _after(path, "/realtime/v1/api")) is not None:
        return Target("realtime", ports.realtime, f"/api{rest}")
    if (rest := _after(path, "/realtime/v1")) is not None:
        return Target("realtime", ports.realtime, f"/socket{rest}")
    if (rest := _after(path, "/functions/v1")) is not None:
        return Target("functions", ports.functions, rest, Access.FUNCTION)
    return None


def _after(path: str, prefix: str) -> str | None:
    if path == prefix:
        return "/"
    return path.removeprefix(prefix) if path.startswith(f"{prefix}/") else None


def changes_every_row(method: str, target: Target, parameters: Iterable[str]) -> bool:
    """Whether this is an UPDATE or DELETE without WHERE, which `safeupdate` refuses when hosted."""
    if target.part != "postgrest" or method not in ("PATCH", "DELETE"):
        return False
    if target.path.startswith("/rpc/"):
        return False
    return not any(_chooses_rows(name) for name in parameters)


def _chooses_rows(parameter: str) -> bool:
    """A dot leads to an embedded resource: `visits.id=eq.1` filters what is returned, not changed.

    `limit` does choose: PostgREST turns it into a WHERE over primary keys.
    """
    if parameter in ("not.and", "not.or"):
        return True
    column = parameter.partition("->")[0]
    return parameter not in NOT_FILTERS and ("." not in column or column.startswith('"'))
