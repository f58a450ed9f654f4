"""Links in mails: GET shows, POST acts once, as late as its patient could, without a log-in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import httpx
import psycopg
import pytest

from api.action_page import LinkedVisit, action_page
from stack.config import StackConfig
from tests.people import (
    Connection,
    Practice,
    as_service,
    at,
    book,
    every,
    let_it_begin,
    make_member,
    make_practice,
    one,
    tokens_of,
)

HTML = {"Accept": "text/html,application/xhtml+xml"}
STARTS = at(9, days=4)
KINDS = ("confirm", "reschedule", "cancel")


@pytest.fixture
def db(stack: StackConfig) -> Iterator[Connection]:
    with psycopg.connect(stack.db_url(), autocommit=True) as connection:
        yield connection


@pytest.fixture
def practice(db: Connection) -> Practice:
    """A practice whose patient reads German."""
    made = make_practice(db)
    db.execute("update public.patients set locale = 'de' where id = %s", [made.patient])
    return made


def links_about(db: Connection, visit: dict[str, Any]) -> dict[str, str]:
    """The tokens of the latest mail about this visit, as it is now."""
    message = one(
        db,
        "select id from public.notifications where appointment_id = %s"
        " and kind in ('confirmation', 'change', 'offer')"
        " order by appointment_version desc limit 1",
        visit["id"],
    )
    return tokens_of(db, message["id"])


def offer(db: Connection, practice: Practice, visit: dict[str, Any]) -> None:
    db.execute(
        "insert into public.notifications (clinic_id, appointment_id, appointment_version,"
        " kind, recipient_id, channel) values (%s, %s, 1, 'offer', %s, 'email')",
        [practice.clinic, visit["id"], practice.patient],
    )


def status(db: Connection, visit: dict[str, Any]) -> str:
    row = one(db, "select status::text from public.appointments where id = %s", visit["id"])
    return str(row["status"])


async def test_looking_changes_nothing_and_pressing_acts_once(
    api: httpx.AsyncClient, db: Connection, practice: Practice
) -> None:
    visit = book(db, practice, STARTS)
    url = f"/v1/actions/{links_about(db, visit)['cancel']}"
    for _ in range(2):
        shown = await api.get(url)
        assert shown.status_code == 200
        assert (shown.json()["action"], shown.json()["state"]) == ("cancel", "usable")
        await api.head(url)
    assert status(db, visit) == "booked"

    used = await api.post(url)
    assert (used.status_code, used.json()["state"]) == (200, "used")
    assert status(db, visit) == "cancelled"
    again = await api.post(url)
    assert (again.status_code, again.json()) == (200, used.json())
    events = every(
        db, "select from public.appointment_events where appointment_id = %s", visit["id"]
    )
    assert len(events) == 2


async def test_what_is_shown_names_nobody(
    api: httpx.AsyncClient, db: Connection, practice: Practice
) -> None:
    visit = book(db, practice, STARTS)
    url = f"/v1/actions/{links_about(db, visit)['cancel']}"
    for answer in (await api.get(url), await api.get(url, headers=HTML)):
        for private in ("Pat Test", "patients.example", "Dr. Test", str(practice.patient)):
            assert private not in answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"


async def test_people_get_a_page_in_their_language_with_one_button(
    api: httpx.AsyncClient, db: Connection, practice: Practice
) -> None:
    visit = book(db, practice, STARTS)
    url = f"/v1/actions/{links_about(db, visit)['confirm']}"
    page = await api.get(url, headers=HTML)
    assert page.headers["content-type"].startswith("text/html")
    assert '<html lang="de">' in page.text
    assert "Kommen Sie zu diesem Termin?" in page.text
    assert page.text.count("<button") == 1
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy
    done = await api.post(url, headers=HTML)
    assert "Die Praxis weiß, dass Sie kommen." in done.text
    assert "<button" not in done.text
    (confirmed,) = every(
        db,
        "select appointment_version from public.visit_confirmations where appointment_id = %s",
        visit["id"],
    )
    assert confirmed == {"appointment_version": 1}


async def test_another_time_is_chosen_among_those_offered(
    api: httpx.AsyncClient, db: Connection, practice: Practice
) -> None:
    visit = book(db, practice, STARTS)
    url = f"/v1/actions/{links_about(db, visit)['reschedule']}"
    free = (await api.get(url)).json()["free_starts"]
    assert len(free) == 200
    assert 'type="radio"' in (await api.get(url, headers=HTML)).text

    missing = await api.post(url)
    assert (missing.status_code, missing.json()["key"]) == (422, "invalid_time")
    moved = await api.post(url, data={"starts_at": free[30]}, headers=HTML)
    assert moved.status_code == 200
    row = one(db, "select starts_at, version from public.appointments where id = %s", visit["id"])
    assert row["version"] == 2
    assert row["starts_at"].isoformat().replace("+00:00", "Z") == free[30]


async def test_another_time_of_what_needs_approval_is_a_request(
    api: httpx.AsyncClient, db: Connection, practice: Practice
) -> None:
    db.execute("update public.services set needs_approval = true where id = %s", [practice.service])
    visit = book(db, practice, STARTS)
    url = f"/v1/actions/{links_about(db, visit)['reschedule']}"
    moved = await api.post(url, data={"starts_at": (await api.get(url)).json()["free_starts"][0]})
    assert (moved.status_code, moved.json()["status"]) == (200, "pending")
    assert status(db, visit) == "pending"


async def test_a_link_is_bound_to_the_state_its_mail_was_about(
    api: httpx.AsyncClient, db: Connection, practice: Practice
) -> None:
    visit = book(db, practice, STARTS)
    url = f"/v1/actions/{links_about(db, visit)['cancel']}"
    db.execute(
        "update public.appointments set starts_at = %s where id = %s",
        [STARTS + timedelta(hours=1), visit["id"]],
    )
    assert (await api.get(url)).json()["state"] == "stale_version"
    refused = await api.post(url)
    assert (refused.status_code, refused.json()["key"]) == (409, "stale_version")
    page = await api.post(url, headers=HTML)
    assert page.status_code == 409
    assert "geändert" in page.text
    assert status(db, visit) == "booked"


async def test_what_a_mail_did_not_tell_may_change(
    api: httpx.AsyncClient, db: Connection, practice: Practice
) -> None:
    visit = book(db, practice, STARTS)
    url = f"/v1/actions/{links_about(db, visit)['cancel']}"
    db.execute(
        "update public.appointments set buffer_after_minutes = 5 where id = %s", [visit["id"]]
    )
    assert (await api.get(url)).json()["state"] == "usable"
    for change, state in (("arrived", "stale_version"), ("booked", "usable")):
        db.execute(
            "update public.appointments set status = %s where id = %s", [change, visit["id"]]
        )
        assert (await api.get(url)).json()["state"] == state
    assert (await api.post(url)).status_code == 200
    assert status(db, visit) == "cancelled"


async def test_an_offer_ends_with_its_hour(
    api: httpx.AsyncClient, db: Connection, practice: Practice
) -> None:
    visit = book(db, practice, STARTS, status="held")
    offer(db, practice, visit)
    url = f"/v1/actions/{links_about(db, visit)['accept']}"
    assert (await api.get(url)).json()["state"] == "usable"
    db.execute(
        "update public.appointments set hold_expires_at = now() where id = %s", [visit["id"]]
    )
    assert (await api.post(url)).json()["key"] == "link_expired"
    db.execute("update public.appointments set status = 'cancelled' where id = %s", [visit["id"]])
    assert (await api.post(url)).json()["key"] == "link_expired"


@pytest.mark.parametrize("change", ["status = 'cancelled'", "starts_at = starts_at + '1 day'"])
async def test_a_used_link_says_no_more_what_does_not_hold_any_more(
    api: httpx.AsyncClient, db: Connection, practice: Practice, change: LiteralString
) -> None:
    visit = book(db, practice, STARTS)
    url = f"/v1/actions/{links_about(db, visit)['confirm']}"
    assert (await api.post(url)).json()["state"] == "used"
    db.execute(
        f"update public.appointments set {change} where id = %s",
        [visit["id"]],
    )
    assert (await api.get(url)).json()["state"] == "stale_version"
    assert (await api.post(url)).json()["state"] == "stale_version"


async def test_calling_off_late_by_a_link_is_late_and_staff_are_told(
    api: httpx.AsyncClient, db: Connection, practice: Practice
) -> None:
    make_member(db, practice.clinic, "front_desk")
    db.execute("update public.clinics set late_cancel_hours = 120 where id = %s", [practice.clinic])
    late, early = (book(db, practice, at(9, days=days)) for days in (4, 8))
    for visit in (late, early):
        assert (
            await api.post(f"/v1/actions/{links_about(db, visit)['cancel']}")
        ).status_code == 200
    assert every(
        db,
        "select id, cancelled_late, exists (select from public.notifications where"
        "   appointment_id = appointments.id and kind = 'staff_cancellation') as is_told"
        " from public.appointments where clinic_id = %s order by starts_at",
        practice.clinic,
    ) == [
        {"id": late["id"], "cancelled_late": True, "is_told": True},
        {"id": early["id"], "cancelled_late": False, "is_told": False},
    ]


async def test_a_page_speaks_the_language_of_its_mail(
    api: httpx.AsyncClient, db: Connection, practice: Practice
) -> None:
    visit = book(db, practice, STARTS)
    db.execute(
        "insert into public.notification_preferences (clinic_id, patient_id, language)"
        " values (%s, %s, 'fr')",
        [practice.clinic, practice.patient],
    )
    page = await api.get(f"/v1/actions/{links_about(db, visit)['confirm']}", headers=HTML)
    assert '<html lang="fr">' in page.text


async def test_a_link_is_over_when_the_visit_starts(
    api: httpx.AsyncClient, db: Connection, practice: Practice
) -> None:
    visit = book(db, practice, STARTS)
    tokens = links_about(db, visit)
    let_it_begin(db, visit)
    for kind in KINDS:
        refused = await api.post(f"/v1/actions/{tokens[kind]}")
        assert (refused.status_code, refused.json()["key"]) == (410, "link_expired")


async def test_a_link_may_no_more_than_its_patient(
    api: httpx.AsyncClient, db: Connection, practice: Practice
) -> None:
    visit = book(db, practice, STARTS)
    tokens = links_about(db, visit)
    db.execute(
        "update public.services set cancel_notice_minutes = 525600 where id = %s",
        [practice.service],
    )
    for kind in ("cancel", "reschedule"):
        refused = await api.post(f"/v1/actions/{tokens[kind]}")
        assert (refused.status_code, refused.json()["key"]) == (422, "too_late_to_cancel")
    assert (await api.post(f"/v1/actions/{tokens['confirm']}")).status_code == 200
    assert status(db, visit) == "booked"
    # Nor does a later mail offer what it is too late for.
    assert links_about(db, visit).keys() == {"confirm"}


async def test_whoever_comes_too_late_reads_where_to_call(
    api: httpx.AsyncClient, db: Connection, practice: Practice
) -> None:
    visit = book(db, practice, STARTS)
    url = f"/v1/actions/{links_about(db, visit)['cancel']}"
    assert (await api.get(url)).json()["location_phone"] is None
    assert "Telefon" not in (await api.get(url, headers=HTML)).text
    db.execute(
        "update public.locations set phone = '+31 (0)20 555 0100' where id = %s",
        [practice.location],
    )
    db.execute(
        "update public.services set cancel_notice_minutes = 525600 where id = %s",
        [practice.service],
    )
    assert (await api.get(url)).json()["location_phone"] == "+31 (0)20 555 0100"
    for page in (await api.get(url, headers=HTML), await api.post(url, headers=HTML)):
        assert "Bitte rufen Sie" in page.text
        assert 'Telefon: <a href="tel:+31205550100">+31 (0)20 555 0100</a>' in page.text


async def test_an_offer_is_taken_or_left(
    api: httpx.AsyncClient, db: Connection, practice: Practice
) -> None:
    taken, left = (
        book(db, practice, STARTS + timedelta(hours=hour), status="held") for hour in (0, 2)
    )
    for visit in (taken, left):
        offer(db, practice, visit)
    assert (await api.post(f"/v1/actions/{links_about(db, taken)['accept']}")).status_code == 200
    assert (await api.post(f"/v1/actions/{links_about(db, left)['decline']}")).status_code == 200
    assert (status(db, taken), status(db, left)) == ("booked", "cancelled")


def test_the_same_mail_written_again_carries_the_same_links(
    db: Connection, practice: Practice
) -> None:
    visit = book(db, practice, STARTS)
    assert links_about(db, visit) == links_about(db, visit)


async def test_a_token_is_good_for_its_message_and_its_version_only(
    api: httpx.AsyncClient, db: Connection, practice: Practice
) -> None:
    visit, other = (book(db, practice, STARTS + timedelta(hours=hour)) for hour in (0, 2))
    message, version, proof = links_about(db, visit)["cancel"].split(".", 2)
    others = links_about(db, other)["cancel"].split(".", 2)[0]
    for forged in (
        f"{others}.{version}.{proof}",
        f"{message}.2.{proof}",
        f"{message}.{version}.{proof[:-1]}{'A' if proof[-1] != 'A' else 'B'}",
        f"{message}.{version}.{'A' * 43}",
        f"{message}.999999999.{proof}",
    ):
        assert (await api.post(f"/v1/actions/{forged}")).status_code == 404
    assert (status(db, visit), status(db, other)) == ("booked", "booked")


@pytest.mark.parametrize("token", ["x", "A" * 43, "%00", "é", "A" * 101])
async def test_unknown_links_are_not_found_whatever_they_look_like(
    api: httpx.AsyncClient, token: str
) -> None:
    for answer in (await api.get(f"/v1/actions/{token}"), await api.post(f"/v1/actions/{token}")):
        assert answer.status_code in (404, 422)
        assert answer.headers["content-type"] == "application/problem+json"
    page = await api.get(f"/v1/actions/{'A' * 43}", headers=HTML)
    assert (page.status_code, "<h1>" in page.text) == (404, True)


@pytest.mark.parametrize(
    ("content", "content_type", "expected"),
    [
        (b"{", "application/json", 422),
        (b'{"starts_at": "soon"}', "application/json", 422),
        (b'{"starts_at": "2030-01-01T10:00:00"}', "application/json", 422),
        (b"starts_at=soon", "application/x-www-form-urlencoded", 422),
        (b"\xff=\xff", "application/x-www-form-urlencoded", 422),
        (b"x", "text/plain", 415),
    ],
)
async def test_what_cannot_be_meant_is_refused_and_the_link_stays(  # noqa: PLR0917
    api: httpx.AsyncClient,
    db: Connection,
    practice: Practice,
    content: bytes,
    content_type: str,
    expected: int,
) -> None:
    visit = book(db, practice, STARTS)
    url = f"/v1/actions/{links_about(db, visit)['reschedule']}"
    answer = await api.post(url, content=content, headers={"Content-Type": content_type})
    assert answer.status_code == expected
    assert (await api.get(url)).json()["state"] == "usable"


def linked_visit(**changes: Any) -> LinkedVisit:
    row = {
        "action": "reschedule",
        "state": "usable",
        "clinic_name": "Lindenhof",
        "location_name": "Lindenhof",
        "location_address": None,
        "location_phone": None,
        "starts_at": STARTS.isoformat(),
        "ends_at": (STARTS + timedelta(minutes=30)).isoformat(),
        "time_zone": "Europe/Zurich",
        "clock_hours": None,
        "locale": "en-GB",
        "status": "booked",
    }
    return LinkedVisit.from_row(row | changes)


def test_times_are_chosen_by_day_and_only_the_first_day_is_open() -> None:
    midnight = datetime(2026, 11, 30, 23, tzinfo=UTC)  # in Zurich it is the next day already
    slots = [
        midnight + timedelta(days=day, hours=8, minutes=15 * quarter)
        for day in range(6)
        for quarter in range(32)
    ]
    page = action_page(linked_visit(), slots, "https://site.example")
    days = re.findall(
        r"<details( open)?>\s*<summary>(.*?)</summary>(.*?)</details>", page, re.DOTALL
    )
    assert [bool(is_open) for is_open, *_ in days] == [True, *[False] * 5]
    assert days[0][1] == "Tuesday, 1 December 2026"
    assert days[5][1] == "Sunday, 6 December 2026"
    assert {times.count('type="radio"') for *_, times in days} == {32}
    assert "> 08:00</label>" in days[0][2]


@pytest.mark.parametrize("action", ["reschedule", "accept"])
def test_what_waits_for_approval_is_not_called_done(action: str) -> None:
    def heading(status: str) -> str:
        visit = linked_visit(action=action, state="used", status=status)
        page = action_page(visit, [], "https://site.example")
        return re.findall(r"<h1>(.*?)</h1>", page)[0]

    assert "will tell you whether the appointment can take place" in heading("pending")
    assert "will tell you" not in heading("booked")


def test_tokens_cannot_be_read_over_http(db: Connection, practice: Practice) -> None:
    with as_service(db), pytest.raises(psycopg.errors.InsufficientPrivilege):
        db.execute("select value from private.settings")
