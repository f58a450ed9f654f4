"""Patients who sign up and book over the gateway, and the mails they get."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from stack.config import StackConfig
from stack.seed import DEMO_CLINIC_ID

PATIENCE_SECONDS = 30


class Patient:
    """Somebody with an account and a record in the demo clinic."""

    def __init__(self, stack: StackConfig, address: str, access_token: str) -> None:
        self.stack = stack
        self.address = address
        self._headers = {
            "apikey": stack.keys.publishable,
            "Authorization": f"Bearer {access_token}",
        }

    async def register(self) -> None:
        await self._rpc("register_patient", clinic_id=DEMO_CLINIC_ID, full_name="Pat Example")

    async def book(self) -> dict[str, Any]:
        """Book the first free time that nobody else takes meanwhile."""
        return await self._take("book_appointment")

    async def hold(self) -> dict[str, Any]:
        """Hold the first free time."""
        return await self._take("hold_slot")

    async def _take(self, function: str) -> dict[str, Any]:
        service = (await self._get("services", clinic_id=f"eq.{DEMO_CLINIC_ID}"))[0]
        now = datetime.now(UTC)
        slots = await self._rpc(
            "open_slots",
            service_id=service["id"],
            from_time=now.isoformat(),
            to_time=(now + timedelta(days=14)).isoformat(),
            max_results=1,
        )
        appointment: dict[str, Any] = await self._rpc(
            function,
            service_id=service["id"],
            starts_at=slots[0]["starts_at"],
            provider_id=slots[0]["provider_id"],
        )
        return appointment

    async def cancel(self, appointment: dict[str, Any]) -> None:
        await self._rpc("cancel_appointment", appointment_id=appointment["id"])

    async def wait_for(self, appointment: dict[str, Any]) -> None:
        """Join the waiting list for visits of that kind."""
        await self._rpc("join_waitlist", service_id=appointment["service_id"])

    async def offers(self) -> list[dict[str, Any]]:
        """What this patient was offered, newest last."""
        offers: list[dict[str, Any]] = await self._get("waitlist_offers", order="created_at")
        return offers

    async def mails(self, at_least: int = 1) -> list[dict[str, Any]]:
        """What this patient has received, once it is that much."""
        return await mails_to(self.stack, self.address, at_least)

    async def _rpc(self, function: str, **parameters: Any) -> Any:
        return await self._ask("POST", f"rpc/{function}", json=parameters)

    async def _get(self, table: str, **filters: str) -> Any:
        return await self._ask("GET", table, params=filters)

    async def _ask(self, method: str, path: str, **content: Any) -> Any:
        url = f"{self.stack.gateway_url}/rest/v1/{path}"
        async with httpx.AsyncClient(headers=self._headers, timeout=15) as http:
            answer = await http.request(method, url, **content)
        assert answer.status_code == 200, answer.text
        return answer.json()


async def new_patient(stack: StackConfig) -> Patient:
    """Sign up and register with the demo clinic."""
    address = f"patient-{uuid.uuid4().hex}@example.org"
    async with httpx.AsyncClient(base_url=stack.gateway_url, timeout=15) as http:
        answer = await http.post(
            "/auth/v1/signup",
            json={"email": address, "password": uuid.uuid4().hex},
            headers={"apikey": stack.keys.publishable},
        )
    assert answer.status_code == 200, answer.text
    patient = Patient(stack, address, answer.json()["access_token"])
    await patient.register()
    return patient


async def mails_to(stack: StackConfig, address: str, at_least: int = 1) -> list[dict[str, Any]]:
    """The mails the mailbox holds for one address, once there are that many."""
    async with httpx.AsyncClient(base_url=stack.mailbox_url) as mailbox:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                answer = await mailbox.get("/inbox.json", params={"to": address})
                mails: list[dict[str, Any]] = answer.json()
                if len(mails) >= at_least:
                    return mails
                # The mailbox announces nothing; it can only be asked.
                await asyncio.sleep(0.02)


async def set_faults(stack: StackConfig, **faults: Any) -> None:
    async with httpx.AsyncClient(base_url=stack.mailbox_url) as mailbox:
        answer = await mailbox.post("/faults", json=faults)
        assert answer.status_code == 200, answer.text
