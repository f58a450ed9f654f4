"""A role that ends while the member is connected: the next request and the next Realtime message
are refused, whatever the token, which lives on, and the channel, which stays open, say.

Everybody uses the stock client over real sockets. A message that must not come is waited for by
one that comes after it: Realtime sends in the order of commits.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import psycopg
import pytest
from postgrest.exceptions import APIError
from realtime import RealtimeSubscribeStates
from supabase import AsyncClient, AsyncClientOptions, acreate_client

from stack.config import StackConfig
from tests import people
from tests.people import Connection, Practice, at

PASSWORD = "correct horse battery"
SECONDS = 15


@dataclass
class Colleague:
    """A member with a browser: what it heard so far, in order."""

    client: AsyncClient
    user_id: str
    messages: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)

    async def join(self, topic: str) -> RealtimeSubscribeStates:
        """Listen to a private channel; the server's answer."""
        channel = self.client.channel(topic, {"config": {"private": True}})  # type: ignore[arg-type]
        for event in ("appointment_changed", "slots_changed", "mark"):
            channel.on_broadcast(event, self.messages.put_nowait)  # type: ignore[arg-type]
        return await answer_of(channel.subscribe)

    async def follow_visits(self) -> None:
        """Listen to the rows themselves, as row security shows them."""
        channel = self.client.channel(f"rows-{uuid.uuid4()}")
        flowing = asyncio.Event()
        channel.on_postgres_changes(
            "INSERT",  # type: ignore[arg-type]
            self.messages.put_nowait,  # type: ignore[arg-type]
            table="appointments",
            schema="public",
        )
        channel.on_system(lambda _: flowing.set())
        assert await answer_of(channel.subscribe) == RealtimeSubscribeStates.SUBSCRIBED
        async with asyncio.timeout(SECONDS):
            await flowing.wait()

    async def hears(self) -> dict[str, Any]:
        async with asyncio.timeout(SECONDS):
            return await self.messages.get()

    async def visits(self) -> list[Any]:
        return (await self.client.table("appointments").select("id").execute()).data


async def answer_of(subscribe: Callable[[Any], Awaitable[Any]]) -> RealtimeSubscribeStates:
    answer: asyncio.Future[RealtimeSubscribeStates] = asyncio.get_running_loop().create_future()

    def on_status(status: RealtimeSubscribeStates, _error: Exception | None) -> None:
        if not answer.done():
            answer.set_result(status)

    await subscribe(on_status)
    async with asyncio.timeout(SECONDS):
        return await answer


@pytest.fixture
def db(stack: StackConfig) -> Iterator[Connection]:
    with psycopg.connect(stack.db_url(), autocommit=True) as connection:
        yield connection


@pytest.fixture
def practice(db: Connection) -> Practice:
    return people.make_practice(db)


Employ = Callable[[str], Awaitable[Colleague]]


@pytest.fixture
async def employ(stack: StackConfig, db: Connection, practice: Practice) -> AsyncIterator[Employ]:
    """Makes members of the practice who signed in with the stock client."""
    async with contextlib.AsyncExitStack() as open_clients:

        async def employ(role: str) -> Colleague:
            email = f"{uuid.uuid4().hex}@colleagues.example"
            async with httpx.AsyncClient(base_url=stack.gateway_url) as admin:
                created = await admin.post(
                    "/auth/v1/admin/users",
                    json={"email": email, "password": PASSWORD, "email_confirm": True},
                    headers={"apikey": stack.keys.secret},
                )
            user = created.json()["id"]
            people.make_member(db, practice.clinic, role, uuid.UUID(user))
            http = await open_clients.enter_async_context(httpx.AsyncClient(timeout=SECONDS))
            options = AsyncClientOptions(httpx_client=http, auto_refresh_token=False)
            client = await acreate_client(stack.gateway_url, stack.keys.publishable, options)
            open_clients.push_async_callback(client.realtime.close)
            session = await client.auth.sign_in_with_password(
                {"email": email, "password": PASSWORD}
            )
            assert session.session is not None
            await client.realtime.set_auth(session.session.access_token)
            return Colleague(client, user)

        yield employ


def book(db: Connection, practice: Practice, hour: float) -> str:
    patient = people.make_patient(db, practice.clinic)
    return str(people.book(db, replace(practice, patient=patient), at(hour))["id"])


def mark(db: Connection, colleague: Colleague) -> None:
    """A message to one person alone, after all that was sent before."""
    db.execute("select realtime.send('{}', 'mark', %s, true)", [f"user:{colleague.user_id}"])


@pytest.mark.parametrize("way", ["removed", "suspended", "deleted by hand"])
async def test_the_next_request_and_the_next_message_are_refused(
    stack: StackConfig, db: Connection, practice: Practice, employ: Employ, way: str
) -> None:
    boss, leaver = await employ("owner"), await employ("manager")
    topic = f"clinic:{practice.clinic}:appointments"
    for colleague in (boss, leaver):
        for channel in (topic, f"user:{colleague.user_id}"):
            assert await colleague.join(channel) == RealtimeSubscribeStates.SUBSCRIBED
    first = book(db, practice, 9)
    for colleague in (boss, leaver):
        assert (await colleague.hears())["payload"]["appointment_id"] == first
        assert len(await colleague.visits()) == 1

    members = boss.client.table("members")
    if way == "removed":
        await boss.client.table("members").delete().eq("user_id", leaver.user_id).execute()
    elif way == "suspended":
        await members.update({"active": False}).eq("user_id", leaver.user_id).execute()
    else:
        db.execute("delete from public.members where user_id = %s", [leaver.user_id])

    assert await leaver.visits() == []
    with pytest.raises(APIError) as refusal:
        await leaver.client.rpc(
            "change_appointment_status", {"appointment_id": first, "status": "arrived"}
        ).execute()
    assert refusal.value.message == "not_found"
    assert await status_of_the_api(stack, practice, leaver) == 404

    second = book(db, practice, 11)
    mark(db, leaver)
    assert (await boss.hears())["payload"]["appointment_id"] == second
    assert (await leaver.hears())["event"] == "mark", "the visit came first, and was not told"
    await leaver.client.remove_all_channels()
    assert await leaver.join(topic) != RealtimeSubscribeStates.SUBSCRIBED
    assert len(await boss.visits()) == 2


async def status_of_the_api(stack: StackConfig, practice: Practice, who: Colleague) -> int:
    session = await who.client.auth.get_session()
    assert session is not None
    async with httpx.AsyncClient(base_url=stack.api_url) as api:
        answer = await api.patch(
            f"/v1/clinics/{practice.clinic}",
            json={"name": "Taken Over"},
            headers={"Authorization": f"Bearer {session.access_token}"},
        )
    return answer.status_code


async def test_whoever_follows_rows_is_shown_none_any_more(
    db: Connection, practice: Practice, employ: Employ
) -> None:
    """Not that Appoint publishes its tables; a project that does is told by the same policies."""
    boss, leaver = await employ("owner"), await employ("front_desk")
    own = people.make_patient(db, practice.clinic, uuid.UUID(leaver.user_id))
    db.execute("alter publication supabase_realtime add table public.appointments")
    try:
        await leaver.follow_visits()
        first = book(db, practice, 9)
        assert (await leaver.hears())["data"]["record"]["id"] == first
        await boss.client.table("members").delete().eq("user_id", leaver.user_id).execute()
        book(db, practice, 11)
        theirs = people.book(db, replace(practice, patient=own), at(13))
        assert (await leaver.hears())["data"]["record"]["id"] == str(theirs["id"])
    finally:
        db.execute("alter publication supabase_realtime drop table public.appointments")


async def test_a_clinic_that_now_wants_a_second_factor_tells_those_without_nothing(
    db: Connection, practice: Practice, employ: Employ
) -> None:
    colleague = await employ("provider")
    for topic in (f"clinic:{practice.clinic}:appointments", f"user:{colleague.user_id}"):
        assert await colleague.join(topic) == RealtimeSubscribeStates.SUBSCRIBED
    db.execute(
        "update public.clinics set staff_needs_second_factor = true where id = %s",
        [practice.clinic],
    )
    book(db, practice, 9)
    mark(db, colleague)
    assert (await colleague.hears())["event"] == "mark"
    assert await colleague.visits() == []


async def test_free_times_of_a_closed_clinic_are_not_told_to_who_left(
    db: Connection, practice: Practice, employ: Employ
) -> None:
    db.execute("update public.clinics set books_publicly = false where id = %s", [practice.clinic])
    await employ("owner")
    leaver = await employ("provider")
    for topic in (f"clinic:{practice.clinic}:slots", f"user:{leaver.user_id}"):
        assert await leaver.join(topic) == RealtimeSubscribeStates.SUBSCRIBED
    book(db, practice, 9)
    assert (await leaver.hears())["event"] == "slots_changed"
    db.execute("delete from public.members where user_id = %s", [leaver.user_id])
    book(db, practice, 11)
    mark(db, leaver)
    assert (await leaver.hears())["event"] == "mark"


def closed_for(db: Connection, practice: Practice) -> float:
    """Seconds for which the clinic's channels are closed after somebody has left."""
    member = people.make_member(db, practice.clinic, "provider")
    db.execute("delete from public.members where user_id = %s", [member])
    row = people.one(
        db,
        "select extract(epoch from until - now()) as seconds from private.unsafe_channels"
        " where clinic_id = %s",
        practice.clinic,
    )
    return float(row["seconds"])


def test_channels_stay_closed_as_long_as_a_token_lives(
    stack: StackConfig, db: Connection, practice: Practice
) -> None:
    """The database's figure is that of Auth, and a minute."""
    lives = int(stack.setting("auth.jwt_expiry", 0))
    assert lives < closed_for(db, practice) <= lives + 60


def test_a_project_whose_tokens_live_longer_says_so_as_its_owner(
    db: Connection, practice: Practice
) -> None:
    assert people.one(db, "select current_user as role")["role"] == "postgres"
    db.execute("update private.access_tokens set live_seconds = 7200 where only_row")
    try:
        assert 7200 < closed_for(db, practice) <= 7260
    finally:
        db.execute("update private.access_tokens set live_seconds = default where only_row")
