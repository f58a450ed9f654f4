"""Bad tokens at what browsers reach beside the API: forged ones get in nowhere, and what a token
signed by the project but of another kind gets is written down (docs/decisions/0030)."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from stack.config import StackConfig
from tests.bad_tokens import FORGED, UNUSUAL, Forger
from tests.stack.realtime_clients import connected

DECISION = Path(__file__).parents[2] / "docs" / "decisions" / "0030-proof-of-access.md"


@pytest.fixture(scope="module")
async def forger(stack: StackConfig) -> Forger:
    """In the name of somebody who really signed up."""
    async with httpx.AsyncClient(base_url=stack.gateway_url) as http:
        signed_up = await http.post(
            "/auth/v1/signup",
            json={
                "email": f"forged.{time.time_ns()}@people.example",
                "password": "a long password",
            },
            headers={"apikey": stack.keys.publishable},
        )
    claims: dict[str, Any] = jwt.decode(
        signed_up.json()["access_token"], options={"verify_signature": False}
    )
    kept = {name: claims[name] for name in ("email", "session_id")}
    return Forger(stack, claims["sub"], **kept)


async def asked(
    stack: StackConfig, method: str, path: str, bearer: str, *, with_key: bool = True
) -> httpx.Response:
    headers = [(b"authorization", f"Bearer {bearer}".strip().encode())]
    if with_key:
        headers.append((b"apikey", stack.keys.publishable.encode()))
    async with httpx.AsyncClient(base_url=stack.gateway_url) as http:
        return await http.request(method, path, headers=headers)


async def postgrest(forger: Forger, bearer: str) -> bool:
    """Whether the token's owner is somebody there, or at least some role."""
    answer = await asked(forger.stack, "POST", "/rest/v1/rpc/my_memberships", bearer)
    assert answer.status_code in (200, 400, 401, 403), answer.text
    return answer.status_code == 200


async def auth(forger: Forger, bearer: str) -> bool:
    answer = await asked(forger.stack, "GET", "/auth/v1/user", bearer)
    assert answer.status_code in (200, 400, 401, 403, 404), answer.text
    assert answer.status_code == 200 or forger.claims["email"] not in answer.text
    return answer.status_code == 200


async def realtime(forger: Forger, bearer: str) -> bool:
    async with connected(forger.stack) as client:
        topic = f"realtime:user:{forger.claims['sub']}"
        reply = await client.join(topic, bearer, private=True)
    return bool(reply["status"] == "ok")


PARTS = {"PostgREST": postgrest, "Auth": auth, "Realtime": realtime}


@pytest.mark.parametrize("part", PARTS)
async def test_a_forged_token_is_let_in_nowhere(forger: Forger, part: str) -> None:
    ask = PARTS[part]
    assert await ask(forger, forger.sign()), "or all could be refused for another reason"
    # Together: Realtime answers a refused join late, to slow down whoever guesses.
    answers = await asyncio.gather(*(ask(forger, forge(forger)) for forge in FORGED.values()))
    assert [name for name, let_in in zip(FORGED, answers, strict=True) if let_in] == []


@pytest.mark.parametrize("role", ["postgres", "supabase_admin", "authenticator", "owner", "none"])
async def test_no_signature_makes_a_role_of_what_is_none(forger: Forger, role: str) -> None:
    assert not await postgrest(forger, forger.sign(role=role))


def table_of_unusual_tokens() -> dict[str, dict[str, bool]]:
    """The rows of the decision's table: what each part does with each token."""
    section = DECISION.read_text().partition("| token |")[2].partition("\n\n")[0]
    head, _, *lines = section.splitlines()
    parts = [cell.strip() for cell in head.strip("| ").split("|")]
    table = {}
    for line in lines:
        name, *marks = (cell.strip() for cell in line.strip("| ").split("|"))
        assert set(marks) <= {"in", "refused"}, line
        table[name] = {part: mark == "in" for part, mark in zip(parts, marks, strict=True)}
    return table


async def test_tokens_of_another_kind_get_what_is_written_down(forger: Forger) -> None:
    """Wrong issuer, audience and kind: only the project could have signed such a token."""

    async def row(forge: Any) -> dict[str, bool]:
        token = forge(forger)
        answers = await asyncio.gather(*(ask(forger, token) for ask in PARTS.values()))
        # The API refuses all of them: tests/api/test_access_tokens.py.
        return {"API": False} | dict(zip(PARTS, answers, strict=True))

    rows = await asyncio.gather(*(row(forge) for forge in UNUSUAL.values()))
    assert dict(zip(UNUSUAL, rows, strict=True)) == table_of_unusual_tokens()


async def test_no_token_good_or_bad_changes_what_edge_functions_answer(
    stack: StackConfig, forger: Forger
) -> None:
    """They go by a secret in the address and by a signature; a token opens and breaks nothing."""
    tokens = {
        "none": "",
        "good": forger.sign(),
        "service": stack.keys.service_role,
        **{name: forge(forger) for name, forge in (FORGED | UNUSUAL).items()},
    }
    for method, path in (("GET", f"calendar-feed/{'x' * 43}"), ("POST", "send-auth-email")):
        answers = set()
        for name, bearer in tokens.items():
            answer = await asked(stack, method, f"/functions/v1/{path}", bearer, with_key=False)
            assert 400 <= answer.status_code < 500, (path, name, answer.text)
            answers.add((answer.status_code, answer.text))
        assert len(answers) == 1, (path, answers)
