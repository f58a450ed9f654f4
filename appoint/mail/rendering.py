"""Turns a notification into subject, HTML, text and, where it belongs in a calendar, an invitation.

The bytes are a pure function of the row, the sender and the templates, so that a second try under
the same idempotency key is the same request. Subjects are fixed sentences of the wording: no name,
time or kind of visit can reach a header.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from email.header import Header
from email.utils import formataddr, parseaddr
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote
from uuid import UUID

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from appoint.mail import palette
from appoint.mail.invitation import invitation
from appoint.mail.notification import Notification
from appoint.mail.wall_clock import (
    Writing,
    date_in_words,
    moment_in_words,
    time_span_in_words,
    writing_for,
    zone_in_words,
)

DEFAULT_LANGUAGE = "en"
MAP = "https://www.openstreetmap.org/search?query="
# Mail programs turn such texts into links by themselves.
LINK_LIKE = re.compile(r"[/@<>\\]|\.\w{2,}")
# Those of the palette that a template mentions, but for where its tone decides.
COLOUR = re.compile(r"\{\{ (light|dark)\.(\w+) \}\}")


class UnknownKindError(Exception):
    """No wording exists for this kind of notification."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends mails, where no clinic does so in its own name, and where their links lead."""

    address: str
    site_url: str
    api_url: str

    def in_the_name_of(self, clinic_name: str) -> str:
        """What stands in a mail's From (RFC 5322): the clinic's name, in ASCII, and the address."""
        if not _is_name(clinic_name):
            return self.address
        address = parseaddr(self.address)[1]
        if clinic_name.isascii():
            return formataddr((clinic_name, address))
        # formataddr makes one word of it, however long; 75 is the most that RFC 2047 allows.
        encoded = Header(clinic_name, "utf-8", maxlinelen=75).encode(linesep="")
        return f"{encoded} <{address}>"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail."""

    filename: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """A message ready to hand to a transport."""

    sender: str
    subject: str
    html: str
    text: str
    language: str
    headers: Mapping[str, str]
    attachments: tuple[Attachment, ...] = ()


def render(notification: Notification, sender: Sender) -> Mail:
    """The mail for one notification, in the recipient's language or English, in the place's time.

    Raises UnknownKindError.
    """
    kind = kinds().get(notification.kind)
    language, wording = wording_for(notification.locale)
    words = wording["kinds"].get(notification.kind)
    if kind is None or words is None:
        raise UnknownKindError(notification.kind)
    writing = writing_for(notification.locale, language, notification.clock_hours)
    unsubscribe_url = unsubscribing(
        notification.notification_id, notification.action_tokens, sender
    )
    audience = "guardian" if notification.patient_name else kind["audience"]
    context = {
        **surroundings(language, wording, sender, audience, kind["tone"]),
        "kind": kind,
        "words": words,
        "clinic_name": notification.clinic_name,
        "greeting": _greeting(wording, notification.recipient_name),
        "notification": notification,
        **_times(notification, writing),
        "map_url": _map_url(notification.location_address),
        "call_url": call_url(notification.location_phone),
        "links": _links(notification, kind, wording["actions"], sender),
        "unsubscribe_url": unsubscribe_url,
    }
    # What programs show of a mail beside its subject: when, and nothing more.
    context["preview"] = f"{context['date']}, {context['time']}"
    return Mail(
        sender=sender.in_the_name_of(notification.clinic_name),
        subject=words["subject"],
        html=templates().get_template("appointment.html").render(context),
        text=templates().get_template("appointment.txt").render(context),
        language=language,
        attachments=_attachments(notification, kind, wording, sender),
        headers=headers(unsubscribe_url),
    )


def unsubscribing(notification_id: UUID, tokens: Mapping[str, str], sender: Sender) -> str | None:
    """Where one click stops messages of this kind; None if they may not be declined."""
    if "unsubscribe" not in tokens:
        return None
    base = sender.api_url.rstrip("/")
    return f"{base}/v1/unsubscribe/{notification_id}/{tokens['unsubscribe']}"


def headers(unsubscribe_url: str | None) -> dict[str, str]:
    """What keeps answering machines silent (RFC 3834), and lets a mail program offer a button of
    its own for what may be declined (RFC 2369, RFC 8058)."""
    automatic = {"Auto-Submitted": "auto-generated"}
    if unsubscribe_url is None:
        return automatic
    return automatic | {
        "List-Unsubscribe": f"<{unsubscribe_url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def surroundings(
    language: str, wording: dict[str, Any], sender: Sender, audience: str, tone: str
) -> dict[str, Any]:
    """What every template needs, whatever the mail is about."""
    return {
        "language": language,
        "labels": wording["labels"],
        "audience": audience,
        "tone": tone,
        "light": palette.LIGHT,
        "dark": palette.DARK,
        "site_url": sender.site_url,
    }


def languages() -> list[str]:
    """The languages mails can be written in, as ISO 639-1 codes."""
    return sorted(wordings())


@cache
def kinds() -> dict[str, dict[str, Any]]:
    """What each kind of message is, whatever the language."""
    return tomllib.loads((files("appoint.mail") / "kinds.toml").read_text("utf-8"))


@cache
def wordings() -> dict[str, dict[str, Any]]:
    """All words, by language."""
    folder = files("appoint.mail") / "wording"
    return {
        file.name.removesuffix(".toml"): tomllib.loads(file.read_text("utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".toml")
    }


def _times(notification: Notification, writing: Writing) -> dict[str, str | None]:
    starts_at, zone, answer_by = (
        notification.starts_at,
        notification.time_zone,
        notification.answer_by,
    )
    return {
        "date": date_in_words(starts_at, zone, writing),
        "time": time_span_in_words(starts_at, notification.ends_at, zone, writing),
        "zone": zone_in_words(starts_at, zone, writing),
        "deadline": moment_in_words(answer_by, zone, writing) if answer_by else None,
    }


def _greeting(wording: dict[str, Any], name: str) -> str:
    greeting: str = wording["greetings"]["named" if _is_name(name) else "unnamed"]
    return greeting.replace("{name}", name)


def _is_name(text: str) -> bool:
    """Whoever types a link as their name gets no mail of ours to carry it."""
    return bool(text) and not LINK_LIKE.search(text)


def wording_for(locale: str) -> tuple[str, dict[str, Any]]:
    """The language to use for that locale, and its words: the locale's own, or English.

    What a language has no words for is said in English, so that the message still arrives.
    """
    language = locale.replace("_", "-").partition("-")[0].lower()
    if language not in wordings():
        language = DEFAULT_LANGUAGE
    return language, complete_wording(language)


@cache
def complete_wording(language: str) -> dict[str, Any]:
    """All words of a known language, with English ones for those it lacks."""
    known = wordings()
    return _completed(known[language], known[DEFAULT_LANGUAGE])


def _completed(words: dict[str, Any], by: dict[str, Any]) -> dict[str, Any]:
    """The words, and those of `by` where they are silent."""
    return {
        name: _completed(words.get(name, {}), other)
        if isinstance(other, dict)
        else words.get(name, other)
        for name, other in by.items()
    }


def _map_url(address: str) -> str | None:
    """A map of the address, and of nothing else: who goes there is nobody's business."""
    return MAP + quote(address, safe="") if address else None


def call_url(phone: str | None) -> str | None:
    """What dials the number (RFC 3966). A zero in parentheses is for calls within the country."""
    if not phone:
        return None
    dialled = phone.replace("(0)", "") if phone.startswith("+") else phone
    return "tel:" + re.sub(r"(?!^\+)[^0-9]", "", dialled)


def _links(
    notification: Notification, kind: dict[str, Any], labels: dict[str, str], sender: Sender
) -> list[tuple[str, str, bool]]:
    """Their labels and addresses, and whether it is what most readers will want to do."""
    base = sender.api_url.rstrip("/")
    return [
        (
            labels[action],
            f"{base}/v1/actions/{notification.action_tokens[action]}",
            action == kind.get("first"),
        )
        for action in kind["actions"]
        if action in notification.action_tokens
    ]


def _attachments(
    notification: Notification, kind: dict[str, Any], wording: dict[str, Any], sender: Sender
) -> tuple[Attachment, ...]:
    method: str | None = kind.get("calendar")
    if method is None:
        return ()
    labels = wording["labels"]
    description = [labels["calendar_note"]]
    if notification.location_phone:
        description.append(f"{labels['phone']}{labels['colon']} {notification.location_phone}")
    return (
        Attachment(
            filename="appointment.ics",
            content_type=f"text/calendar; charset=utf-8; method={method}",
            content=invitation(
                notification,
                method=method,
                is_agreed=kind.get("agreed", True),
                summary=labels["calendar_entry"].replace("{clinic}", notification.clinic_name),
                description="\n".join(description),
                sender=sender.address,
            ),
        ),
    )


class _Templates(Environment):
    """Jinja's, but for what took most of a mail's time: its hundred colours are read once, with the
    template, and a word is looked for among the words before it is among their methods."""

    def preprocess(self, source: str, name: str | None = None, filename: str | None = None) -> str:
        return COLOUR.sub(_colour, super().preprocess(source, name, filename))

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)


def _colour(mention: re.Match[str]) -> str:
    return {"light": palette.LIGHT, "dark": palette.DARK}[mention[1]][mention[2]]


@cache
def templates() -> Environment:
    """The templates of all mails, with automatic escaping in HTML."""
    return _Templates(
        loader=PackageLoader("appoint.mail"),
        # They do not change while a process runs, so nobody looks at their files for each mail.
        auto_reload=False,
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
