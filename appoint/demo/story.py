"""The story: a patient books and hears of it, another is refused, the first cancels.

Everything goes through stock supabase-py clients with the publishable key: no more than a browser
may do. The people are invented and new every time.
"""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import AsyncExitStack
from typing import Any

import httpx
from postgrest import APIError
from realtime import RealtimeSubscribeStates

from appoint.demo.failures import DemoFailed
from appoint.demo.inbox import Inbox
from appoint.demo.people import Person, sign_up, visitor
from appoint.demo.place import Place, Row, find_place, free_times
from appoint.demo.screen import Screen
from appoint.settings import Settings
from stack.as_typed import as_typed

BROADCAST_WITHIN = 10.0  # seconds
LOGS = as_typed("logs realtime")

# What was heard on a channel, with the moment at which it was.
Heard = asyncio.Queue[tuple[Row, float]]


class Story:
    """Plays on one screen against the Supabase and the mailbox that the settings name."""

    def __init__(self, settings: Settings, screen: Screen, http: httpx.AsyncClient) -> None:
        self._settings = settings
        self._screen = screen
        self._http = http
        self._timings: list[tuple[str, float]] = []

    async def play(self) -> None:
        """Play to the end. Raises DemoFailed, or what the clients raise."""
        await self._check_stack()
        self._screen.open(
            "Appoint: an appointment from sign-up to cancellation",
            f"at {self._settings.supabase_url}",
        )
        async with AsyncExitStack() as goodbye:
            nora = await self._sign_up("Nora")
            goodbye.push_async_callback(nora.client.realtime.close)
            place = await find_place(nora.client)
            inbox = self._inbox(nora.address)
            await self._register(nora, "Lindgren", place)
            slot = await self._look(nora, place)
            heard = await self._listen(nora, place)
            appointment, asked_at = await self._book(nora, place, slot)
            await self._hear(nora, heard, slot, asked_at)
            await self._mail(inbox, nora, "confirmation", "Booking → mail", asked_at)

            sam = await self._sign_up("Sam")
            await self._register(sam, "Okafor", place)
            await self._ask_for_the_same(sam, place, slot)

            asked_at = await self._cancel(nora, appointment)
            await self._mail(inbox, nora, "cancellation", "Cancelling → mail", asked_at)
        self._screen.close(self._timings)

    async def _check_stack(self) -> None:
        """Fail at once if something is not there: the clients would try again for seconds."""
        await self._http.head(self._settings.supabase_url)
        client = await visitor(self._settings, self._http)
        await client.table("services").select("id").limit(1).execute()
        await self._inbox("nobody@patients.example").look()

    def _inbox(self, address: str) -> Inbox:
        return Inbox(self._http, self._settings.resend_api_url, address)

    async def _sign_up(self, name: str) -> Person:
        with self._screen.step(name, "signs up") as step:
            person = await sign_up(self._settings, self._http, name)
            step.say(person.address)
        return person

    async def _register(self, person: Person, surname: str, place: Place) -> None:
        clinic = place.clinic
        with self._screen.step(person.name, f"becomes a patient of {clinic['name']}"):
            await person.call(
                "register_patient",
                clinic_id=clinic["id"],
                full_name=f"{person.name} {surname}",
            )

    async def _look(self, person: Person, place: Place) -> Row:
        service = place.service["name"]
        with self._screen.step(person.name, f"looks for a free time for “{service}”") as step:
            slots = await free_times(person.client, place.service)
            step.end()
            if not slots:
                raise DemoFailed("the last free time was taken just now")
            step.say(f"{len(slots)} within a week, the first on {place.clock(slots[0])}")
        self._timings.append(("Free times of a week", step.seconds))
        # Any of them, so that several demos can play at the same time.
        return random.choice(slots)  # noqa: S311

    async def _listen(self, person: Person, place: Place) -> Heard:
        topic = f"clinic:{place.clinic['id']}:slots"
        heard: Heard = asyncio.Queue()
        states: list[RealtimeSubscribeStates] = []

        def on_change(message: Any) -> None:
            heard.put_nowait((message["payload"], time.perf_counter()))

        with self._screen.step(person.name, "listens to what becomes free or taken") as step:
            channel = person.client.channel(topic)
            channel.on_broadcast("slots_changed", on_change)
            await channel.subscribe(lambda state, _: states.append(state))
            step.end()
            if states[-1:] != [RealtimeSubscribeStates.SUBSCRIBED]:
                raise DemoFailed(f"Realtime refused the subscription; see `{LOGS}`")
            step.say(topic)
        return heard

    async def _book(self, person: Person, place: Place, slot: Row) -> tuple[Row, float]:
        with self._screen.step(person.name, f"books {place.clock(slot)}") as step:
            booked = await person.call("book_appointment", **place.wish(slot))
            step.say(f"{booked['id']}: {booked['status']}, version {booked['version']}")
        self._timings.append(("Booking", step.seconds))
        return booked, step.began

    async def _hear(self, person: Person, heard: Heard, slot: Row, asked_at: float) -> None:
        with self._screen.step(person.name, "hears slots_changed") as step:
            step.began = asked_at
            payload: Row = {}
            try:
                async with asyncio.timeout(BROADCAST_WITHIN):
                    while payload.get("provider_id") != slot["provider_id"]:
                        payload, step.ended = await heard.get()
            except TimeoutError:
                raise DemoFailed(f"no broadcast came; see `{LOGS}`") from None
            step.say(f"all it tells: {', '.join(sorted(payload.keys() - {'id'}))}")
        self._timings.append(("Booking → broadcast", step.seconds))

    async def _mail(
        self, inbox: Inbox, person: Person, kind: str, timing: str, asked_at: float
    ) -> None:
        with self._screen.step(person.name, f"gets the {kind} by mail") as step:
            step.began = asked_at
            mail = await inbox.next()
            step.end()
            step.say(f"“{mail['subject']}”")
        self._timings.append((timing, step.seconds))

    async def _ask_for_the_same(self, person: Person, place: Place, slot: Row) -> None:
        with self._screen.step(person.name, "asks for the same time") as step:
            try:
                await person.call("book_appointment", **place.wish(slot))
            except APIError as error:
                step.end()
                if error.message != "slot_taken":
                    raise
                status = str(error.code).removeprefix("PT")
                step.say((f"{status} {error.message}", "yellow"), f"  {error.hint}")
            else:
                raise DemoFailed("the same time was given away twice")
        self._timings.append(("Refusing a taken time", step.seconds))

    async def _cancel(self, person: Person, appointment: Row) -> float:
        with self._screen.step(person.name, "cancels") as step:
            changed = await person.call("cancel_appointment", appointment_id=appointment["id"])
            step.say(f"{changed['id']}: {changed['status']}, version {changed['version']}")
        return step.began
