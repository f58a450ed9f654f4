"""Importing a clinic's records: the upload is looked at, stored and carried out by a worker.

Progress and rejects are read as the caller, under row-level security; only storing the upload needs
the service key.
"""

from __future__ import annotations

import asyncio
import csv
import logging
from datetime import datetime
from io import StringIO
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response, status
from pydantic import BaseModel, Field
from supabase import AsyncClient

from api.error_responses import BY_STATUS, ProblemError
from api.flows import FlowRequest, asks_for, asks_to_read, flow_responses
from appoint.importing import jobs
from appoint.importing.outcomes import ImportFailed, Reject

logger = logging.getLogger(__name__)

router = APIRouter(prefix="/v1/clinics/{clinic_id}/imports", tags=["imports"])

ROWS_PER_READ = 1000
MOST_REJECTS = 100_000
JobId = Annotated[UUID, Path()]
MEDIA_TYPES = {
    "patients": ("text/csv",),
    "providers": ("text/csv",),
    "synthea": ("application/zip", "application/x-zip-compressed"),
}
UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/zip": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}
REJECTS: dict[int | str, dict[str, Any]] = {
    200: {"description": "CSV", "content": {"text/csv": {"schema": {"type": "string"}}}}
}


class ImportedFile(BaseModel):
    """How far one file has come; `rows` = imported + already there + rejected."""

    name: str
    size_bytes: int
    done_bytes: int
    rows: int = Field(validation_alias="rows_read")
    imported: int
    already_there: int
    rejected: int


class ImportJob(BaseModel):
    """An import and its progress."""

    id: UUID
    clinic_id: UUID
    kind: jobs.Kind
    dry_run: bool
    status: Literal["queued", "running", "finished", "failed"]
    error: str | None = Field(description="Why it failed; what was imported is kept.")
    created_at: datetime
    ended_at: datetime | None
    files: list[ImportedFile]


class StartedImport(BaseModel):
    """Where to ask for the progress."""

    id: UUID
    clinic_id: UUID


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Upload records to import",
    responses=flow_responses(415),
    openapi_extra=UPLOAD,
)
async def start_import(
    *,
    clinic_id: UUID,
    request: Request,
    response: Response,
    asked: Annotated[FlowRequest, asks_for("import_records")],
    kind: Annotated[jobs.Kind, Query(description="What the upload holds.")],
    dry_run: Annotated[
        bool, Query(description="Say what would become of every row and change nothing.")
    ] = False,
) -> StartedImport:
    """Owners and managers. `patients` and `providers` are CSV files saved by a spreadsheet;
    `synthea` is a zip file with Synthea's providers.csv, patients.csv and encounters.csv, all of
    which go into this clinic. The answer comes at once; a worker does the rest."""
    content = await _content(request, kind)
    try:
        files = await asyncio.to_thread(_read, kind, content)
    except ImportFailed as unusable:
        raise ProblemError(422, "invalid_input", f"{unusable}.") from None

    async def act() -> StartedImport:
        parameters: dict[str, Any] = {
            "clinic_id": str(clinic_id),
            "kind": kind,
            "dry_run": dry_run,
            "requested_by": str(asked.person.user_id),
            "files": files,
        }
        answer = (
            await asked.held.service.schema("worker").rpc("create_import", parameters).execute()
        )
        told = {"clinic_id": clinic_id, "job_id": answer.data, "kind": kind}
        logger.info("import_queued", extra=told)
        return StartedImport(id=UUID(str(answer.data)), clinic_id=clinic_id)

    started = await asked.once(StartedImport, act)
    response.headers["Location"] = f"/v1/clinics/{clinic_id}/imports/{started.id}"
    return started


@router.get("/{job_id}", summary="The progress of an import", responses=flow_responses())
async def read_import(
    clinic_id: UUID, job_id: JobId, asked: Annotated[FlowRequest, asks_to_read("read_import")]
) -> ImportJob:
    """Owners and managers."""
    await asked.count()
    return await _job(asked.person.client, clinic_id, job_id)


@router.get(
    "/{job_id}/rejects.csv",
    summary="The rows that were not taken, and why",
    response_class=Response,
    responses=REJECTS | flow_responses(),
)
async def read_rejects(
    clinic_id: UUID, job_id: JobId, asked: Annotated[FlowRequest, asks_to_read("read_rejects")]
) -> Response:
    """Names each row by file, line and id, never by what was in it."""
    await asked.count()
    caller = asked.person.client
    await _job(caller, clinic_id, job_id)
    rejects = await _rejects(caller, clinic_id, job_id)
    return Response(
        _csv(rejects),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="rejects-{job_id}.csv"'},
    )


async def _content(request: Request, kind: jobs.Kind) -> bytes:
    """Raises ProblemError for what is not of the kind's media type."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in MEDIA_TYPES[kind]:
        raise ProblemError(415, *BY_STATUS[415])
    return await request.body()


def _read(kind: jobs.Kind, content: bytes) -> dict[str, dict[str, Any]]:
    """The files ready to be stored. Raises ImportFailed."""
    files = jobs.unpack(kind, content)
    jobs.steps(kind, files)
    return jobs.packed(files)


async def _job(caller: AsyncClient, clinic_id: UUID, job_id: UUID) -> ImportJob:
    answer = await (
        caller.table("import_jobs")
        .select("*, files:import_files!import_files_of_clinic(*)")
        .eq("clinic_id", str(clinic_id))
        .eq("id", str(job_id))
        .execute()
    )
    if not answer.data:
        raise ProblemError(404, *BY_STATUS[404])
    return ImportJob.model_validate(answer.data[0])


async def _rejects(caller: AsyncClient, clinic_id: UUID, job_id: UUID) -> list[Reject]:
    found: list[Reject] = []
    while len(found) < MOST_REJECTS:
        answer = await (
            caller.table("import_rejects")
            .select("file, line, row_id, reason")
            .eq("clinic_id", str(clinic_id))
            .eq("job_id", str(job_id))
            .order("file")
            .order("line")
            .range(len(found), len(found) + ROWS_PER_READ - 1)
            .execute()
        )
        rows: list[Any] = answer.data
        found += [Reject(**row) for row in rows]
        if len(rows) < ROWS_PER_READ:
            break
    return found


def _csv(rejects: list[Reject]) -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "line", "id", "reason", "sentence"])
    for reject in rejects:
        writer.writerow(
            [reject.file, reject.line, reject.row_id or "", reject.reason, reject.sentence]
        )
    return text.getvalue()
