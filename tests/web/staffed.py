"""A clinic of a test's own, and pages at which its staff is signed in already."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import psycopg
from playwright.async_api import Page

from stack.config import StackConfig
from tests.people import (
    Connection,
    insert,
    make_clinic,
    make_location,
    make_member,
    make_provider,
    make_service,
)
from tests.web.conftest import NewPage

PASSWORD = "correct horse battery"
ROLES = ("owner", "manager", "front_desk", "provider")
# What supabase-js remembers a session under; lib/supabase.ts.
SESSION_KEY = "appoint.session"


@dataclass(frozen=True)
class Staffed:
    """`sessions` are those of Auth, by role."""

    id: UUID
    slug: str
    location: UUID
    service: UUID
    provider: UUID
    sessions: dict[str, dict[str, Any]]

    def email(self, role: str) -> str:
        return str(self.sessions[role]["user"]["email"])

    async def page(self, new_page: NewPage, role: str, path: str, **options: Any) -> Page:
        """A browser of its own in which somebody of that role looks at a page of the clinic."""
        page = await new_page(**options)
        await remember(page, self.sessions[role])
        await page.goto(f"/staff/{self.id}/{path}")
        return page


async def remember(page: Page, session: dict[str, Any]) -> None:
    """Lets the page's browser be signed in from its next load on."""
    key, value = json.dumps(SESSION_KEY), json.dumps(json.dumps(session))
    await page.add_init_script(
        f"localStorage.getItem({key}) ?? localStorage.setItem({key}, {value})"
    )


async def new_session(stack: StackConfig, email: str = "") -> dict[str, Any]:
    """A new person with a password, signed in; with an address of their own unless one is given."""
    async with httpx.AsyncClient(
        base_url=stack.gateway_url, headers={"apikey": stack.keys.publishable}, timeout=60
    ) as http:
        answer = await http.post(
            "/auth/v1/signup",
            json={
                "email": email or f"staff-{uuid.uuid4().hex[:12]}@people.example",
                "password": PASSWORD,
            },
        )
    assert answer.status_code == 200, answer.text
    session: dict[str, Any] = answer.json()
    return session


async def staff_a_clinic(stack: StackConfig) -> Staffed:
    """A clinic with one of everything, open around the clock, and a member of each role."""
    sessions = {role: await new_session(stack) for role in ROLES}
    with psycopg.connect(stack.db_url()) as connection:
        return _set_up(connection, sessions)


def _set_up(connection: Connection, sessions: dict[str, dict[str, Any]]) -> Staffed:
    slug = f"quay-{uuid.uuid4().hex[:12]}"
    clinic = make_clinic(connection, slug=slug, name="Quay Practice", time_zone="Europe/Amsterdam")
    location = make_location(connection, clinic, "Europe/Amsterdam")
    service = make_service(connection, clinic, name="Short talk")
    provider = make_provider(connection, clinic, location, (service,))
    insert(
        connection,
        "public.resources",
        clinic_id=clinic,
        location_id=location,
        kind="room",
        name="Room 1",
    )
    for role, session in sessions.items():
        make_member(connection, clinic, role, UUID(session["user"]["id"]))
    connection.execute(
        "update public.providers set user_id = %s where id = %s",
        [sessions["provider"]["user"]["id"], provider],
    )
    return Staffed(clinic, slug, location, service, provider, sessions)
