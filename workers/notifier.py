"""Sends what the outbox owes: claims, writes, sends, completes; many at a time, within a lease.

A wake-up or a timer starts a look into the queue; the queue alone says what to send, and when, so
that all workers together keep to the provider's rate. A mail is written down before it is tried.
One message never holds up another: each request is sent by a task of its own. While mails are being
written down and sent, the next are claimed. When the database
cannot be reached the notifier waits, longer each time, and says so once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from appoint.mail import Message, UnknownKindError
from workers.frozen_mail import FrozenMail
from workers.lease_clock import lease_time
from workers.mail_errors import MailError
from workers.outbox import Claim, Frozen, Letter, Turn, Unreadable
from workers.sending import RecordsOutcomes, Request, Sending, SendsMail
from workers.vital_signs import VitalSigns

logger = logging.getLogger(__name__)

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 15.0
# Of a lease, to wait for one's turn with the provider.
SHARE_FOR_WAITING = 0.25
# Seconds for what shares its request, as reminders do: not long, since what is called off meanwhile
# comes too late for it. Urgent ones wait longer, lest such ones take the turns that they gave back.
SHARED_WAITING = 5.0
TRIES_TO_BEGIN = 3
# Of a lease, gone when it is too late to begin: what is begun then is still sent within it.
SHARE_FOR_BEGINNING = 0.5
# Enough to keep the provider busy; more would have their turns before urgent ones that come later.
BATCHES_AT_ONCE = 3
# A request that arrives a little early must not be one too many.
SHARE_OF_RATE = 0.98


class ClaimsNotifications(RecordsOutcomes, Protocol):
    """The outbox, as the notifier needs it."""

    async def claim(
        self, batch: int, lease_seconds: int, remembered_seconds: int, bulk: int | None
    ) -> list[Claim]: ...
    async def begin(
        self, letters: Sequence[Letter], per_second: float, within: float
    ) -> dict[UUID, Turn]: ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How much at once and how often; times in seconds. `per_second` counts requests to the
    provider and binds all workers together."""

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
        self._requests = Sending(outbox, transport, signs, pace.lease_seconds)
        self._wake = asyncio.Event()
        self._stopping = False
        self._sending: set[asyncio.Task[None]] = set()
        # Requests about to be begun, which nothing is being sent of yet.
        self._promised = 0
        # Of both kinds, those with several messages.
        self._batches = 0
        self._beginning: asyncio.Task[None] | None = None
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
            if self._stopping:
                break
            self._wake.clear()
            if (closed_for := self._transport.closed_for()) > 0:
                await self._sleep(min(closed_for, LONGEST_PAUSE))
            else:
                await self._sweep()
        await self._drain()

    async def _sweep(self) -> None:
        """Claim as much as there is room for; wait only when nothing at all was due."""
        room = self._pace.concurrency - self._busy()
        # Taken before the call: the lease can only have begun later than this.
        lease_began = lease_time()
        try:
            claims = await self._outbox.claim(
                room,
                self._pace.lease_seconds,
                self._transport.remembers,
                self._room_for_bulk(),
            )
        except Exception as error:
            self._database_is("unreachable", error)
            await self._sleep(self._next_pause())
            return
        self._database_is("reachable")
        self._pause = FIRST_PAUSE
        self._signs.last_sweep_at = datetime.now(UTC)
        if claims:
            await self._write_all(claims, lease_began)
        else:
            await self._sleep(self._pace.sweep_seconds)

    def _room_for_bulk(self) -> int | None:
        """How many messages may come that share requests; None: no requests are shared."""
        largest = self._transport.largest_batch
        if largest == 1:
            return None
        return largest if self._batches < BATCHES_AT_ONCE else 0

    async def _write_all(self, claims: list[Claim], lease_began: float) -> None:
        """Write the mails, and let them be begun while the next are claimed; not while the next are
        written, since a request that hears of its turn late is soon one too many."""
        while self._beginning and not self._beginning.done():
            await self._wait_for([self._beginning])
        letters: list[Letter] = []
        for claim in claims:
            try:
                letters.append(self._letter_of(claim))
            except MailError as failure:
                self._start(self._requests.record_failure([claim], failure, lease_began))
            # Writing a hundred takes a while; what is being sent should not notice.
            await asyncio.sleep(0)
        if letters:
            alone = sum(not letter.may_share for letter in letters)
            batches = int(alone < len(letters))
            # Now and not when the task runs: the next claim may come first.
            self._promised += alone
            self._batches += batches
            self._beginning = self._start(self._begin(letters, alone, batches, lease_began))

    async def _begin(
        self, letters: list[Letter], alone: int, batches: int, lease_began: float
    ) -> None:
        """Write the mails down, and start each request at the time it was given."""
        try:
            turns = await self._turns(letters, lease_began)
        finally:
            self._promised -= alone
            self._batches -= batches
        requests = _requests(letters, turns)
        for request in requests:
            self._batches += request.is_batch
            self._start(self._carry_out(request, lease_began))
        if batches and not any(request.is_batch for request in requests):
            # It was put back, and there is room for another.
            self._wake.set()

    async def _carry_out(self, request: Request, lease_began: float) -> None:
        try:
            await self._requests.carry_out(request, lease_began)
        finally:
            if request.is_batch:
                self._batches -= 1
                self._wake.set()

    async def _turns(self, letters: list[Letter], lease_began: float) -> dict[UUID, Turn]:
        """When each may start: first those that go alone, then those that share their requests."""
        longest = self._pace.lease_seconds * SHARE_FOR_WAITING
        turns: dict[UUID, Turn] = {}
        for may_share, within in ((False, longest), (True, min(longest, SHARED_WAITING))):
            if together := [letter for letter in letters if letter.may_share is may_share]:
                turns |= await self._turns_within(together, within, lease_began)
        return turns

    async def _turns_within(
        self, letters: list[Letter], within: float, lease_began: float
    ) -> dict[UUID, Turn]:
        """None if the database does not answer: their leases run out then."""
        rate = self._pace.per_second * SHARE_OF_RATE
        give_up_at = _now() + (
            lease_began + self._pace.lease_seconds * SHARE_FOR_BEGINNING - lease_time()
        )
        for is_last in [False] * (TRIES_TO_BEGIN - 1) + [True]:
            try:
                async with asyncio.timeout_at(give_up_at):
                    return await self._outbox.begin(letters, rate, within)
            except Exception as error:
                self._database_is("unreachable", error)
                pause = self._next_pause()
                if is_last or self._stopping or _now() + pause >= give_up_at:
                    break
                await asyncio.sleep(pause)
        return {}

    def _letter_of(self, claim: Claim) -> Letter:
        if isinstance(claim, Unreadable):
            raise MailError(claim.reason, permanent=True, refused=True)
        mail = self._mail_of(claim)
        may_share = claim.may_share and self._transport.largest_batch > 1 and not mail.attachments
        return Letter(claim, mail, may_share)

    def _mail_of(self, claim: Message | Frozen) -> FrozenMail:
        """The mail to send; raises MailError for what can never be sent."""
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
            logger.exception("writing_crashed", extra={"notification_id": claim.notification_id})
            raise MailError(f"crash:{type(error).__name__}", refused=True) from None

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._sending.add(task)
        self._signs.in_flight = len(self._sending)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._signs.in_flight = len(self._sending)
        if not task.cancelled() and (error := task.exception()):
            logger.error("delivery_crashed", exc_info=error)

    async def _wait_for_room(self) -> None:
        """Return once half of the places are free: claims in batches, not one by one."""
        while self._busy() > self._pace.concurrency // 2 and not self._stopping:
            await self._wait_for(self._sending)

    async def _wait_for(self, tasks: Collection[asyncio.Task[None]]) -> None:
        """Return when one has ended, or after some seconds; who waits is alive."""
        self._signs.turn()
        await asyncio.wait(
            tasks, timeout=self._pace.sweep_seconds, return_when=asyncio.FIRST_COMPLETED
        )

    def _busy(self) -> int:
        return len(self._sending) + self._promised

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
        while self._sending:
            await self._wait_for(self._sending)

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


def _requests(letters: list[Letter], turns: dict[UUID, Turn]) -> list[Request]:
    """The letters that have a turn, as requests; those of a batch in the order of their ids, which
    is the same at every try."""
    now = _now()
    batches: dict[UUID, list[Letter]] = {}
    requests: list[Request] = []
    for letter in letters:
        turn = turns.get(letter.claim.notification_id)
        if turn is None:
            continue
        if turn.batch_id is None:
            requests.append(Request((letter,), now + turn.starts_in, turn.key))
        else:
            batches.setdefault(turn.batch_id, []).append(letter)
    for batch_id, together in batches.items():
        together.sort(key=lambda letter: letter.claim.notification_id)
        starts_in = turns[together[0].claim.notification_id].starts_in
        requests.append(Request(tuple(together), now + starts_in, str(batch_id), is_batch=True))
    return requests


def _now() -> float:
    return asyncio.get_running_loop().time()
