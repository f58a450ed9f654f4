"""From the commit to the mailbox, with real parts: nothing lost, nothing twice.

Each test runs workers of its own on a stack that has none, so that a fault in one test strikes the
message it is meant for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import httpx
import psycopg
import pytest

from stack.config import StackConfig
from tests.workers.bookings import PATIENCE_SECONDS, Patient, mails_to, new_patient, set_faults
from tests.workers.deaf_gateway import without_realtime
from tests.workers.silent_mailbox import nobody_answers, silent_mailbox
from tests.workers.worker_process import worker

NEVER = "600"


@pytest.fixture
async def someone(workerless_stack: StackConfig) -> AsyncIterator[Patient]:
    """A new patient, whose mails are those of one test; the mailbox works again afterwards."""
    yield await new_patient(workerless_stack)
    await set_faults(workerless_stack)


def status_of(stack: StackConfig, address: str) -> list[tuple[str, str]]:
    """Kind and status of every notification to one address, but for reminders: their time comes."""
    with psycopg.connect(stack.db_url()) as connection:
        return connection.execute(
            "select notifications.kind::text, notifications.status::text"
            " from public.notifications"
            " join public.patients on patients.id = notifications.recipient_id"
            " where patients.email = %s and notifications.kind <> 'reminder'"
            " order by notifications.created_at",
            [address],
        ).fetchall()


async def until(
    stack: StackConfig, address: str, fits: Callable[[set[str]], bool]
) -> list[tuple[str, str]]:
    """The same once the statuses fit. The tables announce nothing to tests; they are asked."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            found = await asyncio.to_thread(status_of, stack, address)
            if found and fits({status for _, status in found}):
                return found
            await asyncio.sleep(0.02)


async def until_settled(stack: StackConfig, address: str) -> list[tuple[str, str]]:
    """Wait until nothing is queued or being sent."""
    return await until(stack, address, lambda statuses: not statuses & {"queued", "sending"})


async def until_sending(stack: StackConfig, address: str) -> None:
    """Wait until a worker has a message in its hands."""
    await until(stack, address, lambda statuses: "sending" in statuses)


def end_lease(stack: StackConfig, address: str) -> None:
    """Let the time pass after which a dead worker's message is anybody's."""
    with psycopg.connect(stack.db_url("supabase_admin")) as connection:
        connection.execute(
            "update public.notifications set leased_until = now() from public.patients"
            " where patients.id = recipient_id and patients.email = %s and status = 'sending'",
            [address],
        )


def attempts_of(stack: StackConfig, address: str) -> int:
    """How often the one message to this address was claimed."""
    with psycopg.connect(stack.db_url()) as connection:
        ((attempts,),) = connection.execute(
            "select attempts from public.notifications"
            " join public.patients on patients.id = recipient_id"
            " where patients.email = %s and kind <> 'reminder'",
            [address],
        ).fetchall()
    return int(attempts)


async def test_a_message_in_the_hands_of_one_worker_is_not_taken_by_another(
    workerless_stack: StackConfig, someone: Patient
) -> None:
    someone_else = await new_patient(workerless_stack)
    async with nobody_answers() as address:
        async with worker(workerless_stack, RESEND_API_URL=address) as holding:
            await someone.book()
            await until_sending(workerless_stack, someone.address)
            await holding.kill()
        async with worker(workerless_stack):
            await someone_else.book()
            await someone_else.mails()
            held = status_of(workerless_stack, someone.address)
            end_lease(workerless_stack, someone.address)
            settled = await until_settled(workerless_stack, someone.address)
    assert (held, settled) == ([("confirmation", "sending")], [("confirmation", "sent")])


async def test_realtime_alone_wakes_the_worker_and_the_confirmation_goes_out(
    workerless_stack: StackConfig, someone: Patient
) -> None:
    async with worker(workerless_stack, APPOINT_WORKER_SWEEP_SECONDS=NEVER) as working:
        await working.logs("realtime_subscribed")
        await working.logs("database_reachable")
        appointment = await someone.book()
        (mail,) = await someone.mails()
        assert mail["subject"] == "Your appointment is confirmed"
        day = datetime.fromisoformat(appointment["starts_at"]).astimezone(UTC)
        assert str(day.year) in mail["text"]
        assert someone.address in mail["to"][0]
        assert await until_settled(workerless_stack, someone.address) == [("confirmation", "sent")]
        sent = await working.logs("mail_sent")
        assert mail["idempotency_key"] in [line["notification_id"] for line in sent]


async def test_without_realtime_the_sweep_finds_it(
    workerless_stack: StackConfig, someone: Patient
) -> None:
    async with (
        without_realtime(workerless_stack) as address,
        worker(workerless_stack, SUPABASE_URL=address) as working,
    ):
        await working.logs("realtime_lost")
        await working.logs("database_reachable")
        await someone.book()
        assert len(await someone.mails()) == 1
        assert not [line for line in working.lines if line.get("action") == "realtime_subscribed"]


async def test_what_was_booked_while_no_worker_ran_is_sent_at_the_start(
    workerless_stack: StackConfig, someone: Patient
) -> None:
    await someone.book()
    async with worker(workerless_stack, APPOINT_WORKER_SWEEP_SECONDS=NEVER):
        assert len(await someone.mails()) == 1


async def test_a_visit_cancelled_before_its_confirmation_went_out_is_not_confirmed(
    workerless_stack: StackConfig, someone: Patient
) -> None:
    await someone.cancel(await someone.book())
    async with worker(workerless_stack):
        settled = await until_settled(workerless_stack, someone.address)
    assert ("confirmation", "skipped") in settled
    mails = await mails_to(workerless_stack, someone.address, at_least=0)
    assert "Your appointment is confirmed" not in [mail["subject"] for mail in mails]


async def test_a_cancellation_after_the_confirmation_is_mailed(
    workerless_stack: StackConfig, someone: Patient
) -> None:
    async with worker(workerless_stack):
        appointment = await someone.book()
        await someone.mails()
        await someone.cancel(appointment)
        subjects = [mail["subject"] for mail in await someone.mails(at_least=2)]
    assert sorted(subjects) == ["Your appointment is cancelled", "Your appointment is confirmed"]


async def test_an_answer_lost_after_acceptance_leads_to_no_second_mail(
    workerless_stack: StackConfig, someone: Patient
) -> None:
    await set_faults(workerless_stack, drop_after_accept=True, times=1)
    await someone.book()
    async with worker(workerless_stack) as working:
        await working.logs("mail_failed")
        await working.logs("mail_sent")
        settled = await until_settled(workerless_stack, someone.address)
    assert settled == [("confirmation", "sent")]
    assert len(await someone.mails()) == 1


@pytest.mark.parametrize("status", [500, 503])
async def test_a_failing_provider_is_tried_again(
    workerless_stack: StackConfig, someone: Patient, status: int
) -> None:
    await set_faults(workerless_stack, status=status, times=1)
    await someone.book()
    async with worker(workerless_stack) as working:
        failed = await working.logs("mail_failed")
        assert failed[0]["reason"].startswith(f"{status}:")
        assert len(await someone.mails()) == 1


async def test_a_rate_limit_is_waited_out_without_using_up_a_try(
    workerless_stack: StackConfig, someone: Patient
) -> None:
    await set_faults(workerless_stack, status=429, times=1)
    await someone.book()
    async with worker(workerless_stack) as working:
        assert len(await someone.mails()) == 1
        await until_settled(workerless_stack, someone.address)
        assert attempts_of(workerless_stack, someone.address) == 1
        assert not [line for line in working.lines if line.get("action") == "mail_failed"]


def requeue(stack: StackConfig, address: str) -> None:
    """What the office does about the one message to this address."""
    with psycopg.connect(stack.db_url(), autocommit=True) as connection:
        connection.execute(
            "select public.requeue_notification(notifications.id) from public.notifications"
            " join public.patients on patients.id = recipient_id"
            " where patients.email = %s and kind <> 'reminder'",
            [address],
        )


def report_a_bounce(stack: StackConfig, address: str) -> None:
    """What the provider says of the message that it took."""
    with psycopg.connect(stack.db_url(), autocommit=True) as connection:
        connection.execute(
            "select worker.record_delivery_event(gen_random_uuid()::text, 'bounced', now(),"
            "   provider_message_id, notifications.id, true, email)"
            " from public.notifications join public.patients on patients.id = recipient_id"
            " where patients.email = %s and kind <> 'reminder'",
            [address],
        )


@pytest.mark.parametrize("is_corrected", [False, True])
async def test_what_came_back_and_is_sent_again_arrives(
    workerless_stack: StackConfig, someone: Patient, is_corrected: bool
) -> None:
    right = f"right-{someone.address}" if is_corrected else someone.address
    async with worker(workerless_stack):
        await someone.book()
        await until_settled(workerless_stack, someone.address)
        (first,) = await someone.mails()
        report_a_bounce(workerless_stack, someone.address)
        with psycopg.connect(workerless_stack.db_url()) as connection:
            connection.execute(
                "update public.patients set email = %s where email = %s", [right, someone.address]
            )
        requeue(workerless_stack, right)
        mails = await mails_to(workerless_stack, right, 1 if is_corrected else 2)
        settled = await until_settled(workerless_stack, right)
    assert settled == [("confirmation", "sent")]
    keys = {mail["idempotency_key"] for mail in mails} | {first["idempotency_key"]}
    assert keys == {first["idempotency_key"], f"{first['idempotency_key']}-1"}
    assert len(await someone.mails()) == (1 if is_corrected else 2)


async def test_an_address_the_provider_refuses_goes_to_a_person_and_others_are_sent(
    workerless_stack: StackConfig, someone: Patient
) -> None:
    someone_else = await new_patient(workerless_stack)
    await someone.book()
    with psycopg.connect(workerless_stack.db_url()) as connection:
        connection.execute(
            "update public.patients set email = 'refused@nowhere' where email = %s",
            [someone.address],
        )
    await someone_else.book()
    async with worker(workerless_stack):
        assert len(await someone_else.mails()) == 1
        settled = await until_settled(workerless_stack, "refused@nowhere")
    assert settled == [("confirmation", "dead")]


async def test_a_worker_killed_after_the_mailbox_accepted_leads_to_no_second_mail(
    workerless_stack: StackConfig, someone: Patient
) -> None:
    async with (
        silent_mailbox(workerless_stack) as silent,
        worker(workerless_stack, RESEND_API_URL=silent.url) as killed,
    ):
        await someone.book()
        await silent.accepted.wait()
        await killed.kill()
    assert status_of(workerless_stack, someone.address) == [("confirmation", "sending")]
    end_lease(workerless_stack, someone.address)
    async with worker(workerless_stack):
        settled = await until_settled(workerless_stack, someone.address)
    assert settled == [("confirmation", "sent")]
    assert attempts_of(workerless_stack, someone.address) == 2
    assert len(await someone.mails()) == 1


async def test_a_worker_killed_before_it_asked_the_mailbox_leaves_the_message_to_the_next(
    workerless_stack: StackConfig, someone: Patient
) -> None:
    async with (
        nobody_answers() as address,
        worker(workerless_stack, RESEND_API_URL=address) as killed,
    ):
        await someone.book()
        await until_sending(workerless_stack, someone.address)
        await killed.kill()
    end_lease(workerless_stack, someone.address)
    async with worker(workerless_stack):
        assert await until_settled(workerless_stack, someone.address) == [("confirmation", "sent")]
    assert len(await someone.mails()) == 1


async def test_two_workers_together_send_each_message_once(
    workerless_stack: StackConfig,
) -> None:
    patients = [await new_patient(workerless_stack) for _ in range(4)]
    for patient in patients:
        await patient.book()
    one_at_a_time = {"APPOINT_WORKER_CONCURRENCY": "1"}
    async with (
        worker(workerless_stack, **one_at_a_time) as first,
        worker(workerless_stack, **one_at_a_time) as second,
    ):
        for patient in patients:
            await until_settled(workerless_stack, patient.address)
        await asyncio.gather(first.logs("worker_started"), second.logs("worker_started"))
        codes = await asyncio.gather(first.end(), second.end())
    assert codes == [0, 0]
    assert [len(await patient.mails()) for patient in patients] == [1] * len(patients)


async def test_sigterm_lets_what_is_being_sent_finish(
    workerless_stack: StackConfig, someone: Patient
) -> None:
    await set_faults(workerless_stack, delay_ms=400, times=1)
    async with worker(workerless_stack) as working:
        await someone.book()
        await until_sending(workerless_stack, someone.address)
        assert await working.end() == 0
        assert await working.logs("mail_sent")
    assert status_of(workerless_stack, someone.address) == [("confirmation", "sent")]


async def test_health_tells_what_happened_last_and_what_waits(
    workerless_stack: StackConfig, someone: Patient
) -> None:
    async with worker(workerless_stack) as working:
        await someone.book()
        await someone.mails()
        await working.logs("mail_sent")
        port = await working.health_port()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            answer = await client.get("/healthz")
            missing = await client.get("/elsewhere")
    health = answer.json()
    assert (answer.status_code, health["status"], health["database"]) == (200, "ok", "reachable")
    assert health["sent"] >= 1
    assert health["last_sweep_at"]
    assert health["last_sent_at"]
    assert health["queue"] is not None
    assert missing.status_code == 404


async def test_logs_carry_ids_and_no_person(
    workerless_stack: StackConfig, someone: Patient
) -> None:
    async with worker(workerless_stack) as working:
        await someone.book()
        await someone.mails()
        await working.logs("mail_sent")
        await working.end()
        logged = str(working.lines)
    assert someone.address not in logged
    assert "Pat Example" not in logged
    assert workerless_stack.keys.secret not in logged


async def test_without_its_settings_it_says_so_in_one_line(workerless_stack: StackConfig) -> None:
    async with worker(workerless_stack, RESEND_API_KEY="", SUPABASE_URL="") as working:
        assert await working.process.wait() == 1
    (line,) = working.lines
    assert line["text"].startswith("error: not set: SUPABASE_URL")
