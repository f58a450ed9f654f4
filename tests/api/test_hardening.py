"""Headers, origins and limits that hold for every answer."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import httpx
import pytest

from api import flows, middleware, strangers
from api.access_tokens import AccessTokens, Identity
from api.app import create_app
from appoint.settings import Settings
from tests.api.offline import SETTINGS, Offline

HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-site",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/nothing", "/v1/me/export"])
async def test_every_answer_has_the_security_headers(api: httpx.AsyncClient, path: str) -> None:
    answer = await api.get(path)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert "server" not in answer.headers


async def test_a_preflight_of_a_strange_origin_is_not_granted(api: httpx.AsyncClient) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Origin": "https://evil.example"}
    answer = await api.options("/v1/clinics", headers=asked)
    assert "access-control-allow-origin" not in answer.headers
    assert "access-control-allow-credentials" not in answer.headers


def test_several_sites_may_call_and_links_lead_to_the_first() -> None:
    settings = Settings.model_validate(
        {
            "supabase_url": "http://127.0.0.1:1",
            "supabase_publishable_key": "x",
            "supabase_secret_key": "x",
            "appoint_site_url": "https://one.example/app, https://two.example",
        }
    )
    assert settings.appoint_site_url == "https://one.example/app"
    assert settings.appoint_site_origins == ("https://one.example", "https://two.example")


async def test_a_body_that_does_not_arrive_is_given_up(
    offline: Offline,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(middleware, "BODY_SECONDS", 0.01)
    _, client = offline

    async def dripping() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    answer = await client.post("/v1/clinics", content=dripping())
    assert (answer.status_code, answer.json()["key"]) == (408, "request_timeout")


UPLOAD_PATH = "/v1/clinics/20000000-0000-4000-8000-0000000000a1/imports?kind=patients"


async def test_an_upload_is_not_read_for_whoever_is_not_signed_in(offline: Offline) -> None:
    """Sixteen megabytes are kept for people alone; a stranger is answered without them."""
    _, client = offline

    async def never() -> AsyncIterator[bytes]:
        pytest.fail("the body was asked for")
        yield b""

    answer = await client.post(UPLOAD_PATH, content=never(), headers={"Content-Type": "text/csv"})
    assert (answer.status_code, answer.json()["key"]) == (401, "not_signed_in")


@pytest.mark.parametrize(
    ("limit", "value", "status"), [("UPLOAD_SECONDS", 0.01, 408), ("LARGEST_UPLOAD", 9, 413)]
)
async def test_the_upload_of_somebody_signed_in_has_its_limits(
    offline: Offline, monkeypatch: pytest.MonkeyPatch, limit: str, value: float, status: int
) -> None:
    monkeypatch.setattr(middleware, limit, value)
    monkeypatch.setattr(flows, "authorise", nobody_objects)
    monkeypatch.setattr(AccessTokens, "verify", somebody)
    _, client = offline

    async def slow_and_long() -> AsyncIterator[bytes]:
        yield b"ten bytes!"
        if status == 408:
            await asyncio.Event().wait()

    headers = {"Content-Type": "text/csv", "Authorization": "Bearer good"}
    answer = await client.post(UPLOAD_PATH, content=slow_and_long(), headers=headers)
    assert (answer.status_code, answer.headers["connection"]) == (status, "close")


async def somebody(tokens: AccessTokens, token: str) -> Identity:
    return Identity(uuid.uuid4(), "aal1")


async def nobody_objects(*asked: object) -> None:
    """Stands in for the database."""


async def test_strangers_are_counted_by_address(
    offline: Offline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Links of mails and bad tokens alike; somebody elsewhere does not notice."""
    monkeypatch.setattr(strangers, "MOST", 3)
    app, near = offline
    paths = ("/v1/actions/x", f"/v1/unsubscribe/{uuid.uuid4()}/x", "/v1/me/export")
    first = [(await near.get(path)).status_code for path in paths]
    assert 429 not in first
    for path in paths:
        answer = await near.get(path)
        assert (answer.status_code, answer.json()["key"]) == (429, "too_many_requests"), path
        assert 1 <= int(answer.headers["retry-after"]) <= strangers.PER_SECONDS + 1
    transport = httpx.ASGITransport(app, client=("2001:db8::1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://api.example") as far:
        assert (await far.get("/v1/me/export")).status_code == 401
        assert (await far.get("/healthz")).status_code == 200
    assert (await near.get("/healthz")).status_code == 200


async def test_a_new_minute_begins_anew_and_a_network_is_one_address(
    offline: Offline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strangers, "MOST", 1)
    app, _ = offline

    async def status(address: str) -> int:
        transport = httpx.ASGITransport(app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://api.example") as client:
            return (await client.get("/v1/me/export")).status_code

    assert [await status(f"2001:db8::{n}") for n in (1, 2)] == [401, 429]
    assert await status("2001:db8:0:1::1") == 401
    monkeypatch.setattr(strangers, "PER_SECONDS", 0)
    assert await status("2001:db8::1") == 401


async def test_an_answer_that_takes_too_long_is_a_503(
    offline: Offline,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(middleware, "ANSWER_SECONDS", 0.01)
    app, client = offline
    was_cancelled = asyncio.Event()

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            was_cancelled.set()

    app.add_api_route("/forever", forever)
    answer = await client.get("/forever")
    assert (answer.status_code, answer.json()["key"]) == (503, "unavailable")
    assert was_cancelled.is_set()


@pytest.mark.parametrize("length", ["-1", "1e9", "99999999999999999999", "x", "٣"])
async def test_a_length_that_cannot_be_is_refused(
    offline: Offline,
    length: str,
) -> None:
    app, _ = offline
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/clinics",
        "raw_path": b"/v1/clinics",
        "query_string": b"",
        "headers": [(b"content-length", length.encode())],
        "http_version": "1.1",
        "scheme": "http",
        "server": ("api.example", 80),
        "client": ("127.0.0.1", 1),
    }
    await app(scope, receive, send)  # type: ignore[arg-type]
    assert sent[0]["status"] == 413


@pytest.mark.parametrize(("url", "status"), [("https://api.example", 404), (None, 200)])
async def test_the_page_with_foreign_scripts_is_for_developers_alone(
    url: str | None, status: int
) -> None:
    app = create_app(SETTINGS.model_copy(update={"appoint_api_url": url} if url else {}))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://api.example"
    ) as client:
        assert (await client.get("/docs")).status_code == status
