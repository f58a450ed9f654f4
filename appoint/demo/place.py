"""Where and when the demo plays: a service that everybody may book, in the days ahead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from supabase import AsyncClient

from appoint.demo.failures import DemoFailed

# Far enough ahead that cancelling is still allowed, near enough that booking is.
FIRST_DAY = timedelta(days=2)
LAST_DAY = timedelta(days=9)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """One service of one clinic."""

    clinic: Row
    service: Row

    def wish(self, slot: Row) -> Row:
        """What `book_appointment` is asked for to get this slot."""
        return {
            "service_id": self.service["id"],
            "provider_id": slot["provider_id"],
            "starts_at": slot["starts_at"],
        }

    def clock(self, slot: Row) -> str:
        """The slot's start as the clinic's wall clock shows it."""
        zone = ZoneInfo(self.clinic["time_zone"])
        starts_at = datetime.fromisoformat(slot["starts_at"]).astimezone(zone)
        return f"{starts_at:%A} {starts_at.day} {starts_at:%B, %H:%M}"


async def find_place(client: AsyncClient) -> Place:
    """The first service, of the oldest clinic, that has free times.

    Asked by somebody signed in: visitors are not told how old a clinic is. Raises DemoFailed.
    """
    for clinic in await _rows(client, "clinics", "created_at"):
        # What needs the clinic's approval first would make a longer story.
        for service in await _rows(
            client, "services", "name", clinic_id=clinic["id"], needs_approval=False
        ):
            if await free_times(client, service, at_most=1):
                return Place(clinic, service)
    raise DemoFailed("no clinic offers free times to the public; `make up` seeds one that does")


async def free_times(client: AsyncClient, service: Row, at_most: int = 500) -> list[Row]:
    """The free times of a week, earliest first."""
    now = datetime.now(UTC)
    parameters: dict[str, Any] = {
        "service_id": service["id"],
        "from_time": (now + FIRST_DAY).isoformat(),
        "to_time": (now + LAST_DAY).isoformat(),
        "max_results": at_most,
    }
    return cast(list[Row], (await client.rpc("open_slots", parameters).execute()).data)


async def _rows(client: AsyncClient, table: str, order: str, **equal: str | bool) -> list[Row]:
    query = client.table(table).select("*").order(order)
    for column, value in equal.items():
        query = query.eq(column, value)
    return cast(list[Row], (await query.execute()).data)
