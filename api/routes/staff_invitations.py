"""Inviting somebody to a clinic's staff: the database decides who may, Auth sends the mail.

The invitation itself is written as the caller, so that row-level security and the rules about roles
apply. Only the mail needs the service key. Inviting the same person again sends the mail again.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, status
from pydantic import BaseModel, ConfigDict, EmailStr, Field
from supabase import AsyncClient
from supabase_auth.errors import AuthError, AuthRetryableError

from api.dependencies import Resources
from api.error_responses import BY_STATUS, ProblemError, unavailable
from api.flows import FlowRequest, asks_for, flow_responses

logger = logging.getLogger(__name__)

router = APIRouter(prefix="/v1/clinics/{clinic_id}/staff-invitations", tags=["staff"])

RETRY_AFTER_SECONDS = "60"

Role = Literal["owner", "manager", "front_desk", "provider"]


class NewStaffInvitation(BaseModel):
    """Whom to invite and as what."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    email: EmailStr = Field(max_length=254)
    role: Role


class StaffInvitation(BaseModel):
    """An invitation that waits. It does not tell whether the person has an account already."""

    id: UUID
    clinic_id: UUID
    email: str
    role: Role
    status: Literal["pending", "accepted", "revoked"]
    created_at: datetime


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Invite somebody to the clinic's staff",
    responses=flow_responses(),
)
async def invite_staff(
    clinic_id: UUID,
    invitation: NewStaffInvitation,
    asked: Annotated[FlowRequest, asks_for("invite_staff")],
) -> StaffInvitation:
    """Owners invite anyone, managers front desk and providers. The mail leads to the site, where
    the invited person accepts after logging in."""

    async def act() -> StaffInvitation:
        client = asked.person.client
        invited = await _invite(client, clinic_id, invitation.email, invitation.role)
        await _send_mail(asked.held, invited.email)
        logger.info("staff_invited", extra={"clinic_id": clinic_id, "invitation_id": invited.id})
        return invited

    return await asked.once(StaffInvitation, act)


@router.post(
    "/{invitation_id}/resend",
    summary="Send the mail of an invitation again",
    responses=flow_responses(),
)
async def resend_invitation(
    clinic_id: UUID,
    invitation_id: UUID,
    asked: Annotated[FlowRequest, asks_for("resend_invitation")],
) -> StaffInvitation:
    """Whoever could send it themselves, while it is pending; it gets its whole term again."""

    async def act() -> StaffInvitation:
        client = asked.person.client
        pending = await _pending(client, clinic_id, invitation_id)
        invited = await _invite(client, clinic_id, pending.email, pending.role)
        await _send_mail(asked.held, invited.email)
        told = {"clinic_id": clinic_id, "invitation_id": invitation_id}
        logger.info("invitation_resent", extra=told)
        return invited

    return await asked.once(StaffInvitation, act)


async def _invite(caller: AsyncClient, clinic_id: UUID, email: str, role: Role) -> StaffInvitation:
    """As the caller, whose role the database judges; a pending invitation is renewed."""
    parameters = {"clinic_id": str(clinic_id), "email": email, "role": role}
    answer = await caller.rpc("invite_member", parameters).execute()
    return StaffInvitation.model_validate(answer.data)


async def _pending(caller: AsyncClient, clinic_id: UUID, invitation_id: UUID) -> StaffInvitation:
    """Read as the caller: whoever may not see it is told that there is none."""
    answer = await (
        caller.table("staff_invitations")
        .select("id, clinic_id, email, role, status, created_at")
        .eq("clinic_id", str(clinic_id))
        .eq("id", str(invitation_id))
        .eq("status", "pending")
        .execute()
    )
    if not answer.data:
        raise ProblemError(404, *BY_STATUS[404])
    return StaffInvitation.model_validate(answer.data[0])


async def _send_mail(held: Resources, email: str) -> None:
    """An invitation for a new person, a log-in link for one with an account.

    Needs the service key: only it may invite. Raises ProblemError.
    """
    auth = held.service.auth
    site = f"{held.settings.appoint_site_url}/staff"
    try:
        try:
            await auth.admin.invite_user_by_email(email, {"redirect_to": site})
        except AuthError as error:
            if error.code not in ("email_exists", "user_already_exists"):
                raise
            link = {"should_create_user": False, "email_redirect_to": site}
            await auth.sign_in_with_otp({"email": email, "options": link})  # type: ignore[typeddict-item]
    except AuthError as error:
        raise _refusal_of(error) from error


def _refusal_of(error: AuthError) -> ProblemError:
    if error.code in ("over_email_send_rate_limit", "over_request_rate_limit"):
        wait = {"Retry-After": RETRY_AFTER_SECONDS}
        return ProblemError(429, "too_many_requests", "Too many mails. Try again shortly.", wait)
    if error.code in ("email_address_invalid", "validation_failed", "email_address_not_authorized"):
        return ProblemError(422, "invalid_input", "No mail can be sent to this address.")
    logger.error(
        "invitation_mail_refused", extra={"code": error.code, "error": type(error).__name__}
    )
    if isinstance(error, AuthRetryableError):
        return unavailable()
    return ProblemError(503, "unavailable", "The invitation stands, but its mail was not sent.")
