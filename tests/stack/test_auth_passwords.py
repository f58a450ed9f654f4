"""Signing up and in with a password, and changing it, with the stock Python client."""

from __future__ import annotations

import asyncio

import jwt
import pytest
from supabase import acreate_client
from supabase_auth.errors import AuthApiError, AuthWeakPasswordError

from stack.config import StackConfig
from tests.stack.auth_clients import PASSWORD, admin_client, auth_client, gateway, new_address


async def test_sign_up_opens_a_session_while_addresses_confirm_themselves(
    stack: StackConfig,
) -> None:
    email = new_address()
    options = {"data": {"full_name": "A. Person"}}
    async with auth_client(stack) as client:
        answer = await client.sign_up(
            {"email": email.upper(), "password": PASSWORD, "options": options}
        )
    assert answer.session
    assert answer.user
    assert answer.user.email == email
    assert answer.user.user_metadata["full_name"] == "A. Person"
    assert answer.user.app_metadata == {"provider": "email", "providers": ["email"]}
    assert answer.user.email_confirmed_at
    assert [identity.provider for identity in answer.user.identities or []] == ["email"]
    assert (answer.user.identities or [])[0].id == answer.user.id


async def test_access_tokens_verify_with_the_published_keys_and_carry_the_claims(
    stack: StackConfig,
) -> None:
    email = new_address()
    async with auth_client(stack) as client:
        answer = await client.sign_up({"email": email, "password": PASSWORD})
        claims = await client.get_claims()
    assert answer.session
    assert claims
    assert claims["headers"]["alg"] == "ES256"
    assert claims["headers"]["kid"] == stack.keys.signing_jwk["kid"]
    async with gateway(stack) as http:
        keys = (await http.get("/.well-known/jwks.json")).json()
    assert [key["kty"] for key in keys["keys"]] == ["EC"]
    verified = jwt.decode(
        answer.session.access_token,
        jwt.PyJWKSet.from_dict(keys)[claims["headers"]["kid"]].key,
        algorithms=["ES256"],
        audience="authenticated",
        issuer=stack.jwt_issuer,
    )
    assert verified["email"] == email
    assert verified["role"] == "authenticated"
    assert verified["aal"] == "aal1"
    assert [entry["method"] for entry in verified["amr"]] == ["password"]
    assert verified["is_anonymous"] is False
    assert verified["session_id"]


async def test_a_session_reads_through_row_level_security_as_its_user(stack: StackConfig) -> None:
    client = await acreate_client(stack.gateway_url, stack.keys.publishable)
    try:
        answer = await client.auth.sign_up({"email": new_address(), "password": PASSWORD})
        assert answer.user
        found = await client.auth.get_user()
        assert found
        assert found.user.id == answer.user.id
    finally:
        await client.remove_all_channels()
        await client.auth.close()


async def test_the_same_address_again_is_refused(stack: StackConfig) -> None:
    credentials = {"email": new_address(), "password": PASSWORD}
    async with auth_client(stack) as client:
        await client.sign_up(credentials)
        with pytest.raises(AuthApiError) as refusal:
            await client.sign_up(credentials)
    assert (refusal.value.status, refusal.value.code) == (422, "user_already_exists")


async def test_of_many_sign_ups_with_one_address_at_once_one_succeeds(stack: StackConfig) -> None:
    body = {"email": new_address(), "password": PASSWORD}
    async with gateway(stack) as http:
        answers = await asyncio.gather(*(http.post("/signup", json=body) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, 422, 422, 422, 422, 422]


@pytest.mark.parametrize("password", [PASSWORD + "x", "x" * 100])
async def test_a_wrong_password_and_an_unknown_address_are_told_apart_by_nothing(
    stack: StackConfig, password: str
) -> None:
    email = new_address()
    async with auth_client(stack) as client:
        await client.sign_up({"email": email, "password": PASSWORD})
        refusals = []
        for address in (email, new_address()):
            with pytest.raises(AuthApiError) as refusal:
                await client.sign_in_with_password({"email": address, "password": password})
            refusals.append((refusal.value.status, refusal.value.code, refusal.value.message))
    assert refusals == [(400, "invalid_credentials", "Invalid login credentials")] * 2


async def test_a_short_password_is_refused_with_the_reason(stack: StackConfig) -> None:
    async with auth_client(stack) as client:
        with pytest.raises(AuthWeakPasswordError) as refusal:
            await client.sign_up({"email": new_address(), "password": "short"})
    assert refusal.value.reasons == ["length"]


async def test_a_password_that_bcrypt_would_cut_off_is_refused(stack: StackConfig) -> None:
    async with auth_client(stack) as client:
        with pytest.raises(AuthApiError) as refusal:
            await client.sign_up({"email": new_address(), "password": "é" * 40})
    assert (refusal.value.status, refusal.value.code) == (400, "validation_failed")


@pytest.mark.parametrize("email", ["nobody", "a@b@c", "a b@example.test", "@example.test"])
async def test_what_cannot_be_an_address_is_refused(stack: StackConfig, email: str) -> None:
    async with auth_client(stack) as client:
        with pytest.raises(AuthApiError) as refusal:
            await client.sign_up({"email": email, "password": PASSWORD})
    assert (refusal.value.status, refusal.value.code) == (400, "validation_failed")


async def test_a_changed_password_counts_and_ends_the_other_sessions(stack: StackConfig) -> None:
    credentials = {"email": new_address(), "password": PASSWORD}
    async with auth_client(stack) as here, auth_client(stack) as elsewhere:
        await here.sign_up(credentials)
        await elsewhere.sign_in_with_password(credentials)
        with pytest.raises(AuthApiError) as refusal:
            await here.update_user({"password": PASSWORD})
        assert refusal.value.code == "same_password"
        await here.update_user({"password": "another-good-one"})
        assert await here.refresh_session()
        with pytest.raises(AuthApiError) as ended:
            await elsewhere.refresh_session()
        assert ended.value.code == "refresh_token_not_found"
        with pytest.raises(AuthApiError):
            await here.sign_in_with_password(credentials)
        await here.sign_in_with_password(credentials | {"password": "another-good-one"})


async def test_metadata_is_merged_and_null_removes_a_key(stack: StackConfig) -> None:
    async with auth_client(stack) as client:
        options = {"data": {"kept": 1, "removed": 2}}
        await client.sign_up({"email": new_address(), "password": PASSWORD, "options": options})
        answer = await client.update_user({"data": {"removed": None, "added": 3}})
    metadata = answer.user.user_metadata
    assert {key: metadata.get(key) for key in ("kept", "removed", "added")} == {
        "kept": 1,
        "removed": None,
        "added": 3,
    }
    assert "removed" not in metadata


async def test_nobody_makes_themselves_an_administrator(stack: StackConfig) -> None:
    async with auth_client(stack) as client, gateway(stack) as http:
        answer = await client.sign_up({"email": new_address(), "password": PASSWORD})
        assert answer.session
        bearer = {"Authorization": f"Bearer {answer.session.access_token}"}
        refusal = await http.put("/user", json={"app_metadata": {"admin": True}}, headers=bearer)
        assert (refusal.status_code, refusal.json()["error_code"]) == (403, "not_admin")
        listing = await http.get("/admin/users", headers=bearer)
        assert (listing.status_code, listing.json()["error_code"]) == (403, "not_admin")


async def test_anonymous_sign_ins_are_off_unless_configured(stack: StackConfig) -> None:
    async with auth_client(stack) as client:
        with pytest.raises(AuthApiError) as refusal:
            await client.sign_in_anonymously()
    assert (refusal.value.status, refusal.value.code) == (422, "anonymous_provider_disabled")


async def test_a_banned_user_is_shut_out_at_once_and_back_when_the_ban_is_lifted(
    stack: StackConfig,
) -> None:
    credentials = {"email": new_address(), "password": PASSWORD}
    async with auth_client(stack) as client, admin_client(stack) as admin:
        signed_up = await client.sign_up(credentials)
        assert signed_up.user
        await admin.admin.update_user_by_id(signed_up.user.id, {"ban_duration": "24h"})
        for attempt in (
            client.get_user(),
            client.refresh_session(),
            client.sign_in_with_password(credentials),
        ):
            with pytest.raises(AuthApiError) as refusal:
                await attempt
            assert refusal.value.code == "user_banned"
        await admin.admin.update_user_by_id(signed_up.user.id, {"ban_duration": "none"})
        assert await client.sign_in_with_password(credentials)
