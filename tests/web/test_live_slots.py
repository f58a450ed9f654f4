"""Two browsers on one slot: what one takes, the other sees go; one is told kindly."""

from __future__ import annotations

import asyncio

from playwright.async_api import Page, expect

from tests.web.browsers import CLINIC, Site, open_times, sign_up
from tests.web.conftest import NewPage

MISSED = "Somebody was a moment faster"


async def last_time(page: Page) -> str:
    return str(await page.locator(".time:not(.is-taken)").last.get_attribute("data-starts-at"))


async def test_a_slot_taken_elsewhere_goes_grey_and_comes_back(
    site: Site, new_page: NewPage
) -> None:
    taker, watcher = await new_page(), await new_page()
    await open_times(taker, "Physiotherapy")
    await open_times(watcher, "Physiotherapy")
    starts_at = await last_time(taker)
    seen = watcher.locator(f'.time[data-starts-at="{starts_at}"]')
    await taker.locator(f'.time[data-starts-at="{starts_at}"]').click()
    await sign_up(taker, site, "Tess Taker")
    await expect(taker.locator(".countdown")).to_be_visible()

    await expect(seen).to_have_attribute("aria-disabled", "true")
    await expect(seen).to_contain_text("taken")
    await seen.click(force=True)
    await expect(watcher.locator(".days")).to_be_visible()

    # Whoever leaves the form gives the time back.
    await taker.get_by_role("link", name="Choose another time").first.click()
    await expect(seen).not_to_have_attribute("aria-disabled", "true")


async def test_of_two_who_click_at_the_same_instant_one_is_shown_the_nearest_free_times(
    site: Site, new_page: NewPage
) -> None:
    pages = [await new_page(), await new_page()]
    for page, name in zip(pages, ("Ole First", "Una Second"), strict=True):
        await page.goto(f"{CLINIC}/book/13000000-0000-4000-8000-000000000003")
        await page.locator(".first-free").click()
        await sign_up(page, site, name)
        await expect(page.locator(".countdown")).to_be_visible()
        await page.get_by_role("link", name="Choose another time").first.click()
        await expect(page.locator(".is-live")).to_be_visible()

    async def both_click() -> list[Page]:
        """Who came too late. Nobody, if the time was grey before the other's click arrived."""
        starts_at = await last_time(pages[0])
        wanted = [page.locator(f'.time[data-starts-at="{starts_at}"]') for page in pages]
        for slot in wanted:
            await expect(slot).not_to_have_attribute("aria-disabled", "true")
        await asyncio.gather(*(slot.click(force=True) for slot in wanted))
        grey = f'.time[data-starts-at="{starts_at}"][aria-disabled="true"]'
        for page in pages:
            await expect(page.locator(f".countdown, .alternatives, {grey}").first).to_be_visible()
        return [page for page in pages if await page.get_by_text(MISSED).count()]

    losers = await both_click()
    while not losers:
        for page in pages:
            if await page.locator(".countdown").count():
                await page.get_by_role("link", name="Choose another time").first.click()
                await expect(page.locator(".is-live")).to_be_visible()
        losers = await both_click()
    assert len(losers) == 1
    nearest = losers[0].locator(".alternatives .time")
    await expect(nearest).to_have_count(4)
    await nearest.first.click()
    await losers[0].get_by_role("button", name="Book this visit").click()
    await expect(losers[0].get_by_role("heading", name="You are booked")).to_be_visible()


async def test_times_are_on_the_readers_clock_with_the_clinics_beside_it(
    new_page: NewPage,
) -> None:
    page = await new_page(timezone_id="America/New_York")
    await open_times(page, "Physiotherapy")
    await expect(page.get_by_text("Times are shown in your time zone, New York")).to_be_visible()
    slot = page.locator(".time:not(.is-taken)").first
    own = await slot.locator("strong").inner_text()
    await expect(slot).to_contain_text("at the clinic")
    await page.get_by_role("button", name="Show the clinic's time").click()
    await expect(slot).not_to_contain_text("at the clinic")
    assert await slot.locator("strong").inner_text() != own

    near = await new_page(timezone_id="Europe/Vienna")
    await open_times(near, "Physiotherapy")
    await expect(near.locator(".zone-note")).to_have_count(0)
