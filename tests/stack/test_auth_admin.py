"""What the holder of the secret key does: accounts, invitations, links."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import bcrypt
import psycopg
import pytest
from supabase_auth.errors import AuthApiError

from stack.config import StackConfig
from tests.stack.auth_clients import (
    PASSWORD,
    admin_client,
    auth_client,
    gateway,
    last_mail_to,
    mails_to,
    new_address,
)

# Processes that share the tests out must all know them by the same names.
NOBODY = "6c0f3f0e-0d3b-4c57-9a35-1f0f6f1c9f10"


async def test_a_created_user_has_the_given_id_and_can_log_in(stack: StackConfig) -> None:
    email, user_id = new_address(), str(uuid4())
    async with admin_client(stack) as admin, auth_client(stack) as client:
        created = await admin.admin.create_user(
            {
                "id": user_id,
                "email": email,
                "password": PASSWORD,
                "email_confirm": True,
                "user_metadata": {"full_name": "A. Person"},
                "app_metadata": {"clinic": "north"},
            }
        )
        assert created.user.id == user_id
        assert created.user.app_metadata["clinic"] == "north"
        assert created.user.app_metadata["provider"] == "email"
        signed_in = await client.sign_in_with_password({"email": email, "password": PASSWORD})
        assert signed_in.user
        assert signed_in.user.user_metadata["full_name"] == "A. Person"
        found = await admin.admin.get_user_by_id(user_id)
        assert found.user.email == email
    assert mails_to(stack, email) == []


async def test_a_given_bcrypt_hash_is_taken_over(stack: StackConfig) -> None:
    email = new_address()
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    async with admin_client(stack) as admin, auth_client(stack) as client:
        user = {"email": email, "password_hash": hashed, "email_confirm": True}
        await admin.admin.create_user(user)
        assert (await client.sign_in_with_password({"email": email, "password": PASSWORD})).session
        with pytest.raises(AuthApiError) as refusal:
            await admin.admin.create_user({"email": new_address(), "password_hash": "md5"})
    assert (refusal.value.status, refusal.value.code) == (400, "validation_failed")


async def test_taken_addresses_and_ids_are_refused(stack: StackConfig) -> None:
    email, user_id = new_address(), str(uuid4())
    async with admin_client(stack) as admin:
        await admin.admin.create_user({"email": email, "id": user_id})
        with pytest.raises(AuthApiError) as refusal:
            await admin.admin.create_user({"email": email.upper()})
        assert (refusal.value.status, refusal.value.code) == (422, "email_exists")
        with pytest.raises(AuthApiError) as refusal:
            await admin.admin.create_user({"email": new_address(), "id": user_id})
        assert refusal.value.status == 422
        with pytest.raises(AuthApiError) as refusal:
            await admin.admin.create_user({"email": new_address(), "id": "seven"})
        assert refusal.value.code == "validation_failed"


async def test_users_are_listed_in_pages_with_a_total(stack: StackConfig) -> None:
    async with gateway(stack, secret=True) as http:
        for _ in range(3):
            await http.post("/admin/users", json={"email": new_address()})
        page = await http.get("/admin/users", params={"page": 1, "per_page": 2})
        assert len(page.json()["users"]) == 2
        assert page.json()["aud"] == "authenticated"
        total = int(page.headers["x-total-count"])
        assert total >= 3
        assert 'rel="next"' in page.headers["link"]
        last = await http.get("/admin/users", params={"page": -(-total // 2), "per_page": 2})
        assert 1 <= len(last.json()["users"]) <= 2
        assert 'rel="next"' not in last.headers["link"]
        beyond = await http.get("/admin/users", params={"page": total + 1, "per_page": 2})
        assert beyond.json()["users"] == []
        refused = await http.get("/admin/users", params={"page": "first"})
        assert (refused.status_code, refused.json()["error_code"]) == (400, "validation_failed")


async def test_changes_take_effect_at_once_and_a_new_password_logs_out(
    stack: StackConfig,
) -> None:
    old, new = new_address(), new_address()
    async with admin_client(stack) as admin, auth_client(stack) as client:
        signed_up = await client.sign_up({"email": old, "password": PASSWORD})
        assert signed_up.user
        changed = await admin.admin.update_user_by_id(
            signed_up.user.id,
            {
                "email": new,
                "email_confirm": True,
                "password": "chosen-by-an-admin",
                "app_metadata": {"role": "owner"},
            },
        )
        assert changed.user.email == new
        assert changed.user.app_metadata["role"] == "owner"
        assert changed.user.app_metadata["provider"] == "email"
        with pytest.raises(AuthApiError):
            await client.refresh_session()
        await client.sign_in_with_password({"email": new, "password": "chosen-by-an-admin"})


async def test_a_deleted_user_is_gone_with_everything(stack: StackConfig) -> None:
    credentials = {"email": new_address(), "password": PASSWORD}
    async with admin_client(stack) as admin, auth_client(stack) as client:
        signed_up = await client.sign_up(credentials)
        assert signed_up.user
        await admin.admin.delete_user(signed_up.user.id)
        with pytest.raises(AuthApiError) as refusal:
            await client.get_user()
        assert refusal.value.code == "user_not_found"
        with pytest.raises(AuthApiError) as refusal:
            await admin.admin.delete_user(signed_up.user.id)
        assert (refusal.value.status, refusal.value.code) == (404, "user_not_found")
    with psycopg.connect(stack.db_url()) as connection:
        for table in ("identities", "sessions"):
            query = f"select count(*) from auth.{table} where user_id = %s"
            assert connection.execute(query, [signed_up.user.id]).fetchone() == (0,)  # type: ignore[arg-type]


async def test_a_softly_deleted_user_leaves_a_row_that_says_nothing(stack: StackConfig) -> None:
    email = new_address()
    async with admin_client(stack) as admin, auth_client(stack) as client:
        options = {"data": {"full_name": "A. Person"}}
        signed_up = await client.sign_up({"email": email, "password": PASSWORD, "options": options})
        assert signed_up.user
        await admin.admin.delete_user(signed_up.user.id, should_soft_delete=True)
        with pytest.raises(AuthApiError):
            await client.sign_in_with_password({"email": email, "password": PASSWORD})
    with psycopg.connect(stack.db_url()) as connection:
        row = connection.execute(
            "select users::text || coalesce(string_agg(identities::text, ''), '') "
            "from auth.users left join auth.identities on user_id = users.id "
            "where users.id = %s group by users.*",
            [signed_up.user.id],
        ).fetchone()
    assert row
    assert email not in row[0]
    assert "Person" not in row[0]


async def test_an_invited_user_gets_in_by_the_mail_and_then_chooses_a_password(
    stack: StackConfig,
) -> None:
    email = new_address()
    async with admin_client(stack) as admin, auth_client(stack) as client:
        invited = await admin.admin.invite_user_by_email(email, {"data": {"team": "desk"}})
        assert invited.user.invited_at
        code = last_mail_to(stack, email).code
        accepted = await client.verify_otp({"type": "invite", "email": email, "token": code})
        assert accepted.user
        assert accepted.user.user_metadata["team"] == "desk"
        await client.update_user({"password": PASSWORD})
        await client.sign_in_with_password({"email": email, "password": PASSWORD})
        with pytest.raises(AuthApiError) as refusal:
            await admin.admin.invite_user_by_email(email)
    assert (refusal.value.status, refusal.value.code) == (422, "email_exists")


@pytest.mark.parametrize("link_type", ["signup", "invite", "magiclink", "recovery"])
async def test_generated_links_carry_a_code_and_a_hash_that_work(
    stack: StackConfig, link_type: str
) -> None:
    email = new_address()
    params = {"type": link_type, "email": email}
    async with admin_client(stack) as admin, auth_client(stack) as client:
        if link_type in ("magiclink", "recovery"):
            await admin.admin.create_user({"email": email, "email_confirm": True})
        if link_type == "signup":
            params["password"] = PASSWORD
        for by_hash in (True, False):
            if link_type in ("signup", "invite") and not by_hash:
                continue  # accepting confirms the address, and there is nothing left to confirm
            link = (await admin.admin.generate_link(params)).properties
            assert link.verification_type == link_type
            proof = (
                {"type": link_type, "token_hash": link.hashed_token}
                if by_hash
                else {"type": link_type, "email": email, "token": link.email_otp}
            )
            assert (await client.verify_otp(proof)).session
    assert mails_to(stack, email) == []


async def test_many_creations_of_one_address_at_once_make_one_user(stack: StackConfig) -> None:
    body = {"email": new_address()}
    async with gateway(stack, secret=True) as http:
        answers = await asyncio.gather(*(http.post("/admin/users", json=body) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] + [422] * 5


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/admin/users"),
        ("POST", "/admin/users"),
        ("POST", "/invite"),
        ("POST", "/admin/generate_link"),
        ("GET", f"/admin/users/{NOBODY}"),
        ("PUT", f"/admin/users/{NOBODY}"),
        ("DELETE", f"/admin/users/{NOBODY}"),
        ("GET", f"/admin/users/{NOBODY}/factors"),
        ("DELETE", f"/admin/users/{NOBODY}/factors/{NOBODY}"),
    ],
)
async def test_the_publishable_key_reaches_none_of_it(
    stack: StackConfig, method: str, path: str
) -> None:
    async with gateway(stack) as http:
        answer = await http.request(method, path, json={"email": new_address()})
    assert (answer.status_code, answer.json()["error_code"]) == (403, "not_admin")
