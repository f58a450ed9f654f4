"""One person's data: handed out whole, or made unknown.

A clinic does it for its patients, everybody for themselves. The right to it is asked as the caller;
collecting and erasing spans tables that no caller may write, and needs the service key. Both are
noted in the access log by the functions that do them.
"""

from __future__ import annotations

import json
import logging
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from supabase import AsyncClient
from supabase_auth.errors import AuthError

from api.dependencies import Resources
from api.error_responses import BY_STATUS, ProblemError
from api.flows import (
    FlowRequest,
    asks_for,
    asks_for_no_clinic,
    asks_to_read,
    asks_to_read_without_clinic,
    flow_responses,
)
from api.readable_export import page_about

logger = logging.getLogger(__name__)

router = APIRouter(prefix="/v1", tags=["people"])

Format = Annotated[Literal["json", "html"], Query(description="For programs, or for people.")]
EXPORT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Everything that is kept about the person",
        "content": {
            "application/json": {"schema": {"type": "object", "additionalProperties": True}},
            "text/html": {"schema": {"type": "string"}},
        },
    }
}


class Confirmation(BaseModel):
    """Erasing cannot be undone, so it is asked for in words."""

    model_config = ConfigDict(extra="forbid")

    confirm: Literal["erase"]


class Erasure(BaseModel):
    """What was done. Asked again for the same person, nothing more happens."""

    erased_records: int = Field(ge=0)
    called_off_visits: int = Field(ge=0)
    log_in: Literal["deleted", "to_be_deleted", "kept"] = Field(
        description="Kept: the person is a patient or works elsewhere, or had no log-in."
    )


@router.get(
    "/clinics/{clinic_id}/patients/{patient_id}/export",
    summary="Everything a clinic keeps about a patient",
    response_class=Response,
    responses=EXPORT | flow_responses(),
)
async def export_patient(
    clinic_id: UUID,
    patient_id: UUID,
    asked: Annotated[FlowRequest, asks_to_read("export_patient")],
    format: Format = "json",
) -> Response:
    """Owners and managers; the access log says who took it."""
    await asked.count()
    await _must_see(asked.person.client, clinic_id, patient_id)
    return await _export(asked, {"patient_id": str(patient_id)}, format)


@router.get(
    "/me/export",
    summary="Everything that is kept about the caller, in all clinics",
    response_class=Response,
    responses=EXPORT | flow_responses(),
)
async def export_self(
    asked: Annotated[FlowRequest, asks_to_read_without_clinic("export_self")],
    format: Format = "json",
) -> Response:
    """Everybody, about themselves."""
    await asked.count()
    return await _export(asked, {"user_id": str(asked.person.user_id)}, format)


@router.post(
    "/clinics/{clinic_id}/patients/{patient_id}/erasure",
    summary="Make a patient unknown",
    responses=flow_responses(),
)
async def erase_patient(
    clinic_id: UUID,
    patient_id: UUID,
    confirmation: Confirmation,
    asked: Annotated[FlowRequest, asks_for("erase_patient")],
) -> Erasure:
    """Owners and managers. Visits stay as numbers and their history still verifies; nothing says
    any more whose they were. The log-in goes if nothing else needs it."""

    async def act() -> Erasure:
        await _must_see(asked.person.client, clinic_id, patient_id)
        return await _erase(asked, {"patient_id": str(patient_id)})

    return await asked.once(Erasure, act)


@router.post(
    "/me/erasure",
    summary="Make the caller unknown, in all clinics",
    responses=flow_responses(),
)
async def erase_self(
    confirmation: Confirmation,
    asked: Annotated[FlowRequest, asks_for_no_clinic("erase_self")],
) -> Erasure:
    """Everybody; the last owner of a clinic first needs to find another."""

    async def act() -> Erasure:
        return await _erase(asked, {"user_id": str(asked.person.user_id)})

    return await asked.once(Erasure, act)


async def _must_see(caller: AsyncClient, clinic_id: UUID, patient_id: UUID) -> None:
    """Ask as the caller whether the clinic has that patient. Raises ProblemError."""
    answer = await (
        caller.table("patients")
        .select("id")
        .eq("clinic_id", str(clinic_id))
        .eq("id", str(patient_id))
        .execute()
    )
    if not answer.data:
        raise ProblemError(404, *BY_STATUS[404])


async def _export(asked: FlowRequest, whom: dict[str, Any], format: str) -> Response:
    parameters = whom | {"requested_by": str(asked.person.user_id)}
    rpc = asked.held.service.schema("worker").rpc
    person: Any = (await rpc("export_person", parameters).execute()).data
    logger.info("person_exported", extra=whom | {"by": asked.person.user_id})
    if format == "html":
        content, kind = page_about(person), "text/html; charset=utf-8"
    else:
        content, kind = json.dumps(person, ensure_ascii=False), "application/json"
    name = f"personal-data.{format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=kind, headers=headers)


async def _erase(asked: FlowRequest, whom: dict[str, Any]) -> Erasure:
    parameters = whom | {"requested_by": str(asked.person.user_id)}
    rpc = asked.held.service.schema("worker").rpc
    erased: Any = (await rpc("erase_with_log_in", parameters).execute()).data
    log_in = await _delete_log_ins(asked.held, erased["user_ids_without_records"])
    logger.info("person_erased", extra=whom | {"by": asked.person.user_id, "log_in": log_in})
    return Erasure(
        erased_records=len(erased["patient_ids"]),
        called_off_visits=erased["called_off_visits"],
        log_in=log_in,
    )


async def _delete_log_ins(
    held: Resources, user_ids: list[str]
) -> Literal["deleted", "to_be_deleted", "kept"]:
    """Needs the service key: only it deletes accounts. What fails here, a worker does later."""
    are_gone = True
    for user_id in user_ids:
        try:
            await held.service.auth.admin.delete_user(user_id)
        except AuthError as error:
            are_gone = are_gone and error.code == "user_not_found"
    if not user_ids:
        return "kept"
    return "deleted" if are_gone else "to_be_deleted"
