"""A session that ends on a page where people work, and pages that are left with something typed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Dialog, Page, expect

from tests.acceptance.eventually import eventually
from tests.web.browsers import Site, session_over
from tests.web.conftest import NewPage
from tests.web.staffed import PASSWORD, Staffed, staff_a_clinic
from tests.web.test_accessibility import violations


@pytest.fixture(scope="module")
async def clinic(site: Site) -> Staffed:
    return await staff_a_clinic(site.stack)


async def sign_in_again(page: Page, email: str) -> None:
    dialog = page.get_by_role("alertdialog", name="Sign in")
    await expect(dialog).to_contain_text("What you typed is still here.")
    assert await violations(page) == []
    await page.keyboard.press("Escape")
    await dialog.get_by_role("button", name="I have a password").click()
    await expect(dialog.get_by_label("E-mail")).to_have_value(email)
    await dialog.get_by_label("Password").fill(PASSWORD)
    await dialog.get_by_role("button", name="Sign in").click()
    await expect(dialog).to_have_count(0)


async def test_hours_that_were_typed_are_saved_after_signing_in_again(
    clinic: Staffed, new_page: NewPage
) -> None:
    page = await clinic.page(new_page, "provider", "hours")
    closes = page.get_by_label("Monday: closes").first
    await closes.fill("18:15")
    save = page.get_by_role("button", name="Save hours")
    async with session_over(page, "**/rpc/set_weekly_hours"):
        await save.click()
        await expect(page.get_by_role("alertdialog", name="Sign in")).to_be_visible()
    await sign_in_again(page, clinic.email("provider"))
    await expect(closes).to_have_value("18:15")
    await save.click()
    await expect(page.get_by_text("Saved.")).to_be_visible()


async def test_a_booking_at_the_desk_goes_on_after_signing_in_again(
    clinic: Staffed, new_page: NewPage
) -> None:
    day = datetime.now(UTC).date() + timedelta(days=9)
    page = await clinic.page(new_page, "front_desk", f"day?day={day}")
    await page.get_by_role("button", name="Book a visit").click()
    sheet = page.get_by_role("dialog", name="Book a visit")
    await sheet.get_by_role("combobox", name="Patient").fill("Ines Interrupted")
    await sheet.get_by_text("Add “Ines Interrupted”").click()
    await sheet.get_by_role("button", name="Add patient").click()
    await sheet.locator(".time-choice label").nth(30).click()
    book = sheet.get_by_role("button", name="Book", exact=True)
    async with session_over(page, "**/rpc/book_appointment"):
        await book.click()
        await expect(page.get_by_role("alertdialog", name="Sign in")).to_be_visible()
    await sign_in_again(page, clinic.email("front_desk"))
    await expect(sheet.locator(".chosen-patient")).to_contain_text("Ines Interrupted")
    await book.click()
    await expect(page.get_by_text("Booked: Ines Interrupted")).to_be_visible()


async def test_whoever_signs_in_instead_finds_nothing_of_the_one_before(
    clinic: Staffed, new_page: NewPage
) -> None:
    page = await clinic.page(new_page, "manager", "manage/settings")
    minutes = page.get_by_label("Minutes a time is kept")
    kept = await minutes.input_value()
    await minutes.fill("7")
    async with session_over(page, "**/rest/v1/clinics?*"):
        await minutes.press("Enter")
        dialog = page.get_by_role("alertdialog", name="Sign in")
        await expect(dialog).to_be_visible()
    await dialog.get_by_role("button", name="I have a password").click()
    await dialog.get_by_label("E-mail").fill(clinic.email("owner"))
    await dialog.get_by_label("Password").fill(PASSWORD)
    await dialog.get_by_role("button", name="Sign in").click()
    await expect(minutes).to_have_value(kept)


async def type_hours(page: Page) -> None:
    await page.get_by_label("Tuesday: closes").first.fill("17:45")


async def type_limits(page: Page) -> None:
    await page.get_by_label("Minutes a time is kept").fill("9")


async def type_closure(page: Page) -> None:
    await page.get_by_label("Reason").fill("Moving house")


@pytest.mark.parametrize(
    ("path", "type_something"),
    [("hours", type_hours), ("manage/settings", type_limits), ("manage/closures", type_closure)],
)
async def test_a_page_with_something_unsaved_asks_before_it_is_left(
    clinic: Staffed,
    new_page: NewPage,
    path: str,
    type_something: Callable[[Page], Awaitable[None]],
) -> None:
    page = await clinic.page(new_page, "owner", path)
    await type_something(page)
    typed = await page.evaluate("document.activeElement.value")
    asked: list[str] = []

    async def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        await dialog.dismiss()

    page.on("dialog", stay)
    await page.evaluate("setTimeout(() => location.reload())")

    async def once() -> list[str]:
        return asked

    assert await eventually(once) == ["beforeunload"]
    elsewhere = page.get_by_role("link", name="Waiting list")
    question = page.get_by_role("alertdialog", name="Leave without saving?")
    await elsewhere.click()
    assert await violations(page) == []
    await question.get_by_role("button", name="Stay").click()
    assert typed in await page.locator("input").evaluate_all("all => all.map(one => one.value)")
    await elsewhere.click()
    await question.get_by_role("button", name="Leave").click()
    await expect(page.get_by_role("button", name="Put somebody on the list")).to_be_visible()
