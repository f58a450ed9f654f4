"""The notifier's own decisions, with the database and the provider played by doubles."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest

from appoint.mail import Message, message_from_row, render_message
from tests.workers.notifications import SENDER, claimed_row, notification
from workers import notifier as notifier_module
from workers import sending as sending_module
from workers.frozen_mail import FrozenMail
from workers.lease_clock import lease_time
from workers.mail_errors import MailError
from workers.notifier import BATCHES_AT_ONCE, Notifier, Pace
from workers.outbox import Claim, Frozen, Letter, Turn, Unreadable
from workers.vital_signs import VitalSigns

LEASE_SECONDS = 20


class OutboxDouble:
    """Hands out what is in `due`; remembers how each claim ended."""

    def __init__(self) -> None:
        self.due: list[Claim] = []
        self.at_most: int | None = None
        self.completed: list[Claim] = []
        self.failed: list[tuple[Claim, str, float | None, bool]] = []
        self.claims = 0
        self.broken = 0
        self.refuses_to_begin = 0
        self.refuses_to_complete = 0
        self.may_begin = asyncio.Event()
        self.may_begin.set()
        self.begun: list[FrozenMail] = []
        self.kinds_begun: list[list[str]] = []
        self.put_back: set[UUID] = set()
        self.batches: dict[UUID, UUID] = {}
        self.bulk: list[int | None] = []
        self.pauses: list[tuple[float, str]] = []
        self.changed = asyncio.Condition()

    async def claim(
        self, batch: int, lease_seconds: int, remembered_seconds: int, bulk: int | None
    ) -> list[Claim]:
        self.claims += 1
        self.bulk.append(bulk)
        await self._tell()
        if self.broken:
            self.broken -= 1
            raise ConnectionError
        most = batch + (bulk or 0)
        most = most if self.at_most is None else self.at_most
        claimed, self.due = self.due[:most], self.due[most:]
        return claimed

    async def begin(
        self, letters: Sequence[Letter], per_second: float, within: float
    ) -> dict[UUID, Turn]:
        if self.refuses_to_begin:
            self.refuses_to_begin -= 1
            raise ConnectionError
        await self.may_begin.wait()
        self.begun += [letter.mail for letter in letters]
        self.kinds_begun.append([letter.claim.kind for letter in letters])
        return {
            message: Turn(0.0, str(message), self.batches.get(message))
            for message in (letter.claim.notification_id for letter in letters)
            if message not in self.put_back
        }

    async def pause(self, seconds: float, reason: str) -> None:
        self.pauses.append((seconds, reason))
        await self._tell()

    async def complete(self, claim: Claim, provider_message_id: str) -> bool:
        if self.refuses_to_complete:
            self.refuses_to_complete -= 1
            raise ConnectionError
        self.completed.append(claim)
        await self._tell()
        return True

    async def fail(
        self, claims: Sequence[Claim], failure: MailError, retry_after: float | None
    ) -> dict[UUID, str]:
        self.failed += [(claim, failure.reason, retry_after, failure.permanent) for claim in claims]
        await self._tell()
        status = "dead" if failure.permanent else "queued"
        return {claim.notification_id: status for claim in claims}

    async def until(self, true: Callable[[], bool]) -> None:
        async with self.changed:
            await self.changed.wait_for(true)

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()


class TransportDouble:
    """Accepts everything, unless told what to do with a message."""

    remembers = 3600

    def __init__(self, largest_batch: int = 1) -> None:
        self.largest_batch = largest_batch
        self.batches: list[tuple[str, list[str]]] = []
        self.accepted: list[str] = []
        self.behaviour: dict[str, Callable[[], object]] = {}
        self.mails: list[FrozenMail] = []
        self.closed = 0.0
        self.at_once = 0
        self.most_at_once = 0

    def closed_for(self) -> float:
        return self.closed

    async def send(
        self, mail: FrozenMail, *, notification_id: str, key: str, deadline: float
    ) -> str:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(0)
            if act := self.behaviour.get(key):
                result = act()
                if isinstance(result, asyncio.Event):
                    await result.wait()
        finally:
            self.at_once -= 1
        self.accepted.append(key)
        self.mails.append(mail)
        return f"provider-{key}"

    async def send_batch(
        self, mails: Sequence[tuple[str, FrozenMail]], *, key: str, deadline: float
    ) -> list[str]:
        if act := self.behaviour.get(key):
            result = act()
            if isinstance(result, asyncio.Event):
                await result.wait()
        messages = [message for message, _ in mails]
        self.batches.append((key, messages))
        return [f"provider-{message}" for message in messages]


def raising(error: Exception) -> Callable[[], object]:
    def act() -> object:
        raise error

    return act


@asynccontextmanager
async def running(
    outbox: OutboxDouble,
    transport: TransportDouble,
    *,
    concurrency: int = 4,
    sweep: float = 60,
    lease_seconds: int = LEASE_SECONDS,
    signs: VitalSigns | None = None,
) -> AsyncIterator[Notifier]:
    pace = Pace(
        concurrency=concurrency,
        lease_seconds=lease_seconds,
        sweep_seconds=sweep,
        per_second=1000,
    )

    def mail_for(claimed: Message) -> FrozenMail:
        return FrozenMail.of(render_message(claimed, SENDER), to=claimed.recipient_address)

    notifier = Notifier(outbox, transport, mail_for, pace, signs or VitalSigns())
    task = asyncio.create_task(notifier.run())
    try:
        yield notifier
    finally:
        notifier.stop()
        await task


@pytest.fixture
def outbox() -> OutboxDouble:
    return OutboxDouble()


@pytest.fixture
def transport() -> TransportDouble:
    return TransportDouble()


async def test_a_wake_up_sends_what_has_become_due(
    outbox: OutboxDouble, transport: TransportDouble
) -> None:
    async with running(outbox, transport) as notifier:
        await outbox.until(lambda: outbox.claims == 1)
        due = notification()
        outbox.due = [due]
        notifier.wake()
        await outbox.until(lambda: outbox.completed == [due])
    assert transport.accepted == [str(due.notification_id)]


async def test_without_any_wake_up_the_timer_finds_what_is_due(
    outbox: OutboxDouble, transport: TransportDouble
) -> None:
    async with running(outbox, transport, sweep=0.01):
        await outbox.until(lambda: outbox.claims == 1)
        outbox.due = [notification()]
        await outbox.until(lambda: len(outbox.completed) == 1)


async def test_one_poisonous_message_does_not_stop_the_others(
    outbox: OutboxDouble, transport: TransportDouble
) -> None:
    poison, unreadable = notification(kind="singing_telegram"), _unreadable()
    crashing, good = notification(), notification()
    transport.behaviour[str(crashing.notification_id)] = raising(RuntimeError("boom"))
    outbox.due = [poison, unreadable, crashing, good]
    async with running(outbox, transport):
        await outbox.until(lambda: len(outbox.failed) == 3 and outbox.completed == [good])
    how = {
        claim.notification_id: (error, permanent) for claim, error, _, permanent in outbox.failed
    }
    assert how[poison.notification_id] == ("unknown_kind:singing_telegram", True)
    assert how[unreadable.notification_id] == ("unreadable:KeyError", True)
    assert how[crashing.notification_id] == ("crash:RuntimeError", False)


async def test_a_refusal_is_recorded_with_the_providers_delay(
    outbox: OutboxDouble, transport: TransportDouble
) -> None:
    due = notification()
    refusal = MailError("429:rate_limit_exceeded", retry_after=7)
    transport.behaviour[str(due.notification_id)] = raising(refusal)
    outbox.due = [due]
    async with running(outbox, transport):
        await outbox.until(lambda: outbox.failed == [(due, "429:rate_limit_exceeded", 7, False)])
    assert outbox.completed == []


@pytest.mark.parametrize(("attempts", "delay"), [(1, 1.0), (2, 5.0), (3, None)])
async def test_the_first_failures_are_repeated_soon_and_later_ones_at_the_databases_pace(
    outbox: OutboxDouble, transport: TransportDouble, attempts: int, delay: float | None
) -> None:
    due = notification(attempts=attempts)
    transport.behaviour[str(due.notification_id)] = raising(MailError("503:busy"))
    outbox.due = [due]
    async with running(outbox, transport):
        await outbox.until(lambda: outbox.failed == [(due, "503:busy", delay, False)])


async def test_a_channel_without_transport_and_an_empty_address_are_permanent(
    outbox: OutboxDouble, transport: TransportDouble
) -> None:
    outbox.due = [notification(channel="sms"), notification(recipient_address="")]
    async with running(outbox, transport):
        await outbox.until(lambda: len(outbox.failed) == 2)
    assert {(error, permanent) for _, error, _, permanent in outbox.failed} == {
        ("no_transport:sms", True),
        ("no_address", True),
    }
    assert transport.accepted == []


async def test_no_more_than_the_allowed_number_are_sent_at_once(
    outbox: OutboxDouble, transport: TransportDouble
) -> None:
    outbox.due = [notification() for _ in range(40)]
    async with running(outbox, transport, concurrency=4):
        await outbox.until(lambda: len(outbox.completed) == 40)
    assert transport.most_at_once == 4


async def test_an_unreachable_database_is_waited_out(
    outbox: OutboxDouble, transport: TransportDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier_module, "FIRST_PAUSE", 0.001)
    outbox.broken = 3
    outbox.due = [notification()]
    async with running(outbox, transport):
        await outbox.until(lambda: len(outbox.completed) == 1)
    assert outbox.claims >= 4


async def test_a_completion_that_does_not_get_through_is_repeated_within_the_lease(
    outbox: OutboxDouble, transport: TransportDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending_module, "FIRST_PAUSE", 0.001)
    outbox.refuses_to_complete = 3
    due = notification()
    outbox.due = [due]
    async with running(outbox, transport):
        await outbox.until(lambda: outbox.completed == [due])
    assert transport.accepted == [str(due.notification_id)]


async def test_stopping_records_the_outcome_of_what_is_being_sent_and_claims_no_more(
    outbox: OutboxDouble, transport: TransportDouble
) -> None:
    due, answered = notification(), asyncio.Event()
    transport.behaviour[str(due.notification_id)] = lambda: answered
    outbox.due = [due]
    async with running(outbox, transport) as notifier:
        await outbox.until(lambda: outbox.due == [])
        notifier.stop()
        outbox.due = [notification()]
        answered.set()
    assert outbox.completed == [due]
    assert len(outbox.due) == 1


async def test_who_is_stopped_while_all_places_are_taken_claims_no_more(
    outbox: OutboxDouble, transport: TransportDouble
) -> None:
    started, answered = asyncio.Event(), asyncio.Event()

    def begin() -> object:
        started.set()
        return answered

    due = [notification() for _ in range(4)]
    transport.behaviour = {str(one.notification_id): begin for one in due}
    outbox.due = [*due]
    async with running(outbox, transport, concurrency=4) as notifier:
        await started.wait()
        notifier.stop()
        outbox.due = [notification()]
        answered.set()
    assert (len(outbox.completed), len(outbox.due), outbox.claims) == (4, 1, 1)


async def test_who_waits_for_the_last_outcomes_is_alive(
    outbox: OutboxDouble, transport: TransportDouble
) -> None:
    due, answered, turned = notification(), asyncio.Event(), asyncio.Event()

    class Signs(VitalSigns):
        def turn(self) -> None:
            turned.set()

    transport.behaviour[str(due.notification_id)] = lambda: answered
    outbox.due = [due]
    async with running(outbox, transport, sweep=0.01, signs=Signs()) as notifier:
        await outbox.until(lambda: outbox.due == [])
        notifier.stop()
        for _ in range(3):
            turned.clear()
            await turned.wait()
        answered.set()
    assert outbox.completed == [due]


async def test_who_cannot_begin_in_time_leaves_the_messages_to_others(
    outbox: OutboxDouble, transport: TransportDouble
) -> None:
    outbox.may_begin.clear()
    outbox.due = [notification()]
    async with asyncio.timeout(10), running(outbox, transport, lease_seconds=1) as notifier:
        await outbox.until(lambda: outbox.due == [])
        notifier.stop()
    assert (outbox.begun, transport.accepted) == ([], [])


async def test_who_is_stopped_does_not_try_again_to_begin(
    outbox: OutboxDouble, transport: TransportDouble
) -> None:
    outbox.refuses_to_begin = notifier_module.TRIES_TO_BEGIN
    outbox.due = [notification()]
    async with running(outbox, transport) as notifier:
        await outbox.until(lambda: outbox.claims == 1)
        notifier.stop()
    assert outbox.refuses_to_begin == notifier_module.TRIES_TO_BEGIN - 1


async def test_a_worker_that_stood_still_longer_than_its_lease_sends_nothing(
    outbox: OutboxDouble, transport: TransportDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_the_stop = sending_module.lease_time
    monkeypatch.setattr(sending_module, "lease_time", lambda: before_the_stop() + LEASE_SECONDS + 1)
    outbox.due = [notification()]
    async with running(outbox, transport):
        await outbox.until(lambda: outbox.due == [])
    assert len(outbox.begun) == 1
    assert (transport.accepted, outbox.completed, outbox.failed) == ([], [], [])


async def test_a_lease_goes_on_while_the_machine_is_suspended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clocks = {time.CLOCK_BOOTTIME: 107.0, time.CLOCK_MONOTONIC: 100.0}
    monkeypatch.setattr(time, "clock_gettime", clocks.__getitem__)
    ahead = lease_time() - asyncio.get_running_loop().time()
    assert ahead == pytest.approx(7, abs=1)


async def test_the_next_are_claimed_while_the_last_are_begun_as_far_as_there_is_room(
    outbox: OutboxDouble, transport: TransportDouble
) -> None:
    first, *others = [notification() for _ in range(7)]
    outbox.may_begin.clear()
    outbox.due, outbox.at_most = [first, *others], 1
    async with running(outbox, transport, concurrency=4) as notifier:
        await outbox.until(lambda: len(outbox.due) == 5)
        assert outbox.begun == []
        notifier.stop()
        outbox.may_begin.set()
    # What was claimed before the stop is sent, and nothing else.
    assert outbox.completed == [first, others[0]]


def _unreadable() -> Unreadable:
    claimed = notification()
    return Unreadable(claimed.notification_id, claimed.lease_id, "unreadable:KeyError")


async def test_a_mail_is_written_down_before_it_is_tried_and_that_is_what_is_sent(
    outbox: OutboxDouble, transport: TransportDouble
) -> None:
    outbox.due = [notification()]
    async with running(outbox, transport):
        await outbox.until(lambda: len(outbox.completed) == 1)
    assert transport.mails == outbox.begun
    assert len(outbox.begun) == 1


async def test_what_was_tried_before_is_sent_to_the_letter_and_not_written_again(
    outbox: OutboxDouble, transport: TransportDouble
) -> None:
    due = notification()
    mail = FrozenMail("clinic@example.org", "ada@example.org", "Old", "<p>Old</p>", "Old")
    kept = FrozenMail.from_json(mail.as_json())
    outbox.due = [
        Frozen(
            due.notification_id, due.lease_id, due.kind, "email", 2, False, due.appointment_id, kept
        )
    ]
    async with running(outbox, transport):
        await outbox.until(lambda: len(outbox.completed) == 1)
    assert transport.mails == [mail]


async def test_what_the_budget_puts_back_is_not_sent(
    outbox: OutboxDouble, transport: TransportDouble
) -> None:
    sent, put_back = notification(), notification()
    outbox.put_back = {put_back.notification_id}
    outbox.due = [sent, put_back]
    async with running(outbox, transport):
        await outbox.until(lambda: outbox.completed == [sent])
    assert transport.accepted == [str(sent.notification_id)]


async def test_a_message_that_cannot_be_written_down_is_not_sent(
    outbox: OutboxDouble, transport: TransportDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier_module, "FIRST_PAUSE", 0.001)
    outbox.refuses_to_begin = notifier_module.TRIES_TO_BEGIN
    outbox.due = [notification()]
    async with running(outbox, transport, sweep=0.01):
        await outbox.until(lambda: not outbox.due and outbox.claims >= 2)
    assert (transport.accepted, outbox.completed, outbox.failed) == ([], [], [])


async def test_a_provider_that_wants_rest_is_left_alone_by_all_workers(
    outbox: OutboxDouble, transport: TransportDouble
) -> None:
    due = notification()

    def close() -> object:
        transport.closed = 30.0
        raise MailError("429:daily_quota_exceeded", retry_after=30, refused=True, closed=True)

    transport.behaviour[str(due.notification_id)] = close
    outbox.due = [due]
    async with running(outbox, transport):
        await outbox.until(
            lambda: (
                outbox.pauses == [(30.0, "429:daily_quota_exceeded")] and len(outbox.failed) == 1
            )
        )


async def test_messages_of_a_batch_go_in_one_request_under_its_key_in_the_order_of_their_ids(
    outbox: OutboxDouble,
) -> None:
    transport = TransportDouble(largest_batch=100)
    together, alone = [notification(kind="reminder") for _ in range(5)], notification()
    batch = uuid4()
    outbox.batches = {due.notification_id: batch for due in together}
    outbox.due = [alone, *together]
    async with running(outbox, transport):
        await outbox.until(lambda: len(outbox.completed) == 6)
    assert transport.accepted == [str(alone.notification_id)]
    assert transport.batches == [
        (str(batch), [str(due) for due in sorted(due.notification_id for due in together)])
    ]
    assert outbox.bulk[0] == 100


async def test_only_what_can_wait_is_begun_after_the_rest(outbox: OutboxDouble) -> None:
    code = {"action": "magiclink", "code": "123456", "link": None}
    urgent = ["log_in", "offer", "staff_booking", "request", "confirmation"]
    outbox.due = [
        message_from_row(claimed_row(kind="log_in", content=code)),
        *(notification(kind=kind) for kind in [*urgent[1:], "reminder"]),
    ]
    async with running(outbox, TransportDouble(largest_batch=100), concurrency=20):
        await outbox.until(lambda: len(outbox.completed) == 6)
    assert outbox.kinds_begun == [urgent, ["reminder"]]


async def test_a_batch_that_fails_fails_for_all_its_messages(outbox: OutboxDouble) -> None:
    transport = TransportDouble(largest_batch=100)
    together, batch = [notification(kind="reminder") for _ in range(3)], uuid4()
    outbox.batches = {due.notification_id: batch for due in together}
    transport.behaviour[str(batch)] = raising(MailError("500:application_error"))
    outbox.due = [*together]
    async with running(outbox, transport):
        await outbox.until(lambda: len(outbox.failed) == 3)
    assert {(error, wait) for _, error, wait, _ in outbox.failed} == {
        ("500:application_error", 1.0)
    }
    assert outbox.completed == []


async def test_a_transport_without_batches_is_given_none(
    outbox: OutboxDouble, transport: TransportDouble
) -> None:
    outbox.due = [notification(kind="reminder")]
    async with running(outbox, transport):
        await outbox.until(lambda: len(outbox.completed) == 1)
    assert set(outbox.bulk) == {None}


async def test_no_more_batches_are_taken_than_keep_the_provider_busy(
    outbox: OutboxDouble,
) -> None:
    transport = TransportDouble(largest_batch=100)
    together, answered = [notification(kind="reminder") for _ in range(6)], asyncio.Event()
    outbox.batches = {due.notification_id: uuid4() for due in together}
    for batch in outbox.batches.values():
        transport.behaviour[str(batch)] = lambda: answered
    # As the queue does it: one batch a claim, and the next is claimed before that one is begun.
    outbox.due, outbox.at_most = [*together], 1
    async with running(outbox, transport, concurrency=20):
        await outbox.until(lambda: outbox.claims == BATCHES_AT_ONCE + 1)
        bulk = [*outbox.bulk]
        answered.set()
        assert bulk == [*[100] * BATCHES_AT_ONCE, 0]
        await outbox.until(lambda: outbox.bulk[-1] == 100)
