"""Two hundred requests for one slot: one is served, the others are told so, and that is all."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter

import psycopg

from stack.config import StackConfig
from tests.acceptance.clients import a_service, open_slots, sign_up

PATIENTS = 50
CALLS_EACH = 4


async def test_fifty_patients_and_two_hundred_calls_for_one_slot_give_one_appointment(
    stack: StackConfig,
) -> None:
    service_id = await a_service(stack)
    people = [await sign_up(stack) for _ in range(PATIENTS)]
    slot = (await open_slots(stack, service_id))[0]

    answers = await asyncio.gather(
        *(person.book(slot, service_id) for person in people for _ in range(CALLS_EACH))
    )

    outcomes = Counter(
        (answer.status_code, answer.json().get("message") if answer.status_code != 200 else None)
        for answer in answers
    )
    assert outcomes == {(200, None): 1, (409, "slot_taken"): PATIENTS * CALLS_EACH - 1}
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["details"] is None
            assert answer.json()["hint"]
    winner = next(answer.json() for answer in answers if answer.status_code == 200)
    with psycopg.connect(stack.db_url()) as connection:
        reserved = connection.execute(
            "select resource_id, count(*) from private.reservations"
            " where appointment_id = %s group by resource_id",
            [winner["id"]],
        ).fetchall()
    assert all(count == 1 for _, count in reserved)
    resources = {str(resource) for resource, _ in reserved}
    assert {winner["provider_id"], winner["patient_id"]} <= resources
    await asyncio.gather(*(person.http.aclose() for person in people))


async def test_two_sql_sessions_race_and_the_loser_reads_why(stack: StackConfig) -> None:
    service_id = await a_service(stack)
    slot = (await open_slots(stack, service_id))[-1]
    first, second = await sign_up(stack), await sign_up(stack)
    start = threading.Barrier(2)

    def insert(patient_id: str) -> psycopg.Error | None:
        with psycopg.connect(stack.db_url()) as connection:
            start.wait()
            try:
                connection.execute(
                    "insert into public.appointments"
                    " (service_id, provider_id, patient_id, starts_at, status)"
                    " values (%s, %s, %s, %s, 'booked')",
                    [service_id, slot["provider_id"], patient_id, slot["starts_at"]],
                )
            except psycopg.Error as error:
                return error
        return None

    errors = await asyncio.gather(
        *(asyncio.to_thread(insert, person.patient_id) for person in (first, second))
    )

    refused = [error for error in errors if error is not None]
    assert len(refused) == 1
    assert refused[0].diag.message_primary == "slot_taken"
    assert refused[0].diag.message_hint
    assert refused[0].diag.message_detail is None
    await asyncio.gather(first.http.aclose(), second.http.aclose())
