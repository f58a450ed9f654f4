"""Tells the database from where somebody calls, so that its access log does not name the API.

PostgREST sees the API's address and program, and a header of ours could be written by anybody. So
each call to it carries a voucher, signed with a key that the service key alone can fetch. The
address is the connection's, or what a trusted proxy says (`APPOINT_TRUSTED_PROXIES`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from contextvars import ContextVar
from dataclasses import dataclass

import httpx
from postgrest.exceptions import APIError
from starlette.datastructures import Headers
from starlette.types import Scope
from supabase import AsyncClient

HEADER = "X-Appoint-Caller"
FETCH_KEY = "voucher_key"
LONGEST_AGENT = 1000
SECONDS_TO_NEXT_TRY = 10.0


@dataclass(frozen=True, slots=True)
class Whence:
    """From where the request under way comes; never logged."""

    address: str | None
    agent: str | None


whence: ContextVar[Whence | None] = ContextVar("whence", default=None)


def whence_of(scope: Scope) -> Whence:
    """Read from a request that came in."""
    peer = scope.get("client")
    agent = Headers(scope=scope).get("user-agent")
    return Whence(peer[0] if peer else None, agent[:LONGEST_AGENT] if agent else None)


class Vouchers:
    """A hook of the pool of connections. Without the key, calls go out without a voucher: the log
    then names the API, which is better than nothing done."""

    def __init__(self) -> None:
        self._service: AsyncClient | None = None
        self._key: bytes | None = None
        self._asked_at = float("-inf")

    def ask_as(self, service: AsyncClient) -> None:
        """Fetch the key with this client, when it is first needed."""
        self._service = service

    async def __call__(self, request: httpx.Request) -> None:
        """Add the voucher to a call of PostgREST."""
        path = request.url.path
        caller = whence.get()
        if caller is None or "/rest/v1/" not in path or path.endswith(f"/rpc/{FETCH_KEY}"):
            return
        key = await self._fetched_key()
        if key is not None:
            request.headers[HEADER] = voucher(key, caller)

    async def _fetched_key(self) -> bytes | None:
        is_time = time.monotonic() - self._asked_at > SECONDS_TO_NEXT_TRY
        if self._key is None and self._service is not None and is_time:
            self._asked_at = time.monotonic()
            try:
                answer = await self._service.schema("worker").rpc(FETCH_KEY, {}).execute()
                self._key = bytes.fromhex(str(answer.data))
            except (APIError, httpx.HTTPError, ValueError):
                return None
        return self._key


def voucher(key: bytes, caller: Whence) -> str:
    """As `private.vouched_for` reads it."""
    told = json.dumps({"address": caller.address, "agent": caller.agent})
    content = base64.b64encode(told.encode()).decode()
    return f"{content}.{hmac.new(key, content.encode(), hashlib.sha256).hexdigest()}"
