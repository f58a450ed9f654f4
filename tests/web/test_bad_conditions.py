"""Bad conditions in the middle of a booking: nothing typed is lost, nothing is booked by itself."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from playwright.async_api import Page, Route, expect

from stack.state import StackState
from tests.web.browsers import (
    CLINIC,
    Site,
    ask_for_another_code,
    free_days,
    open_times,
    session_over,
    sign_up,
)
from tests.web.conftest import NewPage

REASON = "a cough that will not go"


async def hold_a_time(page: Page, site: Site, service: str, name: str) -> str:
    """A new person with a held time and words in the form; the person's address."""
    await open_times(page, service)
    await page.locator(".time:not(.is-taken)").last.click()
    email = await sign_up(page, site, name)
    await expect(page.locator(".countdown")).to_be_visible()
    await page.get_by_label("Anything we should know?").fill(REASON)
    return email


async def lose_the_answer(page: Page) -> None:
    """The booking arrives, its answer does not."""

    async def lose(route: Route) -> None:
        await route.fetch()
        await route.abort("connectionreset")

    await page.route("**/rpc/book_appointment", lose, times=1)
    await page.get_by_role("button", name="Book this visit").click()
    await expect(page.get_by_role("alert")).to_contain_text("There is no connection.")


async def visits_of(site: Site, email: str) -> list[str]:
    """The states of all appointments of whoever has that address."""
    async with await psycopg.AsyncConnection.connect(site.stack.db_url()) as connection:
        found = await connection.execute(
            "select appointments.status::text from public.appointments"
            " join public.patients on patients.id = appointments.patient_id"
            " where patients.email = %s order by 1",
            [email],
        )
        return [str(status) for (status,) in await found.fetchall()]


async def test_without_a_connection_the_page_still_opens_and_goes_on_when_it_is_back(
    new_page: NewPage,
) -> None:
    page = await new_page(service_workers="allow")
    await page.goto(CLINIC)
    await page.get_by_role("link", name="Check-up").wait_for()
    await page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    kept = await page.evaluate(
        "caches.open('appoint-shell').then((cache) => cache.keys())"
        ".then((requests) => requests.map(({ url }) => new URL(url).pathname))"
    )
    assert "/" in kept
    assert all(
        path.startswith("/assets/") or path in {"/", "/theme.js", "/favicon.svg"} for path in kept
    )

    await page.context.set_offline(True)
    await page.goto("/visits")
    await expect(page.get_by_text("You are offline.")).to_be_visible()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await page.goto(CLINIC)
    await expect(page.get_by_text("There is no connection.")).to_be_visible()
    await page.context.set_offline(False)
    await expect(page.get_by_role("link", name="Check-up")).to_be_visible()


async def test_a_lost_connection_while_booking_books_once_when_it_is_back(
    site: Site, new_page: NewPage
) -> None:
    page = await new_page()
    email = await hold_a_time(page, site, "Consultation", "Olga Offline")
    await lose_the_answer(page)
    await expect(page.get_by_label("Anything we should know?")).to_have_value(REASON)
    await page.get_by_role("button", name="Book this visit").click()
    await expect(page.get_by_role("heading", name="You are booked")).to_be_visible()
    assert await visits_of(site, email) == ["booked"]


async def test_a_lost_answer_is_found_again_by_a_reload(site: Site, new_page: NewPage) -> None:
    page = await new_page()
    email = await hold_a_time(page, site, "Consultation", "Rena Reload")
    await lose_the_answer(page)
    await page.reload()
    await expect(page.get_by_role("heading", name="You are booked")).to_be_visible()
    assert await visits_of(site, email) == ["booked"]


async def test_whoever_types_on_after_a_lost_answer_is_shown_what_was_booked(
    site: Site, new_page: NewPage
) -> None:
    page = await new_page()
    email = await hold_a_time(page, site, "Consultation", "Ed Edits")
    await lose_the_answer(page)
    await page.get_by_label("Anything we should know?").fill("and a fever since")
    await page.get_by_role("button", name="Book this visit").click()
    await expect(page.get_by_role("heading", name="You are booked")).to_be_visible()
    assert await visits_of(site, email) == ["booked"]


async def test_leaving_after_a_lost_answer_calls_nothing_off(site: Site, new_page: NewPage) -> None:
    page = await new_page()
    email = await hold_a_time(page, site, "Consultation", "Lea Leaves")
    form = page.url
    await lose_the_answer(page)
    async with page.expect_response("**/rpc/cancel_appointment") as given_back:
        await page.get_by_role("link", name="Choose another time").first.click()
    assert (await given_back.value).status == 409
    assert await visits_of(site, email) == ["booked"]
    await page.goto(form)
    await expect(page.get_by_role("heading", name="You are booked")).to_be_visible()
    assert await visits_of(site, email) == ["booked"]


@pytest.mark.parametrize("name", ["gateway", "postgrest", "postgres"])
async def test_a_server_that_restarts_while_booking_books_once(
    site: Site, new_page: NewPage, name: str
) -> None:
    page = await new_page()
    email = await hold_a_time(page, site, "Consultation", "Rita Restart")
    state = StackState.load(site.stack.directory)
    assert state
    killed = state.parts[name].pid
    assert killed
    os.kill(killed, signal.SIGKILL)
    booked = page.get_by_role("heading", name="You are booked")
    book = page.get_by_role("button", name="Book this visit")
    while True:
        async with page.expect_request("**/rpc/book_appointment") as asked:
            await book.click()
        await (await asked.value).response()
        await expect(booked.or_(book)).to_be_visible()
        if await booked.is_visible():
            break
        await expect(page.get_by_label("Anything we should know?")).to_have_value(REASON)
    assert await visits_of(site, email) == ["booked"]


async def test_a_session_that_ends_while_the_form_is_filled_loses_nothing(
    site: Site, new_page: NewPage
) -> None:
    page = await new_page()
    email = await hold_a_time(page, site, "Consultation", "Elsa Ended")

    async with session_over(page, "**/rpc/book_appointment"):
        await page.get_by_role("button", name="Book this visit").click()
        await expect(page.get_by_role("heading", name="Your details")).to_be_visible()

    first_code = await site.code_mailed_to(email)
    await page.get_by_label("Full name").fill("Elsa Ended")
    await page.get_by_label("E-mail").fill(email)
    await ask_for_another_code(page)
    await page.get_by_label("Code").fill(await site.code_mailed_to(email, other_than=first_code))
    await expect(page.get_by_label("Anything we should know?")).to_have_value(REASON)
    await page.get_by_role("button", name="Book this visit").click()
    await expect(page.get_by_role("heading", name="You are booked")).to_be_visible()
    assert await visits_of(site, email) == ["booked"]


async def test_back_forward_and_another_time_keep_what_was_typed(
    site: Site, new_page: NewPage
) -> None:
    page = await new_page()
    email = await hold_a_time(page, site, "Consultation", "Bea Back")
    reason = page.get_by_label("Anything we should know?")
    await page.go_back()
    await expect(page.locator(".days")).to_be_visible()
    await page.go_forward()
    await expect(page.locator(".countdown")).to_be_visible()
    await expect(reason).to_have_value(REASON)

    await page.get_by_role("link", name="Choose another time").first.click()
    await page.locator(".time:not(.is-taken)").first.click()
    await expect(page.locator(".countdown")).to_be_visible()
    await expect(reason).to_have_value(REASON)
    await page.get_by_role("button", name="Book this visit").click()
    await expect(page.get_by_role("heading", name="You are booked")).to_be_visible()
    assert [state for state in await visits_of(site, email) if state != "cancelled"] == ["booked"]
    await open_times(page, "Consultation")
    await page.locator(".time:not(.is-taken)").first.click()
    await expect(page.locator(".countdown")).to_be_visible()
    await expect(reason).to_have_value("")


async def test_a_second_tab_goes_on_with_what_the_first_one_keeps(
    site: Site, new_page: NewPage
) -> None:
    first = await new_page()
    email = await hold_a_time(first, site, "Vaccination", "Tess Tabs")
    second = await first.context.new_page()
    await second.goto(first.url)
    await expect(second.get_by_text("You keep this time in another tab.")).to_be_visible()
    # What the first tab keeps is not for the second one to give back.
    await second.get_by_role("link", name="Choose another time").first.click()
    await second.goto(first.url)
    await expect(second.get_by_text("You keep this time in another tab.")).to_be_visible()
    assert await visits_of(site, email) == ["held"]

    await second.get_by_role("button", name="Book this visit").click()
    await expect(second.get_by_role("heading", name="You are booked")).to_be_visible()
    await first.get_by_role("button", name="Book this visit").click()
    await expect(first.get_by_role("heading", name="You are booked")).to_be_visible()
    assert await visits_of(site, email) == ["booked"]
    await first.go_back()
    await expect(first.locator("h1")).to_be_visible()
    assert await visits_of(site, email) == ["booked"]


async def test_signing_out_in_one_tab_is_seen_in_the_other(
    new_page: NewPage, patients_storage: Any
) -> None:
    page = await new_page(storage_state=patients_storage)
    other = await page.context.new_page()
    for tab in (page, other):
        await tab.goto("/account")
        await expect(tab.get_by_role("heading", name="Account")).to_be_visible()
    await page.get_by_role("button", name="Sign out").click()
    await expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    await expect(other.get_by_role("heading", name="Account")).to_have_count(0)


async def test_a_wrong_device_clock_changes_neither_times_nor_the_countdown(
    site: Site, new_page: NewPage
) -> None:
    page = await new_page()
    await page.clock.install(time=datetime.now(UTC) + timedelta(hours=30))
    await open_times(page, "Consultation")
    await expect(page.get_by_text("The clock of this device is wrong.")).to_be_visible()
    right = await new_page()
    await open_times(right, "Consultation")
    first = ".first-free strong"
    assert await page.locator(first).inner_text() == await right.locator(first).inner_text()
    await page.locator(".time:not(.is-taken)").last.click()
    await sign_up(page, site, "Cleo Clock")
    minutes = int((await page.locator(".countdown").inner_text()).split(":")[0])
    assert 1 <= minutes <= 15
    await page.get_by_role("button", name="Book this visit").click()
    await expect(page.get_by_role("heading", name="You are booked")).to_be_visible()


async def test_times_of_a_day_with_a_gap_are_those_that_its_clock_shows(
    new_page: NewPage,
) -> None:
    # The clocks of New York skip 02:30 on 14 March 2027.
    page = await new_page(timezone_id="America/New_York")
    gap = [f"2027-03-14T{hour:02}:30:00+00:00" for hour in (6, 7, 8)]
    slots = [
        {
            "provider_id": "12000000-0000-4000-8000-000000000001",
            "location_id": "11000000-0000-4000-8000-000000000001",
            "starts_at": start,
            "ends_at": start.replace(":30:", ":45:"),
        }
        for start in gap
    ]

    async def answer(route: Route) -> None:
        await route.fulfill(json=slots, headers={"Access-Control-Allow-Origin": "*"})

    await page.route("**/rpc/open_slots", answer)
    await page.goto(f"{CLINIC}/book/13000000-0000-4000-8000-000000000002?from=2027-03-10")
    times = page.locator(".time strong")
    await expect(times).to_have_count(3)
    assert await times.all_inner_texts() == ["01:30", "03:30", "04:30"]


async def test_an_impossible_time_in_the_address_is_told_kindly(new_page: NewPage) -> None:
    page = await new_page()
    service = f"{CLINIC}/book/13000000-0000-4000-8000-000000000002"
    await page.goto(f"{service}/confirm?at=tomorrow")
    await expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    await page.goto(f"{service}/confirm?at=2027-02-31T09:00:00Z")
    await expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    for day in ("2027-13-01", "2027-02-31", "9999-12-31", "never"):
        await page.goto(f"{service}?from={day}&day={day}&part=dawn")
        await expect(page.locator(".days .day").first).to_be_visible()
        await expect(free_days(page).first).to_be_visible()


async def test_on_a_slow_network_a_double_click_books_once(site: Site, new_page: NewPage) -> None:
    page = await new_page()
    email = await hold_a_time(page, site, "Consultation", "Sid Slow")
    may_go_on = asyncio.Event()

    async def slowly(route: Route) -> None:
        await may_go_on.wait()
        await route.continue_()

    await page.route("**/rpc/book_appointment", slowly)
    await page.get_by_role("button", name="Book this visit").dblclick()
    await expect(page.get_by_role("button", name="Booking …")).to_be_visible()
    await page.get_by_role("button", name="Booking …").click(force=True)
    may_go_on.set()
    await expect(page.get_by_role("heading", name="You are booked")).to_be_visible()
    assert await visits_of(site, email) == ["booked"]
