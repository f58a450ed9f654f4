"""Arguments for every function: proper ones of a clinic, ids of another, and unknown ids.

A function whose parameters this module does not know raises KeyError, so that a new one cannot
join the proof unnoticed.
"""

from __future__ import annotations

import json
import re
import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tests.access.catalogue import Function
from tests.access.world import World
from tests.people import at

Arguments = dict[str, Any]

UNKNOWN = UUID("00000000-0000-4000-8000-00000000dead")

# What the parameter of a function is called in World.ids, where the name alone does not say.
IDS_OF: dict[str, dict[str, str]] = {
    "public.accept_guardianship": {"invitation_id": "guardian_invitation_id"},
    "public.revoke_guardian_invitation": {"invitation_id": "guardian_invitation_id"},
    "public.accept_invitation": {"invitation_id": "staff_invitation_id"},
    "public.open_sessions": {"service_id": "group_id"},
    "public.merge_patients": {"keep_id": "patient_id", "merge_id": "other_patient_id"},
    "public.unmerge_patients": {"merge_id": "merge_id"},
}
# Ids that are given besides the required ones.
OPTIONAL_IDS: dict[str, tuple[str, ...]] = {
    "public.add_exception": ("provider_id",),
    "public.authorize_flow": ("clinic_id",),
    "public.book_appointment": ("provider_id", "patient_id"),
    "public.book_series": ("provider_id", "patient_id"),
    "public.create_feed": ("patient_id",),
    "public.hold_slot": ("patient_id", "location_id"),
    "public.join_session": ("patient_id",),
    "public.join_waitlist": ("patient_id",),
    "worker.erase_person": ("patient_id",),
    "worker.erase_with_log_in": ("patient_id",),
    "worker.export_person": ("patient_id",),
    "worker.store_busy_blocks": ("appointment_ids",),
}
NOBODYS = uuid.UUID(int=1)
# Ids of people and leases, which no clinic owns.
NOT_OF_A_CLINIC = {"lease_id", "lease_ids", "user_id", "requested_by", "request_id"}

# Values of parameters that are no ids, by function where one value would not do for all.
VALUES: dict[str, Any] = {
    "starts_at": None,
    "from_time": at(0, days=40).isoformat(),
    "to_time": at(0, days=41).isoformat(),
    "rule": "FREQ=WEEKLY;COUNT=2",
    "email": "somebody@people.example",
    "role": "front_desk",
    "full_name": "Some Body",
    "date_of_birth": "2015-05-05",
    "starts_on": at(0, days=210).date().isoformat(),
    "from_day": at(0, days=-30).date().isoformat(),
    "to_day": at(0, days=30).date().isoformat(),
    "hours": [],
    "url": "https://calendar.example/new",
    "name": "New Clinic",
    "slug": "new-clinic",
    "time_zone": "UTC",
    "location_name": "Main Street",
    "flow": "change_clinic",
    "status": "cancelled",
    "appointment_version": 1,
    "token_hash": "00" * 32,
    "kind": "patients",
    "dry_run": True,
    "rows": [],
    "files": [{"name": "patients.csv", "content": "full_name\nSome Body\n"}],
    "messages": [],
    "per_second": 10,
    "within_seconds": 1,
    "seconds": 1,
    "error": "failed",
    "key": "a-key-of-a-request",
    "file": "patients.csv",
    "rejects": [],
    "before": {},
    "done_line": 1,
    "done_bytes": 1,
    "event_id": "msg_proof",
    "event": "email.delivered",
    "happened_at": at(0, days=0).isoformat(),
    "read_until": at(0, days=30).isoformat(),
    "position": 0,
    "address": "somebody@people.example",
    "action": "magiclink",
    "code": "123456",
    "starts": [],
    "ends": [],
    "clinic": "no-such-clinic",
    "provider_message_ids": ["message"],
}


def proper(function: Function, world: World) -> Arguments:
    """Arguments with which the clinic's own people reach what the function does."""
    return _arguments(function, world.ids | {"other_patient_id": world.other_patient})


def unknown(function: Function) -> Arguments | None:
    """The same with ids that nothing has; None if the function takes no id."""
    given = _arguments(function, {})
    return given if str(UNKNOWN) in json.dumps(given) else None


@dataclass(frozen=True)
class Crossing:
    """A proper call with one id of another clinic in it, and the same with an id of nothing."""

    where: str
    foreign: str
    away: Arguments
    unknown: Arguments


ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Place = tuple[str | int, ...]


def crossings(function: Function, home: World, away: World) -> Iterator[Crossing]:
    """One for every id that the function can be given: optional ones, in lists, inside JSON."""
    mine, theirs = proper(function, home), proper(function, away)
    for name, type_name in function.parameters:
        if type_name in ("uuid", "uuid[]") and name not in mine:
            theirs[name] = _value(function, name, away.ids)
    for name, value in theirs.items():
        if name in NOT_OF_A_CLINIC:
            continue
        for place in _places_of_ids(value):
            foreign = _at(value, place)
            if foreign == str(UNKNOWN):
                raise KeyError(f"no clinic has a {name} for {function.title}")
            base = mine.get(name, value)
            if foreign == _at(base, place) and name in mine:
                continue  # an id that both clinics share
            yield Crossing(
                ".".join(map(str, (name, *place))),
                foreign,
                mine | {name: _with(base, place, foreign)},
                mine | {name: _with(base, place, str(UNKNOWN))},
            )


def _places_of_ids(value: Any, place: Place = ()) -> Iterator[Place]:
    if isinstance(value, str) and ID.fullmatch(value):
        yield place
    parts = value.items() if isinstance(value, dict) else ()
    for step, part in enumerate(value) if isinstance(value, list) else parts:
        yield from _places_of_ids(part, (*place, step))


def _at(value: Any, place: Place) -> Any:
    for step in place:
        value = value[step]
    return value


def _with(value: Any, place: Place, given: str) -> Any:
    """A copy of the value with something else in that place."""
    if not place:
        return given
    step, *rest = place
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[step] = _with(value[step], tuple(rest), given)
    return changed


def _arguments(function: Function, ids: dict[str, Any]) -> Arguments:
    names = [name for name, _ in function.required]
    names += OPTIONAL_IDS.get(function.title, ())
    given = {name: _value(function, name, ids) for name in names}
    if function.title == "public.book_together":
        given["visits"] = [
            {
                "service_id": str(ids.get("service_id", UNKNOWN)),
                "provider_id": str(ids.get("provider_id", UNKNOWN)),
                "patient_id": str(ids.get("patient_id", UNKNOWN)),
                "starts_at": _time_of(function),
            }
        ]
    return given


def _value(function: Function, name: str, ids: dict[str, Any]) -> Any:
    if name == "visits":
        return None
    if name in NOT_OF_A_CLINIC:
        return [str(NOBODYS)] if name.endswith("_ids") else str(NOBODYS)
    if name.endswith("_ids") and name not in VALUES:
        return [_value(function, name.removesuffix("s"), ids)]
    if name.endswith("_id") and name not in VALUES:
        known_as = IDS_OF.get(function.title, {}).get(name, name)
        return str(ids.get(known_as, UNKNOWN))
    if name == "starts_at":
        return _time_of(function)
    if name == "ends_at":
        return _time_of(function, hours_later=0.25)
    return VALUES[name]


def _time_of(function: Function, hours_later: float = 0) -> str:
    """A time that no other function asks for: calls under way at once must not meet."""
    hours = 0.5 * (zlib.crc32(function.title.encode()) % 960) + hours_later
    return at(hours, days=40).isoformat()
