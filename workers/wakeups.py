"""Listens on Realtime for "there is work", so that the notifier need not wait for its timer.

Realtime only wakes: nothing here decides what is sent, and missing every message costs one sweep
interval. supabase-py's client can die without saying so (a listen task that ended, a closed channel
that never rejoins, a half-open socket, a token that expired), so it is never trusted to repair
itself. One connection is used until the first sign of trouble, then thrown away whole and replaced
by a new client. A canary sent to ourselves through the channel proves that it still delivers.

Nor does word always come after the work: Realtime reads the log, and a commit stands in the log a
moment before others see what was committed (docs/notifications.md). So each wake-up has echoes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import secrets
from collections.abc import Callable
from typing import Any

from realtime import AsyncRealtimeChannel, AsyncRealtimeClient, RealtimeSubscribeStates

from workers.vital_signs import VitalSigns

logger = logging.getLogger(__name__)

TOPIC = "worker:outbox"
WORK_DUE = "work_due"
CANARY = "canary"

CONNECT_SECONDS = 15.0
CANARY_EVERY = 30.0
CANARY_SECONDS = 10.0
CLOSE_SECONDS = 3.0
# Long-lived sockets pile up state on both sides; a fresh one a day costs nothing.
LONGEST_CONNECTION = 20 * 3600.0
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
# Seconds after the last message. The first is what a busy server needs to end a commit, the second
# is for one that is overloaded.
ECHOES = (0.25, 2.0)


class ConnectionLostError(Exception):
    """This connection is of no more use; the text says by which sign."""


class Wakeups:
    """Calls `wake` for every `work_due` and every new subscription, and again for their echoes,
    until cancelled."""

    def __init__(
        self,
        connect: Callable[[], AsyncRealtimeClient],
        wake: Callable[[], None],
        signs: VitalSigns,
        *,
        canary_every: float = CANARY_EVERY,
        canary_seconds: float = CANARY_SECONDS,
    ) -> None:
        self._connect = connect
        self._wake = wake
        self._signs = signs
        self._canary_every = canary_every
        self._canary_seconds = canary_seconds
        self._echoes: list[asyncio.TimerHandle] = []

    async def run(self) -> None:
        try:
            await self._listen()
        finally:
            self._silence_echoes()

    async def _listen(self) -> None:
        pause = FIRST_PAUSE
        while True:
            client = self._connect()
            connection = _Connection(client, self._wake_and_echo)
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    await connection.open()
                pause = FIRST_PAUSE
                self._realtime_is("subscribed")
                # What was announced while nobody listened is found by looking once.
                self._wake_and_echo()
                await self._stay(connection)
            except Exception as error:
                self._realtime_is("lost", error)
            finally:
                await connection.close()
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311
            pause = min(pause * 2, LONGEST_PAUSE)

    def _wake_and_echo(self) -> None:
        self._wake()
        # While messages keep coming, each is the echo of those before.
        self._silence_echoes()
        loop = asyncio.get_running_loop()
        self._echoes = [loop.call_later(seconds, self._wake) for seconds in ECHOES]

    def _silence_echoes(self) -> None:
        for echo in self._echoes:
            echo.cancel()

    async def _stay(self, connection: _Connection) -> None:
        """Return when the connection is old; raises ConnectionLostError at a sign of trouble."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_CONNECTION):
                while True:
                    await connection.lost_within(self._canary_every)
                    await connection.prove(self._canary_seconds)

    def _realtime_is(self, state: str, error: Exception | None = None) -> None:
        if self._signs.realtime == state:
            return
        self._signs.realtime = state
        if error:
            sign = str(error) if isinstance(error, ConnectionLostError) else type(error).__name__
            logger.warning("realtime_lost", extra={"sign": sign})
        else:
            logger.info("realtime_subscribed", extra={"topic": TOPIC})


class _Connection:
    """One client with one channel, from opening to the first sign of trouble."""

    def __init__(self, client: AsyncRealtimeClient, wake: Callable[[], None]) -> None:
        self._client = client
        self._wake = wake
        self._nonce = secrets.token_hex(8)
        self._canary_returned = asyncio.Event()
        self._channel: AsyncRealtimeChannel | None = None
        self._lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def open(self) -> None:
        """Connect and join. Raises ConnectionLostError or what the library raises."""
        await self._client.connect()
        self._channel = self._client.channel(
            TOPIC,
            {
                "config": {
                    "private": True,
                    "broadcast": {"ack": False, "self": True},
                    "presence": {"key": "", "enabled": False},
                }
            },
        )
        self._channel.on_broadcast(WORK_DUE, self._on_work_due)
        self._channel.on_broadcast(CANARY, self._on_canary)
        await self._channel.subscribe(self._on_state)
        listening = self._client._listen_task
        if listening is None:
            raise ConnectionLostError("not_listening")
        # Every way a socket can end passes here, also those that change no state of the channel.
        listening.add_done_callback(lambda task: self._mark_lost(_how_ended(task)))
        if not self._channel.is_joined:
            raise ConnectionLostError("join_refused")

    async def lost_within(self, seconds: float) -> None:
        """Wait that long; raises ConnectionLostError as soon as the connection is lost."""
        done, _ = await asyncio.wait({self._lost}, timeout=seconds)
        if done:
            raise ConnectionLostError(self._lost.result())

    async def prove(self, seconds: float) -> None:
        """Send a message to ourselves and see it come back; raises ConnectionLostError."""
        assert self._channel is not None
        self._canary_returned.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._channel.send_broadcast(CANARY, {"nonce": self._nonce})
                await self._canary_returned.wait()
        except TimeoutError:
            raise ConnectionLostError("canary_did_not_return") from None

    async def close(self) -> None:
        """Leave nothing behind: no socket, no timer that would revive the channel."""
        if self._channel is not None:
            self._channel.subscribe_callback = None
            self._channel.rejoin_timer.reset()
            self._channel.join_push.destroy()
            self._client.channels.clear()
        with contextlib.suppress(Exception):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._client.close()
        if not self._lost.done():
            self._lost.cancel()

    # The library's listen task dies of an exception in a callback; these three cannot raise.

    def _on_work_due(self, _message: object) -> None:
        self._wake()

    def _on_canary(self, message: Any) -> None:
        payload = message.get("payload") if isinstance(message, dict) else None
        if isinstance(payload, dict) and payload.get("nonce") == self._nonce:
            self._canary_returned.set()

    def _on_state(self, state: RealtimeSubscribeStates, _error: Exception | None) -> None:
        if state != RealtimeSubscribeStates.SUBSCRIBED:
            self._mark_lost(state.value.lower())

    def _mark_lost(self, sign: str) -> None:
        if not self._lost.done():
            self._lost.set_result(sign)


def _how_ended(task: asyncio.Task[None]) -> str:
    if task.cancelled():
        return "listening_cancelled"
    error = task.exception()
    return f"listening_failed:{type(error).__name__}" if error else "socket_closed"
