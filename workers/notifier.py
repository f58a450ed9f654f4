"""Sends what the outbox owes: claims, renders, sends, completes; many at a time, within a lease.

A wake-up or a timer starts a look into the queue; the queue alone says what to send. One message
never holds up another: each is sent by a task of its own that ends before its lease does and
records its own failure. When the database cannot be reached the notifier waits, longer each time,
and says so once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from appoint.mail import Mail, Notification, UnknownKindError
from workers.outbox import Claim, Unreadable
from workers.resend_mail import MailError
from workers.vital_signs import VitalSigns

logger = logging.getLogger(__name__)

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 15.0
# Most failures are over in a moment: seconds after the first tries, then the database's own pace.
FIRST_RETRIES = {1: 1.0, 2: 5.0}
# The rest of a lease is for recording the outcome.
SHARE_OF_LEASE_FOR_SENDING = 0.6
LONGEST_SENDING = 20.0


class ClaimsNotifications(Protocol):
    """The outbox, as the notifier needs it."""

    async def claim(self, batch: int, lease_seconds: int) -> list[Claim]: ...
    async def complete(self, claim: Claim, provider_message_id: str) -> bool: ...
    async def fail(
        self, claim: Claim, error: str, *, retry_after: float | None, permanent: bool
    ) -> str | None: ...


class SendsMail(Protocol):
    """A transport, as the notifier needs it."""

    def closed_for(self) -> float: ...
    async def send(self, mail: Mail, *, to: str, key: str, deadline: float) -> str: ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How much at once and how often; times in seconds."""

    concurrency: int
    lease_seconds: int
    sweep_seconds: float


class Notifier:
    """The sending half of a worker. `run` ends only by cancellation or `stop`."""

    def __init__(
        self,
        outbox: ClaimsNotifications,
        transport: SendsMail,
        render: Callable[[Notification], Mail],
        pace: Pace,
        signs: VitalSigns,
    ) -> None:
        self._outbox = outbox
        self._transport = transport
        self._render = render
        self._pace = pace
        self._signs = signs
        self._wake = asyncio.Event()
        self._stopping = False
        self._sending: set[asyncio.Task[None]] = set()
        self._pause = FIRST_PAUSE

    def wake(self) -> None:
        """Look into the queue now."""
        self._signs.last_wake_at = datetime.now(UTC)
        self._wake.set()

    def stop(self) -> None:
        """Claim nothing more; `run` returns when what is being sent has its outcome recorded."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Work until `stop`. What was being sent when this raised goes on in its own tasks."""
        while not self._stopping:
            self._signs.turn()
            await self._wait_for_room()
            self._wake.clear()
            if (closed_for := self._transport.closed_for()) > 0:
                await self._sleep(min(closed_for, LONGEST_PAUSE))
            else:
                await self._sweep()
        await self._drain()

    async def _sweep(self) -> None:
        """Claim as much as there is room for; wait only when nothing at all was due."""
        room = self._pace.concurrency - len(self._sending)
        # Taken before the call: the lease can only have begun later than this.
        lease_began = time.monotonic()
        try:
            claims = await self._outbox.claim(room, self._pace.lease_seconds)
        except Exception as error:
            self._database_is("unreachable", error)
            await self._sleep(self._next_pause())
            return
        self._database_is("reachable")
        self._pause = FIRST_PAUSE
        self._signs.last_sweep_at = datetime.now(UTC)
        for claim in claims:
            self._start(claim, lease_began)
        if not claims:
            await self._sleep(self._pace.sweep_seconds)

    def _start(self, claim: Claim, lease_began: float) -> None:
        task = asyncio.create_task(self._deliver(claim, lease_began))
        self._sending.add(task)
        self._signs.in_flight = len(self._sending)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._signs.in_flight = len(self._sending)
        if not task.cancelled() and (error := task.exception()):
            logger.error("delivery_crashed", exc_info=error)

    async def _deliver(self, claim: Claim, lease_began: float) -> None:
        lease_ends = lease_began + self._pace.lease_seconds
        budget = min(LONGEST_SENDING, self._pace.lease_seconds * SHARE_OF_LEASE_FOR_SENDING)
        try:
            provider_id = await self._send(claim, lease_began + budget)
        except MailError as failure:
            await self._record_failure(claim, failure, lease_ends)
        except Exception as error:
            # A defect of ours: the message goes back to the queue and, if it stays, to a person.
            logger.exception("sending_crashed", extra=_ids(claim))
            crash = MailError(f"crash:{type(error).__name__}")
            await self._record_failure(claim, crash, lease_ends)
        else:
            await self._record_success(claim, provider_id, lease_began, lease_ends)

    async def _send(self, claim: Claim, deadline: float) -> str:
        if isinstance(claim, Unreadable):
            raise MailError(claim.reason, permanent=True)
        if claim.channel != "email":
            raise MailError(f"no_transport:{claim.channel}", permanent=True)
        if not claim.recipient_address:
            raise MailError("no_address", permanent=True)
        try:
            mail = self._render(claim)
        except UnknownKindError:
            raise MailError(f"unknown_kind:{claim.kind}", permanent=True) from None
        return await self._transport.send(
            mail, to=claim.recipient_address, key=str(claim.notification_id), deadline=deadline
        )

    async def _record_success(
        self, claim: Claim, provider_id: str, lease_began: float, lease_ends: float
    ) -> None:
        async def complete() -> None:
            if not await self._outbox.complete(claim, provider_id):
                logger.warning("lease_was_lost", extra=_ids(claim))

        self._signs.sent += 1
        self._signs.last_sent_at = datetime.now(UTC)
        took = round((time.monotonic() - lease_began) * 1000)
        logger.info("mail_sent", extra=_ids(claim) | {"took_ms": took})
        await self._until_recorded(complete, claim, lease_ends)

    async def _record_failure(self, claim: Claim, failure: MailError, lease_ends: float) -> None:
        retry_after = failure.retry_after
        if retry_after is None and not failure.permanent and isinstance(claim, Notification):
            retry_after = FIRST_RETRIES.get(claim.attempts)

        async def fail() -> None:
            status = await self._outbox.fail(
                claim, failure.reason, retry_after=retry_after, permanent=failure.permanent
            )
            said = {"reason": failure.reason, "status": status or "lease_was_lost"}
            logger.warning("mail_failed", extra=_ids(claim) | said)

        self._signs.failed += 1
        await self._until_recorded(fail, claim, lease_ends)

    async def _until_recorded(
        self, record: Callable[[], Awaitable[None]], claim: Claim, lease_ends: float
    ) -> None:
        """Try until the lease is over. After that the queue hands the message out again, and the
        idempotency key keeps a second sending from reaching anybody."""
        pause = FIRST_PAUSE
        while True:
            try:
                async with asyncio.timeout(max(0.0, lease_ends - time.monotonic())):
                    await record()
            except Exception as error:
                if time.monotonic() + pause >= lease_ends:
                    outcome = {"error": type(error).__name__}
                    logger.warning("outcome_not_recorded", extra=_ids(claim) | outcome)
                    return
                await asyncio.sleep(pause)
                pause *= 2
            else:
                return

    async def _wait_for_room(self) -> None:
        """Return once half of the places are free: claims in batches, not one by one."""
        while len(self._sending) > self._pace.concurrency // 2 and not self._stopping:
            self._signs.turn()
            await asyncio.wait(
                self._sending,
                timeout=self._pace.sweep_seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )

    async def _sleep(self, seconds: float) -> None:
        """Wait that long or until woken; not at all when stopping."""
        if self._stopping:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    async def _drain(self) -> None:
        """Every task ends within its lease by itself; there is nothing to hurry and none to cut."""
        if self._sending:
            logger.info("draining", extra={"in_flight": len(self._sending)})
            await asyncio.wait(self._sending)

    def _next_pause(self) -> float:
        pause = self._pause * random.uniform(0.5, 1.5)  # noqa: S311
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        return pause

    def _database_is(self, state: str, error: Exception | None = None) -> None:
        if self._signs.database == state:
            return
        self._signs.database = state
        if error:
            # PostgREST's codes tell a missing schema from a missing database.
            what = {"error": type(error).__name__, "code": getattr(error, "code", None)}
            logger.error("database_unreachable", extra=what)
        else:
            logger.info("database_reachable")


def _ids(claim: Claim) -> dict[str, object]:
    ids: dict[str, object] = {"notification_id": claim.notification_id}
    if isinstance(claim, Notification):
        ids |= {
            "appointment_id": claim.appointment_id,
            "kind": claim.kind,
            "attempt": claim.attempts,
        }
    return ids
