"""Who may make and revoke calendar feeds, and what is kept of them."""

from __future__ import annotations

import hashlib
from uuid import UUID

import pytest

from tests.database.conftest import Connect
from tests.people import (
    Connection,
    Practice,
    as_anon,
    as_patient,
    as_service,
    as_user,
    call,
    denied,
    every,
    insert,
    make_clinic,
    make_member,
    make_patient,
    make_practice,
    make_user,
    one,
    refused,
)

RENAME = "update public.{table} set name = name || ' II' where clinic_id = %s"


@pytest.fixture
def practice(db: Connection) -> Practice:
    return make_practice(db)


def secret_of(feed: dict[str, str]) -> str:
    return feed["address"].rpartition("/")[2].removesuffix(".ics")


def tag_of(db: Connection, feed: dict[str, str]) -> str | None:
    token_hash = hashlib.sha256(secret_of(feed).encode()).hexdigest()
    with as_service(db):
        tag: str | None = one(db, "select worker.feed_version(%s) as tag", token_hash)["tag"]
    return tag


def works(db: Connection, feed: dict[str, str]) -> bool:
    return tag_of(db, feed) is not None


def make_doctor(db: Connection, practice: Practice) -> UUID:
    """The user who is the practice's provider."""
    user = make_member(db, practice.clinic, "provider")
    db.execute("update public.providers set user_id = %s where id = %s", [user, practice.provider])
    return user


def membership(db: Connection, practice: Practice, user: UUID) -> UUID:
    found: UUID = one(
        db,
        "select id from public.members where clinic_id = %s and user_id = %s",
        practice.clinic,
        user,
    )["id"]
    return found


def test_a_patient_makes_a_feed_without_saying_of_whom(db: Connection, practice: Practice) -> None:
    with as_patient(db, practice.user):
        feed = call(db, "public.create_feed")
        (row,) = every(db, "select id, patient_id, provider_id from public.calendar_feeds")
    assert row == {"id": feed["feed_id"], "patient_id": practice.patient, "provider_id": None}
    assert works(db, feed)


def test_only_a_hash_of_the_secret_is_kept_and_nobody_reads_it(
    db: Connection, practice: Practice
) -> None:
    with as_patient(db, practice.user):
        feed = call(db, "public.create_feed")
        with denied(db):
            db.execute("select token_hash from public.calendar_feeds")
    kept = str(one(db, "select * from public.calendar_feeds"))
    assert len(secret_of(feed)) == 43
    assert secret_of(feed) not in kept


def test_the_address_is_of_the_project_that_was_asked(db: Connection, practice: Practice) -> None:
    db.execute(
        "select set_config('request.headers', %s, true)",
        ['{"host": "inner:3000", "x-forwarded-host": "abc.supabase.co"}'],
    )
    with as_patient(db, practice.user):
        address = call(db, "public.create_feed")["address"]
    assert address.startswith("https://abc.supabase.co/functions/v1/calendar-feed/")


def test_providers_and_managers_make_feeds_of_providers(db: Connection, practice: Practice) -> None:
    doctor = make_doctor(db, practice)
    for user in (doctor, make_member(db, practice.clinic, "manager")):
        with as_user(db, user):
            assert works(db, call(db, "public.create_feed", provider_id=practice.provider))


def test_strangers_make_none(db: Connection, practice: Practice) -> None:
    other = make_practice(db)
    for user in (other.user, make_member(db, other.clinic, "owner")):
        for whose in ({"provider_id": practice.provider}, {"patient_id": practice.patient}):
            with as_user(db, user), refused(db, "not_found"):
                call(db, "public.create_feed", **whose)
    with as_user(db, make_member(db, practice.clinic, "front_desk")), refused(db, "not_found"):
        call(db, "public.create_feed", patient_id=practice.patient)
    with as_anon(db), denied(db):
        call(db, "public.create_feed")


def test_whoever_has_no_record_has_to_say_of_whom(db: Connection, practice: Practice) -> None:
    with as_user(db, make_user(db)), refused(db, "invalid_input"):
        call(db, "public.create_feed")


def test_a_guardians_feed_ends_with_the_guardianship(db: Connection, practice: Practice) -> None:
    guardian = make_user(db)
    child = make_patient(db, practice.clinic)
    insert(
        db,
        "public.guardians",
        clinic_id=practice.clinic,
        patient_id=child,
        user_id=guardian,
    )
    with as_user(db, guardian):
        feed = call(db, "public.create_feed", patient_id=child)
    assert works(db, feed)
    db.execute(
        "update public.guardians set starts_at = now() - interval '2 days',"
        " ends_at = now() - interval '1 day' where user_id = %s",
        [guardian],
    )
    assert not works(db, feed)


def test_a_providers_feed_rests_with_the_membership_and_ends_with_it(
    db: Connection, practice: Practice
) -> None:
    owner = make_member(db, practice.clinic, "owner")
    doctor = make_doctor(db, practice)
    whose = {"clinic_id": practice.clinic, "member_id": membership(db, practice, doctor)}
    with as_user(db, doctor):
        feed = call(db, "public.create_feed", provider_id=practice.provider)
    for active in (False, True):
        with as_user(db, owner):
            call(db, "public.change_member", **whose, active=active)
        assert works(db, feed) is active
    with as_user(db, owner):
        call(db, "public.remove_member", **whose)
    assert not works(db, feed)
    with as_user(db, doctor), refused(db, "not_found"):
        call(db, "public.create_feed", provider_id=practice.provider)
    make_member(db, practice.clinic, "provider", doctor)
    assert works(db, feed)


def test_a_managers_feed_of_a_provider_rests_with_the_role(
    db: Connection, practice: Practice
) -> None:
    manager = make_member(db, practice.clinic, "manager")
    with as_user(db, manager):
        feed = call(db, "public.create_feed", provider_id=practice.provider)
    for role, shown in (("front_desk", False), ("owner", True)):
        db.execute("update public.members set role = %s where user_id = %s", [role, manager])
        assert works(db, feed) is shown


def test_a_membership_elsewhere_opens_no_providers_feed(db: Connection, practice: Practice) -> None:
    doctor = make_doctor(db, practice)
    with as_user(db, doctor):
        feed = call(db, "public.create_feed", provider_id=practice.provider)
    db.execute("delete from public.members where user_id = %s", [doctor])
    make_member(db, make_clinic(db), "owner", doctor)
    assert not works(db, feed)


def test_a_revoked_feed_stops_at_once_and_stays_stopped(db: Connection, practice: Practice) -> None:
    with as_patient(db, practice.user):
        feed = call(db, "public.create_feed")
        for _ in range(2):
            call(db, "public.revoke_feed", feed_id=feed["feed_id"])
    assert not works(db, feed)


def test_managers_revoke_feeds_of_providers_and_nobody_revokes_strangers(
    db: Connection, practice: Practice
) -> None:
    manager = make_member(db, practice.clinic, "manager")
    doctor = make_doctor(db, practice)
    with as_user(db, doctor):
        feed = call(db, "public.create_feed", provider_id=practice.provider)
    with as_patient(db, practice.user):
        own = call(db, "public.create_feed")
    with as_user(db, manager):
        call(db, "public.revoke_feed", feed_id=feed["feed_id"])
        with refused(db, "not_found"):
            call(db, "public.revoke_feed", feed_id=own["feed_id"])
        assert [row["id"] for row in every(db, "select id from public.calendar_feeds")] == [
            feed["feed_id"]
        ]
    assert works(db, own)


def test_nobody_keeps_more_than_twenty_feeds(db: Connection, practice: Practice) -> None:
    with as_patient(db, practice.user):
        feeds = [call(db, "public.create_feed") for _ in range(20)]
        with refused(db, "limit_reached"):
            call(db, "public.create_feed")
        call(db, "public.revoke_feed", feed_id=feeds[0]["feed_id"])
        call(db, "public.create_feed")


@pytest.mark.parametrize("token_hash", ["", "x", "00" * 32, "\\x00", None])
def test_what_is_no_hash_of_a_feed_finds_none(db: Connection, token_hash: str | None) -> None:
    with as_service(db):
        assert one(db, "select worker.feed_version(%s) as tag", token_hash) == {"tag": None}
        assert every(db, "select * from worker.read_feed(%s)", token_hash) == []


def test_a_change_that_began_first_and_ended_last_still_changes_the_tag(connect: Connect) -> None:
    db, slow, quick = connect(), connect(), connect()
    practice = make_practice(db)
    with as_patient(db, practice.user):
        feed = call(db, "public.create_feed")
    slow.execute("begin")
    slow.execute(RENAME.format(table="locations"), [practice.clinic])
    quick.execute(RENAME.format(table="services"), [practice.clinic])
    between = tag_of(db, feed)
    slow.execute("commit")
    assert tag_of(db, feed) != between
