"""One person's data: handed out whole, made unknown, by whom it may be."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest

from stack.config import StackConfig
from tests.api.accounts import Account, NewAccount, StaffedClinic, assert_problem
from tests.api.test_idempotency import a_clinic

ERASE = {"confirm": "erase"}


@dataclass(frozen=True)
class Patient:
    account: Account
    record: str
    name: str


@pytest.fixture
async def patient(stack: StackConfig, staffed: StaffedClinic, new_account: NewAccount) -> Patient:
    """A patient of the clinic with a log-in and a name that nobody else has."""
    account = await new_account()
    name = f"Canary <{uuid.uuid4().hex}>"
    return Patient(account, register(stack, staffed.id, account, name), name)


def register(stack: StackConfig, clinic_id: str, account: Account, name: str) -> str:
    with psycopg.connect(stack.db_url()) as connection:
        row = connection.execute(
            "insert into public.patients (clinic_id, user_id, full_name, email)"
            " values (%s, %s, %s, %s) returning id",
            [clinic_id, account.user_id, name, account.email],
        ).fetchone()
    assert row is not None
    return str(row[0])


def ask(stack: StackConfig, query: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(stack.db_url()) as connection:
        return connection.execute(query, values).fetchall()  # type: ignore[arg-type]


def path_of(staffed: StaffedClinic, patient: Patient, what: str) -> str:
    return f"/v1/clinics/{staffed.id}/patients/{patient.record}/{what}"


async def test_an_owner_takes_a_patients_data_and_it_is_on_record(
    stack: StackConfig, api: httpx.AsyncClient, staffed: StaffedClinic, patient: Patient
) -> None:
    answer = await api.get(path_of(staffed, patient, "export"), headers=staffed.headers("owner"))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"] == 'attachment; filename="personal-data.json"'
    (record,) = answer.json()["patients"]
    assert (record["id"], record["full_name"]) == (patient.record, patient.name)
    assert "account" not in answer.json()
    logged = ask(
        stack,
        "select actor_id::text, acted_as from public.access_log"
        " where patient_id = %s and action = 'exported'",
        patient.record,
    )
    assert [actor for actor, _ in logged] == [staffed.people["owner"].user_id]


async def test_the_readable_form_is_a_page_in_which_nothing_is_active(
    api: httpx.AsyncClient, staffed: StaffedClinic, patient: Patient
) -> None:
    answer = await api.get(
        path_of(staffed, patient, "export"),
        params={"format": "html"},
        headers=staffed.headers("manager"),
    )
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert patient.name not in answer.text
    assert patient.name.replace("<", "&lt;").replace(">", "&gt;") in answer.text
    assert "<script" not in answer.text


async def test_everybody_gets_their_own_from_all_clinics(
    stack: StackConfig, api: httpx.AsyncClient, staffed: StaffedClinic, patient: Patient
) -> None:
    register(stack, staffed.elsewhere, patient.account, "Second Record")
    answer = await api.get("/v1/me/export", headers=patient.account.headers)
    assert answer.status_code == 200, answer.text
    names = {record["full_name"] for record in answer.json()["patients"]}
    assert names == {patient.name, "Second Record"}
    assert answer.json()["account"]["email"] == patient.account.email


async def test_an_erased_patient_is_unknown_and_so_is_the_log_in(
    stack: StackConfig, api: httpx.AsyncClient, staffed: StaffedClinic, patient: Patient
) -> None:
    url = path_of(staffed, patient, "erasure")
    headers = staffed.headers("owner") | {"Idempotency-Key": uuid.uuid4().hex}
    answer = await api.post(url, json=ERASE, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"erased_records": 1, "called_off_visits": 0, "log_in": "deleted"}
    assert ask(
        stack,
        "select full_name, email, user_id from public.patients where id = %s",
        patient.record,
    ) == [("Erased", None, None)]
    assert ask(stack, "select from auth.users where id = %s", patient.account.user_id) == []
    again = await api.post(url, json=ERASE, headers=headers)
    assert again.json() == answer.json()
    without_key = await api.post(url, json=ERASE, headers=staffed.headers("owner"))
    assert without_key.json()["erased_records"] == 0
    stale = await api.get("/v1/me/export", headers=patient.account.headers)
    assert_problem(stale, 401, "not_signed_in")


async def test_a_log_in_that_is_needed_elsewhere_stays(
    stack: StackConfig, api: httpx.AsyncClient, staffed: StaffedClinic, patient: Patient
) -> None:
    register(stack, staffed.elsewhere, patient.account, "Second Record")
    answer = await api.post(
        path_of(staffed, patient, "erasure"), json=ERASE, headers=staffed.headers("manager")
    )
    assert answer.json()["log_in"] == "kept", answer.text
    still = await api.get("/v1/me/export", headers=patient.account.headers)
    assert [record["full_name"] for record in still.json()["patients"]] == ["Second Record"]


async def test_whoever_erases_themselves_is_gone_everywhere(
    stack: StackConfig, api: httpx.AsyncClient, staffed: StaffedClinic, patient: Patient
) -> None:
    register(stack, staffed.elsewhere, patient.account, "Second Record")
    answer = await api.post("/v1/me/erasure", json=ERASE, headers=patient.account.headers)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["erased_records"], answer.json()["log_in"]) == (2, "deleted")
    assert ask(stack, "select from auth.users where id = %s", patient.account.user_id) == []


async def test_the_last_owner_cannot_go(
    stack: StackConfig, api: httpx.AsyncClient, new_account: NewAccount
) -> None:
    owner = await new_account()
    opened = await api.post("/v1/clinics", json=a_clinic(), headers=owner.headers)
    assert opened.status_code == 201
    answer = await api.post("/v1/me/erasure", json=ERASE, headers=owner.headers)
    assert_problem(answer, 409, "last_owner")
    members = ask(stack, "select from public.members where user_id = %s", owner.user_id)
    assert len(members) == 1


@pytest.mark.parametrize("body", [{}, {"confirm": "yes"}, {"confirm": "erase", "all": True}])
async def test_erasing_is_asked_for_in_words(
    stack: StackConfig,
    api: httpx.AsyncClient,
    staffed: StaffedClinic,
    patient: Patient,
    body: dict[str, Any],
) -> None:
    answer = await api.post(
        path_of(staffed, patient, "erasure"), json=body, headers=staffed.headers("owner")
    )
    assert_problem(answer, 422, "invalid_input")
    names = ask(stack, "select full_name from public.patients where id = %s", patient.record)
    assert names == [(patient.name,)]


async def test_answers_that_name_an_erased_person_are_forgotten(
    stack: StackConfig, api: httpx.AsyncClient, staffed: StaffedClinic, patient: Patient
) -> None:
    invited = await api.post(
        f"/v1/clinics/{staffed.id}/staff-invitations",
        json={"email": patient.account.email, "role": "provider"},
        headers=staffed.headers("owner") | {"Idempotency-Key": uuid.uuid4().hex},
    )
    assert invited.status_code == 201, invited.text
    naming = "select from private.flow_requests where position(%s in response) > 0"
    assert len(ask(stack, naming, patient.account.email)) == 1
    answer = await api.post("/v1/me/erasure", json=ERASE, headers=patient.account.headers)
    assert answer.status_code == 200, answer.text
    assert ask(stack, naming, patient.account.email) == []
