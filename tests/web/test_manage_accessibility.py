"""What owners and managers look at: axe in both themes, narrow screens, four languages."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.web.browsers import Site
from tests.web.conftest import NewPage
from tests.web.staffed import Staffed, remember, staff_a_clinic
from tests.web.test_accessibility import violations

PAGES = {
    "manage/services": ".card-link",
    "manage/services/new": ".manage-form",
    "manage/providers": ".place-head",
    "manage/places": ".place",
    "manage/closures": ".card-form",
    "manage/people": ".member-actions",
    "manage/settings": ".reminders",
    "manage/import": ".card-form",
    "numbers": ".chart",
    "audit": ".rows",
}
# What opens more of a page.
OPENS = {
    "manage/providers": "Change Dr. Test",
    "manage/places": "Change Room 1",
    "manage/people": "Leave the clinic",
    "manage/services/new": "Add a need",
}


@pytest.fixture(scope="module")
async def clinic(site: Site) -> Staffed:
    return await staff_a_clinic(site.stack)


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 320)])
async def test_axe_finds_nothing_in_what_is_set_up(
    clinic: Staffed, new_page: NewPage, theme: str, width: int
) -> None:
    options = {"color_scheme": theme, "viewport": {"width": width, "height": 800}}
    page = await clinic.page(new_page, "owner", "manage", **options)
    found: list[str] = []
    for path, sign in PAGES.items():
        await page.goto(f"/staff/{clinic.id}/{path}")
        await page.locator(sign).first.wait_for()
        if path in OPENS:
            await page.get_by_role("button", name=OPENS[path]).first.click()
        found += await violations(page)
        # Nothing is wider than the screen.
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
    beginner = await new_page(**options)
    await remember(beginner, clinic.sessions["provider"])
    await beginner.goto("/staff/welcome")
    await beginner.locator("form").wait_for()
    assert found + await violations(beginner) == []


async def test_every_word_is_in_the_readers_language(clinic: Staffed, new_page: NewPage) -> None:
    page = await clinic.page(new_page, "owner", "manage/services", locale="de-AT")
    for path, sign in PAGES.items():
        await page.goto(f"/staff/{clinic.id}/{path}")
        await page.locator(sign).first.wait_for()
        await expect(page.locator("html")).to_have_attribute("lang", "de")
        text = re.sub(r"\S+@\S+", "", await page.locator("main").inner_text())
        keys = r"\{\{|\b(pages|form|people|services?|provider|closures|settings|import|audit"
        assert not re.search(rf"{keys}|numbers|chart|rule)\.[a-z_]+", text), path
        assert not re.search(r"\b(the|Settings|Access log|Numbers)\b", text), path
