"""People of the acceptance tests: each speaks to the gateway as a browser does."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from stack.config import StackConfig
from stack.seed import DEMO_CLINIC_ID


@dataclass(frozen=True)
class Person:
    """A signed-in patient of the demo clinic."""

    http: httpx.AsyncClient
    email: str
    patient_id: str

    async def call(self, function: str, **arguments: Any) -> httpx.Response:
        return await self.http.post(f"/rest/v1/rpc/{function}", json=arguments)

    async def book(self, slot: dict[str, Any], service_id: str) -> httpx.Response:
        return await self.call(
            "book_appointment",
            service_id=service_id,
            provider_id=slot["provider_id"],
            starts_at=slot["starts_at"],
        )


async def sign_up(stack: StackConfig) -> Person:
    """A new patient, signed up with a password and registered with the demo clinic."""
    email = f"person-{uuid.uuid4().hex[:12]}@patients.example"
    http = httpx.AsyncClient(
        base_url=stack.gateway_url,
        headers={"apikey": stack.keys.publishable},
        timeout=60,
        limits=httpx.Limits(max_connections=20),
    )
    signed_up = await http.post(
        "/auth/v1/signup", json={"email": email, "password": "correct horse battery"}
    )
    assert signed_up.status_code == 200, signed_up.text
    http.headers["Authorization"] = f"Bearer {signed_up.json()['access_token']}"
    registered = await http.post(
        "/rest/v1/rpc/register_patient",
        json={"clinic_id": DEMO_CLINIC_ID, "full_name": "Pat Example"},
    )
    assert registered.status_code == 200, registered.text
    return Person(http, email, registered.json()["id"])


async def a_service(stack: StackConfig) -> str:
    """The id of a service of the demo clinic that a visitor can find slots for."""
    async with httpx.AsyncClient(
        base_url=stack.gateway_url, headers={"apikey": stack.keys.publishable}
    ) as visitor:
        services = await visitor.get(
            "/rest/v1/services",
            params={
                "select": "id",
                "clinic_id": f"eq.{DEMO_CLINIC_ID}",
                "order": "name",
                "limit": "1",
            },
        )
        assert services.status_code == 200, services.text
        return str(services.json()[0]["id"])


async def open_slots(stack: StackConfig, service_id: str, days: int = 14) -> list[dict[str, Any]]:
    """What a visitor sees for the coming days, in order of time."""
    now = datetime.now(UTC)
    async with httpx.AsyncClient(
        base_url=stack.gateway_url, headers={"apikey": stack.keys.publishable}, timeout=30
    ) as visitor:
        answer = await visitor.post(
            "/rest/v1/rpc/open_slots",
            json={
                "service_id": service_id,
                "from_time": now.isoformat(),
                "to_time": (now + timedelta(days=days)).isoformat(),
                "max_results": 5000,
            },
        )
    assert answer.status_code == 200, answer.text
    slots: list[dict[str, Any]] = answer.json()
    return slots


def far_apart(slots: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """As many slots that cannot get in each other's way, whatever rooms and buffers they need."""
    chosen: list[dict[str, Any]] = []
    free_from = datetime.min.replace(tzinfo=UTC)
    for slot in slots:
        if datetime.fromisoformat(slot["starts_at"]) >= free_from:
            chosen.append(slot)
            free_from = datetime.fromisoformat(slot["ends_at"]) + timedelta(hours=1)
    assert len(chosen) >= count
    return chosen[:count]


async def mails_to(stack: StackConfig, email: str) -> list[dict[str, Any]]:
    """Every mail the mailbox accepted for an address, newest first."""
    async with httpx.AsyncClient(timeout=10) as http:
        answer = await http.get(f"{stack.mailbox_url}/inbox.json", params={"to": email})
    assert answer.status_code == 200, answer.text
    mails: list[dict[str, Any]] = answer.json()
    return mails
