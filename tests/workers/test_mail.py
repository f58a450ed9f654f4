"""What mails say and what they must never carry."""

from __future__ import annotations

import pytest

from appoint.mail import Notification, UnknownKindError, render
from tests.workers.notifications import claimed_row, notification

SITE = "https://appoint.example"
KINDS = ("confirmation", "change", "cancellation", "offer")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_when_where_with_whom_and_for_what(kind: str) -> None:
    mail = render(notification(kind=kind), SITE)
    for body in (mail.html, mail.text):
        assert "Saturday, 28 March 2026" in body
        assert "9:30 am – 10:00 am" in body
        assert "Europe/Zurich, UTC+01:00" in body
        assert "Lindenstrasse 12, 8001 Zürich" in body
        assert "Dr. Grace Hopper" in body
        assert "First consultation" in body
        assert SITE in body


def test_the_day_after_the_clocks_change_uses_the_new_offset() -> None:
    mail = render(
        notification(starts_at="2026-03-29T08:30:00+00:00", ends_at="2026-03-29T09:00:00+00:00"),
        SITE,
    )
    assert "10:30 am – 11:00 am" in mail.text
    assert "UTC+02:00" in mail.text


def test_an_offer_says_until_when_it_is_kept() -> None:
    mail = render(notification(kind="offer", answer_by="2026-03-27T16:45:00+00:00"), SITE)
    for body in (mail.html, mail.text):
        assert "Friday, 27 March 2026, 5:45 pm" in body


@pytest.mark.parametrize(
    ("starts_at", "expected"),
    [
        ("2026-07-01T16:00:00+00:00", "12:00 pm"),
        ("2026-07-01T04:05:00+00:00", "12:05 am"),
        ("2026-07-01T21:45:00+00:00", "5:45 pm"),
    ],
)
def test_noon_midnight_and_afternoon_are_told_apart(starts_at: str, expected: str) -> None:
    mail = render(notification(starts_at=starts_at, time_zone="America/New_York"), SITE)
    assert expected in mail.text


@pytest.mark.parametrize("kind", KINDS)
def test_subjects_carry_nothing_from_the_row(kind: str) -> None:
    secret = "Canary-Value"
    hidden = dict.fromkeys(
        ("recipient_name", "clinic_name", "location_name", "provider_name", "service_name"), secret
    )
    subject = render(notification(kind=kind, **hidden), SITE).subject
    assert secret not in subject
    assert "\n" not in subject


def test_markup_in_names_stays_text() -> None:
    mail = render(notification(clinic_name="<script>alert(1)</script> & Co"), SITE)
    assert "<script>" not in mail.html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Co" in mail.html


def test_line_breaks_and_direction_changes_in_names_disappear() -> None:
    row = claimed_row(provider_name="Dr. A\r\nBcc: x\u2028y\u202egnp.exe\u0000\u200b")
    assert Notification.from_row(row).provider_name == "Dr. A Bcc: x ygnp.exe"


@pytest.mark.parametrize("name", ["Win at http://evil.example", "evil.example", "x@evil.example"])
def test_whoever_types_a_link_as_their_name_gets_no_link_mailed(name: str) -> None:
    mail = render(notification(recipient_name=name), SITE)
    assert "evil" not in mail.html + mail.text
    assert "Hello," in mail.text


def test_ordinary_names_with_dots_are_greeted() -> None:
    assert (
        "Hello J.R.R. Tolkien Jr.,"
        in render(notification(recipient_name="J.R.R. Tolkien Jr."), SITE).text
    )


def test_the_same_row_gives_the_same_bytes() -> None:
    row = claimed_row()
    first, second = (render(Notification.from_row(row), SITE) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("locale", ["en_GB", "xx", "", None])
def test_a_language_without_wording_falls_back_to_english(locale: str | None) -> None:
    mail = render(notification(locale=locale), SITE)
    assert mail.language == "en"
    assert mail.subject == "Your appointment is confirmed"


def test_what_is_not_known_is_left_out() -> None:
    mail = render(notification(location_address=None, provider_name=None), SITE)
    assert "With:" not in mail.text
    assert "None" not in mail.text + mail.html


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UnknownKindError):
        render(notification(kind="singing_telegram"), SITE)
