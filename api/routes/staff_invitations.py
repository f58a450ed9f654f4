"""Inviting somebody to a clinic's staff: the database decides who may, Auth sends the mail.

The invitation itself is written as the caller, so that row-level security and the rules about roles
apply. Only the mail needs the service key. Inviting the same person again sends the mail again.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Header, status
from pydantic import BaseModel, ConfigDict, EmailStr, Field
from supabase import AsyncClient
from supabase_auth.errors import AuthError, AuthRetryableError

from api.dependencies import Caller, Held, Resources
from api.error_responses import ProblemError, documented, unavailable

logger = logging.getLogger(__name__)

router = APIRouter(prefix="/v1/clinics/{clinic_id}", tags=["staff"])

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
    "/staff-invitations",
    status_code=status.HTTP_201_CREATED,
    summary="Invite somebody to the clinic's staff",
    responses=documented(400, 401, 403, 404, 409, 413, 422, 429, 500, 503),
)
async def invite_staff(
    clinic_id: UUID,
    invitation: NewStaffInvitation,
    caller: Caller,
    held: Held,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=8,
            max_length=128,
            description="The same key again within ten minutes sends no second mail.",
        ),
    ] = None,
) -> StaffInvitation:
    """Owners invite anyone, managers front desk and providers. The mail leads to the site, where
    the invited person accepts after logging in."""
    invited = await _invite_as(caller, clinic_id, invitation)
    request = (invited.id, idempotency_key)
    if idempotency_key is None or held.recent_mails.claim(request):
        try:
            await _send_mail(held, invited.email)
        except BaseException:
            held.recent_mails.release(request)
            raise
        logger.info("staff_invited", extra={"clinic_id": clinic_id, "invitation_id": invited.id})
    return invited


async def _invite_as(
    caller: AsyncClient, clinic_id: UUID, invitation: NewStaffInvitation
) -> StaffInvitation:
    """Raises APIError with the contract's key when the caller may not."""
    parameters = {"clinic_id": str(clinic_id), "email": invitation.email, "role": invitation.role}
    answer = await caller.rpc("invite_member", parameters).execute()
    return StaffInvitation.model_validate(answer.data)


async def _send_mail(held: Resources, email: str) -> None:
    """An invitation for a new person, a log-in link for one with an account.

    Needs the service key: only it may invite. Raises ProblemError.
    """
    auth = held.service.auth
    site = held.settings.appoint_site_url
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
