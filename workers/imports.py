"""Carries out import jobs: claims one, reads its files, hands batches to the database.

A job belongs to a worker for the length of a lease that each batch renews. The database writes
rows, counts and the place reached together, so whoever takes over after a crash goes on at that
place and a batch that is sent twice counts once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from postgrest.exceptions import APIError
from supabase import AsyncClient

from appoint.importing.csv_files import Record
from appoint.importing.fields import BadField, is_uuid
from appoint.importing.jobs import Step, steps, unpacked
from appoint.importing.loader import Row
from appoint.importing.outcomes import ImportFailed, Reject

logger = logging.getLogger(__name__)

BATCH_ROWS = 250
LEASE_SECONDS = 30
TRIES = 5
FIRST_PAUSE = 0.5
# Which rows a dry run has to make first, by the key that names them in a visit.
NEEDED_FIRST = {"provider_id": "provider", "patient_id": "patient"}


class LeaseLostError(Exception):
    """Another worker has the job; this one stops without a word to the database."""


@dataclass(slots=True)
class Batch:
    """Lines that are sent together; `end` is the position in bytes behind the last."""

    rows: list[Row]
    rejects: list[dict[str, Any]]
    line: int = 0
    end: int = 0

    def __len__(self) -> int:
        return len(self.rows) + len(self.rejects)


class Imports:
    """The import jobs' `worker` RPCs, with the service's rights: uploads are out of all reach."""

    def __init__(self, client: AsyncClient) -> None:
        self._rpc = client.schema("worker").rpc

    async def look(self) -> bool:
        """Carry out one job, if there is any. True: there may be more.

        May be cut off at any moment: the lease then runs out and the job is taken over.
        """
        claimed = await self._call("claim_import", {"lease_seconds": LEASE_SECONDS})
        if not claimed:
            return False
        job = claimed[0]
        told = {"job_id": job["id"], "clinic_id": job["clinic_id"], "attempt": job["attempts"]}
        logger.info("import_started", extra=told)
        try:
            await self._carry_out(job)
        except LeaseLostError:
            logger.warning("import_lease_lost", extra=told)
        except ImportFailed as failure:
            await self._finish(job, str(failure))
            logger.info("import_failed", extra=told)
        else:
            await self._finish(job, None)
            logger.info("import_finished", extra=told)
        return True

    async def _carry_out(self, job: dict[str, Any]) -> None:
        lease = {"job_id": job["id"], "lease_id": job["lease_id"]}
        files = await self._call("read_import", lease)
        if not files:
            raise LeaseLostError
        contents = {file["name"]: unpacked(file["content"]) for file in files}
        reached = {file["name"]: file["done_line"] for file in files}
        planned = steps(job["kind"], contents)
        known = await asyncio.to_thread(_rows_by_id, planned) if job["dry_run"] else {}
        for step in planned:
            for batch in _batches(step, reached[step.file.name]):
                before = _needed_first(step, batch, known)
                await self._send(step, batch, before, lease)

    async def _send(
        self, step: Step, batch: Batch, before: dict[str, list[Row]], lease: dict[str, Any]
    ) -> None:
        parameters = {
            **lease,
            "file": step.file.name,
            "kind": step.kind,
            "rows": batch.rows,
            "rejects": batch.rejects,
            "before": before,
            "done_line": batch.line,
            "done_bytes": batch.end,
            "lease_seconds": LEASE_SECONDS,
        }
        pause = FIRST_PAUSE
        for last in [False] * (TRIES - 1) + [True]:
            try:
                is_ours = await self._call("import_batch", parameters)
            except (APIError, httpx.HTTPError):
                # Sent again it changes nothing more, so a lost answer is no harm either.
                if last:
                    raise
                await asyncio.sleep(pause)
                pause *= 2
            else:
                if not is_ours:
                    raise LeaseLostError
                return

    async def _finish(self, job: dict[str, Any], error: str | None) -> None:
        await self._call(
            "finish_import", {"job_id": job["id"], "lease_id": job["lease_id"], "error": error}
        )

    async def _call(self, function: str, parameters: dict[str, Any]) -> Any:
        return (await self._rpc(function, parameters).execute()).data


def _batches(step: Step, done_line: int) -> Iterator[Batch]:
    batch = Batch([], [])
    end = 0
    for record in step.file.records():
        end = record.end if isinstance(record, Record) else end
        if record.line <= done_line:
            continue
        prepared = _prepare(step, record)
        if isinstance(prepared, Reject):
            refused = {"row_id": prepared.row_id, "reason": prepared.reason}
            batch.rejects.append({"line": prepared.line} | refused)
        else:
            batch.rows.append(prepared)
        batch.line, batch.end = record.line, end
        if len(batch) == BATCH_ROWS:
            yield batch
            batch = Batch([], [])
    if batch:
        # With the last batch the whole file is done, blank lines at its end included.
        batch.end = step.file.size
        yield batch


def _prepare(step: Step, record: Record | Reject) -> Row | Reject:
    if isinstance(record, Reject):
        return record
    identity = record.fields[step.id_column] if step.id_column else ""
    try:
        return {"row_number": record.line, **step.convert(record.fields)}
    except BadField as bad:
        # Anything but an id might be a person's data in the wrong column.
        row_id = identity.lower() if is_uuid(identity) else None
        return Reject(step.file.name, record.line, row_id, bad.reason)


def _rows_by_id(planned: Sequence[Step]) -> dict[str, dict[str, Row]]:
    """Providers and patients of the files, which visits refer to."""
    return {
        step.kind: {
            row["id"]: row
            for record in step.file.records()
            if not isinstance(row := _prepare(step, record), Reject)
        }
        for step in planned
        if step.kind in NEEDED_FIRST.values()
    }


def _needed_first(
    step: Step, batch: Batch, known: dict[str, dict[str, Row]]
) -> dict[str, list[Row]]:
    """What a dry run must have in the database while it tries these rows."""
    if not known or step.kind != "appointment":
        return {}
    return {
        kind: [
            known[kind][identity]
            for identity in dict.fromkeys(row[key] for row in batch.rows)
            if identity in known[kind]
        ]
        for key, kind in NEEDED_FIRST.items()
    }
