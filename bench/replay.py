"""Replays the history of appointments and looks at every instant of it for an overlap.

Events of one transaction count as one step, since a statement may swap two visits. Steps come in
the order of the events' ids: whoever takes a time writes its event after the one that gave it back
has been committed, so this order is one in which things could have happened one by one.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

KEEPING = {"held", "pending", "booked", "arrived", "fulfilled"}

Span = tuple[datetime, datetime]
# Rooms, or equipment, of one place on one day: enough of them, whichever it is.
Pool = tuple[str, str, date]


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
    calendar = _Calendar(_Needs(connection))
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


class _Needs:
    """What services need of rooms and equipment, and how many of these there are."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.named: dict[str, list[str]] = defaultdict(list)
        self.counted: dict[str, dict[str, int]] = defaultdict(dict)
        for service, kind, resource, quantity in connection.execute(
            "select service_id::text, kind::text, resource_id::text, quantity"
            " from public.service_needs"
        ):
            if resource is not None:
                self.named[service].append(resource)
            self.counted[service][kind] = self.counted[service].get(kind, 0) + quantity
        self.there_are: dict[tuple[str, str], int] = {
            (place, kind): number
            for place, kind, number in connection.execute(
                "select location_id::text, kind::text, count(*) from public.resources group by 1, 2"
            )
        }


class _Calendar:
    """Who keeps which time, as of the step just replayed."""

    def __init__(self, needs: _Needs) -> None:
        self._needs = needs
        self._visits: dict[UUID, dict[str, Any]] = {}
        self._kept: dict[str, dict[UUID, Span]] = defaultdict(dict)
        self._pools: dict[Pool, dict[UUID, tuple[Span, int]]] = defaultdict(dict)

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
        visit = self._visits.get(appointment)
        for who, _ in self._spans(visit):
            self._kept[who].pop(appointment, None)
        for pool, _, _ in self._pooled(visit):
            self._pools[pool].pop(appointment, None)

    def _take(self, appointment: UUID) -> list[str]:
        faults = []
        visit = self._visits.get(appointment)
        for who, (begins, ends) in self._spans(visit):
            faults += [
                f"{who}: {appointment} and {other}"
                for other, (from_time, to_time) in self._kept[who].items()
                if begins < to_time and from_time < ends
            ]
            self._kept[who][appointment] = (begins, ends)
        for pool, span, number in self._pooled(visit):
            self._pools[pool][appointment] = (span, number)
            if self._most_at_once(pool, span) > self._needs.there_are.get(pool[:2], 0):
                faults.append(f"{pool}: {appointment} is one too many")
        return faults

    def _most_at_once(self, pool: Pool, during: Span) -> int:
        """Of a pool, within that time: the most are in use when some use begins."""
        kept = [
            (span, number)
            for span, number in self._pools[pool].values()
            if during[0] < span[1] and span[0] < during[1]
        ]
        return max(
            sum(number for span, number in kept if span[0] <= moment < span[1])
            for moment in {max(span[0], during[0]) for span, _ in kept}
        )

    def _spans(self, visit: dict[str, Any] | None) -> list[tuple[str, Span]]:
        """Whom and what a visit keeps by name, and when; nobody if it keeps no time."""
        if visit is None or visit["status"] not in KEEPING:
            return []
        kept = _kept_during(visit)
        begins, ends = visit["starts_at"], visit["ends_at"]
        return [
            (f"provider {visit['provider_id']}", kept),
            (
                f"patient {visit['patient_id']}",
                (datetime.fromisoformat(begins), datetime.fromisoformat(ends)),
            ),
            *((f"resource {name}", kept) for name in self._needs.named[visit["service_id"]]),
        ]

    def _pooled(self, visit: dict[str, Any] | None) -> list[tuple[Pool, Span, int]]:
        """How many rooms and how much equipment a visit keeps, and when."""
        if visit is None or visit["status"] not in KEEPING:
            return []
        kept = _kept_during(visit)
        days = {instant.astimezone(UTC).date() for instant in kept}
        return [
            ((visit["location_id"], kind, day), kept, number)
            for kind, number in self._needs.counted[visit["service_id"]].items()
            for day in days
        ]

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


def _kept_during(visit: dict[str, Any]) -> Span:
    """How long a visit keeps its provider, rooms and equipment: buffers included."""
    return (
        datetime.fromisoformat(visit["starts_at"])
        - timedelta(minutes=visit["buffer_before_minutes"]),
        datetime.fromisoformat(visit["ends_at"]) + timedelta(minutes=visit["buffer_after_minutes"]),
    )
