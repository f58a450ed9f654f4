"""What mails say and what they must never carry."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from appoint.mail import Notification, UnknownKindError, render
from appoint.mail.notification import one_line
from appoint.mail.rendering import call_url, kinds
from appoint.mail.wall_clock import writing_for, zone_in_words
from tests.workers.notifications import SENDER, claimed_row, notification

KINDS = ("confirmation", "change", "cancellation", "offer")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_when_where_with_whom_and_for_what(kind: str) -> None:
    mail = render(notification(kind=kind), SENDER)
    for body in (mail.html, mail.text):
        assert "Saturday, March 28, 2026" in body
        assert "9:30 AM – 10:00 AM" in body
        assert "Central European Standard Time, UTC+01:00" in body
        assert "Lindenstrasse 12, 8001 Zürich" in body
        assert "Dr. Grace Hopper" in body
        assert "First consultation" in body
        assert SENDER.site_url in body


def test_the_day_after_the_clocks_change_uses_the_new_offset() -> None:
    mail = render(
        notification(starts_at="2026-03-29T08:30:00+00:00", ends_at="2026-03-29T09:00:00+00:00"),
        SENDER,
    )
    assert "10:30 AM – 11:00 AM" in mail.text
    assert "UTC+02:00" in mail.text


@pytest.mark.parametrize(
    ("time_zone", "locale", "january", "july"),
    [
        ("Europe/Dublin", "en", "Greenwich Mean Time, UTC+00:00", "Irish Standard Time, UTC+01:00"),
        (
            "Europe/Dublin", "de",
            "Mittlere Greenwich-Zeit, UTC+00:00", "Irische Sommerzeit, UTC+01:00",
        ),
        (
            "Australia/Sydney", "en",
            "Australian Eastern Daylight Time, UTC+11:00",
            "Australian Eastern Standard Time, UTC+10:00",
        ),
        ("UTC", "en", "Coordinated Universal Time, UTC+00:00",
         "Coordinated Universal Time, UTC+00:00"),
        ("Asia/Kathmandu", "en", "UTC+05:45", "UTC+05:45"),
        ("Asia/Kathmandu", "fr", "UTC+05:45", "UTC+05:45"),
        ("Africa/Casablanca", "en", "UTC+01:00", "UTC+01:00"),
    ],
)  # fmt: skip
def test_the_zone_is_called_as_its_people_do(
    time_zone: str, locale: str, january: str, july: str
) -> None:
    writing = writing_for(locale, locale, None)
    told = [
        zone_in_words(datetime(2026, month, 15, 12, tzinfo=UTC), ZoneInfo(time_zone), writing)
        for month in (1, 7)
    ]
    assert told == [january, july]


def test_an_offer_says_until_when_it_is_kept() -> None:
    mail = render(notification(kind="offer", answer_by="2026-03-27T16:45:00+00:00"), SENDER)
    for body in (mail.html, mail.text):
        assert "Friday, March 27, 2026, 5:45 PM" in body


@pytest.mark.parametrize(
    ("starts_at", "expected"),
    [
        ("2026-07-01T16:00:00+00:00", "12:00 PM"),
        ("2026-07-01T04:05:00+00:00", "12:05 AM"),
        ("2026-07-01T21:45:00+00:00", "5:45 PM"),
    ],
)
def test_noon_midnight_and_afternoon_are_told_apart(starts_at: str, expected: str) -> None:
    mail = render(notification(starts_at=starts_at, time_zone="America/New_York"), SENDER)
    assert expected in mail.text


@pytest.mark.parametrize("kind", KINDS)
def test_subjects_carry_nothing_from_the_row(kind: str) -> None:
    secret = "Canary-Value"
    hidden = dict.fromkeys(
        ("recipient_name", "clinic_name", "location_name", "provider_name", "service_name"), secret
    )
    subject = render(notification(kind=kind, **hidden), SENDER).subject
    assert secret not in subject
    assert "\n" not in subject


def test_markup_in_names_stays_text() -> None:
    mail = render(notification(clinic_name="<script>alert(1)</script> & Co"), SENDER)
    assert "<script>" not in mail.html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Co" in mail.html


def test_line_breaks_and_direction_changes_in_names_disappear() -> None:
    row = claimed_row(provider_name="Dr. A\r\nBcc: x\u2028y\u202egnp.exe\u0000\u200b")
    assert Notification.from_row(row).provider_name == "Dr. A Bcc: x ygnp.exe"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",) * 2,
        ("\u0dc1\u0dca\u200d\u0dbb\u0dd3",) * 2,
        ("\U0001f468\U0001f3fd\u200d\u2695\ufe0f",) * 2,
        ("pay\u200dpal", "paypal"),
        ("\u200d\u0645\u200c \u0645\u200c\u200d\u0645\u200d", "\u0645 \u0645\u0645"),
        ("\u202e\u200d\u202e\u0645", "\u0645"),
    ],
)
def test_joiners_stay_where_letters_and_emoji_need_them(written: str, shown: str) -> None:
    assert one_line(written) == shown


@pytest.mark.parametrize("name", ["Win at http://evil.example", "evil.example", "x@evil.example"])
def test_whoever_types_a_link_as_their_name_gets_no_link_mailed(name: str) -> None:
    mail = render(notification(recipient_name=name), SENDER)
    assert "evil" not in mail.html + mail.text
    assert "Hello," in mail.text


def test_ordinary_names_with_dots_are_greeted() -> None:
    assert (
        "Hello J.R.R. Tolkien Jr.,"
        in render(notification(recipient_name="J.R.R. Tolkien Jr."), SENDER).text
    )


def test_the_same_row_gives_the_same_bytes() -> None:
    row = claimed_row()
    first, second = (render(Notification.from_row(row), SENDER) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("locale", "date", "time"),
    [
        ("en-GB", "Saturday, 28 March 2026", "09:30 – 10:00"),
        ("de-CH", "Samstag, 28. März 2026", "09:30 – 10:00"),
        ("de_AT", "Samstag, 28. März 2026", "09:30 – 10:00"),
        ("fr", "samedi 28 mars 2026", "09:30 – 10:00"),
        ("es-MX", "sábado, 28 de marzo de 2026", "9:30 a.m. – 10:00 a.m."),
        ("de-ZZ", "Samstag, 28. März 2026", "09:30 – 10:00"),
    ],
)
def test_dates_and_times_are_written_as_the_recipients_country_does(
    locale: str, date: str, time: str
) -> None:
    mail = render(notification(locale=locale), SENDER)
    for body in (mail.html, mail.text):
        assert f"{date}, {time}" in body


def test_a_guardian_is_told_whose_visit_it_is() -> None:
    mail = render(notification(recipient_name=None, patient_name="Mia Jansen"), SENDER)
    assert "For: Mia Jansen" in mail.text
    assert "Mia Jansen" in mail.html
    for body in (mail.html, mail.text):
        assert "Hello," in body
        assert "because you act for this patient" in body
    assert "Mia" not in mail.subject
    assert "Mia" not in mail.attachments[0].content.decode()


@pytest.mark.parametrize(
    ("locale", "clock_hours", "time"),
    [
        ("en", 24, "15:05 – 16:00"),
        ("en", 12, "3:05 PM – 4:00 PM"),
        ("en-GB", 12, "3:05 pm – 4:00 pm"),
        ("de", 24, "15:05 – 16:00"),
        ("de", 12, "3:05 PM – 4:00 PM"),
        ("fr", 24, "15:05 – 16:00"),
        ("es-MX", 24, "15:05 – 16:00"),
        ("es", 12, "3:05 p. m. – 4:00 p. m."),
    ],
)
def test_a_clinic_may_choose_the_clock_its_messages_tell_the_time_by(
    locale: str, clock_hours: int, time: str
) -> None:
    mail = render(
        notification(
            locale=locale,
            clock_hours=clock_hours,
            starts_at="2026-03-28T14:05:00+00:00",
            ends_at="2026-03-28T15:00:00+00:00",
        ),
        SENDER,
    )
    for body in (mail.html, mail.text):
        assert time in body


def test_links_lead_to_the_api_with_the_secrets_of_the_row() -> None:
    tokens = {"reschedule": "move-it", "cancel": "call-off", "confirm": "unused"}
    mail = render(notification(action_tokens=tokens), SENDER)
    for body in (mail.html, mail.text):
        assert "https://api.appoint.example/v1/actions/move-it" in body
        assert "https://api.appoint.example/v1/actions/call-off" in body
        assert "unused" not in body, "a confirmation asks for no confirmation"


@pytest.mark.parametrize(
    ("clinic_name", "sender"),
    [
        ("Lindenhof Family Practice", "Lindenhof Family Practice <appointments@appoint.example>"),
        ("Smith, Jones & Co.", '"Smith, Jones & Co." <appointments@appoint.example>'),
        ('"Zahn" <x>', "Appoint <appointments@appoint.example>"),
        ("boss@bank.example", "Appoint <appointments@appoint.example>"),
        ("Zürich", "=?utf-8?q?Z=C3=BCrich?= <appointments@appoint.example>"),
        (None, "Appoint <appointments@appoint.example>"),
    ],
)
def test_mails_come_in_the_clinics_name_from_the_configured_address(
    clinic_name: str | None, sender: str
) -> None:
    assert render(notification(clinic_name=clinic_name), SENDER).sender == sender


@pytest.mark.parametrize("kind", ["reminder", "follow_up", "staff_booking"])
def test_what_may_be_declined_carries_a_link_for_one_click(kind: str) -> None:
    row = notification(kind=kind, action_tokens={"unsubscribe": "no-more"})
    mail = render(row, SENDER)
    url = f"https://api.appoint.example/v1/unsubscribe/{row.notification_id}/no-more"
    assert mail.headers == {
        "Auto-Submitted": "auto-generated",
        "List-Unsubscribe": f"<{url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    for body in (mail.html, mail.text):
        assert url in body


def test_what_must_be_told_carries_none() -> None:
    mail = render(notification(action_tokens={"cancel": "call-off"}), SENDER)
    assert mail.headers == {"Auto-Submitted": "auto-generated"}
    assert "unsubscribe" not in mail.html + mail.text


def test_the_map_is_of_the_address_and_of_nothing_else() -> None:
    mail = render(notification(), SENDER)
    address = "Lindenstrasse%2012%2C%208001%20Z%C3%BCrich"
    assert f"https://www.openstreetmap.org/search?query={address}" in mail.html
    assert "openstreetmap" not in render(notification(location_address=None), SENDER).html


@pytest.mark.parametrize("kind", list(kinds()))
def test_every_mail_about_a_visit_says_where_to_call(kind: str) -> None:
    mail = render(notification(kind=kind), SENDER)
    assert re.search(r'<a [^>]*href="tel:\+41445550100"[^>]*>\+41 44 555 01 00</a>', mail.html)
    assert "Phone: +41 44 555 01 00" in mail.text
    without = render(notification(kind=kind, location_phone=None), SENDER)
    for body in (without.html, without.text):
        assert "Phone" not in body
        assert "tel:" not in body


@pytest.mark.parametrize(
    ("phone", "url"),
    [
        ("020 / 555-01.00", "tel:0205550100"),
        ("+43 (0)1 555 0100", "tel:+4315550100"),
        ("(020) 555 0100", "tel:0205550100"),
        (None, None),
    ],
)
def test_a_number_is_dialled_without_what_makes_it_readable(
    phone: str | None, url: str | None
) -> None:
    assert call_url(phone) == url


def test_what_to_bring_is_said_unless_the_visit_is_off() -> None:
    def text(kind: str) -> str:
        return render(notification(kind=kind, preparation="Insurance card"), SENDER).text

    assert "Please note: Insurance card" in text("confirmation")
    assert "Insurance card" not in text("cancellation")


def test_a_mail_loads_nothing_from_anywhere() -> None:
    html = render(notification(), SENDER).html
    assert not re.search(r"<(img|script|link|iframe)|url\(|@import|src=", html)


@pytest.mark.parametrize("locale", ["en_GB", "xx", "", None])
def test_a_language_without_wording_falls_back_to_english(locale: str | None) -> None:
    mail = render(notification(locale=locale), SENDER)
    assert mail.language == "en"
    assert mail.subject == "Your appointment is confirmed"


def test_what_is_not_known_is_left_out() -> None:
    mail = render(notification(location_address=None, provider_name=None), SENDER)
    assert "With:" not in mail.text
    assert "None" not in mail.text + mail.html


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UnknownKindError):
        render(notification(kind="singing_telegram"), SENDER)
