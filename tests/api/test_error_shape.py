"""Whatever goes wrong, the answer has one shape and says nothing about the inside."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from postgrest.exceptions import APIError

from api.app import create_app
from api.error_responses import OWN_KEYS, refusal_of
from tests.api.offline import SETTINGS, Offline

WELL_FORMED = jwt.encode(
    {"sub": "somebody"},
    ec.generate_private_key(ec.SECP256R1()),
    algorithm="ES256",
    headers={"kid": "unknown"},
)


async def test_unknown_addresses_and_methods(offline: Offline) -> None:
    _, client = offline
    missing, refused = await client.get("/nothing"), await client.delete("/healthz")
    assert (missing.status_code, missing.json()["key"]) == (404, "not_found")
    assert (refused.status_code, refused.json()["key"]) == (405, "method_not_allowed")
    assert refused.headers["allow"] == "GET"
    for answer in (missing, refused):
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_crash_is_a_500_that_tells_nothing(offline: Offline) -> None:
    app, client = offline

    async def crash() -> None:
        raise RuntimeError("password=hunter2 for ada@example.org")

    app.add_api_route("/crash", crash)
    answer = await client.get("/crash")
    assert (answer.status_code, answer.json()["key"]) == (500, "internal_error")
    assert "hunter2" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_crash_is_logged_by_type_and_place_without_its_message(
    offline: Offline, capsys: pytest.CaptureFixture[str]
) -> None:
    import logging
    import sys

    from appoint.logs import JsonFormatter

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("api")
    logger.addHandler(handler)
    try:
        await test_a_crash_is_a_500_that_tells_nothing(offline)
    finally:
        logger.removeHandler(handler)
    logged = capsys.readouterr().err
    assert '"error": "RuntimeError"' in logged
    assert "hunter2" not in logged
    assert "ada@example.org" not in logged


async def test_an_absent_supabase_is_a_503(offline: Offline) -> None:
    _, client = offline
    answer = await client.post(
        "/v1/clinics/10000000-0000-4000-8000-000000000001/staff-invitations",
        json={"email": "a@example.org", "role": "provider"},
        headers={"Authorization": f"Bearer {WELL_FORMED}"},
    )
    assert (answer.status_code, answer.json()["key"]) == (503, "unavailable")
    assert answer.headers["retry-after"] == "5"
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()["key"]) == (503, "unavailable")
    assert (await client.get("/healthz")).json() == {"status": "ok"}


@pytest.mark.parametrize("announced", [True, False])
async def test_a_huge_body_is_refused(offline: Offline, announced: bool) -> None:
    _, client = offline

    async def in_pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 10_000

    content = b"x" * 200_000 if announced else in_pieces()
    answer = await client.post("/v1/clinics/x/staff-invitations", content=content)
    assert (answer.status_code, answer.json()["key"]) == (413, "body_too_large")


async def test_a_request_id_is_kept_if_harmless_and_replaced_if_not(offline: Offline) -> None:
    _, client = offline
    kept = await client.get("/healthz", headers={"X-Request-Id": "trace-12345678"})
    assert kept.headers["x-request-id"] == "trace-12345678"
    replaced = await client.get("/healthz", headers={"X-Request-Id": "a b<script>"})
    assert len(replaced.headers["x-request-id"]) == 32


async def test_only_the_site_may_call_from_a_browser(offline: Offline) -> None:
    _, client = offline
    site = await client.get("/healthz", headers={"Origin": "https://site.example"})
    assert site.headers["access-control-allow-origin"] == "https://site.example"
    other = await client.get("/healthz", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize(
    ("error", "status", "key"),
    [
        ({"code": "PT409", "message": "slot_taken", "hint": "Choose."}, 409, "slot_taken"),
        ({"code": "PT409", "message": "slot_taken"}, 409, "slot_taken"),
        ({"code": "PT500", "message": "never_heard_of"}, 500, "internal_error"),
        ({"code": "PT409", "message": "Key (email)=(a@b.c) exists"}, 500, "internal_error"),
        ({"code": "23505", "message": "duplicate key"}, 500, "internal_error"),
        ({"code": "42501", "message": "permission denied"}, 403, "not_allowed"),
        ({"code": "PGRST301", "message": "JWT expired"}, 401, "not_signed_in"),
        ({"code": "PGRST303", "message": "JWT claims"}, 401, "not_signed_in"),
        ({"code": "PGRST002", "message": "schema cache"}, 503, "unavailable"),
        ({"code": "57P01", "message": "terminating connection"}, 503, "unavailable"),
        ({}, 500, "internal_error"),
    ],
)
def test_only_what_our_own_sql_states_reaches_the_caller(
    error: dict[str, str], status: int, key: str
) -> None:
    problem = refusal_of(APIError(error))
    assert (problem.status, problem.key) == (status, key)
    assert "a@b.c" not in problem.detail


def test_the_page_on_errors_lists_the_apis_own_keys() -> None:
    page = (Path(__file__).parents[2] / "docs" / "errors.md").read_text()
    section = page.partition("## Of the API alone")[2]
    listed = dict(re.findall(r"^- `(\w+)` \((\d+)\):", section, re.MULTILINE))
    assert {key: int(status) for key, status in listed.items()} == OWN_KEYS


def test_every_route_documents_its_refusals_as_problems() -> None:
    document = create_app(SETTINGS).openapi()
    versioned = [path for path in document["paths"] if path.startswith("/v1/")]
    assert versioned
    for path in versioned:
        for method, operation in document["paths"][path].items():
            responses = operation["responses"]
            of_people = {"401", "403"} if "security" in operation else set()
            assert {"422", "500", "503"} | of_people <= set(responses), (method, path)
            for status in (status for status in responses if status >= "400"):
                content = responses[status]["content"]
                assert set(content) == {"application/problem+json"}
                schema = content["application/problem+json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}
