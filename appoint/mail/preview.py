"""Every mail with invented content, in every language, in a folder: `appoint mail preview`.

What is shown is what `render` makes for a row of the queue; nothing is made up for the preview
beyond that row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import UUID

from jinja2 import Environment

from appoint.mail.messages import message_from_row, render_message
from appoint.mail.rendering import Mail, Sender, kinds, languages, wordings

SENDER = Sender(
    address="Harbour Clinic <appointments@harbour.example>",
    site_url="https://book.harbour.example",
    api_url="https://api.harbour.example",
)
STARTS_AT = datetime(2027, 3, 28, 7, 30, tzinfo=UTC)
# As private.preference_for says.
DECLINABLE = (
    "reminder",
    "follow_up",
    "staff_booking",
    "staff_request",
    "staff_cancellation",
    "agenda",
)
CLINIC_NAME = "Harbour Clinic"
AGENDA = {
    "day": "2027-03-28",
    "visits": [
        {
            "starts_at": (STARTS_AT + timedelta(hours=hours)).isoformat(),
            "ends_at": (STARTS_AT + timedelta(hours=hours, minutes=30)).isoformat(),
            "time_zone": "Europe/Amsterdam",
            "service_name": service,
            "location_name": "Hillside Practice",
            "seats_taken": seats_taken,
        }
        for hours, (service, seats_taken) in enumerate(
            (("Check-up", None), ("Vaccination", None), ("Back training", 8), ("Check-up", None))
        )
    ],
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One mail of the preview and the name its files share."""

    kind: str
    language: str
    mail: Mail

    @property
    def name(self) -> str:
        return f"{self.kind}.{self.language}"


def samples() -> list[Sample]:
    """One mail for each kind and language."""
    rows = {kind: _row(kind) for kind in kinds()}
    rows["reminder.guardian"] = _row("reminder", recipient_name=None, patient_name="Mia Jansen")
    rows["agenda"] = _row("agenda", provider_name=None, content=AGENDA)
    rows["guardian_invitation"] = _row("guardian_invitation", provider_name=None, content={})
    for action in wordings()["en"]["log_in"]:
        content = {"action": action, "code": "483920", "link": f"{SENDER.site_url}/log-in"}
        if action == "invite":
            content["clinic_name"] = CLINIC_NAME
        rows[f"log_in.{action}"] = _row("log_in", clinic_name=None, content=content)
    return [
        Sample(
            name,
            language,
            render_message(message_from_row(row | {"locale": language}), SENDER),
        )
        for name, row in rows.items()
        for language in languages()
    ]


def write_preview(folder: Path) -> list[Path]:
    """Write all mails and a page that shows them; returns the files, the page first."""
    folder.mkdir(parents=True, exist_ok=True)
    index = folder / "index.html"
    written = [index]
    shown = samples()
    for sample in shown:
        contents = {"html": sample.mail.html.encode(), "txt": sample.mail.text.encode()}
        for attachment in sample.mail.attachments:
            contents["ics"] = attachment.content
        for ending, content in contents.items():
            written.append(folder / f"{sample.name}.{ending}")
            written[-1].write_bytes(content)
    template = (files("appoint.mail") / "templates" / "preview.html").read_text("utf-8")
    page = Environment(autoescape=True).from_string(template)
    index.write_text(page.render(samples=shown, kinds=list(dict.fromkeys(s.kind for s in shown))))
    return written


def _row(kind: str, **changes: Any) -> dict[str, Any]:
    is_of_patient = kinds().get(kind, {}).get("audience") == "patient"
    row: dict[str, Any] = {
        "notification_id": str(UUID(int=1)),
        "lease_id": str(UUID(int=2)),
        "kind": kind,
        "channel": "email",
        "recipient_address": "noor@patients.example",
        "recipient_name": "Noor Jansen" if is_of_patient else None,
        "patient_name": None,
        "locale": "en",
        "attempts": 1,
        "may_share": False,
        "appointment_id": str(UUID(int=3)),
        "appointment_version": 1,
        "clinic_name": CLINIC_NAME,
        "location_name": "Hillside Practice",
        "location_address": "Mill Lane 3, Harbour Town",
        "location_phone": "+31 20 555 0101",
        "provider_name": "Dr. Mara Lindqvist",
        "service_name": "Check-up",
        "starts_at": STARTS_AT.isoformat(),
        "ends_at": (STARTS_AT + timedelta(minutes=30)).isoformat(),
        "time_zone": "Europe/Amsterdam",
        "clock_hours": None,
        "answer_by": (STARTS_AT - timedelta(days=1)).isoformat() if kind == "offer" else None,
        "queued_at": (STARTS_AT - timedelta(days=3)).isoformat(),
        "preparation": "Insurance card, list of medicines",
        "action_tokens": {
            action: f"sample-{action}"
            for action in ("confirm", "reschedule", "cancel", "accept", "decline")
        }
        | ({"unsubscribe": "sample-unsubscribe"} if kind in DECLINABLE else {}),
        "content": None,
    }
    return row | changes
