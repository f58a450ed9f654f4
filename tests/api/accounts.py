"""People of the API's tests and the clinic they work in."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from stack.config import StackConfig

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Account:
    """Somebody who is signed in."""

    user_id: str
    email: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass(frozen=True)
class StaffedClinic:
    """`people` and `members` (their ids) by role; `stranger` owns the clinic `elsewhere`."""

    id: str
    elsewhere: str
    people: dict[str, Account]
    members: dict[str, str]
    patient_id: str

    def headers(self, role: str) -> dict[str, str]:
        return self.people[role].headers


async def sign_in(stack: StackConfig, email: str, password: str) -> str:
    """An access token."""
    async with httpx.AsyncClient(base_url=stack.gateway_url) as gateway:
        answer = await gateway.post(
            "/auth/v1/token?grant_type=password",
            json={"email": email, "password": password},
            headers={"apikey": stack.keys.publishable},
        )
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["access_token"]
    return token


def assert_problem(answer: httpx.Response, status: int, key: str) -> None:
    """The one shape, with that status and key, and nothing that says where it came from."""
    assert (answer.status_code, answer.json().get("key")) == (status, key), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["detail"]
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert "Traceback" not in answer.text
