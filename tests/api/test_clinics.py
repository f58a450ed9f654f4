"""Opening a clinic and changing its settings."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import httpx
import psycopg
import pytest

from stack.config import StackConfig
from tests.api.accounts import NewAccount, StaffedClinic, assert_problem
from tests.api.conftest import SignIn
from tests.api.test_idempotency import a_clinic

PATH = "/v1/clinics"


def ask(stack: StackConfig, query: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(stack.db_url()) as connection:
        return connection.execute(query, values).fetchall()  # type: ignore[arg-type]


async def test_whoever_opens_a_clinic_owns_it_and_it_has_a_location(
    stack: StackConfig, api: httpx.AsyncClient, new_account: NewAccount
) -> None:
    account = await new_account()
    body = a_clinic() | {"location": {"name": " Pier 4 ", "address": "Harbour 1, Vienna"}}
    answer = await api.post(PATH, json=body, headers=account.headers)
    assert answer.status_code == 201, answer.text
    clinic = answer.json()
    assert (clinic["slug"], clinic["name"]) == (body["slug"], body["name"])
    assert clinic["books_publicly"] is False
    assert ask(
        stack,
        "select user_id::text, role::text from public.members where clinic_id = %s",
        clinic["id"],
    ) == [(account.user_id, "owner")]
    assert ask(
        stack,
        "select name, address, time_zone from public.locations where clinic_id = %s",
        clinic["id"],
    ) == [("Pier 4", "Harbour 1, Vienna", "Europe/Vienna")]
    logged = ask(
        stack,
        "select subject, action::text, actor_id::text from public.access_log"
        " where clinic_id = %s order by subject",
        clinic["id"],
    )
    assert logged == [
        ("clinics", "added", account.user_id),
        ("members", "added", account.user_id),
    ]


async def test_a_clinic_has_the_language_that_was_given_with_it(
    api: httpx.AsyncClient, new_account: NewAccount
) -> None:
    headers = (await new_account()).headers
    for given, locale in (({}, "en"), ({"locale": "fr"}, "fr")):
        answer = await api.post(PATH, json=a_clinic() | given, headers=headers)
        assert (answer.status_code, answer.json()["locale"]) == (201, locale)
    answer = await api.post(PATH, json=a_clinic() | {"locale": "no tag"}, headers=headers)
    assert_problem(answer, 422, "invalid_input")


async def test_somebody_elses_slug_is_refused(
    api: httpx.AsyncClient, new_account: NewAccount
) -> None:
    body = a_clinic()
    assert (
        await api.post(PATH, json=body, headers=(await new_account()).headers)
    ).status_code == 201
    second = await api.post(PATH, json=body, headers=(await new_account()).headers)
    assert_problem(second, 409, "slug_in_use")


async def test_of_ten_who_want_one_slug_at_once_one_gets_it(
    stack: StackConfig, api: httpx.AsyncClient, new_account: NewAccount
) -> None:
    body = a_clinic()
    people = [await new_account() for _ in range(10)]
    answers = await asyncio.gather(
        *(api.post(PATH, json=body, headers=person.headers) for person in people)
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    assert {a.json()["key"] for a in answers if a.status_code == 409} == {"slug_in_use"}
    made = ask(stack, "select id::text from public.clinics where slug = %s", body["slug"])
    assert len(made) == 1
    assert len(ask(stack, "select from public.members where clinic_id = %s", made[0][0])) == 1


async def test_an_unconfirmed_address_opens_nothing(
    stack: StackConfig, api: httpx.AsyncClient, new_account: NewAccount
) -> None:
    account = await new_account()
    with psycopg.connect(stack.db_url("supabase_admin")) as connection:
        connection.execute(
            "update auth.users set email_confirmed_at = null where id = %s", [account.user_id]
        )
    answer = await api.post(PATH, json=a_clinic(), headers=account.headers)
    assert_problem(answer, 403, "not_allowed")


async def test_a_deleted_users_token_is_worth_nothing(
    stack: StackConfig, api: httpx.AsyncClient, new_account: NewAccount
) -> None:
    account = await new_account()
    with psycopg.connect(stack.db_url("supabase_admin")) as connection:
        connection.execute("delete from auth.users where id = %s", [account.user_id])
    answer = await api.post(PATH, json=a_clinic(), headers=account.headers)
    assert_problem(answer, 401, "not_signed_in")


@pytest.mark.parametrize(
    ("changes", "faulty"),
    [
        ({"name": "  "}, "body.name"),
        ({"name": "x" * 201}, "body.name"),
        ({"name": "Line\nbreak"}, "body.name"),
        ({"name": "Zero\u200bwidth"}, "body.name"),
        ({"name": "Right\u202eto left"}, "body.name"),
        ({"name": "Nul\u0000"}, "body.name"),
        ({"slug": "Not A Slug"}, "body.slug"),
        ({"slug": "-x-"}, "body.slug"),
        ({"slug": "a--b"}, "body.slug"),
        ({"slug": "ab\n"}, "body.slug"),
        ({"location": {}}, "body.location.name"),
        ({"location": None}, "body.location"),
    ],
)
async def test_a_field_that_does_not_fit_is_named(
    api: httpx.AsyncClient, staffed: StaffedClinic, changes: dict[str, Any], faulty: str
) -> None:
    answer = await api.post(PATH, json=a_clinic() | changes, headers=staffed.headers("patient"))
    assert_problem(answer, 422, "invalid_input")
    assert answer.json()["errors"][0]["field"] == faulty


async def test_an_unknown_time_zone_is_refused(
    api: httpx.AsyncClient, staffed: StaffedClinic
) -> None:
    body = a_clinic() | {"time_zone": "Europe/Atlantis"}
    answer = await api.post(PATH, json=body, headers=staffed.headers("patient"))
    assert_problem(answer, 422, "invalid_input")


async def test_settings_that_are_given_change_and_the_others_stay(
    stack: StackConfig, api: httpx.AsyncClient, new_account: NewAccount
) -> None:
    account = await new_account()
    clinic = (await api.post(PATH, json=a_clinic(), headers=account.headers)).json()
    path = f"{PATH}/{clinic['id']}"
    answer = await api.patch(path, json={"name": "Renamed"}, headers=account.headers)
    assert answer.status_code == 200, answer.text
    assert answer.json() == clinic | {"name": "Renamed"}
    assert ask(
        stack,
        "select changed_columns from public.access_log"
        " where clinic_id = %s and subject = 'clinics' and action = 'changed'",
        clinic["id"],
    ) == [(["name"],)]


async def test_a_slug_in_use_is_no_new_slug(
    api: httpx.AsyncClient, staffed: StaffedClinic, new_account: NewAccount
) -> None:
    account = await new_account()
    taken = (await api.post(PATH, json=a_clinic(), headers=account.headers)).json()["slug"]
    answer = await api.patch(
        f"{PATH}/{staffed.id}", json={"slug": taken}, headers=staffed.headers("owner")
    )
    assert_problem(answer, 409, "slug_in_use")


async def test_a_clinic_opens_to_the_public_only_when_something_can_be_booked(
    stack: StackConfig,
    api: httpx.AsyncClient,
    new_account: NewAccount,
    signed_in: SignIn,
    clinic_id: str,
) -> None:
    account = await new_account()
    empty = (await api.post(PATH, json=a_clinic(), headers=account.headers)).json()["id"]
    refused = await api.patch(
        f"{PATH}/{empty}", json={"books_publicly": True}, headers=account.headers
    )
    assert_problem(refused, 422, "invalid_input")
    assert ask(stack, "select books_publicly from public.clinics where id = %s", empty) == [
        (False,)
    ]
    full = await api.patch(
        f"{PATH}/{clinic_id}", json={"books_publicly": True}, headers=await signed_in("owner")
    )
    assert full.status_code == 200, full.text


async def test_only_who_has_a_second_factor_asks_it_of_the_staff(
    api: httpx.AsyncClient, staffed: StaffedClinic
) -> None:
    answer = await api.patch(
        f"{PATH}/{staffed.id}",
        json={"staff_needs_second_factor": True},
        headers=staffed.headers("owner"),
    )
    assert_problem(answer, 403, "not_allowed")


async def test_one_person_owns_twenty_clinics_at_most(
    stack: StackConfig, api: httpx.AsyncClient, new_account: NewAccount
) -> None:
    account = await new_account()
    with psycopg.connect(stack.db_url()) as connection:
        connection.execute(
            "with made as (insert into public.clinics (slug, name, time_zone)"
            " select %s || n, 'Many', 'UTC' from generate_series(1, 20) as n returning id)"
            " insert into public.members (clinic_id, user_id, role)"
            " select id, %s, 'owner' from made",
            [f"many-{uuid.uuid4().hex[:12]}-", account.user_id],
        )
    answer = await api.post(PATH, json=a_clinic(), headers=account.headers)
    assert_problem(answer, 422, "limit_reached")
