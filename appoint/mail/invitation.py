"""The invitation that goes with a mail, so that a visit stands in the recipient's calendar.

iTIP over mail (RFC 5546, RFC 6047): one event for the whole life of a visit. Its UID is the
appointment's id, its SEQUENCE follows the version, and a cancellation takes it away. It says when,
where and at which clinic; with whom and for what stays in the mail. Times are in UTC, which every
program shows by its reader's clock: of the rules of a zone, Outlook follows one winter and one
summer.
"""

from __future__ import annotations

from datetime import UTC
from email.utils import parseaddr

from icalendar import Calendar, Event, vCalAddress

from appoint.mail.notification import Notification

PRODUCT = "-//Appoint//Appointments//EN"
UID_DOMAIN = "appoint"


def invitation(
    notification: Notification,
    *,
    method: str,
    is_agreed: bool,
    summary: str,
    description: str,
    sender: str,
) -> bytes:
    """The calendar object, a pure function of its arguments.

    `method` is REQUEST or CANCEL; `sender` is the configured one, with or without a name.
    """
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    event = Event()
    event.add("uid", f"{notification.appointment_id}@{UID_DOMAIN}")
    event.add("sequence", notification.appointment_version - 1)
    event.add("dtstamp", notification.queued_at)
    event.add("dtstart", notification.starts_at.astimezone(UTC))
    event.add("dtend", notification.ends_at.astimezone(UTC))
    event.add("summary", summary)
    if method != "CANCEL":
        event.add("description", description)
    place = ", ".join(filter(None, (notification.location_name, notification.location_address)))
    if place:
        event.add("location", place)
    status = "CONFIRMED" if is_agreed else "TENTATIVE"
    event.add("status", "CANCELLED" if method == "CANCEL" else status)
    event.add("transp", "OPAQUE")
    event.add("class", "PRIVATE")
    organizer = vCalAddress(f"mailto:{parseaddr(sender)[1]}")
    organizer.params["CN"] = notification.clinic_name.replace('"', "'")
    event.add("organizer", organizer)
    event.add("attendee", _attendee(notification))
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def _attendee(notification: Notification) -> vCalAddress:
    """The recipient, who agreed already: their calendar shows the visit without asking, since
    nobody would read the answer."""
    attendee = vCalAddress(f"mailto:{notification.recipient_address}")
    attendee.params["ROLE"] = "REQ-PARTICIPANT"
    attendee.params["PARTSTAT"] = "ACCEPTED"
    attendee.params["RSVP"] = "FALSE"
    return attendee
