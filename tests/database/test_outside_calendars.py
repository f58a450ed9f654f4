"""Outside calendars: busy time closes slots, visits stay, and freshness is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest

from tests.people import (
    Connection,
    Practice,
    Row,
    as_patient,
    as_provider,
    as_service,
    as_user,
    at,
    book,
    call,
    denied,
    every,
    insert,
    make_location,
    make_member,
    make_practice,
    make_user,
    one,
    refused,
)

URL = "https://calendars.example/secret.ics"


@pytest.fixture
def practice(db: Connection) -> Practice:
    return make_practice(db)


def add(db: Connection, practice: Practice, url: str = URL) -> UUID:
    """A calendar added the dashboard's way: provider and address are enough."""
    added: UUID = call(db, "public.add_outside_calendar", provider_id=practice.provider, url=url)[
        "add_outside_calendar"
    ]
    return added


def claim(db: Connection, batch: int = 100) -> list[Row]:
    with as_service(db):
        return every(db, "select * from worker.claim_outside_calendars(%s)", batch)


def store(db: Connection, claimed: Row, *busy: tuple[datetime, datetime], **more: Any) -> bool:
    with as_service(db):
        row = call(
            db,
            "worker.store_busy_blocks",
            calendar_id=claimed["calendar_id"],
            lease_id=claimed["lease_id"],
            starts=[start for start, _ in busy],
            ends=[end for _, end in busy],
            read_until=claimed["read_until"],
            **more,
        )
    return bool(row["store_busy_blocks"])


def import_busy(db: Connection, practice: Practice, *busy: tuple[datetime, datetime]) -> UUID:
    calendar = add(db, practice)
    (claimed,) = (row for row in claim(db) if row["calendar_id"] == calendar)
    assert store(db, claimed, *busy)
    return calendar


def free_starts(db: Connection, practice: Practice, hours: tuple[float, float]) -> set[datetime]:
    rows = every(
        db,
        "select starts_at from public.open_slots(%s, %s, %s)",
        practice.service,
        at(hours[0]),
        at(hours[1]),
    )
    return {row["starts_at"] for row in rows}


def blocks(db: Connection, practice: Practice) -> list[tuple[datetime, datetime]]:
    rows = every(
        db,
        "select starts_at, ends_at from public.busy_blocks where provider_id = %s order by 1",
        practice.provider,
    )
    return [(row["starts_at"], row["ends_at"]) for row in rows]


def state_of(db: Connection, calendar: UUID) -> Row:
    return one(db, "select * from public.outside_calendars where id = %s", calendar)


def test_busy_time_takes_slots_away_and_gives_them_back(db: Connection, practice: Practice) -> None:
    before = free_starts(db, practice, (9, 13))
    calendar = import_busy(db, practice, (at(10), at(11)))
    during = free_starts(db, practice, (9, 13))
    # Visits of 30 minutes: none may begin less than that before, or within.
    assert before - during == {start for start in before if at(9.5) < start < at(11)}
    call(db, "public.remove_outside_calendar", calendar_id=calendar)
    assert free_starts(db, practice, (9, 13)) == before


def test_busy_time_is_closed_at_every_location(db: Connection, practice: Practice) -> None:
    import_busy(db, practice, (at(10), at(11)))
    elsewhere = make_location(db, practice.clinic)
    with refused(db, "outside_availability"):
        book(db, practice, at(10))
    with refused(db, "outside_availability"):
        book(db, practice, at(10), location_id=elsewhere)


def test_staff_may_overbook_busy_time_with_a_reason(db: Connection, practice: Practice) -> None:
    import_busy(db, practice, (at(10), at(11)))
    visit = book(db, practice, at(10), overbook_reason="the provider agreed")
    assert visit["status"] == "booked"


def test_a_visit_that_is_there_stays_and_is_marked_until_the_time_is_free_again(
    db: Connection, practice: Practice
) -> None:
    visit = book(db, practice, at(10))
    calendar = import_busy(db, practice, (at(10.25), at(11)))
    (note,) = every(db, "select * from public.appointment_follow_ups")
    assert (note["appointment_id"], note["resolved_at"]) == (visit["id"], None)
    assert one(db, "select status from public.appointments")["status"] == "booked"

    db.execute("update public.outside_calendars set next_fetch_at = now()")
    (claimed,) = claim(db)
    assert claimed["calendar_id"] == calendar
    assert store(db, claimed, (at(12), at(13)))
    (note,) = every(db, "select * from public.appointment_follow_ups")
    assert note["resolved_at"] is not None


def test_a_block_that_changes_its_ends_does_not_open_its_time_in_between(
    db: Connection, practice: Practice
) -> None:
    book(db, practice, at(10))
    import_busy(db, practice, (at(9), at(12)))
    before = every(db, "select * from public.appointment_follow_ups")
    db.execute("update public.outside_calendars set next_fetch_at = now()")
    (claimed,) = claim(db)
    assert store(db, claimed, (at(9.5), at(12)))
    assert blocks(db, practice) == [(at(9.5), at(12))]
    assert every(db, "select * from public.appointment_follow_ups") == before
    assert [note["resolved_at"] for note in before] == [None]


def test_the_providers_own_visits_do_not_close_their_time_and_those_as_a_patient_do(
    db: Connection, practice: Practice
) -> None:
    own = book(db, practice, at(10))
    db.execute("update public.services set capacity = 5 where id = %s", [practice.service])
    session = insert(
        db,
        "public.group_sessions",
        service_id=practice.service,
        provider_id=practice.provider,
        starts_at=at(11),
    )
    as_a_patient = book(db, make_practice(db), at(13))
    add(db, practice)
    (claimed,) = claim(db)
    busy = [(at(hour), at(hour + 0.5)) for hour in (10, 11, 13, 15)]
    visits = [own["id"], session["id"], as_a_patient["id"], None]
    assert store(db, claimed, *busy, appointment_ids=visits)
    assert blocks(db, practice) == busy[2:]


def test_overlapping_and_touching_times_become_one_block(
    db: Connection, practice: Practice
) -> None:
    import_busy(db, practice, (at(10), at(11)), (at(10.5), at(11.5)), (at(11.5), at(12)))
    assert blocks(db, practice) == [(at(10), at(12))]


def test_a_second_import_changes_what_changed_and_nothing_else(
    db: Connection, practice: Practice
) -> None:
    calendar = import_busy(db, practice, (at(10), at(11)), (at(14), at(15)))
    kept = one(db, "select id from public.busy_blocks where starts_at = %s", at(10))
    db.execute("update public.outside_calendars set next_fetch_at = now()")
    (claimed,) = claim(db)
    assert store(db, claimed, (at(10), at(11)), (at(16), at(17)))
    assert blocks(db, practice) == [(at(10), at(11)), (at(16), at(17))]
    assert one(db, "select id from public.busy_blocks where starts_at = %s", at(10)) == kept
    assert state_of(db, calendar)["failures"] == 0


def test_a_calendar_is_leased_to_one_worker(db: Connection, practice: Practice) -> None:
    calendar = add(db, practice)
    (claimed,) = claim(db)
    assert claim(db) == []
    db.execute("update public.outside_calendars set leased_until = now(), next_fetch_at = now()")
    (again,) = claim(db)
    assert again["calendar_id"] == calendar
    assert store(db, claimed, (at(10), at(11))) is False, "the lease was lost"
    assert blocks(db, practice) == []
    assert store(db, again, (at(10), at(11)))


def test_one_calendar_of_a_clinic_is_read_at_a_time_the_longest_due_first(
    db: Connection, practice: Practice
) -> None:
    first, second = (add(db, practice, f"{URL}?{number}") for number in range(2))
    other = add(db, make_practice(db))
    db.execute(
        "update public.outside_calendars set next_fetch_at = now() - interval '1 minute'"
        " where id = %s",
        [first],
    )
    claimed = {row["calendar_id"]: row for row in claim(db)}
    assert claimed.keys() == {first, other}
    assert claim(db) == []
    assert store(db, claimed[first])
    assert [row["calendar_id"] for row in claim(db)] == [second]


def test_a_calendar_that_kills_its_workers_does_not_come_first_again(
    db: Connection, practice: Practice
) -> None:
    deadly, other = (add(db, practice, f"{URL}?{number}") for number in range(2))
    db.execute(
        "update public.outside_calendars set next_fetch_at = now() - interval '1 minute'"
        " where id = %s",
        [deadly],
    )
    assert [row["calendar_id"] for row in claim(db)] == [deadly]
    db.execute("update public.outside_calendars set leased_until = now()")
    assert [row["calendar_id"] for row in claim(db)] == [other]


def test_what_fails_keeps_its_busy_time_and_is_tried_later_and_later(
    db: Connection, practice: Practice
) -> None:
    calendar = import_busy(db, practice, (at(10), at(11)))
    waits = []
    for failures in range(1, 4):
        db.execute("update public.outside_calendars set next_fetch_at = now()")
        (claimed,) = claim(db)
        with as_service(db):
            call(
                db,
                "worker.fail_outside_calendar",
                calendar_id=calendar,
                lease_id=claimed["lease_id"],
                error="status_404",
            )
        known = state_of(db, calendar)
        assert (known["failures"], known["last_error"]) == (failures, "status_404")
        waits.append(one(db, "select next_fetch_at - now() as wait from public.outside_calendars"))
    assert [round(wait["wait"] / timedelta(minutes=5)) for wait in waits] == [1, 2, 4]
    assert blocks(db, practice) == [(at(10), at(11))]


@pytest.mark.parametrize(
    ("age", "state"), [("59 minutes", "fresh"), ("2 hours", "stale"), ("25 hours", "failing")]
)
@pytest.mark.parametrize("looks", ["worker.claim_outside_calendars", "worker.tidy"])
def test_how_old_the_busy_time_is_shows_whichever_workers_there_are(
    db: Connection, practice: Practice, age: str, state: str, looks: LiteralString
) -> None:
    calendar = import_busy(db, practice, (at(10), at(11)))
    db.execute("update public.outside_calendars set last_fetched_at = now() - %s::interval", [age])
    with as_service(db):
        every(db, f"select * from {looks}()")
    assert state_of(db, calendar)["state"] == state
    assert blocks(db, practice) == [(at(10), at(11))]


def test_an_unchanged_calendar_is_read_whole_now_and_then(
    db: Connection, practice: Practice
) -> None:
    """Else a repeating event would end when what was read of it ends."""
    calendar = add(db, practice)
    (claimed,) = claim(db)
    assert (claimed["etag"], claimed["last_modified"]) == (None, None)
    assert store(db, claimed, etag='"1"', last_modified="Sun")

    def claimed_after(days: int) -> Row:
        db.execute(
            "update public.outside_calendars set next_fetch_at = now(), leased_until = null,"
            " read_until = %s - make_interval(days => %s)",
            [claimed["read_until"], days],
        )
        return claim(db)[0]

    again = claimed_after(6)
    assert (again["etag"], again["last_modified"]) == ('"1"', "Sun")
    with as_service(db):
        lease = {"calendar_id": calendar, "lease_id": again["lease_id"]}
        assert call(db, "worker.keep_busy_blocks", **lease)["keep_busy_blocks"]
    assert state_of(db, calendar)["state"] == "fresh"
    assert claimed_after(8)["etag"] is None


@pytest.mark.parametrize(("horizon", "days"), [(90, 400), (1095, 1102)])
def test_a_calendar_is_followed_as_far_as_its_clinic_can_be_booked(
    db: Connection, practice: Practice, horizon: int, days: int
) -> None:
    calendar = add(db, practice)
    assert store(db, claim(db)[0], etag='"1"')
    make_practice(db, horizon_days=1000)
    db.execute(
        "update public.services set horizon_days = %s where id = %s", [horizon, practice.service]
    )
    db.execute("update public.outside_calendars set next_fetch_at = now(), leased_until = null")
    (again,) = claim(db)
    assert again["read_until"] - datetime.now(UTC) == pytest.approx(
        timedelta(days=days), abs=timedelta(minutes=5)
    )
    # What was read before does not reach as far as visits are offered now.
    assert again["etag"] == ('"1"' if horizon == 90 else None)
    assert store(db, again, etag='"1"')
    assert state_of(db, calendar)["read_until"] == again["read_until"]


def test_another_address_is_read_anew(db: Connection, practice: Practice) -> None:
    calendar = add(db, practice)
    assert store(db, claim(db)[0], etag='"1"')
    db.execute("update public.outside_calendars set url = 'webcal://other.example/b.ics'")
    known = state_of(db, calendar)
    assert (known["url"], known["etag"], known["state"]) == (
        "https://other.example/b.ics",
        None,
        "new",
    )
    assert len(claim(db)) == 1


def test_what_is_being_read_at_the_old_address_does_not_count_at_the_new_one(
    db: Connection, practice: Practice
) -> None:
    calendar = add(db, practice)
    (claimed,) = claim(db)
    db.execute("update public.outside_calendars set url = 'https://other.example/b.ics'")
    assert not store(db, claimed, (at(10), at(11)), etag='"1"')
    assert blocks(db, practice) == []
    assert state_of(db, calendar)["etag"] is None
    assert [row["calendar_id"] for row in claim(db)] == [calendar]


def test_a_corrected_time_zone_has_the_clinics_calendars_read_whole(
    db: Connection, practice: Practice
) -> None:
    import_busy(db, practice)
    db.execute("update public.outside_calendars set etag = '\"1\"', next_fetch_at = now()")
    (reading,) = claim(db)
    with as_user(db, make_member(db, practice.clinic, "owner")):
        db.execute(
            "update public.locations set time_zone = 'Asia/Tokyo' where id = %s",
            [practice.location],
        )
    (again,) = claim(db)
    assert (again["etag"], again["time_zone"]) == (None, "Asia/Tokyo")
    assert not store(db, reading), "it was read in the old zone"


def test_providers_and_managers_add_and_remove_calendars(
    db: Connection, practice: Practice
) -> None:
    doctor = make_user(db)
    make_member(db, practice.clinic, "provider", doctor)
    db.execute(
        "update public.providers set user_id = %s where id = %s", [doctor, practice.provider]
    )
    for user in (doctor, make_member(db, practice.clinic, "manager")):
        with as_user(db, user):
            calendar = add(db, practice)
            call(db, "public.remove_outside_calendar", calendar_id=calendar)


def test_others_do_not(db: Connection, practice: Practice) -> None:
    with as_user(db, make_member(db, practice.clinic, "provider")), refused(db, "not_allowed"):
        add(db, practice)
    for stranger in (practice.user, make_member(db, make_practice(db).clinic, "owner")):
        with as_user(db, stranger), refused(db, "not_found"):
            add(db, practice)


def test_members_see_how_fresh_a_calendar_is_but_not_its_address(
    db: Connection, practice: Practice
) -> None:
    import_busy(db, practice, (at(10), at(11)))
    with as_provider(db, make_member(db, practice.clinic, "provider")):
        (row,) = every(
            db, "select name, state::text, last_fetched_at from public.outside_calendars"
        )
        assert row["state"] == "fresh"
        assert len(every(db, "select id from public.busy_blocks")) == 1
        with denied(db):
            db.execute("select url from public.outside_calendars")
        with denied(db):
            db.execute("delete from public.busy_blocks")
    with as_patient(db, practice.user):
        assert every(db, "select id from public.outside_calendars") == []
        assert every(db, "select id from public.busy_blocks") == []


@pytest.mark.parametrize("url", ["", "ftp://a.example/", "https://", "javascript:alert(1)", None])
def test_what_is_no_web_address_is_refused(
    db: Connection, practice: Practice, url: str | None
) -> None:
    with refused(db, "invalid_input"):
        call(db, "public.add_outside_calendar", provider_id=practice.provider, url=url)


def test_blocks_of_one_clinic_cannot_be_another_clinics(db: Connection, practice: Practice) -> None:
    calendar = add(db, practice)
    there = make_practice(db)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        db.execute(
            "insert into public.busy_blocks"
            " (clinic_id, provider_id, outside_calendar_id, starts_at, ends_at)"
            " values (%s, %s, %s, %s, %s)",
            [there.clinic, there.provider, calendar, at(10), at(11)],
        )
