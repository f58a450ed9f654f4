"""Import jobs survive whoever carries them out, and count every row once."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import ANY

import psycopg
import pytest
from supabase import AsyncClient

from appoint.importing.jobs import packed
from appoint.settings import Settings
from appoint.supabase_clients import http_pool, service_client
from stack.config import StackConfig
from workers import imports
from workers.imports import BATCH_ROWS, Imports

ROWS = 2 * BATCH_ROWS + 10


class CrashedError(Exception):
    """The worker is gone."""


class Dying(Imports):
    """Dies at its nth call of a function, before or after the database has done it."""

    def __init__(self, client: AsyncClient, function: str, nth: int, *, after: bool) -> None:
        super().__init__(client)
        self._at = function
        self._left = nth
        self._after = after

    async def _call(self, function: str, parameters: dict[str, Any]) -> Any:
        if function != self._at:
            return await super()._call(function, parameters)
        self._left -= 1
        if self._left:
            return await super()._call(function, parameters)
        if self._after:
            await super()._call(function, parameters)
        raise CrashedError


@pytest.fixture
async def client(workerless_stack: StackConfig) -> AsyncIterator[AsyncClient]:
    settings = Settings.model_validate(
        {
            "supabase_url": workerless_stack.gateway_url,
            "supabase_publishable_key": workerless_stack.keys.publishable,
            "supabase_secret_key": workerless_stack.keys.secret,
        }
    )
    async with http_pool() as http:
        yield service_client(settings, http)


@pytest.fixture
def clinic(workerless_stack: StackConfig) -> str:
    with psycopg.connect(workerless_stack.db_url()) as connection:
        row = connection.execute(
            "insert into public.clinics (slug, name, time_zone) values (%s, 'Imports', 'UTC')"
            " returning id",
            [f"imports-{uuid.uuid4().hex[:12]}"],
        ).fetchone()
    assert row is not None
    return str(row[0])


async def queue(client: AsyncClient, clinic: str, content: str, *, dry_run: bool = False) -> str:
    parameters: dict[str, Any] = {
        "clinic_id": clinic,
        "kind": "patients",
        "dry_run": dry_run,
        "requested_by": None,
        "files": packed({"patients.csv": content.encode()}),
    }
    answer = await client.schema("worker").rpc("create_import", parameters).execute()
    return str(answer.data)


def people(rows: int = ROWS) -> str:
    """Every hundredth row has no name."""
    lines = (f"{'' if n % 100 == 0 else f'Person {n}'};1990-01-01" for n in range(rows))
    return "Name;Born\n" + "\n".join(lines) + "\n"


def ask(stack: StackConfig, query: str, *values: object) -> tuple[Any, ...]:
    with psycopg.connect(stack.db_url()) as connection:
        row = connection.execute(query, values).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return row


def end_lease(stack: StackConfig, job: str) -> None:
    with psycopg.connect(stack.db_url()) as connection:
        connection.execute(
            "update public.import_jobs set leased_until = now() where id = %s", [job]
        )


COUNTS = (
    "select status::text, attempts, rows_read, imported, already_there, rejected,"
    " (select count(*) from public.patients where clinic_id = import_jobs.clinic_id),"
    " (select count(*) from private.import_contents where job_id = import_jobs.id)"
    " from public.import_jobs join public.import_files on job_id = import_jobs.id"
    " where import_jobs.id = %s"
)


@pytest.mark.parametrize(
    ("function", "nth", "after"),
    [
        ("read_import", 1, True),
        ("import_batch", 1, False),
        ("import_batch", 2, True),
        ("import_batch", 3, False),
        ("finish_import", 1, False),
    ],
)
async def test_a_dead_workers_job_is_finished_by_another_and_no_row_counts_twice(
    workerless_stack: StackConfig,
    client: AsyncClient,
    clinic: str,
    *,
    function: str,
    nth: int,
    after: bool,
) -> None:
    job = await queue(client, clinic, people())
    with pytest.raises(CrashedError):
        await Dying(client, function, nth, after=after).look()
    assert await Imports(client).look() is False, "the lease still holds"
    end_lease(workerless_stack, job)
    assert await Imports(client).look() is True
    bad = len(range(0, ROWS, 100))
    good = ROWS - bad
    assert ask(workerless_stack, COUNTS, job) == ("finished", ANY, ROWS, good, 0, bad, good, 0)


async def test_who_lost_the_lease_writes_nothing_more(
    workerless_stack: StackConfig, client: AsyncClient, clinic: str
) -> None:
    job = await queue(client, clinic, people(5))
    claimed = await client.schema("worker").rpc("claim_import", {}).execute()
    (mine,) = claimed.data
    end_lease(workerless_stack, job)
    assert await Imports(client).look() is True
    late: dict[str, Any] = {"job_id": job, "lease_id": mine["lease_id"], "error": "late"}
    answer = await client.schema("worker").rpc("finish_import", late).execute()
    assert answer.data is False
    assert ask(workerless_stack, COUNTS, job)[0] == "finished"


async def test_a_job_that_ends_its_workers_is_given_up(
    workerless_stack: StackConfig, client: AsyncClient, clinic: str
) -> None:
    job = await queue(client, clinic, people(5))
    for _ in range(5):
        with pytest.raises(CrashedError):
            await Dying(client, "read_import", 1, after=False).look()
        end_lease(workerless_stack, job)
    assert await Imports(client).look() is False
    assert ask(
        workerless_stack, "select status::text from public.import_jobs where id = %s", job
    ) == ("failed",)


async def test_a_job_that_gets_further_each_time_is_not_given_up(
    workerless_stack: StackConfig, client: AsyncClient, clinic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "BATCH_ROWS", 2)
    job = await queue(client, clinic, people(14))
    for _ in range(6):
        with pytest.raises(CrashedError):
            await Dying(client, "import_batch", 1, after=True).look()
        end_lease(workerless_stack, job)
    assert await Imports(client).look() is True
    assert ask(workerless_stack, COUNTS, job)[0] == "finished"


async def test_a_dry_run_writes_counts_and_no_people(
    workerless_stack: StackConfig, client: AsyncClient, clinic: str
) -> None:
    job = await queue(client, clinic, people(), dry_run=True)
    assert await Imports(client).look() is True
    bad = len(range(0, ROWS, 100))
    counts = ask(workerless_stack, COUNTS, job)
    assert counts == ("finished", 1, ROWS, ROWS - bad, 0, bad, 0, 0)
