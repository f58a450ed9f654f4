"""Mails about no single visit: a provider's day, and Auth's codes and links."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest

from appoint.mail import Letter, Mail, UnknownKindError, message_from_row, render_message
from appoint.mail.rendering import languages, wordings
from stack.config import PROJECT_DIR
from tests.workers.notifications import SENDER, claimed_row

AGENDA = {
    "day": "2026-03-29",
    "visits": [
        {
            "starts_at": "2026-03-29T07:30:00+00:00",
            "ends_at": "2026-03-29T08:00:00+00:00",
            "time_zone": "Europe/Zurich",
            "service_name": "Check-up",
            "location_name": "Lindenhof",
            "seats_taken": None,
        }
    ],
}
NOT_ABOUT_A_VISIT = dict.fromkeys(
    (
        "appointment_id",
        "appointment_version",
        "recipient_name",
        "location_name",
        "location_address",
        "location_phone",
        "provider_name",
        "service_name",
        "starts_at",
        "ends_at",
        "time_zone",
    )
)


def letter(kind: str, content: dict[str, Any], **changes: Any) -> Mail:
    row = claimed_row(kind=kind, content=content, **NOT_ABOUT_A_VISIT) | changes
    message = message_from_row(row)
    assert isinstance(message, Letter)
    return render_message(message, SENDER)


def log_in(action: str = "magiclink", **changes: Any) -> Mail:
    content = {"action": action, "code": "483920", "link": "https://auth.example/verify?t=1"}
    return letter("log_in", content | changes, clinic_name=None)


def test_an_agenda_tells_the_day_by_the_clock_of_each_place() -> None:
    mail = letter("agenda", AGENDA)
    for body in (mail.html, mail.text):
        assert "Sunday, March 29, 2026" in body
        assert "9:30 AM – 10:00 AM" in body
        assert "Check-up" in body
        assert "Lindenhof" in body
    assert mail.subject == "Your appointments today"


def test_an_agenda_says_how_many_come_to_a_group_session() -> None:
    session = AGENDA["visits"][0] | {"seats_taken": 8}  # type: ignore[index, operator]
    mail = letter("agenda", AGENDA | {"visits": [AGENDA["visits"][0], session]})  # type: ignore[index]
    for body in (mail.html, mail.text):
        assert body.count("Seats taken") == 1
        assert "Seats taken: 8" in body


def test_an_agenda_can_be_declined_and_log_in_mail_cannot() -> None:
    agenda = letter("agenda", AGENDA, action_tokens={"unsubscribe": "no-more"})
    assert agenda.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert agenda.headers["List-Unsubscribe"].endswith("/no-more>")
    assert "/no-more" in agenda.html
    assert "/no-more" in agenda.text
    assert log_in().headers.keys() == {"Auto-Submitted"}


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("action", wordings()["en"]["log_in"])
def test_log_in_mail_carries_its_link_and_its_code(action: str, language: str) -> None:
    mail = log_in(action, language=language)
    assert mail.language == language
    for body in (mail.html, mail.text):
        assert "https://auth.example/verify?t=1" in body
        assert "483920" in body
    assert "483920" not in mail.subject


@pytest.mark.parametrize("language", languages())
def test_who_is_invited_is_not_told_to_have_asked(language: str) -> None:
    words = wordings()[language]["log_in"]
    asked = words["signup"]["closing"]
    assert asked not in log_in("invite", language=language).text
    # Whoever has an account gets a log-in link as their invitation.
    assert asked not in log_in("magiclink", language=language).text


@pytest.mark.parametrize("language", languages())
def test_a_clinic_that_invites_somebody_to_its_staff_is_named(language: str) -> None:
    words = wordings()[language]["log_in"]["invite"]
    named = log_in("invite", language=language, clinic_name="Lindenhof")
    assert named.sender.startswith("Lindenhof ")
    for body in (named.html, named.text):
        assert "Lindenhof" in body
        assert words["intro_of_clinic"] in body
    # Somebody can be invited in Auth's own dashboard, too.
    assert words["intro"] in log_in("invite", language=language).text


def test_a_code_without_a_link_has_no_button() -> None:
    mail = log_in("reauthentication", link=None)
    assert "<a " not in mail.html
    assert "None" not in mail.html + mail.text


@pytest.mark.parametrize("language", languages())
def test_an_invitation_leads_to_the_site_and_names_nobody(language: str) -> None:
    mail = letter("guardian_invitation", {"language": language}, recipient_name=None)
    assert mail.language == language
    for body in (mail.html, mail.text):
        assert f"{SENDER.site_url}/account/family" in body
        assert "Lindenhof Family Practice" in body
        assert "Ada" not in body
    assert mail.headers.keys() == {"Auto-Submitted"}


def test_every_action_the_database_takes_has_words() -> None:
    source = (PROJECT_DIR / "supabase/migrations/20260901003040_log_in_mail.sql").read_text()
    listed = re.search(r"action, ''\) not in \((.*?)\)", source, re.DOTALL)
    assert listed
    assert set(re.findall(r"'(\w+)'", listed[1])) == wordings()["en"]["log_in"].keys()


def test_what_has_no_words_is_refused() -> None:
    with pytest.raises(UnknownKindError):
        log_in("sms")


def test_markup_in_what_is_told_stays_text() -> None:
    visit = AGENDA["visits"][0] | {"service_name": "<b>x</b>"}  # type: ignore[index, operator]
    mail = letter("agenda", AGENDA | {"visits": [visit]}, notification_id=str(uuid.uuid4()))
    assert "<b>" not in mail.html
