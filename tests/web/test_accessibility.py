"""Booking for everybody: the keyboard alone, one's own language, no connection."""

from __future__ import annotations

from collections.abc import Sequence

from playwright.async_api import Locator, Page, expect

from stack.config import PROJECT_DIR
from tests.web.browsers import CLINIC, Site, new_address, open_times
from tests.web.conftest import NewPage

AXE = PROJECT_DIR / "web/node_modules/axe-core/axe.min.js"


async def violations(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """What axe finds; by these of its rules alone, if any are given."""
    if not await page.evaluate("'axe' in window"):
        # Evaluated, not added as a script: the page runs its own scripts only.
        await page.evaluate(AXE.read_text())
    options = {"resultTypes": ["violations"]} | ({"runOnly": list(rules)} if rules else {})
    found = await page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{page.url} {violation['id']}: {node['html']} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


async def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until the element has the focus, as somebody without a mouse does."""
    for _ in range(120):
        if await wanted.evaluate("element => element === document.activeElement"):
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard never reaches {wanted}")


async def test_a_visit_is_booked_with_the_keyboard_alone(site: Site, new_page: NewPage) -> None:
    page = await new_page()
    await page.goto(CLINIC)
    email = new_address()
    service = page.get_by_role("link", name="Consultation")
    await service.wait_for()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await tab_to(page, service)
    await page.keyboard.press("Enter")
    await page.locator(".time").first.wait_for()
    await tab_to(page, page.locator(".first-free"))
    await page.keyboard.press("Enter")
    name = page.get_by_label("Full name")
    await name.wait_for()
    await tab_to(page, name)
    await page.keyboard.type("Kay Board")
    await page.keyboard.press("Tab")
    await page.keyboard.type(email)
    await page.keyboard.press("Enter")
    code = page.get_by_label("Code")
    await expect(code).to_be_focused()
    await page.keyboard.type(await site.code_mailed_to(email))
    await page.locator(".countdown").wait_for()
    await tab_to(page, page.get_by_role("button", name="Book this visit"))
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="You are booked")).to_be_visible()

    cancel = page.get_by_role("button", name="Cancel visit")
    await tab_to(page, cancel)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alertdialog")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("alertdialog")).to_have_count(0)
    await expect(cancel).to_be_focused()


async def test_the_readers_language_is_found(new_page: NewPage) -> None:
    page = await new_page(locale="de-AT")
    await page.goto(CLINIC)
    await expect(page.get_by_role("heading", name="Wofür kommen Sie?")).to_be_visible()
    await expect(page.locator("html")).to_have_attribute("lang", "de")
    language = page.get_by_role("contentinfo").get_by_label("Sprache", exact=True)
    await expect(language).to_be_visible()


async def test_the_language_is_switched_on_the_page_and_stays(new_page: NewPage) -> None:
    page = await new_page()
    await page.goto(CLINIC)
    await page.get_by_label("Language").select_option("de")
    await expect(page.get_by_role("heading", name="Wofür kommen Sie?")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", name="Wofür kommen Sie?")).to_be_visible()


async def test_without_a_connection_no_page_is_blank(new_page: NewPage) -> None:
    page = await new_page()
    await open_times(page, "Check-up")
    await page.context.set_offline(True)
    await expect(page.get_by_text("You are offline.")).to_be_visible()
    await expect(page.locator(".time").first).to_be_visible()
    await page.locator(".first-free").click()
    await expect(page.get_by_text("There is no connection.")).to_be_visible()
    await expect(page.get_by_role("button", name="Try again")).to_be_visible()
    # It tries again by itself.
    await page.context.set_offline(False)
    await expect(page.get_by_label("Full name")).to_be_visible()
