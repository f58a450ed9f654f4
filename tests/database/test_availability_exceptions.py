"""Exceptions: closed days and extra hours, of a provider, a location or the whole clinic."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.people import (
    Connection,
    Practice,
    as_patient,
    as_user,
    at,
    book,
    denied,
    every,
    insert,
    make_clinic,
    make_location,
    make_member,
    make_practice,
    make_provider,
    one,
    refused,
)

NINE_TO_TWELVE = {"opens": "09:00", "closes": "12:00"}
DAY = at(0).date()


def except_(db: Connection, **columns: Any) -> dict[str, Any]:
    """Add an exception on the day `at(…)` speaks of, unless said otherwise."""
    return insert(db, "public.availability_exceptions", **{"starts_on": DAY} | columns)


def open_hours(db: Connection, practice: Practice, **more: Any) -> list[tuple[float, float]]:
    """From when until when the provider is there on that day, in hours."""
    row = one(
        db,
        "select array(select array[lower(piece), upper(piece)] from unnest("
        "private.open_time(%s, %s, %s, %s)) as piece) as pieces",
        more.get("provider", practice.provider),
        more.get("location", practice.location),
        at(0),
        at(24),
    )
    hour = timedelta(hours=1)
    return [((start - at(0)) / hour, (end - at(0)) / hour) for start, end in row["pieces"]]


def offered(db: Connection, practice: Practice) -> list[float]:
    rows = every(db, "select * from public.open_slots(%s, %s, %s)", practice.service, at(0), at(24))
    return [(row["starts_at"] - at(0)) / timedelta(hours=1) for row in rows]


def test_nothing_is_offered_or_booked_on_a_closed_day(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_TWELVE)
    except_(db, provider_id=practice.provider)
    assert offered(db, practice) == []
    with refused(db, "outside_availability"):
        book(db, practice, at(9))
    book(db, practice, at(9, days=3))


def test_closed_hours_leave_the_rest_of_the_day_and_its_starts_as_they_were(
    db: Connection,
) -> None:
    practice = make_practice(db, hours=NINE_TO_TWELVE)
    except_(db, provider_id=practice.provider, opens="09:50", closes="10:40")
    assert open_hours(db, practice) == [(9, 9 + 50 / 60), (10 + 40 / 60, 12)]
    assert offered(db, practice) == [9, 9.25, 10.75, 11, 11.25, 11.5]
    with refused(db, "outside_availability"):
        book(db, practice, at(9.5))


@pytest.mark.parametrize(
    ("scope", "is_closed"),
    [
        ({}, (True, True, True)),
        ({"location_id": "here"}, (True, False, True)),
        ({"provider_id": "self"}, (True, True, False)),
        ({"provider_id": "self", "location_id": "here"}, (True, False, False)),
    ],
)
def test_whom_and_where_a_closure_concerns(
    db: Connection, scope: dict[str, str], is_closed: tuple[bool, bool, bool]
) -> None:
    practice = make_practice(db, hours=NINE_TO_TWELVE)
    elsewhere = make_location(db, practice.clinic)
    db.execute(
        "insert into public.weekly_hours (provider_id, location_id, weekday, opens, closes)"
        " select %s, %s, weekday, '14:00', '16:00' from generate_series(1, 7) as weekday",
        [practice.provider, elsewhere],
    )
    colleague = make_provider(db, practice.clinic, practice.location, **NINE_TO_TWELVE)
    stranger = make_practice(db, hours=NINE_TO_TWELVE)
    ids = {"here": practice.location, "self": practice.provider}
    except_(db, clinic_id=practice.clinic, **{key: ids[name] for key, name in scope.items()})
    assert (
        open_hours(db, practice) == [],
        open_hours(db, practice, location=elsewhere) == [],
        open_hours(db, practice, provider=colleague) == [],
    ) == is_closed
    assert open_hours(db, stranger) == [(9, 12)]


@pytest.mark.parametrize("scope", ["provider_id", "location_id", "clinic_id"])
def test_extra_hours_open_where_the_provider_works(db: Connection, scope: str) -> None:
    practice = make_practice(db, hours=NINE_TO_TWELVE)
    elsewhere = make_location(db, practice.clinic)
    value = {
        "provider_id": practice.provider,
        "location_id": practice.location,
        "clinic_id": practice.clinic,
    }[scope]
    except_(db, kind="extra", opens="12:00", closes="13:10", **{scope: value})
    assert open_hours(db, practice) == [(9, 13 + 10 / 60)]
    assert open_hours(db, practice, location=elsewhere) == []
    # They begin a shift of their own; a visit may lie across both.
    assert offered(db, practice)[-4:] == [11.75, 12, 12.25, 12.5]
    book(db, practice, at(11.75))


def test_extra_hours_of_a_provider_at_a_location_need_no_weekly_hours(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_TWELVE)
    elsewhere = make_location(db, practice.clinic)
    except_(
        db,
        kind="extra",
        provider_id=practice.provider,
        location_id=elsewhere,
        opens="18:00",
        closes="19:00",
    )
    assert open_hours(db, practice, location=elsewhere) == [(18, 19)]
    assert offered(db, practice)[-3:] == [18, 18.25, 18.5]
    assert book(db, practice, at(18))["location_id"] == elsewhere


def test_extra_hours_do_not_bring_back_who_left(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_TWELVE)
    db.execute("update public.weekly_hours set valid_until = %s", [DAY - timedelta(days=1)])
    except_(db, clinic_id=practice.clinic, kind="extra", opens="09:00", closes="12:00")
    assert open_hours(db, practice) == []


def test_where_closed_and_extra_hours_meet_it_is_closed(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_TWELVE)
    except_(db, clinic_id=practice.clinic)
    except_(db, provider_id=practice.provider, kind="extra", opens="09:00", closes="20:00")
    assert open_hours(db, practice) == []


def test_times_of_an_exception_hold_on_each_of_its_days(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_TWELVE)
    except_(
        db,
        provider_id=practice.provider,
        starts_on=DAY - timedelta(days=400),
        ends_on=DAY,
        opens="10:00",
        closes="13:00",
    )
    assert open_hours(db, practice) == [(9, 10)]
    book(db, practice, at(11, days=3))


def test_a_clinic_closes_by_the_clock_of_each_of_its_locations(db: Connection) -> None:
    clinic = make_clinic(db)
    zones = {"Europe/Vienna": 23, "America/New_York": 5, "Pacific/Kiritimati": 10}
    places: dict[str, tuple[UUID, UUID]] = {}
    for zone in zones:
        location = make_location(db, clinic, zone)
        places[zone] = (make_provider(db, clinic, location), location)
    except_(db, clinic_id=clinic, starts_on=date(2027, 1, 6))
    for zone, hour in zones.items():
        begin = datetime(2027, 1, 6, hour, tzinfo=UTC) - timedelta(days=hour > 9)
        row = one(
            db,
            "select tstzmultirange(tstzrange('2027-01-01', '2027-01-10'))"
            " - private.open_time(%s, %s, '2027-01-01', '2027-01-10') as closed",
            *places[zone],
        )
        (closed,) = row["closed"]
        assert (closed.lower, closed.upper) == (begin, begin + timedelta(days=1)), zone


def test_what_is_left_out_is_filled_in(db: Connection) -> None:
    practice = make_practice(db)
    assert except_(db, provider_id=practice.provider)["clinic_id"] == practice.clinic
    added = except_(db, location_id=practice.location, reason="  Painters ")
    assert (added["clinic_id"], added["ends_on"], added["reason"], added["kind"]) == (
        practice.clinic,
        DAY,
        "Painters",
        "closed",
    )


@pytest.mark.parametrize(
    ("columns", "key"),
    [
        ({"ends_on": DAY - timedelta(days=1)}, "invalid_time"),
        ({"opens": "12:00", "closes": "09:00"}, "invalid_time"),
        ({"opens": "12:00", "closes": "12:00"}, "invalid_time"),
        ({"ends_on": "infinity"}, "invalid_time"),
        ({"starts_on": "-infinity"}, "invalid_time"),
        ({"ends_on": DAY + timedelta(days=20 * 366)}, "invalid_time"),
        ({"opens": "12:00"}, "invalid_input"),
        ({"closes": "12:00"}, "invalid_input"),
        ({"starts_on": None}, "invalid_input"),
        ({"reason": "x" * 201}, "invalid_input"),
        ({"provider_id": "other"}, "not_found"),
        ({"location_id": "other"}, "not_found"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_written(
    db: Connection, columns: dict[str, Any], key: str
) -> None:
    practice, other = make_practice(db), make_practice(db)
    theirs = {"provider_id": other.provider, "location_id": other.location}
    given = {"clinic_id": practice.clinic} | {
        name: theirs[name] if value == "other" else value for name, value in columns.items()
    }
    with refused(db, key):
        except_(db, **given)
    with as_user(db, make_member(db, practice.clinic, "owner")), refused(db, key):
        db.execute(
            "select public.add_exception(starts_on => %s, ends_on => %s, clinic_id => %s,"
            " provider_id => %s, location_id => %s, opens => %s, closes => %s, reason => %s)",
            [
                given.get("starts_on", DAY),
                *map(given.get, ("ends_on", "clinic_id", "provider_id", "location_id")),
                *map(given.get, ("opens", "closes", "reason")),
            ],
        )
    assert every(db, "select from public.availability_exceptions") == []


def test_an_exception_of_nobody_is_refused(db: Connection) -> None:
    with refused(db, "invalid_input"):
        except_(db)


def test_staff_reads_reasons_and_managers_alone_write(db: Connection) -> None:
    practice = make_practice(db)
    except_(db, clinic_id=practice.clinic, reason="Funeral")
    query = "select reason from public.availability_exceptions"
    with as_patient(db, practice.user):
        assert every(db, query) == []
    with as_user(db, make_member(db, make_clinic(db), "owner")):
        assert every(db, query) == []
    for role in ("front_desk", "provider"):
        with as_user(db, make_member(db, practice.clinic, role)):
            assert [row["reason"] for row in every(db, query)] == ["Funeral"]
            with denied(db):
                except_(db, provider_id=practice.provider)
            db.execute("delete from public.availability_exceptions")
    with as_user(db, make_member(db, practice.clinic, "manager")):
        except_(db, provider_id=practice.provider)
        assert len(every(db, query)) == 2


def test_a_visit_next_to_a_closure_may_touch_it(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_TWELVE)
    except_(db, clinic_id=practice.clinic, opens="10:00", closes="11:00")
    book(db, practice, at(9.5))
    with refused(db, "outside_availability"):
        book(db, replace(practice, patient=practice.patient), at(10.75))
