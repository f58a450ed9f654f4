"""In which language people are written to: as they chose, else as what is known of them says."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

from tests.database.test_calendar_feeds import secret_of, tag_of
from tests.database.test_guardians import ACCEPT, INVITE, REGISTER
from tests.database.test_sent_once import claim, complete
from tests.people import (
    Connection,
    Practice,
    as_front_desk,
    as_patient,
    as_service,
    as_user,
    at,
    book,
    call,
    insert,
    make_guardian,
    make_member,
    make_patient,
    make_practice,
    make_user,
    one,
)

ADD = "insert into public.patients (clinic_id, full_name) values (%s, 'At Desk') returning id"
ADD_WITH_LANGUAGE = (
    "insert into public.patients (clinic_id, full_name, locale)"
    " values (%s, 'At Desk', 'de-AT') returning id"
)


@pytest.fixture
def practice(db: Connection) -> Practice:
    """In a clinic that writes Spanish; its patient was there before, with English mails."""
    practice = make_practice(db)
    db.execute("update public.clinics set locale = 'es' where id = %s", [practice.clinic])
    return practice


def locale_of(db: Connection, patient: UUID) -> str:
    locale: str = one(db, "select locale from public.patients where id = %s", patient)["locale"]
    return locale


def prefer(db: Connection, practice: Practice, language: str, **whose: UUID) -> None:
    insert(
        db,
        "public.notification_preferences",
        clinic_id=practice.clinic,
        language=language,
        **whose,
    )


def sign_up_in(db: Connection, language: object) -> UUID:
    user = make_user(db)
    db.execute(
        "update auth.users set raw_user_meta_data = %s where id = %s",
        [Jsonb({"language": language}), user],
    )
    return user


def make_child(db: Connection, practice: Practice) -> UUID:
    """A patient without an address."""
    child = make_patient(db, practice.clinic)
    db.execute("update public.patients set email = null where id = %s", [child])
    return child


def accept(db: Connection, practice: Practice, patient: UUID, user: UUID) -> None:
    address = one(db, "select email from auth.users where id = %s", user)["email"]
    with as_front_desk(db, make_member(db, practice.clinic, "front_desk")):
        invitation = one(db, INVITE, patient, address, None)
    with as_user(db, user):
        db.execute(ACCEPT, [invitation["id"]])


def ask_to_work_here(db: Connection, practice: Practice, email: str) -> None:
    insert(db, "public.staff_invitations", clinic_id=practice.clinic, email=email, role="provider")


def test_a_new_record_has_the_clinics_language_unless_one_is_given(
    db: Connection, practice: Practice
) -> None:
    assert locale_of(db, make_patient(db, practice.clinic)) == "es"
    user = make_user(db)
    db.execute("update public.clinics set books_publicly = true where id = %s", [practice.clinic])
    with as_user(db, user):
        own = call(db, "public.register_patient", clinic_id=practice.clinic, full_name="New One")
    assert own["locale"] == "es"
    with as_front_desk(db, make_member(db, practice.clinic, "front_desk")):
        plain = one(db, ADD, practice.clinic)
        other = one(db, ADD_WITH_LANGUAGE, practice.clinic)
    assert [locale_of(db, added["id"]) for added in (plain, other)] == ["es", "de-AT"]


def test_members_are_written_to_in_the_clinics_language_unless_they_chose(
    db: Connection, practice: Practice
) -> None:
    doctor = make_member(db, practice.clinic, "provider")
    db.execute(
        "update public.providers set user_id = %s where id = %s", [doctor, practice.provider]
    )

    def told(hour: float) -> str:
        with as_patient(db, practice.user):
            call(db, "public.book_appointment", service_id=practice.service, starts_at=at(hour))
        messages = claim(db)
        for message in messages:
            complete(db, message)
        (locale,) = [row["locale"] for row in messages if row["kind"] == "staff_booking"]
        return str(locale)

    assert told(9) == "es"
    prefer(db, practice, "fr", user_id=doctor)
    assert told(11) == "fr"


def test_a_child_is_written_about_in_the_language_of_whoever_adds_it(
    db: Connection, practice: Practice
) -> None:
    born = at(0).date() - timedelta(days=2000)
    db.execute("update public.patients set locale = 'fr' where id = %s", [practice.patient])
    with as_patient(db, practice.user):
        child = one(db, REGISTER, practice.clinic, "Child One", born)
    assert child["locale"] == "fr"
    prefer(db, practice, "de", patient_id=practice.patient)
    with as_patient(db, practice.user):
        child = one(db, REGISTER, practice.clinic, "Child Two", born)
    assert child["locale"] == "de"


@pytest.mark.parametrize(
    ("signed_up_in", "locale"), [("fr", "fr"), ("'); drop", "es"), (7, "es"), (None, "es")]
)
def test_a_new_guardians_language_is_that_of_mail_about_the_child(
    db: Connection, practice: Practice, signed_up_in: object, locale: str
) -> None:
    child = make_child(db, practice)
    accept(db, practice, child, sign_up_in(db, signed_up_in))
    assert locale_of(db, child) == locale


def test_a_guardian_who_does_not_get_the_mail_does_not_change_its_language(
    db: Connection, practice: Practice
) -> None:
    accept(db, practice, practice.patient, sign_up_in(db, "fr"))
    assert locale_of(db, practice.patient) == "en"
    child = make_child(db, practice)
    make_guardian(db, practice.clinic, child)
    accept(db, practice, child, sign_up_in(db, "fr"))
    assert locale_of(db, child) == "es"


def test_an_invitation_to_act_for_somebody_is_in_the_language_chosen_for_messages(
    db: Connection, practice: Practice
) -> None:
    prefer(db, practice, "de", patient_id=practice.patient)
    with as_patient(db, practice.user):
        db.execute(INVITE, [practice.patient, "new@people.example", None])
    assert [row["content"] for row in claim(db)] == [{"language": "de"}]


def test_log_in_mail_is_in_the_language_chosen_last(db: Connection, practice: Practice) -> None:
    def language(address: str, signed_up_in: str | None = None) -> str | None:
        with as_service(db):
            db.execute(
                "select worker.queue_log_in_mail(gen_random_uuid()::text, 0, %s, 'magiclink',"
                " '123456', null, %s)",
                [address, signed_up_in],
            )
        (message,) = claim(db)
        complete(db, message)
        told: str | None = message["content"]["language"]
        return told

    user = sign_up_in(db, "fr")
    address = one(db, "select email from auth.users where id = %s", user)["email"]
    assert language("nobody@people.example", "de") == "de"
    assert language("nobody@people.example") is None
    assert language(address.upper()) == "fr"
    patient = make_patient(db, practice.clinic, user)
    assert language(address, "fr") == "es"
    prefer(db, practice, "de", patient_id=patient)
    assert language(address, "fr") == "de"

    ask_to_work_here(db, practice, "asked@people.example")
    assert language("Asked@people.example") == "es"
    assert language("asked@people.example", "fr") == "fr"


def test_a_feed_is_in_the_language_chosen_for_messages_and_is_read_again_for_it(
    db: Connection, practice: Practice
) -> None:
    doctor = make_member(db, practice.clinic, "provider")
    db.execute(
        "update public.providers set user_id = %s where id = %s", [doctor, practice.provider]
    )
    with as_patient(db, practice.user):
        feed = call(db, "public.create_feed")
    with as_user(db, doctor):
        doctors = call(db, "public.create_feed", provider_id=practice.provider)

    def locale(feed: dict[str, str]) -> str:
        token_hash = hashlib.sha256(secret_of(feed).encode()).hexdigest()
        with as_service(db):
            told: str = one(db, "select locale from worker.read_feed(%s)", token_hash)["locale"]
        return told

    assert (locale(feed), locale(doctors)) == ("en", "es")
    tag = tag_of(db, feed)
    prefer(db, practice, "de", patient_id=practice.patient)
    assert locale(feed) == "de"
    assert tag_of(db, feed) != tag


def test_a_visits_mail_is_in_the_language_chosen_for_messages(
    db: Connection, practice: Practice
) -> None:
    book(db, practice, at(9))
    (message,) = claim(db)
    assert message["locale"] == "en"
    prefer(db, practice, "de", patient_id=practice.patient)
    book(db, practice, at(11))
    (message,) = claim(db)
    assert message["locale"] == "de"


def test_an_invitation_to_the_staff_says_which_clinic_it_is(
    db: Connection, practice: Practice
) -> None:
    ask_to_work_here(db, practice, "asked@people.example")
    for action in ("invite", "magiclink"):
        with as_service(db):
            db.execute(
                "select worker.queue_log_in_mail(%s, 0, 'asked@people.example', %s, '123456')",
                [action, action],
            )
    clinic = one(db, "select name from public.clinics where id = %s", practice.clinic)["name"]
    named = {row["content"]["action"]: row["content"]["clinic_name"] for row in claim(db)}
    assert named == {"invite": clinic, "magiclink": None}
