"""Accounts of erased people go, also when the API died before it could delete them."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from supabase import AsyncClient
from supabase_auth.errors import AuthApiError

from appoint.settings import Settings
from appoint.supabase_clients import http_pool, service_client
from stack.config import StackConfig
from workers import erased_log_ins
from workers.erased_log_ins import ErasedLogIns


@pytest.fixture
async def client(workerless_stack: StackConfig) -> AsyncIterator[AsyncClient]:
    settings = Settings.model_validate(
        {
            "supabase_url": workerless_stack.gateway_url,
            "supabase_publishable_key": workerless_stack.keys.publishable,
            "supabase_secret_key": workerless_stack.keys.secret,
        }
    )
    async with http_pool() as http:
        yield service_client(settings, http)


async def erased_patient(stack: StackConfig, client: AsyncClient) -> tuple[str, str]:
    """Somebody whose record was erased and whose account is still there: user and clinic."""
    created = await client.auth.admin.create_user(
        {"email": f"{uuid.uuid4().hex}@erased.example", "email_confirm": True}
    )
    user = created.user.id
    with psycopg.connect(stack.db_url()) as connection:
        row = connection.execute(
            "with clinic as (insert into public.clinics (slug, name, time_zone)"
            " values (%s, 'Erasing', 'UTC') returning id)"
            " insert into public.patients (clinic_id, user_id, full_name)"
            " select id, %s, 'Pat Example' from clinic returning id, clinic_id",
            [f"erasing-{uuid.uuid4().hex[:12]}", user],
        ).fetchone()
    assert row is not None
    parameters: dict[str, Any] = {"patient_id": str(row[0])}
    await client.schema("worker").rpc("erase_with_log_in", parameters).execute()
    return user, str(row[1])


def is_there(stack: StackConfig, user: str) -> bool:
    with psycopg.connect(stack.db_url()) as connection:
        return connection.execute("select from auth.users where id = %s", [user]).fetchone() == ()


async def test_what_the_api_left_undone_is_done(
    workerless_stack: StackConfig, client: AsyncClient
) -> None:
    user, _ = await erased_patient(workerless_stack, client)
    assert is_there(workerless_stack, user)
    await ErasedLogIns(client).look()
    assert not is_there(workerless_stack, user)
    assert await ErasedLogIns(client).look() is False


@pytest.mark.parametrize(
    "refusal",
    [
        AuthApiError("Database error deleting user", 500, "unexpected_failure"),
        AuthApiError("no Route matched with those values", 404, None),
    ],
)
async def test_an_account_that_auth_will_not_delete_keeps_no_other(
    workerless_stack: StackConfig,
    client: AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    refusal: AuthApiError,
) -> None:
    kept, first, second = [(await erased_patient(workerless_stack, client))[0] for _ in range(3)]
    delete_user = client.auth.admin.delete_user

    async def refuse_one(user: str) -> None:
        if user == kept:
            raise refusal
        await delete_user(user)

    monkeypatch.setattr(client.auth.admin, "delete_user", refuse_one)
    with pytest.raises(AuthApiError):
        await ErasedLogIns(client).look()
    assert [is_there(workerless_stack, user) for user in (kept, first, second)] == [
        True,
        False,
        False,
    ]
    (refused,) = [record for record in caplog.records if record.message == "log_in_not_deleted"]
    assert (refused.user_id, refused.code) == (kept, refusal.code)
    # It comes after who was never tried, though it has waited for longer.
    monkeypatch.setattr(erased_log_ins, "BATCH", 1)
    later, _ = await erased_patient(workerless_stack, client)
    assert await ErasedLogIns(client).look() is True
    assert not is_there(workerless_stack, later)
    monkeypatch.undo()
    await ErasedLogIns(client).look()
    assert not is_there(workerless_stack, kept)


async def test_who_registered_again_meanwhile_is_left_alone(
    workerless_stack: StackConfig, client: AsyncClient
) -> None:
    user, clinic = await erased_patient(workerless_stack, client)
    with psycopg.connect(workerless_stack.db_url()) as connection:
        connection.execute(
            "insert into public.patients (clinic_id, user_id, full_name) values (%s, %s, 'Again')",
            [clinic, user],
        )
    await ErasedLogIns(client).look()
    assert is_there(workerless_stack, user)
