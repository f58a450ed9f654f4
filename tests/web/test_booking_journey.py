"""A new patient: from the clinic's page to a confirmed visit, and what they do with it."""

from __future__ import annotations

import json

from playwright.async_api import expect

from tests.acceptance.clients import mails_to
from tests.acceptance.eventually import eventually
from tests.web.browsers import (
    CLINIC,
    Site,
    ask_for_another_code,
    free_days,
    new_address,
    open_times,
    sign_up,
)
from tests.web.conftest import NewPage
from tests.web.test_day_board import a_visit


async def test_a_new_patient_books_in_six_interactions(site: Site, new_page: NewPage) -> None:
    page = await new_page(viewport={"width": 390, "height": 844})
    await page.goto(CLINIC)
    email = new_address()
    await page.get_by_role("link", name="Check-up").click()  # 1: what for
    await page.locator(".time:not(.is-taken)").last.click()  # 2: when
    await page.get_by_label("Full name").fill("Nora Quist")  # 3: who, one form
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_role("button", name="Send me a code").click()  # 4
    await page.get_by_label("Code").fill(await site.code_mailed_to(email))  # 5, sent by itself
    await page.get_by_role("button", name="Book this visit").click()  # 6

    await expect(page.get_by_role("heading", name="You are booked")).to_be_visible()
    await expect(page.get_by_role("main")).to_contain_text("Nora Quist")

    async def confirmation() -> bool:
        return len(await mails_to(site.stack, email)) >= 2

    await eventually(confirmation)


async def test_a_visit_is_put_into_the_calendar_moved_and_cancelled(
    site: Site, new_page: NewPage
) -> None:
    page = await new_page()
    await open_times(page, "Vaccination")
    await page.locator(".time:not(.is-taken)").last.click()
    await sign_up(page, site, "Mo Vale")
    await page.get_by_role("button", name="Book this visit").click()
    await expect(page.get_by_role("heading", name="You are booked")).to_be_visible()
    before = await page.locator(".when").inner_text()

    async with page.expect_download() as downloading:
        await page.get_by_role("button", name="Add to calendar").click()
    file = (await (await downloading.value).path()).read_text()
    assert file.startswith("BEGIN:VCALENDAR\n") or file.startswith("BEGIN:VCALENDAR\r\n")
    assert f"UID:{page.url.split('/')[-1].split('?')[0]}@appoint" in file

    await page.get_by_role("link", name="Move").click()
    await free_days(page).nth(2).click()
    await page.locator(".time:not(.is-taken)").first.click()
    await page.get_by_role("button", name="Move it").click()
    await expect(page.get_by_text("The visit has been moved.")).to_be_visible()
    assert await page.locator(".when").inner_text() != before

    await page.get_by_role("button", name="Cancel visit").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Cancel visit").click()
    await expect(page.locator(".status")).to_have_text("Cancelled")
    await expect(page.get_by_role("button", name="Add to calendar")).to_have_count(0)


async def test_a_child_is_added_on_the_way_and_gets_the_visit(
    site: Site, new_page: NewPage
) -> None:
    page = await new_page()
    await open_times(page, "Vaccination")
    await page.locator(".time:not(.is-taken)").last.click()
    await sign_up(page, site, "Ada Parent")
    await page.get_by_label("A child in my care").check()
    await page.get_by_label("full name").fill("Kim Child")
    await page.get_by_label("date of birth").fill("2020-02-29")
    await page.get_by_role("button", name="Add this child").click()
    await expect(page.get_by_role("radio", name="Kim Child")).to_be_checked()
    await expect(page.locator(".countdown")).to_be_visible()
    await page.get_by_role("button", name="Book this visit").click()
    await expect(page.get_by_role("heading", name="You are booked")).to_be_visible()
    await expect(page.get_by_role("main")).to_contain_text("Kim Child")


async def test_a_reload_and_an_ended_session_lose_neither_words_nor_hold(
    site: Site, new_page: NewPage
) -> None:
    page = await new_page()
    await open_times(page, "Consultation")
    await page.locator(".time:not(.is-taken)").last.click()
    email = await sign_up(page, site, "Lou Again")
    await expect(page.locator(".countdown")).to_be_visible()
    await page.get_by_label("Anything we should know?").fill("a stubborn cough")

    await page.evaluate("localStorage.removeItem('appoint.session')")
    await page.reload()
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Full name").fill("Lou Again")
    first_code = await site.code_mailed_to(email)
    await ask_for_another_code(page)
    await page.get_by_label("Code").fill(await site.code_mailed_to(email, other_than=first_code))
    await expect(page.get_by_label("Anything we should know?")).to_have_value("a stubborn cough")
    await page.get_by_role("button", name="Book this visit").dblclick()
    await expect(page.get_by_role("heading", name="You are booked")).to_be_visible()
    await page.get_by_role("link", name="All my visits").click()
    await expect(page.locator(".date-mark")).to_have_count(1)


async def test_the_waiting_list_is_joined_and_left(site: Site, new_page: NewPage) -> None:
    page = await new_page()
    await open_times(page, "Ultrasound")
    await page.get_by_role("link", name="Join the waiting list").click()
    await sign_up(page, site, "Wim Waiting")
    await page.get_by_label("Morning").check()
    await page.get_by_label("Tue").check()
    await page.get_by_role("button", name="Join the list").click()
    await expect(page.get_by_text("You are on the list.")).to_be_visible()
    await page.get_by_role("link", name="All my visits").click()
    await expect(page.get_by_role("heading", name="Waiting list")).to_be_visible()
    await page.get_by_role("button", name="Leave the list").click()
    await expect(page.get_by_role("heading", name="Waiting list")).to_have_count(0)


async def test_what_is_typed_wrong_is_told_beside_the_field(site: Site, new_page: NewPage) -> None:
    page = await new_page()
    await open_times(page, "Consultation")
    await page.locator(".time:not(.is-taken)").last.click()
    await page.get_by_label("E-mail").fill("nobody@nowhere")
    await page.get_by_role("button", name="Send me a code").click()
    name, email = page.get_by_label("Full name"), page.get_by_label("E-mail")
    await expect(name).to_have_accessible_description("Please fill this in.")
    await expect(name).to_be_focused()
    await expect(email).to_have_accessible_description("That is not an e-mail address.")
    await expect(email).to_have_value("nobody@nowhere")

    address = new_address()
    await name.fill("Nils Wrong")
    await email.fill(address)
    await page.get_by_role("button", name="Send me a code").click()
    code = await site.code_mailed_to(address)
    await page.get_by_label("Code").fill(str((int(code) + 1) % 1_000_000).zfill(6))
    await expect(page.get_by_role("alert")).to_contain_text("wrong or too old")
    await page.get_by_label("Code").fill(code)
    await expect(page.locator(".countdown")).to_be_visible()


async def test_other_peoples_visits_look_as_if_they_did_not_exist(
    site: Site, new_page: NewPage, patients_storage: dict[str, object]
) -> None:
    visit = (await a_visit(site))["id"]
    for storage in (None, json.dumps(patients_storage)):
        page = await new_page(storage_state=json.loads(storage) if storage else None)
        await page.goto("/c/no-such-clinic")
        await expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    for name in (visit, f"{visit}/move", "00000000-0000-4000-8000-0000000000ff", "not-an-id"):
        await page.goto(f"/visits/{name}")
        await expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
