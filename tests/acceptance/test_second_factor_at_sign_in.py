"""A clinic that wants a second factor of its staff, with the stock client: the password alone opens
nothing, the code opens everything, and nothing has to be waited for."""

from __future__ import annotations

import uuid

import httpx
import psycopg
import pyotp
from supabase import AsyncClientOptions, acreate_client

from stack.config import StackConfig
from tests import people
from tests.api.accounts import PASSWORD


async def test_the_code_of_the_second_factor_opens_what_the_password_does_not(
    stack: StackConfig,
) -> None:
    email = f"{uuid.uuid4().hex}@colleagues.example"
    async with httpx.AsyncClient(timeout=15) as http:
        created = await http.post(
            f"{stack.gateway_url}/auth/v1/admin/users",
            json={"email": email, "password": PASSWORD, "email_confirm": True},
            headers={"apikey": stack.keys.secret},
        )
        with psycopg.connect(stack.db_url(), autocommit=True) as connection:
            practice = people.make_practice(connection)
            people.make_member(
                connection, practice.clinic, "front_desk", uuid.UUID(created.json()["id"])
            )
            people.book(connection, practice, people.at(9))
            connection.execute(
                "update public.clinics set staff_needs_second_factor = true where id = %s",
                [practice.clinic],
            )
        options = AsyncClientOptions(httpx_client=http, auto_refresh_token=False)
        client = await acreate_client(stack.gateway_url, stack.keys.publishable, options)
        await client.auth.sign_in_with_password({"email": email, "password": PASSWORD})

        async def visits() -> int:
            return len((await client.table("appointments").select("id").execute()).data)

        assert await visits() == 0
        (membership,) = (await client.rpc("my_memberships").execute()).data  # type: ignore[misc]
        assert membership["needs_second_factor"] is True  # type: ignore[index, call-overload]

        factor = await client.auth.mfa.enroll({"factor_type": "totp", "friendly_name": "phone"})
        assert factor.totp is not None
        assert await visits() == 0, "a factor that is not verified opens nothing"
        await client.auth.mfa.challenge_and_verify(
            {"factor_id": factor.id, "code": pyotp.TOTP(factor.totp.secret).now()}
        )
        assert await visits() == 1
        await client.auth.sign_in_with_password({"email": email, "password": PASSWORD})
        assert await visits() == 0, "whoever signs in again without it is out again"
