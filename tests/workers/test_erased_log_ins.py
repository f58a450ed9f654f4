"""Accounts of erased people go, also when the API died before it could delete them."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from supabase import AsyncClient

from appoint.settings import Settings
from appoint.supabase_clients import http_pool, service_client
from stack.config import StackConfig
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
