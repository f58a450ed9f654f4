"""The running API of the test stack, and log-ins of people who call it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import psycopg
import pytest

from stack.config import StackConfig
from stack.seed import DEMO_ACCOUNTS, DEMO_CLINIC_ID, DEMO_PASSWORD

OTHER_CLINIC_ID = "20000000-0000-4000-8000-0000000000a1"

SignIn = Callable[[str], Awaitable[dict[str, str]]]


@pytest.fixture(scope="session")
async def api(stack: StackConfig) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=stack.api_url, timeout=15) as client:
        yield client


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

    async def sign_in(role: str) -> dict[str, str]:
        if role not in known:
            email = next(account.email for account in DEMO_ACCOUNTS if account.role == role)
            async with httpx.AsyncClient(base_url=stack.gateway_url) as gateway:
                answer = await gateway.post(
                    "/auth/v1/token?grant_type=password",
                    json={"email": email, "password": DEMO_PASSWORD},
                    headers={"apikey": stack.keys.publishable},
                )
            known[role] = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        return known[role]

    return sign_in
