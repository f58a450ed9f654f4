"""Wake-ups arrive, and keep arriving after each way in which the connection can fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from realtime import AsyncRealtimeClient

from tests.workers.realtime_double import RealtimeDouble, realtime_double
from workers import wakeups as wakeups_module
from workers.vital_signs import VitalSigns
from workers.wakeups import Wakeups


class Woken:
    """Counts wake-ups and lets a test wait for the next."""

    def __init__(self) -> None:
        self.times = 0
        self.event = asyncio.Event()

    def __call__(self) -> None:
        self.times += 1
        self.event.set()

    async def next(self) -> None:
        await self.event.wait()
        self.event.clear()

    async def until(self, times: int) -> None:
        while self.times < times:
            await self.next()


@pytest.fixture(autouse=True)
def _reconnects_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakeups_module, "FIRST_PAUSE", 0.001)


@pytest.fixture(autouse=True)
def _wakes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the test of echoes hears them."""
    monkeypatch.setattr(wakeups_module, "ECHOES", ())


@asynccontextmanager
async def listening(
    double: RealtimeDouble, *, canary_every: float = 60, canary_seconds: float = 0.2
) -> AsyncIterator[Woken]:
    woken = Woken()
    wakeups = Wakeups(
        lambda: AsyncRealtimeClient(double.url, "sb_secret_key", auto_reconnect=False),
        woken,
        VitalSigns(),
        canary_every=canary_every,
        canary_seconds=canary_seconds,
    )
    task = asyncio.create_task(wakeups.run())
    try:
        yield woken
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_joins_the_private_topic_and_looks_once_because_it_may_have_missed_something() -> (
    None
):
    async with realtime_double() as double, listening(double) as woken:
        await woken.next()
        assert double.topic == "realtime:worker:outbox"
        assert double.joins[0]["config"]["private"] is True


async def test_announced_work_wakes() -> None:
    async with realtime_double() as double, listening(double) as woken:
        await woken.next()
        await double.announce_work()
        await woken.next()
        assert woken.times == 2


async def test_work_announced_a_moment_before_it_can_be_seen_is_looked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wakeups_module, "ECHOES", (0.01, 0.02))
    async with realtime_double() as double, listening(double) as woken:
        await woken.until(3)
        await double.announce_work()
        await woken.until(6)


async def close_normally(double: RealtimeDouble) -> None:
    await double.sockets[-1].close(1000)


async def go_away(double: RealtimeDouble) -> None:
    await double.sockets[-1].close(1001)


async def cut_the_socket(double: RealtimeDouble) -> None:
    double.sockets[-1].transport.abort()


async def close_the_channel(double: RealtimeDouble) -> None:
    await double.push("phx_close", {})


async def fail_the_channel(double: RealtimeDouble) -> None:
    await double.push("phx_error", {"reason": "crashed"})


async def let_the_token_expire(double: RealtimeDouble) -> None:
    await double.push(
        "system",
        {
            "extension": "system",
            "status": "error",
            "message": "Token has expired",
            "channel": "worker:outbox",
        },
    )
    await double.push("phx_close", {})


@pytest.mark.parametrize(
    "fail",
    [
        close_normally,
        go_away,
        cut_the_socket,
        close_the_channel,
        fail_the_channel,
        let_the_token_expire,
    ],
)
async def test_after_a_failure_it_subscribes_again_and_work_still_wakes(
    fail: Callable[[RealtimeDouble], Awaitable[None]],
) -> None:
    async with realtime_double() as double, listening(double) as woken:
        await woken.next()
        await fail(double)
        await double.joined(2)
        await woken.next()
        await double.announce_work()
        await woken.next()


async def test_a_message_it_cannot_read_does_not_deafen_it() -> None:
    async with realtime_double() as double, listening(double) as woken:
        await woken.next()
        await double.sockets[-1].send("this is not JSON")
        await double.announce_work()
        await woken.next()


async def test_a_channel_that_silently_delivers_nothing_is_found_out_and_replaced() -> None:
    async with realtime_double() as double:
        double.echoes = False
        async with listening(double, canary_every=0.01, canary_seconds=0.02) as woken:
            await double.joined(2)
            await woken.next()


async def test_a_channel_that_returns_the_canary_is_kept() -> None:
    async with realtime_double() as double, listening(double, canary_every=0.001) as woken:
        await woken.next()
        await double.canaries_echoed(5)
        assert len(double.joins) == 1


async def test_a_refused_join_is_tried_again() -> None:
    async with realtime_double() as double:
        double.refuses_joins = 2
        async with listening(double) as woken:
            await woken.next()
            assert len(double.sockets) == 3


async def test_an_outage_longer_than_many_attempts_is_survived(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wakeups_module, "LONGEST_PAUSE", 0.002)
    attempts = asyncio.Semaphore(0)
    async with realtime_double() as double:
        url = "ws://127.0.0.1:1/realtime/v1"

        def connect() -> AsyncRealtimeClient:
            attempts.release()
            return AsyncRealtimeClient(url, "sb_secret_key", auto_reconnect=False)

        woken = Woken()
        task = asyncio.create_task(Wakeups(connect, woken, VitalSigns()).run())
        for _ in range(20):
            await attempts.acquire()
        url = double.url
        await woken.next()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
