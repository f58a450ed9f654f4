"""Links that stop messages: only what may be declined, by POST alone, for that recipient alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from api.action_page import subscription_page
from stack.config import StackConfig
from tests.people import (
    Connection,
    Practice,
    as_service,
    at,
    book,
    every,
    insert,
    make_member,
    make_patient,
    make_practice,
    one,
    tokens_of,
)
from tests.workers.bookings import mails_to

HTML = {"Accept": "text/html,application/xhtml+xml"}
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def db(stack: StackConfig) -> Iterator[Connection]:
    with psycopg.connect(stack.db_url(), autocommit=True) as connection:
        yield connection


@pytest.fixture
def practice(db: Connection) -> Practice:
    """A practice that reminds, and whose patient reads German."""
    made = make_practice(db)
    db.execute(
        "update public.clinics set reminder_offsets_minutes = '{120}' where id = %s", [made.clinic]
    )
    db.execute("update public.patients set locale = 'de' where id = %s", [made.patient])
    return made


def message_about(
    db: Connection, practice: Practice, kind: str, hour: int = 9, **columns: Any
) -> UUID:
    """The message of that kind about a new visit; written for the test if nothing queued it."""
    visit = book(db, practice, at(hour, days=4))
    found = every(
        db,
        "select id from public.notifications where appointment_id = %s and kind::text = %s",
        visit["id"],
        kind,
    )
    if found:
        message: UUID = found[0]["id"]
    else:
        columns = {"recipient_id": practice.patient, "appointment_version": 1} | columns
        message = insert(
            db,
            "public.notifications",
            clinic_id=practice.clinic,
            appointment_id=visit["id"],
            kind=kind,
            due_at=at(0, days=300),
            **columns,
        )["id"]
    return message


def link_of(db: Connection, message: UUID) -> str:
    return f"/v1/unsubscribe/{message}/{tokens_of(db, message)['unsubscribe']}"


def preferences(db: Connection, practice: Practice) -> list[dict[str, Any]]:
    return every(
        db,
        "select patient_id, user_id, reminders, follow_ups, new_bookings, late_cancellations,"
        "   daily_agenda"
        " from public.notification_preferences where clinic_id = %s",
        practice.clinic,
    )


async def test_looking_changes_nothing_and_one_click_stops_reminders(
    api: httpx.AsyncClient, db: Connection, practice: Practice
) -> None:
    link = link_of(db, message_about(db, practice, "reminder"))
    for _ in range(2):
        shown = await api.get(link)
        assert shown.json() == {
            "topic": "reminders",
            "is_declined": False,
            "clinic_name": "Test Clinic",
        }
        await api.head(link)
    assert preferences(db, practice) == []

    for _ in range(2):
        stopped = await api.post(link, data=ONE_CLICK, follow_redirects=False)
        assert (stopped.status_code, stopped.json()["is_declined"]) == (200, True)
    (preference,) = preferences(db, practice)
    assert preference == {
        "patient_id": practice.patient,
        "user_id": None,
        "reminders": False,
        "follow_ups": True,
        "new_bookings": None,
        "late_cancellations": None,
        "daily_agenda": None,
    }


@pytest.mark.parametrize(
    ("topic", "said"),
    [("reminders", "turn them on in your account"), ("daily_agenda", "ask whoever manages")],
)
def test_who_stopped_messages_reads_how_to_get_them_again(topic: str, said: str) -> None:
    page = subscription_page(topic, True, "Lindenhof", "en", "https://site.example")
    assert said in page


async def test_the_button_of_a_mail_program_works_on_a_mail_that_really_went_out(
    stack: StackConfig, db: Connection, practice: Practice
) -> None:
    message = message_about(db, practice, "reminder")
    db.execute("update public.notifications set due_at = now() where id = %s", [message])
    patient = one(db, "select email from public.patients where id = %s", practice.patient)
    confirmation, reminder = sorted(
        await mails_to(stack, patient["email"], at_least=2),
        key=lambda mail: mail["tags"][0]["value"] == str(message),
    )
    assert "List-Unsubscribe" not in confirmation["headers"]
    assert reminder["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    async with httpx.AsyncClient() as mail_program:
        address = reminder["headers"]["List-Unsubscribe"].strip("<>")
        stopped = await mail_program.post(address, data=ONE_CLICK)
    assert stopped.status_code == 200
    (preference,) = preferences(db, practice)
    assert preference["reminders"] is False


async def test_a_mail_program_may_send_the_click_as_form_data(
    api: httpx.AsyncClient, db: Connection, practice: Practice
) -> None:
    link = link_of(db, message_about(db, practice, "follow_up"))
    fields = {"List-Unsubscribe": (None, "One-Click")}
    assert (await api.post(link, files=fields)).status_code == 200
    (preference,) = preferences(db, practice)
    assert (preference["reminders"], preference["follow_ups"]) == (True, False)


async def test_what_is_queued_already_is_not_sent_any_more(
    api: httpx.AsyncClient, db: Connection, practice: Practice
) -> None:
    message = message_about(db, practice, "reminder")
    await api.post(link_of(db, message))
    verdict = one(
        db,
        "select (private.judge_by_preference(message, visit)).* from public.notifications message"
        " join public.appointments visit on visit.id = message.appointment_id"
        " where message.id = %s",
        message,
    )
    assert (verdict["status"], verdict["reason"]) == ("skipped", "opted_out")


@pytest.mark.parametrize(
    ("kind", "topic"),
    [
        ("staff_booking", "new_bookings"),
        ("staff_request", "new_bookings"),
        ("staff_cancellation", "late_cancellations"),
        ("agenda", "daily_agenda"),
    ],
)
async def test_members_stop_theirs_and_nobody_elses(
    api: httpx.AsyncClient, db: Connection, practice: Practice, kind: str, topic: str
) -> None:
    member, colleague = (make_member(db, practice.clinic, "front_desk") for _ in range(2))
    recipient: dict[str, Any] = {"recipient_id": None, "recipient_user_id": member}
    if kind == "agenda":
        message = insert(
            db,
            "public.notifications",
            clinic_id=practice.clinic,
            kind=kind,
            provider_id=practice.provider,
            day=at(0).date(),
            due_at=at(0, days=300),
            recipient_user_id=member,
        )["id"]
    else:
        message = message_about(db, practice, kind, **recipient)
    stopped = await api.post(link_of(db, message))
    assert (stopped.status_code, stopped.json()["topic"]) == (200, topic)
    (preference,) = preferences(db, practice)
    assert preference["user_id"] == member != colleague
    assert {name for name, value in preference.items() if value is False} == {topic}


async def test_what_must_be_told_has_no_such_link(
    api: httpx.AsyncClient, db: Connection, practice: Practice
) -> None:
    for hour, kind in enumerate(("confirmation", "cancellation", "request")):
        message = message_about(db, practice, kind, hour)
        assert "unsubscribe" not in tokens_of(db, message)
        secret = "select value from private.settings where key = 'action_links_secret'"
        made = one(db, f"select private.unsubscribe_token(%s, ({secret})) as token", message)
        refused = await api.post(f"/v1/unsubscribe/{message}/{made['token']}")
        assert (refused.status_code, refused.json()["key"]) == (404, "not_found")
    assert preferences(db, practice) == []


async def test_the_token_of_one_message_opens_no_other(
    api: httpx.AsyncClient, db: Connection, practice: Practice
) -> None:
    message = message_about(db, practice, "reminder")
    token = tokens_of(db, message)["unsubscribe"]
    other = message_about(db, practice, "reminder", 12)
    for path in (
        f"{other}/{token}",
        f"{uuid4()}/{token}",
        f"{message}/{token[:-1]}",
        f"{message}/{'A' * 43}",
        f"{message}/%00",
        f"not-an-id/{token}",
    ):
        for answer in (
            await api.get(f"/v1/unsubscribe/{path}"),
            await api.post(f"/v1/unsubscribe/{path}"),
        ):
            assert answer.status_code in (404, 422)
            assert answer.headers["content-type"] == "application/problem+json"
    assert preferences(db, practice) == []


async def test_people_get_a_page_in_their_language_with_one_button(
    api: httpx.AsyncClient, db: Connection, practice: Practice
) -> None:
    link = link_of(db, message_about(db, practice, "reminder"))
    page = await api.get(link, headers=HTML)
    assert '<html lang="de">' in page.text
    assert "Diese Nachrichten abbestellen?" in page.text
    assert page.text.count("<button") == 1
    assert "Pat Test" not in page.text
    done = await api.post(link, headers=HTML)
    assert "Diese Nachrichten sind abbestellt." in done.text
    assert "<button" not in done.text
    unknown = await api.get(f"/v1/unsubscribe/{uuid4()}/x", headers=HTML)
    assert (unknown.status_code, "<h1>" in unknown.text) == (404, True)


async def test_other_wishes_stay_as_they_are(
    api: httpx.AsyncClient, db: Connection, practice: Practice
) -> None:
    insert(
        db,
        "public.notification_preferences",
        clinic_id=practice.clinic,
        patient_id=practice.patient,
        language="fr",
        follow_ups=False,
    )
    other = make_patient(db, practice.clinic)
    page = await api.post(link_of(db, message_about(db, practice, "reminder")), headers=HTML)
    assert '<html lang="fr">' in page.text
    (kept,) = every(
        db,
        "select patient_id, language, reminders, follow_ups from public.notification_preferences"
        " where clinic_id = %s",
        practice.clinic,
    )
    assert kept == {
        "patient_id": practice.patient,
        "language": "fr",
        "reminders": False,
        "follow_ups": False,
    }
    assert other != practice.patient


async def test_who_was_erased_has_no_wishes(
    api: httpx.AsyncClient, db: Connection, practice: Practice
) -> None:
    link = link_of(db, message_about(db, practice, "reminder"))
    with as_service(db):
        db.execute("select worker.erase_person(patient_id => %s)", [practice.patient])
    assert (await api.post(link)).status_code == 404
    assert preferences(db, practice) == []
