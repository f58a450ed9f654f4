"""Bad tokens, every known trick among them: each is a 401 in the one shape, and nothing happens."""

from __future__ import annotations

import json

import httpx
import pytest

from stack.config import StackConfig
from tests.api.accounts import StaffedClinic, assert_problem
from tests.bad_tokens import FORGED, NO_PERSON, UNUSUAL, Forger

BAD = FORGED | UNUSUAL | NO_PERSON


@pytest.fixture(scope="module")
def forger(stack: StackConfig, staffed: StaffedClinic) -> Forger:
    return Forger(stack, staffed.people["owner"].user_id)


def path_of(staffed: StaffedClinic) -> str:
    return f"/v1/clinics/{staffed.id}"


@pytest.mark.parametrize("trick", sorted(BAD))
async def test_a_bad_token_is_refused(
    api: httpx.AsyncClient, staffed: StaffedClinic, forger: Forger, trick: str
) -> None:
    authorization = f"Bearer {BAD[trick](forger)}".strip().encode()
    answer = await api.patch(
        path_of(staffed),
        json={"name": "Taken Over"},
        headers=[(b"authorization", authorization)],
    )
    assert_problem(answer, 401, "not_signed_in")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_the_forger_can_also_make_a_good_token(
    api: httpx.AsyncClient, staffed: StaffedClinic, forger: Forger
) -> None:
    """Otherwise the tokens above could be refused for a reason other than theirs."""
    answer = await api.patch(
        path_of(staffed),
        json={"name": "Walls"},
        headers={"Authorization": f"Bearer {forger.sign()}"},
    )
    assert answer.status_code == 200, answer.text


async def test_a_refused_token_does_not_say_why(
    api: httpx.AsyncClient, staffed: StaffedClinic, forger: Forger
) -> None:
    answers = [
        await api.patch(
            path_of(staffed),
            json={"name": "x"},
            headers={"Authorization": f"Bearer {BAD[trick](forger)}"},
        )
        for trick in ("expired", "altered role", "another issuer")
    ]
    assert len({json.dumps(answer.json() | {"request_id": ""}) for answer in answers}) == 1
