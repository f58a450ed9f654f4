"""Resend's HTTP API: send, batch, retrieve, list, reschedule and cancel."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from stack.config import StackConfig
from stack.mailbox import mails
from stack.mailbox.faults import Faults, RateLimit
from stack.mailbox.mails import ApiError
from stack.mailbox.store import Store, now

MAX_BATCH = 100
MAX_KEY = 256
LIST_DEFAULT, LIST_MAX = 20, 100

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Api:
    """The endpoints; `accepted` is set whenever there is something new to report."""

    def __init__(self, config: StackConfig, store: Store) -> None:
        self._key = config.keys.resend_api_key
        self._limit = int(config.setting("mailbox.requests_per_second", 50))
        self._store = store
        self._rate = RateLimit()
        self._in_flight: set[str] = set()
        self.faults = Faults()
        self.accepted = asyncio.Event()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/emails", self._guarded(self._send)),
            web.post("/emails/batch", self._guarded(self._send_batch)),
            web.get("/emails", self._guarded(self._list)),
            web.get("/emails/{id}", self._guarded(self._retrieve)),
            web.patch("/emails/{id}", self._guarded(self._reschedule)),
            web.post("/emails/{id}/cancel", self._guarded(self._cancel)),
        ]

    def _guarded(self, handler: Handler) -> Handler:
        async def checked(request: web.Request) -> web.StreamResponse:
            self._check_key(request)
            headers = self._rate.headers(self.faults.rate_limit or self._limit)
            response = await handler(request)
            response.headers.update(headers)
            return response

        return checked

    def _check_key(self, request: web.Request) -> None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise ApiError(401, "missing_api_key", "Missing API Key")
        if key != self._key:
            raise ApiError(403, "invalid_api_key", "API key is invalid")

    async def _send(self, request: web.Request) -> web.StreamResponse:
        return await self._accept(request, batch=False)

    async def _send_batch(self, request: web.Request) -> web.StreamResponse:
        return await self._accept(request, batch=True)

    async def _accept(self, request: web.Request, *, batch: bool) -> web.StreamResponse:
        """Accept mail once per idempotency key, however often it is asked for."""
        raw = await request.read()
        key = request.headers.get("Idempotency-Key")
        if key is not None and not 1 <= len(key) <= MAX_KEY:
            message = f"Idempotency key must be between 1 and {MAX_KEY} characters."
            raise ApiError(400, "invalid_idempotency_key", message)
        if key is None:
            return await self._accept_new(request, raw, None, "", batch=batch)
        if key in self._in_flight:
            message = "A request with this idempotency key is still in progress."
            raise ApiError(409, "concurrent_idempotent_requests", message)
        self._in_flight.add(key)
        try:
            # Spelling does not matter, what is said does.
            said = json.dumps([request.path, _json(raw)], sort_keys=True)
            fingerprint = hashlib.sha256(said.encode()).hexdigest()
            earlier = self._store.answer_for(key)
            if earlier is None:
                return await self._accept_new(request, raw, key, fingerprint, batch=batch)
            if earlier[0] != fingerprint:
                message = "Same idempotency key used with a different request payload."
                raise ApiError(409, "invalid_idempotent_request", message)
            return web.json_response(earlier[1])
        finally:
            self._in_flight.discard(key)

    async def _accept_new(
        self, request: web.Request, raw: bytes, key: str | None, fingerprint: str, *, batch: bool
    ) -> web.StreamResponse:
        is_struck = self.faults.strike()
        drops = is_struck and self.faults.drop_after_accept
        if is_struck:
            error = self.faults.error()
            await asyncio.sleep(self.faults.delay_ms / 1000)
            if error is not None:
                raise error
        body = _json(raw)
        given = _batch(body) if batch else [mails.accepted(body)]
        answer = self._store.accept(given, key, fingerprint, batch=batch)
        self.accepted.set()
        if drops and request.transport is not None:
            request.transport.abort()
        if is_struck and self.faults.not_json:
            return web.Response(text="<html>Accepted, but not said as agreed.</html>")
        return web.json_response(answer)

    async def _list(self, request: web.Request) -> web.StreamResponse:
        try:
            limit = int(request.query.get("limit", LIST_DEFAULT))
        except ValueError:
            limit = 0
        if not 1 <= limit <= LIST_MAX:
            raise mails.invalid(f"The `limit` must be between 1 and {LIST_MAX}.")
        found = self._store.mails(limit + 1, before=request.query.get("after"))
        shown = ("id", "to", "from", "created_at", "subject", "bcc", "cc", "reply_to")
        data = [
            {name: mail[name] for name in (*shown, "last_event", "scheduled_at")}
            for mail in found[:limit]
        ]
        return web.json_response({"object": "list", "has_more": len(found) > limit, "data": data})

    async def _retrieve(self, request: web.Request) -> web.StreamResponse:
        mail = self._known(request)
        hidden = ("attachments", "headers", "idempotency_key")
        shown = {name: value for name, value in mail.items() if name not in hidden}
        return web.json_response({"object": "email"} | shown)

    async def _reschedule(self, request: web.Request) -> web.StreamResponse:
        body = _json(await request.read())
        at = mails.scheduled_time(body.get("scheduled_at") if isinstance(body, dict) else None)
        if at is None:
            raise ApiError(422, "missing_required_field", "Missing `scheduled_at` field.")
        return self._move(request, max(at, now()))

    async def _cancel(self, request: web.Request) -> web.StreamResponse:
        return self._move(request, None)

    def _move(self, request: web.Request, scheduled_at: str | None) -> web.Response:
        mail = self._known(request)
        if not self._store.reschedule(mail["id"], scheduled_at):
            raise mails.invalid("Only a scheduled email can be updated or canceled.")
        self.accepted.set()
        return web.json_response({"object": "email", "id": mail["id"]})

    def _known(self, request: web.Request) -> dict[str, Any]:
        mail = self._store.mail(request.match_info["id"])
        if mail is None:
            raise ApiError(404, "not_found", "Email not found")
        return mail


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        raise mails.invalid("The request body is not valid JSON.") from None


def _batch(body: Any) -> list[dict[str, Any]]:
    """The mails of a batch, all or nothing. Raises ApiError."""
    if not isinstance(body, list) or not 1 <= len(body) <= MAX_BATCH:
        raise mails.invalid(f"A batch holds between 1 and {MAX_BATCH} emails.")
    for mail in body:
        if isinstance(mail, dict) and (mail.get("attachments") or mail.get("scheduled_at")):
            raise mails.invalid("A batch supports neither `attachments` nor `scheduled_at`.")
    return [mails.accepted(mail) for mail in body]
