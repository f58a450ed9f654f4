"""TOTP as a second factor, with the stock client."""

from __future__ import annotations

import pyotp
import pytest
from supabase_auth import AsyncGoTrueClient
from supabase_auth.errors import AuthApiError

from stack.config import StackConfig
from tests.stack.auth_clients import PASSWORD, admin_client, auth_client, new_address


async def enrolled(client: AsyncGoTrueClient) -> tuple[str, pyotp.TOTP]:
    """A verified factor, and what shows its codes; the session is at aal2 afterwards."""
    factor = await client.mfa.enroll({"factor_type": "totp", "friendly_name": "phone"})
    assert factor.totp
    assert factor.totp.qr_code.startswith("data:image/svg+xml;utf-8,<svg")
    assert factor.totp.uri.startswith("otpauth://totp/")
    codes = pyotp.TOTP(factor.totp.secret)
    await client.mfa.challenge_and_verify({"factor_id": factor.id, "code": codes.now()})
    return factor.id, codes


async def test_verifying_a_factor_raises_the_session_and_ends_those_without(
    stack: StackConfig,
) -> None:
    credentials = {"email": new_address(), "password": PASSWORD}
    async with auth_client(stack) as client, auth_client(stack) as without:
        await client.sign_up(credentials)
        await without.sign_in_with_password(credentials)
        level = await client.mfa.get_authenticator_assurance_level()
        assert (level.current_level, level.next_level) == ("aal1", "aal1")
        factor_id, _ = await enrolled(client)
        level = await client.mfa.get_authenticator_assurance_level()
        assert (level.current_level, level.next_level) == ("aal2", "aal2")
        methods = [entry.method for entry in level.current_authentication_methods]
        assert sorted(methods) == ["password", "totp"]
        listed = await client.mfa.list_factors()
        assert [factor.id for factor in listed.totp] == [factor_id]
        assert await client.refresh_session()
        level = await client.mfa.get_authenticator_assurance_level()
        assert level.current_level == "aal2"
        with pytest.raises(AuthApiError):
            await without.refresh_session()


async def test_a_new_log_in_is_at_aal1_until_it_shows_a_code(stack: StackConfig) -> None:
    credentials = {"email": new_address(), "password": PASSWORD}
    async with auth_client(stack) as client, auth_client(stack) as later:
        await client.sign_up(credentials)
        factor_id, codes = await enrolled(client)
        await later.sign_in_with_password(credentials)
        level = await later.mfa.get_authenticator_assurance_level()
        assert (level.current_level, level.next_level) == ("aal1", "aal2")
        with pytest.raises(AuthApiError) as refusal:
            await later.update_user({"password": "quite-different"})
        assert (refusal.value.status, refusal.value.code) == (401, "insufficient_aal")
        with pytest.raises(AuthApiError) as refusal:
            await later.mfa.unenroll({"factor_id": factor_id})
        assert refusal.value.code == "insufficient_aal"
        await later.mfa.challenge_and_verify({"factor_id": factor_id, "code": codes.now()})
        await later.update_user({"password": "quite-different"})


async def test_a_wrong_code_and_a_used_challenge_are_refused(stack: StackConfig) -> None:
    async with auth_client(stack) as client:
        await client.sign_up({"email": new_address(), "password": PASSWORD})
        factor_id, codes = await enrolled(client)
        challenge = await client.mfa.challenge({"factor_id": factor_id})
        proof = {"factor_id": factor_id, "challenge_id": challenge.id}
        right = codes.now()
        wrong = f"{(int(right) + 1) % 1_000_000:06}"
        if codes.verify(wrong, valid_window=1):
            wrong = f"{(int(right) + 2) % 1_000_000:06}"
        with pytest.raises(AuthApiError) as refusal:
            await client.mfa.verify(proof | {"code": wrong})
        assert (refusal.value.status, refusal.value.code) == (422, "mfa_verification_failed")
        await client.mfa.verify(proof | {"code": codes.now()})
        with pytest.raises(AuthApiError) as refusal:
            await client.mfa.verify(proof | {"code": codes.now()})
        assert refusal.value.code == "mfa_ip_address_mismatch"


async def test_unenrolling_lowers_the_session(stack: StackConfig) -> None:
    async with auth_client(stack) as client:
        await client.sign_up({"email": new_address(), "password": PASSWORD})
        factor_id, _ = await enrolled(client)
        await client.mfa.unenroll({"factor_id": factor_id})
        await client.refresh_session()
        level = await client.mfa.get_authenticator_assurance_level()
        assert (level.current_level, level.next_level) == ("aal1", "aal1")


async def test_a_factor_of_somebody_else_is_not_found(stack: StackConfig) -> None:
    async with auth_client(stack) as client, auth_client(stack) as other:
        await client.sign_up({"email": new_address(), "password": PASSWORD})
        await other.sign_up({"email": new_address(), "password": PASSWORD})
        factor_id, _ = await enrolled(client)
        with pytest.raises(AuthApiError) as refusal:
            await other.mfa.challenge({"factor_id": factor_id})
    assert (refusal.value.status, refusal.value.code) == (404, "mfa_factor_not_found")


async def test_two_factors_of_one_name_are_refused(stack: StackConfig) -> None:
    params = {"factor_type": "totp", "friendly_name": "phone"}
    async with auth_client(stack) as client:
        await client.sign_up({"email": new_address(), "password": PASSWORD})
        await client.mfa.enroll(params)
        with pytest.raises(AuthApiError) as refusal:
            await client.mfa.enroll(params)
    assert (refusal.value.status, refusal.value.code) == (422, "mfa_factor_name_conflict")


async def test_an_administrator_removes_the_factor_of_a_lost_device(stack: StackConfig) -> None:
    credentials = {"email": new_address(), "password": PASSWORD}
    async with auth_client(stack) as client, admin_client(stack) as admin:
        signed_up = await client.sign_up(credentials)
        assert signed_up.user
        factor_id, _ = await enrolled(client)
        user = {"user_id": signed_up.user.id}
        listed = await admin.admin.mfa.list_factors(user)
        assert [factor.id for factor in listed] == [factor_id]
        await admin.admin.mfa.delete_factor(user | {"id": factor_id})
        await client.sign_in_with_password(credentials)
        level = await client.mfa.get_authenticator_assurance_level()
        assert (level.current_level, level.next_level) == ("aal1", "aal1")
