"""The clinic's day on two screens: the front desk receives people, the provider sees it at once."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from playwright.async_api import expect

from tests.acceptance.clients import open_slots, sign_up
from tests.people import one
from tests.web.browsers import Site, sign_in
from tests.web.conftest import NewPage
from tests.web.test_accessibility import violations

# Offered by Dr. Lindqvist, who has a log-in.
CONSULTATION = "13000000-0000-4000-8000-000000000002"
LINDQVIST = "12000000-0000-4000-8000-000000000001"


async def a_coming_visit(site: Site) -> dict[str, Any]:
    """As late as it can be booked."""
    person = await sign_up(site.stack)
    slots = await open_slots(site.stack, CONSULTATION)
    slot = next(slot for slot in reversed(slots) if slot["provider_id"] == LINDQVIST)
    booked = await person.book(slot, CONSULTATION)
    assert booked.status_code == 200, booked.text
    await person.http.aclose()
    visit: dict[str, Any] = booked.json()
    return visit


async def a_visit(site: Site) -> dict[str, Any]:
    """One of eight weeks ago or earlier that nobody has marked: what has not begun is not over."""
    visit = await a_coming_visit(site)
    with psycopg.connect(site.stack.db_url()) as db:
        return one(
            db,
            "update public.appointments set overbook_reason = 'noted down afterwards',"
            " starts_at = starts_at - interval '1 week' * (8 + (select count(*)"
            " from public.appointments where overbook_reason = 'noted down afterwards'))"
            " where id = %s returning id, starts_at",
            visit["id"],
        )


async def test_the_provider_sees_who_the_front_desk_has_received(
    site: Site, new_page: NewPage
) -> None:
    visit = await a_visit(site)
    starts_at = visit["starts_at"].astimezone(ZoneInfo("Europe/Amsterdam"))
    path = f"/staff?day={starts_at:%Y-%m-%d}"
    desk, provider = await new_page(), await new_page(viewport={"width": 320, "height": 700})
    await sign_in(desk, "front_desk", path)
    await sign_in(provider, "provider", path)
    entry = desk.locator(f'[data-visit="{visit["id"]}"]')
    await expect(entry).to_contain_text("Expected")
    # On a phone the day is a list.
    card = provider.locator(f'article[data-visit="{visit["id"]}"]')
    await expect(card.locator(".status")).to_have_text("Expected")
    for page in (desk, provider):
        await expect(page.locator(".is-live")).to_be_visible()
    assert await violations(desk) + await violations(provider) == []
    assert await provider.evaluate("document.documentElement.scrollWidth") <= 320

    await entry.click()
    sheet = desk.get_by_role("dialog")
    await sheet.get_by_role("button", name="Has arrived").click()
    await expect(sheet.locator(".status")).to_have_text("Is here")
    await expect(card.locator(".status")).to_have_text("Is here")
    await card.get_by_role("button", name="Completed").click()
    await expect(card.locator(".status")).to_have_text("Completed")
    await expect(sheet.locator(".status")).to_have_text("Completed")
    await desk.keyboard.press("Escape")
    await expect(desk.locator(".entry-fulfilled", has=entry)).to_be_visible()


async def test_patients_find_no_clinics_day(new_page: NewPage, patients_storage: Any) -> None:
    page = await new_page(storage_state=patients_storage)
    await page.goto("/staff")
    await expect(page.get_by_text("You do not work for a clinic here.")).to_be_visible()
    await expect(page.get_by_role("link", name="Clinic", exact=True)).to_have_count(0)
