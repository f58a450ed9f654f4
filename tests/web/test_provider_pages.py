"""A provider's own week, hours and calendars, and the second factor a clinic asks for."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import psycopg
import pyotp
from playwright.async_api import expect

from stack.seed import DEMO_CLINIC_ID, DEMO_PASSWORD
from tests.web.browsers import Site, sign_in
from tests.web.conftest import NewPage
from tests.web.test_accessibility import violations
from tests.web.test_day_board import a_coming_visit

STAFF = f"/staff/{DEMO_CLINIC_ID}"
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


async def test_a_change_of_hours_shows_first_what_it_would_break(
    site: Site, new_page: NewPage
) -> None:
    visit = await a_coming_visit(site)
    weekday = f"{datetime.fromisoformat(visit['starts_at']).astimezone(AMSTERDAM):%A}"
    page = await new_page(viewport={"width": 390, "height": 844})
    await sign_in(page, "provider", f"{STAFF}/hours")
    editor = page.locator("form", has=page.get_by_role("heading", name="Harbour Clinic"))
    await editor.get_by_role("group", name=weekday).wait_for()
    assert await violations(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    remove = editor.get_by_role("button", name=f"{weekday}: remove these hours")
    while await remove.count():
        await remove.first.click()
    await editor.get_by_role("button", name="Save hours").click()
    dialog = page.get_by_role("alertdialog")
    await expect(dialog).to_contain_text("would be left outside")
    await expect(dialog.get_by_role("listitem").first).to_be_visible()
    assert await violations(page) == []
    await dialog.get_by_role("button", name="Change nothing").click()

    # Nothing was saved, and hours that end before they begin are not even asked about.
    page.once("dialog", lambda dialog: dialog.accept())
    await page.reload()
    closes = editor.get_by_label(f"{weekday}: closes").first
    await closes.fill("00:30")
    await editor.get_by_role("button", name="Save hours").click()
    await expect(editor.get_by_text("Hours end after they begin.")).to_be_visible()


async def test_days_off_are_added_and_taken_back(new_page: NewPage) -> None:
    page = await new_page(color_scheme="dark")
    far = (datetime.now(UTC) + timedelta(days=900)).date()
    await sign_in(page, "provider", f"{STAFF}/hours")
    await page.get_by_label("First day").fill(f"{far}")
    await page.get_by_label("Last day").fill(f"{far - timedelta(days=1)}")
    await page.get_by_role("button", name="Add", exact=True).click()
    await expect(page.get_by_text("The last day is not before the first.")).to_be_visible()
    await page.get_by_label("Last day").fill(f"{far + timedelta(days=1)}")
    await page.get_by_label("Note").fill("Conference")
    await page.get_by_role("button", name="Add", exact=True).click()
    entry = page.get_by_role("listitem").filter(has_text="Away · Conference")
    await expect(entry).to_be_visible()
    assert await violations(page) == []
    await entry.get_by_role("button", name="Take back").click()
    await expect(entry).to_have_count(0)


async def test_the_week_leads_to_the_visit(site: Site, new_page: NewPage) -> None:
    visit = await a_coming_visit(site)
    day = datetime.fromisoformat(visit["starts_at"]).astimezone(AMSTERDAM).date()
    page = await new_page(viewport={"width": 390, "height": 844})
    await sign_in(page, "provider", f"{STAFF}/week?week={day}")
    entry = page.locator(".week-visit").first
    await entry.wait_for()
    assert await violations(page) == []
    await entry.press("Enter")
    await expect(page).to_have_url(re.compile(r"/day\?.*visit="))

    wide = await new_page()
    await sign_in(wide, "provider", f"{STAFF}/week?week={day}")
    await wide.locator(".ec-event").first.wait_for()
    assert await violations(wide) == []


async def test_an_outside_calendar_that_cannot_be_read_says_why(new_page: NewPage) -> None:
    page = await new_page()
    await sign_in(page, "provider", f"{STAFF}/calendars")
    address = page.get_by_label("Secret address of the calendar")
    await address.fill("my calendar")
    await page.get_by_role("button", name="Read this calendar").click()
    await expect(page.get_by_text("Give an address that begins with")).to_be_visible()
    await address.fill("http://127.0.0.1:1/secret.ics")
    await page.get_by_label("Name").fill("Private")
    await page.get_by_role("button", name="Read this calendar").click()
    entry = page.get_by_role("listitem").filter(has_text="Private")
    await expect(entry).to_contain_text("This is no address of the open internet.")
    assert await violations(page) == []
    await entry.get_by_role("button", name="Remove Private").click()
    await expect(entry).to_have_count(0)


async def test_a_feed_works_until_it_is_revoked(new_page: NewPage) -> None:
    page = await new_page()
    await sign_in(page, "provider", f"{STAFF}/calendars")
    await page.get_by_role("button", name="Make an address").click()
    address = await page.locator(".secret input").input_value()
    async with httpx.AsyncClient(timeout=30) as http:
        assert (await http.get(address)).text.startswith("BEGIN:VCALENDAR")
        await page.get_by_role("button", name="Revoke").first.click()
        await expect(page.get_by_role("button", name="Revoke")).to_have_count(0)
        assert (await http.get(address)).status_code == 404


async def test_a_clinic_that_asks_for_a_second_factor_gets_it(
    site: Site, new_page: NewPage
) -> None:
    email, clinic = f"{uuid4().hex}@staff.example", uuid4()
    async with httpx.AsyncClient(base_url=site.stack.gateway_url) as gateway:
        made = await gateway.post(
            "/auth/v1/admin/users",
            json={"email": email, "password": DEMO_PASSWORD, "email_confirm": True},
            headers={"apikey": site.stack.keys.secret},
        )
    with psycopg.connect(site.stack.db_url()) as connection:
        connection.execute(
            "insert into public.clinics (id, slug, name, time_zone, staff_needs_second_factor)"
            " values (%s, %s, 'Guarded Clinic', 'Europe/Amsterdam', true)",
            [clinic, f"guarded-{clinic.hex}"],
        )
        connection.execute(
            "insert into public.members (clinic_id, user_id, role) values (%s, %s, 'owner')",
            [clinic, made.json()["id"]],
        )
    page = await new_page()
    await page.goto(f"/staff/{clinic}/day")
    await page.get_by_role("button", name="I have a password").click()
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill(DEMO_PASSWORD)
    await page.get_by_role("main").get_by_role("button", name="Sign in").click()
    await expect(page.get_by_text("Guarded Clinic asks everybody")).to_be_visible()
    image = page.locator(".second-factor img")
    assert await image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    secret = await page.locator(".second-factor code").inner_text()
    assert await violations(page) == []
    await page.get_by_label("Code of the app").fill("000000")
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await page.get_by_label("Code of the app").fill(pyotp.TOTP(secret).now())
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("button", name="Book a visit")).to_be_visible()
