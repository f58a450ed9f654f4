"""The gateway: which part a request reaches, as whom, and what is refused on the way.

The parts behind it are played by one server each that tells what reached it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import httpx
import jwt
import pytest
from aiohttp import web

from stack.config import HOST, Keys, StackConfig
from stack.gateway import forwarding
from stack.gateway.app import MAX_BODY, make_app
from tests.stacks import free_ports

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Firefox/150.0"


@dataclass
class Part:
    """A part behind the gateway: answers every request with what it was."""

    name: str
    port: int
    requests: list[str] = field(default_factory=list)
    runner: web.AppRunner | None = None
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        app = web.Application(client_max_size=2 * MAX_BODY)
        app.router.add_route("*", "/socket/websocket", self.socket)
        app.router.add_route("*", "/{path:.*}", self.answer)
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, HOST, self.port, reuse_address=True).start()

    async def stop(self) -> None:
        if self.runner is not None:
            await self.runner.cleanup()
            self.runner = None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request.method)
        if request.path.endswith("/break-off") and len(self.requests) == 1:
            assert request.transport is not None
            request.transport.abort()
        if request.path.endswith("/slowly"):
            return await self.answer_in_two_pieces(request)
        if request.query.get("refuse"):
            return web.json_response(json.loads(request.query["refuse"]), status=409)
        headers = {"Access-Control-Allow-Origin": "https://part.example", "X-Part": self.name}
        seen = {
            "part": self.name,
            "path": request.raw_path,
            "method": request.method,
            "headers": {name.lower(): value for name, value in request.headers.items()},
            "size": len(await request.read()),
        }
        return web.json_response(seen, headers=headers)

    async def answer_in_two_pieces(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"first")
        await self.released.wait()
        await response.write(b"second")
        return response

    async def socket(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("refuse"):
            return web.json_response({"error": "no such tenant"}, status=404)
        socket = web.WebSocketResponse(protocols=["phoenix"], autoping=False)
        await socket.prepare(request)
        await socket.send_json([request.raw_path, request.headers.get("x-api-key")])
        async for message in socket:
            match message.type:
                case aiohttp.WSMsgType.PING:
                    await socket.pong(message.data)
                case aiohttp.WSMsgType.BINARY:
                    await socket.send_bytes(message.data[::-1])
                case _ if message.data == "close":
                    await socket.close(code=4001, message=b"as you wish")
                case _ if message.data == "die":
                    assert request.transport is not None
                    request.transport.abort()
                case _:
                    await socket.send_str(message.data.upper())
        return socket


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> StackConfig:
    return StackConfig(tmp_path_factory.mktemp("gateway"), free_ports(), Keys.generate())


@pytest.fixture
async def parts(config: StackConfig) -> AsyncIterator[dict[str, Part]]:
    """All parts behind the gateway, running."""
    names = ("auth", "postgrest", "realtime", "functions")
    made = {name: Part(name, getattr(config.ports, name)) for name in names}
    for part in made.values():
        await part.start()
    yield made
    for part in made.values():
        await part.stop()


@pytest.fixture
async def gateway(config: StackConfig, parts: dict[str, Part]) -> AsyncIterator[httpx.AsyncClient]:
    """A client without any key; its answers come through the gateway."""
    runner = web.AppRunner(make_app(config), access_log=None, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, HOST, config.ports.gateway, reuse_address=True).start()
    limits = httpx.Limits(max_connections=300)
    async with httpx.AsyncClient(base_url=config.gateway_url, limits=limits, timeout=20) as client:
        yield client
    await runner.cleanup()


@pytest.fixture
def key(config: StackConfig) -> dict[str, str]:
    return {"apikey": config.keys.publishable}


@pytest.mark.parametrize(
    ("path", "part", "inner"),
    [
        ("/rest/v1/things?id=eq.a%2Fb%20c", "postgrest", "/things?id=eq.a%2Fb%20c"),
        ("/rest/v1/rpc/book", "postgrest", "/rpc/book"),
        ("/rest/v1/", "postgrest", "/"),
        ("/auth/v1/token?grant_type=password", "auth", "/token?grant_type=password"),
        ("/realtime/v1/api/broadcast", "realtime", "/api/broadcast"),
        ("/functions/v1/hello/a%20b?x=1", "functions", "/hello/a%20b?x=1"),
    ],
)
async def test_a_path_leads_to_its_part_without_the_prefix(
    gateway: httpx.AsyncClient, key: dict[str, str], path: str, part: str, inner: str
) -> None:
    seen = (await gateway.post(path, headers=key, content=b"12345")).json()
    assert (seen["part"], seen["path"], seen["method"], seen["size"]) == (part, inner, "POST", 5)


@pytest.mark.parametrize("path", ["/rest/v1/things", "/auth/v1/user", "/realtime/v1/api/broadcast"])
async def test_without_a_valid_key_no_part_is_reached(
    gateway: httpx.AsyncClient, parts: dict[str, Part], path: str
) -> None:
    missing = await gateway.get(path)
    wrong = await gateway.get(path, headers={"apikey": "sb_publishable_wrong"})
    assert (missing.status_code, missing.json()["message"]) == (401, "No API key found in request")
    assert (wrong.status_code, wrong.json()["message"]) == (401, "Invalid API key")
    assert wrong.headers["Access-Control-Allow-Origin"] == "*"
    assert [part.requests for part in parts.values()] == [[], [], [], []]


@pytest.mark.parametrize("path", ["/rest/v1/things", "/functions/v1/hello"])
async def test_a_secret_key_in_a_browser_is_refused(
    gateway: httpx.AsyncClient, config: StackConfig, path: str
) -> None:
    headers = {"apikey": config.keys.secret, "User-Agent": BROWSER}
    answer = await gateway.get(path, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["message"] == "Forbidden use of secret API key in browser"
    headers["apikey"] = config.keys.publishable
    assert (await gateway.get(path, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "path", ["verify?token=x", "callback", "authorize", ".well-known/jwks.json"]
)
async def test_links_in_mails_and_public_keys_need_no_key(
    gateway: httpx.AsyncClient, path: str
) -> None:
    seen = (await gateway.get(f"/auth/v1/{path}")).json()
    assert seen["path"] == f"/{path}"
    assert "authorization" not in seen["headers"]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"code": "23514", "message": 'row of "Ann" violates'}, "23514"),
        ({"code": "PT409", "message": "slot_taken", "hint": "Ann took it"}, "slot_taken"),
        ({"code": "PT409", "message": "Ann took it"}, "-"),
        (
            {"code": 422, "error_code": "weak_password", "msg": "ann@people.example"},
            "weak_password",
        ),
        ({"code": "Ann: took it"}, "-"),
        (["Ann"], "-"),
    ],
)
async def test_who_was_refused_what_is_noted_and_nothing_else(
    gateway: httpx.AsyncClient,
    key: dict[str, str],
    caplog: pytest.LogCaptureFixture,
    said: object,
    code: str,
) -> None:
    caplog.set_level(logging.INFO, "gateway")
    subject = str(uuid.uuid4())
    claims = {"sub": subject, "email": "ann@people.example"}
    forged = jwt.encode(claims, "x" * 40, algorithm="HS256")
    answer = await gateway.post(
        "/rest/v1/patients",
        params={"refuse": json.dumps(said), "full_name": "eq.Ann"},
        headers=key | {"Authorization": f"Bearer {forged}"},
    )
    assert (answer.status_code, answer.json()) == (409, said)
    assert [record.getMessage() for record in caplog.records] == [
        f"refused: 409 by postgrest, {code} to {subject}"
    ]


async def test_a_refused_key_and_a_token_that_is_none_are_noted_too(
    gateway: httpx.AsyncClient, key: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gateway")
    await gateway.get("/auth/v1/user")
    for bearer in ("ann", "a.b.c", f"{'x' * 36}"):
        headers = key | {"Authorization": f"Bearer {bearer}"}
        await gateway.get("/rest/v1/x", params={"refuse": "{}"}, headers=headers)
    await gateway.get("/rest/v1/x", headers=key)
    said = [record.getMessage() for record in caplog.records]
    assert said == ["refused: 401 by auth, - to -", *["refused: 409 by postgrest, - to -"] * 3]


async def test_keys_become_the_roles_they_stand_for(
    gateway: httpx.AsyncClient, config: StackConfig
) -> None:
    async def authorization(**headers: str) -> str:
        seen = (await gateway.get("/rest/v1/things", headers=headers)).json()
        return str(seen["headers"]["authorization"])

    keys = config.keys
    assert await authorization(apikey=keys.publishable) == f"Bearer {keys.anon}"
    assert await authorization(apikey=keys.secret) == f"Bearer {keys.service_role}"
    assert await authorization(apikey=keys.anon) == keys.anon
    replaced = f"Bearer {keys.secret}"
    assert await authorization(apikey=keys.secret, authorization=replaced) == (
        f"Bearer {keys.service_role}"
    )
    user = "Bearer a.user.token"
    assert await authorization(apikey=keys.publishable, authorization=user) == user


async def test_a_key_in_the_query_counts_and_does_not_become_a_filter(
    gateway: httpx.AsyncClient, config: StackConfig
) -> None:
    path = f"/rest/v1/things?select=id&apikey={config.keys.publishable}&id=eq.1"
    seen = (await gateway.get(path)).json()
    assert seen["path"] == "/things?select=id&id=eq.1"


async def test_functions_pass_unchecked_and_learn_the_role_of_the_key(
    gateway: httpx.AsyncClient, config: StackConfig
) -> None:
    async def headers(**sent: str) -> dict[str, str]:
        answer = await gateway.get("/functions/v1/hello", headers=sent)
        return dict(answer.json()["headers"])

    bare = await headers(**{"sb-api-key": "forged"})
    assert not {"authorization", "sb-api-key"} & bare.keys()
    with_key = await headers(apikey=config.keys.secret, authorization="Bearer own")
    assert with_key["sb-api-key"] == config.keys.service_role
    assert with_key["authorization"] == "Bearer own"


async def test_any_page_may_call_with_any_header(
    gateway: httpx.AsyncClient, key: dict[str, str], parts: dict[str, Part]
) -> None:
    asked = {
        "Origin": "https://clinic.example",
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "apikey,x-client-info,traceparent",
    }
    preflight = await gateway.options("/rest/v1/things", headers=asked)
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Headers"] == "apikey,x-client-info,traceparent"
    assert "PATCH" in preflight.headers["Access-Control-Allow-Methods"]
    assert parts["postgrest"].requests == []
    answer = await gateway.get("/rest/v1/things", headers=key)
    assert answer.headers.get_list("Access-Control-Allow-Origin") == ["*"]
    assert "Content-Range" in answer.headers["Access-Control-Expose-Headers"]


async def test_functions_answer_for_their_own_cross_origin_rules(
    gateway: httpx.AsyncClient,
) -> None:
    asked = {"Origin": "https://clinic.example", "Access-Control-Request-Method": "POST"}
    answer = await gateway.options("/functions/v1/hello", headers=asked)
    assert answer.headers["Access-Control-Allow-Origin"] == "https://part.example"


@pytest.mark.parametrize("path", ["tenants", "tenants/x/health", "openapi"])
async def test_what_only_operators_may_ask_realtime_is_forbidden(
    gateway: httpx.AsyncClient, config: StackConfig, path: str
) -> None:
    headers = {"apikey": config.keys.secret}
    answer = await gateway.get(f"/realtime/v1/api/{path}", headers=headers)
    assert answer.status_code == 403


async def test_graphql_is_off(gateway: httpx.AsyncClient, key: dict[str, str]) -> None:
    answer = await gateway.post("/graphql/v1", headers=key, json={"query": "{__typename}"})
    assert (answer.status_code, answer.json()["code"]) == (404, "PGRST202")
    assert (await gateway.post("/graphql/v1", json={})).status_code == 401


async def test_other_paths_lead_nowhere(gateway: httpx.AsyncClient, key: dict[str, str]) -> None:
    for path in ("/storage/v1/object", "/rest/v2/things", "/restv1", "/rest/v1x"):
        assert (await gateway.get(path, headers=key)).status_code == 404


@pytest.mark.parametrize(
    "query",
    ["", "?select=id", "?order=id&offset=0", "?columns=a&on_conflict=b", "?child.id=eq.1"],
)
async def test_changing_every_row_is_refused(
    gateway: httpx.AsyncClient, key: dict[str, str], parts: dict[str, Part], query: str
) -> None:
    update = await gateway.patch(f"/rest/v1/things{query}", headers=key, json={"a": 1})
    delete = await gateway.delete(f"/rest/v1/things{query}", headers=key)
    assert (update.status_code, update.json()) == (
        400,
        {
            "code": "21000",
            "details": None,
            "hint": None,
            "message": "UPDATE requires a WHERE clause",
        },
    )
    assert delete.json()["message"] == "DELETE requires a WHERE clause"
    assert parts["postgrest"].requests == []


@pytest.mark.parametrize(
    "query",
    ["id=eq.1", "or=(id.eq.1,id.eq.2)", "not.and=(a.eq.1)", "data->>a.b=eq.1", "limit=1&order=id"],
)
async def test_changing_chosen_rows_is_not(
    gateway: httpx.AsyncClient, key: dict[str, str], query: str
) -> None:
    answer = await gateway.patch(f"/rest/v1/things?{query}", headers=key, json={"a": 1})
    assert answer.json()["part"] == "postgrest"


async def test_headers_of_one_connection_stay_there_and_the_caller_is_named(
    gateway: httpx.AsyncClient, key: dict[str, str], config: StackConfig
) -> None:
    sent = key | {"Connection": "keep-alive, X-Private", "X-Private": "1", "TE": "trailers"}
    headers = (await gateway.get("/rest/v1/things", headers=sent)).json()["headers"]
    assert not {"x-private", "te", "connection"} & headers.keys()
    assert headers["x-forwarded-for"] == HOST
    assert headers["x-forwarded-host"] == f"{HOST}:{config.ports.gateway}"
    assert headers["x-forwarded-proto"] == "http"


async def test_a_body_may_have_ten_megabytes_and_no_more(
    gateway: httpx.AsyncClient, key: dict[str, str]
) -> None:
    largest = await gateway.post("/rest/v1/things", headers=key, content=bytes(MAX_BODY))
    assert largest.json()["size"] == MAX_BODY
    larger = await gateway.post("/rest/v1/things", headers=key, content=bytes(MAX_BODY + 1))
    assert larger.status_code == 413


async def test_an_answer_arrives_while_it_is_still_being_written(
    gateway: httpx.AsyncClient, parts: dict[str, Part]
) -> None:
    async with gateway.stream("GET", "/functions/v1/slowly") as answer:
        pieces = answer.aiter_raw()
        assert await anext(pieces) == b"first"
        parts["functions"].released.set()
        assert await anext(pieces) == b"second"


async def test_two_hundred_callers_at_once_are_all_answered(
    gateway: httpx.AsyncClient, key: dict[str, str]
) -> None:
    answers = await asyncio.gather(
        *(gateway.post("/rest/v1/rpc/book", headers=key, json={}) for _ in range(200))
    )
    assert {answer.status_code for answer in answers} == {200}


async def test_a_part_that_is_down_gives_one_clear_error_and_no_secret_in_the_log(
    gateway: httpx.AsyncClient,
    key: dict[str, str],
    parts: dict[str, Part],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(forwarding, "PATIENCE", 0.1)
    await parts["auth"].stop()
    with caplog.at_level(logging.DEBUG, logger="gateway"):
        answer = await gateway.post("/auth/v1/verify?token=s3cret", headers=key, json={})
    assert (answer.status_code, answer.json()) == (503, {"message": "auth is not available"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert caplog.messages == ["auth does not answer, sent=False"]


async def test_a_part_that_restarts_is_not_noticed(
    gateway: httpx.AsyncClient, key: dict[str, str], parts: dict[str, Part]
) -> None:
    await gateway.get("/rest/v1/things", headers=key)
    await parts["postgrest"].stop()
    waiting = asyncio.create_task(gateway.post("/rest/v1/things", headers=key, json={}))
    await asyncio.sleep(0)
    await parts["postgrest"].start()
    assert (await waiting).status_code == 200


async def test_a_read_is_repeated_and_a_write_never(
    gateway: httpx.AsyncClient, key: dict[str, str], parts: dict[str, Part]
) -> None:
    read = await gateway.get("/rest/v1/break-off", headers=key)
    assert (read.status_code, parts["postgrest"].requests) == (200, ["GET", "GET"])
    parts["postgrest"].requests.clear()
    write = await gateway.post("/rest/v1/break-off", headers=key, json={})
    assert (write.status_code, parts["postgrest"].requests) == (502, ["POST"])


async def test_a_socket_carries_frames_pings_and_closes_both_ways(
    gateway: httpx.AsyncClient, config: StackConfig
) -> None:
    url = f"{config.gateway_url}/realtime/v1/websocket?apikey={config.keys.secret}&vsn=2.0.0"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, protocols=["other", "phoenix"], autoping=False) as socket,
    ):
        assert socket.protocol == "phoenix"
        assert await socket.receive_json() == [
            "/socket/websocket?vsn=2.0.0",
            config.keys.service_role,
        ]
        await socket.send_str("hello")
        assert await socket.receive_str() == "HELLO"
        await socket.send_bytes(b"\x01\x02\x03")
        assert await socket.receive_bytes() == b"\x03\x02\x01"
        await socket.ping(b"still there?")
        pong = await socket.receive()
        assert (pong.type, pong.data) == (aiohttp.WSMsgType.PONG, b"still there?")
        await socket.send_str("close")
        closed = await socket.receive()
        assert (closed.type, closed.data, closed.extra) == (
            aiohttp.WSMsgType.CLOSE,
            4001,
            "as you wish",
        )


async def test_a_socket_ends_when_the_part_behind_dies(
    gateway: httpx.AsyncClient, config: StackConfig
) -> None:
    url = f"{config.gateway_url}/realtime/v1/websocket?apikey={config.keys.anon}"
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        assert (await socket.receive_json())[1] == config.keys.anon
        await socket.send_str("die")
        ended = await socket.receive()
        assert (ended.type, ended.data) == (
            aiohttp.WSMsgType.CLOSE,
            aiohttp.WSCloseCode.GOING_AWAY,
        )


@pytest.mark.parametrize(("query", "status"), [("", 401), ("apikey=wrong", 401), ("refuse=1", 404)])
async def test_a_refused_socket_says_why(
    gateway: httpx.AsyncClient, config: StackConfig, query: str, status: int
) -> None:
    url = f"{config.gateway_url}/realtime/v1/websocket?{query}"
    headers = {"apikey": config.keys.publishable} if status == 404 else {}
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            await session.ws_connect(url, headers=headers)
    assert refusal.value.status == status


async def test_the_gateway_says_what_it_is_and_that_it_is_well(
    gateway: httpx.AsyncClient,
) -> None:
    assert "development" in (await gateway.get("/")).text
    assert (await gateway.get("/health")).json() == {"status": "ok"}
