"""What Resend reports about mails: delivered, bounced, not sent at all, complained.

The signature over the raw body is the only credential. A report may come twice, late and in any
order; the database makes the same of every order. What is not about a message of ours is taken and
forgotten, so that Resend does not repeat it for a day.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from api.dependencies import Held
from api.error_responses import ProblemError, documented

logger = logging.getLogger(__name__)

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])

TAG = "notification_id"
EVENTS = {
    "email.sent": "sent",
    "email.delivered": "delivered",
    "email.bounced": "bounced",
    # Taken, but never given to the recipient's server: an error of Resend's, or its own list.
    "email.failed": "failed",
    "email.suppressed": "suppressed",
    "email.complained": "complained",
}
SIGNED = ("id", "timestamp", "signature")


@dataclass(frozen=True, slots=True)
class Report:
    """One event about one message of ours."""

    event: str
    happened_at: datetime
    provider_message_id: str | None
    notification_id: UUID
    is_permanent: bool
    address: str | None

    @classmethod
    def from_payload(cls, payload: Any) -> Report | None:
        """Read Resend's payload; None if it is about nothing of ours."""
        try:
            data = payload["data"]
            return cls(
                event=EVENTS[payload["type"]],
                happened_at=_instant(payload["created_at"]),
                provider_message_id=data.get("email_id"),
                notification_id=UUID(_tags(data)[TAG]),
                is_permanent=(data.get("bounce") or {}).get("type") == "Permanent",
                address=str(data["to"][0]) if data.get("to") else None,
            )
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            return None


@router.post(
    "/resend",
    summary="Take in a report about a mail",
    status_code=204,
    responses=documented(403, 422, 500, 503),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "Resend's event, signed in the `svix-*` headers.",
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    },
)
async def resend_webhook(request: Request, held: Held) -> Response:
    payload = _verified(held.settings.resend_webhook_secret, request.headers, await request.body())
    report = Report.from_payload(payload)
    if report is not None:
        # As the service: Resend is no user, its signature was checked.
        parameters: dict[str, Any] = {
            "event_id": request.headers["svix-id"],
            "event": report.event,
            "happened_at": report.happened_at.isoformat(),
            "provider_message_id": report.provider_message_id,
            "notification_id": str(report.notification_id),
            "is_permanent": report.is_permanent,
            "address": report.address,
        }
        await held.service.schema("worker").rpc("record_delivery_event", parameters).execute()
        told = {"notification_id": str(report.notification_id), "event": report.event}
        logger.info("delivery_reported", extra=told)
    return Response(status_code=204)


def _verified(secret: Any, headers: Mapping[str, str], body: bytes) -> Any:
    """The payload, whose signature holds and is at most 300 seconds old or early.

    Raises ProblemError.
    """
    if secret is None:
        raise ProblemError(503, "unavailable", "RESEND_WEBHOOK_SECRET is not set.")
    # The library knows the headers by their standard names, Resend sends Svix's.
    signed = {f"webhook-{name}": headers.get(f"svix-{name}", "") for name in SIGNED}
    try:
        return Webhook(secret.get_secret_value()).verify(body, signed)
    except (WebhookVerificationError, ValueError):
        raise ProblemError(403, "not_allowed", "The signature does not hold.") from None


def _tags(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Resend has shown tags both as an object and as a list of names and values."""
    tags = data["tags"]
    return {tag["name"]: tag["value"] for tag in tags} if isinstance(tags, list) else tags


def _instant(text: str) -> datetime:
    """Resend writes `2026-02-22T23:41:12.126Z` or `2026-02-22 23:41:12.126+00`."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("without a zone")
    return instant
