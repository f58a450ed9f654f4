"""Inviting staff: who may, what arrives, and what is refused how."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import httpx
import psycopg
import pytest

from stack.config import StackConfig
from tests.api.accounts import StaffedClinic, assert_problem
from tests.api.conftest import SignIn


def somebody() -> str:
    return f"invited-{uuid.uuid4().hex}@example.org"


async def mails_to(stack: StackConfig, address: str, at_least: int = 0) -> list[dict[str, Any]]:
    """The mails to one address, once there are that many."""
    async with httpx.AsyncClient(base_url=stack.mailbox_url) as mailbox, asyncio.timeout(15):
        while True:
            mails: list[dict[str, Any]] = (
                await mailbox.get("/inbox.json", params={"to": address})
            ).json()
            if len(mails) >= at_least:
                return mails
            await asyncio.sleep(0.05)


def path_of(clinic_id: str) -> str:
    return f"/v1/clinics/{clinic_id}/staff-invitations"


async def test_an_owner_invites_and_the_mail_arrives(
    stack: StackConfig, api: httpx.AsyncClient, signed_in: SignIn, clinic_id: str
) -> None:
    address = somebody()
    answer = await api.post(
        path_of(clinic_id),
        json={"email": address.upper(), "role": "front_desk"},
        headers=await signed_in("owner"),
    )
    assert answer.status_code == 201, answer.text
    invitation = answer.json()
    assert (invitation["email"], invitation["role"]) == (address, "front_desk")
    assert (invitation["clinic_id"], invitation["status"]) == (clinic_id, "pending")
    (mail,) = await mails_to(stack, address, at_least=1)
    assert "/auth/v1/verify" in mail["html"]


async def test_inviting_again_keeps_one_invitation_and_sends_the_mail_again(
    stack: StackConfig, api: httpx.AsyncClient, signed_in: SignIn, clinic_id: str
) -> None:
    address, headers = somebody(), await signed_in("owner")
    first = await api.post(
        path_of(clinic_id), json={"email": address, "role": "front_desk"}, headers=headers
    )
    assert first.status_code == 201
    # Auth sends one address at most one mail a second.
    _age_mails_of(stack, address)
    second = await api.post(
        path_of(clinic_id), json={"email": address, "role": "provider"}, headers=headers
    )
    assert second.status_code == 201, second.text
    assert second.json()["id"] == first.json()["id"]
    assert second.json()["role"] == "provider"
    assert len(await mails_to(stack, address, at_least=2)) == 2


async def test_the_same_idempotency_key_sends_no_second_mail(
    stack: StackConfig, api: httpx.AsyncClient, signed_in: SignIn, clinic_id: str
) -> None:
    address = somebody()
    headers = await signed_in("owner") | {"Idempotency-Key": uuid.uuid4().hex}
    body = {"email": address, "role": "front_desk"}
    answers = [await api.post(path_of(clinic_id), json=body, headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert len({answer.text for answer in answers}) == 1
    assert len(await mails_to(stack, address, at_least=1)) == 1


async def test_somebody_with_an_account_gets_a_log_in_link_and_the_same_answer(
    stack: StackConfig, api: httpx.AsyncClient, signed_in: SignIn, clinic_id: str
) -> None:
    address = somebody()
    async with httpx.AsyncClient(base_url=stack.gateway_url) as gateway:
        created = await gateway.post(
            "/auth/v1/admin/users",
            json={"email": address, "email_confirm": True},
            headers={"apikey": stack.keys.secret},
        )
    assert created.status_code == 200
    answer = await api.post(
        path_of(clinic_id),
        json={"email": address, "role": "front_desk"},
        headers=await signed_in("owner"),
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["status"] == "pending"
    assert len(await mails_to(stack, address, at_least=1)) == 1


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "Bearer",
        "Bearer not-a-token",
        "Bearer a.b.c",
        "Basic b3duZXI6b3duZXI=",
        "Bearer eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.x",
        f"Bearer {'a' * 5000}.{'b' * 5000}.c",
    ],
)
async def test_without_a_valid_token_nothing_happens(
    stack: StackConfig, api: httpx.AsyncClient, clinic_id: str, authorization: str | None
) -> None:
    address = somebody()
    answer = await api.post(
        path_of(clinic_id),
        json={"email": address, "role": "front_desk"},
        headers={"Authorization": authorization} if authorization else {},
    )
    assert_problem(answer, 401, "not_signed_in")
    assert await mails_to(stack, address) == []


async def test_our_own_keys_are_no_persons_token(
    stack: StackConfig, api: httpx.AsyncClient, clinic_id: str
) -> None:
    for key in (stack.keys.secret, stack.keys.service_role, stack.keys.anon):
        answer = await api.post(
            path_of(clinic_id),
            json={"email": somebody(), "role": "front_desk"},
            headers={"Authorization": f"Bearer {key}"},
        )
        assert answer.status_code in (401, 403), answer.text


@pytest.mark.parametrize(
    ("role", "invites", "status", "key"),
    [
        ("manager", "owner", 403, "not_allowed"),
        ("manager", "manager", 403, "not_allowed"),
        ("front_desk", "front_desk", 403, "not_allowed"),
        ("provider", "provider", 403, "not_allowed"),
        ("patient", "front_desk", 404, "not_found"),
    ],
)
async def test_who_may_not_invite_is_refused_and_no_mail_goes_out(
    *,
    stack: StackConfig,
    api: httpx.AsyncClient,
    signed_in: SignIn,
    clinic_id: str,
    role: str,
    invites: str,
    status: int,
    key: str,
) -> None:
    address = somebody()
    answer = await api.post(
        path_of(clinic_id),
        json={"email": address, "role": invites},
        headers=await signed_in(role),
    )
    assert_problem(answer, status, key)
    assert await mails_to(stack, address) == []


async def test_another_clinic_looks_like_none(
    api: httpx.AsyncClient, signed_in: SignIn, other_clinic_id: str
) -> None:
    headers, body = await signed_in("owner"), {"email": somebody(), "role": "front_desk"}
    existing = await api.post(path_of(other_clinic_id), json=body, headers=headers)
    missing = await api.post(path_of(str(uuid.uuid4())), json=body, headers=headers)
    for answer in (existing, missing):
        assert_problem(answer, 404, "not_found")
    assert existing.json() | {"request_id": ""} == missing.json() | {"request_id": ""}


@pytest.mark.parametrize(
    ("content", "faulty"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"[]", "body"),
        (b'{"email": "a@example.org"}', "body.role"),
        (b'{"email": "a@example.org", "role": "king"}', "body.role"),
        (b'{"email": "no-address", "role": "provider"}', "body.email"),
        (b'{"email": "a@example.org\\r\\nBcc: b@example.org", "role": "provider"}', "body.email"),
        (b'{"email": null, "role": "provider"}', "body.email"),
        (b'{"email": "a@example.org", "role": "provider", "clinic_id": "x"}', "body.clinic_id"),
    ],
)
async def test_a_malformed_body_is_named_by_field_and_not_repeated(
    api: httpx.AsyncClient, signed_in: SignIn, clinic_id: str, content: bytes, faulty: str
) -> None:
    headers = await signed_in("owner") | {"Content-Type": "application/json"}
    answer = await api.post(path_of(clinic_id), content=content, headers=headers)
    assert_problem(answer, 422, "invalid_input")
    assert answer.json()["errors"][0]["field"].startswith(faulty)
    assert "example.org" not in answer.text


async def test_a_malformed_clinic_id_is_refused(api: httpx.AsyncClient, signed_in: SignIn) -> None:
    answer = await api.post(
        path_of("not-a-uuid"),
        json={"email": somebody(), "role": "provider"},
        headers=await signed_in("owner"),
    )
    assert_problem(answer, 422, "invalid_input")


async def test_a_pending_invitation_is_sent_again(
    stack: StackConfig, api: httpx.AsyncClient, staffed: StaffedClinic
) -> None:
    address = somebody()
    invited = await api.post(
        path_of(staffed.id),
        json={"email": address, "role": "provider"},
        headers=staffed.headers("owner"),
    )
    await mails_to(stack, address, at_least=1)
    _age_mails_of(stack, address)
    path = f"{path_of(staffed.id)}/{invited.json()['id']}/resend"
    _let_expire(stack, invited.json()["id"])
    again = await api.post(path, headers=staffed.headers("manager"))
    assert again.status_code == 200, again.text
    assert again.json() == invited.json()
    assert len(await mails_to(stack, address, at_least=2)) == 2
    with psycopg.connect(stack.db_url()) as connection:
        renewed = connection.execute(
            "select expires_at > now() + interval '13 days' from public.staff_invitations"
            " where id = %s",
            [invited.json()["id"]],
        ).fetchone()
    assert renewed == (True,)
    with psycopg.connect(stack.db_url()) as connection:
        connection.execute(
            "update public.staff_invitations set status = 'revoked' where id = %s",
            [invited.json()["id"]],
        )
    over = await api.post(path, headers=staffed.headers("owner"))
    assert_problem(over, 404, "not_found")


async def test_a_manager_does_not_renew_what_only_an_owner_may_send(
    stack: StackConfig, api: httpx.AsyncClient, staffed: StaffedClinic
) -> None:
    address = somebody()
    invited = await api.post(
        path_of(staffed.id),
        json={"email": address, "role": "manager"},
        headers=staffed.headers("owner"),
    )
    await mails_to(stack, address, at_least=1)
    path = f"{path_of(staffed.id)}/{invited.json()['id']}/resend"
    assert_problem(await api.post(path, headers=staffed.headers("manager")), 403, "not_allowed")
    assert len(await mails_to(stack, address)) == 1


def _let_expire(stack: StackConfig, invitation: str) -> None:
    with psycopg.connect(stack.db_url()) as connection:
        connection.execute(
            "update public.staff_invitations set expires_at = now() where id = %s", [invitation]
        )


async def test_each_sending_of_an_invitation_is_on_record(
    stack: StackConfig, api: httpx.AsyncClient, staffed: StaffedClinic
) -> None:
    """The first, the same again by the same person, and the mail alone."""
    address = somebody()
    body, headers = {"email": address, "role": "provider"}, staffed.headers("owner")
    sent = await api.post(path_of(staffed.id), json=body, headers=headers)
    invitation = sent.json()["id"]

    def noted() -> int:
        with psycopg.connect(stack.db_url()) as connection:
            row = connection.execute(
                "select count(*) from public.access_log where actor_id = %s"
                " and subject = 'staff_invitations' and subject_id = %s",
                [staffed.people["owner"].user_id, invitation],
            ).fetchone()
        assert row is not None
        return int(row[0])

    assert noted() == 1
    for count, path in (
        (2, path_of(staffed.id)),
        (3, f"{path_of(staffed.id)}/{invitation}/resend"),
    ):
        _age_mails_of(stack, address)
        again = await api.post(path, json=body if count == 2 else None, headers=headers)
        assert again.status_code in (200, 201), again.text
        assert noted() == count, path


def _age_mails_of(stack: StackConfig, address: str) -> None:
    """Let Auth believe that its last mails to this address are an hour old."""
    with psycopg.connect(stack.db_url("supabase_admin")) as connection:
        connection.execute(
            "update auth.users set invited_at = invited_at - interval '1 hour', "
            "confirmation_sent_at = confirmation_sent_at - interval '1 hour' where email = %s",
            [address],
        )
