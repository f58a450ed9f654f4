"""The running API of the test stack, and log-ins of people who call it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import httpx
import psycopg
import pytest

from api.app import create_app
from stack.config import StackConfig
from stack.seed import DEMO_ACCOUNTS, DEMO_CLINIC_ID, DEMO_PASSWORD
from tests.api.accounts import PASSWORD, Account, StaffedClinic, sign_in
from tests.api.offline import SETTINGS, Offline

OTHER_CLINIC_ID = "20000000-0000-4000-8000-0000000000a1"

SignIn = Callable[[str], Awaitable[dict[str, str]]]
NewAccount = Callable[[], Awaitable[Account]]


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
    """A clinic of the tests' own with a member of each role, a suspended one and a patient, and
    the owner of another clinic."""
    roles = ("owner", "manager", "front_desk", "provider", "suspended", "patient", "stranger")
    people = {role: await new_account() for role in roles}
    clinic, elsewhere, patient = (str(uuid.uuid4()) for _ in range(3))
    members: dict[str, str] = {}
    with psycopg.connect(stack.db_url()) as connection:
        for identity, name in ((clinic, "Walls"), (elsewhere, "Next Door")):
            connection.execute(
                "insert into public.clinics (id, slug, name, time_zone)"
                " values (%s, %s, %s, 'Europe/Vienna')",
                [identity, f"clinic-{identity[:13]}", name],
            )
        for role in ("owner", "manager", "front_desk", "provider", "suspended"):
            row = connection.execute(
                "insert into public.members (clinic_id, user_id, role, active)"
                " values (%s, %s, %s, %s) returning id",
                [
                    clinic,
                    people[role].user_id,
                    "manager" if role == "suspended" else role,
                    role != "suspended",
                ],
            ).fetchone()
            assert row is not None
            members[role] = str(row[0])
        connection.execute(
            "insert into public.members (clinic_id, user_id, role) values (%s, %s, 'owner')",
            [elsewhere, people["stranger"].user_id],
        )
        connection.execute(
            "insert into public.patients (id, clinic_id, user_id, full_name, email, date_of_birth)"
            " values (%s, %s, %s, 'Perpetua Canary', %s, %s)",
            [
                patient,
                clinic,
                people["patient"].user_id,
                people["patient"].email,
                datetime(1980, 1, 1, tzinfo=UTC).date(),
            ],
        )
    return StaffedClinic(clinic, elsewhere, people, members, patient)
