"""Replays the history of appointments and looks at every instant of it for an overlap.

Events of one transaction count as one step, since a statement may swap two visits. Steps come in
the order of the events' ids: whoever takes a time writes its event after the one that gave it back
has been committed, so this order is one in which things could have happened one by one.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

KEEPING = {"held", "pending", "booked", "arrived", "fulfilled"}

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Report:
    """What the replay saw."""

    events: int
    versions: frozenset[tuple[UUID, int]]
    overlaps: list[str]
    # Appointments whose last state in the history is not what the table says.
    differences: list[UUID]


def replay(connection: psycopg.Connection[Any]) -> Report:
    """Read the whole history of a database."""
    calendar = _Calendar()
    versions: set[tuple[UUID, int]] = set()
    overlaps: list[str] = []
    step: list[tuple[UUID, dict[str, Any] | None]] = []
    transaction, events = None, 0
    with connection.transaction(), connection.cursor("history") as cursor:
        cursor.itersize = 20_000
        cursor.execute(
            "select xmin::text, appointment_id, version, kind::text, after"
            " from public.appointment_events order by min(id) over (partition by xmin::text), id"
        )
        for xmin, appointment, version, kind, after in cursor:
            if xmin != transaction:
                overlaps += calendar.apply(step)
                step, transaction = [], xmin
            step.append((appointment, None if kind == "removed" else after))
            versions.add((appointment, version))
            events += 1
        overlaps += calendar.apply(step)
    return Report(events, frozenset(versions), overlaps, calendar.differences(connection))


class _Calendar:
    """Who keeps which time, as of the step just replayed."""

    def __init__(self) -> None:
        self._visits: dict[UUID, dict[str, Any]] = {}
        self._kept: dict[str, dict[UUID, Span]] = defaultdict(dict)

    def apply(self, step: list[tuple[UUID, dict[str, Any] | None]]) -> list[str]:
        """Take one step; gives what it makes overlap."""
        changed = list(dict.fromkeys(appointment for appointment, _ in step))
        for appointment in changed:
            self._give_back(appointment)
        for appointment, after in step:
            if after is None:
                self._visits.pop(appointment, None)
            else:
                self._visits.setdefault(appointment, {}).update(after)
        return [fault for appointment in changed for fault in self._take(appointment)]

    def _give_back(self, appointment: UUID) -> None:
        for who, _ in _spans(self._visits.get(appointment)):
            self._kept[who].pop(appointment, None)

    def _take(self, appointment: UUID) -> list[str]:
        faults = []
        for who, (begins, ends) in _spans(self._visits.get(appointment)):
            faults += [
                f"{who}: {appointment} and {other}"
                for other, (from_time, to_time) in self._kept[who].items()
                if begins < to_time and from_time < ends
            ]
            self._kept[who][appointment] = (begins, ends)
        return faults

    def differences(self, connection: psycopg.Connection[Any]) -> list[UUID]:
        """Appointments that are not in the table as the history left them."""
        now = {
            row[0]: row[1:]
            for row in connection.execute(
                "select id, status::text, starts_at, ends_at, provider_id from public.appointments"
            )
        }
        then = {
            appointment: (
                visit["status"],
                datetime.fromisoformat(visit["starts_at"]),
                datetime.fromisoformat(visit["ends_at"]),
                UUID(visit["provider_id"]),
            )
            for appointment, visit in self._visits.items()
        }
        return [one for one in now.keys() | then.keys() if now.get(one) != then.get(one)]


def _spans(visit: dict[str, Any] | None) -> list[tuple[str, Span]]:
    """Provider and patient with the time they are kept, buffers included; nobody if none is."""
    if visit is None or visit["status"] not in KEEPING:
        return []
    begins = datetime.fromisoformat(visit["starts_at"])
    ends = datetime.fromisoformat(visit["ends_at"])
    before = timedelta(minutes=visit["buffer_before_minutes"])
    after = timedelta(minutes=visit["buffer_after_minutes"])
    return [
        (f"provider {visit['provider_id']}", (begins - before, ends + after)),
        (f"patient {visit['patient_id']}", (begins, ends)),
    ]
