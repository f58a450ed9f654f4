"""What patients do besides booking: confirm, subscribe, be reminded, act for others, take data."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
from playwright.async_api import Page, expect

from stack.seed import DEMO_CLINIC_ID
from tests.acceptance.eventually import eventually
from tests.people import at, every, insert, make_patient, make_service, one
from tests.web.browsers import CLINIC, Site, free_days, new_address, open_times, sign_up
from tests.web.conftest import NewPage
from tests.web.staffed import new_session, remember, staff_a_clinic
from tests.web.test_accessibility import violations


async def book(page: Page, site: Site, service: str, name: str) -> str:
    """As a new person, the service's last time of the first free day; the person's address."""
    await open_times(page, service)
    await page.locator(".time:not(.is-taken)").last.click()
    email = await sign_up(page, site, name)
    await page.get_by_role("button", name="Book this visit").click()
    await expect(page.get_by_role("heading", name="You are booked")).to_be_visible()
    return email


async def test_who_will_come_says_so_until_the_visit_moves(site: Site, new_page: NewPage) -> None:
    page = await new_page()
    await book(page, site, "Vaccination", "Cora Coming")
    await page.goto("/visits")
    await page.locator(".card-link").first.click()
    await page.get_by_role("button", name="I will come").click()
    await expect(page.get_by_text("You said that you will come.")).to_be_visible()
    await page.reload()
    await expect(page.get_by_text("You said that you will come.")).to_be_visible()

    await page.get_by_role("link", name="Move").click()
    await free_days(page).nth(1).click()
    await page.locator(".time:not(.is-taken)").first.click()
    await page.get_by_role("button", name="Move it").click()
    await expect(page.get_by_text("The visit has been moved.")).to_be_visible()
    await expect(page.get_by_role("button", name="I will come")).to_be_visible()


async def test_a_time_that_became_free_is_declined_or_taken(site: Site, new_page: NewPage) -> None:
    clinic = await staff_a_clinic(site.stack)
    session = await new_session(site.stack)
    with psycopg.connect(site.stack.db_url()) as connection:
        patient = make_patient(connection, clinic.id, UUID(session["user"]["id"]))
        long_talk = make_service(connection, clinic.id, name="Long talk")
        insert(
            connection,
            "public.provider_services",
            clinic_id=clinic.id,
            provider_id=clinic.provider,
            service_id=long_talk,
        )
        entries = [
            one(
                connection,
                "insert into public.waitlist_entries (service_id, patient_id) values (%s, %s)"
                " returning id",
                service,
                patient,
            )["id"]
            for service in (clinic.service, long_talk)
        ]
    async with httpx.AsyncClient(
        base_url=site.stack.gateway_url,
        headers={
            "apikey": site.stack.keys.publishable,
            "Authorization": f"Bearer {clinic.sessions['front_desk']['access_token']}",
        },
        timeout=60,
    ) as desk:
        made = []
        for hour, entry in enumerate(entries, start=9):
            offered = await desk.post(
                "/rest/v1/rpc/offer_time",
                json={
                    "entry_id": str(entry),
                    "provider_id": str(clinic.provider),
                    "starts_at": at(hour, days=5).isoformat(),
                },
            )
            assert offered.status_code == 200, offered.text
            made.append(offered.json()["id"])

    page = await new_page()
    await remember(page, session)
    await page.goto("/visits")
    offers = page.locator(".card-offer")
    await expect(offers).to_have_count(2)
    await expect(offers.first.get_by_role("timer")).to_be_visible()
    assert await violations(page) == []
    declined = offers.filter(has_text="Short talk")
    await declined.get_by_role("button", name="No, thank you").click()
    await expect(declined).to_have_count(0)
    await offers.filter(has_text="Long talk").get_by_role("button", name="Take it").click()
    await expect(page.get_by_role("heading", name="You are booked")).to_be_visible()
    await expect(page.get_by_role("main")).to_contain_text("Long talk")
    with psycopg.connect(site.stack.db_url()) as connection:
        assert every(
            connection,
            "select offers.status::text, appointments.status::text as visit"
            " from public.waitlist_offers as offers"
            " left join public.appointments on appointments.id = offers.appointment_id"
            " where offers.id = any (%s::uuid[]) order by 1",
            made,
        ) == [
            {"status": "accepted", "visit": "booked"},
            {"status": "declined", "visit": "cancelled"},
        ]


async def test_a_subscription_shows_its_address_once_and_ends_when_switched_off(
    new_page: NewPage, patients_storage: Any
) -> None:
    page = await new_page(storage_state=patients_storage)
    await page.goto("/account/calendar")
    await page.get_by_role("radio", name="Also what and with whom").check()
    await page.get_by_role("button", name="Make an address").click()
    address = await page.get_by_label("Secret address").input_value()
    link = page.get_by_role("link", name="Open in my calendar")
    assert await link.get_attribute("href") == address.replace("http:", "webcal:")
    async with httpx.AsyncClient(timeout=20) as http:
        answer = await http.get(address)
        assert "SUMMARY:Consultation" in answer.text
        await page.reload()
        await expect(page.get_by_label("Secret address")).to_have_count(0)
        await page.get_by_role("button", name="Switch off").click()
        await expect(page.get_by_role("heading", name="Addresses that work")).to_have_count(0)
        assert (await http.get(address)).status_code == 404


async def test_preferences_are_kept_and_half_quiet_hours_are_told_beside_the_field(
    new_page: NewPage, patients_storage: Any
) -> None:
    page = await new_page(storage_state=patients_storage)
    await page.goto("/account/messages")
    reminders = page.get_by_role("switch", name="Remind me before a visit")
    await reminders.uncheck()
    await page.get_by_label("From").fill("21:30")
    await page.get_by_role("button", name="Save").click()
    until = page.get_by_label("Until")
    await expect(until).to_have_accessible_description("Please give both times.")
    await until.fill("07:15")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    await page.reload()
    await expect(reminders).not_to_be_checked()
    await expect(page.get_by_label("From")).to_have_value("21:30")
    await expect(until).to_have_value("07:15")


async def test_who_works_at_a_clinic_says_what_to_be_told_of_it(
    site: Site, new_page: NewPage
) -> None:
    clinic = await staff_a_clinic(site.stack)
    page = await new_page()
    await remember(page, clinic.sessions["front_desk"])
    await page.goto("/account/messages")
    requests = page.get_by_label("New bookings and requests by patients")
    await expect(requests).to_have_value("by_role")
    assert await violations(page) == []
    await requests.select_option("Do not write to me")
    form = page.get_by_role("region", name="What we write to you")
    await form.get_by_label("Language").select_option("Deutsch")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    await page.reload()
    await expect(requests).to_have_value("false")
    with psycopg.connect(site.stack.db_url()) as connection:
        assert one(
            connection,
            "select language, new_bookings, late_cancellations"
            " from public.notification_preferences where clinic_id = %s and user_id is not null",
            clinic.id,
        ) == {"language": "de", "new_bookings": False, "late_cancellations": None}


async def test_people_take_their_data_along_and_see_who_opened_their_record(
    site: Site, new_page: NewPage, patients_storage: Any
) -> None:
    page = await new_page(storage_state=patients_storage)
    await page.goto("/account/privacy")
    async with page.expect_download() as downloading:
        await page.get_by_role("button", name="For programs (JSON)").click()
    data = json.loads((await (await downloading.value).path()).read_text())
    [record] = data["patients"]
    assert record["full_name"] == "Pat Example"
    async with page.expect_download() as downloading:
        await page.get_by_role("button", name="Download to read").click()
    assert "Pat Example" in (await (await downloading.value).path()).read_text()

    async with await psycopg.AsyncConnection.connect(site.stack.db_url()) as connection:
        await connection.execute(
            "select private.log_access('opened', %s, %s, 'appointment_reasons', 'x')",
            [record["clinic_id"], record["id"]],
        )
    await page.reload()
    lines = page.locator(".log li")
    await expect(lines.first).to_contain_text("opened: the reason of a visit")
    await expect(lines.filter(has_text="took a copy of").first).to_contain_text("You")


async def test_a_guardian_is_invited_accepts_acts_and_is_told_when_it_ends(
    site: Site, new_page: NewPage
) -> None:
    parent, helper = await new_page(), await new_page()
    await book(parent, site, "Consultation", "Gus Given")
    address = new_address()
    await parent.goto("/account/family")
    await parent.get_by_role("button", name="Let somebody act for this person").click()
    await parent.get_by_label("E-mail of the person you trust").fill("nobody")
    await parent.get_by_role("button", name="Invite", exact=True).click()
    await expect(parent.get_by_text("That is not an e-mail address.")).to_be_visible()
    await parent.get_by_label("E-mail of the person you trust").fill(address)
    await parent.get_by_role("button", name="Invite", exact=True).click()
    await expect(parent.get_by_text(f"{address} was invited")).to_be_visible()

    await helper.goto("/account/family")
    await helper.get_by_label("E-mail").fill(address)
    await helper.get_by_role("button", name="Send me a code").click()
    await helper.get_by_label("Code").fill(await site.code_mailed_to(address))
    await helper.get_by_role("button", name="Accept").click()
    await expect(helper.get_by_text("You act for this person")).to_be_visible()
    await helper.get_by_role("link", name="My visits").click()
    await expect(helper.locator(".card-link").first).to_contain_text("Gus Given")

    await parent.reload()
    await expect(parent.get_by_text(f"{address} acts for this person")).to_be_visible()
    await parent.get_by_role("button", name="End this").click()
    await parent.get_by_role("alertdialog").get_by_role("button", name="End this").click()
    await expect(parent.get_by_text(f"{address} acts")).to_have_count(0)
    await helper.reload()
    await expect(helper.get_by_text("You have no visit coming up.")).to_be_visible()


async def test_a_family_books_at_once_all_or_none(site: Site, new_page: NewPage) -> None:
    page = await new_page(viewport={"width": 390, "height": 844})
    await page.goto(CLINIC)
    await page.get_by_role("link", name="Come as a family").click()
    email = new_address()
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_role("button", name="Send me a code").click()
    await page.get_by_label("Code").fill(await site.code_mailed_to(email))
    await page.get_by_label("Full name").fill("Fay Family")
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("button", name="Add a child").click()
    await page.get_by_label("full name").fill("Kit Family")
    await page.get_by_label("date of birth").fill("2019-03-01")
    await page.get_by_role("button", name="Add this child").click()
    await page.get_by_label("What Fay Family comes for").select_option(label="Check-up")
    await expect(page.get_by_text("at least two people")).to_be_visible()
    await page.get_by_label("What Kit Family comes for").select_option(label="Vaccination")
    await page.get_by_role("radio", name="At the same time").check()
    await page.locator(".plan").first.click()
    dialog = page.get_by_role("alertdialog")
    await expect(dialog).to_contain_text("Kit Family · Vaccination")
    await dialog.get_by_role("button", name="Book them all").dblclick()
    await expect(page.get_by_text("All visits are booked.")).to_be_visible()
    await expect(page.locator(".date-mark")).to_have_count(2)


async def test_the_last_seat_of_a_group_goes_to_one_and_the_other_is_told(
    site: Site, new_page: NewPage
) -> None:
    service = await plan_group(site, seats=1)
    pages = [await new_page(), await new_page()]
    for page, name in zip(pages, ("Greta Group", "Gil Group"), strict=True):
        await page.goto(CLINIC)
        await page.get_by_role("link", name=service).click()
        await expect(page.get_by_text("1 seat left")).to_be_visible()
        await page.locator(".card-link").first.click()
        await sign_up(page, site, name)
        await expect(page.get_by_role("button", name="Take a seat")).to_be_visible()
    winner, loser = pages
    await winner.get_by_role("button", name="Take a seat").click()
    await expect(winner.get_by_role("heading", name="You are booked")).to_be_visible()
    await expect(winner.get_by_role("link", name="Move", exact=True)).to_have_count(0)
    await loser.get_by_role("button", name="Take a seat").click()
    await expect(loser.get_by_text("That one is full or over.")).to_be_visible()


async def plan_group(site: Site, seats: int) -> str:
    """A group of the demo clinic with one session next week that has so many seats; its name."""
    provider = "12000000-0000-4000-8000-000000000003"
    name = f"Evening circle {uuid4().hex[:6]}"
    async with await psycopg.AsyncConnection.connect(site.stack.db_url()) as connection:
        found = await connection.execute(
            "insert into public.services (clinic_id, name, duration_minutes, capacity)"
            " values (%s, %s, 60, 8) returning id",
            [DEMO_CLINIC_ID, name],
        )
        [service] = await found.fetchone() or [None]
        await connection.execute(
            "insert into public.provider_services (clinic_id, provider_id, service_id)"
            " values (%s, %s, %s)",
            [DEMO_CLINIC_ID, provider, service],
        )
        # Beside everybody's hours, so that no other test's visit is in its way.
        await connection.execute(
            "insert into public.group_sessions (service_id, provider_id, location_id, capacity,"
            " starts_at, overbook_reason) values (%s, %s, '11000000-0000-4000-8000-000000000001',"
            " %s, date_trunc('day', now()) + interval '9 days 20 hours', 'an evening')",
            [service, provider, seats],
        )
    return name


async def test_a_record_from_before_is_found_by_address_and_birth(
    site: Site, new_page: NewPage
) -> None:
    email = new_address()
    async with await psycopg.AsyncConnection.connect(site.stack.db_url()) as connection:
        await connection.execute(
            "insert into public.patients (clinic_id, full_name, email, date_of_birth)"
            " values (%s, 'Old Friend', %s, '1971-06-05')",
            [DEMO_CLINIC_ID, email],
        )
    page = await new_page()
    await page.goto("/account")
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_role("button", name="Send me a code").click()
    await page.get_by_label("Code").fill(await site.code_mailed_to(email))
    await page.get_by_label("Your date of birth").fill("1971-06-06")
    await page.get_by_role("button", name="Find my records").click()
    await expect(page.get_by_text("No record fits.")).to_be_visible()
    await page.get_by_label("Your date of birth").fill("1971-06-05")
    await page.get_by_role("button", name="Find my records").click()
    await expect(page.get_by_text("One record is yours now.")).to_be_visible()
    await expect(page.get_by_label("Full name")).to_have_value("Old Friend")


async def test_whoever_asks_to_be_forgotten_is_and_is_signed_out(
    site: Site, new_page: NewPage
) -> None:
    page = await new_page()
    email = await book(page, site, "Consultation", "Flo Forgotten")
    await page.goto("/account/privacy")
    await page.get_by_role("button", name="Erase me").click()
    dialog = page.get_by_role("alertdialog")
    await dialog.get_by_role("button", name="Erase everything").click()
    await expect(page.get_by_role("link", name="Sign in")).to_be_visible()

    async def is_unknown() -> bool:
        async with await psycopg.AsyncConnection.connect(site.stack.db_url()) as connection:
            row = await (
                await connection.execute(
                    "select count(*) from public.patients where email = %s", [email]
                )
            ).fetchone()
        return row == (0,)

    await eventually(is_unknown)
