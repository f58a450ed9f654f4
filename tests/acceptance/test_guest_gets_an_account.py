"""A guest books with nothing but a confirmed address; later the same person takes over what the
clinic had of them before, chooses a password, and finds everything in one account."""

from __future__ import annotations

import uuid

import httpx
import psycopg
from supabase import AsyncClientOptions, acreate_client

from stack.config import StackConfig
from tests import people
from tests.acceptance.eventually import eventually
from tests.people import at
from tests.stack.auth_clients import mails_to

BORN = "1970-05-05"


async def code_for(stack: StackConfig, email: str) -> str:
    async def arrived() -> list[str]:
        mails = mails_to(stack, email)
        return [mail.code for mail in mails if not mail.subject.startswith("Your appointment")]

    return (await eventually(arrived))[-1]


async def test_a_guest_books_by_code_and_has_an_account_when_they_want_one(
    stack: StackConfig,
) -> None:
    email = f"guest-{uuid.uuid4().hex[:12]}@guests.example"
    with psycopg.connect(stack.db_url(), autocommit=True) as connection:
        here, there = people.make_practice(connection), people.make_practice(connection)
        known = people.insert(
            connection, "public.patients", clinic_id=there.clinic, full_name="Guest Example",
            email=email, date_of_birth=BORN,
        )["id"]  # fmt: skip
        older = people.insert(
            connection, "public.appointments", service_id=there.service,
            provider_id=there.provider, patient_id=known, starts_at=at(9),
        )["id"]  # fmt: skip
    async with httpx.AsyncClient(timeout=15) as http:
        options = AsyncClientOptions(httpx_client=http, auto_refresh_token=False)
        guest = await acreate_client(stack.gateway_url, stack.keys.publishable, options)
        await guest.auth.sign_in_with_otp({"email": email})
        code = await code_for(stack, email)
        await guest.auth.verify_otp({"email": email, "token": code, "type": "email"})
        await guest.rpc(
            "register_patient", {"clinic_id": str(here.clinic), "full_name": "Guest Example"}
        ).execute()
        booked = await guest.rpc(
            "book_appointment",
            {"service_id": str(here.service), "starts_at": at(11).isoformat()},
        ).execute()
        visit = booked.data["id"]  # type: ignore[call-overload, index]

        async def visits() -> set[str]:
            rows = (await guest.table("appointments").select("id").execute()).data
            return {str(row["id"]) for row in rows}  # type: ignore[call-overload, index]

        assert await visits() == {visit}
        wrong = await guest.rpc("claim_patient_records", {"date_of_birth": "1970-05-06"}).execute()
        assert wrong.data == []
        claimed = await guest.rpc("claim_patient_records", {"date_of_birth": BORN}).execute()
        assert [record["id"] for record in claimed.data] == [str(known)]  # type: ignore[call-overload, index, union-attr]
        assert await visits() == {visit, str(older)}

        await guest.auth.update_user({"password": "a password of their own"})
        await guest.auth.sign_out()
        await guest.auth.sign_in_with_password(
            {"email": email, "password": "a password of their own"}
        )
        assert await visits() == {visit, str(older)}
