"""Calendar feeds over HTTP: what programs get, what stays hidden, and what a question costs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from stack.config import StackConfig
from tests.calendar_parsers import understood
from tests.people import (
    Connection,
    Practice,
    as_user,
    at,
    book,
    call,
    insert,
    make_location,
    make_member,
    make_patient,
    make_practice,
)

STARTS = at(9, days=5)


@pytest.fixture
def db(stack: StackConfig) -> Iterator[Connection]:
    with psycopg.connect(stack.db_url(), autocommit=True) as connection:
        yield connection


@pytest.fixture
def practice(db: Connection) -> Practice:
    made = make_practice(db)
    db.execute(
        "update public.patients set full_name = 'Ada Lovelace' where id = %s", [made.patient]
    )
    db.execute("update public.services set name = 'Check; up, \\n' where id = %s", [made.service])
    db.execute(
        "update public.locations set name = 'Praxis Löwenstraße, im zweiten Hinterhof links',"
        " address = 'Löwenstraße 1' where id = %s",
        [made.location],
    )
    return made


@pytest.fixture
def doctor(db: Connection, practice: Practice) -> UUID:
    """The user who is the practice's provider."""
    user = make_member(db, practice.clinic, "provider")
    db.execute("update public.providers set user_id = %s where id = %s", [user, practice.provider])
    return user


@pytest.fixture(scope="module")
def http(stack: StackConfig) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.gateway_url, timeout=30) as client:
        yield client


def make_feed(db: Connection, user: UUID, **whose: Any) -> tuple[UUID, str]:
    """A feed's id and the path of its address."""
    with as_user(db, user):
        feed = call(db, "public.create_feed", **whose)
    return feed["feed_id"], feed["address"]


def summaries(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200
    (events,) = understood(answer.content)
    return [event["summary"] for event in events]


def test_a_patients_feed_shows_when_and_where(
    db: Connection, practice: Practice, http: httpx.Client
) -> None:
    visit = book(db, practice, STARTS)
    _, address = make_feed(db, practice.user)
    answer = http.get(address)
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    ((event,),) = understood(answer.content)
    assert event == {
        "uid": f"{visit['id']}@appoint",
        "sequence": 0,
        "status": "CONFIRMED",
        "summary": "Appointment at Test Clinic",
        "location": "Praxis Löwenstraße, im zweiten Hinterhof links, Löwenstraße 1",
        "starts_at": int(visit["starts_at"].timestamp()),
        "ends_at": int(visit["ends_at"].timestamp()),
    }
    assert "no-store" not in answer.headers["cache-control"]
    assert answer.headers["cache-control"].startswith("private")


def test_titles_are_told_when_asked_for_and_patients_by_initials_at_most(
    db: Connection, practice: Practice, doctor: UUID, http: httpx.Client
) -> None:
    book(db, practice, STARTS)
    told = {
        (whose, details): http.get(make_feed(db, user, **{f"{whose}_id": one}, details=details)[1])
        for whose, user, one in (
            ("provider", doctor, practice.provider),
            ("patient", practice.user, practice.patient),
        )
        for details in ("busy", "titles")
    }
    assert summaries(told["provider", "busy"]) == ["Busy"]
    assert summaries(told["provider", "titles"]) == ["Check; up, \\n, A.L."]
    assert summaries(told["patient", "busy"]) == ["Appointment at Test Clinic"]
    assert summaries(told["patient", "titles"]) == ["Check; up, \\n, Dr. Test"]
    for answer in told.values():
        assert "Lovelace" not in answer.text


def test_what_has_not_changed_is_not_sent_again(
    db: Connection, practice: Practice, doctor: UUID, http: httpx.Client
) -> None:
    visit = book(db, practice, STARTS)
    _, address = make_feed(db, doctor, provider_id=practice.provider)
    first = http.get(address)
    for known in (
        first.headers["etag"],
        f"W/{first.headers['etag']}",
        f'"x", {first.headers["etag"]}',
    ):
        again = http.get(address, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]

    db.execute("update public.appointments set status = 'cancelled' where id = %s", [visit["id"]])
    book(db, practice, STARTS)  # as many events as before, of the same version
    changed = http.get(address, headers={"If-None-Match": first.headers["etag"]})
    ((event,),) = understood(changed.content)
    assert event["uid"] != f"{visit['id']}@appoint"
    assert changed.headers["etag"] != first.headers["etag"]


@pytest.mark.parametrize(
    "change",
    [
        "update public.locations set name = 'Elsewhere' where id = %(location)s",
        "update public.services set name = 'Another' where id = %(service)s",
        "update public.clinics set name = 'Another' where id = %(clinic)s",
        "update public.providers set full_name = 'Dr. Else' where id = %(provider)s",
        "update public.patients set full_name = 'Augusta Byron' where id = %(patient)s",
        "update public.appointments set starts_at = starts_at + interval '1 hour'"
        " where provider_id = %(provider)s",
    ],
)
def test_the_tag_changes_with_whatever_is_told(
    db: Connection, practice: Practice, doctor: UUID, http: httpx.Client, change: Any
) -> None:
    book(db, practice, STARTS)
    _, address = make_feed(db, doctor, provider_id=practice.provider, details="titles")
    tag = http.head(address).headers["etag"]
    db.execute(change, vars(practice))
    assert http.get(address, headers={"If-None-Match": tag}).status_code == 200


def test_held_and_cancelled_visits_are_not_shown_and_pending_ones_are_tentative(
    db: Connection, practice: Practice, http: httpx.Client
) -> None:
    book(db, practice, STARTS, status="held")
    book(db, practice, STARTS + timedelta(hours=1), status="pending")
    cancelled = book(db, practice, STARTS + timedelta(hours=2))
    db.execute(
        "update public.appointments set status = 'cancelled' where id = %s", [cancelled["id"]]
    )
    (events,) = understood(http.get(make_feed(db, practice.user)[1]).content)
    assert [event["status"] for event in events] == ["TENTATIVE"]


def test_a_group_session_is_one_event_of_its_provider(
    db: Connection, doctor: UUID, practice: Practice, http: httpx.Client
) -> None:
    db.execute("update public.services set capacity = 5 where id = %s", [practice.service])
    session = insert(
        db,
        "public.group_sessions",
        service_id=practice.service,
        provider_id=practice.provider,
        starts_at=STARTS,
    )
    for _ in range(2):
        patient = make_patient(db, practice.clinic)
        book(db, practice, STARTS, session_id=session["id"], patient_id=patient)
    (events,) = understood(
        http.get(make_feed(db, doctor, provider_id=practice.provider)[1]).content
    )
    assert [event["uid"] for event in events] == [f"{session['id']}@appoint"]


def test_a_session_that_moves_is_a_newer_revision_of_the_same_event(
    db: Connection, doctor: UUID, practice: Practice, http: httpx.Client
) -> None:
    db.execute("update public.services set capacity = 5 where id = %s", [practice.service])
    session = insert(
        db,
        "public.group_sessions",
        service_id=practice.service,
        provider_id=practice.provider,
        starts_at=STARTS,
    )
    _, address = make_feed(db, doctor, provider_id=practice.provider)
    told = []
    for change in (
        "capacity = capacity",
        "starts_at = starts_at + interval '1 hour'",
        "overbook_reason = 'a note'",
        "starts_at = starts_at + interval '1 day'",
    ):
        db.execute(f"update public.group_sessions set {change} where id = %s", [session["id"]])
        ((event,),) = understood(http.get(address).content)
        assert event["uid"] == f"{session['id']}@appoint"
        told.append((event["sequence"], event["starts_at"] - int(STARTS.timestamp())))
    assert told == [(0, 0), (1, 3600), (1, 3600), (2, 90_000)]


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_a_feed_without_visits_is_a_calendar_all_the_same(
    db: Connection, practice: Practice, http: httpx.Client, zone: str
) -> None:
    db.execute("update public.clinics set time_zone = %s where id = %s", [zone, practice.clinic])
    answer = http.get(make_feed(db, practice.user)[1])
    assert understood(answer.content) == [[]]
    assert f"TZID:{zone}\r\n" in answer.text


def test_unknown_malformed_and_revoked_addresses_look_the_same(
    db: Connection, practice: Practice, http: httpx.Client
) -> None:
    feed, address = make_feed(db, practice.user)
    assert http.get(address).status_code == 200
    with as_user(db, practice.user):
        call(db, "public.revoke_feed", feed_id=feed)
    folder = address.rpartition("/")[0]
    answers = [
        http.get(path, headers=headers)
        for path in (address, f"{folder}/{'A' * 43}.ics", f"{folder}/x.ics", folder, address[:-4])
        for headers in ({}, {"If-None-Match": '"x"'})
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1


def test_a_feed_ends_with_the_right_to_see_what_it_shows(
    db: Connection, practice: Practice, doctor: UUID, http: httpx.Client
) -> None:
    _, address = make_feed(db, doctor, provider_id=practice.provider)
    assert http.get(address).status_code == 200
    db.execute("update public.providers set user_id = null where id = %s", [practice.provider])
    assert http.get(address).status_code == 404


def test_a_feed_cannot_be_written_to(
    db: Connection, practice: Practice, http: httpx.Client
) -> None:
    _, address = make_feed(db, practice.user)
    assert http.post(address).status_code == 405
    assert http.put(address).status_code == 405


# Where clocks change every year, on which day. Morocco goes by the moon.
YEARLY_RULES = {
    "Europe/Zurich": ["10;BYDAY=-1SU", "3;BYDAY=-1SU"],
    "America/New_York": ["11;BYDAY=1SU", "3;BYDAY=2SU"],
    "Australia/Lord_Howe": ["10;BYDAY=1SU", "4;BYDAY=1SU"],
    "Africa/Casablanca": [],
    "Asia/Tokyo": [],
    "Pacific/Easter": ["4;BYDAY=1SA", "9;BYDAY=1SA"],
}


def test_visits_in_several_zones_keep_their_instants_through_clock_changes(
    db: Connection, practice: Practice, doctor: UUID, http: httpx.Client
) -> None:
    places = [make_location(db, practice.clinic, zone) for zone in YEARLY_RULES]
    visits = [
        book(
            db,
            practice,
            at(0, days=3 + day) + timedelta(hours=day % 24),
            location_id=places[day // 2 % len(places)],
            overbook_reason="spread over the year",
        )
        for day in range(0, 365, 2)
    ]
    _, address = make_feed(db, doctor, provider_id=practice.provider)
    feed = http.get(address)
    (events,) = understood(feed.content)
    told = {event["uid"]: (event["starts_at"], event["ends_at"]) for event in events}
    assert told == {
        f"{visit['id']}@appoint": (
            int(visit["starts_at"].timestamp()),
            int(visit["ends_at"].timestamp()),
        )
        for visit in visits
    }
    for zone, rules in YEARLY_RULES.items():
        told_of = re.search(f"TZID:{zone}\r\n.*?END:VTIMEZONE", feed.text, re.DOTALL)
        assert told_of
        assert sorted(re.findall(r"BYMONTH=(\S+)", told_of[0])) == rules


def test_thousands_of_events_come_whole(
    db: Connection, practice: Practice, doctor: UUID, http: httpx.Client
) -> None:
    """More rows than PostgREST's limit would let through."""
    db.execute(
        "insert into public.appointments (service_id, provider_id, patient_id, location_id,"
        "   starts_at, ends_at, overbook_reason)"
        " select %s, %s, %s, %s, %s + n * interval '10 minutes',"
        "   %s + n * interval '10 minutes' + interval '5 minutes', 'many'"
        " from generate_series(1, 1100) as n",
        [practice.service, practice.provider, practice.patient, practice.location, STARTS, STARTS],
    )
    _, address = make_feed(db, doctor, provider_id=practice.provider, details="titles")
    (events,) = understood(http.get(address).content)
    assert len(events) == 1100
