"""Hands rows to the database in batches and keeps account of what it answered.

A batch is one call and one transaction: all of its rows have their outcome, or none. Calling again
is harmless, because the database answers "already there"; so a call whose answer got lost is
simply repeated, and an import that was killed is completed by running it again.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import httpx
from postgrest import APIError

from appoint.importing.csv_files import CsvFile, Record
from appoint.importing.fields import BadField, is_uuid
from appoint.importing.outcomes import FileTotals, ImportFailed, Reject, RejectsFile

if TYPE_CHECKING:
    from supabase import AsyncClient

# PostgREST answers with at most `max_rows` (supabase/config.toml) rows.
LARGEST_BATCH = 1000
# Seconds to wait before each further attempt at a call that got no usable answer.
PAUSES = (0.2, 1.0, 3.0)

# A gateway's 5xx; PostgREST without its database; lost connections, time-outs, restarts, deadlocks.
_MAY_PASS = re.compile(r"50[234]|PGRST00[0-3]|08...|57014|57P..|40001|40P01")

Row = dict[str, Any]
OnProgress = Callable[[FileTotals, int], None]


@dataclass(frozen=True, slots=True)
class Step:
    """One file and the function of schema `worker` that its rows are handed to."""

    file: CsvFile
    function: str
    id_column: str
    # Makes what the function takes of one line's fields; raises BadField.
    convert: Callable[[dict[str, str]], Row]


@dataclass(frozen=True, slots=True)
class _Sent:
    """A row with what its reject would have to say, and where in the file it ended."""

    row: Row
    line: int
    row_id: str | None
    end: int


async def load(
    service: AsyncClient,
    steps: Sequence[Step],
    rejects: RejectsFile,
    *,
    batch_size: int,
    on_progress: OnProgress,
) -> list[FileTotals]:
    """Load one file after the other; `on_progress` hears totals and bytes read after each batch.

    `service` carries the service key: it writes for everyone. Raises ImportFailed if the database
    cannot be reached or refuses the import as a whole.
    """
    loader = _Loader(service, rejects, batch_size, on_progress)
    return [await loader.load(step) for step in steps]


@dataclass(frozen=True, slots=True)
class _Loader:
    service: AsyncClient
    rejects: RejectsFile
    batch_size: int
    on_progress: OnProgress

    async def load(self, step: Step) -> FileTotals:
        totals = FileTotals(step.file.name)
        batch: list[_Sent] = []
        for record in step.file.records():
            totals.rows += 1
            prepared = record if isinstance(record, Reject) else _prepare(step, record)
            if isinstance(prepared, Reject):
                self._reject(prepared, totals)
                continue
            batch.append(prepared)
            if len(batch) == self.batch_size:
                await self._send(step, batch, totals)
                self.on_progress(totals, prepared.end)
                batch = []
        if batch:
            await self._send(step, batch, totals)
        self.on_progress(totals, step.file.size)
        return totals

    def _reject(self, reject: Reject, totals: FileTotals) -> None:
        self.rejects.add(reject)
        totals.count_reject(reject.reason)

    async def _send(self, step: Step, batch: Sequence[_Sent], totals: FileTotals) -> None:
        answers = await self._call(step.function, [sent.row for sent in batch])
        by_line = {answer["row_number"]: answer for answer in answers}
        if len(answers) != len(batch) or by_line.keys() != {sent.line for sent in batch}:
            raise ImportFailed(f"{step.function} did not answer for every row it was given")
        for sent in batch:
            answer = by_line[sent.line]
            match answer["outcome"]:
                case "imported":
                    totals.imported += 1
                case "already_there":
                    totals.already_there += 1
                case _:
                    reject = Reject(totals.file, sent.line, sent.row_id, answer["reason"])
                    self._reject(reject, totals)

    async def _call(self, function: str, rows: list[Row]) -> list[dict[str, Any]]:
        for pause in (*PAUSES, None):
            try:
                # The library's types know only texts as parameters.
                parameters: dict[str, Any] = {"rows": rows}
                answer = await self.service.schema("worker").rpc(function, parameters).execute()
            except APIError as error:
                if not _may_pass(error) or pause is None:
                    raise ImportFailed(_refusal(function, error)) from None
            except httpx.HTTPError as error:
                if pause is None:
                    raise ImportFailed(
                        f"Supabase cannot be reached ({type(error).__name__}); "
                        "what was imported so far is kept, run the import again to complete it"
                    ) from None
            else:
                return cast(list[dict[str, Any]], answer.data)
            await asyncio.sleep(pause)
        raise AssertionError("unreachable")


def _prepare(step: Step, record: Record) -> _Sent | Reject:
    identity = record.fields[step.id_column]
    # Anything but an id might be a person's data in the wrong column.
    row_id = identity.lower() if is_uuid(identity) else None
    try:
        row = {"row_number": record.line, **step.convert(record.fields)}
    except BadField as error:
        return Reject(step.file.name, record.line, row_id, error.reason)
    return _Sent(row, record.line, row_id, record.end)


def _may_pass(error: APIError) -> bool:
    """Whether trying again can help, judged by an HTTP status, PostgREST's code or a SQLSTATE."""
    return bool(_MAY_PASS.fullmatch(str(error.code)))


def _refusal(function: str, error: APIError) -> str:
    """One sentence with codes only: PostgreSQL's messages quote what they complain about."""
    if error.code is None:  # not from the database or PostgREST: its text quotes no row
        return f"the gateway refused {function}: {error.message}"
    code = str(error.code)
    if code in {"401", "403", "42501", "PGRST301", "PGRST302"}:
        return f"{function} is not allowed with this SUPABASE_SECRET_KEY ({code})"
    if code in {"PGRST202", "PGRST106"}:
        return f"the database has no worker.{function} ({code}); are the migrations applied?"
    if code == "57014":
        return f"{function} took too long; run the import again with a smaller --batch-size"
    return f"{function} failed in the database ({code}); run the import again to go on"
