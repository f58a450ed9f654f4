"""Series: rules mean what iCalendar says, on the wall clock; all are booked, or the free ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import psycopg
import pytest
from dateutil.relativedelta import relativedelta
from dateutil.rrule import rrulestr
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from tests.database.conftest import Connect
from tests.database.test_never_overlaps import at_once, disagreements, overlaps
from tests.people import (
    Connection,
    Practice,
    Row,
    as_front_desk,
    as_patient,
    at,
    book,
    every,
    make_location,
    make_member,
    make_patient,
    make_practice,
    make_provider,
    make_user,
    one,
    refused,
)

ZONES = [
    "UTC",
    "Europe/Vienna",
    "America/New_York",
    "Australia/Lord_Howe",  # half an hour of summer time
    "Africa/Cairo",  # changes at midnight
    "Pacific/Chatham",
    "America/Santiago",
]
WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]


def instant(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """docs/time.md in Python: a gap moves forward by the gap, a fold is its first occurrence."""
    return datetime.combine(day, clock, tzinfo=zone).replace(fold=0).astimezone(UTC)


def occurrences(db: Connection, starts_at: datetime, rule: str, zone: str) -> list[datetime]:
    times: list[datetime] = one(
        db, "select private.occurrences(%s, %s, %s) as times", starts_at, rule, zone
    )["times"]
    return times


@st.composite
def rules(draw: st.DrawFn, first_day: date) -> str:
    """A rule of the subset with its end; several start on days that some months lack."""
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY"]))
    parts = [f"FREQ={frequency}"]
    step = draw(st.integers(1, 6))
    if step > 1 or draw(st.booleans()):
        parts.append(f"INTERVAL={step}")
    if frequency == "WEEKLY" and draw(st.booleans()):
        days = draw(st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=4))
        parts.append("BYDAY=" + ",".join(days))
    if frequency == "MONTHLY" and draw(st.booleans()):
        ordinals = st.sampled_from([1, 2, 3, 4, 5, -1, -2, -3, -4, -5])
        days = draw(
            st.lists(
                st.tuples(ordinals, st.sampled_from(WEEKDAYS)).map(lambda e: f"{e[0]}{e[1]}"),
                min_size=1,
                max_size=3,
            )
        )
        parts.append("BYDAY=" + ",".join(days))
    if draw(st.booleans()):
        parts.append(f"COUNT={draw(st.integers(1, 30))}")
    else:
        last = first_day + timedelta(days=draw(st.integers(0, 90)))
        parts.append(f"UNTIL={last:%Y%m%d}")
    return ";".join(draw(st.permutations(parts)))


@st.composite
def series(draw: st.DrawFn) -> tuple[str, date, time, str]:
    """A zone, a first day, a time of day (often in the night, where clocks change), and a rule."""
    zone = draw(st.sampled_from(ZONES))
    first_day = draw(st.dates(date(2026, 1, 1), date(2031, 12, 31)))
    hour = draw(st.one_of(st.integers(0, 3), st.integers(0, 23)))
    clock = time(hour, draw(st.sampled_from([0, 15, 30, 45])))
    return zone, first_day, clock, draw(rules(first_day))


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(series())
@example(("Europe/Vienna", date(2027, 3, 26), time(2, 30), "FREQ=DAILY;COUNT=4"))
@example(("Europe/Vienna", date(2027, 10, 29), time(2, 30), "FREQ=DAILY;COUNT=4"))
@example(("America/New_York", date(2028, 1, 31), time(9), "FREQ=MONTHLY;COUNT=7"))
@example(("Africa/Cairo", date(2027, 4, 1), time(0), "FREQ=WEEKLY;BYDAY=FR;COUNT=8"))
def test_a_rule_means_what_icalendar_says_on_the_wall_clock(
    db: Connection, wanted: tuple[str, date, time, str]
) -> None:
    zone, first_day, clock, rule = wanted
    here = ZoneInfo(zone)
    starts_at = instant(first_day, clock, here)
    # A start in a gap is another wall-clock time; the series keeps the one that was shown.
    assume(starts_at.astimezone(here).time() == clock)
    theirs = rrulestr(
        # With no zone, "until the day" includes that day's time only if it says so.
        "".join(f"{part}T235959" if "UNTIL" in part else part for part in _parts(rule)),
        dtstart=datetime.combine(first_day, clock),
    )
    days = [day.date() for day in theirs]
    if days and days[-1] <= (first_day + relativedelta(years=10)):
        with db.transaction():
            found = occurrences(db, starts_at, rule, zone)
        assert found == [instant(day, clock, here) for day in days]
    else:
        with refused(db, "limit_reached" if days else "invalid_input"):
            occurrences(db, starts_at, rule, zone)


def _parts(rule: str) -> list[str]:
    """The rule's parts with their semicolons, UNTIL last so that it ends the text."""
    parts = sorted(rule.split(";"), key=lambda part: part.startswith("UNTIL"))
    return [*(f"{part};" for part in parts[:-1]), parts[-1]]


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "FREQ=WEEKLY",  # no end
        "COUNT=3",
        "FREQ=YEARLY;COUNT=3",
        "FREQ=HOURLY;COUNT=3",
        "FREQ=WEEKLY;COUNT=3;UNTIL=20300101",
        "FREQ=WEEKLY;COUNT=0",
        "FREQ=WEEKLY;COUNT=-1",
        "FREQ=WEEKLY;COUNT=1.5",
        "FREQ=WEEKLY;COUNT=",
        "FREQ=WEEKLY;INTERVAL=0;COUNT=3",
        "FREQ=WEEKLY;COUNT=3;COUNT=4",
        "FREQ=WEEKLY;COUNT=3;WKST=SU",
        "FREQ=WEEKLY;COUNT=3;BYHOUR=9",
        "FREQ=MONTHLY;COUNT=3;BYMONTHDAY=1",
        "FREQ=MONTHLY;COUNT=3;BYSETPOS=1",
        "FREQ=WEEKLY;BYDAY=2TU;COUNT=3",
        "FREQ=MONTHLY;BYDAY=TU;COUNT=3",
        "FREQ=MONTHLY;BYDAY=6TU;COUNT=3",
        "FREQ=MONTHLY;BYDAY=0TU;COUNT=3",
        "FREQ=DAILY;BYDAY=TU;COUNT=3",
        "FREQ=WEEKLY;BYDAY=XX;COUNT=3",
        "FREQ=WEEKLY;BYDAY=;COUNT=3",
        "FREQ=WEEKLY;UNTIL=20300231",
        "FREQ=WEEKLY;UNTIL=20301301",
        "FREQ=WEEKLY;UNTIL=20300101T250000Z",
        "FREQ=WEEKLY;UNTIL=20300101T090000",
        "FREQ=WEEKLY;UNTIL=soon",
        "FREQ=WEEKLY;UNTIL=20200101",  # over before it starts
        "FREQ=WEEKLY;;COUNT=3",
        "FREQ=WEEKLY COUNT=3",
        "every week",
        "FREQ=WEEKLY;COUNT=3;" + "X" * 200,
    ],
)
def test_a_rule_outside_the_subset_is_refused_in_words(db: Connection, rule: str) -> None:
    practice = make_practice(db)
    with as_patient(db, practice.user), refused(db, "invalid_input"):
        db.execute("select public.book_series(%s, %s, %s)", [practice.service, at(9), rule])
    assert every(db, "select from public.appointment_series") == []


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;COUNT=101",
        "FREQ=DAILY;COUNT=9999",
        "FREQ=DAILY;UNTIL=20291231",
        "FREQ=MONTHLY;INTERVAL=12;COUNT=12",
        "FREQ=WEEKLY;UNTIL=20991231",
    ],
)
def test_a_series_is_bounded(db: Connection, rule: str) -> None:
    practice = make_practice(db)
    with as_patient(db, practice.user), refused(db, "limit_reached"):
        db.execute("select public.book_series(%s, %s, %s)", [practice.service, at(9), rule])


def series_of(
    connection: Connection, practice: Practice, starts_at: datetime, rule: str, **arguments: Any
) -> list[Row]:
    """Book a series as the current caller."""
    named = {"service_id": practice.service, "starts_at": starts_at, "rule": rule} | arguments
    call = psycopg.sql.SQL("select * from public.book_series({})").format(
        psycopg.sql.SQL(", ").join(
            psycopg.sql.SQL("{} => {}").format(psycopg.sql.Identifier(name), psycopg.sql.Literal(v))
            for name, v in named.items()
        )
    )
    cursor = connection.cursor(row_factory=psycopg.rows.dict_row)
    return cursor.execute(call).fetchall()


def test_every_visit_of_a_series_is_booked_with_one_provider(db: Connection) -> None:
    practice = make_practice(db)
    make_provider(db, practice.clinic, practice.location, (practice.service,))
    with as_patient(db, practice.user):
        rows = series_of(db, practice, at(9), "FREQ=DAILY;COUNT=5", reason="Physiotherapy")
    assert [row["occurrence_at"] for row in rows] == [at(9, days=day) for day in range(2, 7)]
    assert {row["outcome"] for row in rows} == {"booked"}
    visits = every(db, "select * from public.appointments order by starts_at")
    assert [visit["id"] for visit in visits] == [row["appointment_id"] for row in rows]
    assert {visit["series_id"] for visit in visits} == {rows[0]["series_id"]}
    assert len({visit["provider_id"] for visit in visits}) == 1
    assert {visit["booked_via"] for visit in visits} == {"patient"}
    assert len(every(db, "select from public.appointment_reasons")) == 5
    kept = one(db, "select * from public.appointment_series")
    assert (kept["patient_id"], kept["mode"]) == (practice.patient, "all_or_nothing")


def test_a_series_keeps_its_wall_clock_time_over_a_clock_change(db: Connection) -> None:
    practice = make_practice(db, horizon_days=1000)
    vienna = make_location(db, practice.clinic, "Europe/Vienna")
    provider = make_provider(db, practice.clinic, vienna, (practice.service,))
    here = ZoneInfo("Europe/Vienna")
    year = datetime.now(UTC).year + 1
    first = datetime(year, 3, 1, 9, tzinfo=here)
    with as_patient(db, practice.user):
        rows = series_of(db, practice, first, "FREQ=WEEKLY;COUNT=9", provider_id=provider)
    local = [row["occurrence_at"].astimezone(here) for row in rows]
    assert {moment.time() for moment in local} == {time(9)}
    assert len({moment.utcoffset() for moment in local}) == 2


def test_one_taken_occurrence_refuses_all_or_nothing(db: Connection) -> None:
    practice = make_practice(db)
    other = replace(practice, patient=make_patient(db, practice.clinic))
    book(db, other, at(9, days=4))
    with as_patient(db, practice.user):
        with pytest.raises(psycopg.Error) as caught, db.transaction():
            series_of(db, practice, at(9), "FREQ=DAILY;COUNT=5")
        assert caught.value.diag.message_primary == "slot_taken"
        hint = caught.value.diag.message_hint or ""
        assert hint.startswith(f"{at(9, days=4):%Y-%m-%d} 09:00: ")
        assert every(db, "select from public.appointments") == []
        assert every(db, "select from public.appointment_series") == []


def test_of_free_ones_the_rest_is_answered_with_the_nearest_times(db: Connection) -> None:
    practice = make_practice(db)
    other = replace(practice, patient=make_patient(db, practice.clinic))
    book(db, other, at(9, days=3))
    # The patient is elsewhere on the fourth day, right before and at the time of the series.
    colleague = make_provider(db, practice.clinic, practice.location, (practice.service,))
    for start in (8.5, 9.25):
        book(db, replace(practice, provider=colleague), at(start, days=4))
    with as_patient(db, practice.user):
        rows = series_of(
            db, practice, at(9), "FREQ=DAILY;COUNT=4",
            provider_id=practice.provider, mode="free_ones",
        )  # fmt: skip
    assert [row["outcome"] for row in rows] == ["booked", "conflict", "conflict", "booked"]
    assert [row["error"] for row in rows] == [
        None, "slot_taken", "patient_already_booked", None,
    ]  # fmt: skip
    assert rows[1]["alternatives"] == [
        at(8.5, days=3), at(9.5, days=3), at(8.25, days=3),
    ]  # fmt: skip
    assert rows[2]["alternatives"] == [
        at(9.75, days=4), at(8, days=4), at(10, days=4),
    ]  # fmt: skip
    for row in rows[1:3]:
        assert row["appointment_id"] is None
    with as_patient(db, practice.user):
        for row in rows[1:3]:
            db.execute(
                "select public.book_appointment(%s, %s, %s)",
                [practice.service, row["alternatives"][0], practice.provider],
            )
    assert disagreements(db) == []


def test_alternatives_reach_into_the_next_two_days(db: Connection) -> None:
    practice = make_practice(db, hours={"opens": "09:00", "closes": "09:30"})
    book(db, replace(practice, patient=make_patient(db, practice.clinic)), at(9, days=3))
    with as_patient(db, practice.user):
        rows = series_of(db, practice, at(9), "FREQ=DAILY;COUNT=2", mode="free_ones")
    assert rows[1]["alternatives"] == [at(9, days=4), at(9, days=5)]


def test_alternatives_are_those_of_the_day_then_the_nearest_of_the_days_around(
    db: Connection,
) -> None:
    practice = make_practice(db, hours={"opens": "09:00", "closes": "10:00"})
    other = replace(practice, patient=make_patient(db, practice.clinic))
    book(db, other, at(9, days=4))
    rule = "FREQ=DAILY;INTERVAL=2;COUNT=2"
    with as_patient(db, practice.user):
        rows = series_of(db, practice, at(9), rule, mode="free_ones")
    assert rows[1]["alternatives"] == [at(9.5, days=4), at(9.5, days=3), at(9.25, days=3)]


def test_occurrences_outside_the_rules_are_conflicts_of_their_own_kind(db: Connection) -> None:
    practice = make_practice(
        db, horizon_days=7, hours={"weekdays": [at(0, days=2).isoweekday()], "closes": "10:00"}
    )
    with as_patient(db, practice.user):
        with refused(db, "outside_availability"):
            series_of(db, practice, at(9), "FREQ=DAILY;COUNT=2")
        with refused(db, "too_far_ahead"):
            series_of(db, practice, at(9), "FREQ=WEEKLY;COUNT=2")
        rows = series_of(db, practice, at(9), "FREQ=DAILY;COUNT=8", mode="free_ones")
    errors = [row["error"] for row in rows]
    assert errors[:5] == [None, *["outside_availability"] * 4]
    # Between them lies the day on which the horizon itself passes 09:00, sooner or later than now.
    assert errors[6:] == ["too_far_ahead"] * 2


def test_the_same_request_gets_the_same_answer(db: Connection) -> None:
    practice = make_practice(db)
    other = replace(practice, patient=make_patient(db, practice.clinic))
    book(db, other, at(9, days=3))
    request = uuid4()
    ask: dict[str, Any] = {"mode": "free_ones", "request_id": request}
    with as_patient(db, practice.user):
        first = series_of(db, practice, at(9), "FREQ=DAILY;COUNT=3", **ask)
        again = series_of(db, practice, at(9), "FREQ=DAILY;COUNT=3", **ask)
        with refused(db, "request_id_reused"):
            series_of(db, practice, at(9), "FREQ=DAILY;COUNT=4", **ask)
    assert again == first
    assert one(db, "select count(*) from public.appointments") == {"count": 3}


def test_the_rest_of_a_series_is_cancelled(db: Connection) -> None:
    practice = make_practice(db)
    with as_patient(db, practice.user):
        rows = series_of(db, practice, at(9), "FREQ=DAILY;COUNT=4")
        cancelled = every(
            db, "select * from public.cancel_series(%s, %s, 'Moved away')",
            rows[0]["series_id"], at(9, days=4),
        )  # fmt: skip
        assert [visit["starts_at"] for visit in cancelled] == [at(9, days=4), at(9, days=5)]
        assert {visit["status"] for visit in cancelled} == {"cancelled"}
        assert len(every(db, "select * from public.cancel_series(%s)", rows[0]["series_id"])) == 2
        assert every(db, "select * from public.cancel_series(%s)", rows[0]["series_id"]) == []
        with refused(db, "invalid_time"):
            db.execute("select public.cancel_series(%s, 'infinity')", [rows[0]["series_id"]])
    told = every(db, "select from public.notifications where kind = 'cancellation'")
    assert len(told) == 4
    assert disagreements(db) == []


def test_patients_see_and_cancel_their_own_series_and_no_others(db: Connection) -> None:
    practice = make_practice(db)
    with as_patient(db, practice.user):
        rows = series_of(db, practice, at(9), "FREQ=DAILY;COUNT=2")
        assert len(every(db, "select from public.appointment_series")) == 1
    elsewhere = make_practice(db)
    strangers = [make_user(db), elsewhere.user, make_member(db, elsewhere.clinic, "front_desk")]
    make_patient(db, practice.clinic, strangers[0])
    for stranger in strangers:
        with as_patient(db, stranger):
            assert every(db, "select from public.appointment_series") == []
            with refused(db, "not_found"):
                db.execute("select public.cancel_series(%s)", [rows[0]["series_id"]])
    with as_front_desk(db, make_member(db, practice.clinic, "front_desk")):
        assert len(every(db, "select * from public.cancel_series(%s)", rows[0]["series_id"])) == 2


def test_what_belongs_to_others_is_not_found(db: Connection) -> None:
    practice, other = make_practice(db), make_practice(db)
    stranger = make_patient(db, practice.clinic)
    with as_patient(db, practice.user):
        for arguments in (
            {"service_id": uuid4()},
            {"service_id": other.service},
            {"provider_id": other.provider},
            {"patient_id": other.patient},
            {"patient_id": stranger},
        ):
            with refused(db, "not_found"):
                series_of(db, practice, at(9), "FREQ=DAILY;COUNT=2", **arguments)
        for starts_at in (None, "infinity"):
            with refused(db, "invalid_time"):
                series_of(db, practice, starts_at, "FREQ=DAILY;COUNT=2")  # type: ignore[arg-type]


def test_series_that_cross_each_other_never_deadlock(connect: Connect) -> None:
    """Two people, the same two providers, opposite directions through the same days."""
    setup = connect()
    practice = make_practice(setup)
    colleague = make_provider(setup, practice.clinic, practice.location, (practice.service,))
    users = [make_user(setup) for _ in range(8)]
    for user in users:
        make_patient(setup, practice.clinic, user)

    def work(number: int) -> None:
        connection = connect()
        with as_patient(connection, users[number]):
            series_of(
                connection,
                practice,
                at(9 + number % 3 / 4, days=2 + number % 2),
                "FREQ=DAILY;COUNT=6",
                provider_id=(practice.provider, colleague, None)[number % 3],
                mode="free_ones" if number % 4 else "all_or_nothing",
            )

    outcomes = at_once([lambda n=n: work(n) for n in range(8)])
    assert set(outcomes) <= {"done", "PT409 slot_taken"}
    assert outcomes.count("done") >= 6
    assert overlaps(setup) == []
    assert disagreements(setup) == []
