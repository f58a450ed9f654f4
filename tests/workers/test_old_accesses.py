"""A worker removes from the access log what the clinic no longer keeps, and nothing else."""

from __future__ import annotations

import psycopg

from stack.config import StackConfig
from tests.workers.worker_process import worker

ENTRIES = (
    "insert into public.access_log"
    " (clinic_id, action, subject, subject_id, actor_role, happened_at)"
    " select clinics.id, 'opened', 'pruning', age.days::text, 'authenticated',"
    " now() - make_interval(days => audit_retention_days + age.days)"
    " from public.clinics cross join unnest(array[-1, 1]) as age (days)"
    " where clinics.slug = (select min(slug) from public.clinics)"
)


async def test_only_what_is_too_old_is_removed(workerless_stack: StackConfig) -> None:
    with psycopg.connect(workerless_stack.db_url()) as database:
        database.execute(ENTRIES)
    async with worker(workerless_stack) as working:
        (line, *_) = await working.logs("old_accesses_removed")
    assert line["removed"] == 1
    with psycopg.connect(workerless_stack.db_url()) as database:
        left = database.execute(
            "select subject_id from public.access_log where subject = 'pruning'"
        ).fetchall()
    assert left == [("-1",)]
