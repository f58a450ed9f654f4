"""Headers, origins and limits that hold for every answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from api import middleware
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
