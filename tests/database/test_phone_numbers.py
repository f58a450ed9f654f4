"""Where patients call: a place's number, checked, trimmed, and read by whoever sees the place."""

from __future__ import annotations

import psycopg
import pytest

from tests.database.test_sent_once import claim
from tests.people import (
    Connection,
    Practice,
    as_anon,
    as_service,
    as_user,
    at,
    book,
    make_clinic,
    make_location,
    make_member,
    make_practice,
    one,
    refused,
)

SET_PHONE = "update public.locations set phone = %s where id = %s"
PHONE = "select phone from public.locations where id = %s"


@pytest.fixture
def practice(db: Connection) -> Practice:
    return make_practice(db)


@pytest.mark.parametrize(
    "phone",
    [
        "12345",
        "+31 20 555 0100",
        "(020) 555-01.00",
        "+43 (0)1 555 01 / 00",
        "+123456789012345678901234",
    ],
)
def test_a_plausible_number_is_kept_as_it_is_written(
    db: Connection, practice: Practice, phone: str
) -> None:
    with as_user(db, make_member(db, practice.clinic, "manager")):
        assert db.execute(SET_PHONE, [f"  {phone} ", practice.location]).rowcount == 1
    assert one(db, PHONE, practice.location)["phone"] == phone


@pytest.mark.parametrize("phone", ["", "   ", None])
def test_an_empty_field_is_none(db: Connection, practice: Practice, phone: str | None) -> None:
    db.execute(SET_PHONE, ["+31 20 555 0100", practice.location])
    db.execute(SET_PHONE, [phone, practice.location])
    assert one(db, PHONE, practice.location)["phone"] is None


@pytest.mark.parametrize(
    "phone",
    [
        "1234",
        "1 2 3 4",
        "ask Pat",
        "020 555 0100 ext. 4",
        "020+555 0100",
        "++31 20 555 0100",
        "020 555 0100\n020 555 0101",
        "020 555 0100;ext=4",
        "<b>020 555 0100</b>",
        "-----",
        "٠٢٠٥٥٥٠١٠٠",
    ],
)
def test_what_nobody_can_dial_is_refused(db: Connection, practice: Practice, phone: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation) as caught:
        db.execute(SET_PHONE, [phone, practice.location])
    assert caught.value.diag.constraint_name == "locations_phone_is_a_number"


def test_a_number_without_end_is_refused_in_words(db: Connection, practice: Practice) -> None:
    with refused(db, "invalid_input"):
        db.execute(SET_PHONE, ["0" * 26, practice.location])


@pytest.mark.parametrize(
    ("role", "may"),
    [("owner", True), ("manager", True), ("front_desk", False), ("provider", False)],
)
def test_whoever_writes_places_writes_their_number(
    db: Connection, practice: Practice, role: str, may: bool
) -> None:
    with as_user(db, make_member(db, practice.clinic, role)):
        written = db.execute(SET_PHONE, ["+31 20 555 0100", practice.location])
    assert (written.rowcount == 1) is may
    with as_user(db, make_member(db, make_clinic(db), "owner")):
        assert db.execute(SET_PHONE, ["+31 20 555 0199", practice.location]).rowcount == 0


def test_visitors_read_it_where_they_read_the_address(db: Connection, practice: Practice) -> None:
    hidden = make_location(db, make_clinic(db, books_publicly=False))
    for location in (practice.location, hidden):
        db.execute(SET_PHONE, ["+31 20 555 0100", location])
    with as_anon(db):
        assert one(db, PHONE, practice.location)["phone"] == "+31 20 555 0100"
        assert db.execute(PHONE, [hidden]).fetchall() == []


def test_mails_and_their_links_know_the_number_of_the_visits_place(
    db: Connection, practice: Practice
) -> None:
    db.execute(SET_PHONE, ["+31 20 555 0100", practice.location])
    book(db, practice, at(9))
    (message,) = claim(db)
    assert message["location_phone"] == "+31 20 555 0100"
    token = message["action_tokens"]["cancel"]
    with as_service(db):
        shown = one(
            db,
            "select location_phone from worker.action_for_token("
            " %s, 1, encode(sha256(convert_to(%s, 'UTF8')), 'hex'))",
            message["notification_id"],
            token,
        )
    assert shown["location_phone"] == "+31 20 555 0100"
