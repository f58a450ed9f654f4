"""A worker plans the reminders of patients who have an address only since they booked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg

from stack.config import StackConfig
from tests.people import book, every, make_practice
from tests.workers.worker_process import worker


async def test_what_is_missing_is_planned(workerless_stack: StackConfig) -> None:
    with psycopg.connect(workerless_stack.db_url(), autocommit=True) as db:
        practice = make_practice(db)
        db.execute(
            "update public.clinics set reminder_offsets_minutes = '{120}' where id = %s",
            [practice.clinic],
        )
        db.execute("update public.patients set email = null where id = %s", [practice.patient])
        soon = datetime.now(UTC).replace(second=0, microsecond=0, minute=0) + timedelta(hours=12)
        visit = book(db, practice, soon)
        db.execute(
            "update public.patients set email = 'later@patients.example' where id = %s",
            [practice.patient],
        )
        async with worker(workerless_stack) as working:
            (line, *_) = await working.logs("reminders_planned")
        assert line["planned"] >= 1
        reminders = every(
            db,
            "select reminder_minutes, status::text from public.notifications"
            " where appointment_id = %s and kind = 'reminder'",
            visit["id"],
        )
    assert reminders == [{"reminder_minutes": 120, "status": "queued"}]
