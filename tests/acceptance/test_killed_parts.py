"""Any part may be killed amid a burst of bookings: what was answered stays true."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import httpx
import psycopg
import pytest

from stack import web
from stack.config import StackConfig
from stack.state import PartState, StackState
from tests.acceptance.clients import Person, a_service, far_apart, mails_to, open_slots, sign_up
from tests.acceptance.eventually import eventually

BOOKINGS = 12
# So many are answered before the kill; the others are under way.
ANSWERED_BEFORE = 3


def part(stack: StackConfig, name: str) -> PartState:
    state = StackState.load(stack.directory)
    assert state
    return state.parts[name]


async def book_patiently(
    person: Person, slot: dict[str, Any], service_id: str, request_id: str
) -> dict[str, Any]:
    """Book as a careful client does: the same request again until there is an answer."""

    async def attempt() -> dict[str, Any]:
        try:
            answer = await person.call(
                "book_appointment",
                service_id=service_id,
                provider_id=slot["provider_id"],
                starts_at=slot["starts_at"],
                request_id=request_id,
            )
        except httpx.TransportError:
            return {}
        return answer.json() if answer.status_code == 200 else {}

    return await eventually(attempt, seconds=60)


@pytest.mark.parametrize(
    "name",
    [
        "postgres",
        "postgrest",
        "auth",
        "realtime",
        "functions",
        "gateway",
        "mailbox",
        "api",
        "worker",
        pytest.param("web", marks=pytest.mark.skipif(not web.is_built(), reason="not built")),
    ],
)
async def test_a_killed_part_comes_back_and_no_answered_booking_or_mail_is_lost(
    stack: StackConfig, name: str
) -> None:
    service_id = await a_service(stack)
    people = [await sign_up(stack) for _ in range(BOOKINGS)]
    slots = far_apart(await open_slots(stack, service_id, days=60), BOOKINGS)
    before = part(stack, name)
    assert before.pid

    answered = 0
    killed = asyncio.Event()

    async def book(person: Person, slot: dict[str, Any]) -> dict[str, Any]:
        nonlocal answered
        request_id = f"00000000-0000-4000-9000-{os.urandom(6).hex()}"
        appointment = await book_patiently(person, slot, service_id, request_id)
        answered += 1
        if answered == ANSWERED_BEFORE:
            os.kill(before.pid, signal.SIGKILL)
            killed.set()
        return appointment

    burst = asyncio.gather(*map(book, people, slots))
    await killed.wait()

    async def is_back() -> bool:
        now = part(stack, name)
        return now.pid not in (None, before.pid) and now.healthy

    await eventually(is_back, seconds=60)
    answers = await burst

    with psycopg.connect(stack.db_url()) as connection:
        rows = connection.execute(
            "select id::text from public.appointments where id = any(%s) and status = 'booked'",
            [[appointment["id"] for appointment in answers]],
        ).fetchall()
    assert {row[0] for row in rows} == {appointment["id"] for appointment in answers}
    assert len(rows) == BOOKINGS

    async def everybody_has_mail() -> bool:
        return all([await mails_to(stack, person.email) for person in people])

    await eventually(everybody_has_mail, seconds=90)
    for person in people:
        assert len(await mails_to(stack, person.email)) == 1
        await person.http.aclose()
