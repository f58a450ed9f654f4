"""The front desk's work on the board and its lists, in a clinic of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import psycopg
import pytest
from playwright.async_api import Locator, Page, expect

from tests.acceptance.eventually import eventually
from tests.people import at, every, insert, make_provider, one
from tests.web.browsers import Site
from tests.web.conftest import NewPage
from tests.web.staffed import Staffed, staff_a_clinic
from tests.web.test_accessibility import tab_to, violations

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
HOUR_IN_PIXELS = 100


@dataclass(frozen=True)
class Desk:
    """A staffed clinic; `mornings` works from 9 to 12 only."""

    site: Site
    clinic: Staffed
    mornings: UUID

    def rows(self, query: LiteralString, *values: Any) -> list[dict[str, Any]]:
        with psycopg.connect(self.site.stack.db_url()) as connection:
            return every(connection, query, *values)

    def patient(self, name: str, **columns: Any) -> UUID:
        with psycopg.connect(self.site.stack.db_url()) as connection:
            patient: UUID = insert(
                connection,
                "public.patients",
                clinic_id=self.clinic.id,
                full_name=name,
                phone="+31 20 555 0100",
                **columns,
            )["id"]
        return patient

    def visit(self, name: str, starts_at: datetime, **columns: Any) -> UUID:
        patient = self.patient(name)
        with psycopg.connect(self.site.stack.db_url()) as connection:
            visit: UUID = insert(
                connection,
                "public.appointments",
                **{
                    "service_id": self.clinic.service,
                    "provider_id": self.clinic.provider,
                    "patient_id": patient,
                    "starts_at": starts_at,
                }
                | columns,
            )["id"]
        return visit

    def provider_of(self, visit: UUID) -> UUID:
        (found,) = self.rows("select provider_id from public.appointments where id = %s", visit)
        provider: UUID = found["provider_id"]
        return provider

    def starts_at(self, visit: UUID) -> datetime:
        with psycopg.connect(self.site.stack.db_url()) as connection:
            started: datetime = one(
                connection, "select starts_at from public.appointments where id = %s", visit
            )["starts_at"]
        return started


@pytest.fixture(scope="module")
async def desk(site: Site) -> Desk:
    clinic = await staff_a_clinic(site.stack)
    with psycopg.connect(site.stack.db_url()) as connection:
        mornings = make_provider(
            connection,
            clinic.id,
            clinic.location,
            (clinic.service,),
            opens="09:00",
            closes="12:00",
        )
        connection.execute(
            "update public.providers set full_name = 'Dr. Mornings' where id = %s", [mornings]
        )
    return Desk(site, clinic, mornings)


def ten_oclock(days: int) -> datetime:
    """Ten in the morning on the clinic's clock, that many days from now."""
    day = at(12, days=days).astimezone(AMSTERDAM)
    return day.replace(hour=10, minute=0, second=0, microsecond=0)


async def open_day(desk: Desk, new_page: NewPage, day: datetime, **options: Any) -> Page:
    page = await desk.clinic.page(new_page, "front_desk", f"day?day={day:%Y-%m-%d}", **options)
    await expect(page.locator(".is-live")).to_be_visible()
    return page


async def drag(page: Page, entry: Locator, hours: float, to: Locator | None = None) -> None:
    """Down by so many hours, and to the column under that heading."""
    await entry.scroll_into_view_if_needed()
    box = await entry.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + 8
    heading = await to.bounding_box() if to else None
    onto = heading["x"] + heading["width"] / 2 if heading else x
    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.move(x, y + 10, steps=3)
    await page.mouse.move(onto, y + hours * HOUR_IN_PIXELS, steps=5)
    await page.mouse.up()


def entry_of(page: Page, visit: UUID) -> Locator:
    return page.locator(f'button[data-visit="{visit}"]')


async def test_a_visit_is_dragged_to_another_time_and_taken_back(
    desk: Desk, new_page: NewPage
) -> None:
    day = ten_oclock(20)
    visit = desk.visit("Dora Dragged", day)
    page = await open_day(desk, new_page, day)
    other = await open_day(desk, new_page, day)
    await expect(entry_of(page, visit)).to_contain_text("10:00 Dora Dragged")
    await drag(page, entry_of(page, visit), 1)
    await expect(page.get_by_text("Dora Dragged now comes at 11:00.")).to_be_visible()
    assert desk.starts_at(visit) == day + timedelta(hours=1)
    await expect(entry_of(other, visit)).to_contain_text("11:00 Dora Dragged")

    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_text("Moved back.")).to_be_visible()
    await expect(entry_of(page, visit)).to_contain_text("10:00 Dora Dragged")
    await expect(entry_of(other, visit)).to_contain_text("10:00 Dora Dragged")
    assert desk.starts_at(visit) == day


async def test_a_visit_is_dragged_to_another_provider_and_taken_back(
    desk: Desk, new_page: NewPage
) -> None:
    day = ten_oclock(32)
    visit = desk.visit("Cora Columns", day)
    page = await open_day(desk, new_page, day)
    column = page.locator(".calendar").get_by_text("Dr. Mornings", exact=True).first
    await drag(page, entry_of(page, visit), 1, to=column)
    await expect(page.get_by_text("Cora Columns now comes at 11:00.")).to_be_visible()
    assert desk.provider_of(visit) == desk.mornings
    assert desk.starts_at(visit) == day + timedelta(hours=1)
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_text("Moved back.")).to_be_visible()
    assert desk.provider_of(visit) == desk.clinic.provider
    assert desk.starts_at(visit) == day


async def test_on_the_rooms_board_a_visit_is_dragged_to_another_time_but_to_no_other_room(
    desk: Desk, new_page: NewPage
) -> None:
    day = ten_oclock(33)
    visit = desk.visit("Rolf Rooms", day)
    page = await desk.clinic.page(new_page, "front_desk", f"day?day={day:%Y-%m-%d}&by=rooms")
    await expect(page.locator(".is-live")).to_be_visible()
    await drag(page, entry_of(page, visit), 1)
    await expect(page.get_by_text("Rolf Rooms now comes at 11:00.")).to_be_visible()
    assert desk.starts_at(visit) == day + timedelta(hours=1)
    assert desk.provider_of(visit) == desk.clinic.provider
    await page.get_by_role("button", name="Undo").click()
    await expect(entry_of(page, visit)).to_contain_text("10:00 Rolf Rooms")

    await drag(
        page,
        entry_of(page, visit),
        0,
        to=page.locator(".calendar").get_by_text("Room 1", exact=True).first,
    )
    await expect(page.get_by_text("A room is found by itself")).to_be_visible()
    await expect(entry_of(page, visit)).to_contain_text("10:00 Rolf Rooms")
    assert desk.starts_at(visit) == day


async def test_a_visit_dragged_onto_another_goes_back_and_says_why(
    desk: Desk, new_page: NewPage
) -> None:
    day = ten_oclock(21)
    visit = desk.visit("Stan Stays", day)
    desk.visit("Mia Middle", day + timedelta(hours=1))
    page = await open_day(desk, new_page, day)
    await drag(page, entry_of(page, visit), 1)
    refused = page.get_by_role("alert")
    await expect(refused).to_contain_text("Stan Stays stays where they were.")
    await expect(entry_of(page, visit)).to_contain_text("10:00 Stan Stays")
    assert desk.starts_at(visit) == day
    await refused.get_by_role("button", name="Why?").click()
    sheet = page.get_by_role("dialog", name="Move Stan Stays")
    await expect(sheet.get_by_text("The provider is busy")).to_be_visible()
    assert await violations(page) == []
    await page.keyboard.press("Escape")
    await expect(sheet).to_have_count(0)


async def test_a_visit_written_down_by_mistake_vanishes_and_frees_its_time(
    desk: Desk, new_page: NewPage
) -> None:
    day = ten_oclock(29)
    visit = desk.visit("Max Mistaken", day)
    page = await open_day(desk, new_page, day)
    await entry_of(page, visit).click()
    await page.get_by_role("button", name="Never meant …").click()
    await page.get_by_role("button", name="Back").click()
    await page.get_by_role("button", name="Never meant …").click()
    assert await violations(page) == []
    await page.get_by_role("button", name="It was a mistake").click()
    await expect(entry_of(page, visit)).to_have_count(0)
    assert desk.rows(
        "select status::text, exists (select from private.reservations"
        " where appointment_id = appointments.id) as keeps_time"
        " from public.appointments where id = %s",
        visit,
    ) == [{"status": "entered_in_error", "keeps_time": False}]


async def test_what_somebody_else_moved_meanwhile_is_not_overruled(
    desk: Desk, new_page: NewPage
) -> None:
    day = ten_oclock(22)
    visit = desk.visit("Vera Version", day)
    page = await open_day(desk, new_page, day)
    await entry_of(page, visit).click()
    await page.get_by_role("button", name="Move …").click()
    await page.get_by_label("Or another time").fill("15:00")
    # Without a message, as if the connection were slow.
    await page.context.set_offline(True)
    with psycopg.connect(desk.site.stack.db_url()) as connection:
        connection.execute(
            "update public.appointments set starts_at = starts_at + interval '2 hours',"
            " ends_at = ends_at + interval '2 hours' where id = %s",
            [visit],
        )
    await page.route("**/rest/v1/appointments*", lambda route: route.abort())
    await page.context.set_offline(False)
    await page.get_by_role("button", name="Move", exact=True).click()
    await expect(page.get_by_text("This visit has changed in the meantime.").first).to_be_visible()
    assert desk.starts_at(visit) == day + timedelta(hours=2)


async def test_a_new_patient_is_booked_with_the_keyboard_alone(
    desk: Desk, new_page: NewPage
) -> None:
    day = ten_oclock(23)
    page = await open_day(desk, new_page, day)
    await tab_to(page, page.get_by_role("button", name="Book a visit"))
    await page.keyboard.press("Enter")
    search = page.get_by_role("combobox", name="Patient")
    await tab_to(page, search)
    await page.keyboard.type("Kim Keyboard")
    await expect(page.get_by_text("Add “Kim Keyboard” as a new patient")).to_be_visible()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Full name")).to_be_focused()
    await tab_to(page, page.get_by_role("button", name="Add patient"))
    await page.keyboard.press("Enter")
    await expect(page.locator(".chosen-patient")).to_contain_text("Kim Keyboard")
    time = page.locator(".time-choice input").first
    await time.wait_for()
    await tab_to(page, time)
    await page.keyboard.press("Space")
    assert await violations(page) == []
    await tab_to(page, page.get_by_role("dialog").get_by_role("button", name="Book", exact=True))
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Booked: Kim Keyboard")).to_be_visible()
    await expect(page.locator(".entry", has_text="Kim Keyboard")).to_be_visible()
    booked = desk.rows(
        "select booked_via, patients.user_id from public.appointments"
        " join public.patients on patients.id = patient_id"
        " where full_name = 'Kim Keyboard' and patients.clinic_id = %s",
        desk.clinic.id,
    )
    assert booked == [{"booked_via": "staff", "user_id": None}]


async def test_a_time_that_is_not_offered_says_why_and_takes_a_reason(
    desk: Desk, new_page: NewPage
) -> None:
    day = ten_oclock(24)
    desk.patient("Olga Overbooked")
    page = await open_day(desk, new_page, day)
    await page.get_by_role("button", name="Book a visit").click()
    await page.get_by_role("combobox", name="Patient").fill("over olga")
    await page.get_by_role("dialog").get_by_role("option", name="Olga Overbooked").click()
    sheet = page.get_by_role("dialog")
    await sheet.get_by_label("With", exact=True).select_option("Dr. Mornings")
    await sheet.get_by_label("Or another time").fill("14:00")
    await expect(sheet.get_by_text("14:00 is not offered.")).to_be_visible()
    await expect(sheet.locator(".why-failed")).to_contain_text("09:00–12:00")
    await sheet.get_by_role("button", name="Book", exact=True).click()
    await expect(sheet.get_by_text("That time is not offered any more.")).to_be_visible()
    await sheet.get_by_label("Squeeze in anyway, because").fill("In pain since the morning")
    assert await violations(page) == []
    await sheet.get_by_role("button", name="Squeeze in").click()
    await expect(page.get_by_text("Booked: Olga Overbooked, 14:00.")).to_be_visible()

    await page.get_by_role("link", name="Needs attention").click()
    card = page.locator('[data-kind="overbooked"]', has_text="Olga Overbooked")
    await card.get_by_role("link", name="Open the visit").click()
    facts = page.get_by_role("dialog", name="Olga Overbooked")
    await expect(facts).to_contain_text("In pain since the morning")


async def test_who_cannot_be_told_by_mail_is_listed_and_the_visit_says_why(
    desk: Desk, new_page: NewPage
) -> None:
    visit = desk.visit("Ulla Unreachable", ten_oclock(24))
    page = await desk.clinic.page(new_page, "front_desk", "attention")
    card = page.locator('[data-kind="patient_untold"]', has_text="Ulla Unreachable")
    await expect(card).to_contain_text("There is no address to write to.")
    await card.get_by_role("link", name="Open the visit").click()
    messages = page.get_by_role("dialog", name="Ulla Unreachable").get_by_role(
        "region", name="Messages"
    )
    await expect(messages).to_contain_text("Confirmation")
    await expect(messages).to_contain_text("not sent: no address")
    with psycopg.connect(desk.site.stack.db_url()) as connection:
        connection.execute(
            "update public.notifications set status = 'sent', sent_at = now(), last_error = null"
            " where appointment_id = %s",
            [visit],
        )
    await page.reload()
    await expect(messages).to_contain_text("sent")
    await expect(messages).not_to_contain_text("not sent")


async def test_a_calendar_that_is_not_understood_in_full_is_listed(
    desk: Desk, new_page: NewPage
) -> None:
    with psycopg.connect(desk.site.stack.db_url()) as connection:
        connection.execute(
            "insert into public.outside_calendars (provider_id, url, name, state, skipped_events,"
            " last_fetched_at, next_fetch_at) values (%s, 'https://calendars.example/x.ics',"
            " 'Garbled', 'fresh', 2, now(), now() + interval '1 day')",
            [desk.clinic.provider],
        )
    page = await desk.clinic.page(new_page, "front_desk", "attention")
    card = page.locator('[data-kind="calendar_unclear"]', has_text="Garbled")
    await expect(card).to_contain_text("do not say clearly when they are")


async def test_what_was_told_by_phone_is_ticked_off_with_the_keyboard(
    desk: Desk, new_page: NewPage
) -> None:
    day = ten_oclock(17)
    visits = [
        desk.visit("Tilda Telephoned", day),
        desk.visit("Theo Telephoned", day + timedelta(hours=2)),
    ]
    with psycopg.connect(desk.site.stack.db_url()) as connection:
        connection.execute(
            "update public.notifications set status = 'dead', last_error = '500:application_error'"
            " where appointment_id = %s and kind = 'confirmation'",
            [visits[1]],
        )
    page = await desk.clinic.page(new_page, "front_desk", "attention")
    for kind, name in (("patient_untold", "Tilda"), ("message_not_sent", "Theo")):
        card = page.locator(f'[data-kind="{kind}"]', has_text=f"{name} Telephoned")
        button = card.get_by_role("button", name="Told otherwise")
        await button.focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Noted: told otherwise.")).to_be_visible()
        await expect(card).to_have_count(0)
    marked = desk.rows(
        "select distinct told_at is not null as is_told, told_by from public.notifications"
        " where appointment_id = any (%s) and kind = 'confirmation'",
        visits,
    )
    assert [row["is_told"] for row in marked] == [True]
    assert marked[0]["told_by"] is not None
    await page.goto(f"/staff/{desk.clinic.id}/day?day={day:%Y-%m-%d}&with=&visit={visits[1]}")
    messages = page.get_by_role("dialog", name="Theo Telephoned").get_by_role(
        "region", name="Messages"
    )
    await expect(messages).to_contain_text("given up")
    await expect(messages).to_contain_text("told otherwise")


async def test_all_that_could_not_be_sent_is_sent_again_with_one_click(
    desk: Desk, new_page: NewPage
) -> None:
    visits = [desk.visit(name, ten_oclock(45 + day)) for day, name in enumerate(("Una", "Ugo"))]
    with psycopg.connect(desk.site.stack.db_url()) as connection:
        connection.execute(
            "update public.notifications set status = 'dead', last_error = '500:application_error'"
            " where appointment_id = any (%s) and kind = 'confirmation'",
            [visits],
        )
    page = await desk.clinic.page(new_page, "front_desk", "attention")
    unsent = page.locator('[data-kind="message_not_sent"]')
    await expect(unsent).to_have_count(2)
    await page.get_by_role("button", name="Send all unsent mails again").click()
    await expect(page.get_by_text("Sent again: 2.")).to_be_visible()
    await expect(unsent).to_have_count(0)


async def test_a_time_that_the_clock_skips_is_told_beside_the_field(
    desk: Desk, new_page: NewPage
) -> None:
    # The clocks of Amsterdam skip 02:30 then.
    desk.patient("Gus Gap")
    page = await desk.clinic.page(new_page, "front_desk", "day?day=2027-03-28")
    await page.get_by_role("button", name="Block time").click()
    sheet = page.get_by_role("dialog", name="Block time")
    begins, ends = sheet.get_by_label("From"), sheet.get_by_label("To", exact=True)
    await begins.fill("02:30")
    await ends.fill("04:00")
    await expect(begins).to_have_accessible_description("The clocks skip this time on that day.")
    await sheet.get_by_role("button", name="Block", exact=True).click()
    await expect(begins).to_have_value("02:30")
    await begins.fill("01:30")
    await ends.fill("02:30")
    await expect(ends).to_have_accessible_description("The clocks skip this time on that day.")
    await expect(begins).to_have_accessible_description("")
    assert await violations(page) == []
    await page.keyboard.press("Escape")

    await page.get_by_role("button", name="Book a visit").click()
    sheet = page.get_by_role("dialog", name="Book a visit")
    await sheet.get_by_role("combobox", name="Patient").fill("gus")
    await sheet.get_by_role("option", name="Gus Gap").click()
    other_time = sheet.get_by_label("Or another time")
    await other_time.fill("02:30")
    await expect(other_time).to_have_accessible_description(
        "The clocks skip this time on that day."
    )
    await expect(sheet.get_by_role("button", name="Book", exact=True)).to_be_disabled()
    await other_time.fill("03:30")
    await expect(other_time).to_have_accessible_description("")


async def test_namesakes_are_told_apart_and_nobody_is_without_a_name(
    desk: Desk, new_page: NewPage
) -> None:
    for born in ("1980-02-03", "1999-12-31"):
        desk.patient("Anna Berg", date_of_birth=born)
    page = await open_day(desk, new_page, ten_oclock(34))
    await page.get_by_role("button", name="Book a visit").click()
    sheet = page.get_by_role("dialog", name="Book a visit")
    search = sheet.get_by_role("combobox", name="Patient")
    await search.fill("anna berg")
    await sheet.get_by_role("option", name="Anna Berg born 1999").click()
    await expect(sheet.locator(".chosen-patient")).to_contain_text("born 1999")
    await sheet.get_by_role("button", name="Choose somebody else").click()

    await search.fill("anna berg")
    await sheet.get_by_text("Add “anna berg” as a new patient").click()
    name = sheet.get_by_label("Full name")
    await name.fill("  ")
    await sheet.get_by_role("button", name="Add patient").click()
    await expect(name).to_have_accessible_description("Please fill this in.")

    full_name = f"Anna Berg {uuid4().hex[:8]}"
    await name.fill(full_name)
    language = sheet.get_by_label("Language of mails")
    await expect(language).to_have_value("en")
    await language.select_option("Deutsch")
    await sheet.get_by_role("button", name="Add patient").click()
    await expect(sheet.locator(".chosen-patient")).to_contain_text(full_name)
    with psycopg.connect(desk.site.stack.db_url()) as connection:
        added = one(
            connection, "select locale from public.patients where full_name = %s", full_name
        )
    assert added == {"locale": "de"}


async def test_an_empty_time_that_is_clicked_stands_in_the_form(
    desk: Desk, new_page: NewPage
) -> None:
    day = ten_oclock(25)
    visit = desk.visit("Nia Neighbour", day)
    page = await open_day(desk, new_page, day)
    await entry_of(page, visit).scroll_into_view_if_needed()
    await page.locator(".ec-main").evaluate("main => { main.scrollTop += 250; }")
    box = await entry_of(page, visit).bounding_box()
    assert box is not None
    await page.mouse.click(box["x"] + 30, box["y"] + 1.6 * HOUR_IN_PIXELS)
    sheet = page.get_by_role("dialog", name="Book a visit")
    await expect(sheet.get_by_label("Or another time")).to_have_value("11:30")
    await expect(sheet.get_by_label("With", exact=True)).to_have_value(str(desk.clinic.provider))


async def test_blocked_time_spares_booked_visits_and_is_given_back(
    desk: Desk, new_page: NewPage
) -> None:
    day = ten_oclock(26)
    desk.visit("Bea Booked", day)
    page = await open_day(desk, new_page, day)

    async def block(begins: str, ends: str) -> Locator:
        await page.get_by_role("button", name="Block time").click()
        sheet = page.get_by_role("dialog", name="Block time")
        await sheet.get_by_label("With", exact=True).select_option("Dr. Test")
        await sheet.get_by_label("From").fill(begins)
        await sheet.get_by_label("To", exact=True).fill(ends)
        await sheet.get_by_label("What for").fill("Team meeting")
        await sheet.get_by_role("button", name="Block", exact=True).click()
        return sheet

    sheet = await block("09:30", "10:30")
    await expect(sheet.get_by_text("Visits are booked in that time.")).to_be_visible()
    await page.keyboard.press("Escape")
    await block("14:00", "15:00")
    blocked = page.locator(".entry-blocked .entry", has_text="Team meeting")
    await expect(blocked).to_contain_text("14:00")
    await blocked.click()
    assert await violations(page) == []
    await page.get_by_role("button", name="Open it again").click()
    await expect(page.get_by_text("The time is open again.")).to_be_visible()
    await expect(blocked).to_have_count(0)


async def test_a_waiting_patient_is_offered_a_time_which_is_withdrawn(
    desk: Desk, new_page: NewPage
) -> None:
    desk.patient("Wim Waiting")
    page = await desk.clinic.page(new_page, "front_desk", "waiting")
    await page.get_by_role("button", name="Put somebody on the list").click()
    sheet = page.get_by_role("dialog")
    await sheet.get_by_role("combobox", name="Patient").fill("wim")
    await sheet.get_by_role("option", name="Wim Waiting").click()
    await sheet.get_by_text("Urgent", exact=True).locator("..").get_by_role("radio").click()
    assert await violations(page) == []
    await sheet.get_by_role("button", name="Put on the list").click()
    card = page.locator("article", has_text="Wim Waiting")
    await expect(card).to_contain_text("Urgent")

    await card.get_by_role("button", name="Offer a time").click()
    sheet = page.get_by_role("dialog", name="Offer Wim Waiting a time")
    await sheet.get_by_label("Day", exact=True).fill(f"{ten_oclock(27):%Y-%m-%d}")
    await sheet.locator(".time-choice label").first.click()
    await sheet.get_by_role("button", name="Offer", exact=True).click()
    await expect(card).to_contain_text("Has an offer")
    await expect(card.get_by_role("timer")).to_be_visible()
    assert await violations(page) == []
    await card.get_by_role("button", name="Withdraw the offer").click()
    await expect(page.get_by_text("The offer to Wim Waiting is withdrawn.")).to_be_visible()
    # Whoever still waits may be offered another time by the clinic's worker at once.
    await expect(card).to_contain_text("1 earlier offer")


async def test_opening_a_patients_card_is_put_on_record(desk: Desk, new_page: NewPage) -> None:
    day = ten_oclock(28)
    desk.visit("Cleo Card", day)
    page = await desk.clinic.page(new_page, "front_desk", "patients")
    await page.get_by_role("combobox", name="Patient").fill("cleo")
    await page.get_by_role("option", name="Cleo Card").click()
    await expect(page.get_by_role("link", name="+31 20 555 0100")).to_be_visible()
    await expect(page.locator(".visit-rows li")).to_have_count(1)
    assert await violations(page) == []

    def opened() -> list[dict[str, Any]]:
        return desk.rows(
            "select log.acted_as from public.access_log as log"
            " join public.patients on patients.id = log.patient_id"
            " where full_name = 'Cleo Card' and log.action = 'opened' and log.clinic_id = %s",
            desk.clinic.id,
        )

    async def once() -> list[dict[str, Any]] | None:
        return opened() or None

    assert await eventually(once) == [{"acted_as": "front_desk"}]
    await page.get_by_role("button", name="Correct").click()
    await page.get_by_label("Phone").fill("+31 20 555 0199")
    await page.get_by_label("Language of mails").select_option("Français")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("link", name="+31 20 555 0199")).to_be_visible()
    await page.get_by_role("button", name="Correct").click()
    await expect(page.get_by_label("Language of mails")).to_have_value("fr")


async def test_reasons_are_read_by_those_who_treat_and_shown_to_nobody_else(
    desk: Desk, new_page: NewPage
) -> None:
    day = ten_oclock(29)
    visit = desk.visit("Rita Reason", day)
    with psycopg.connect(desk.site.stack.db_url()) as connection:
        insert(
            connection,
            "public.appointment_reasons",
            clinic_id=desk.clinic.id,
            appointment_id=visit,
            patient_id=one(
                connection, "select patient_id from public.appointments where id = %s", visit
            )["patient_id"],
            kind="visit",
            reason="A cough that stays",
        )
    path = f"day?day={day:%Y-%m-%d}&visit={visit}"
    provider = await desk.clinic.page(new_page, "provider", path)
    await provider.get_by_role("button", name="Read why they come").click()
    await expect(provider.get_by_text("A cough that stays")).to_be_visible()
    front_desk = await desk.clinic.page(new_page, "front_desk", path)
    sheet = front_desk.get_by_role("dialog", name="Rita Reason")
    await expect(sheet.get_by_role("button", name="Has arrived")).to_be_visible()
    await expect(sheet.get_by_role("button", name="Read why they come")).to_have_count(0)


async def test_providers_see_contacts_of_their_own_patients_only(
    desk: Desk, new_page: NewPage
) -> None:
    stranger = desk.patient("Sara Stranger")
    page = await desk.clinic.page(new_page, "provider", f"patients/{stranger}")
    await expect(page.get_by_text("contacts of their own patients only")).to_be_visible()
    await page.goto(f"/staff/{desk.clinic.id}/patients/{uuid4()}")
    await expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()


async def test_the_next_patient_stands_on_top_of_the_providers_day(
    desk: Desk, new_page: NewPage
) -> None:
    # Somebody who is here already is next, whatever the hour.
    now = datetime.now(AMSTERDAM).replace(hour=12, minute=0, second=0, microsecond=0)
    desk.visit("Ned Next", now, status="arrived")
    page = await desk.clinic.page(new_page, "provider", "day")
    section = page.get_by_role("region", name="Next")
    await expect(section).to_contain_text("Ned Next")
    await section.get_by_role("button", name="Completed").click()
    await expect(section.get_by_text("Ned Next")).to_have_count(0)


async def test_the_desk_speaks_the_readers_language(desk: Desk, new_page: NewPage) -> None:
    page = await desk.clinic.page(new_page, "front_desk", "attention", locale="de-AT")
    await expect(page.get_by_role("heading", name="Zu erledigen")).to_be_visible()
    await page.get_by_role("link", name="Tag", exact=True).click()
    await page.get_by_role("button", name="Termin buchen").click()
    await expect(page.get_by_role("combobox", name="Patientin oder Patient")).to_be_visible()
    await expect(page.get_by_label("Bei", exact=True)).to_be_visible()
