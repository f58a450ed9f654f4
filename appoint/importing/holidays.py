"""`appoint import holidays`: closes a clinic on the public holidays of a country or region.

The `holidays` library knows the days; the database adds those that the clinic has not got yet and
says which booked visits they leave outside of the hours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, cast

import httpx
from postgrest import APIError
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from appoint.errors import AppointError, from_api_error
from appoint.importing.outcomes import ImportFailed
from appoint.settings import Settings, SettingsError
from appoint.supabase_clients import http_pool, service_client

LATEST_YEAR = 2100


@dataclass(frozen=True, slots=True)
class Holiday:
    """A whole day on which a country or region has a public holiday."""

    day: date
    name: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one holiday; `visits_outside` are visits of that day to follow up."""

    holiday: Holiday
    is_new: bool
    visits_outside: int


def public_holidays(country: str, region: str | None, years: Sequence[int]) -> list[Holiday]:
    """The public holidays of those years by date. Raises ImportFailed for an unknown place or year.

    `country` is an ISO 3166-1 code such as AT, `region` the part of an ISO 3166-2 code after the
    dash, such as 9 for Vienna.
    """
    import holidays  # noqa: PLC0415 - heavy, and no other command needs it

    this_year = datetime.now(UTC).year
    for year in years:
        if not this_year <= year <= LATEST_YEAR:
            raise ImportFailed(f"the year must be between {this_year} and {LATEST_YEAR}")
    regions = holidays.list_supported_countries().get(country.upper())
    if regions is None:
        raise ImportFailed(
            f"{country} is not a country with known holidays; give a code such as AT"
        )
    if region is not None and region.upper() not in (known.upper() for known in regions):
        known = f"known are {', '.join(regions)}" if regions else "it has none"
        raise ImportFailed(f"{region} is not a region of {country.upper()}; {known}")
    subdivision = next((name for name in regions if name.upper() == (region or "").upper()), None)
    found = holidays.country_holidays(country.upper(), subdiv=subdivision, years=years)
    return [Holiday(day, name) for day, name in sorted(found.items())]


def import_holidays(clinic: str, country: str, region: str | None, years: Sequence[int]) -> int:
    """Close the clinic on these holidays and print what was added; the exit status is returned.

    0: done, also if all were there already. 1: nothing was added, and one line says why.
    """
    errors = Console(stderr=True)
    this_year = datetime.now(UTC).year
    try:
        found = public_holidays(country, region, years or (this_year, this_year + 1))
        settings = Settings.from_environment()
        outcomes = asyncio.run(_close(settings, clinic, found))
    except (ImportFailed, SettingsError) as error:
        errors.print(f"[red]error:[/] {escape(str(error))}", soft_wrap=True)
        return 1
    _report(Console(), outcomes)
    return 0


async def _close(settings: Settings, clinic: str, found: Sequence[Holiday]) -> list[Outcome]:
    parameters: dict[str, Any] = {
        "clinic": clinic,
        "rows": [{"day": holiday.day.isoformat(), "name": holiday.name} for holiday in found],
    }
    async with http_pool() as http:
        # The service key: whoever runs this command acts for the clinic.
        service = service_client(settings, http)
        try:
            answer = await service.schema("worker").rpc("import_holidays", parameters).execute()
        except APIError as error:
            raise ImportFailed(_sentence(from_api_error(error))) from None
        except httpx.HTTPError as error:
            raise ImportFailed(f"Supabase cannot be reached ({type(error).__name__})") from None
    rows = {row["day"]: row for row in cast(list[dict[str, Any]], answer.data)}
    return [
        Outcome(holiday, row["outcome"] == "added", row["visits_outside"])
        for holiday in found
        if (row := rows[holiday.day.isoformat()])
    ]


def _sentence(error: AppointError) -> str:
    return f"the database refused it: {error.key}" + (f"; {error.hint}" if error.hint else "")


def _report(console: Console, outcomes: Sequence[Outcome]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("Day", "Holiday", "Outcome"):
        table.add_column(heading)
    table.add_column("Visits to follow up", justify="right")
    for outcome in outcomes:
        table.add_row(
            f"{outcome.holiday.day:%Y-%m-%d %a}",
            escape(outcome.holiday.name),
            "added" if outcome.is_new else "already there",
            str(outcome.visits_outside or ""),
        )
    console.print(table)
    added = sum(outcome.is_new for outcome in outcomes)
    console.print(f" {added} added, {len(outcomes) - added} already there", highlight=False)
