"""Sends what the outbox owes: claims, writes, sends, completes; many at a time, within a lease.

A wake-up or a timer starts a look into the queue; the queue alone says what to send, and when, so
that all workers together keep to the provider's rate. A mail is written down before it is tried.
One message never holds up another: each is sent by a task of its own that ends before its lease
does and records its own failure. When the database cannot be reached the notifier waits, longer
each time, and says so once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from appoint.mail import Message, UnknownKindError
from workers.frozen_mail import FrozenMail
from workers.mail_errors import MailError
from workers.outbox import Claim, Frozen, Unreadable
from workers.vital_signs import VitalSigns

logger = logging.getLogger(__name__)

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 15.0
# Most failures are over in a moment: seconds after the first tries, then the database's own pace.
FIRST_RETRIES = {1: 1.0, 2: 5.0}
# Of a lease: to wait for one's turn with the provider, then to send; the rest is for recording the
# outcome.
SHARE_FOR_WAITING = 0.25
SHARE_FOR_SENDING = 0.45
LONGEST_SENDING = 20.0
TRIES_TO_BEGIN = 3
# Shorter closures are waited out by who meets them; others hear of the longer ones.
WORTH_A_PAUSE = 2.0


class ClaimsNotifications(Protocol):
    """The outbox, as the notifier needs it."""

    async def claim(
        self, batch: int, lease_seconds: int, remembered_seconds: int
    ) -> list[Claim]: ...
    async def begin(
        self, mails: Sequence[tuple[Claim, FrozenMail]], per_second: float, within: float
    ) -> dict[UUID, float]: ...
    async def pause(self, seconds: float) -> None: ...
    async def complete(self, claim: Claim, provider_message_id: str) -> bool: ...
    async def fail(
        self,
        claim: Claim,
        error: str,
        *,
        retry_after: float | None,
        permanent: bool,
        refused: bool,
    ) -> str | None: ...


class SendsMail(Protocol):
    """A transport, as the notifier needs it. `remembers`: for how many seconds it knows a key."""

    remembers: int

    def closed_for(self) -> float: ...
    async def send(self, mail: FrozenMail, *, key: str, deadline: float) -> str: ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How much at once and how often; times in seconds. `per_second` binds all workers together."""

    concurrency: int
    lease_seconds: int
    sweep_seconds: float
    per_second: float


class Notifier:
    """The sending half of a worker. `run` ends only by cancellation or `stop`."""

    def __init__(
        self,
        outbox: ClaimsNotifications,
        transport: SendsMail,
        write: Callable[[Message], FrozenMail],
        pace: Pace,
        signs: VitalSigns,
    ) -> None:
        self._outbox = outbox
        self._transport = transport
        self._write = write
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
        lease_began = _now()
        try:
            claims = await self._outbox.claim(
                room, self._pace.lease_seconds, self._transport.remembers
            )
        except Exception as error:
            self._database_is("unreachable", error)
            await self._sleep(self._next_pause())
            return
        self._database_is("reachable")
        self._pause = FIRST_PAUSE
        self._signs.last_sweep_at = datetime.now(UTC)
        if claims:
            await self._begin(claims, lease_began)
        else:
            await self._sleep(self._pace.sweep_seconds)

    async def _begin(self, claims: list[Claim], lease_began: float) -> None:
        """Write the mails down, and start a task for each at the time it was given."""
        mails: list[tuple[Claim, FrozenMail]] = []
        for claim in claims:
            try:
                mails.append((claim, self._mail_of(claim)))
            except MailError as failure:
                lease_ends = lease_began + self._pace.lease_seconds
                self._start(self._record_failure(claim, failure, lease_ends))
        if not mails:
            return
        starts_in = await self._turns(mails)
        now = _now()
        for claim, mail in mails:
            if claim.notification_id in starts_in:
                starts_at = now + starts_in[claim.notification_id]
                self._start(self._deliver(claim, mail, starts_at, lease_began))

    async def _turns(self, mails: list[tuple[Claim, FrozenMail]]) -> dict[UUID, float]:
        """When each may start; none if the database does not answer: their leases run out then."""
        within = self._pace.lease_seconds * SHARE_FOR_WAITING
        for is_last in [False] * (TRIES_TO_BEGIN - 1) + [True]:
            try:
                return await self._outbox.begin(mails, self._pace.per_second, within)
            except Exception as error:
                self._database_is("unreachable", error)
                if not is_last:
                    await asyncio.sleep(self._next_pause())
        return {}

    def _mail_of(self, claim: Claim) -> FrozenMail:
        """The mail to send; raises MailError for what can never be sent."""
        if isinstance(claim, Unreadable):
            raise MailError(claim.reason, permanent=True, refused=True)
        if claim.channel != "email":
            raise MailError(f"no_transport:{claim.channel}", permanent=True, refused=True)
        if isinstance(claim, Frozen):
            return claim.mail
        if not claim.recipient_address:
            raise MailError("no_address", permanent=True, refused=True)
        try:
            return self._write(claim)
        except UnknownKindError:
            reason = f"unknown_kind:{claim.kind}"
            raise MailError(reason, permanent=True, refused=True) from None
        except Exception as error:
            # A defect of ours: the message goes back to the queue and, if it stays, to a person.
            logger.exception("writing_crashed", extra=_ids(claim))
            raise MailError(f"crash:{type(error).__name__}", refused=True) from None

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._sending.add(task)
        self._signs.in_flight = len(self._sending)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._signs.in_flight = len(self._sending)
        if not task.cancelled() and (error := task.exception()):
            logger.error("delivery_crashed", exc_info=error)

    async def _deliver(
        self, claim: Claim, mail: FrozenMail, starts_at: float, lease_began: float
    ) -> None:
        lease_ends = lease_began + self._pace.lease_seconds
        await asyncio.sleep(starts_at - _now())
        budget = min(LONGEST_SENDING, self._pace.lease_seconds * SHARE_FOR_SENDING)
        try:
            provider_id = await self._transport.send(
                mail, key=str(claim.notification_id), deadline=_now() + budget
            )
        except MailError as failure:
            await self._tell_others()
            await self._record_failure(claim, failure, lease_ends)
        except Exception as error:
            logger.exception("sending_crashed", extra=_ids(claim))
            crash = MailError(f"crash:{type(error).__name__}")
            await self._record_failure(claim, crash, lease_ends)
        else:
            await self._record_success(claim, provider_id, lease_began, lease_ends)

    async def _tell_others(self) -> None:
        """Let no worker ask a provider that wants to be left alone for a while."""
        closed_for = self._transport.closed_for()
        if closed_for < WORTH_A_PAUSE:
            return
        with contextlib.suppress(Exception):
            async with asyncio.timeout(WORTH_A_PAUSE):
                await self._outbox.pause(closed_for)

    async def _record_success(
        self, claim: Claim, provider_id: str, lease_began: float, lease_ends: float
    ) -> None:
        async def complete() -> None:
            if not await self._outbox.complete(claim, provider_id):
                logger.warning("lease_was_lost", extra=_ids(claim))

        self._signs.sent += 1
        self._signs.last_sent_at = datetime.now(UTC)
        took = round((_now() - lease_began) * 1000)
        logger.info("mail_sent", extra=_ids(claim) | {"took_ms": took})
        await self._until_recorded(complete, claim, lease_ends)

    async def _record_failure(self, claim: Claim, failure: MailError, lease_ends: float) -> None:
        retry_after = failure.retry_after
        if retry_after is None and not failure.permanent and not isinstance(claim, Unreadable):
            retry_after = FIRST_RETRIES.get(claim.attempts)

        async def fail() -> None:
            status = await self._outbox.fail(
                claim,
                failure.reason,
                retry_after=retry_after,
                permanent=failure.permanent,
                refused=failure.refused,
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
                async with asyncio.timeout(max(0.0, lease_ends - _now())):
                    await record()
            except Exception as error:
                if _now() + pause >= lease_ends:
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


def _now() -> float:
    return asyncio.get_running_loop().time()


def _ids(claim: Claim) -> dict[str, object]:
    ids: dict[str, object] = {"notification_id": claim.notification_id}
    if not isinstance(claim, Unreadable):
        ids |= {
            "appointment_id": claim.appointment_id,
            "kind": claim.kind,
            "attempt": claim.attempts,
        }
    return ids
