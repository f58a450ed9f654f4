"""The small page behind a link in a mail: says what it is about, and acts when its button is
pressed. It stands alone: no script, nothing from elsewhere, one style that its policy names."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment

from appoint.mail.rendering import call_url, wording_for
from appoint.mail.wall_clock import (
    date_in_words,
    time_in_words,
    time_span_in_words,
    writing_for,
    zone_in_words,
)

STYLE = """
:root { color-scheme: light dark; }
body { margin: 0 auto; padding: 1.5rem 1.25rem; max-width: 34rem;
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.25; }
summary { padding: .75rem 0; font-weight: 600; cursor: pointer; }
fieldset { display: grid; grid-template-columns: repeat(auto-fill, minmax(6.25rem, 1fr));
  border: 0; margin: 0; padding: 0; }
label { padding: .625rem 0; }
button { margin-top: 1rem; padding: .75rem 1.25rem; font: inherit; color: #fff; background: #0f766e;
  border: 0; border-radius: .5rem; cursor: pointer; }
"""
PAGE = """<!doctype html>
<html lang="{{ language }}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{{ heading }}</title>
<style>{{ style | safe }}</style>
</head>
<body>
<main>
<h1>{{ heading }}</h1>
{% if visit %}
<p>{{ visit.clinic_name }}<br>
<strong>{{ date }}, {{ time }}</strong><br>
{{ zone }}{% if place %}<br>{{ place }}{% endif %}</p>
{% endif %}
{% if phone %}
<p>{{ phone_label }} <a href="{{ call_url }}">{{ phone }}</a></p>
{% endif %}
{% if topic %}
<p>{{ clinic_name }}<br>
<strong>{{ topic }}</strong></p>
{% endif %}
{% if more %}<p>{{ more }}</p>
{% endif %}
{% if button %}
<form method="post">
{% for day, times in days %}
<details{% if loop.first %} open{% endif %}>
<summary>{{ day }}</summary>
<fieldset aria-label="{{ day }}">
{% for value, shown in times %}
<label><input type="radio" name="starts_at" value="{{ value }}" required> {{ shown }}</label>
{% endfor %}
</fieldset>
</details>
{% endfor %}
<button type="submit">{{ button }}</button>
</form>
{% endif %}
<p><a href="{{ site_url }}">{{ open_site }}</a></p>
</main>
</body>
</html>
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
TOPICS_OF_PATIENTS = ("reminders", "follow_ups")
_page = Environment(autoescape=True, trim_blocks=True).from_string(PAGE)


@dataclass(frozen=True, slots=True)
class LinkedVisit:
    """What a link is for and the visit it is about, as `worker.action_for_token` tells it."""

    action: str
    state: str
    clinic_name: str
    location_name: str
    location_address: str | None
    location_phone: str | None
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    clock_hours: int | None
    locale: str
    status: str

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> LinkedVisit:
        return cls(
            action=row["action"],
            state=row["state"],
            clinic_name=row["clinic_name"],
            location_name=row["location_name"],
            location_address=row["location_address"],
            location_phone=row["location_phone"],
            starts_at=datetime.fromisoformat(row["starts_at"]),
            ends_at=datetime.fromisoformat(row["ends_at"]),
            time_zone=row["time_zone"],
            clock_hours=row["clock_hours"],
            locale=row["locale"],
            status=row["status"],
        )


def action_page(visit: LinkedVisit, slots: Sequence[datetime], site_url: str) -> str:
    """Asks before it is done; tells after it was done, or why it cannot be."""
    language, wording = wording_for(visit.locale)
    pages = wording["pages"]
    writing = writing_for(visit.locale, language, visit.clock_hours)
    zone = ZoneInfo(visit.time_zone)
    heading, button = pages.get(f"over_{visit.state}", pages["over_other"]), None
    if visit.state == "used":
        done = f"done_{visit.action}"
        heading = pages.get(f"{done}_{visit.status}", pages[done])
    elif visit.state == "usable" and visit.action == "reschedule" and not slots:
        heading = pages["no_slots"]
    elif visit.state == "usable":
        heading, button = pages[f"ask_{visit.action}"], wording["actions"][visit.action]
    days: dict[str, list[tuple[str, str]]] = {}
    for slot in slots:
        shown = time_in_words(slot, zone, writing)
        days.setdefault(date_in_words(slot, zone, writing), []).append((slot.isoformat(), shown))
    return _page.render(
        language=language,
        style=STYLE,
        heading=heading,
        visit=visit,
        date=date_in_words(visit.starts_at, zone, writing),
        time=time_span_in_words(visit.starts_at, visit.ends_at, zone, writing),
        zone=zone_in_words(visit.starts_at, zone, writing),
        place=", ".join(filter(None, (visit.location_name, visit.location_address))),
        **_phone(visit.location_phone, wording),
        button=button,
        days=days.items(),
        site_url=site_url,
        open_site=wording["labels"]["patient"]["open_site"],
    )


def subscription_page(
    topic: str, is_declined: bool, clinic_name: str, language_tag: str, site_url: str
) -> str:
    """Asks before messages are stopped; tells after it was done."""
    language, wording = wording_for(language_tag)
    words = wording["unsubscribing"]
    audience = "patient" if topic in TOPICS_OF_PATIENTS else "staff"
    return _page.render(
        language=language,
        style=STYLE,
        heading=words["done" if is_declined else "ask"],
        clinic_name=clinic_name,
        topic=words["topics"][topic],
        more=words[f"again_{audience}"] if is_declined else None,
        button=None if is_declined else words["button"],
        site_url=site_url,
        open_site=wording["labels"][audience]["open_site"],
    )


def refusal_page(key: str, locale: str, site_url: str, phone: str | None = None) -> str:
    """Tells why nothing was done, and where to call instead."""
    language, wording = wording_for(locale)
    pages = wording["pages"]
    heading = pages["unknown"] if key == "not_found" else pages.get(f"over_{key}")
    return _page.render(
        language=language,
        style=STYLE,
        heading=heading or pages["over_other"],
        **_phone(phone, wording),
        button=None,
        site_url=site_url,
        open_site=wording["labels"]["patient"]["open_site"],
    )


def _phone(phone: str | None, wording: dict[str, Any]) -> dict[str, str | None]:
    return {
        "phone_label": wording["labels"]["phone"] + wording["labels"]["colon"],
        "phone": phone,
        "call_url": call_url(phone),
    }
