"""The same `Idempotency-Key` again changes nothing more, on any copy and after any restart."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import psycopg
import pytest

from api import flows
from api.app import create_app
from appoint.settings import Settings
from stack.config import StackConfig
from tests.api.accounts import Account, NewAccount, assert_problem

PATH = "/v1/clinics"


def a_clinic() -> dict[str, Any]:
    slug = f"k-{uuid.uuid4().hex[:12]}"
    return {
        "name": f"Clinic {slug}",
        "slug": slug,
        "time_zone": "Europe/Vienna",
        "location": {"name": "Main Street"},
    }


def keyed(account: Account, key: str | None = None) -> dict[str, str]:
    return account.headers | {"Idempotency-Key": key or uuid.uuid4().hex}


def owned_by(stack: StackConfig, account: Account) -> int:
    with psycopg.connect(stack.db_url()) as connection:
        row = connection.execute(
            "select count(*) from public.members where user_id = %s", [account.user_id]
        ).fetchone()
    assert row is not None
    return int(row[0])


def change(stack: StackConfig, statement: str, *values: object) -> None:
    with psycopg.connect(stack.db_url()) as connection:
        connection.execute(statement, values)  # type: ignore[arg-type]


@asynccontextmanager
async def another_copy(stack: StackConfig) -> AsyncIterator[httpx.AsyncClient]:
    """A second API process's worth of state, over the same project."""
    app = create_app(
        Settings.model_validate(
            {
                "supabase_url": stack.gateway_url,
                "supabase_publishable_key": stack.keys.publishable,
                "supabase_secret_key": stack.keys.secret,
            }
        )
    )
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://copy.example"
        ) as client,
    ):
        yield client


async def test_a_replay_is_answered_alike_and_says_so(
    api: httpx.AsyncClient, new_account: NewAccount
) -> None:
    headers, body = keyed(await new_account()), a_clinic()
    first = await api.post(PATH, json=body, headers=headers)
    again = await api.post(PATH, json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201), first.text
    assert again.json() == first.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"


async def test_another_copy_replays_what_the_first_did(
    stack: StackConfig, api: httpx.AsyncClient, new_account: NewAccount
) -> None:
    account = await new_account()
    headers, body = keyed(account), a_clinic()
    first = await api.post(PATH, json=body, headers=headers)
    async with another_copy(stack) as copy:
        again = await copy.post(PATH, json=body, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    assert owned_by(stack, account) == 1


async def test_twenty_at_once_are_carried_out_once(
    stack: StackConfig, api: httpx.AsyncClient, new_account: NewAccount
) -> None:
    account = await new_account()
    headers, body = keyed(account), a_clinic()
    answers = await asyncio.gather(*(api.post(PATH, json=body, headers=headers) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}, [a.text for a in answers]
    assert len({answer.text for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert owned_by(stack, account) == 1


async def test_the_key_with_another_body_is_refused(
    stack: StackConfig, api: httpx.AsyncClient, new_account: NewAccount
) -> None:
    account = await new_account()
    headers = keyed(account)
    assert (await api.post(PATH, json=a_clinic(), headers=headers)).status_code == 201
    other = await api.post(PATH, json=a_clinic(), headers=headers)
    assert_problem(other, 409, "request_id_reused")
    assert owned_by(stack, account) == 1


async def test_a_key_belongs_to_one_person(api: httpx.AsyncClient, new_account: NewAccount) -> None:
    first, second = await new_account(), await new_account()
    key = uuid.uuid4().hex
    mine = await api.post(PATH, json=a_clinic(), headers=keyed(first, key))
    theirs = await api.post(PATH, json=a_clinic(), headers=keyed(second, key))
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.json()["id"] != theirs.json()["id"]


async def test_a_refused_request_may_be_tried_again(
    api: httpx.AsyncClient, new_account: NewAccount
) -> None:
    first, second = await new_account(), await new_account()
    body, headers = a_clinic(), keyed(second)
    assert (await api.post(PATH, json=body, headers=first.headers)).status_code == 201
    assert_problem(await api.post(PATH, json=body, headers=headers), 409, "slug_in_use")
    better = body | {"slug": f"{body['slug']}-2"}
    assert (await api.post(PATH, json=better, headers=headers)).status_code == 201


async def test_what_a_dead_copy_left_open_is_refused_until_its_lease_ends(
    stack: StackConfig,
    api: httpx.AsyncClient,
    new_account: NewAccount,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = await new_account()
    headers, body = keyed(account), a_clinic()
    assert (await api.post(PATH, json=body, headers=headers)).status_code == 201
    # As if the copy had died after the clinic was opened and before it could say so.
    change(
        stack,
        "update private.flow_requests set status = null, response = null,"
        " leased_until = now() + interval '1 hour' where user_id = %s",
        account.user_id,
    )
    monkeypatch.setattr(flows, "WAIT_FOR_TWIN_SECONDS", 0.1)
    async with another_copy(stack) as copy:
        waiting = await copy.post(PATH, json=body, headers=headers)
    assert_problem(waiting, 409, "request_in_progress")
    assert waiting.headers["retry-after"]
    change(
        stack,
        "update private.flow_requests set leased_until = now() where user_id = %s",
        account.user_id,
    )
    taken_over = await api.post(PATH, json=body, headers=headers)
    assert taken_over.status_code == 201, taken_over.text
    assert owned_by(stack, account) == 1


async def test_keys_are_forgotten_after_a_day(
    stack: StackConfig, api: httpx.AsyncClient, new_account: NewAccount
) -> None:
    account = await new_account()
    headers = keyed(account)
    assert (await api.post(PATH, json=a_clinic(), headers=headers)).status_code == 201
    change(
        stack,
        "update private.flow_requests set created_at = now() - interval '25 hours'"
        " where user_id = %s",
        account.user_id,
    )
    assert (await api.post(PATH, json=a_clinic(), headers=keyed(account))).status_code == 201
    other = await api.post(PATH, json=a_clinic(), headers=headers)
    assert other.status_code == 201, other.text


@pytest.mark.parametrize("key", ["short", "x" * 129, "with spaces", "ä" * 10])
async def test_a_key_of_another_shape_is_refused(
    api: httpx.AsyncClient, new_account: NewAccount, key: str
) -> None:
    account = await new_account()
    headers = [
        (b"authorization", account.headers["Authorization"].encode()),
        (b"idempotency-key", key.encode()),
    ]
    assert_problem(await api.post(PATH, json=a_clinic(), headers=headers), 422, "invalid_input")


async def test_who_asks_too_often_is_told_when_to_come_back(
    stack: StackConfig, api: httpx.AsyncClient, new_account: NewAccount
) -> None:
    account = await new_account()
    headers, body = keyed(account), a_clinic()
    assert (await api.post(PATH, json=body, headers=headers)).status_code == 201
    change(
        stack,
        "update private.flow_counts set requests = 20, window_starts_at = now() - interval '1 hour'"
        " where user_id = %s",
        account.user_id,
    )
    refused = await api.post(PATH, json=a_clinic(), headers=account.headers)
    assert_problem(refused, 429, "too_many_requests")
    assert 82_000 < int(refused.headers["retry-after"]) <= 82_800
    # What was done is still told.
    assert (await api.post(PATH, json=body, headers=headers)).status_code == 201
    change(
        stack,
        "update private.flow_counts set window_starts_at = now() - interval '25 hours'"
        " where user_id = %s",
        account.user_id,
    )
    assert (await api.post(PATH, json=a_clinic(), headers=account.headers)).status_code == 201
