"""Calendars as two independent parsers understand them: icalendar in Python, ical.js in Node."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from icalendar import Calendar

from stack.config import PROJECT_DIR

JAVASCRIPT = PROJECT_DIR / "tests/ical_events.mjs"


def events_by_python(content: bytes) -> list[dict[str, Any]]:
    """The events of a calendar; fails on the least complaint of the parser."""
    calendar = Calendar.from_ical(content)
    assert isinstance(calendar, Calendar)
    assert calendar.errors == []
    assert calendar.subcomponents, "a calendar has at least one component"
    events = []
    for event in calendar.walk("VEVENT"):
        assert event.errors == []
        events.append(
            {
                "uid": str(event["UID"]),
                "sequence": int(event.get("SEQUENCE", 0)),
                "status": str(event.get("STATUS", "")),
                "summary": str(event.get("SUMMARY", "")),
                "location": str(event.get("LOCATION", "")),
                "starts_at": int(event.decoded("DTSTART").timestamp()),
                "ends_at": int(event.decoded("DTEND").timestamp()),
            }
        )
    return events


def events_by_javascript(contents: list[bytes]) -> list[list[dict[str, Any]]]:
    """The same for each calendar, by ical.js, which knows no zones but those in the calendar."""
    done = subprocess.run(
        ["node", str(JAVASCRIPT)],
        input=json.dumps([content.decode() for content in contents]),
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    events: list[list[dict[str, Any]]] = json.loads(done.stdout)
    return events


def understood(*contents: bytes) -> list[list[dict[str, Any]]]:
    """The events of well-formed calendars, about which both parsers agree."""
    for content in contents:
        assert content.endswith(b"\r\n")
        for line in content.split(b"\r\n"):
            assert len(line) <= 75
            assert b"\n" not in line
            line.decode()  # no character is cut in two
    events = [events_by_python(content) for content in contents]
    assert events_by_javascript(list(contents)) == events
    return events
