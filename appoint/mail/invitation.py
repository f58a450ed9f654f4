"""The invitation that goes with a mail, so that a visit stands in the recipient's calendar.

iTIP over mail (RFC 5546, RFC 6047): one event for the whole life of a visit. Its UID is the
appointment's id, its SEQUENCE follows the version, and a cancellation takes it away. It says when,
where and at which clinic; with whom and for what stays in the mail.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parseaddr
from functools import lru_cache
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, vCalAddress

from appoint.mail.notification import Notification
from appoint.mail.time_zone_rules import time_zone_rules

PRODUCT = "-//Appoint//Appointments//EN"
UID_DOMAIN = "appoint"


def invitation(notification: Notification, method: str, summary: str, sender: str) -> bytes:
    """The calendar object, a pure function of its arguments.

    `method` is REQUEST or CANCEL; `sender` is the mail's own, with or without a name.
    """
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    opening, end, line_end = calendar.to_ical().partition(b"END:VCALENDAR")
    zone, year = notification.time_zone, notification.starts_at.year
    rules = b"" if zone.key == "UTC" else _rules_as_written(zone, year)
    event = _event(notification, method, summary, sender).to_ical()
    return b"".join((opening, rules, event, end, line_end))


@lru_cache(1000)
def _rules_as_written(zone: ZoneInfo, year: int) -> bytes:
    """Kept, since writing them takes as long as ten mails, and a clinic's visits share them."""
    return bytes(time_zone_rules(zone, year).to_ical())


def _event(notification: Notification, method: str, summary: str, sender: str) -> Event:
    event = Event()
    event.add("uid", f"{notification.appointment_id}@{UID_DOMAIN}")
    event.add("sequence", notification.appointment_version - 1)
    event.add("dtstamp", notification.queued_at)
    event.add("dtstart", _shown(notification.starts_at, notification))
    event.add("dtend", _shown(notification.ends_at, notification))
    event.add("summary", summary)
    place = ", ".join(filter(None, (notification.location_name, notification.location_address)))
    if place:
        event.add("location", place)
    event.add("status", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
    event.add("transp", "OPAQUE")
    event.add("class", "PRIVATE")
    organizer = vCalAddress(f"mailto:{parseaddr(sender)[1]}")
    organizer.params["CN"] = notification.clinic_name.replace('"', "'")
    event.add("organizer", organizer)
    event.add("attendee", _attendee(notification))
    return event


def _shown(instant: datetime, notification: Notification) -> datetime:
    """In the place's zone; a time its clock shows twice is told in UTC, since calendar programs
    disagree about which of the two is meant."""
    local = instant.astimezone(notification.time_zone)
    is_shown_twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return instant.astimezone(UTC) if is_shown_twice else local


def _attendee(notification: Notification) -> vCalAddress:
    """The recipient, who agreed already: their calendar shows the visit without asking."""
    attendee = vCalAddress(f"mailto:{notification.recipient_address}")
    attendee.params["ROLE"] = "REQ-PARTICIPANT"
    attendee.params["PARTSTAT"] = "ACCEPTED"
    attendee.params["RSVP"] = "FALSE"
    return attendee
