"""Turns a notification into subject, HTML and text.

The bytes are a pure function of the row, the site's address and the templates, so that a second try
under the same idempotency key is the same request. Subjects are fixed sentences of the wording: no
name, time or kind of visit can reach a header.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from appoint.mail.notification import Notification
from appoint.mail.wall_clock import (
    date_in_words,
    deadline_in_words,
    time_span_in_words,
    zone_in_words,
)

DEFAULT_LANGUAGE = "en"
# Mail programs turn such texts into links by themselves.
LINK_LIKE = re.compile(r"[/@<>\\]|\.\w{2,}")


class UnknownKindError(Exception):
    """No wording exists for this kind of notification."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A message ready to hand to a transport."""

    subject: str
    html: str
    text: str
    language: str


def render(notification: Notification, site_url: str) -> Mail:
    """The mail for one notification, in the recipient's language or English, in the place's time.

    Raises UnknownKindError.
    """
    language, wording = _wording_for(notification.locale)
    words = wording["kinds"].get(notification.kind)
    if words is None:
        raise UnknownKindError(notification.kind)
    context = {
        "language": language,
        "words": words,
        "labels": wording["labels"],
        "greeting": _greeting(wording, notification.recipient_name),
        "notification": notification,
        "date": date_in_words(notification, wording["dates"]),
        "time": time_span_in_words(notification, wording["dates"]),
        "zone": zone_in_words(notification),
        "deadline": deadline_in_words(notification, wording["dates"]),
        "site_url": site_url,
    }
    return Mail(
        subject=words["subject"],
        html=_templates().get_template("appointment.html").render(context),
        text=_templates().get_template("appointment.txt").render(context),
        language=language,
    )


def _greeting(wording: dict[str, Any], name: str) -> str:
    """Greets by name; but whoever types a link as their name gets no mail of ours to carry it."""
    is_name = bool(name) and not LINK_LIKE.search(name)
    greeting: str = wording["greetings"]["named" if is_name else "unnamed"]
    return greeting.replace("{name}", name)


def _wording_for(locale: str) -> tuple[str, dict[str, Any]]:
    language = locale.replace("_", "-").partition("-")[0].lower()
    wordings = _wordings()
    if language not in wordings:
        language = DEFAULT_LANGUAGE
    return language, wordings[language]


@cache
def _wordings() -> dict[str, dict[str, Any]]:
    folder = files("appoint.mail") / "wording"
    return {
        file.name.removesuffix(".toml"): tomllib.loads(file.read_text("utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".toml")
    }


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("appoint.mail"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
