"""What `clinic_numbers` counts, for whom, and where a day begins."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.people import (
    Connection,
    Practice,
    Row,
    as_user,
    at,
    book,
    every,
    insert,
    make_clinic,
    make_location,
    make_member,
    make_patient,
    make_practice,
    make_provider,
    make_service,
    make_user,
    one,
    refused,
)

NUMBERS = "select * from public.clinic_numbers(%s, %s, %s)"
NINE_TO_FIVE = {"opens": "09:00", "closes": "17:00"}
# Ten days ago: over, wherever it is.
DAY = at(0, days=-10).date()


def numbers(
    db: Connection, clinic: UUID, first: date = DAY, last: date = DAY
) -> dict[tuple[str, str | None], Row]:
    rows = every(db, NUMBERS, clinic, first, last)
    return {(row["dimension"], row["key"]): row for row in rows}


def past(db: Connection, practice: Practice, starts_at: datetime, **columns: Any) -> Row:
    """A visit of somebody else, agreed two days before unless said otherwise."""
    columns = {
        "patient_id": make_patient(db, practice.clinic),
        "created_at": starts_at - timedelta(days=2),
        "status": "fulfilled",
    } | columns
    return book(db, practice, starts_at, **columns)


def remind(db: Connection, visit: Row, status: str, minutes: int = 120) -> None:
    insert(
        db,
        "public.notifications",
        clinic_id=visit["clinic_id"],
        appointment_id=visit["id"],
        appointment_version=1,
        kind="reminder",
        recipient_id=visit["patient_id"],
        reminder_minutes=minutes,
        status=status,
        sent_at=None if status == "skipped" else visit["starts_at"] - timedelta(minutes=minutes),
    )


def test_every_visit_counts_once_in_each_dimension(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_FIVE)
    for hour, status in (
        (9, "fulfilled"),
        (10, "fulfilled"),
        (11, "fulfilled"),
        (12, "noshow"),
        (13, "booked"),
        (14, "cancelled"),
        (15, "cancelled"),
    ):
        past(db, practice, at(hour, days=-10), status=status, cancelled_late=hour == 14)
    counted = numbers(db, practice.clinic)
    monday = DAY - timedelta(days=DAY.isoweekday() - 1)
    keys = {
        ("total", None),
        ("provider", str(practice.provider)),
        ("service", str(practice.service)),
        ("weekday", str(DAY.isoweekday())),
        ("week", monday.isoformat()),
        ("month", DAY.replace(day=1).isoformat()),
    }
    assert set(counted) == keys
    for row in counted.values():
        assert (row["visits"], row["attended"], row["missed"], row["unknown"]) == (5, 3, 1, 1)
        assert (row["cancelled"], row["cancelled_late"]) == (2, 1)
        # Whoever nobody marked is no no-show.
        assert float(row["no_show_rate"]) == 0.25
        assert float(row["cancellation_rate"]) == round(2 / 7, 4)
        assert row["booked_minutes"] == 150
    assert counted["provider", str(practice.provider)]["label"] == "Dr. Test"


def test_utilisation_is_booked_time_of_open_time_and_closed_days_are_not_open(
    db: Connection,
) -> None:
    practice = make_practice(db, hours=NINE_TO_FIVE, duration_minutes=120)
    past(db, practice, at(9, days=-10))
    total = numbers(db, practice.clinic)["total", None]
    assert (total["open_minutes"], float(total["utilisation"])) == (480, 0.25)
    # Open time is of nobody's service.
    service = numbers(db, practice.clinic)["service", str(practice.service)]
    assert (service["open_minutes"], service["utilisation"]) == (None, None)

    insert(
        db,
        "public.availability_exceptions",
        clinic_id=practice.clinic,
        starts_on=DAY,
        ends_on=DAY,
        opens="13:00",
        closes="17:00",
    )
    total = numbers(db, practice.clinic)["total", None]
    assert (total["open_minutes"], float(total["utilisation"])) == (240, 0.5)
    fortnight = numbers(db, practice.clinic, DAY - timedelta(days=13), DAY)["total", None]
    assert fortnight["open_minutes"] == 13 * 480 + 240


def test_hours_around_the_clock_are_a_day_long_each_day(db: Connection) -> None:
    practice = make_practice(db)
    counted = numbers(db, practice.clinic, DAY - timedelta(days=6), DAY)
    assert counted["total", None]["open_minutes"] == 7 * 24 * 60
    assert [row["open_minutes"] for (name, _), row in counted.items() if name == "weekday"] == (
        [24 * 60] * 7
    )


def test_providers_who_left_are_open_no_more_but_were(db: Connection) -> None:
    practice = make_practice(db, hours=NINE_TO_FIVE)
    db.execute("update public.providers set active = false where id = %s", [practice.provider])
    assert numbers(db, practice.clinic)["total", None]["open_minutes"] == 480
    ahead = at(0, days=10).date()
    assert numbers(db, practice.clinic, ahead, ahead)["total", None]["open_minutes"] == 0


def test_a_session_takes_its_time_once_however_many_seats_are_taken(db: Connection) -> None:
    clinic = make_clinic(db)
    location = make_location(db, clinic)
    service = make_service(db, clinic, duration_minutes=60, capacity=5)
    provider = make_provider(db, clinic, location, (service,), **NINE_TO_FIVE)
    session = insert(
        db,
        "public.group_sessions",
        clinic_id=clinic,
        service_id=service,
        provider_id=provider,
        starts_at=at(9, days=5),
    )
    for _ in range(3):
        insert(
            db,
            "public.appointments",
            service_id=service,
            provider_id=provider,
            patient_id=make_patient(db, clinic),
            starts_at=session["starts_at"],
            session_id=session["id"],
        )
    day = at(0, days=5).date()
    total = numbers(db, clinic, day, day)["total", None]
    assert (total["visits"], total["booked_minutes"], total["open_minutes"]) == (3, 60, 480)


def test_a_day_is_the_places_own(db: Connection) -> None:
    """At 05:00 UTC it is the same day in Kiritimati (+14) and in Honolulu (-10) the day before."""
    clinic = make_clinic(db, time_zone="Pacific/Honolulu")
    service = make_service(db, clinic)
    for zone in ("Pacific/Kiritimati", "Pacific/Honolulu"):
        place = make_location(db, clinic, zone)
        provider = make_provider(db, clinic, place, (service,))
        insert(
            db,
            "public.appointments",
            service_id=service,
            provider_id=provider,
            patient_id=make_patient(db, clinic),
            starts_at=at(5, days=-10),
            status="fulfilled",
        )
    assert numbers(db, clinic)["total", None]["visits"] == 1
    the_day_before = DAY - timedelta(days=1)
    assert numbers(db, clinic, the_day_before, the_day_before)["total", None]["visits"] == 1
    assert numbers(db, clinic, the_day_before, DAY)["total", None]["visits"] == 2


def test_lead_time_is_in_days_and_imports_have_none(db: Connection) -> None:
    practice = make_practice(db)
    for hour, days in ((8, 0), (9, 3), (10, 20), (11, 41)):
        starts_at = at(hour, days=-10)
        past(db, practice, starts_at, created_at=starts_at - timedelta(days=days, minutes=1))
    past(db, practice, at(12, days=-10), booked_via="import")
    total = numbers(db, practice.clinic)["total", None]
    assert float(total["lead_days"]) == 16
    spread = [
        total[f"booked_{name}"] for name in ("same_day", "within_week", "within_month", "earlier")
    ]
    assert spread == [1, 1, 1, 1]


def test_reminders_that_came_back_or_were_never_sent_reminded_nobody(db: Connection) -> None:
    practice = make_practice(db)
    for hour, reminder, status in (
        (8, "delivered", "fulfilled"),
        (9, "sent", "fulfilled"),
        (10, "delivered", "noshow"),
        (11, "bounced", "noshow"),
        (12, "skipped", "fulfilled"),
        (13, None, "noshow"),
        # Nobody knows whether they came.
        (14, "delivered", "booked"),
    ):
        visit = past(db, practice, at(hour, days=-10), status=status)
        if reminder:
            remind(db, visit, reminder)
    # Two reminders of one visit remind once.
    twice = past(db, practice, at(15, days=-10))
    for minutes in (120, 2880):
        remind(db, twice, "delivered", minutes)
    total = numbers(db, practice.clinic)["total", None]
    assert (total["reminded"], total["reminded_missed"]) == (4, 1)
    assert (total["not_reminded"], total["not_reminded_missed"]) == (3, 2)
    assert float(total["reminded_no_show_rate"]) == 0.25
    assert float(total["not_reminded_no_show_rate"]) == 0.6667


def test_holds_that_ended_were_never_agreed(db: Connection) -> None:
    practice = make_practice(db)
    past(
        db,
        practice,
        at(9, days=-10),
        status="cancelled",
        hold_expires_at=at(8, days=-10),
    )
    assert numbers(db, practice.clinic)["total", None]["cancelled"] == 0


def test_the_office_counts_its_own_clinic_and_nobody_elses(db: Connection) -> None:
    practice, other = make_practice(db), make_practice(db)
    for each in (practice, other, other):
        past(db, each, at(9 + len(every(db, "select 1 from public.appointments")), days=-10))
    for role in ("owner", "manager", "front_desk"):
        with as_user(db, make_member(db, practice.clinic, role)):
            counted = numbers(db, practice.clinic)
            assert counted["total", None]["visits"] == 1
            assert counted["provider", str(practice.provider)]["open_minutes"] == 24 * 60
            with refused(db, "not_found"):
                numbers(db, other.clinic)
    with as_user(db, make_member(db, practice.clinic, "provider")), refused(db, "not_allowed"):
        numbers(db, practice.clinic)
    with as_user(db, practice.user), refused(db, "not_found"):
        numbers(db, practice.clinic)


def test_days_come_in_order_and_not_too_many_at_once(db: Connection) -> None:
    clinic = make_clinic(db)
    with refused(db, "invalid_time"):
        numbers(db, clinic, DAY, DAY - timedelta(days=1))
    with refused(db, "invalid_time"):
        every(db, NUMBERS, clinic, None, DAY)
    with refused(db, "limit_reached"):
        numbers(db, clinic, DAY - timedelta(days=400), DAY)
    counted = numbers(db, clinic, DAY - timedelta(days=399), DAY)
    assert counted["total", None]["utilisation"] is None


STAFF = "select * from public.clinic_staff(%s)"


def test_managers_see_addresses_of_staff_and_colleagues_only_their_own(db: Connection) -> None:
    practice = make_practice(db)
    people = {role: make_member(db, practice.clinic, role) for role in ("manager", "provider")}
    db.execute(
        "update public.providers set user_id = %s where id = %s",
        [people["provider"], practice.provider],
    )
    with as_user(db, people["manager"]):
        staff = {row["role"]: row for row in every(db, STAFF, practice.clinic)}
        assert all(row["email"] for row in staff.values())
        assert staff["provider"]["provider_name"] == "Dr. Test"
        assert (staff["provider"]["may_change"], staff["manager"]["may_change"]) == (True, False)
    with as_user(db, people["provider"]):
        staff = {row["role"]: row for row in every(db, STAFF, practice.clinic)}
        assert staff["provider"]["email"]
        assert staff["manager"]["email"] is None
        assert staff["manager"]["has_second_factor"] is None
        assert not any(row["may_change"] for row in staff.values())
    for stranger in (make_user(db), make_member(db, make_clinic(db), "owner")):
        with as_user(db, stranger), refused(db, "not_found"):
            one(db, STAFF, practice.clinic)
