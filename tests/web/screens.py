"""Pictures of the web client's pages for the docs: phone and desktop, light and dark.

`python -m tests.web.screens STACK_DIR` furnishes the demo clinic of a new stack, walks through it
as four patients and its staff, and writes docs/screens/web/<page>-<phone|desktop>-<light|dark>.png.
Fields for dates follow the browser's own language: on Debian, English ones need chromium-l10n.
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from playwright.async_api import Browser, Page, async_playwright, expect

from stack.config import PROJECT_DIR, StackConfig
from stack.seed import DEMO_CLINIC_ID
from tests.web.browsers import CHROMIUM, CLINIC, Site, sign_in
from tests.web.full_day import FULL_DAY, LINDQVIST, mail_address, write_full_day
from tests.web.newcomers import GUARDED_CLINIC, write_newcomers
from tests.web.past_visits import write_past_visits
from tests.web.staffed import remember

SCREENS = PROJECT_DIR / "docs/screens/web"
CHECK_UP = "13000000-0000-4000-8000-000000000001"
CONSULTATION = "13000000-0000-4000-8000-000000000002"
WORKPLACE = f"/staff/{DEMO_CLINIC_ID}"
SIZES = {"phone": (390, 844), "desktop": (1280, 800)}
# A patient and a child for each walk, since each begins with somebody who is new.
WALKERS = {
    ("phone", "light"): ("Nora Visser", "Kim Visser"),
    ("phone", "dark"): ("Elin Lindgren", "Mats Lindgren"),
    ("desktop", "light"): ("Marta Silva", "Rui Silva"),
    ("desktop", "dark"): ("Jan Peeters", "Lotte Peeters"),
}


@dataclass(frozen=True)
class Camera:
    """One size and one theme."""

    browser: Browser
    site: Site
    size: str
    theme: str

    async def open_page(self) -> Page:
        width, height = SIZES[self.size]
        context = await self.browser.new_context(
            base_url=self.site.address,
            viewport={"width": width, "height": height},
            color_scheme="light" if self.theme == "light" else "dark",
            locale="en-GB",
            timezone_id="Europe/Amsterdam",
            reduced_motion="reduce",
            service_workers="block",
        )
        return await context.new_page()

    async def take(self, page: Page, name: str, full_page: bool = False) -> None:
        await page.mouse.move(0, 0)
        await page.screenshot(
            path=SCREENS / f"{name}-{self.size}-{self.theme}.png", full_page=full_page
        )

    async def visit(self, page: Page, name: str, path: str, sign: str, **how: Any) -> None:
        await page.goto(path)
        await page.locator(sign).first.wait_for()
        await self.take(page, name, **how)


async def arrive(camera: Camera) -> None:
    """Somebody new, from the list of clinics to a booked visit."""
    name, child = WALKERS[camera.size, camera.theme]
    page = await camera.open_page()
    await camera.visit(page, "home", "/", ".card")
    await camera.visit(page, "sign-in", "/sign-in", "form")
    await camera.visit(page, "not-found", "/nothing", "h1")
    await camera.visit(page, "clinic", CLINIC, ".first-free-line:not(:empty)")
    await page.get_by_role("link", name="Check-up").click()
    await page.locator(".is-live").wait_for()
    await page.locator(".time").first.wait_for()
    await camera.take(page, "times")
    await page.locator(".time:not(.is-taken)").last.click()
    email = mail_address(name)
    await page.get_by_label("Full name").fill(name)
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_role("button", name="Send me a code").click()
    await page.get_by_label("Code").fill(await camera.site.code_mailed_to(email))
    await page.locator(".countdown").wait_for()
    await camera.take(page, "form")
    await page.get_by_role("button", name="Book this visit").click()
    await expect(page.get_by_role("heading", name="You are booked")).to_be_visible()
    await page.evaluate("scrollTo(0, 0)")
    await camera.take(page, "booked")
    await page.get_by_role("link", name="All my visits").click()
    await page.locator(".date-mark").wait_for()
    await camera.take(page, "visits")
    await page.locator(".card-link").first.click()
    await page.get_by_role("button", name="I will come").wait_for()
    await camera.take(page, "visit")
    await page.get_by_role("link", name="Move", exact=True).click()
    await page.locator(".time:not(.is-taken)").nth(1).click()
    await page.get_by_role("alertdialog").wait_for()
    await camera.take(page, "move")
    await look_around(camera, page, name, child)
    await page.context.close()


async def look_around(camera: Camera, page: Page, name: str, child: str) -> None:
    """Ways to come when one time does not do, the account's pages, and a family at once."""
    eleven = datetime.combine(FULL_DAY, time(11), ZoneInfo("Europe/Amsterdam"))
    at = f"{eleven.astimezone(ZoneInfo('UTC')):%Y-%m-%dT%H:%M:%SZ}"
    await camera.visit(
        page,
        "alternatives",
        f"{CLINIC}/book/{CONSULTATION}/confirm?at={at}&provider={LINDQVIST}",
        ".alternatives .time",
    )
    await camera.visit(
        page, "waiting-list", f"{CLINIC}/wait/13000000-0000-4000-8000-000000000004", ".segments"
    )
    await page.goto(CLINIC)
    await page.get_by_role("link", name="Antenatal course").click()
    await page.locator("main .card-link").first.wait_for()
    await camera.take(page, "group")
    await page.goto("/account/family")
    await page.get_by_role("button", name="Add a child").click()
    await page.get_by_label("full name").fill(child)
    await page.get_by_label("date of birth").fill("2020-02-29")
    await page.get_by_role("button", name="Add this child").click()
    await page.locator(".acting-line").wait_for()
    await page.evaluate("scrollTo(0, 0)")
    await camera.take(page, "account-family")
    await camera.visit(page, "account", "/account", ".form")
    await camera.visit(page, "account-messages", "/account/messages", ".switch")
    await camera.visit(page, "account-privacy", "/account/privacy", ".log li")
    await page.goto("/account/calendar")
    await page.get_by_role("button", name="Make an address").click()
    await page.locator(".secret").wait_for()
    await camera.take(page, "account-calendar")
    await page.goto(f"{CLINIC}/together")
    await page.get_by_label(f"What {name} comes for").select_option(label="Check-up")
    await page.get_by_label(f"What {child} comes for").select_option(label="Vaccination")
    await page.locator(".plan").nth(1).scroll_into_view_if_needed()
    await camera.take(page, "together")


async def receive(camera: Camera) -> None:
    """A full day, as the front desk sees it."""
    page = await camera.open_page()
    await sign_in(page, "front_desk", "/staff")
    await page.locator(".is-live").wait_for()
    day = f"{WORKPLACE}/day?day={FULL_DAY}"
    await camera.visit(page, "day", day, "[data-visit]")
    await camera.visit(page, "rooms", f"{day}&by=rooms&view=columns", ".entry")
    await camera.visit(page, "waiting-desk", f"{WORKPLACE}/waiting", "[data-entry]")
    await unsent(camera, page)
    await page.goto(f"{WORKPLACE}/patients")
    await page.get_by_role("combobox", name="Patient").fill("ma")
    await page.get_by_role("option").nth(2).wait_for()
    await camera.take(page, "patients")
    await page.goto(f"{day}&view=list")
    card = page.locator("[data-visit]", has_text="Expected").first
    await card.get_by_role("button", name="Details").click()
    await page.get_by_role("button", name="Show phone and e-mail").click()
    await page.locator(".visit-patient a").first.wait_for()
    await camera.take(page, "visit-desk")
    await page.get_by_role("link", name="Patient card").click()
    await page.locator("#contacts").wait_for()
    await camera.take(page, "patient-card")
    await page.get_by_role("button", name="Book a visit").click()
    await page.get_by_label("Or another time").fill("05:00")
    await page.get_by_label("With", exact=True).select_option("Dr. Mara Lindqvist")
    await page.locator(".why-failed").first.wait_for()
    await camera.take(page, "quick-book")
    await page.context.close()


async def unsent(camera: Camera, page: Page) -> None:
    """What needs attention, and of that the mails that could not be sent."""
    await camera.visit(page, "attention", f"{WORKPLACE}/attention", "[data-kind]")
    await page.get_by_label("Show").select_option("message_not_sent")
    await expect(page.locator('[data-kind="outcome_unknown"]')).to_have_count(0)
    await camera.take(page, "unsent")


async def manage(camera: Camera) -> None:
    """What an owner sets up and plans by."""
    page = await camera.open_page()
    await sign_in(page, "owner", "/staff")
    await page.locator(".staff-menu").wait_for()
    for name, (path, sign) in {
        "week": (f"week?week={FULL_DAY}", ".ec-event, .week-visit"),
        "hours": ("hours", ".week-line"),
        "calendars": ("calendars", ".card-form"),
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
        await camera.visit(page, name, f"{WORKPLACE}/{path}", sign)
    # On a phone its charts stand below each other.
    await camera.visit(
        page, "numbers", f"{WORKPLACE}/numbers", ".chart", full_page=camera.size == "phone"
    )
    await page.context.close()


async def begin(camera: Camera, sessions: dict[str, dict[str, Any]]) -> None:
    """Somebody who is invited, and somebody of a clinic that asks for a second factor."""
    for who, (name, path, sign) in {
        "invited": ("welcome", "/staff/welcome", "form"),
        "guarded": ("second-factor", f"/staff/{GUARDED_CLINIC}/day", ".second-factor code"),
    }.items():
        page = await camera.open_page()
        await remember(page, sessions[who])
        await camera.visit(page, name, path, sign)
        await page.context.close()


async def main(directory: Path) -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    site = Site(StackConfig.load(directory))
    write_full_day(site.stack)
    write_past_visits(site.stack)
    sessions = await write_newcomers(site.stack)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-dev-shm-usage"],
            env={**os.environ, "LANGUAGE": "en_GB"},
        )
        for size in SIZES:
            for theme in ("light", "dark"):
                camera = Camera(browser, site, size, theme)
                await arrive(camera)
                await receive(camera)
                await manage(camera)
                await begin(camera, sessions)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
