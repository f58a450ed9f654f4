"""Claimed rows as the database hands them out, for tests that need no database."""

from __future__ import annotations

import uuid
from typing import Any

from appoint.mail import Notification, Sender

SENDER = Sender(
    address="Appoint <appointments@appoint.example>",
    site_url="https://appoint.example",
    api_url="https://api.appoint.example",
)


def claimed_row(**changes: Any) -> dict[str, Any]:
    """One row of `worker.claim_notifications` as JSON, with the given columns changed."""
    row: dict[str, Any] = {
        "notification_id": str(uuid.uuid4()),
        "lease_id": str(uuid.uuid4()),
        "kind": "confirmation",
        "channel": "email",
        "recipient_address": "ada@example.org",
        "recipient_name": "Ada Lovelace",
        "patient_name": None,
        "locale": "en",
        "attempts": 1,
        "may_share": changes.get("kind") in ("reminder", "follow_up", "agenda"),
        "appointment_id": str(uuid.uuid4()),
        "appointment_version": 1,
        "clinic_name": "Lindenhof Family Practice",
        "location_name": "Lindenhof",
        "location_address": "Lindenstrasse 12, 8001 Zürich",
        "location_phone": "+41 44 555 01 00",
        "provider_name": "Dr. Grace Hopper",
        "service_name": "First consultation",
        "starts_at": "2026-03-28T08:30:00+00:00",
        "ends_at": "2026-03-28T09:00:00+00:00",
        "time_zone": "Europe/Zurich",
        "clock_hours": None,
        "answer_by": None,
        "queued_at": "2026-03-01T12:00:00+00:00",
        "preparation": None,
        "action_tokens": {},
        "content": None,
        "frozen": None,
    }
    return row | changes


def notification(**changes: Any) -> Notification:
    return Notification.from_row(claimed_row(**changes))
