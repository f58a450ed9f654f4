"""Staff who are there: roles, suspension, leaving, and second factors that got lost."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import psycopg
import pytest

from stack.config import StackConfig
from tests.api.accounts import Account, NewAccount, StaffedClinic, assert_problem
from tests.api.test_idempotency import a_clinic

Hire = Callable[[str], Awaitable[tuple[Account, str]]]


@pytest.fixture
def hire(stack: StackConfig, staffed: StaffedClinic, new_account: NewAccount) -> Hire:
    """A new member of the clinic with that role: the person and the id of the membership."""

    async def hire(role: str, clinic_id: str = staffed.id) -> tuple[Account, str]:
        account = await new_account()
        return account, employ(stack, clinic_id, account, role)

    return hire


def employ(stack: StackConfig, clinic_id: str, account: Account, role: str) -> str:
    with psycopg.connect(stack.db_url()) as connection:
        row = connection.execute(
            "insert into public.members (clinic_id, user_id, role) values (%s, %s, %s)"
            " returning id",
            [clinic_id, account.user_id, role],
        ).fetchone()
    assert row is not None
    return str(row[0])


def path_of(staffed: StaffedClinic, member_id: str) -> str:
    return f"/v1/clinics/{staffed.id}/members/{member_id}"


async def give_factor(stack: StackConfig, account: Account) -> None:
    """A verified second factor, as if enrolled before."""
    with psycopg.connect(stack.db_url("supabase_admin")) as connection:
        connection.execute(
            "insert into auth.mfa_factors"
            " (id, user_id, friendly_name, factor_type, status, secret, created_at, updated_at)"
            " values (%s, %s, 'phone', 'totp', 'verified', 'x', now(), now())",
            [uuid.uuid4(), account.user_id],
        )


def factors_of(stack: StackConfig, account: Account) -> int:
    with psycopg.connect(stack.db_url()) as connection:
        row = connection.execute(
            "select count(*) from auth.mfa_factors where user_id = %s", [account.user_id]
        ).fetchone()
    assert row is not None
    return int(row[0])


async def test_a_suspended_member_is_out_with_the_next_request_and_back_when_readmitted(
    api: httpx.AsyncClient, staffed: StaffedClinic, hire: Hire
) -> None:
    manager, member_id = await hire("manager")
    rename = {"name": "Walls"}

    async def tries() -> int:
        url = f"/v1/clinics/{staffed.id}"
        return (await api.patch(url, json=rename, headers=manager.headers)).status_code

    assert await tries() == 200
    for active, then in ((False, 404), (True, 200)):
        answer = await api.patch(
            path_of(staffed, member_id), json={"active": active}, headers=staffed.headers("owner")
        )
        assert (answer.status_code, answer.json()["active"]) == (200, active), answer.text
        assert await tries() == then


async def test_a_new_role_counts_at_once(
    api: httpx.AsyncClient, staffed: StaffedClinic, hire: Hire
) -> None:
    person, member_id = await hire("front_desk")
    url = f"/v1/clinics/{staffed.id}"
    before = await api.patch(url, json={"name": "Walls"}, headers=person.headers)
    assert_problem(before, 403, "not_allowed")
    promoted = await api.patch(
        path_of(staffed, member_id), json={"role": "manager"}, headers=staffed.headers("owner")
    )
    assert (promoted.status_code, promoted.json()["role"]) == (200, "manager")
    after = await api.patch(url, json={"name": "Walls"}, headers=person.headers)
    assert after.status_code == 200


@pytest.mark.parametrize(
    ("of", "changes", "status"),
    [
        ("front_desk", {"role": "provider"}, 200),
        ("provider", {"active": False}, 200),
        ("front_desk", {"role": "manager"}, 403),
        ("front_desk", {"role": "owner"}, 403),
        ("manager", {"active": False}, 403),
        ("owner", {"role": "provider"}, 403),
    ],
)
async def test_a_managers_reach_ends_at_front_desk_and_providers(
    *,
    api: httpx.AsyncClient,
    staffed: StaffedClinic,
    hire: Hire,
    of: str,
    changes: dict[str, Any],
    status: int,
) -> None:
    _, member_id = await hire(of)
    answer = await api.patch(
        path_of(staffed, member_id), json=changes, headers=staffed.headers("manager")
    )
    assert answer.status_code == status, answer.text


async def test_nobody_makes_themselves_more(api: httpx.AsyncClient, staffed: StaffedClinic) -> None:
    answer = await api.patch(
        path_of(staffed, staffed.members["manager"]),
        json={"role": "owner"},
        headers=staffed.headers("manager"),
    )
    assert_problem(answer, 403, "not_allowed")


async def test_the_last_owner_stays(
    api: httpx.AsyncClient, new_account: NewAccount, stack: StackConfig
) -> None:
    owner = await new_account()
    clinic = (await api.post("/v1/clinics", json=a_clinic(), headers=owner.headers)).json()["id"]
    with psycopg.connect(stack.db_url()) as connection:
        row = connection.execute(
            "select id from public.members where clinic_id = %s", [clinic]
        ).fetchone()
    assert row is not None
    url = f"/v1/clinics/{clinic}/members/{row[0]}"
    leaves = await api.delete(url, headers=owner.headers)
    assert_problem(leaves, 409, "last_owner")
    for changes in ({"role": "provider"}, {"active": False}):
        answer = await api.patch(url, json=changes, headers=owner.headers)
        assert_problem(answer, 409, "last_owner")


async def test_two_owners_who_suspend_each_other_at_once_leave_one(
    stack: StackConfig, api: httpx.AsyncClient, new_account: NewAccount
) -> None:
    first, second = await new_account(), await new_account()
    opened = await api.post("/v1/clinics", json=a_clinic(), headers=first.headers)
    url = f"/v1/clinics/{opened.json()['id']}/members"
    second_id = employ(stack, opened.json()["id"], second, "owner")
    with psycopg.connect(stack.db_url()) as connection:
        row = connection.execute(
            "select id from public.members where user_id = %s", [first.user_id]
        ).fetchone()
    assert row is not None
    out = {"active": False}
    answers = await asyncio.gather(
        api.patch(f"{url}/{second_id}", json=out, headers=first.headers),
        api.patch(f"{url}/{row[0]}", json=out, headers=second.headers),
    )
    # How far the loser had got when the winner's change was committed decides what they read: the
    # clinic is not theirs any more, they may not do this any more, or they are its last owner.
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses in ([200, 404], [200, 403], [200, 409])
    with psycopg.connect(stack.db_url()) as connection:
        left = connection.execute(
            "select from public.members where clinic_id = %s and active", [opened.json()["id"]]
        ).fetchall()
    assert len(left) == 1


async def test_who_is_removed_is_gone_and_everybody_may_leave(
    stack: StackConfig, api: httpx.AsyncClient, staffed: StaffedClinic, hire: Hire
) -> None:
    provider, removed = await hire("provider")
    desk, leaver = await hire("front_desk")
    first = await api.delete(path_of(staffed, removed), headers=staffed.headers("manager"))
    assert (first.status_code, first.content) == (204, b"")
    again = await api.delete(path_of(staffed, removed), headers=staffed.headers("manager"))
    assert_problem(again, 404, "not_found")
    colleague = await api.delete(
        path_of(staffed, staffed.members["provider"]), headers=desk.headers
    )
    assert_problem(colleague, 403, "not_allowed")
    assert (await api.delete(path_of(staffed, leaver), headers=desk.headers)).status_code == 204
    outside = await api.delete(path_of(staffed, leaver), headers=provider.headers)
    assert_problem(outside, 404, "not_found")


async def test_a_removal_is_replayed_with_its_key(
    api: httpx.AsyncClient, staffed: StaffedClinic, hire: Hire
) -> None:
    _, member_id = await hire("provider")
    headers = staffed.headers("owner") | {"Idempotency-Key": uuid.uuid4().hex}
    answers = [await api.delete(path_of(staffed, member_id), headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [204, 204]


async def test_a_lost_second_factor_is_reset_and_on_record(
    stack: StackConfig, api: httpx.AsyncClient, staffed: StaffedClinic, hire: Hire
) -> None:
    person, member_id = await hire("provider")
    await give_factor(stack, person)
    url = f"{path_of(staffed, member_id)}/second-factor-reset"
    answer = await api.post(url, headers=staffed.headers("manager"))
    assert (answer.status_code, answer.json()) == (200, {"member_id": member_id, "removed": 1})
    assert factors_of(stack, person) == 0
    with psycopg.connect(stack.db_url()) as connection:
        logged = connection.execute(
            "select actor_id::text, changed_columns from public.access_log"
            " where subject = 'members' and subject_id = %s and action = 'changed'",
            [member_id],
        ).fetchall()
    assert logged == [(staffed.people["manager"].user_id, ["second_factor"])]


async def test_second_factors_out_of_reach_stay(
    stack: StackConfig, api: httpx.AsyncClient, staffed: StaffedClinic, hire: Hire
) -> None:
    """One's own, a superior's, and those of people who also work where the caller has no say."""
    both, member_id = await hire("provider")
    employ(stack, staffed.elsewhere, both, "owner")
    await give_factor(stack, both)
    cases = [
        ("owner", member_id),
        ("owner", staffed.members["owner"]),
        ("manager", staffed.members["owner"]),
        ("manager", staffed.members["manager"]),
    ]
    for role, target in cases:
        url = f"{path_of(staffed, target)}/second-factor-reset"
        answer = await api.post(url, headers=staffed.headers(role))
        assert_problem(answer, 403, "not_allowed")
    assert factors_of(stack, both) == 1


async def test_who_has_a_second_factor_needs_it_to_reset_others(
    stack: StackConfig, api: httpx.AsyncClient, staffed: StaffedClinic, hire: Hire
) -> None:
    """A stolen password alone must not be enough."""
    robbed, _ = await hire("owner")
    victim, member_id = await hire("provider")
    await give_factor(stack, robbed)
    await give_factor(stack, victim)
    url = f"{path_of(staffed, member_id)}/second-factor-reset"
    assert_problem(await api.post(url, headers=robbed.headers), 403, "not_allowed")
    assert factors_of(stack, victim) == 1
