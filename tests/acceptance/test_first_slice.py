"""The story of the product: sign up, find a slot, book it, read the mail, cancel it."""

from __future__ import annotations

from typing import Any

from stack.config import StackConfig
from tests.acceptance.clients import Person, a_service, mails_to, open_slots, sign_up
from tests.acceptance.eventually import eventually


async def mail_count(stack: StackConfig, person: Person, count: int) -> list[dict[str, Any]]:
    async def look() -> list[dict[str, Any]]:
        mails = await mails_to(stack, person.email)
        return mails if len(mails) >= count else []

    return await eventually(look)


async def test_a_patient_books_and_cancels_and_is_told_both_times(stack: StackConfig) -> None:
    service_id = await a_service(stack)
    person, rival = await sign_up(stack), await sign_up(stack)
    slot = (await open_slots(stack, service_id))[3]

    booked = await person.book(slot, service_id)
    assert booked.status_code == 200, booked.text
    appointment = booked.json()
    assert appointment["status"] == "booked"
    assert slot not in await open_slots(stack, service_id)

    refused = await rival.book(slot, service_id)
    assert (refused.status_code, refused.json()["message"]) == (409, "slot_taken")
    assert person.patient_id not in refused.text

    [confirmation] = await mail_count(stack, person, 1)
    assert confirmation["idempotency_key"]
    assert confirmation["text"]

    cancelled = await person.call("cancel_appointment", appointment_id=appointment["id"])
    assert cancelled.status_code == 200, cancelled.text
    assert cancelled.json()["status"] == "cancelled"
    assert cancelled.json()["version"] == appointment["version"] + 1
    assert len(await mail_count(stack, person, 2)) == 2
    assert slot in await open_slots(stack, service_id)

    rebooked = await rival.book(slot, service_id)
    assert rebooked.status_code == 200, rebooked.text
    await person.http.aclose()
    await rival.http.aclose()
