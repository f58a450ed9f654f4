"""The running API of the test stack, and log-ins of people who call it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import psycopg
import pytest

from api.app import create_app
from stack.config import StackConfig
from stack.seed import DEMO_ACCOUNTS, DEMO_CLINIC_ID, DEMO_PASSWORD
from tests.api.accounts import (
    PASSWORD,
    Account,
    NewAccount,
    StaffedClinic,
    sign_in,
    staff_a_clinic,
)
from tests.api.offline import SETTINGS, Offline

OTHER_CLINIC_ID = "20000000-0000-4000-8000-0000000000a1"

SignIn = Callable[[str], Awaitable[dict[str, str]]]


@pytest.fixture(scope="session")
async def api(stack: StackConfig) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=stack.api_url, timeout=15) as client:
        yield client


@pytest.fixture
async def offline() -> AsyncIterator[Offline]:
    """The application and a client, without any Supabase behind it."""
    app = create_app(SETTINGS)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://api.example"
        ) as client,
    ):
        yield app, client


@pytest.fixture(scope="session")
def clinic_id() -> str:
    return DEMO_CLINIC_ID


@pytest.fixture(scope="session")
def other_clinic_id(stack: StackConfig) -> str:
    """A clinic in which nobody of the demo clinic works."""
    with psycopg.connect(stack.db_url()) as connection:
        connection.execute(
            "insert into public.clinics (id, slug, name, time_zone) "
            "values (%s, 'elsewhere', 'Elsewhere', 'Europe/Vienna') on conflict do nothing",
            [OTHER_CLINIC_ID],
        )
    return OTHER_CLINIC_ID


@pytest.fixture(scope="session")
def signed_in(stack: StackConfig) -> SignIn:
    """The headers of a person of the demo clinic, by role."""
    known: dict[str, dict[str, str]] = {}

    async def by_role(role: str) -> dict[str, str]:
        if role not in known:
            email = next(account.email for account in DEMO_ACCOUNTS if account.role == role)
            token = await sign_in(stack, email, DEMO_PASSWORD)
            known[role] = {"Authorization": f"Bearer {token}"}
        return known[role]

    return by_role


@pytest.fixture(scope="session")
def new_account(stack: StackConfig) -> NewAccount:
    """Makes people with a confirmed address who are signed in."""

    async def make() -> Account:
        email = f"{uuid.uuid4().hex}@accounts.example"
        async with httpx.AsyncClient(base_url=stack.gateway_url) as gateway:
            created = await gateway.post(
                "/auth/v1/admin/users",
                json={"email": email, "password": PASSWORD, "email_confirm": True},
                headers={"apikey": stack.keys.secret},
            )
        assert created.status_code == 200, created.text
        token = await sign_in(stack, email, PASSWORD)
        return Account(created.json()["id"], email, token)

    return make


@pytest.fixture(scope="session")
async def staffed(stack: StackConfig, new_account: NewAccount) -> StaffedClinic:
    """A clinic of the tests' own; its people stay as they are."""
    return await staff_a_clinic(stack, new_account)
