"""Broadcasts over HTTP: a batch, or one to a topic and event named in the path."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import psycopg
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from stack.realtime.authorization import Person, PolicyError
from stack.realtime.frames import Broadcast, dumps
from stack.realtime.tokens import Identity, InvalidToken

if TYPE_CHECKING:
    from stack.realtime.server import Realtime

RATE_LIMITED = "You have exceeded your rate limit"


class Refused(Exception):
    """The request is answered with this status and JSON body."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status)
        self.status, self.body = status, body


async def broadcast_batch(request: Request) -> Response:
    """Answers 202 also when private messages were not permitted, as the real server does."""
    server: Realtime = request.app.state.realtime
    try:
        person = _authenticate(server, request)
        messages = _validated(await _json_body(request), server.limits.max_payload_bytes)
        if server.hub.events.exceeded:
            raise Refused(429, {"message": RATE_LIMITED})
        await _send_permitted(server, person, messages)
    except Refused as refused:
        return JSONResponse(refused.body, refused.status)
    return Response(status_code=202)


async def broadcast_one(request: Request) -> Response:
    """One message; here a missing permission is an error."""
    server: Realtime = request.app.state.realtime
    topic, event = request.path_params["topic"], request.path_params["event"]
    private = request.query_params.get("private") == "true"
    try:
        person = _authenticate(server, request)
        broadcast = await _single_broadcast(request, event)
        if broadcast.size > server.limits.max_payload_bytes:
            raise Refused(422, {"errors": {"payload": ["Payload size exceeds tenant limit"]}})
        if server.hub.events.exceeded:
            raise Refused(429, {"message": RATE_LIMITED})
        if private and not await _may_write(server, person, topic):
            raise Refused(403, {"message": "Unauthorized"})
    except Refused as refused:
        return JSONResponse(refused.body, refused.status)
    server.hub.broadcast(topic, private, broadcast)
    return Response(status_code=202)


def _authenticate(server: Realtime, request: Request) -> Person:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        token = request.headers.get("apikey") or request.headers.get("x-api-key") or ""
    try:
        identity: Identity = server.verifier.verify(token)
    except InvalidToken:
        raise Refused(401, {"message": "Unauthorized"}) from None
    headers = {name: value for name, value in request.headers.items() if name.startswith("x-")}
    return Person(identity, headers)


async def _json_body(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    except ValueError:
        raise Refused(400, {"message": "Malformed JSON"}) from None


def _validated(body: Any, max_bytes: int) -> list[dict[str, Any]]:
    messages = body.get("messages") if isinstance(body, dict) else None
    if not isinstance(messages, list) or not messages:
        raise Refused(422, {"errors": {"messages": ["can't be blank"]}})
    errors = [_message_errors(message, max_bytes) for message in messages]
    if any(errors):
        raise Refused(422, {"errors": {"messages": errors}})
    return messages


def _message_errors(message: Any, max_bytes: int) -> dict[str, list[str]]:
    if not isinstance(message, dict):
        return {"message": ["is invalid"]}
    errors = {
        name: ["can't be blank"] for name in ("topic", "event", "payload") if not message.get(name)
    }
    payload = message.get("payload")
    if isinstance(payload, dict):
        errors.pop("payload", None)
        if len(dumps(payload)) > max_bytes:
            errors["payload"] = ["Payload size exceeds tenant limit"]
    elif payload:
        errors["payload"] = ["is invalid"]
    return errors


async def _send_permitted(server: Realtime, person: Person, messages: list[dict[str, Any]]) -> None:
    permitted: dict[str, bool] = {}
    for message in messages:
        topic, event, private = message["topic"], message["event"], bool(message.get("private"))
        if private and topic not in permitted:
            permitted[topic] = await _may_write(server, person, topic, failing_means_no=True)
        if private and not permitted[topic]:
            continue
        whole = {"type": "broadcast", "event": event, "payload": message["payload"]}
        if message.get("id"):
            whole["meta"] = {"id": message["id"]}
        server.hub.broadcast(topic, private, Broadcast(event, whole=dumps(whole)))


async def _may_write(
    server: Realtime, person: Person, topic: str, failing_means_no: bool = False
) -> bool:
    try:
        return (await server.authorizer.writable(topic, person))["broadcast"]
    except (PolicyError, psycopg.Error) as error:
        if failing_means_no:
            return False
        unevaluated = isinstance(error, PolicyError)
        message = "RLS policy error" if unevaluated else "Tenant database unavailable"
        raise Refused(422, {"message": message}) from None


async def _single_broadcast(request: Request, event: str) -> Broadcast:
    content_type = request.headers.get("content-type", "application/json").partition(";")[0]
    if content_type == "application/octet-stream":
        return Broadcast(event, await request.body(), is_binary=True)
    if content_type != "application/json":
        error = "Unsupported Media Type. Use application/json or application/octet-stream"
        raise Refused(415, {"error": error})
    return Broadcast(event, dumps(await _json_body(request)).encode())
