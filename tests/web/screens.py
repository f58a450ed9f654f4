"""Pictures of the web client's pages for the docs: phone and desktop, light and dark.

`python -m tests.web.screens STACK_DIR` walks one patient through a running stack with the demo
clinic and writes docs/screens/web/<page>-<phone|desktop>-<light|dark>.png.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright, expect

from stack.config import PROJECT_DIR, StackConfig
from stack.seed import DEMO_CLINIC_ID
from tests.web.browsers import CHROMIUM, CLINIC, Site, new_address, sign_in
from tests.web.full_day import FULL_DAY, write_full_day
from tests.web.past_visits import write_past_visits

SCREENS = PROJECT_DIR / "docs/screens/web"
CHECK_UP = "13000000-0000-4000-8000-000000000001"
SIZES = {"phone": (390, 844), "desktop": (1280, 800)}


async def walk(browser: Browser, site: Site, size: str, theme: str) -> None:
    """Book a visit, with a picture of every page on the way."""
    page = await open_page(browser, site, size, theme)

    async def picture(name: str) -> None:
        await page.screenshot(path=SCREENS / f"{name}-{size}-{theme}.png")

    await page.goto(CLINIC)
    await page.get_by_role("link", name="Check-up").wait_for()
    await picture("clinic")
    await page.get_by_role("link", name="Check-up").click()
    await page.locator(".is-live").wait_for()
    await page.locator(".time").first.wait_for()
    await picture("times")
    await page.locator(".time:not(.is-taken)").last.click()
    await fill_in(page, site)
    await page.locator(".countdown").wait_for()
    await picture("form")
    await page.get_by_role("button", name="Book this visit").click()
    await expect(page.get_by_role("heading", name="You are booked")).to_be_visible()
    await page.evaluate("scrollTo(0, 0)")
    await picture("booked")
    await page.get_by_role("link", name="All my visits").click()
    await page.locator(".date-mark").wait_for()
    await picture("visits")
    await page.locator(".card-link").first.click()
    await page.get_by_role("button", name="I will come").wait_for()
    await picture("visit")
    await page.goto(f"{CLINIC}/wait/13000000-0000-4000-8000-000000000004")
    await page.locator(".segments-many").wait_for()
    await picture("waiting-list")
    await look_around(page, picture)
    await page.context.close()
    await receive(browser, site, size, theme)


async def look_around(page: Page, picture: Callable[[str], Awaitable[None]]) -> None:
    """The account's pages, and a family that comes together."""
    await page.goto("/account/family")
    await page.get_by_role("button", name="Add a child").click()
    await page.get_by_label("full name").fill("Kim Quist")
    await page.get_by_label("date of birth").fill("2020-02-29")
    await page.get_by_role("button", name="Add this child").click()
    await page.locator(".acting-line").wait_for()
    await picture("account-family")
    for name, sign in {"": ".form", "/messages": ".switch", "/privacy": ".log li"}.items():
        await page.goto(f"/account{name}")
        await page.locator(sign).first.wait_for()
        await picture(f"account{name.replace('/', '-')}")
    await page.goto("/account/calendar")
    await page.get_by_role("button", name="Make an address").click()
    await page.locator(".secret").wait_for()
    await picture("account-calendar")
    await page.goto(f"{CLINIC}/together")
    await page.get_by_label("What Nora Quist comes for").select_option(label="Check-up")
    await page.get_by_label("What Kim Quist comes for").select_option(label="Vaccination")
    await page.locator(".plan").nth(1).scroll_into_view_if_needed()
    await picture("together")


async def receive(browser: Browser, site: Site, size: str, theme: str) -> None:
    """The day on which visits were booked before, as the front desk sees it."""
    await asyncio.to_thread(write_full_day, site.stack)
    page = await open_page(browser, site, size, theme)
    await sign_in(page, "front_desk", "/staff")
    await page.locator(".is-live").wait_for()
    workplace = f"/staff/{DEMO_CLINIC_ID}"
    for name, (path, sign) in {
        "day": (f"day?day={FULL_DAY}", "[data-visit]"),
        "rooms": (f"day?day={FULL_DAY}&by=rooms&view=columns", ".entry"),
        "waiting-desk": ("waiting", "[data-entry]"),
        "attention": ("attention", ".desk-list"),
    }.items():
        await page.goto(f"{workplace}/{path}")
        await page.locator(sign).first.wait_for()
        await page.screenshot(path=SCREENS / f"{name}-{size}-{theme}.png")
    await page.goto(f"{workplace}/day?day={FULL_DAY}&view=list")
    await page.get_by_role("button", name="Details").first.click()
    await page.get_by_role("link", name="Patient card").wait_for()
    await page.screenshot(path=SCREENS / f"visit-desk-{size}-{theme}.png")
    await page.get_by_role("link", name="Patient card").click()
    await page.locator("#contacts").wait_for()
    await page.screenshot(path=SCREENS / f"patient-card-{size}-{theme}.png")
    await page.get_by_role("button", name="Book a visit").click()
    await page.get_by_label("Or another time").fill("05:00")
    await page.get_by_label("With", exact=True).select_option("Dr. Mara Lindqvist")
    await page.locator(".why-failed").first.wait_for()
    await page.screenshot(path=SCREENS / f"quick-book-{size}-{theme}.png")
    await page.context.close()
    await manage(browser, site, size, theme)


async def manage(browser: Browser, site: Site, size: str, theme: str) -> None:
    """What an owner sets up and plans by."""
    await asyncio.to_thread(write_past_visits, site.stack)
    page = await open_page(browser, site, size, theme)
    await sign_in(page, "owner", "/staff")
    await page.locator(".staff-menu").wait_for()
    workplace = f"/staff/{DEMO_CLINIC_ID}"
    for name, (path, sign) in {
        "week": (f"week?week={FULL_DAY}", ".ec-event, .week-visit"),
        "hours": ("hours", ".week-line"),
        "calendars": ("calendars", ".card-form"),
        "numbers": ("numbers", ".chart"),
        "services": ("manage/services", ".card-link"),
        "service": (f"manage/services/{CHECK_UP}", ".manage-form"),
        "providers": ("manage/providers", ".place-head"),
        "places": ("manage/places", ".place"),
        "closures": ("manage/closures", ".card-form"),
        "staff": ("manage/people", ".member-actions"),
        "settings": ("manage/settings", ".reminders"),
        "import": ("manage/import", ".card-form"),
        "access-log": ("audit", ".rows"),
    }.items():
        await page.goto(f"{workplace}/{path}")
        await page.locator(sign).first.wait_for()
        await page.screenshot(path=SCREENS / f"{name}-{size}-{theme}.png")
    await page.context.close()


async def open_page(browser: Browser, site: Site, size: str, theme: str) -> Page:
    width, height = SIZES[size]
    context = await browser.new_context(
        base_url=site.address,
        viewport={"width": width, "height": height},
        color_scheme="light" if theme == "light" else "dark",
        locale="en-GB",
        timezone_id="Europe/Amsterdam",
        reduced_motion="reduce",
    )
    return await context.new_page()


async def fill_in(page: Page, site: Site) -> None:
    email = new_address()
    await page.get_by_label("Full name").fill("Nora Quist")
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_role("button", name="Send me a code").click()
    await page.get_by_label("Code").fill(await site.code_mailed_to(email))


async def main(directory: Path) -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    site = Site(StackConfig.load(directory))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        for size in SIZES:
            for theme in ("light", "dark"):
                await walk(browser, site, size, theme)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
