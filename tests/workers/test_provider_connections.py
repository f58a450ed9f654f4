"""Real connections to a provider: kept, never more than wanted, and never led elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

import pytest
from aiohttp import ClientError, web

from workers.provider_connections import provider_connections

HEADERS = {"Authorization": "Bearer re_x", "Idempotency-Key": "key-1"}
MOST = 3


class Provider:
    """Answers what the test wants; remembers bodies, and which connections they came on."""

    def __init__(self) -> None:
        self.url = ""
        self.bodies: list[bytes] = []
        self.connections: list[object] = []
        self.at_once = self.most_at_once = 0
        self.closes = self.breaks_off = False
        self.leads_to: str | None = None

    async def answer(self, request: web.Request) -> web.Response:
        assert request.headers["authorization"] == HEADERS["Authorization"]
        assert request.headers["content-type"] == "application/json"
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        self.bodies.append(await request.read())
        self.connections.append(request.transport)
        await asyncio.sleep(0)
        self.at_once -= 1
        if self.breaks_off:
            assert request.transport is not None
            request.transport.close()
        if self.leads_to is not None:
            return web.Response(status=307, headers={"Location": self.leads_to})
        answer = web.json_response({"id": "mail-1"})
        if self.closes:
            answer.force_close()
        return answer


@asynccontextmanager
async def running() -> AsyncIterator[Provider]:
    provider = Provider()
    app = web.Application()
    app.add_routes([web.post("/emails", provider.answer)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}/emails"
    try:
        yield provider
    finally:
        await runner.cleanup()


async def test_mails_after_one_another_share_a_connection() -> None:
    async with running() as provider, provider_connections(provider.url, MOST) as http:
        for _ in range(5):
            content, status, headers = await http.request("post", provider.url, HEADERS, {"to": []})
            assert (content, status) == (b'{"id": "mail-1"}', 200)
            assert headers["Content-Type"].startswith("application/json")
    assert len(set(provider.connections)) == 1


async def test_there_are_never_more_connections_than_wanted() -> None:
    async with running() as provider, provider_connections(provider.url, MOST) as http:
        await asyncio.gather(*(http.request("post", provider.url, HEADERS, []) for _ in range(40)))
    assert len(provider.bodies) == 40
    assert len(set(provider.connections)) <= MOST
    assert provider.most_at_once <= MOST


async def test_the_next_mail_goes_out_though_the_last_connection_was_closed() -> None:
    async with running() as provider, provider_connections(provider.url, MOST) as http:
        provider.closes = True
        for _ in range(3):
            _, status, _ = await http.request("post", provider.url, HEADERS, [])
            assert status == 200
    assert len(set(provider.connections)) == 3


async def test_a_mail_whose_answer_is_lost_is_not_sent_again_by_itself() -> None:
    async with running() as provider, provider_connections(provider.url, MOST) as http:
        await http.request("post", provider.url, HEADERS, [])
        provider.breaks_off = True
        with pytest.raises(ClientError):
            await http.request("post", provider.url, HEADERS, [])
        assert len(provider.bodies) == 2


async def test_a_redirect_is_an_answer_and_the_key_goes_nowhere_else() -> None:
    async with (
        running() as provider,
        running() as other,
        provider_connections(provider.url, MOST) as http,
    ):
        provider.leads_to = other.url
        _, status, _ = await http.request("post", provider.url, HEADERS, [])
        assert status == 307
    assert other.bodies == []


async def test_a_proxy_that_the_environment_names_is_gone_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "near.example")
        for host, is_led in (("far.example", True), ("near.example", False)):
            url = f"http://{host}/emails"
            async with provider_connections(url, MOST) as http:
                with nullcontext() if is_led else pytest.raises(ClientError):
                    await http.request("post", url, HEADERS, [])
            assert len(proxy.bodies) == 1


async def test_a_body_is_compact_utf_8() -> None:
    async with running() as provider, provider_connections(provider.url, MOST) as http:
        await http.request("post", provider.url, HEADERS, {"subject": "Für Łukasz", "to": ["a"]})
    assert provider.bodies == ['{"subject":"Für Łukasz","to":["a"]}'.encode()]
