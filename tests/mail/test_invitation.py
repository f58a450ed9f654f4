"""Invitations: one event for the whole life of a visit, as two parsers understand it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from icalendar import Calendar

from appoint.mail import render
from tests.calendar_parsers import events_by_python, understood
from tests.workers.notifications import SENDER, notification

VISIT = "6f1f4c1a-0000-4000-8000-000000000001"


def attached(kind: str, version: int = 1, **changes: Any) -> tuple[str, bytes]:
    """Content type and content of the attachment of such a mail."""
    row = {"kind": kind, "appointment_id": VISIT, "appointment_version": version} | changes
    (attachment,) = render(notification(**row), SENDER).attachments
    assert attachment.filename == "appointment.ics"
    return attachment.content_type, attachment.content


def test_booked_moved_and_cancelled_is_one_cancelled_event() -> None:
    """A calendar program keeps, for each UID, what has the highest SEQUENCE."""
    moved = {"starts_at": "2026-03-30T08:30:00+00:00", "ends_at": "2026-03-30T09:00:00+00:00"}
    messages = [
        attached("confirmation", 1)[1],
        attached("change", 2, **moved)[1],
        attached("cancellation", 3, **moved)[1],
    ]
    events = [event for (event,) in understood(*messages)]
    for order in permutations(events):
        calendar: dict[str, dict[str, Any]] = {}
        for event in order:
            known = calendar.setdefault(event["uid"], event)
            if event["sequence"] > known["sequence"]:
                calendar[event["uid"]] = event
        (left,) = calendar.values()
        assert left["status"] == "CANCELLED"
        assert left["uid"] == f"{VISIT}@appoint"
        assert left["starts_at"] == datetime.fromisoformat(moved["starts_at"]).timestamp()


@pytest.mark.parametrize(
    ("kind", "method", "status"),
    [
        ("confirmation", "REQUEST", "CONFIRMED"),
        ("change", "REQUEST", "CONFIRMED"),
        ("move_request", "REQUEST", "TENTATIVE"),
        ("cancellation", "CANCEL", "CANCELLED"),
    ],
)
def test_the_method_is_told_in_the_content_type_too(kind: str, method: str, status: str) -> None:
    content_type, content = attached(kind)
    assert content_type == f"text/calendar; charset=utf-8; method={method}"
    assert f"\r\nMETHOD:{method}\r\n".encode() in content
    ((event,),) = understood(content)
    assert event["status"] == status


def test_organizer_and_attendee_are_sender_and_recipient() -> None:
    unfolded = attached("confirmation")[1].replace(b"\r\n ", b"").decode()
    assert "mailto:appointments@appoint.example" in unfolded
    assert re.search(r"ATTENDEE;[^\r]*PARTSTAT=ACCEPTED[^\r]*:mailto:ada@example.org", unfolded)


def test_times_need_no_rules_of_a_zone() -> None:
    """Outlook reads one winter and one summer of a zone; in UTC there is nothing to misread."""
    content = attached("confirmation", starts_at="2026-11-02T10:30:00+01:00")[1]
    assert b"\r\nDTSTART:20261102T093000Z\r\n" in content
    assert b"TZID" not in content


@pytest.mark.parametrize("kind", ["confirmation", "change", "move_request"])
def test_an_entry_says_that_declining_it_cancels_nothing(kind: str) -> None:
    (event,) = Calendar.from_ical(attached(kind)[1]).walk("VEVENT")
    note, phone = str(event["DESCRIPTION"]).split("\n")
    assert note.startswith("Declining or deleting this entry does not cancel the appointment.")
    assert phone == "Phone: +41 44 555 01 00"
    assert event["ATTENDEE"].params["RSVP"] == "FALSE"
    (event,) = Calendar.from_ical(attached(kind, location_phone=None)[1]).walk("VEVENT")
    assert event["DESCRIPTION"] == note


def test_an_invitation_tells_no_name_of_provider_service_or_patient() -> None:
    content = attached("confirmation", locale="fr")[1].replace(b"\r\n ", b"").decode()
    for private in ("Hopper", "consultation", "Lovelace"):
        assert private not in content
    assert "SUMMARY:Rendez-vous chez Lindenhof Family Practice" in content


def test_every_hour_around_a_clock_change_is_the_same_instant_in_both_parsers() -> None:
    starts = [
        datetime.fromisoformat(f"{day}T00:00:00+00:00") + timedelta(hours=hour)
        for day in ("2026-03-08", "2026-03-29", "2026-04-04", "2026-11-01")
        for hour in range(24)
    ]
    zones = ("Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")
    contents = [
        attached(
            "confirmation",
            time_zone=zone,
            starts_at=start.isoformat(),
            ends_at=(start + timedelta(hours=1)).isoformat(),
        )[1]
        for zone in zones
        for start in starts
    ]
    told = [(event["starts_at"], event["ends_at"]) for (event,) in understood(*contents)]
    hour = 3600
    assert told == [(s.timestamp(), s.timestamp() + hour) for _ in zones for s in starts]


def test_commas_quotes_and_long_names_arrive_as_they_are() -> None:
    name = 'Praxis "Zum Löwen"; Haus 3, ' + "Ärztezentrum " * 10
    content = attached("confirmation", clinic_name=name, location_name=name)[1]
    ((event,),) = understood(content)
    assert event["summary"] == f"Appointment at {' '.join(name.split())}"
    assert event["location"].startswith('Praxis "Zum Löwen"; Haus 3, Ärztezentrum')


def test_the_same_row_gives_the_same_bytes() -> None:
    assert attached("change", 2)[1] == attached("change", 2)[1]


def test_messages_about_no_event_carry_none() -> None:
    for kind in ("offer", "reminder", "follow_up", "request"):
        assert render(notification(kind=kind), SENDER).attachments == ()


def test_a_parser_would_notice_a_broken_invitation() -> None:
    broken = attached("confirmation")[1].replace(b"DTSTART:", b"DTSTART;;:")
    with pytest.raises((AssertionError, ValueError, KeyError)):
        events_by_python(broken)
