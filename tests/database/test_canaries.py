"""A clinic full of canaries next door: none in Realtime messages, mail or logs of others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from stack.config import StackConfig
from tests import people
from tests.access.cast import token
from tests.people import Practice, at
from tests.stack.realtime_clients import connected

WORD = "canarywing"


@pytest.fixture(scope="module")
def clinics(stack: StackConfig) -> Iterator[tuple[Practice, Practice]]:
    """Two clinics in the running stack; the second's people and services carry the word."""
    with psycopg.connect(stack.db_url(), autocommit=True) as connection:
        here, there = people.make_practice(connection), people.make_practice(connection)
        connection.execute(
            "update public.clinics set name = %s, books_publicly = false where id = %s",
            [WORD, there.clinic],
        )
        connection.execute(
            "update public.services set name = %s, preparation = %s where clinic_id = %s",
            [WORD, WORD, there.clinic],
        )
        connection.execute(
            "update public.providers set full_name = %s where clinic_id = %s", [WORD, there.clinic]
        )
        connection.execute(
            "update public.patients set full_name = %s, email = %s where clinic_id = %s",
            [WORD, f"{WORD}@patients.example", there.clinic],
        )
        yield here, there


def claims_of(connection: people.Connection, user: object) -> dict[str, Any]:
    row = connection.execute("select email from auth.users where id = %s", [user]).fetchone()
    assert row is not None
    return {"sub": str(user), "role": "authenticated", "aud": "authenticated", "email": row[0]}


async def book(stack: StackConfig, practice: Practice, hour: float) -> None:
    """The patient books, gives a reason and calls it off, over HTTP."""
    with psycopg.connect(stack.db_url(), autocommit=True) as connection:
        bearer = token(stack, claims_of(connection, practice.user))
    headers = {"apikey": stack.keys.publishable, "Authorization": f"Bearer {bearer}"}
    async with httpx.AsyncClient(base_url=stack.gateway_url, headers=headers) as http:
        visit = await http.post(
            "/rest/v1/rpc/book_appointment",
            json={
                "service_id": str(practice.service),
                "starts_at": at(hour).isoformat(),
                "reason": WORD,
            },
        )
        assert visit.status_code == 200, visit.text
        gone = await http.post(
            "/rest/v1/rpc/cancel_appointment",
            json={"appointment_id": visit.json()["id"], "reason": WORD},
        )
        assert gone.status_code == 200, gone.text


async def test_realtime_tells_nothing_of_the_clinic_next_door(
    stack: StackConfig, clinics: tuple[Practice, Practice]
) -> None:
    """Its channels refuse the neighbour's owner, who hears their own clinic's and no word of it."""
    here, there = clinics
    with psycopg.connect(stack.db_url(), autocommit=True) as connection:
        owner = people.make_member(connection, here.clinic, "owner")
        bearer = token(stack, claims_of(connection, owner))
        theirs = people.make_member(connection, there.clinic, "owner")

    async def refused(topic: str) -> None:
        async with connected(stack) as client:
            reply = await client.join(f"realtime:{topic}", bearer, private=True)
            assert reply["status"] == "error", topic

    # Together: a refused join is answered late.
    await asyncio.gather(
        refused(f"clinic:{there.clinic}:appointments"),
        refused(f"clinic:{there.clinic}:slots"),
        refused(f"user:{there.user}"),
        refused(f"user:{theirs}"),
        refused("worker:outbox"),
    )
    async with connected(stack) as client:
        topic = f"realtime:clinic:{here.clinic}:appointments"
        assert (await client.join(topic, bearer, private=True))["status"] == "ok"
        await book(stack, there, 9)
        await book(stack, here, 9)
        heard = []
        # Four changes of theirs came first; the two of ours are all there is to hear.
        while len(heard) < 2:
            message = await client.receive()
            if message.event == "broadcast":
                heard.append(message)
    for message in heard:
        assert message.topic == topic
        assert str(there.clinic) not in str(message.payload)
        assert WORD not in str(message.payload).lower()


async def test_mail_of_one_clinic_names_no_other(
    stack: StackConfig, clinics: tuple[Practice, Practice]
) -> None:
    here, there = clinics
    await book(stack, there, 13)
    await book(stack, here, 13)
    with psycopg.connect(stack.db_url(), autocommit=True) as connection:
        row = connection.execute(
            "select email from public.patients where id = %s", [here.patient]
        ).fetchone()
        theirs = {
            address
            for (address,) in connection.execute(
                "select email from public.patients where clinic_id = %s union"
                " select users.email from public.members join auth.users on users.id = user_id"
                " where clinic_id = %s",
                [there.clinic, there.clinic],
            )
        }
    assert row is not None
    async with httpx.AsyncClient(base_url=stack.mailbox_url) as http, asyncio.timeout(30):
        ours: list[dict[str, Any]] = []
        while not ours:
            ours = (await http.get("/inbox.json", params={"to": row[0]})).json()
            await asyncio.sleep(0.2)
        everything = (await http.get("/inbox.json")).json()
    assert everything
    for mail in everything:
        if WORD in str(mail).lower():
            assert any(address in str(mail["to"]) for address in theirs), mail["subject"]


async def test_no_log_holds_a_canary(
    stack: StackConfig, clinics: tuple[Practice, Practice]
) -> None:
    """All parts' logs, after bookings with names and reasons, good and refused."""
    _, there = clinics
    await book(stack, there, 17)
    headers = {"apikey": stack.keys.publishable}
    async with httpx.AsyncClient(base_url=stack.gateway_url, headers=headers) as http:
        for path in (f"/rest/v1/patients?full_name=eq.{WORD}", f"/rest/v1/rpc/{WORD}"):
            assert (await http.get(path)).status_code in (401, 403, 404)
        await http.post("/rest/v1/rpc/open_slots", json={"service_id": WORD})
    logs = list(stack.logs.iterdir())
    assert len(logs) > 4
    for log in logs:
        assert WORD not in log.read_text(errors="replace").lower(), log.name
