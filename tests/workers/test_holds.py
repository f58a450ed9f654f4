"""A worker ends holds that nobody confirmed in time."""

from __future__ import annotations

import psycopg

from stack.config import StackConfig
from tests.workers.bookings import new_patient
from tests.workers.worker_process import worker


async def test_a_hold_that_runs_out_is_ended(workerless_stack: StackConfig) -> None:
    patient = await new_patient(workerless_stack)
    hold = await patient.hold()
    with psycopg.connect(workerless_stack.db_url()) as database:
        database.execute(
            "update public.appointments set hold_expires_at = now() where id = %s", [hold["id"]]
        )
    async with worker(workerless_stack) as working:
        (line, *_) = await working.logs("holds_ended")
    assert line["ended"] >= 1
    with psycopg.connect(workerless_stack.db_url()) as database:
        row = database.execute(
            "select status::text from public.appointments where id = %s", [hold["id"]]
        ).fetchone()
    assert row == ("cancelled",)
