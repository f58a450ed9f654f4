"""What people do, done without a mouse; booking is in test_accessibility and test_front_desk."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest
from playwright.async_api import Locator, Page, expect

from stack.config import StackConfig
from tests.people import at, insert, make_patient, one
from tests.web.browsers import Site
from tests.web.conftest import NewPage
from tests.web.staffed import Staffed, new_session, remember, staff_a_clinic
from tests.web.test_accessibility import tab_to


@pytest.fixture(scope="module")
async def clinic(site: Site) -> Staffed:
    return await staff_a_clinic(site.stack)


@pytest.fixture(scope="module")
async def patient(site: Site, clinic: Staffed) -> tuple[dict[str, Any], UUID]:
    """The session of a patient of the clinic, and their record."""
    session = await new_session(site.stack)
    with psycopg.connect(site.stack.db_url()) as connection:
        return session, make_patient(connection, clinic.id, UUID(session["user"]["id"]))


def visit_of(stack: StackConfig, clinic: Staffed, patient: UUID, starts_at: datetime) -> UUID:
    with psycopg.connect(stack.db_url()) as connection:
        visit: UUID = insert(
            connection,
            "public.appointments",
            service_id=clinic.service,
            provider_id=clinic.provider,
            patient_id=patient,
            starts_at=starts_at,
        )["id"]
    return visit


def row(stack: StackConfig, query: LiteralString, *values: Any) -> dict[str, Any]:
    with psycopg.connect(stack.db_url()) as connection:
        return one(connection, query, *values)


async def enter(page: Page, wanted: Locator) -> None:
    """Tab to what is there, and press Enter."""
    await wanted.wait_for()
    await tab_to(page, wanted)
    await page.keyboard.press("Enter")


async def type_into(page: Page, wanted: Locator, text: str) -> None:
    await wanted.wait_for()
    await tab_to(page, wanted)
    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.type(text)


async def test_a_visit_is_moved_and_cancelled(
    site: Site, new_page: NewPage, clinic: Staffed, patient: tuple[dict[str, Any], UUID]
) -> None:
    session, record = patient
    visit = visit_of(site.stack, clinic, record, at(10, days=6))
    page = await new_page()
    await remember(page, session)
    await page.goto(f"/visits/{visit}")
    await enter(page, page.get_by_role("link", name="Move", exact=True))
    await enter(page, page.locator(".time:not(.is-taken)").nth(2))
    await enter(page, page.get_by_role("button", name="Move it"))
    await expect(page).to_have_url(f"{site.address}/visits/{visit}?moved=1")
    moved = row(site.stack, "select starts_at from public.appointments where id = %s", visit)
    assert moved["starts_at"] != at(10, days=6)

    await enter(page, page.get_by_role("button", name="Cancel visit"))
    dialog = page.get_by_role("alertdialog")
    await enter(page, dialog.get_by_role("button", name="Cancel visit"))
    await expect(dialog).to_have_count(0)
    await expect(page.get_by_text("Cancelled").first).to_be_visible()


async def test_the_waiting_list_is_joined(
    site: Site, new_page: NewPage, clinic: Staffed, patient: tuple[dict[str, Any], UUID]
) -> None:
    session, record = patient
    page = await new_page()
    await remember(page, session)
    await page.goto(f"/c/{clinic.slug}/wait/{clinic.service}")
    await enter(page, page.get_by_role("button", name="Join the list"))
    await expect(page.get_by_text("You are on the list.")).to_be_visible()
    entry = row(
        site.stack, "select status::text from public.waitlist_entries where patient_id = %s", record
    )
    assert entry["status"] in ("waiting", "offered")


async def test_a_patient_is_received_in_the_visits_sheet(
    site: Site, new_page: NewPage, clinic: Staffed
) -> None:
    with psycopg.connect(site.stack.db_url()) as connection:
        record = make_patient(connection, clinic.id)
    now = datetime.now(at(0).tzinfo)
    starts_at = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    visit = visit_of(site.stack, clinic, record, starts_at)
    page = await clinic.page(new_page, "front_desk", f"day?day={starts_at:%Y-%m-%d}&visit={visit}")
    sheet = page.get_by_role("dialog")
    await enter(page, sheet.get_by_role("button", name="Has arrived"))
    await expect(sheet.get_by_text("Is here")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(sheet).to_have_count(0)
    kept = row(site.stack, "select status::text from public.appointments where id = %s", visit)
    assert kept == {"status": "arrived"}


async def test_time_is_blocked(site: Site, new_page: NewPage, clinic: Staffed) -> None:
    day = at(12, days=40)
    page = await clinic.page(new_page, "front_desk", f"day?day={day:%Y-%m-%d}&view=columns")
    await page.locator(".is-live").wait_for()
    await enter(page, page.get_by_role("button", name="Block time"))
    sheet = page.get_by_role("dialog", name="Block time")
    await type_into(page, sheet.get_by_label("From"), "1400")
    await type_into(page, sheet.get_by_label("To", exact=True), "1500")
    await type_into(page, sheet.get_by_label("What for"), "Team meeting")
    await enter(page, sheet.get_by_role("button", name="Block", exact=True))
    blocked = page.locator(".entry-blocked .entry", has_text="Team meeting")
    await expect(blocked).to_contain_text("14:00")


async def test_hours_are_changed(site: Site, new_page: NewPage, clinic: Staffed) -> None:
    day = at(0, days=3)  # No visit is near.
    page = await clinic.page(new_page, "manager", "hours")
    closes = page.get_by_label(f"{day:%A}: closes").first
    await type_into(page, closes, "1730")
    await expect(closes).to_have_value("17:30")
    await enter(page, page.get_by_role("button", name="Save hours"))
    await expect(page.get_by_text("Saved.")).to_be_visible()
    found = row(
        site.stack,
        "select closes::text from public.weekly_hours"
        " where provider_id = %s and weekday = %s and valid_until is null",
        clinic.provider,
        day.isoweekday(),
    )
    assert found == {"closes": "17:30:00"}


async def test_a_service_is_added(site: Site, new_page: NewPage, clinic: Staffed) -> None:
    page = await clinic.page(new_page, "manager", "manage/services")
    await enter(page, page.get_by_role("link", name="New service"))
    await type_into(page, page.get_by_label("Name", exact=True), "Hearing test")
    await type_into(page, page.get_by_label("Duration in minutes"), "40")
    await tab_to(page, page.get_by_label("Dr. Test"))
    await page.keyboard.press("Space")
    await enter(page, page.get_by_role("button", name="Save"))
    await expect(page.get_by_role("heading", name="Hearing test")).to_be_visible()
    kept = row(
        site.stack,
        "select services.duration_minutes, count(provider_services) as providers"
        " from public.services left join public.provider_services on service_id = services.id"
        " where services.clinic_id = %s and name = 'Hearing test' group by services.id",
        clinic.id,
    )
    assert kept == {"duration_minutes": 40, "providers": 1}


async def test_settings_are_changed(site: Site, new_page: NewPage, clinic: Staffed) -> None:
    page = await clinic.page(new_page, "owner", "manage/settings")
    await type_into(page, page.get_by_label("Minutes a time is kept"), "7")
    limits = page.locator("form").filter(has_text="What patients book by themselves")
    await enter(page, limits.get_by_role("button", name="Save"))
    await expect(limits.get_by_text("Saved.")).to_be_visible()
    kept = row(site.stack, "select hold_minutes from public.clinics where id = %s", clinic.id)
    assert kept == {"hold_minutes": 7}
