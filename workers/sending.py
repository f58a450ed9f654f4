"""One request to the mail provider: from its turn to the recorded outcome, within the lease.

A request carries one message or a batch of them. It ends before its messages' lease does and
records its own failure, so that it holds up no other. `lease_began` is of `lease_time`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from workers.frozen_mail import FrozenMail
from workers.lease_clock import lease_time
from workers.mail_errors import MailError
from workers.outbox import Claim, Letter, Unreadable
from workers.vital_signs import VitalSigns

logger = logging.getLogger(__name__)

FIRST_PAUSE = 0.25
# Most failures are over in a moment: seconds after the first tries, then the database's own pace.
FIRST_RETRIES = {1: 1.0, 2: 5.0}
# Of a lease; what is left of it is for waiting before and for recording the outcome after.
SHARE_FOR_SENDING = 0.45
LONGEST_SENDING = 20.0
# Shorter closures are waited out by who meets them; others hear of the longer ones.
WORTH_A_PAUSE = 2.0


class RecordsOutcomes(Protocol):
    """The outbox, as a request needs it."""

    async def pause(self, seconds: float, reason: str) -> None: ...
    async def complete(self, claim: Claim, provider_message_id: str) -> bool: ...
    async def fail(
        self, claims: Sequence[Claim], failure: MailError, retry_after: float | None
    ) -> dict[UUID, str]: ...


class SendsMail(Protocol):
    """A transport. `remembers`: for how many seconds it knows a key. `largest_batch`: how many
    mails without attachments it takes at once; 1: it knows no batches."""

    remembers: int
    largest_batch: int

    def closed_for(self) -> float: ...
    async def send(
        self, mail: FrozenMail, *, notification_id: str, key: str, deadline: float
    ) -> str: ...
    async def send_batch(
        self, mails: Sequence[tuple[str, FrozenMail]], *, key: str, deadline: float
    ) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent at once: one letter, or those of a batch; `starts_at` is of the loop, `key` what
    the provider knows it by."""

    letters: tuple[Letter, ...]
    starts_at: float
    key: str
    is_batch: bool = False


class Sending:
    """Carries out requests."""

    def __init__(
        self,
        outbox: RecordsOutcomes,
        transport: SendsMail,
        signs: VitalSigns,
        lease_seconds: float,
    ) -> None:
        self._outbox = outbox
        self._transport = transport
        self._signs = signs
        self._lease_seconds = lease_seconds

    async def carry_out(self, request: Request, lease_began: float) -> None:
        """Send when it is its turn, and record what came of it."""
        claims = [letter.claim for letter in request.letters]
        await asyncio.sleep(request.starts_at - _now())
        lease_left = self._lease_left(lease_began)
        if lease_left <= 0:
            # This process stood still. Whoever has the messages now asked anew whether they hold.
            for claim in claims:
                logger.warning("lease_was_lost", extra=_ids(claim))
            return
        longest = min(LONGEST_SENDING, self._lease_seconds * SHARE_FOR_SENDING)
        deadline = _now() + min(longest, lease_left)
        try:
            provider_ids = await self._send(request, deadline)
        except MailError as failure:
            await self._tell_others(failure.reason)
            await self.record_failure(claims, failure, lease_began)
        except Exception as error:
            logger.exception("sending_crashed", extra=_ids(claims[0]))
            crash = MailError(f"crash:{type(error).__name__}")
            await self.record_failure(claims, crash, lease_began)
        else:
            await asyncio.gather(
                *(
                    self._record_success(claim, provider_id, lease_began)
                    for claim, provider_id in zip(claims, provider_ids, strict=True)
                )
            )

    def _lease_left(self, lease_began: float) -> float:
        return lease_began + self._lease_seconds - lease_time()

    async def _send(self, request: Request, deadline: float) -> list[str]:
        mails = [(str(letter.claim.notification_id), letter.mail) for letter in request.letters]
        if request.is_batch:
            return await self._transport.send_batch(mails, key=request.key, deadline=deadline)
        ((notification_id, mail),) = mails
        return [
            await self._transport.send(
                mail, notification_id=notification_id, key=request.key, deadline=deadline
            )
        ]

    async def _tell_others(self, reason: str) -> None:
        """Let no worker ask a provider that wants to be left alone for a while."""
        closed_for = self._transport.closed_for()
        if closed_for < WORTH_A_PAUSE:
            return
        with contextlib.suppress(Exception):
            async with asyncio.timeout(WORTH_A_PAUSE):
                await self._outbox.pause(closed_for, reason)

    async def _record_success(self, claim: Claim, provider_id: str, lease_began: float) -> None:
        async def complete() -> None:
            if not await self._outbox.complete(claim, provider_id):
                logger.warning("lease_was_lost", extra=_ids(claim))

        self._signs.sent += 1
        self._signs.last_sent_at = datetime.now(UTC)
        took = round((lease_time() - lease_began) * 1000)
        logger.info("mail_sent", extra=_ids(claim) | {"took_ms": took})
        await self._until_recorded(complete, claim, lease_began)

    async def record_failure(
        self, claims: Sequence[Claim], failure: MailError, lease_began: float
    ) -> None:
        """Let the queue decide what becomes of messages that were not accepted."""
        retry_after = failure.retry_after
        first = claims[0]
        if retry_after is None and not failure.permanent and not isinstance(first, Unreadable):
            retry_after = FIRST_RETRIES.get(first.attempts)

        async def fail() -> None:
            statuses = await self._outbox.fail(claims, failure, retry_after)
            for claim in claims:
                status = statuses.get(claim.notification_id, "lease_was_lost")
                said = {"reason": failure.reason, "status": status}
                logger.warning("mail_failed", extra=_ids(claim) | said)

        self._signs.failed += len(claims)
        await self._until_recorded(fail, first, lease_began)

    async def _until_recorded(
        self, record: Callable[[], Awaitable[None]], claim: Claim, lease_began: float
    ) -> None:
        """Try until the lease is over. After that the queue hands the message out again, and the
        idempotency key keeps a second sending from reaching anybody."""
        pause = FIRST_PAUSE
        while True:
            try:
                async with asyncio.timeout(max(0.0, self._lease_left(lease_began))):
                    await record()
            except Exception as error:
                if self._lease_left(lease_began) <= pause:
                    outcome = {"error": type(error).__name__}
                    logger.warning("outcome_not_recorded", extra=_ids(claim) | outcome)
                    return
                await asyncio.sleep(pause)
                pause *= 2
            else:
                return


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
