"""From booking to the patient's calendar and back by a link, as calendar programs see it."""

from __future__ import annotations

import base64
import re
from typing import Any

import httpx

from stack.config import StackConfig
from tests.acceptance.clients import Person, a_service, mails_to, open_slots, sign_up
from tests.acceptance.eventually import eventually
from tests.calendar_parsers import understood


async def all_mails(stack: StackConfig, person: Person, count: int) -> list[dict[str, Any]]:
    async def look() -> list[dict[str, Any]]:
        mails = await mails_to(stack, person.email)
        return mails if len(mails) >= count else []

    return await eventually(look)


def attached(mail: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The method and the event of the mail's invitation."""
    (file,) = mail["attachments"]
    content = base64.b64decode(file["content"])
    ((event,),) = understood(content)
    method = file["content_type"].partition("method=")[2]
    assert f"METHOD:{method}\r\n".encode() in content
    return method, event


async def test_one_event_is_booked_and_called_off_by_the_link_in_its_mail(
    stack: StackConfig,
) -> None:
    service_id = await a_service(stack)
    person = await sign_up(stack)
    slot = (await open_slots(stack, service_id))[-1]
    booked = await person.book(slot, service_id)
    assert booked.status_code == 200, booked.text
    [confirmation] = await all_mails(stack, person, 1)
    method, event = attached(confirmation)
    assert (method, event["status"]) == ("REQUEST", "CONFIRMED")
    assert event["uid"] == f"{booked.json()['id']}@appoint"

    links = re.findall(r"Cancel: (\S+)", confirmation["text"])
    async with httpx.AsyncClient() as anybody:
        assert (await anybody.get(links[0])).json()["state"] == "usable"
        assert (await anybody.post(links[0])).json()["status"] == "cancelled"
    mails = await all_mails(stack, person, 2)
    method, called_off = attached(next(mail for mail in mails if mail["id"] != confirmation["id"]))
    assert (method, called_off["status"]) == ("CANCEL", "CANCELLED")
    assert called_off["uid"] == event["uid"]
    assert called_off["sequence"] > event["sequence"]
    await person.http.aclose()
