"""Fetching calendars: what is taken, what is refused, and where nobody may be sent."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from appoint.calendars import fetching
from appoint.calendars.addresses import is_loopback, is_public
from appoint.calendars.fetching import Fetched, FetchError, fetch

CLOSING = web.AppKey("closing", asyncio.Event)
CONTENT = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"


async def plain(request: web.Request) -> web.Response:
    tags = {"ETag": '"1"', "Last-Modified": "Sun, 01 Mar 2026 00:00:00 GMT"}
    known = request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since")
    if known[0] == '"1"' or known == (None, tags["Last-Modified"]):
        return web.Response(status=304)
    return web.Response(body=CONTENT, headers=tags)


async def endless(request: web.Request) -> web.StreamResponse:
    """50 MB in pieces, its size not announced."""
    answer = web.StreamResponse()
    await answer.prepare(request)
    with contextlib.suppress(ConnectionError):
        for _ in range(50):
            await answer.write(b"x" * 1024 * 1024)
    return answer


async def redirect(request: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": request.query["to"]})


async def loop(request: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": str(request.url)})


async def compressed(_: web.Request) -> web.Response:
    return web.Response(body=b"bomb", headers={"Content-Encoding": "gzip"})


async def silent(request: web.Request) -> web.Response:
    await request.app[CLOSING].wait()
    return web.Response()


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[str]:
    """Somebody else's server, on this machine. Its address."""
    app = web.Application()
    app[CLOSING] = asyncio.Event()
    for handler in (plain, endless, redirect, loop, compressed, silent):
        app.router.add_get(f"/{handler.__name__}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    yield f"http://127.0.0.1:{port}"
    app[CLOSING].set()
    await runner.cleanup()


def only_this_machine(address: str) -> bool:
    return address == "127.0.0.1"


async def refusal(url: str, **options: object) -> str:
    with pytest.raises(FetchError) as caught:
        await fetch(url, is_allowed=only_this_machine, **options)  # type: ignore[arg-type]
    assert url not in str(caught.value)
    return caught.value.reason


async def test_a_calendar_is_fetched_and_then_only_if_it_changed(server: str) -> None:
    url = f"{server}/plain"
    fetched = await fetch(url, is_allowed=only_this_machine)
    assert fetched == Fetched(CONTENT, '"1"', "Sun, 01 Mar 2026 00:00:00 GMT")
    again = await fetch(url, etag=fetched.etag, is_allowed=only_this_machine)
    assert again.content is None
    again = await fetch(url, last_modified=fetched.last_modified, is_allowed=only_this_machine)
    assert again.content is None


async def test_redirects_are_followed_but_not_for_ever(server: str) -> None:
    fetched = await fetch(f"{server}/redirect?to=/plain", is_allowed=only_this_machine)
    assert fetched.content == CONTENT
    assert await refusal(f"{server}/loop") == "too_many_redirects"


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.2/", "http://[::1]/", "http://169.254.169.254/latest/meta-data/"],
)
async def test_a_redirect_to_where_nobody_may_go_is_refused(server: str, target: str) -> None:
    assert await refusal(f"{server}/redirect?to={target}") == "forbidden_address"


@pytest.mark.parametrize("target", ["file:///etc/passwd", "gopher://example.org/", "http://a@b/"])
async def test_a_redirect_to_what_is_no_web_address_is_refused(server: str, target: str) -> None:
    assert await refusal(f"{server}/redirect?to={target}") == "unusable_address"


async def test_fifty_megabytes_are_not_read_to_the_end(server: str) -> None:
    assert await refusal(f"{server}/endless") == "too_large"


async def test_an_announced_size_is_believed_when_it_is_too_large(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "LARGEST", len(CONTENT) - 1)
    assert await refusal(f"{server}/plain") == "too_large"


async def test_nothing_is_decompressed(server: str) -> None:
    assert await refusal(f"{server}/compressed") == "compressed"


async def test_a_server_that_says_nothing_is_not_waited_for(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "SECONDS", 0.1)
    assert await refusal(f"{server}/silent") == "timeout"


async def test_what_is_not_there_is_said_by_its_status(server: str) -> None:
    assert await refusal(f"{server}/missing") == "status_404"


async def test_a_name_is_refused_if_any_of_its_addresses_is(server: str) -> None:
    port = server.rpartition(":")[2]
    answers = {"mixed.example": ["127.0.0.1", "10.0.0.1"], "fine.example": ["127.0.0.1"]}

    async def resolve(host: str, port: int) -> list[str]:
        return answers[host]

    assert await refusal(f"http://mixed.example:{port}/plain", resolve=resolve) == (
        "forbidden_address"
    )
    fetched = await fetch(
        f"http://fine.example:{port}/plain", is_allowed=only_this_machine, resolve=resolve
    )
    assert fetched.content == CONTENT


async def test_a_name_nobody_knows_and_a_port_nobody_listens_on_are_told_apart() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        raise socket.gaierror

    assert await refusal("http://nowhere.example/", resolve=resolve) == "unknown_host"
    assert await refusal("http://127.0.0.1:1/") == "unreachable"


async def test_without_a_setting_this_machine_itself_is_out_of_reach(server: str) -> None:
    with pytest.raises(FetchError, match="forbidden_address"):
        await fetch(f"{server}/plain")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "168.63.129.16",
        "192.0.0.1",
        "192.0.0.192",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1%eth0",
        "fec0::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b::a83f:8110",
        "2002:7f00:1::",
        "not an address",
    ],
)
def test_addresses_near_the_server_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_addresses_of_the_open_internet_are_public(address: str) -> None:
    assert is_public(address)


def test_loopback_is_this_machine_and_nothing_else() -> None:
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")
    assert not is_loopback("10.0.0.1")
    assert not is_loopback("8.8.8.8")
