"""A clinic with two places in two zones: where visits are booked, where and to whom they move."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import psycopg
import pytest
from playwright.async_api import Page, expect

from tests.people import (
    Connection,
    at,
    insert,
    make_clinic,
    make_location,
    make_patient,
    make_provider,
    make_service,
    one,
)
from tests.web.browsers import Site, free_days, sign_up
from tests.web.conftest import NewPage
from tests.web.staffed import new_session, remember
from tests.web.test_accessibility import violations

LONDON = ZoneInfo("Europe/London")


@dataclass(frozen=True)
class TwoPlaces:
    """Two providers at each place, each around the clock; those of the harbour were there first."""

    site: Site
    clinic: UUID
    slug: str
    service: UUID
    harbour: dict[str, UUID]
    hill: dict[str, UUID]
    hill_house: UUID

    @property
    def times(self) -> str:
        return f"/c/{self.slug}/book/{self.service}"

    def visit(self, patient: UUID, provider: UUID, starts_at: datetime, **columns: Any) -> UUID:
        with psycopg.connect(self.site.stack.db_url()) as connection:
            visit: UUID = insert(
                connection,
                "public.appointments",
                **{
                    "service_id": self.service,
                    "provider_id": provider,
                    "patient_id": patient,
                    "starts_at": starts_at,
                }
                | columns,
            )["id"]
        return visit

    def stranger(self) -> UUID:
        with psycopg.connect(self.site.stack.db_url()) as connection:
            return make_patient(connection, self.clinic)

    def found(self, visit: UUID) -> dict[str, Any]:
        with psycopg.connect(self.site.stack.db_url()) as connection:
            return one(
                connection,
                "select provider_id, location_id, starts_at from public.appointments where id = %s",
                visit,
            )

    async def patient(self, new_page: NewPage) -> tuple[Page, UUID]:
        """A browser in which a patient of the clinic is signed in, and their record."""
        session = await new_session(self.site.stack)
        with psycopg.connect(self.site.stack.db_url()) as connection:
            patient = make_patient(connection, self.clinic, UUID(session["user"]["id"]))
        page = await new_page()
        await remember(page, session)
        return page, patient


@pytest.fixture(scope="module")
def places(site: Site) -> TwoPlaces:
    with psycopg.connect(site.stack.db_url()) as connection:
        slug = f"places-{uuid4().hex[:12]}"
        clinic = make_clinic(connection, slug=slug, time_zone="Europe/Amsterdam")
        service = make_service(connection, clinic, name="Talk", slot_interval_minutes=60)
        harbour = place(connection, clinic, "Harbour House", "Europe/Amsterdam")
        hill = place(connection, clinic, "Hill House", "Europe/London")
        return TwoPlaces(
            site,
            clinic,
            slug,
            service,
            staff(connection, clinic, harbour, service, "Dr. Ada", "Dr. Ben"),
            staff(connection, clinic, hill, service, "Dr. Cem", "Dr. Dia"),
            hill,
        )


def place(connection: Connection, clinic: UUID, name: str, zone: str) -> UUID:
    location = make_location(connection, clinic, zone)
    connection.execute("update public.locations set name = %s where id = %s", [name, location])
    return location


def staff(
    connection: Connection, clinic: UUID, location: UUID, service: UUID, *names: str
) -> dict[str, UUID]:
    providers = {name: make_provider(connection, clinic, location, (service,)) for name in names}
    for name, provider in providers.items():
        connection.execute(
            "update public.providers set full_name = %s where id = %s", [name, provider]
        )
    return providers


async def test_the_place_that_was_chosen_is_the_place_of_the_visit(
    places: TwoPlaces, new_page: NewPage
) -> None:
    page = await new_page()
    await page.goto(f"{places.times}?where={places.hill_house}")
    time = page.locator(".time:not(.is-taken)").last
    await expect(time).to_contain_text("2 providers")
    await time.click()
    await sign_up(page, places.site, "Hilda Hill")
    await expect(page.locator(".summary")).to_contain_text("Hill House")
    await page.get_by_role("button", name="Book this visit").click()
    await expect(page.get_by_role("heading", name="You are booked")).to_be_visible()
    visit = UUID(page.url.split("/")[-1].split("?")[0])
    assert places.found(visit)["location_id"] == places.hill_house


async def test_a_visit_moves_to_anybody_at_another_place_and_past_a_lost_time(
    places: TwoPlaces, new_page: NewPage
) -> None:
    page, patient = await places.patient(new_page)
    visit = places.visit(patient, places.harbour["Dr. Ada"], at(9, days=3))
    await page.goto(f"/visits/{visit}/move?with=&where={places.hill_house}")
    time = page.locator(".time:not(.is-taken)", has_text="2 providers").last
    starts_at = datetime.fromisoformat(str(await time.get_attribute("data-starts-at")))
    await time.click()
    dialog = page.get_by_role("alertdialog", name="Move the visit?")
    before, after = dialog.locator("dd").first, dialog.locator("dd").last
    await expect(before).to_contain_text("Dr. Ada, Harbour House")
    await expect(after).to_contain_text("Hill House")
    await expect(after.locator(".when > span").first).to_have_text(
        f"{starts_at.astimezone(LONDON):%H:%M}"
    )
    assert await violations(page) == []

    for provider in places.hill.values():
        places.visit(places.stranger(), provider, starts_at)
    await dialog.get_by_role("button", name="Move it").click()
    await expect(dialog.get_by_role("heading", name="Somebody was a moment faster")).to_be_visible()
    nearest = dialog.locator(".alternatives .time")
    await expect(nearest).to_have_count(4)
    assert await violations(page) == []
    await nearest.first.click()
    await dialog.get_by_role("button", name="Move it").click()
    await expect(page.get_by_text("The visit has been moved.")).to_be_visible()
    moved = places.found(visit)
    assert moved["location_id"] == places.hill_house
    assert moved["starts_at"] not in {starts_at, at(9, days=3)}


async def test_a_visit_stays_with_its_provider_where_that_is_possible(
    places: TwoPlaces, new_page: NewPage
) -> None:
    page, patient = await places.patient(new_page)
    visit = places.visit(patient, places.harbour["Dr. Ben"], at(9, days=4))
    await page.goto(f"/visits/{visit}/move?with=")
    # In the evening little is left of today.
    await free_days(page).nth(1).click()
    await page.locator(".time:not(.is-taken)", has_text="4 providers").last.click()
    dialog = page.get_by_role("alertdialog", name="Move the visit?")
    await expect(dialog.locator("dd").last).to_contain_text("Dr. Ben, Harbour House")
    await dialog.get_by_role("button", name="Move it").click()
    await expect(page.get_by_text("The visit has been moved.")).to_be_visible()
    assert places.found(visit)["provider_id"] == places.harbour["Dr. Ben"]


async def test_what_can_no_longer_be_changed_online_is_said_before_it_is_tried(
    places: TwoPlaces, new_page: NewPage
) -> None:
    with psycopg.connect(places.site.stack.db_url()) as connection:
        service = make_service(
            connection, places.clinic, name="Rare talk", cancel_notice_minutes=5 * 24 * 60
        )
        provider = make_provider(connection, places.clinic, places.hill_house, (service,))
        connection.execute(
            "update public.locations set phone = '+44 (0)20 7946 0100' where id = %s",
            [places.hill_house],
        )
    page, patient = await places.patient(new_page)
    soon = places.visit(patient, provider, at(9, days=3), service_id=service)
    late = places.visit(patient, provider, at(9, days=13), service_id=service)
    cancel = page.get_by_role("button", name="Cancel visit")

    await page.goto(f"/visits/{late}")
    last = (at(9, days=13) - timedelta(days=5)).astimezone(LONDON)
    await expect(page.get_by_text("You can cancel or move it online until")).to_contain_text(
        f"{last:%H:%M}"
    )
    number = page.get_by_role("link", name="+44 (0)20 7946 0100")
    await expect(number).to_have_count(1)
    await expect(number).to_have_attribute("href", "tel:+442079460100")
    await expect(cancel).to_be_visible()
    await page.goto(f"/visits/{soon}")
    await expect(page.get_by_text("It is too late to cancel or move")).to_be_visible()
    await expect(cancel).to_have_count(0)
    too_late = page.get_by_role("status").filter(has_text="Please call the clinic")
    await expect(too_late.get_by_role("link")).to_have_text("+44 (0)20 7946 0100")
    assert await violations(page) == []
    await page.goto(f"/visits/{soon}/move")
    await expect(page.get_by_text("It is too late to cancel or move")).to_be_visible()
    await expect(number).to_be_visible()

    form = f"/c/{places.slug}/book/{service}/confirm?at="
    await page.goto(f"{form}{at(15, days=3):%Y-%m-%dT%H:%M:%SZ}")
    await expect(page.get_by_text("cannot be cancelled or moved online")).to_be_visible()
    await page.goto(f"{form}{at(15, days=13):%Y-%m-%dT%H:%M:%SZ}")
    await expect(page.get_by_text("You can cancel or move it online until")).to_be_visible()
