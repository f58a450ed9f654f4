"""A notification as `worker.claim_notifications` hands it out: one message owed to one person."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

LONGEST_TEXT = 200
LONGEST_PREPARATION = 500
JOINERS = "\u200c\u200d"


@dataclass(frozen=True, slots=True)
class Notification:
    """One claimed message. Texts are a single printable line each; instants carry their zone."""

    notification_id: UUID
    lease_id: UUID
    kind: str
    channel: str
    recipient_address: str
    recipient_name: str
    # Whose visit it is, where a guardian reads of it.
    patient_name: str
    locale: str
    attempts: int
    # Whether it can wait for others and go in one request with them.
    may_share: bool
    appointment_id: UUID
    appointment_version: int
    clinic_name: str
    location_name: str
    location_address: str
    location_phone: str
    provider_name: str
    service_name: str
    starts_at: datetime
    ends_at: datetime
    time_zone: ZoneInfo
    # The clinic's clock, of 12 or 24 hours; None: the recipient's own.
    clock_hours: int | None
    # Until when an offered time is kept; None for everything else.
    answer_by: datetime | None
    queued_at: datetime
    # What to bring or to do before the visit.
    preparation: str
    # The secrets of the links this mail may offer, by what they do.
    action_tokens: Mapping[str, str]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Notification:
        """Build from one row of the RPC. Raises KeyError, TypeError or ValueError if unusable."""
        return cls(
            notification_id=UUID(row["notification_id"]),
            lease_id=UUID(row["lease_id"]),
            kind=row["kind"],
            channel=row["channel"],
            recipient_address=row["recipient_address"],
            recipient_name=one_line(row["recipient_name"]),
            patient_name=one_line(row["patient_name"]),
            locale=row["locale"] or "en",
            attempts=row["attempts"],
            may_share=row["may_share"],
            appointment_id=UUID(row["appointment_id"]),
            appointment_version=row["appointment_version"],
            clinic_name=one_line(row["clinic_name"]),
            location_name=one_line(row["location_name"]),
            location_address=one_line(row["location_address"]),
            location_phone=one_line(row["location_phone"]),
            provider_name=one_line(row["provider_name"]),
            service_name=one_line(row["service_name"]),
            starts_at=datetime.fromisoformat(row["starts_at"]),
            ends_at=datetime.fromisoformat(row["ends_at"]),
            time_zone=ZoneInfo(row["time_zone"]),
            clock_hours=row["clock_hours"],
            answer_by=datetime.fromisoformat(row["answer_by"]) if row["answer_by"] else None,
            queued_at=datetime.fromisoformat(row["queued_at"]),
            preparation=one_line(row["preparation"], LONGEST_PREPARATION),
            action_tokens=dict(row["action_tokens"]),
        )


def one_line(text: str | None, longest: int = LONGEST_TEXT) -> str:
    """The text without line breaks, control or direction-changing characters, cut if too long.

    Someone else's name must not be able to add lines to a mail or turn its text around.
    """
    shown = text or ""
    # Nearly all are; looking at each character is for the others.
    if not shown.isprintable():
        shown = "".join(
            " " if character.isspace() else character
            for place, character in enumerate(shown)
            if character.isspace()
            or not unicodedata.category(character).startswith("C")
            or _joins(shown, place)
        )
    return " ".join(shown.split())[:longest]


def _joins(text: str, place: int) -> bool:
    """Whether a joiner stands there as Persian or Sinhala are spelled, or inside of an emoji."""
    neighbours = text[place - 1 : place], text[place + 1 : place + 2]
    return text[place] in JOINERS and all(
        one and not one.isascii() and unicodedata.category(one)[0] in "LMS" for one in neighbours
    )
