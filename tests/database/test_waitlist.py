"""Freed times go to waiting patients: to whom, kept how, passed on when; and nobody races."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import LiteralString
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest

from tests.database.conftest import Connect
from tests.database.test_outside_calendars import import_busy
from tests.people import (
    Connection,
    Practice,
    Row,
    as_service,
    as_user,
    at,
    book,
    every,
    insert,
    make_clinic,
    make_location,
    make_member,
    make_need,
    make_patient,
    make_practice,
    make_provider,
    make_resource,
    make_service,
    make_user,
    one,
    refused,
)

CANCEL = "update public.appointments set status = 'cancelled' where id = %s"
OFFERS = "select * from public.waitlist_offers order by created_at, id"


def wait_for(db: Connection, practice: Practice, **wishes: object) -> Row:
    """A new patient on the list, by plain SQL."""
    columns = {
        "service_id": practice.service,
        "patient_id": make_patient(db, practice.clinic),
        "to_clock": "23:59",  # Python knows no 24:00
    } | wishes
    return insert(db, "public.waitlist_entries", **columns)


def offer(db: Connection) -> Row:
    """One look of a worker at what was freed."""
    with as_service(db):
        return one(db, "select * from worker.offer_freed_slots(100)")


def free_up(db: Connection, practice: Practice, starts_at: datetime) -> None:
    """A visit at that time is booked and called off."""
    db.execute(CANCEL, [book(db, practice, starts_at)["id"]])


def pass_time(db: Connection) -> None:
    """Every hold, and with it every open offer, is over since a minute."""
    db.execute(
        "update public.appointments set hold_expires_at = now() - interval '1 minute'"
        " where status = 'held'"
    )


def expire(db: Connection) -> int:
    with as_service(db):
        count: int = one(db, "select worker.expire_offers() as expired")["expired"]
    return count


def starts_offered(db: Connection, practice: Practice) -> list[datetime]:
    with as_user(db, practice.user):
        return [
            row["starts_at"]
            for row in every(
                db,
                "select * from public.open_slots(%s, %s, %s)",
                practice.service,
                at(8),
                at(12),
            )
        ]


def settled_practice(db: Connection) -> Practice:
    """Open from 9 to 12, one visit every half hour; its new hours were offered to nobody."""
    practice = make_practice(
        db, hours={"opens": "09:00", "closes": "12:00"}, slot_interval_minutes=30
    )
    assert offer(db)["offered"] == 0
    return practice


@pytest.fixture
def practice(db: Connection) -> Practice:
    return settled_practice(db)


def test_a_freed_time_is_kept_for_the_one_who_waits_longest(
    db: Connection, practice: Practice
) -> None:
    later = wait_for(db, practice, created_at=at(0, days=-1))
    longest = wait_for(db, practice, created_at=at(0, days=-2))
    free_up(db, practice, at(9))
    assert offer(db) == {"freed": 1, "offered": 1}
    (made,) = every(db, OFFERS)
    assert (made["entry_id"], made["starts_at"], made["status"]) == (longest["id"], at(9), "open")
    hold = one(db, "select * from public.appointments where id = %s", made["appointment_id"])
    assert (hold["status"], hold["patient_id"]) == ("held", longest["patient_id"])
    assert hold["hold_expires_at"] == made["expires_at"]
    statuses = every(db, "select id, status from public.waitlist_entries")
    assert {row["id"]: row["status"] for row in statuses} == {
        longest["id"]: "offered",
        later["id"]: "waiting",
    }


def test_a_clinic_may_put_urgency_first(db: Connection, practice: Practice) -> None:
    db.execute("update public.clinics set waitlist_policy = 'urgency'")
    wait_for(db, practice, created_at=at(0, days=-9), urgency="soon")
    urgent = wait_for(db, practice, created_at=at(0, days=-1), urgency="urgent")
    free_up(db, practice, at(9))
    offer(db)
    assert [made["entry_id"] for made in every(db, OFFERS)] == [urgent["id"]]


def test_an_offered_time_is_nobody_elses(db: Connection, practice: Practice) -> None:
    wait_for(db, practice)
    free_up(db, practice, at(9))
    assert at(9) in starts_offered(db, practice)
    offer(db)
    assert at(9) not in starts_offered(db, practice)
    with as_user(db, practice.user), refused(db, "slot_taken"):
        db.execute(
            "select public.book_appointment(%s, %s, %s)",
            [practice.service, at(9), practice.provider],
        )


def test_whoever_is_offered_a_time_is_told_until_when(db: Connection, practice: Practice) -> None:
    entry = wait_for(db, practice)
    free_up(db, practice, at(9))
    offer(db)
    (made,) = every(db, OFFERS)
    with as_service(db):
        claimed = every(db, "select * from worker.claim_notifications(50)")
    (mail,) = [row for row in claimed if row["kind"] == "offer"]
    patient = one(db, "select email from public.patients where id = %s", entry["patient_id"])
    assert mail["recipient_address"] == patient["email"]
    assert (mail["starts_at"], mail["answer_by"]) == (at(9), made["expires_at"])


def test_an_offer_that_is_over_is_not_mailed_any_more(db: Connection, practice: Practice) -> None:
    wait_for(db, practice)
    free_up(db, practice, at(9))
    offer(db)
    pass_time(db)
    expire(db)
    with as_service(db):
        claimed = every(db, "select * from worker.claim_notifications(50)")
    assert "offer" not in {row["kind"] for row in claimed}


@pytest.mark.parametrize("wanted", ["accepted", "declined"])
def test_the_patient_answers(db: Connection, practice: Practice, wanted: str) -> None:
    user = make_user(db)
    entry = wait_for(db, practice, patient_id=make_patient(db, practice.clinic, user))
    free_up(db, practice, at(9))
    offer(db)
    (made,) = every(db, OFFERS)
    answer = "accept_offer" if wanted == "accepted" else "decline_offer"
    with as_user(db, user):
        for _ in range(2):  # a double click does the same once
            db.execute(f"select public.{answer}(%s)", [made["id"]])
    (closed,) = every(db, OFFERS)
    assert closed["status"] == wanted
    visit = one(db, "select status from public.appointments where id = %s", made["appointment_id"])
    assert visit["status"] == ("booked" if wanted == "accepted" else "cancelled")
    waiting = one(db, "select status from public.waitlist_entries where id = %s", entry["id"])
    assert waiting["status"] == ("booked" if wanted == "accepted" else "waiting")


def test_an_accepted_offer_is_confirmed_by_mail(db: Connection, practice: Practice) -> None:
    wait_for(db, practice)
    free_up(db, practice, at(9))
    offer(db)
    (made,) = every(db, OFFERS)
    db.execute("select public.accept_offer(%s)", [made["id"]])
    kinds = every(
        db,
        "select kind::text from public.notifications where appointment_id = %s",
        made["appointment_id"],
    )
    assert sorted(row["kind"] for row in kinds) == ["confirmation", "offer"]


def test_a_stranger_sees_and_answers_no_offer(db: Connection, practice: Practice) -> None:
    wait_for(db, practice)
    free_up(db, practice, at(9))
    offer(db)
    (made,) = every(db, OFFERS)
    with as_user(db, make_user(db)):
        assert every(db, OFFERS) == []
        for answer in ("accept_offer", "decline_offer"):
            with refused(db, "not_found"):
                db.execute(f"select public.{answer}(%s)", [made["id"]])


@pytest.mark.parametrize("way", ["declined", "expired"])
def test_a_refused_time_goes_to_the_next_and_never_back(
    db: Connection, practice: Practice, way: str
) -> None:
    first = wait_for(db, practice, created_at=at(0, days=-2))
    second = wait_for(db, practice, created_at=at(0, days=-1))
    free_up(db, practice, at(9))
    for entry in (first, second):
        assert offer(db)["offered"] == 1
        made = (
            every(db, OFFERS)[-1]
            if entry is first
            else one(db, "select * from public.waitlist_offers where status = 'open'")
        )
        assert made["entry_id"] == entry["id"]
        if way == "declined":
            db.execute("select public.decline_offer(%s)", [made["id"]])
        else:
            pass_time(db)
            assert expire(db) == 1
    assert offer(db) == {"freed": 1, "offered": 0}
    assert {row["status"] for row in every(db, OFFERS)} == {way}
    assert {row["status"] for row in every(db, "select status from public.waitlist_entries")} == {
        "waiting"
    }


def test_an_expired_offer_cannot_be_accepted(db: Connection, practice: Practice) -> None:
    wait_for(db, practice)
    free_up(db, practice, at(9))
    offer(db)
    (made,) = every(db, OFFERS)
    pass_time(db)
    with refused(db, "hold_expired"):
        db.execute("select public.accept_offer(%s)", [made["id"]])
    expire(db)
    with refused(db, "hold_expired"):
        db.execute("select public.accept_offer(%s)", [made["id"]])


def test_whoever_is_busy_then_is_passed_over(db: Connection, practice: Practice) -> None:
    other = make_provider(
        db, practice.clinic, practice.location, (practice.service,), opens="09:00", closes="12:00"
    )
    offer(db)
    busy = wait_for(db, practice, created_at=at(0, days=-2))
    free = wait_for(db, practice, created_at=at(0, days=-1))
    book(db, practice, at(9), provider_id=other, patient_id=busy["patient_id"])
    free_up(db, practice, at(9))
    offer(db)
    assert [made["entry_id"] for made in every(db, OFFERS)] == [free["id"]]


def test_wishes_are_kept_in_the_local_time_of_the_place(db: Connection) -> None:
    practice = make_practice(db, slot_interval_minutes=30)
    auckland = make_location(db, practice.clinic, "Pacific/Auckland")
    service = make_service(db, practice.clinic, slot_interval_minutes=30)
    provider = make_provider(db, practice.clinic, auckland, (service,))
    offer(db)
    local = at(22).astimezone(ZoneInfo("Pacific/Auckland"))
    wishes = {"service_id": service, "earliest": local.date(), "latest": local.date()}
    wait_for(db, practice, **wishes, from_clock="22:00", created_at=at(0, days=-9))
    suited = wait_for(db, practice, **wishes, from_clock=local.time())
    db.execute(
        CANCEL,
        [book(db, practice, at(22), service_id=service, provider_id=provider)["id"]],
    )
    offer(db)
    assert [(made["entry_id"], made["starts_at"]) for made in every(db, OFFERS)] == [
        (suited["id"], at(22))
    ]


@pytest.mark.parametrize(
    "wishes",
    [
        {"from_clock": "09:15", "to_clock": "09:45"},
        {"from_clock": "09:00", "to_clock": "09:29"},
        {"earliest": at(0, days=3).date()},
        {"latest": at(0, days=1).date()},
        {"weekdays": [at(0, days=3).isoweekday()]},
    ],
)
def test_a_time_that_does_not_suit_is_not_offered(
    db: Connection, practice: Practice, wishes: dict[str, object]
) -> None:
    wait_for(db, practice, **wishes)
    free_up(db, practice, at(9))
    assert offer(db) == {"freed": 1, "offered": 0}


def test_only_wanted_providers_are_offered(db: Connection, practice: Practice) -> None:
    other = make_provider(db, practice.clinic, practice.location, (practice.service,))
    offer(db)
    entry = wait_for(db, practice)
    insert(
        db,
        "public.waitlist_entry_providers",
        clinic_id=practice.clinic,
        entry_id=entry["id"],
        provider_id=other,
    )
    free_up(db, practice, at(9))
    assert offer(db)["offered"] == 0
    db.execute(CANCEL, [book(db, practice, at(10), provider_id=other)["id"]])
    assert offer(db)["offered"] == 1
    assert [made["provider_id"] for made in every(db, OFFERS)] == [other]


FREEING = {
    "cancelled": "update public.appointments set status = 'cancelled'",
    "moved": "update public.appointments set starts_at = starts_at + interval '2 hours'",
    "removed": "update public.appointments set status = 'entered_in_error'",
}


@pytest.mark.parametrize("statement", FREEING.values(), ids=FREEING)
def test_every_way_of_giving_time_back_is_noticed(
    db: Connection, practice: Practice, statement: str
) -> None:
    wait_for(db, practice, to_clock="09:30")
    book(db, practice, at(9))
    db.execute(statement)
    assert offer(db)["offered"] == 1


def test_what_is_left_of_a_missed_visit_is_offered(db: Connection) -> None:
    practice = make_practice(db)
    began, ends = (datetime.now(UTC) + timedelta(hours=hours) for hours in (-1, 2))
    book(db, practice, began, ends_at=ends)
    waits = make_patient(db, practice.clinic)
    wait_for(db, practice, patient_id=waits)
    db.execute("update public.appointments set status = 'noshow'")
    assert offer(db)["offered"] == 1
    (made,) = every(db, OFFERS)
    assert began < made["starts_at"] < ends


def test_added_hours_are_offered(db: Connection, practice: Practice) -> None:
    entry = wait_for(db, practice, from_clock="17:00")
    insert(
        db,
        "public.weekly_hours",
        clinic_id=practice.clinic,
        provider_id=practice.provider,
        location_id=practice.location,
        weekday=at(0).isoweekday(),
        opens="17:00",
        closes="18:00",
    )
    assert offer(db)["offered"] == 1
    assert [(made["entry_id"], made["starts_at"]) for made in every(db, OFFERS)] == [
        (entry["id"], at(17))
    ]


def test_a_closure_taken_back_is_offered(db: Connection, practice: Practice) -> None:
    insert(
        db,
        "public.availability_exceptions",
        clinic_id=practice.clinic,
        starts_on=at(0).date(),
        ends_on=at(0).date(),
    )
    wait_for(db, practice, earliest=at(0).date(), latest=at(0).date())
    offer(db)
    assert every(db, OFFERS) == []
    db.execute("delete from public.availability_exceptions")
    offer(db)
    assert [made["starts_at"] for made in every(db, OFFERS)] == [at(9)]


def test_busy_time_that_goes_or_shrinks_is_offered(db: Connection, practice: Practice) -> None:
    that_day = {"earliest": at(0).date(), "latest": at(0).date()}
    import_busy(db, practice, (at(8), at(18)))
    wait_for(db, practice, **that_day)
    offer(db)
    assert every(db, OFFERS) == []
    import_busy(db, practice, (at(8), at(11)))
    offer(db)
    wait_for(db, practice, **that_day, to_clock="10:00")
    offer(db)
    assert [made["starts_at"] for made in every(db, OFFERS)] == [at(11)]
    db.execute("delete from public.outside_calendars")
    offer(db)
    assert {made["starts_at"] for made in every(db, OFFERS)} == {at(11), at(9)}


@pytest.mark.parametrize("table", ["providers", "resources"])
def test_the_time_of_who_or_what_is_there_again_is_offered(
    db: Connection, table: LiteralString
) -> None:
    practice = make_practice(db)
    make_resource(db, practice.clinic, practice.location)
    make_need(db, practice.clinic, practice.service)
    switch = f"update public.{table} set active = %s where clinic_id = %s"
    db.execute(switch, [False, practice.clinic])
    wait_for(db, practice, earliest=at(0).date(), latest=at(0).date())
    offer(db)
    assert every(db, OFFERS) == []
    db.execute(switch, [True, practice.clinic])
    assert offer(db)["offered"] == 1


def test_long_times_of_long_visits_are_looked_at_piece_by_piece(db: Connection) -> None:
    practice = make_practice(
        db,
        duration_minutes=1439,
        slot_interval_minutes=1440,
        buffer_before_minutes=1440,
        buffer_after_minutes=1440,
        horizon_days=200,
    )
    last = at(0, days=190).date()
    entry = wait_for(db, practice, earliest=last)
    assert offer(db)["offered"] == 1
    (made,) = every(db, OFFERS)
    assert (made["entry_id"], made["starts_at"].date()) == (entry["id"], last)


def noted(db: Connection) -> int:
    count: int = one(db, "select count(*) as n from private.freed_slots")["n"]
    return count


def test_where_nothing_can_be_booked_no_time_is_noted(db: Connection) -> None:
    clinic = make_clinic(db)
    location = make_location(db, clinic)
    provider = make_provider(db, clinic, location)
    db.execute("update public.providers set active = false where id = %s", [provider])
    db.execute("update public.providers set active = true where id = %s", [provider])
    assert noted(db) == 0
    # As far as anybody can book, though the hours have no end.
    make_service(db, clinic, horizon_days=20)
    db.execute("update public.weekly_hours set closes = '20:00'")
    assert noted(db) == 3


def look_briefly(db: Connection) -> Row:
    """The time is over after the first try."""
    with as_service(db):
        return one(db, "select * from worker.offer_freed_slots(1, 0)")


def test_a_time_that_takes_long_goes_on_after_the_others(
    db: Connection, practice: Practice
) -> None:
    for _ in range(2):
        wait_for(db, practice)
    free_up(db, practice, at(9))
    free_up(db, practice, at(11))
    assert look_briefly(db) == {"freed": 1, "offered": 1}
    assert look_briefly(db) == {"freed": 1, "offered": 1}
    assert {made["starts_at"] for made in every(db, OFFERS)} == {at(9), at(11)}
    # Each is looked at until nobody is left whom it suits.
    assert noted(db) == 2
    assert offer(db) == {"freed": 2, "offered": 0}
    assert noted(db) == 0


def test_a_time_that_takes_too_long_at_once_is_halved(connect: Connect) -> None:
    db, other = connect(), connect()
    practice = settled_practice(db)
    wait_for(db, practice)
    week = "tstzrange(date_trunc('day', now()), date_trunc('day', now()) + interval '7 days')"
    free_up(db, practice, at(9))
    db.execute("update private.freed_slots set during = " + week)
    # Whoever looks has to wait.
    with other.transaction(), db.transaction():
        other.execute("lock table public.waitlist_offers in access exclusive mode")
        db.execute("set local statement_timeout = '200ms'")
        assert look_briefly(db) == {"freed": 1, "offered": 0}
    halves = every(db, "select upper(during) - lower(during) as takes from private.freed_slots")
    assert [row["takes"] for row in halves] == [timedelta(days=3.5)] * 2
    assert offer(db)["offered"] == 1


def test_a_look_goes_on_where_the_last_one_had_no_more_time(connect: Connect) -> None:
    db, other = connect(), connect()
    practice = settled_practice(db)
    longest = wait_for(db, practice, created_at=at(0, days=-2))
    later = wait_for(db, practice, created_at=at(0, days=-1))
    free_up(db, practice, at(9))
    with other.transaction():
        # Whom it cannot have it passes over.
        other.execute(
            "select from public.waitlist_entries where id = %s for update", [longest["id"]]
        )
        assert look_briefly(db) == {"freed": 1, "offered": 0}
        assert look_briefly(db) == {"freed": 1, "offered": 1}
    assert [made["entry_id"] for made in every(db, OFFERS)] == [later["id"]]


def test_joining_again_changes_the_wishes_and_keeps_the_place(
    db: Connection, practice: Practice
) -> None:
    join = (
        "select id, created_at, from_clock"
        " from public.join_waitlist(%s, from_clock => %s, provider_ids => %s)"
    )
    with as_user(db, practice.user):
        first = one(db, join, practice.service, "09:00", [practice.provider])
        again = one(db, join, practice.service, "10:00", None)
    assert (first["id"], first["created_at"]) == (again["id"], again["created_at"])
    assert str(again["from_clock"]) == "10:00:00"
    assert every(db, "select from public.waitlist_entry_providers") == []


def test_patients_do_not_judge_their_own_urgency(db: Connection, practice: Practice) -> None:
    join = "select public.join_waitlist(%s, %s, urgency => 'urgent')"
    with as_user(db, practice.user), refused(db, "not_allowed"):
        db.execute(join, [practice.service, practice.patient])
    with as_user(db, make_member(db, practice.clinic, "front_desk")):
        db.execute(join, [practice.service, practice.patient])


@pytest.mark.parametrize(
    ("wishes", "key"),
    [
        ("from_clock => '10:00', to_clock => '09:00'", "invalid_time"),
        ("earliest => current_date + 2, latest => current_date + 1", "invalid_time"),
        ("latest => 'infinity'", "invalid_time"),
        ("latest => current_date - 3", "invalid_time"),
        ("from_clock => null", "invalid_time"),
        ("weekdays => '{}'", "invalid_input"),
        ("weekdays => '{8}'", "invalid_input"),
        ("provider_ids => array[gen_random_uuid()]", "not_found"),
        ("location_id => gen_random_uuid()", "not_found"),
        ("patient_id => gen_random_uuid()", "not_found"),
    ],
)
def test_wishes_that_nothing_can_meet_are_refused(
    db: Connection, practice: Practice, wishes: str, key: str
) -> None:
    with as_user(db, practice.user), refused(db, key):
        db.execute(f"select public.join_waitlist('{practice.service}', {wishes})")
    assert every(db, "select from public.waitlist_entries") == []


@pytest.mark.parametrize("has_an_offer", [False, True])
def test_whoever_leaves_gives_an_open_offer_back(
    db: Connection, practice: Practice, has_an_offer: bool
) -> None:
    entry = wait_for(db, practice)
    if has_an_offer:
        free_up(db, practice, at(9))
        offer(db)
    with as_user(db, make_member(db, practice.clinic, "front_desk")):
        left = one(db, "select status from public.leave_waitlist(%s)", entry["id"])
    assert left["status"] == "left"
    assert at(9) in starts_offered(db, practice)
    assert offer(db)["offered"] == 0


def test_an_offer_and_its_hold_cannot_come_apart(db: Connection, practice: Practice) -> None:
    wait_for(db, practice)
    free_up(db, practice, at(9))
    offer(db)
    for statement in (
        "update public.waitlist_offers set status = 'declined', answered_at = now()",
        "delete from public.waitlist_offers",
        "update public.waitlist_entries set status = 'left'",
        "delete from public.waitlist_entries",
    ):
        with refused(db, "not_allowed"):
            db.execute(statement)
    db.execute("delete from public.appointments where status = 'held'")
    assert [made["status"] for made in every(db, OFFERS)] == ["declined"]
    assert one(db, "select status from public.waitlist_entries") == {"status": "waiting"}


@pytest.mark.parametrize(
    ("wishes", "key"),
    [
        ({"patient_id": None}, "not_found"),
        ({"service_id": None}, "not_found"),
        ({"from_clock": "12:00", "to_clock": "11:00"}, "invalid_time"),
        ({"earliest": at(0, days=3).date(), "latest": at(0, days=2).date()}, "invalid_time"),
    ],
)
def test_the_dashboard_is_told_in_words_what_does_not_fit(
    db: Connection, practice: Practice, wishes: dict[str, object], key: str
) -> None:
    with refused(db, key):
        wait_for(db, practice, **wishes)


def test_a_list_takes_no_patient_of_another_clinic(db: Connection, practice: Practice) -> None:
    elsewhere = make_practice(db)
    with refused(db, "not_found"):
        wait_for(db, practice, patient_id=elsewhere.patient)
    with refused(db, "not_found"):
        wait_for(db, practice, clinic_id=elsewhere.clinic)


# What follows commits, in databases of its own.


def at_once(tasks: list[threading.Thread]) -> None:
    for task in tasks:
        task.start()
    for task in tasks:
        task.join()


def test_of_a_hundred_who_wait_exactly_one_gets_the_one_freed_time(connect: Connect) -> None:
    db = connect()
    practice = settled_practice(db)
    for _ in range(100):
        wait_for(db, practice)
    visits = [book(db, practice, at(9)), book(db, practice, at(11))]
    workers = [connect() for _ in range(6)]
    start = threading.Barrier(len(workers) + 1)

    def cancel() -> None:
        start.wait()
        for _ in range(3):  # the same call again changes nothing
            db.execute(f"{CANCEL} and status <> 'cancelled'", [visits[0]["id"]])

    def work(connection: Connection) -> None:
        start.wait()
        for _ in range(5):
            offer(connection)

    at_once(
        [threading.Thread(target=cancel)]
        + [threading.Thread(target=work, args=[connection]) for connection in workers]
    )
    offer(db)
    (made,) = every(db, OFFERS)
    assert (made["starts_at"], made["status"]) == (at(9), "open")
    assert one(
        db, "select count(*) as n from public.waitlist_entries where status = 'offered'"
    ) == {"n": 1}
    assert every(db, "select from private.freed_slots") == []


def test_a_hundred_who_want_the_freed_time_and_the_list_leave_one_visit(connect: Connect) -> None:
    """Patients book the very time that workers offer: one of them has it, or the waiting one."""
    db = connect()
    practice = settled_practice(db)
    entry = wait_for(db, practice)
    visit = book(db, practice, at(9))
    users = [make_user(db) for _ in range(100)]
    for user in users:
        make_patient(db, practice.clinic, user)
    connections = [(connect(), user) for user in users]
    workers = [connect() for _ in range(4)]
    start = threading.Barrier(105)
    seen: list[str] = []

    def cancel() -> None:
        start.wait()
        db.execute(CANCEL, [visit["id"]])

    def want(connection: Connection, user: UUID) -> None:
        start.wait()
        try:
            with as_user(connection, user):
                connection.execute(
                    "select public.book_appointment(%s, %s, %s)",
                    [practice.service, at(9), practice.provider],
                )
            seen.append("done")
        except psycopg.Error as error:
            seen.append(error.diag.message_primary or "")

    def work(connection: Connection) -> None:
        start.wait()
        for _ in range(4):
            offer(connection)

    at_once(
        [threading.Thread(target=cancel)]
        + [threading.Thread(target=want, args=pair) for pair in connections]
        + [threading.Thread(target=work, args=[worker]) for worker in workers]
    )
    offer(db)
    (kept,) = every(
        db, "select patient_id, status from public.appointments where status <> 'cancelled'"
    )
    assert set(seen) <= {"done", "slot_taken"}
    if kept["status"] == "held":
        assert (kept["patient_id"], seen.count("done")) == (entry["patient_id"], 0)
        assert [made["status"] for made in every(db, OFFERS)] == ["open"]
    else:
        assert (kept["status"], seen.count("done")) == ("booked", 1)
        assert every(db, OFFERS) == []


@pytest.mark.parametrize("milliseconds", [1, 2, 4, 8, 16])
def test_accepting_and_expiring_at_once_has_exactly_one_outcome(
    connect: Connect, milliseconds: int
) -> None:
    db = connect()
    practice = settled_practice(db)
    entry = wait_for(db, practice)
    free_up(db, practice, at(9))
    offer(db)
    (made,) = every(db, OFFERS)
    connections = [connect(), connect()]
    start = threading.Barrier(2)
    done = threading.Event()
    refusals: list[str] = []
    db.execute(
        "update public.appointments set hold_expires_at = now() + make_interval(secs => %s)"
        " where status = 'held'",
        [milliseconds / 1000],
    )

    def accept() -> None:
        start.wait()
        try:
            connections[0].execute("select public.accept_offer(%s)", [made["id"]])
        except Exception as error:
            refusals.append(str(error).splitlines()[0])
        done.set()

    def end() -> None:
        start.wait()
        while expire(connections[1]) == 0 and not done.is_set():
            pass

    at_once([threading.Thread(target=accept), threading.Thread(target=end)])
    if refusals:
        pass_time(db)
        expire(db)
    outcome = one(
        db,
        "select offers.status::text as offer, visit.status::text as visit,"
        " entry.status::text as entry"
        " from public.waitlist_offers as offers"
        " join public.appointments as visit on visit.id = offers.appointment_id"
        " join public.waitlist_entries as entry on entry.id = offers.entry_id"
        " where entry.id = %s",
        entry["id"],
    )
    if refusals:
        assert refusals == ["hold_expired"]
        assert outcome == {"offer": "expired", "visit": "cancelled", "entry": "waiting"}
    else:
        assert outcome == {"offer": "accepted", "visit": "booked", "entry": "booked"}


def test_work_that_fails_half_way_is_done_again(connect: Connect) -> None:
    db = connect()
    practice = settled_practice(db)
    wait_for(db, practice)
    free_up(db, practice, at(9))
    with db.transaction(force_rollback=True):
        assert offer(db)["offered"] == 1
    assert every(db, OFFERS) == []
    assert offer(db) == {"freed": 1, "offered": 1}
