"""People of the API's tests and the clinic they work in."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx
import psycopg

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


NewAccount = Callable[[], Awaitable[Account]]


@dataclass(frozen=True)
class StaffedClinic:
    """`people` and `members` (their ids) by role; `stranger` owns the clinic `elsewhere`, whose
    rows all hold the word `canary`."""

    id: str
    elsewhere: str
    people: dict[str, Account]
    members: dict[str, str]
    patient_id: str
    patient_elsewhere: str
    canary: str

    def headers(self, role: str) -> dict[str, str]:
        return self.people[role].headers


ROLES = ("owner", "manager", "front_desk", "provider")


async def staff_a_clinic(stack: StackConfig, new_account: NewAccount) -> StaffedClinic:
    """A clinic with a member of each role, a suspended manager and a patient, and one next door."""
    people = {role: await new_account() for role in (*ROLES, "suspended", "patient", "stranger")}
    clinic, elsewhere, patient, patient_elsewhere = (str(uuid.uuid4()) for _ in range(4))
    canary = f"canary{uuid.uuid4().hex}"
    members: dict[str, str] = {}
    with psycopg.connect(stack.db_url()) as connection:
        for identity, name in ((clinic, "Walls"), (elsewhere, canary)):
            connection.execute(
                "insert into public.clinics (id, slug, name, time_zone)"
                " values (%s, %s, %s, 'Europe/Vienna')",
                [identity, f"clinic-{identity[:13]}", name],
            )
        for role in (*ROLES, "suspended"):
            given = "manager" if role == "suspended" else role
            row = connection.execute(
                "insert into public.members (clinic_id, user_id, role, active)"
                " values (%s, %s, %s, %s) returning id",
                [clinic, people[role].user_id, given, role != "suspended"],
            ).fetchone()
            assert row is not None
            members[role] = str(row[0])
        connection.execute(
            "insert into public.members (clinic_id, user_id, role) values (%s, %s, 'owner')",
            [elsewhere, people["stranger"].user_id],
        )
        for identity, of, user, name in (
            (patient, clinic, people["patient"], "Perpetua Example"),
            (patient_elsewhere, elsewhere, people["stranger"], f"Perpetua {canary}"),
        ):
            connection.execute(
                "insert into public.patients (id, clinic_id, user_id, full_name, email)"
                " values (%s, %s, %s, %s, %s)",
                [identity, of, user.user_id, name, user.email],
            )
    return StaffedClinic(clinic, elsewhere, people, members, patient, patient_elsewhere, canary)


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
