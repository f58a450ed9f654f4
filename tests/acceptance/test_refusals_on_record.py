"""Whoever tries what is not theirs leaves a line somewhere, with their id and without contents.

A refusal rolls its transaction back, and with it any row it could write. So the record is the log:
the API's own, and PostgreSQL's for what browsers ask it directly.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from stack.config import StackConfig
from stack.seed import DEMO_CLINIC_ID
from tests.acceptance.clients import Person, sign_up
from tests.acceptance.eventually import eventually
from tests.bad_tokens import Forger


@pytest.fixture
async def outsider(stack: StackConfig) -> AsyncIterator[Person]:
    """A patient of the demo clinic, who has no business anywhere else."""
    person = await sign_up(stack)
    yield person
    await person.http.aclose()


async def user_id(outsider: Person) -> str:
    answer = await outsider.http.get("/auth/v1/user")
    return str(answer.json()["id"])


def lines(stack: StackConfig, log: str) -> list[str]:
    return (stack.logs / log).read_text(errors="replace").splitlines()


ATTEMPTS = (
    ("PATCH", "/v1/clinics/{id}", {"name": "Mine"}, {"not_found"}),
    ("POST", "/v1/clinics/{id}/patients/{id}/erasure", {"confirm": "erase"}, {"not_found"}),
    ("POST", "/v1/clinics/{id}/imports", None, {"not_found", "invalid_input"}),
    ("POST", "/v1/me/erasure", {"confirm": "not in words"}, {"invalid_input"}),
)


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=[path for _, path, _, _ in ATTEMPTS])
async def test_the_api_notes_who_was_refused_what(
    stack: StackConfig, outsider: Person, attempt: tuple[str, str, object, set[str]]
) -> None:
    method, path, body, keys = attempt
    mark = uuid.uuid4().hex
    headers = {"Authorization": outsider.http.headers["Authorization"], "X-Request-Id": mark}
    async with httpx.AsyncClient(base_url=stack.api_url, headers=headers) as api:
        answer = await api.request(method, path.format(id=uuid.uuid4()), json=body)
    assert 400 <= answer.status_code < 500, answer.text

    async def line() -> str | None:
        return next((one for one in lines(stack, "api.log") if mark in one), None)

    said = json.loads(await eventually(line) or "")
    assert (said["user_id"], said["status"]) == (await user_id(outsider), answer.status_code)
    assert said["refusal"] == answer.json()["key"]
    assert said["refusal"] in keys


@pytest.mark.parametrize("function", ["cancel_appointment", "open_patient", "merge_patients"])
async def test_postgresql_notes_who_was_refused_by_a_function(
    stack: StackConfig, outsider: Person, function: str
) -> None:
    arguments = {
        "cancel_appointment": {"appointment_id": str(uuid.uuid4())},
        "open_patient": {"patient_id": str(uuid.uuid4())},
        "merge_patients": {"keep_id": str(uuid.uuid4()), "merge_id": str(uuid.uuid4())},
    }[function]
    answer = await outsider.call(function, **arguments)
    assert (answer.status_code, answer.json()["message"]) == (404, "not_found")
    expected = f"refused: not_found to {await user_id(outsider)}"

    async def noted() -> bool:
        return any(expected in line for line in lines(stack, "postgres.log"))

    assert await eventually(noted)


async def test_the_gateway_notes_what_no_row_and_no_function_could(
    stack: StackConfig, outsider: Person
) -> None:
    """Bad tokens, broken constraints and malformed ids: by status, code and subject, no more."""
    subject = await user_id(outsider)
    forger = Forger(stack, subject)
    mine = {"clinic_id": DEMO_CLINIC_ID, "patient_id": outsider.patient_id}
    forged = {"Authorization": f"Bearer {forger.sign(forger.foreign)}"}
    attempts: list[tuple[str, Any, dict[str, str], str]] = [
        ("rest/v1/rpc/my_memberships", {}, forged, "refused: 401 by postgrest, PGRST301"),
        ("auth/v1/reauthenticate", None, forged, "refused: 403 by auth, bad_jwt"),
        (
            "rest/v1/notification_preferences",
            mine | {"language": "no such language"},
            {},
            "refused: 400 by postgrest, 23514",
        ),
        (
            "rest/v1/rpc/open_patient",
            {"patient_id": "no id"},
            {},
            "refused: 400 by postgrest, 22P02",
        ),
    ]
    before = len(lines(stack, "gateway.log"))
    for path, body, headers, _ in attempts:
        method = "POST" if body is not None else "GET"
        await outsider.http.request(method, f"/{path}", json=body, headers=headers)

    async def noted() -> bool:
        new = lines(stack, "gateway.log")[before:]
        return all(any(f"{line} to {subject}" in one for one in new) for *_, line in attempts)

    assert await eventually(noted)


async def test_postgresql_notes_what_a_grant_or_policy_refuses(
    stack: StackConfig, outsider: Person
) -> None:
    tables = ("patients", "members")
    before = len(lines(stack, "postgres.log"))
    for path, method in (("patients?select=*", "GET"), ("members", "POST")):
        answer = await outsider.http.request(
            method, f"/rest/v1/{path}", json={"role": "owner"} if method == "POST" else None
        )
        assert answer.status_code == 403, answer.text

    async def noted() -> bool:
        new = "\n".join(lines(stack, "postgres.log")[before:])
        return all(f"permission denied for table {name}" in new for name in tables)

    assert await eventually(noted)
