"""Staff who are there: other roles, suspension, removal, and a second factor that got lost.

What is changed is changed as the caller; only deleting factors needs the service key.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, status
from pydantic import BaseModel, ConfigDict, Field, model_validator
from supabase_auth.errors import AuthError

from api.dependencies import Resources
from api.error_responses import unavailable
from api.flows import FlowRequest, asks_for, flow_responses
from api.routes.staff_invitations import Role

logger = logging.getLogger(__name__)

router = APIRouter(prefix="/v1/clinics/{clinic_id}/members/{member_id}", tags=["staff"])


class MemberChanges(BaseModel):
    """A new role, or suspension; what is not given stays."""

    model_config = ConfigDict(extra="forbid")

    role: Role | None = None
    active: bool | None = Field(
        default=None, description="False suspends: grants nothing from now on; true readmits."
    )

    @model_validator(mode="after")
    def _something(self) -> MemberChanges:
        if self.role is None and self.active is None:
            raise ValueError("give a role or active")
        return self


class Member(BaseModel):
    """Somebody who works in the clinic, or did."""

    id: UUID
    clinic_id: UUID
    user_id: UUID
    role: Role
    active: bool
    updated_at: datetime


class SecondFactorReset(BaseModel):
    """How many factors were removed; the person may enrol a new one."""

    member_id: UUID
    removed: int = Field(ge=0)


@router.patch("", summary="Change, suspend or readmit a member", responses=flow_responses())
async def change_member(
    clinic_id: UUID,
    member_id: UUID,
    changes: MemberChanges,
    asked: Annotated[FlowRequest, asks_for("change_member")],
) -> Member:
    """Owners change anyone, managers front desk and providers. Takes effect with the next request
    of the person; a clinic keeps at least one active owner."""
    parameters = _member(clinic_id, member_id) | changes.model_dump(exclude_none=True)

    async def act() -> Member:
        answer = await asked.person.client.rpc("change_member", parameters).execute()
        logger.info("member_changed", extra={"clinic_id": clinic_id, "member_id": member_id})
        return Member.model_validate(answer.data)

    return await asked.once(Member, act)


@router.delete(
    "",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Remove a member",
    responses=flow_responses(),
)
async def remove_member(
    clinic_id: UUID,
    member_id: UUID,
    asked: Annotated[FlowRequest, asks_for("remove_member")],
) -> None:
    """Owners remove anyone, managers front desk and providers, everybody may leave."""

    async def act() -> None:
        await asked.person.client.rpc("remove_member", _member(clinic_id, member_id)).execute()
        logger.info("member_removed", extra={"clinic_id": clinic_id, "member_id": member_id})

    await asked.once(type(None), act)


@router.post(
    "/second-factor-reset",
    summary="Remove a member's second factors",
    responses=flow_responses(),
)
async def reset_second_factor(
    clinic_id: UUID,
    member_id: UUID,
    asked: Annotated[FlowRequest, asks_for("reset_second_factor")],
) -> SecondFactorReset:
    """For whoever lost their device. Not for oneself, and not for people who also work in a clinic
    where the caller could not do it."""

    async def act() -> SecondFactorReset:
        parameters = _member(clinic_id, member_id)
        answer = await asked.person.client.rpc("second_factor_holder", parameters).execute()
        removed = await _remove_factors(asked.held, str(answer.data))
        told = {"clinic_id": clinic_id, "member_id": member_id, "removed": removed}
        logger.info("second_factor_reset", extra=told)
        return SecondFactorReset(member_id=member_id, removed=removed)

    return await asked.once(SecondFactorReset, act)


async def _remove_factors(held: Resources, user_id: str) -> int:
    """Needs the service key: only it may touch other people's factors. Raises ProblemError."""
    mfa = held.service.auth.admin.mfa
    try:
        factors = await mfa.list_factors({"user_id": user_id})
        for factor in factors:
            await mfa.delete_factor({"user_id": user_id, "id": factor.id})
    except AuthError as error:
        logger.error("factors_not_removed", extra={"code": error.code})
        raise unavailable() from error
    return len(factors)


def _member(clinic_id: UUID, member_id: UUID) -> dict[str, Any]:
    return {"clinic_id": str(clinic_id), "member_id": str(member_id)}
