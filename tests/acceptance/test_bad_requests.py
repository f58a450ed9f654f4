"""What a careless or hostile client sends: one clear error each, and nothing written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import psycopg
import pytest

from stack.config import StackConfig
from tests.acceptance.clients import Person, a_service, open_slots, sign_up
from tests.people import Practice, make_practice

FAR = "00000000-0000-4000-8000-00000000dead"
ARGUMENTS: dict[str, dict[str, Any]] = {
    "malformed service id": {"service_id": "not-a-uuid"},
    "malformed time": {"starts_at": "yesterday-ish"},
    "unknown service": {"service_id": FAR},
    "unknown provider": {"provider_id": FAR},
    "a time in the past": {"starts_at": "2020-01-01T09:00:00Z"},
    "an infinite time": {"starts_at": "infinity"},
    "no time": {"starts_at": None},
    "the middle of the night": {
        "starts_at": (datetime.now(UTC) + timedelta(days=3))
        .replace(hour=2, minute=7, second=0, microsecond=0)
        .isoformat()
    },
    "a year ahead": {
        "starts_at": (datetime.now(UTC) + timedelta(days=3 * 365)).isoformat(timespec="seconds")
    },
    "unknown patient": {"patient_id": FAR},
}
EXPECTED = {
    "malformed service id": (400, "22P02"),
    "malformed time": (400, "22007"),
    "unknown service": (404, "not_found"),
    "unknown provider": (404, "not_found"),
    "a time in the past": (422, "too_soon"),
    "an infinite time": (422, "invalid_time"),
    "no time": (422, "invalid_time"),
    "the middle of the night": (422, "outside_availability"),
    "a year ahead": (422, "too_far_ahead"),
    "unknown patient": (404, "not_found"),
}


def appointment_count(stack: StackConfig) -> int:
    with psycopg.connect(stack.db_url()) as connection:
        row = connection.execute("select count(*) from public.appointments").fetchone()
    assert row
    return int(row[0])


@pytest.fixture
async def person(stack: StackConfig) -> Any:
    somebody = await sign_up(stack)
    yield somebody
    await somebody.http.aclose()


@pytest.mark.parametrize("what", ARGUMENTS)
async def test_a_booking_with_a_wrong_argument_is_refused_in_words(
    stack: StackConfig, person: Person, what: str
) -> None:
    service_id = await a_service(stack)
    slot = (await open_slots(stack, service_id))[0]
    before = appointment_count(stack)
    arguments = {
        "service_id": service_id,
        "provider_id": slot["provider_id"],
        "starts_at": slot["starts_at"],
        **ARGUMENTS[what],
    }

    answer = await person.call("book_appointment", **arguments)

    body = answer.json()
    assert (answer.status_code, body["message"]) == EXPECTED[what] or (
        answer.status_code,
        body["code"],
    ) == EXPECTED[what], answer.text
    assert appointment_count(stack) == before


@pytest.fixture(scope="module")
def elsewhere(stack: StackConfig) -> Practice:
    """Another clinic, which has one of everything and is open around the clock."""
    with psycopg.connect(stack.db_url()) as connection:
        return make_practice(connection)


@pytest.mark.parametrize(
    "theirs",
    [("service",), ("provider",), ("patient",), ("service", "provider"), ("provider", "patient")],
)
async def test_a_booking_across_clinics_is_refused(
    stack: StackConfig, person: Person, elsewhere: Practice, theirs: tuple[str, ...]
) -> None:
    """Each id exists, and would do at home."""
    service_id = await a_service(stack)
    slot = (await open_slots(stack, service_id))[0]
    before = appointment_count(stack)
    arguments = {
        "service_id": service_id,
        "provider_id": slot["provider_id"],
        "starts_at": slot["starts_at"],
        **{f"{what}_id": str(getattr(elsewhere, what)) for what in theirs},
    }

    answer = await person.call("book_appointment", **arguments)

    assert (answer.status_code, answer.json()["message"]) == (404, "not_found"), answer.text
    assert appointment_count(stack) == before


async def test_an_unknown_function_is_not_found(person: Person) -> None:
    answer = await person.call("book_everything", now=True)
    assert answer.status_code == 404


async def test_wrong_and_missing_keys_are_refused(stack: StackConfig) -> None:
    async with httpx.AsyncClient(base_url=stack.gateway_url) as http:
        for headers in ({}, {"apikey": "sb_publishable_guessed"}, {"apikey": "eyJ.forged.key"}):
            answer = await http.get("/rest/v1/clinics", headers=headers)
            assert answer.status_code == 401, headers
            assert answer.json()["message"]


@pytest.mark.parametrize("fault", ["expired", "tampered", "unsigned", "another_secret"])
async def test_a_token_that_is_not_ours_or_over_is_refused(
    stack: StackConfig, person: Person, fault: str
) -> None:
    mine = person.http.headers["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(mine, options={"verify_signature": False})
    signing_key = jwt.PyJWK(stack.keys.signing_jwk)
    header = {"kid": stack.keys.signing_jwk["kid"]}
    head, body, signature = mine.split(".")
    token = {
        "expired": lambda: jwt.encode(
            claims | {"exp": claims["iat"] - 3600}, signing_key, "ES256", header
        ),
        "tampered": lambda: f"{head}.{body[:-4]}AAAA.{signature}",
        "unsigned": lambda: jwt.encode(claims | {"role": "service_role"}, None, "none"),
        "another_secret": lambda: jwt.encode(
            claims | {"role": "service_role"}, "guessed-" * 8, "HS256"
        ),
    }[fault]()

    answer = await person.http.get(
        "/rest/v1/appointments", headers={"Authorization": f"Bearer {token}"}
    )

    assert answer.status_code == 401, answer.text


async def test_changing_everything_at_once_is_refused(stack: StackConfig) -> None:
    headers = {"apikey": stack.keys.secret}
    async with httpx.AsyncClient(base_url=stack.gateway_url, headers=headers) as http:
        answers = [
            await http.delete("/rest/v1/patients"),
            await http.patch("/rest/v1/patients", json={"full_name": "Everybody"}),
        ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (400, "21000"),
        (400, "21000"),
    ]
