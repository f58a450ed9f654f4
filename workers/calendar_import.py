"""Reads outside calendars that are due and hands their busy time to the database.

The database says which calendars are due and leases them, so that any number of workers share them
and one that dies loses nothing. Each is fetched and read on its own; what fails is recorded with a
code, and the busy time read before stays in force.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from supabase import AsyncClient

from appoint.calendars.addresses import is_loopback, is_public
from appoint.calendars.busy_times import ReadingError, read_busy_times
from appoint.calendars.fetching import FetchError, fetch
from appoint.settings import Settings

logger = logging.getLogger(__name__)

AT_ONCE = 4
LEASE_SECONDS = 120
# Fetching and reading have limits of their own; this leaves time to record the outcome.
LONGEST_IMPORT = 100.0
LOOK_EVERY = 15.0


@dataclass(frozen=True, slots=True)
class OutsideCalendar:
    """A leased calendar, as `worker.claim_outside_calendars` hands it out."""

    calendar_id: UUID
    lease_id: UUID
    url: str
    etag: str | None
    last_modified: str | None
    time_zone: str
    read_until: datetime

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> OutsideCalendar:
        return cls(
            calendar_id=UUID(row["calendar_id"]),
            lease_id=UUID(row["lease_id"]),
            url=row["url"],
            etag=row["etag"],
            last_modified=row["last_modified"],
            time_zone=row["time_zone"] or "UTC",
            read_until=datetime.fromisoformat(row["read_until"]),
        )


class CalendarImport:
    """The outside calendars' `worker` RPCs, with the service's rights: they are of all clinics."""

    def __init__(self, client: AsyncClient, is_allowed: Callable[[str], bool] = is_public) -> None:
        self._rpc = client.schema("worker").rpc
        self._is_allowed = is_allowed
        self._running: set[asyncio.Task[None]] = set()

    async def look(self) -> bool:
        """Take on calendars that are due, while there is room, and wait until one of them is done.

        Slow ones go on while others take their turns. False: there is nothing to do. May be cut
        off at any moment: the leases then run out and others go on.
        """
        try:
            if len(self._running) < AT_ONCE:
                for calendar in await self._claim(AT_ONCE - len(self._running)):
                    self._running.add(asyncio.create_task(self._import(calendar)))
            if not self._running:
                return False
            done, _ = await asyncio.wait(
                self._running, timeout=LOOK_EVERY, return_when=asyncio.FIRST_COMPLETED
            )
            self._running -= done
        except asyncio.CancelledError:
            for one in self._running:
                one.cancel()
            # None may outlive the connections that are closed next.
            await asyncio.gather(*self._running, return_exceptions=True)
            self._running.clear()
            raise
        return True

    async def _claim(self, most: int) -> list[OutsideCalendar]:
        answer = await self._rpc(
            "claim_outside_calendars",
            {"batch": most, "lease_seconds": LEASE_SECONDS},  # type: ignore[dict-item]
        ).execute()
        rows: list[Any] = answer.data  # type: ignore[assignment]
        return [OutsideCalendar.from_row(row) for row in rows]

    async def _import(self, calendar: OutsideCalendar) -> None:
        ids = {"calendar_id": calendar.calendar_id}
        try:
            async with asyncio.timeout(LONGEST_IMPORT):
                outcome = await self._read(calendar)
        except (FetchError, ReadingError) as failure:
            outcome = ("fail_outside_calendar", {"error": failure.reason})
        except Exception as error:
            logger.exception("calendar_import_crashed", extra=ids)
            outcome = ("fail_outside_calendar", {"error": f"crash:{type(error).__name__}"})
        name, arguments = outcome
        lease = {"calendar_id": str(calendar.calendar_id), "lease_id": str(calendar.lease_id)}
        try:
            answer = await self._rpc(name, lease | arguments).execute()
        except Exception as error:
            # The lease runs out and the calendar is read again.
            logger.warning("outcome_not_recorded", extra=ids | {"error": type(error).__name__})
            return
        said = {"outcome": name, "reason": arguments.get("error"), "is_recorded": bool(answer.data)}
        logger.info("calendar_imported", extra=ids | said)

    async def _read(self, calendar: OutsideCalendar) -> tuple[str, dict[str, Any]]:
        """The function that records what the calendar says, and its arguments."""
        fetched = await fetch(
            calendar.url,
            etag=calendar.etag,
            last_modified=calendar.last_modified,
            is_allowed=self._is_allowed,
        )
        if fetched.content is None:
            return "keep_busy_blocks", {}
        busy = await read_busy_times(
            fetched.content, calendar.time_zone, datetime.now(UTC), calendar.read_until
        )
        return "store_busy_blocks", {
            "starts": busy.starts,
            "ends": busy.ends,
            "appointment_ids": busy.visits,
            "read_until": calendar.read_until.isoformat(),
            "skipped_events": busy.skipped_events,
            "etag": fetched.etag,
            "last_modified": fetched.last_modified,
        }


def allowed_addresses(settings: Settings) -> Callable[[str], bool]:
    """Public addresses; in development also loopback, if the settings say so."""
    if settings.appoint_calendar_import_allow_loopback:
        return lambda address: is_public(address) or is_loopback(address)
    return is_public
