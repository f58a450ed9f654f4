"""Promise forgettable, on a whole running stack: somebody uses everything there is, is erased, and
is then looked for in every column of the database, in all logs, in the mailbox and in what can be
exported. What was delivered to the person themselves is theirs, and not ours to take.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest

from stack.config import StackConfig
from tests import people
from tests.acceptance.eventually import eventually
from tests.api.accounts import PASSWORD, sign_in
from tests.api.test_imports import outcome, upload
from tests.log_search import personal_lines
from tests.people import Connection, Practice, at
from workers.frozen_mail import FrozenMail

BORN = "1911-11-11"
# Text, and bytes read as text, in all schemas that hold data of ours or of Supabase.
COLUMNS = """
    select format('%I.%I', nspname, relname), attname::text, atttypid = 'bytea'::regtype
    from pg_attribute
    join pg_class on pg_class.oid = attrelid
    join pg_namespace on pg_namespace.oid = relnamespace
    where relkind in ('r', 'm', 'p') and not relispartition and attnum > 0 and not attisdropped
      and nspname !~ '^pg_' and nspname <> 'information_schema'
      and atttypid in (select oid from pg_type where typcategory in ('S', 'U', 'D', 'A'))
"""


@dataclass
class Somebody:
    """Whose every word is unmistakable, with a browser."""

    word: str
    http: httpx.AsyncClient
    patient_id: str

    @property
    def email(self) -> str:
        return f"{self.word}@people.example"

    async def call(self, function: str, **arguments: Any) -> Any:
        answer = await self.http.post(f"/rest/v1/rpc/{function}", json=arguments)
        assert answer.status_code == 200, (function, answer.text)
        return answer.json()


@pytest.fixture
def practice(stack: StackConfig) -> Practice:
    with psycopg.connect(stack.db_url(), autocommit=True) as connection:
        return people.make_practice(connection)


@pytest.fixture
async def owner(stack: StackConfig, practice: Practice) -> dict[str, str]:
    """The headers of the clinic's owner."""
    email = f"{uuid.uuid4().hex}@people.example"
    async with httpx.AsyncClient(base_url=stack.gateway_url) as http:
        created = await http.post(
            "/auth/v1/admin/users",
            json={"email": email, "password": PASSWORD, "email_confirm": True},
            headers={"apikey": stack.keys.secret},
        )
    with psycopg.connect(stack.db_url(), autocommit=True) as connection:
        people.make_member(connection, practice.clinic, "owner", uuid.UUID(created.json()["id"]))
    return {"Authorization": f"Bearer {await sign_in(stack, email, PASSWORD)}"}


@pytest.fixture
async def somebody(stack: StackConfig, practice: Practice) -> AsyncIterator[Somebody]:
    """Signed up with their name in the account, and registered with the clinic."""
    word = f"forgetme{uuid.uuid4().hex[:10]}"
    async with httpx.AsyncClient(
        base_url=stack.gateway_url, headers={"apikey": stack.keys.publishable}, timeout=30
    ) as http:
        person = Somebody(word, http, "")
        signed_up = await http.post(
            "/auth/v1/signup",
            json={"email": person.email, "password": PASSWORD, "data": {"full_name": word}},
        )
        http.headers["Authorization"] = f"Bearer {signed_up.json()['access_token']}"
        record = await person.call(
            "register_patient",
            clinic_id=str(practice.clinic),
            full_name=f"{word} Example",
            date_of_birth=BORN,
            phone=f"0555 {word}",
        )
        person.patient_id = record["id"]
        yield person


async def live(somebody: Somebody, practice: Practice) -> None:
    """Everything a patient can do, with the word wherever text is taken."""
    visit = await somebody.call(
        "book_appointment",
        service_id=str(practice.service),
        starts_at=at(9).isoformat(),
        reason=f"reason {somebody.word}",
    )
    await somebody.call(
        "cancel_appointment", appointment_id=visit["id"], reason=f"because {somebody.word}"
    )
    await somebody.call(
        "book_appointment",
        service_id=str(practice.service),
        starts_at=at(11).isoformat(),
        reason=f"again {somebody.word}",
    )
    await somebody.call("join_waitlist", service_id=str(practice.service))
    await somebody.call(
        "invite_guardian", patient_id=somebody.patient_id, email=f"g.{somebody.word}@mail.example"
    )
    await somebody.call("create_feed", patient_id=somebody.patient_id)
    await somebody.call("claim_patient_records", date_of_birth=BORN)


async def come_in_a_spreadsheet(
    stack: StackConfig, practice: Practice, owner: dict[str, str], somebody: Somebody
) -> None:
    """The clinic imports them, once readable and once not, and merges the two records."""
    rows = (
        f"Name;Date of birth;E-Mail;Phone\n"
        f"{somebody.word} Double;{BORN};double.{somebody.word}@mail.example;+43 1 234\n"
        f"{somebody.word} Reject;;no address;\n"
    )
    async with httpx.AsyncClient(base_url=stack.api_url, timeout=15) as api:
        clinic = (str(practice.clinic), owner)
        job = await outcome(api, clinic, await upload(api, clinic, "patients", rows))
    assert (job["files"][0]["imported"], job["files"][0]["rejected"]) == (1, 1)
    with psycopg.connect(stack.db_url(), autocommit=True) as connection:
        double = people.one(
            connection,
            "select id::text from public.patients where full_name = %s",
            f"{somebody.word} Double",
        )["id"]
    async with httpx.AsyncClient(base_url=stack.gateway_url, headers=owner) as http:
        merged = await http.post(
            "/rest/v1/rpc/merge_patients",
            json={"keep_id": somebody.patient_id, "merge_id": double},
            headers={"apikey": stack.keys.publishable},
        )
    assert merged.status_code == 200, merged.text


def traces(connection: Connection, words: tuple[str, ...]) -> set[str]:
    """Every column of the database in which one of the words stands."""
    found = set()
    for source, column, is_bytes in connection.execute(COLUMNS).fetchall():
        text = f"encode(\"{column}\", 'escape')" if is_bytes else f'"{column}"::text'
        query = f"select exists (select from {source} where {text} ilike any (%s))"
        row = connection.execute(query, [[f"%{word}%" for word in words]]).fetchone()  # type: ignore[arg-type]
        if row and row[0]:
            found.add(f"{source}.{column}")
    # These are packed.
    for (kept,) in connection.execute(
        "select frozen from private.notification_payloads where frozen is not null"
    ).fetchall():
        if any(word.lower() in str(FrozenMail.from_json(kept)).lower() for word in words):
            found.add("private.notification_payloads.frozen")
    return found


async def mails(stack: StackConfig, **query: str) -> list[dict[str, Any]]:
    async with httpx.AsyncClient(base_url=stack.mailbox_url) as http:
        found: list[dict[str, Any]] = (await http.get("/inbox.json", params=query)).json()
    return found


async def test_nothing_but_their_own_mail_remembers_an_erased_person(
    stack: StackConfig, practice: Practice, owner: dict[str, str], somebody: Somebody
) -> None:
    await live(somebody, practice)
    await come_in_a_spreadsheet(stack, practice, owner, somebody)
    for address in (somebody.email, f"g.{somebody.word}@mail.example"):
        assert await eventually(lambda address=address: mails(stack, to=address))  # type: ignore[misc]
    page = f"/v1/clinics/{practice.clinic}/patients/{somebody.patient_id}"
    async with httpx.AsyncClient(base_url=stack.api_url, headers=owner, timeout=15) as api:
        before = [(await api.get(f"{page}/export", params={"format": f})).text for f in FORMATS]
        assert all(somebody.word in export for export in before)
        with psycopg.connect(stack.db_url("supabase_admin"), autocommit=True) as connection:
            known = traces(connection, (somebody.word,))
            assert {"public.patients.full_name", "auth.users.raw_user_meta_data"} <= known
            erased = await api.post(f"{page}/erasure", json={"confirm": "erase"})
            assert erased.status_code == 200, erased.text
            assert erased.json()["log_in"] == "deleted"
            assert traces(connection, (somebody.word, BORN)) == set()
        after = [await api.get(f"{page}/export", params={"format": f}) for f in FORMATS]
    for export in after:
        assert export.status_code == 200
        assert somebody.word not in export.text
    assert personal_lines(stack.logs, {somebody.word.encode()}) == []
    for mail in await mails(stack):
        if somebody.word in str(mail).lower():
            assert somebody.word in str(mail["to"]), "only their own mail and the guardian's"
    async with httpx.AsyncClient(base_url=stack.gateway_url, headers=owner) as http:
        history = await http.post(
            "/rest/v1/rpc/verify_history",
            json={"clinic_id": str(practice.clinic)},
            headers={"apikey": stack.keys.publishable},
        )
    assert (history.status_code, history.json()) == (200, [])


FORMATS = ("json", "html")
