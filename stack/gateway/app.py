"""The gateway's one handler: find the part, check the key, set the headers, carry it there."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict
from yarl import URL

from stack.config import HOST, StackConfig
from stack.gateway import cors, forwarding, keys, refusals
from stack.gateway.routes import (
    REALTIME_INTERNAL,
    Access,
    Target,
    changes_every_row,
    find_target,
)

MAX_BODY = 10 * 1024 * 1024
ABOUT = (
    "Appoint's local Supabase gateway, a stand-in for development and tests.\n"
    "Point any Supabase client at this address: /auth/v1 /rest/v1 /realtime/v1 /functions/v1\n"
)
CONFIG = web.AppKey("config", StackConfig)
SESSION = web.AppKey("session", aiohttp.ClientSession)
log = logging.getLogger("gateway")


def make_app(config: StackConfig) -> web.Application:
    """The gateway of one stack."""
    app = web.Application(client_max_size=MAX_BODY)
    app[CONFIG] = config
    app.cleanup_ctx.append(_session)
    app.router.add_route("*", "/{path:.*}", handle)
    return app


async def _session(app: web.Application) -> AsyncIterator[None]:
    async with forwarding.make_session() as session:
        app[SESSION] = session
        yield


async def handle(request: web.Request) -> web.StreamResponse:
    """Answer anything: from a part, or with the JSON error of a hosted gateway."""
    path = request.rel_url.raw_path
    target = find_target(path, request.app[CONFIG].ports)
    if target is None:
        return _answer_without_part(request, path)
    if target.access is not Access.FUNCTION and cors.is_preflight(request):
        return cors.preflight_answer(request)
    answer = await _answer(request, target)
    refusals.note(request, target.part, answer)
    return answer


async def _answer(request: web.Request, target: Target) -> web.StreamResponse:
    try:
        return await _forward(request, target)
    except keys.KeyRefused as refusal:
        return _error(401, {"message": refusal.message, "hint": refusal.hint})
    except forwarding.SocketRefused as refusal:
        return _error(refusal.status, {"error": "The socket was refused"})
    except web.HTTPRequestEntityTooLarge:
        return _error(413, {"message": f"Request body is larger than {MAX_BODY} bytes"})
    except forwarding.PartUnavailable as failure:
        log.warning("%s does not answer, sent=%s", target.part, failure.was_sent)
        status = 502 if failure.was_sent else 503
        return _error(status, {"message": f"{target.part} is not available"})
    except aiohttp.ClientError:
        log.warning("%s broke off its answer", target.part)
        return _error(502, {"message": f"{target.part} broke off its answer"})


async def _forward(request: web.Request, target: Target) -> web.StreamResponse:
    headers = forwarding.request_headers(request)
    is_socket = request.headers.get("Upgrade", "").lower() == "websocket"
    _admit(request, target, headers, is_socket=is_socket)
    if request.path.startswith(REALTIME_INTERNAL):
        return _error(403, {"message": "Forbidden"})
    if changes_every_row(request.method, target, request.query):
        return _refuse_every_row(request.method)

    body = await request.read() if request.can_read_body else b""
    url = _inner_url(request, target)
    outgoing = forwarding.Outgoing(target, request.method, url, headers, body)
    if is_socket:
        return await forwarding.bridge_socket(request.app[SESSION], request, outgoing)
    async with await forwarding.send(request.app[SESSION], outgoing) as answer:
        if answer.status >= 500:
            log.warning("%s %s answered %s", target.part, request.method, answer.status)
        answer_headers = forwarding.response_headers(answer.headers)
        if target.access is not Access.FUNCTION:
            cors.allow_any_origin(answer_headers)
        return await forwarding.relay(request, answer, answer_headers)


def _admit(
    request: web.Request, target: Target, headers: CIMultiDict[str], *, is_socket: bool
) -> None:
    """Check the key and write the headers that say who is calling. Raises KeyRefused."""
    known = request.app[CONFIG].keys
    headers.popall("sb-api-key", None)
    if target.access is Access.OPEN:
        return
    if target.access is Access.FUNCTION:
        key = keys.presented_key(request)
        keys.check_not_in_browser(request, key, known)
        if (token := keys.token_for(key, known)) is not None:
            headers["sb-api-key"] = token
        return
    key = keys.check(request, known)
    if is_socket:
        headers["x-api-key"] = keys.token_for(key, known) or key
    else:
        keys.authorize(headers, key, known)


def _inner_url(request: web.Request, target: Target) -> URL:
    """The address at the part. A key in the query has been read and would be taken for a filter."""
    query = request.rel_url.raw_query_string
    if "apikey=" in query and target.access is Access.KEY:
        query = "&".join(pair for pair in query.split("&") if not pair.startswith("apikey="))
    address = f"http://{HOST}:{target.port}{target.path}"
    return URL(f"{address}?{query}" if query else address, encoded=True)


def _answer_without_part(request: web.Request, path: str) -> web.Response:
    if path == "/" and request.method in ("GET", "HEAD"):
        return web.Response(text=ABOUT)
    if path == "/health":
        return web.json_response({"status": "ok"})
    if path == "/graphql/v1":
        return _answer_graphql(request)
    return _error(404, {"message": "no Route matched with those values"})


def _answer_graphql(request: web.Request) -> web.Response:
    """What a project answers that has pg_graphql off, as new ones have."""
    if cors.is_preflight(request):
        return cors.preflight_answer(request)
    try:
        keys.check(request, request.app[CONFIG].keys)
    except keys.KeyRefused as refusal:
        return _error(401, {"message": refusal.message, "hint": refusal.hint})
    return _error(
        404,
        {
            "code": "PGRST202",
            "details": "Searched for the function graphql_public.graphql, but no matches were "
            "found in the schema cache.",
            "hint": None,
            "message": "Could not find the function graphql_public.graphql in the schema cache",
        },
    )


def _refuse_every_row(method: str) -> web.Response:
    statement = "UPDATE" if method == hdrs.METH_PATCH else "DELETE"
    message = f"{statement} requires a WHERE clause"
    return _error(400, {"code": "21000", "details": None, "hint": None, "message": message})


def _error(status: int, body: dict[str, str | None]) -> web.Response:
    headers: CIMultiDict[str] = CIMultiDict()
    cors.allow_any_origin(headers)
    return web.json_response(body, status=status, headers=headers)
