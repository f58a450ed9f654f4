"""Owners and managers set their clinic up in the browser; others find nothing of it there."""

from __future__ import annotations

import asyncio
import csv
import re
import uuid
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from playwright.async_api import Locator, Page, expect

from tests.acceptance.clients import mails_to
from tests.acceptance.eventually import eventually
from tests.people import at, insert, make_patient
from tests.web.browsers import Site
from tests.web.conftest import NewPage
from tests.web.staffed import Staffed, new_session, remember, staff_a_clinic
from tests.web.test_accessibility import tab_to, violations

NOT_FOUND = "There is nothing here"


@pytest.fixture(scope="module")
async def clinic(site: Site) -> Staffed:
    return await staff_a_clinic(site.stack)


async def test_a_service_is_added_with_who_gives_it_and_what_it_needs(
    clinic: Staffed, new_page: NewPage
) -> None:
    page = await clinic.page(new_page, "manager", "manage/services")
    await page.get_by_role("link", name="New service").click()
    await page.get_by_label("Name", exact=True).fill("Hearing test")
    await page.get_by_label("Duration in minutes").fill("0")
    await page.get_by_label("Dr. Test").check()
    await page.get_by_label("Minutes with Dr. Test").fill("45")
    await page.get_by_role("button", name="Add a need").click()
    await page.get_by_label("How many").fill("1")
    await page.get_by_role("button", name="Save").click()
    # The database's answer stands beside the field, and what was typed is still there.
    await expect(page.get_by_text("This value is not possible.")).to_be_visible()
    await expect(page.get_by_label("Duration in minutes")).to_have_attribute("aria-invalid", "true")
    await page.reload()
    await expect(page.get_by_label("Name", exact=True)).to_have_value("Hearing test")
    await page.get_by_label("Duration in minutes").fill("40")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("heading", name="Hearing test")).to_be_visible()

    await page.reload()
    await expect(page.get_by_label("Minutes with Dr. Test")).to_have_value("45")
    await expect(page.get_by_label("What", exact=True)).to_have_value("room:")
    # What is there already stands beside the name.
    await page.get_by_label("Name", exact=True).fill("Short talk")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("That is taken already.")).to_be_visible()

    await page.goto(f"/c/{clinic.slug}")
    await expect(page.get_by_role("link", name="Hearing test")).to_be_visible()


async def test_a_service_that_was_booked_cannot_be_removed(
    site: Site, clinic: Staffed, new_page: NewPage
) -> None:
    await a_visit(site, clinic, days=30)
    page = await clinic.page(new_page, "owner", f"manage/services/{clinic.service}")
    await page.get_by_role("button", name="Remove service").click()
    dialog = page.get_by_role("alertdialog")
    await dialog.get_by_role("button", name="Remove service").click()
    await expect(dialog.get_by_text("Something still refers to it")).to_be_visible()


async def test_staff_is_invited_comes_by_the_mail_is_suspended_and_goes(
    site: Site, clinic: Staffed, new_page: NewPage
) -> None:
    owner = await clinic.page(new_page, "owner", "manage/people")
    email = f"invited-{uuid.uuid4().hex[:12]}@people.example"
    address = owner.get_by_label("E-mail address")
    await address.fill("nobody")
    await owner.get_by_role("button", name="Send invitation").click()
    await expect(owner.get_by_text("Please give an address like")).to_be_visible()
    await tab_to(owner, address)
    await owner.keyboard.press("Control+A")
    await owner.keyboard.type(email)
    await owner.keyboard.press("Enter")
    await expect(owner.get_by_text("The invitation is on its way.")).to_be_visible()
    await expect(owner.get_by_text(email)).to_be_visible()

    invited = await new_page()
    await invited.goto(await link_mailed_to(site, email))
    await invited.get_by_role("button", name="Accept the invitation of Quay Practice").click()
    await expect(invited.get_by_role("navigation", name="Your work")).to_be_visible()

    await owner.reload()
    card = owner.get_by_role("listitem").filter(has_text=email)
    await expect(card.locator(".tag").first).to_have_text("Front desk")
    await card.get_by_label(f"Role of {email}").select_option("manager")
    await expect(card.locator(".tag").first).to_have_text("Manager")
    await card.get_by_role("button", name=f"Suspend {email}").click()
    await expect(card.get_by_text("Suspended")).to_be_visible()
    await invited.goto(f"/staff/{clinic.id}/manage/people")
    await expect(invited.get_by_role("heading", level=1)).to_have_text(NOT_FOUND)

    await card.get_by_role("button", name=f"Remove {email}").click()
    dialog = owner.get_by_role("alertdialog")
    await dialog.get_by_role("button", name="Remove", exact=True).click()
    await expect(card).to_have_count(0)


async def test_the_last_owner_is_told_why_they_cannot_leave(
    clinic: Staffed, new_page: NewPage
) -> None:
    page = await clinic.page(new_page, "owner", "manage/people")
    await page.get_by_role("button", name="Leave the clinic").click()
    dialog = page.get_by_role("alertdialog")
    await dialog.get_by_role("button", name="Leave the clinic").click()
    await expect(dialog.get_by_role("alert")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Leave the clinic")).to_be_focused()


async def test_who_is_booked_is_shown_before_a_day_is_closed(
    site: Site, clinic: Staffed, new_page: NewPage
) -> None:
    starts_at = await a_visit(site, clinic, days=45)
    page = await clinic.page(new_page, "manager", "manage/closures")
    day = starts_at.date().isoformat()
    await page.get_by_label("First day").fill(day)
    await expect(page.get_by_label("Last day")).to_have_value(day)
    await page.get_by_label("Reason").fill("Painting")
    await page.get_by_role("button", name="Save").click()
    dialog = page.get_by_role("alertdialog")
    await expect(dialog.get_by_text("Pat Test")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("listitem").filter(has_text="Painting")).to_have_count(0)
    await page.get_by_role("button", name="Save").click()
    await dialog.get_by_role("button").first.click()
    closure = page.get_by_role("listitem").filter(has_text="Painting")
    await expect(closure).to_be_visible()
    await closure.get_by_role("button", name=re.compile("Remove Painting")).click()
    await expect(closure).to_have_count(0)


async def test_settings_are_kept_and_refused_beside_their_field(
    clinic: Staffed, new_page: NewPage
) -> None:
    page = await clinic.page(new_page, "owner", "manage/settings")
    await page.get_by_label("Address on the web").fill("harbour-clinic")
    await page.get_by_role("button", name="Save").first.click()
    await expect(page.get_by_text("That is taken already.")).to_be_visible()
    await page.get_by_label("Minutes a time is kept").fill("999")
    limits = page.locator("form").filter(has_text="What patients book by themselves")
    await limits.get_by_role("button", name="Save").click()
    await expect(limits.get_by_text("This value is not possible.")).to_be_visible()
    await page.get_by_label("Minutes a time is kept").fill("7")
    await limits.get_by_role("button", name="Save").click()
    await expect(limits.get_by_text("Saved.")).to_be_visible()
    messages = page.locator("form").filter(has_text="Reminders and messages")
    await messages.get_by_role("button", name="Add a reminder").click()
    await messages.get_by_label("24 hours (14:30)").check()
    await messages.get_by_role("button", name="Save").click()
    await expect(messages.get_by_text("Saved.")).to_be_visible()
    # Nobody locks themselves out.
    await page.get_by_label("Staff signs in with a second factor").click()
    await expect(page.get_by_text("Sign in with your own second factor first")).to_be_visible()
    await page.reload()
    await expect(page.get_by_label("Minutes a time is kept")).to_have_value("7")
    await expect(page.get_by_label("Reminder", exact=True)).to_have_value("1440")
    await expect(page.get_by_label("24 hours (14:30)")).to_be_checked()
    await expect(page.get_by_label("Staff signs in with a second factor")).not_to_be_checked()


async def test_a_room_is_added_and_switched_off(clinic: Staffed, new_page: NewPage) -> None:
    page = await clinic.page(new_page, "manager", "manage/places")
    await page.get_by_role("button", name="Add room or equipment").click()
    await page.get_by_label("Name", exact=True).fill("Room 2")
    await page.get_by_role("button", name="Save").click()
    await page.get_by_role("button", name="Change Room 2").click()
    await page.get_by_label("In use").click()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("not in use")).to_be_visible()


async def test_a_place_says_where_to_call(clinic: Staffed, new_page: NewPage) -> None:
    page = await clinic.page(new_page, "manager", "manage/places")
    visitor = await new_page()
    await visitor.goto(f"/c/{clinic.slug}")
    await expect(visitor.get_by_role("heading", name="Where we are")).to_be_visible()
    number = visitor.get_by_role("link", name="+31 20 555 0100")
    await expect(number).to_have_count(0)
    await page.get_by_role("button", name="Change Main Street").click()
    phone = page.get_by_label("Phone", exact=True)
    await phone.fill("ask Pat")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("This value is not possible.")).to_be_visible()
    await expect(phone).to_have_attribute("aria-invalid", "true")
    await phone.fill(" +31 20 555 0100 ")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("+31 20 555 0100")).to_be_visible()
    await visitor.reload()
    await expect(number).to_have_attribute("href", "tel:+31205550100")
    assert await violations(visitor) == []


async def test_an_import_is_tried_out_and_hands_out_what_it_would_not_take(
    clinic: Staffed, new_page: NewPage, tmp_path: Path
) -> None:
    page = await clinic.page(new_page, "manager", "manage/import")
    await page.get_by_role("button", name="Try it out").click()
    await expect(page.get_by_text("Please choose a file.")).to_be_visible()
    upload = tmp_path / "patients.csv"
    upload.write_text("colour\nblue\n")
    await page.get_by_label("File", exact=True).set_input_files(upload)
    await page.get_by_role("button", name="Try it out").click()
    await expect(page.get_by_text("cannot be read as a list of patients")).to_be_visible()
    # Corrected on the disk, and not chosen again.
    upload.write_text("full_name,date_of_birth\nAda Import,1990-12-31\n,1980-01-01\n")
    await page.get_by_role("button", name="Try it out").click()
    await expect(page.get_by_text("The file has changed since.")).to_be_visible()
    async with page.expect_file_chooser() as choosing:
        await page.get_by_text("Choose a file", exact=True).click()
    await (await choosing.value).set_files(upload)
    await page.get_by_role("button", name="Try it out").click()
    job = page.locator(".job").first
    await expect(job.get_by_text("Finished")).to_be_visible()
    await expect(job.get_by_text("Tried out")).to_be_visible()
    assert await job.locator("dd").all_inner_texts() == ["1", "0", "1"]
    rejects = await downloaded(page, job.get_by_role("button", name="What was not taken"))
    assert [row["line"] for row in rejects] == ["3"]


async def test_numbers_are_shown_compared_and_handed_out(
    site: Site, clinic: Staffed, new_page: NewPage
) -> None:
    with psycopg.connect(site.stack.db_url()) as db:
        for hour, status in ((9, "fulfilled"), (11, "noshow"), (13, "cancelled")):
            insert(
                db,
                "public.appointments",
                service_id=clinic.service,
                provider_id=clinic.provider,
                patient_id=make_patient(db, clinic.id),
                starts_at=at(hour, days=-10),
                created_at=at(hour, days=-15),
                status=status,
            )
    page = await clinic.page(new_page, "owner", "numbers")
    no_shows = page.get_by_role("table", name="No-shows", exact=True)
    row = no_shows.get_by_role("row").filter(has_text="Dr. Test")
    await expect(row.get_by_role("cell")).to_have_text("50.0% (1 of 2)")
    await page.get_by_label("Compare", exact=True).select_option("weekday")
    await expect(no_shows.get_by_role("row")).to_have_count(8)
    await page.get_by_label("Days").select_option("own")
    await page.get_by_label("Until").fill("2020-01-01")
    await expect(page.get_by_text("The last day is not before the first.")).to_be_visible()
    await page.go_back()
    await page.goto(f"/staff/{clinic.id}/numbers?span=4_weeks&by=service")
    await expect(page.get_by_role("table", name="Visits", exact=True)).to_contain_text("Short talk")
    rows = await downloaded(page, page.get_by_role("button", name="Download as CSV"))
    total = next(row for row in rows if row["dimension"] == "total")
    assert (total["visits"], total["missed"], total["cancelled"]) == ("2", "1", "1")


@pytest.mark.parametrize("role", ["front_desk", "provider"])
async def test_others_find_no_set_up_but_may_read_the_access_log(
    clinic: Staffed, new_page: NewPage, role: str
) -> None:
    page = await clinic.page(new_page, role, "day")
    menu = page.get_by_role("navigation", name="Your work")
    await expect(menu.get_by_role("link", name="Access log")).to_be_visible()
    for name in ("Numbers", "Set-up"):
        await expect(menu.get_by_role("link", name=name)).to_have_count(0)
    for path in ("numbers", "manage", "manage/people", f"manage/services/{clinic.service}"):
        await page.goto(f"/staff/{clinic.id}/{path}")
        await expect(page.get_by_role("heading", level=1)).to_have_text(NOT_FOUND)
    await page.goto(f"/staff/{clinic.id}/audit")
    await expect(page.get_by_role("table").get_by_role("row").nth(1)).to_be_visible()
    # Colleagues' addresses are for those who manage them.
    assert clinic.email("owner") not in await page.locator("main").inner_text()


async def test_the_access_log_is_narrowed_and_the_choice_stays_in_the_address(
    clinic: Staffed, new_page: NewPage
) -> None:
    page = await clinic.page(new_page, "manager", "audit")
    rows = page.locator("tbody tr")
    await expect(rows.first).to_be_visible()
    await page.get_by_label("What happened").select_option("exported")
    await expect(page.get_by_text("Nothing is on record for this.")).to_be_visible()
    await page.reload()
    await expect(page.get_by_label("What happened")).to_have_value("exported")
    await page.get_by_role("button", name="Show everything").click()
    await expect(rows.first).to_be_visible()


async def test_people_of_other_clinics_find_nothing(
    site: Site, clinic: Staffed, new_page: NewPage
) -> None:
    page = await new_page()
    await remember(page, await new_session(site.stack))
    for path in ("manage/services", "numbers", "audit"):
        await page.goto(f"/staff/{clinic.id}/{path}")
        await expect(page.get_by_role("heading", level=1)).to_have_text(NOT_FOUND)


async def test_a_clinic_is_opened_by_somebody_new(site: Site, new_page: NewPage) -> None:
    page = await new_page()
    await remember(page, await new_session(site.stack))
    await page.goto("/staff")
    await page.get_by_role("button", name="Open a clinic").click()
    await expect(page.get_by_text("Please fill this in.").first).to_be_visible()
    name = f"Praxis Über {uuid.uuid4().hex[:6]}"
    await page.get_by_label("Name of the clinic").fill(name)
    slug = name.replace("Ü", "u").replace(" ", "-").lower()
    await expect(page.get_by_label("Address on the web")).to_have_value(slug)
    await page.get_by_label("Name of the first place").fill("Pier 4")
    language = page.get_by_label("Language of mails")
    await expect(language).to_have_value("en")
    await language.select_option("Français")
    await page.get_by_role("button", name="Open a clinic").click()
    await expect(page.get_by_text("There is no service yet.")).to_be_visible()
    await page.get_by_role("link", name="Settings").click()
    await expect(language).to_have_value("fr")
    await language.select_option("Deutsch")
    form = page.locator("form").filter(has=language)
    await form.get_by_role("button", name="Save").click()
    await expect(form.get_by_text("Saved.")).to_be_visible()
    await page.reload()
    await expect(language).to_have_value("de")
    await page.get_by_label("Patients book online").click()
    await expect(page.get_by_text("there would be nothing to book")).to_be_visible()


async def a_visit(site: Site, clinic: Staffed, days: int) -> datetime:
    """Somebody's visit at noon of that day."""
    starts_at = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    starts_at += timedelta(days=days)
    with psycopg.connect(site.stack.db_url()) as db:
        insert(
            db,
            "public.appointments",
            service_id=clinic.service,
            provider_id=clinic.provider,
            patient_id=make_patient(db, clinic.id),
            starts_at=starts_at,
        )
    return starts_at


async def link_mailed_to(site: Site, email: str) -> str:
    """The link of the invitation's mail."""

    async def newest() -> str:
        for mail in await mails_to(site.stack, email):
            if found := re.search(r"https?://\S+/auth/v1/verify\S+", str(mail["text"])):
                return found[0]
        return ""

    return await eventually(newest)


async def downloaded(page: Page, button: Locator) -> list[dict[str, str]]:
    """The rows of the CSV file that the button hands out."""
    async with page.expect_download() as waiting:
        await button.click()
    path = await (await waiting.value).path()
    text = await asyncio.to_thread(path.read_text, encoding="utf-8-sig")
    return list(csv.DictReader(StringIO(text)))
