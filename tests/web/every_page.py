"""Every page of the web client, with a clinic in which each of them has something to show."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from playwright.async_api import Page, expect

from stack.config import StackConfig
from tests.people import (
    Connection,
    as_front_desk,
    at,
    call,
    insert,
    make_clinic,
    make_guardian,
    make_member,
    make_need,
    make_patient,
    one,
)
from tests.web.staffed import Staffed, new_session, staff_a_clinic

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
Do = Callable[[Page], Awaitable[object]]


@dataclass(frozen=True)
class Scene:
    """`sessions` are those of people by what they are here; `ids` fill the addresses of pages."""

    clinic: Staffed
    sessions: dict[str, dict[str, Any]]
    ids: dict[str, object]
    free: Iterator[datetime] = field(compare=False)

    def address(self, path: str) -> str:
        return path.format(**self.ids, free=f"{next(self.free):%Y-%m-%dT%H:%M:%SZ}")


@dataclass(frozen=True)
class Look:
    """A page as somebody sees it: it is there once `sign` is, and after `do` has opened more."""

    who: str
    path: str
    sign: str
    do: Do | None = None

    async def open(self, page: Page, scene: Scene) -> None:
        await page.goto(scene.address(self.path))
        await page.locator(self.sign).first.wait_for()
        if self.do:
            await self.do(page)


def press(*names: str, sign: str = "") -> Do:
    """Presses the first button of each name in turn; then `sign` is to be there."""

    async def do(page: Page) -> None:
        for name in names:
            await page.get_by_role("button", name=name).first.click()
        if sign:
            await page.locator(sign).first.wait_for()

    return do


async def follow_first_card(page: Page) -> None:
    await page.locator("main .card-link").first.click()
    await page.locator("main .card-form, main form").first.wait_for()


async def choose_a_child(page: Page) -> None:
    await page.get_by_text("A child in my care").first.click()
    await page.get_by_label("The child's full name").wait_for()


async def ask_for_a_code(page: Page) -> None:
    await page.get_by_label("Full name").fill("Nina Newcomer")
    await page.get_by_label("E-mail").fill(f"nina-{id(page)}@people.example")
    await page.get_by_role("button", name="Send me a code").click()
    await page.get_by_label("Code").wait_for()


async def leave_the_form_empty(page: Page) -> None:
    await page.get_by_role("button", name="Send me a code").click()
    await page.get_by_role("alert").first.wait_for()


async def type_a_name(page: Page) -> None:
    await page.get_by_role("combobox", name="Patient").fill("pat")
    await page.get_by_role("option", name="Pat Test").wait_for()


async def ask_why_not(page: Page) -> None:
    await page.get_by_role("button", name="Book a visit").click()
    sheet = page.get_by_role("dialog")
    await sheet.get_by_label("With", exact=True).select_option("Dr. Test")
    await sheet.get_by_label("Or another time").fill("11:00")
    await page.locator(".why-failed").first.wait_for()


async def leave_hours_empty(page: Page) -> None:
    await page.get_by_role("button", name="Add hours").first.click()
    await page.locator(".week-line .field-error").first.wait_for()


BOOK = "/c/{slug}/book/{service}"
STAFF = "/staff/{clinic}"
DAY = f"{STAFF}/day?day={{day}}"

LOOKS: dict[str, Look] = {
    "home": Look("visitor", "/", ".card"),
    "clinic": Look("visitor", "/c/{slug}", ".card"),
    "clinic, one provider": Look("visitor", "/c/{slug}?with={provider}", ".only"),
    "no such clinic": Look("visitor", "/c/nowhere", "h1"),
    "free times": Look("visitor", BOOK, ".time"),
    "sign up while booking": Look(
        "visitor", f"{BOOK}/confirm?at={{free}}", "form", leave_the_form_empty
    ),
    "code while booking": Look("visitor", f"{BOOK}/confirm?at={{free}}", "form", ask_for_a_code),
    "waiting list, signed out": Look("visitor", "/c/{slug}/wait/{service}", "form"),
    "dates of a group": Look("visitor", "/c/{slug}/group/{group}", ".card-link"),
    "seat in a group, signed out": Look(
        "visitor", "/c/{slug}/group/{group}", ".card-link", follow_first_card
    ),
    "family, signed out": Look("visitor", "/c/{slug}/together", "form"),
    "sign in": Look("visitor", "/sign-in", "form"),
    "sign in by password": Look("visitor", "/sign-in", "form", press("I have a password")),
    "link of a mail": Look("visitor", "/confirm#token_hash=0&type=signup", ".card .button"),
    "link of a mail, used": Look(
        "visitor",
        "/confirm#token_hash=0&type=magiclink",
        ".card .button",
        press("Sign in", sign=".notice-bad"),
    ),
    "link of a mail, cut short": Look("visitor", "/confirm", ".card .button"),
    "not found": Look("visitor", "/nothing", "h1"),
    "booking form": Look("patient", f"{BOOK}/confirm?at={{free}}", ".countdown"),
    "booking form, a child": Look(
        "patient", f"{BOOK}/confirm?at={{free}}", ".countdown", choose_a_child
    ),
    "alternatives": Look(
        "patient", f"{BOOK}/confirm?at={{taken}}&provider={{provider}}", ".alternatives .time"
    ),
    "booked": Look(
        "patient",
        f"{BOOK}/confirm?at={{free}}",
        ".countdown",
        press("Book this visit", sign=".big-check"),
    ),
    "waiting list": Look("patient", "/c/{slug}/wait/{service}", ".segments-many"),
    "seat in a group": Look("patient", "/c/{slug}/group/{group}", ".card-link", follow_first_card),
    "family": Look("patient", "/c/{slug}/together", ".who-comes"),
    "visits, with an offer": Look("patient", "/visits", ".card-offer"),
    "visit": Look("patient", "/visits/{visit}", ".summary, .facts, dl"),
    "visit, cancelling": Look(
        "patient", "/visits/{visit}", "dl", press("Cancel visit", sign="[role=alertdialog]")
    ),
    "moving a visit": Look("patient", "/visits/{visit}/move", ".time"),
    "somebody else's visit": Look("patient", "/visits/{others_visit}", "h1"),
    "account": Look("patient", "/account", "form"),
    "who acts for whom": Look("patient", "/account/family", ".person-head"),
    "who acts for whom, a child": Look(
        "patient", "/account/family", ".person-head", press("Add a child")
    ),
    "messages": Look("patient", "/account/messages", ".switch"),
    "messages of a member": Look("front_desk", "/account/messages", ".choice"),
    "calendar": Look("patient", "/account/calendar", ".segments"),
    "privacy": Look("patient", "/account/privacy", ".log li"),
    "privacy, erasing": Look(
        "patient", "/account/privacy", ".log li", press("Erase me", sign="[role=alertdialog]")
    ),
    "account, not found": Look("patient", "/account/nothing", "h1"),
    "no visits yet": Look("newcomer", "/visits", "h1"),
    "no records yet": Look("newcomer", "/account", "h1"),
    "welcome": Look("newcomer", "/staff/welcome", "form"),
    "no clinic of theirs": Look("newcomer", f"{STAFF}/day", "h1"),
    "second factor": Look("guarded", "/staff/{guarded}/day", ".second-factor code"),
    "day, providers": Look("front_desk", f"{DAY}&view=columns", ".entry"),
    "day, rooms": Look("front_desk", f"{DAY}&view=columns&by=rooms", ".entry"),
    "day, list": Look("front_desk", f"{DAY}&view=list", "[data-visit]"),
    "day without visits": Look("front_desk", f"{STAFF}/day?day=2027-06-06&view=list", ".empty"),
    "day, visit": Look("front_desk", f"{DAY}&visit={{visit}}", ".visit-patient .facts"),
    "day, contacts": Look(
        "front_desk",
        f"{DAY}&visit={{visit}}",
        ".visit-patient",
        press("Show phone and e-mail", sign=".visit-patient a[href^='mailto:']"),
    ),
    "day, moving": Look(
        "front_desk",
        f"{DAY}&visit={{visit}}",
        ".visit-patient",
        press("Move", sign=".time-choice input"),
    ),
    "day, cancelling": Look(
        "front_desk", f"{DAY}&visit={{visit}}", ".visit-patient", press("Cancel visit")
    ),
    "day, never meant": Look(
        "front_desk", f"{DAY}&visit={{visit}}", ".visit-patient", press("Never meant")
    ),
    "day, blocked time": Look(
        "front_desk", f"{DAY}&view=columns&visit=block:{{block}}", "[role=dialog]"
    ),
    "day, booking": Look("front_desk", DAY, "[data-visit]", ask_why_not),
    "day, blocking": Look(
        "front_desk", DAY, "[data-visit]", press("Block time", sign="[role=dialog]")
    ),
    "waiting": Look("front_desk", f"{STAFF}/waiting", "[data-entry]"),
    "waiting, adding": Look(
        "front_desk", f"{STAFF}/waiting", "[data-entry]", press("Put somebody on the list")
    ),
    "waiting, offering": Look(
        "front_desk",
        f"{STAFF}/waiting",
        "[data-entry]",
        press("Offer a time", sign=".time-choice input"),
    ),
    "attention": Look("front_desk", f"{STAFF}/attention", "[data-kind=patient_untold]"),
    "patients": Look("front_desk", f"{STAFF}/patients", ".patient-search", type_a_name),
    "patient": Look("front_desk", f"{STAFF}/patients/{{patient}}", "#contacts"),
    "patient, correcting": Look(
        "front_desk", f"{STAFF}/patients/{{patient}}", "#contacts", press("Correct")
    ),
    "no such patient": Look("front_desk", f"{STAFF}/patients/{{other_clinic}}", "h1"),
    "next patient": Look("provider", f"{STAFF}/day?view=list", ".next-patient"),
    "week": Look("provider", f"{STAFF}/week?week={{day}}", ".ec-event, .week-visit"),
    "hours": Look("provider", f"{STAFF}/hours", ".week-line", leave_hours_empty),
    "calendars": Look("provider", f"{STAFF}/calendars", ".card-form"),
    "numbers": Look("owner", f"{STAFF}/numbers?span=ahead", ".chart"),
    "numbers, own span": Look("owner", f"{STAFF}/numbers?span=own", ".field-error"),
    "access log": Look("owner", f"{STAFF}/audit", ".rows"),
    "services": Look("owner", f"{STAFF}/manage/services", ".card-link"),
    "service": Look("owner", f"{STAFF}/manage/services/{{service}}", ".manage-form"),
    "new service": Look(
        "owner", f"{STAFF}/manage/services/new", ".manage-form", press("Add a need", "Save")
    ),
    "providers": Look(
        "owner", f"{STAFF}/manage/providers", ".place-head", press("Change Dr. Test")
    ),
    "places": Look("owner", f"{STAFF}/manage/places", ".place", press("Change Room 1")),
    "place": Look("owner", f"{STAFF}/manage/places", ".place", press("Change Main Street")),
    "closures": Look("owner", f"{STAFF}/manage/closures", ".card-form"),
    "staff": Look("owner", f"{STAFF}/manage/people", ".member-actions", press("Leave the clinic")),
    "settings": Look("owner", f"{STAFF}/manage/settings", ".reminders"),
    "import": Look("owner", f"{STAFF}/manage/import", ".card-form", press("Try it out")),
    "set-up, not found": Look("owner", f"{STAFF}/manage/nothing", "h1"),
    "workplace, not found": Look("owner", f"{STAFF}/nothing", "h1"),
    "another clinic": Look("owner", "/staff/{other_clinic}/day", "h1"),
}


async def set_scene(stack: StackConfig) -> Scene:
    clinic = await staff_a_clinic(stack)
    people = {name: await new_session(stack) for name in ("patient", "newcomer", "guarded")}
    day = at(12, days=5).astimezone(AMSTERDAM).date()
    ids: dict[str, object] = {
        "slug": clinic.slug,
        "clinic": clinic.id,
        "service": clinic.service,
        "provider": clinic.provider,
        "day": day,
    }
    with psycopg.connect(stack.db_url()) as connection:
        ids |= _furnish(connection, clinic, people, lambda hour: _on(day, hour))
    with psycopg.connect(stack.db_url("supabase_admin")) as connection:
        _play(connection, clinic, ids, _on(day, 12))
    ids["taken"] = f"{_on(day, 11).astimezone(ZoneInfo('UTC')):%Y-%m-%dT%H:%M:%SZ}"
    first_free = at(0, days=12)
    free = (first_free + timedelta(minutes=30 * step) for step in itertools.count())
    return Scene(clinic, clinic.sessions | people, ids, free)


def _on(day: Any, hour: int) -> datetime:
    return datetime.combine(day, time(hour), tzinfo=AMSTERDAM)


def _furnish(
    connection: Connection,
    clinic: Staffed,
    people: dict[str, dict[str, Any]],
    on: Callable[[int], datetime],
) -> dict[str, object]:
    """People, visits, a group, a waiting list with an offer, and a clinic with a second factor."""
    user = UUID(people["patient"]["user"]["id"])
    patient = make_patient(connection, clinic.id, user)
    others = make_patient(connection, clinic.id)
    child = make_patient(connection, clinic.id)
    connection.execute(
        "update public.patients set full_name = case id when %s then 'Kit Test' else 'Lou Vale'"
        " end, email = null, phone = '+31 20 555 0100', date_of_birth = '2018-05-04'"
        " where id = any (%s)",
        [child, [others, child]],
    )
    connection.execute(
        "update public.locations set address = 'Quay 12, Harbour Town', phone = '+31 20 555 0100'"
        " where clinic_id = %s",
        [clinic.id],
    )
    make_guardian(connection, clinic.id, child, user)
    make_need(connection, clinic.id, clinic.service)
    # Each look at the form keeps a time.
    connection.execute(
        "update public.clinics set max_holds_per_person = 20 where id = %s", [clinic.id]
    )

    def visit(of: UUID, hour: int, **more: Any) -> UUID:
        made: UUID = insert(
            connection,
            "public.appointments",
            service_id=clinic.service,
            provider_id=clinic.provider,
            patient_id=of,
            starts_at=on(hour),
            **more,
        )["id"]
        return made

    mine, theirs = visit(patient, 10), visit(others, 11)
    block = insert(
        connection,
        "public.availability_exceptions",
        clinic_id=clinic.id,
        provider_id=clinic.provider,
        kind="closed",
        starts_on=on(15).date(),
        ends_on=on(15).date(),
        opens="15:00",
        closes="16:00",
        reason="Team meeting",
    )["id"]
    visit(others, 15, overbook_reason="In pain since the morning")
    group = insert(
        connection,
        "public.services",
        clinic_id=clinic.id,
        name="Evening circle",
        duration_minutes=60,
        capacity=8,
    )["id"]
    insert(
        connection,
        "public.provider_services",
        clinic_id=clinic.id,
        provider_id=clinic.provider,
        service_id=group,
    )
    insert(
        connection,
        "public.group_sessions",
        service_id=group,
        provider_id=clinic.provider,
        location_id=clinic.location,
        capacity=6,
        starts_at=on(20),
    )
    entry = one(
        connection,
        "insert into public.waitlist_entries (service_id, patient_id, urgency)"
        " values (%s, %s, 'soon') returning id",
        clinic.service,
        patient,
    )["id"]
    connection.execute(
        # The worker finds nothing that suits, so that staff can still offer a time by hand.
        "insert into public.waitlist_entries"
        " (service_id, patient_id, urgency, from_clock, to_clock)"
        " values (%s, %s, 'urgent', '22:00', '22:10')",
        [clinic.service, others],
    )
    with as_front_desk(connection, UUID(clinic.sessions["front_desk"]["user"]["id"])):
        call(
            connection,
            "public.offer_time",
            entry_id=entry,
            provider_id=clinic.provider,
            starts_at=on(17),
        )
    insert(
        connection,
        "public.staff_invitations",
        clinic_id=clinic.id,
        email="new.colleague@people.example",
        role="provider",
        invited_by=UUID(clinic.sessions["owner"]["user"]["id"]),
    )
    guarded = make_clinic(connection, name="Guarded Clinic", staff_needs_second_factor=True)
    make_member(connection, guarded, "owner", UUID(people["guarded"]["user"]["id"]))
    return {
        "patient": patient,
        "others": others,
        "visit": mine,
        "others_visit": theirs,
        "block": block,
        "group": group,
        "guarded": guarded,
        "other_clinic": make_clinic(connection),
    }


def _play(connection: Connection, clinic: Staffed, ids: dict[str, object], noon: datetime) -> None:
    """Visits in every state on that day: past triggers, which know that the day is yet to come."""
    connection.execute("set local session_replication_role = replica")
    for step, status in enumerate(("pending", "arrived", "fulfilled", "noshow")):
        insert(
            connection,
            "public.appointments",
            clinic_id=clinic.id,
            location_id=clinic.location,
            service_id=clinic.service,
            provider_id=clinic.provider,
            patient_id=ids["others"],
            starts_at=noon + timedelta(minutes=30 * step),
            ends_at=noon + timedelta(minutes=30 * (step + 1)),
            buffer_before_minutes=0,
            buffer_after_minutes=0,
            status=status,
            booked_via="staff",
        )


async def still(page: Page) -> None:
    """What was changed is drawn."""
    await page.evaluate(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )


async def switch_language(page: Page, language: str) -> None:
    # Behind an open sheet the choice cannot be reached, but the words must follow all the same.
    await page.locator(".foot select").first.select_option(language, force=True)
    await expect(page.locator("html")).to_have_attribute("lang", language)
    await still(page)
