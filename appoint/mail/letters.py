"""Mails that are about no single visit: Auth's codes and links, a provider's day, and invitations.

Rendered as all mails are, from the row alone; subjects name nobody and no time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from appoint.mail.notification import one_line
from appoint.mail.rendering import (
    Mail,
    Sender,
    UnknownKindError,
    headers,
    surroundings,
    templates,
    unsubscribing,
    wording_for,
)
from appoint.mail.wall_clock import Writing, day_in_words, time_span_in_words, writing_for

KINDS = ("agenda", "log_in", "guardian_invitation")
# Where the site shows what one is invited to.
INVITATIONS = "/account/family"


@dataclass(frozen=True, slots=True)
class Letter:
    """One claimed message of these kinds; `content` is what the database knows for it."""

    notification_id: UUID
    lease_id: UUID
    kind: str
    channel: str
    recipient_address: str
    locale: str
    attempts: int
    may_share: bool
    clinic_name: str
    clock_hours: int | None
    content: Mapping[str, Any]
    # The secrets of the links this mail may offer, by what they do.
    action_tokens: Mapping[str, str]
    appointment_id: None = None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Letter:
        """Build from one row of the RPC. Raises KeyError, TypeError or ValueError if unusable."""
        content = dict(row["content"])
        return cls(
            notification_id=UUID(row["notification_id"]),
            lease_id=UUID(row["lease_id"]),
            kind=row["kind"],
            channel=row["channel"],
            recipient_address=row["recipient_address"],
            locale=one_line(content.get("language") or row["locale"]) or "en",
            attempts=row["attempts"],
            may_share=row["may_share"],
            # A log-in mail is no clinic's, but an invitation names who invites.
            clinic_name=one_line(row["clinic_name"] or content.get("clinic_name")),
            clock_hours=row["clock_hours"],
            content=content,
            action_tokens=dict(row["action_tokens"]),
        )


def render_letter(letter: Letter, sender: Sender) -> Mail:
    """The mail for one letter. Raises UnknownKindError, KeyError or ValueError."""
    language, wording = wording_for(letter.locale)
    content = letter.content
    own: dict[str, Any] = {"visits": [], "day": None, "code": None, "links": [], "preview": None}
    if letter.kind == "agenda":
        words, audience = wording["agenda"], "staff"
        writing = writing_for(letter.locale, language, letter.clock_hours)
        own["preview"] = own["day"] = day_in_words(date.fromisoformat(content["day"]), writing)
        own["visits"] = [_visit(visit, writing) for visit in content["visits"]]
    elif letter.kind == "log_in" and content["action"] in wording["log_in"]:
        words, audience = wording["log_in"][content["action"]], "account"
        if letter.clinic_name and "intro_of_clinic" in words:
            words = words | {"intro": words["intro_of_clinic"]}
        own["code"] = content["code"]
        if content.get("link"):
            own["links"] = [(words["button"], content["link"], True)]
    elif letter.kind == "guardian_invitation":
        words, audience = wording["guardian_invitation"], "invited"
        own["links"] = [(words["button"], sender.site_url.rstrip("/") + INVITATIONS, True)]
    else:
        raise UnknownKindError(letter.kind)
    context = surroundings(language, wording, sender, audience, "good") | own
    unsubscribe_url = unsubscribing(letter.notification_id, letter.action_tokens, sender)
    context |= {"words": words, "clinic_name": letter.clinic_name, "greeting": None}
    context["unsubscribe_url"] = unsubscribe_url
    return Mail(
        sender=sender.in_the_name_of(letter.clinic_name),
        subject=words["subject"],
        html=templates().get_template("letter.html").render(context),
        text=templates().get_template("letter.txt").render(context),
        language=language,
        headers=headers(unsubscribe_url),
    )


def _visit(visit: Mapping[str, Any], writing: Writing) -> dict[str, Any]:
    starts_at, ends_at = (datetime.fromisoformat(visit[end]) for end in ("starts_at", "ends_at"))
    return {
        "time": time_span_in_words(starts_at, ends_at, ZoneInfo(visit["time_zone"]), writing),
        "service": one_line(visit["service_name"]),
        "location": one_line(visit["location_name"]),
        "seats_taken": visit["seats_taken"],
    }
