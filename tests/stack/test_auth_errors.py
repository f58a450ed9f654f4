"""Errors in both shapes that clients of different age expect, and bad input of every kind."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import pytest

from stack.config import StackConfig
from tests.stack.auth_clients import PASSWORD, gateway

INVALID = "validation_failed"
NO_FLOW = "flow_state_not_found"
NEW = {"x-supabase-api-version": "2024-01-01"}


@pytest.fixture
async def http(stack: StackConfig) -> AsyncIterator[httpx.AsyncClient]:
    async with gateway(stack) as client:
        yield client


async def test_clients_without_a_version_get_the_old_shape(http: httpx.AsyncClient) -> None:
    answer = await http.post("/signup", json={"email": "x@example.test", "password": ""})
    assert answer.status_code == 400
    assert answer.json() == {
        "code": 400,
        "error_code": "validation_failed",
        "msg": "Signup requires a valid password",
    }
    assert answer.headers["x-sb-error-code"] == "validation_failed"
    assert "x-supabase-api-version" not in answer.headers


async def test_newer_clients_get_the_new_shape_and_their_version_back(
    http: httpx.AsyncClient,
) -> None:
    body = {"email": "x@example.test", "password": "short"}
    answer = await http.post("/signup", json=body, headers=NEW)
    assert answer.status_code == 422
    assert answer.json()["code"] == "weak_password"
    assert answer.json()["weak_password"] == {"reasons": ["length"]}
    assert answer.headers["x-supabase-api-version"] == "2024-01-01"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"{not json", "bad_json"),
        (b"[]", "bad_json"),
        (b'{"email": 7, "password": "long-enough"}', "bad_json"),
        (b'{"email": "a@example.test", "password": "long-enough", "data": []}', "bad_json"),
    ],
)
async def test_a_body_that_is_not_what_it_should_be_is_refused(
    http: httpx.AsyncClient, content: bytes, code: str
) -> None:
    answer = await http.post("/signup", content=content)
    assert (answer.status_code, answer.json()["error_code"]) == (400, code)


def forged(stack: StackConfig, **changes: Any) -> str:
    claims = {"sub": "7e7c1b0e-8f0e-4c53-9a55-1f1f6a0f3b3c", "role": "authenticated"}
    claims |= {"aud": "authenticated", "exp": int(time.time()) + 600} | changes
    return jwt.encode(claims, stack.keys.jwt_secret, algorithm="HS256")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({}, 403, "user_not_found"),
        ({"exp": 1}, 403, "bad_jwt"),
        ({"sub": ""}, 403, "bad_jwt"),
        ({"sub": "nobody"}, 400, "bad_jwt"),
    ],
)
async def test_tokens_that_are_expired_or_of_nobody_are_refused(
    stack: StackConfig, http: httpx.AsyncClient, changes: dict[str, Any], status: int, code: str
) -> None:
    bearer = {"Authorization": f"Bearer {forged(stack, **changes)}"}
    answer = await http.get("/user", headers=bearer)
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)


async def test_a_token_signed_by_somebody_else_is_refused(
    stack: StackConfig, http: httpx.AsyncClient
) -> None:
    token = jwt.encode({"role": "service_role"}, "a" * 40, algorithm="HS256")
    unsigned = jwt.encode({"role": "service_role"}, None, algorithm="none")
    for bearer in (token, unsigned, "no.token.atall"):
        answer = await http.get("/admin/users", headers={"Authorization": f"Bearer {bearer}"})
        assert (answer.status_code, answer.json()["error_code"]) == (403, "bad_jwt")


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/signup", {"phone": "491234567", "password": PASSWORD}, 400, "phone_provider_disabled"),
        ("/otp", {"phone": "4912345678"}, 400, "phone_provider_disabled"),
        ("/token?grant_type=id_token", {}, 400, "provider_disabled"),
        ("/token?grant_type=web3", {}, 422, "web3_provider_disabled"),
        ("/token?grant_type=magic", {}, 400, "invalid_credentials"),
        ("/sso", {"domain": "example.test"}, 404, "saml_provider_disabled"),
        ("/recover", {}, 400, INVALID),
        ("/otp", {}, 400, INVALID),
        ("/resend", {"type": "party", "email": "a@example.test"}, 400, INVALID),
        ("/verify", {"type": "email"}, 400, INVALID),
        ("/verify", {"type": "email", "token_hash": "x", "email": "a@b.test"}, 400, INVALID),
        ("/verify", {"type": "party", "token_hash": "x"}, 400, INVALID),
        ("/verify", {"type": "email", "token_hash": "x"}, 403, "otp_expired"),
        ("/verify", {"type": "email", "email": "a@b.test", "token": "12"}, 403, "otp_expired"),
        ("/token?grant_type=pkce", {}, 400, INVALID),
        ("/token?grant_type=pkce", {"auth_code": "x", "code_verifier": "y"}, 404, NO_FLOW),
        ("/nowhere", {}, 404, "not_found"),
    ],
)  # fmt: skip
async def test_what_cannot_be_done_says_why(
    http: httpx.AsyncClient, path: str, body: dict[str, str], status: int, code: str
) -> None:
    answer = await http.post(path, json=body)
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)


async def test_settings_tell_clients_what_is_enabled(http: httpx.AsyncClient) -> None:
    settings = (await http.get("/settings")).json()
    assert settings["mailer_autoconfirm"] is True
    assert settings["disable_signup"] is False
    assert settings["external"]["email"] is True
    assert settings["external"]["phone"] is False
