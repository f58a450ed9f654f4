"""The views that the table editor and staff look at, and the comments that explain the columns."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.database.test_sent_once import claim, complete
from tests.people import (
    Connection,
    Practice,
    as_anon,
    as_service,
    as_user,
    at,
    book,
    denied,
    every,
    insert,
    make_clinic,
    make_guardian,
    make_location,
    make_member,
    make_patient,
    make_practice,
    make_provider,
    one,
)

TODAY = "select * from public.today_by_provider"
ATTENTION = "select what, appointment_id from public.needs_attention order by what"


def attention(db: Connection) -> list[str]:
    return [row["what"] for row in every(db, ATTENTION)]


def yesterday_s_and_todays(db: Connection, practice: Practice) -> None:
    for days, status in ((-1, "fulfilled"), (0, "booked"), (0, "cancelled"), (1, "booked")):
        book(
            db,
            practice,
            at(12, days=days),
            status=status,
            patient_id=make_patient(db, practice.clinic),
        )


def test_today_is_the_day_of_the_place(db: Connection) -> None:
    """On Kiritimati it is tomorrow already for most of the day."""
    practice = make_practice(db)
    yesterday_s_and_todays(db, practice)
    (visit,) = every(db, TODAY)
    assert (visit["provider"], visit["patient"], visit["status"]) == (
        "Dr. Test",
        "Pat Test",
        "booked",
    )
    assert str(visit["starts"]) == "12:00:00"
    far = make_location(db, practice.clinic, "Pacific/Kiritimati")
    provider = make_provider(db, practice.clinic, far, (practice.service,))
    for hours in range(-36, 37, 6):
        book(
            db,
            practice,
            at(hours, days=0),
            provider_id=provider,
            patient_id=make_patient(db, practice.clinic),
        )
    shown = every(db, f"{TODAY} where provider_id = %s", provider)
    assert [str(row["starts"]) for row in shown] == [
        "02:00:00",
        "08:00:00",
        "14:00:00",
        "20:00:00",
    ]


def test_a_hold_that_is_over_is_not_part_of_the_day(db: Connection) -> None:
    practice = make_practice(db)
    book(db, practice, at(12, days=0), status="held")
    assert [row["status"] for row in every(db, TODAY)] == ["held"]
    db.execute("update public.appointments set hold_expires_at = now() - interval '1 minute'")
    assert every(db, TODAY) == []


def test_what_needs_attention_is_listed_until_it_is_done(db: Connection) -> None:
    practice = make_practice(db, hours={"opens": "08:00", "closes": "20:00"})
    unmarked = book(db, practice, at(9, days=-3))
    request = book(db, practice, at(9), status="pending")
    squeezed = book(db, practice, at(6), overbook_reason="a favour")
    outside = book(db, practice, at(19))
    db.execute("update public.weekly_hours set closes = '18:00'")
    told = book(db, practice, at(11))
    db.execute(
        "update public.notifications set status = 'dead', last_error = 'bounced'"
        " where appointment_id = %s",
        [told["id"]],
    )
    assert [(row["what"], row["appointment_id"]) for row in every(db, ATTENTION)] == [
        ("message not sent", told["id"]),
        ("outcome unknown", unmarked["id"]),
        ("outside the hours", outside["id"]),
        ("overbooked", squeezed["id"]),
        ("waits for approval", request["id"]),
    ]
    set_status = "update public.appointments set status = %s where id = %s"
    db.execute(set_status, ["noshow", unmarked["id"]])
    db.execute(set_status, ["booked", request["id"]])
    db.execute(set_status, ["cancelled", squeezed["id"]])
    db.execute(
        "update public.appointments set starts_at = %s where id = %s", [at(15), outside["id"]]
    )
    db.execute("update public.notifications set status = 'queued', attempts = 4")
    assert set(attention(db)) == {"message keeps failing"}


def test_imported_visits_of_the_past_need_nobody(db: Connection) -> None:
    book(db, make_practice(db), at(9, days=-3), booked_via="import")
    assert attention(db) == []


@pytest.mark.parametrize("view", ["today_by_provider", "needs_attention"])
def test_staff_see_their_own_clinic_and_patients_nothing(db: Connection, view: str) -> None:
    practice, elsewhere = make_practice(db), make_practice(db)
    for place in (practice, elsewhere):
        book(db, place, at(12, days=0), status="pending")
    query: Any = f"select clinic_id from public.{view}"
    with as_user(db, make_member(db, practice.clinic, "front_desk")):
        assert {row["clinic_id"] for row in every(db, query)} == {practice.clinic}
    for stranger in (practice.user, make_member(db, make_clinic(db), "owner")):
        with as_user(db, stranger):
            assert every(db, query) == []
    with as_service(db):
        assert len(every(db, query)) == 2
    with as_anon(db), denied(db):
        db.execute(query)


def test_only_the_office_reads_which_messages_failed(db: Connection) -> None:
    practice = make_practice(db)
    book(db, practice, at(9))
    db.execute("update public.notifications set status = 'dead'")
    for role, seen in (("front_desk", ["message not sent"]), ("provider", [])):
        with as_user(db, make_member(db, practice.clinic, role)):
            assert attention(db) == seen


def untold(db: Connection) -> list[UUID]:
    rows = every(db, ATTENTION)
    return [row["appointment_id"] for row in rows if row["what"] == "patient cannot be told"]


def test_whoever_has_no_address_is_to_be_told_otherwise(db: Connection) -> None:
    practice = make_practice(db)
    set_address = "update public.patients set email = %s where id = %s"
    db.execute(set_address, [None, practice.patient])
    told = make_patient(db, practice.clinic)
    book(db, practice, at(8), patient_id=told)
    booked = book(db, practice, at(9))["id"]
    called_off = book(db, practice, at(11))["id"]
    db.execute("update public.appointments set status = 'cancelled' where id = %s", [called_off])
    book(db, practice, at(9, days=40))
    book(db, practice, at(15, days=-2))
    assert set(untold(db)) == {booked, called_off}
    with as_user(db, make_member(db, practice.clinic, "front_desk")):
        assert set(untold(db)) == {booked, called_off}
    for other in (
        make_member(db, practice.clinic, "provider"),
        make_member(db, make_clinic(db), "owner"),
        practice.user,
    ):
        with as_user(db, other):
            assert untold(db) == []


def what_is_sent(db: Connection) -> set[tuple[UUID, str]]:
    sent = set()
    for message in claim(db):
        assert complete(db, message)
        sent.add((message["appointment_id"], message["kind"]))
    return sent


def test_who_has_an_address_after_all_is_told_what_is_still_so(db: Connection) -> None:
    practice = make_practice(db)
    set_address = "update public.patients set email = %s where id = %s"
    db.execute(set_address, [None, practice.patient])
    booked = book(db, practice, at(9))["id"]
    called_off = book(db, practice, at(11))["id"]
    far = book(db, practice, at(9, days=40))["id"]
    told = book(db, practice, at(13))["id"]
    db.execute("update public.appointments set status = 'cancelled' where id = %s", [called_off])
    db.execute(
        "select public.mark_told(id) from public.notifications where appointment_id = %s", [told]
    )
    guardian = make_guardian(db, practice.clinic, practice.patient)
    # Gone again before anybody wrote: nobody is told, and it is on the list as before.
    db.execute("delete from public.guardians where user_id = %s", [guardian])
    assert claim(db) == []
    assert set(untold(db)) == {booked, called_off}
    db.execute(set_address, ["pat@patients.example", practice.patient])
    assert untold(db) == []
    assert what_is_sent(db) == {
        (booked, "confirmation"),
        (far, "confirmation"),
        (called_off, "cancellation"),
    }


def test_a_guardian_is_told_what_there_was_no_address_for_from_their_first_day_on(
    db: Connection,
) -> None:
    practice = make_practice(db)
    db.execute("update public.patients set email = null where id = %s", [practice.patient])
    visit = book(db, practice, at(9))["id"]
    guardian = make_guardian(db, practice.clinic, practice.patient)
    assert what_is_sent(db) == {(visit, "confirmation")}
    db.execute("delete from public.guardians where user_id = %s", [guardian])
    db.execute("update public.appointments set starts_at = %s", [at(12)])
    insert(
        db,
        "public.guardians",
        clinic_id=practice.clinic,
        patient_id=practice.patient,
        user_id=guardian,
        starts_at=at(0),
    )
    waiting = one(db, "select due_at from public.notifications where status = 'queued'")
    assert waiting["due_at"] == at(0)


def test_visits_of_a_double_are_told_at_the_address_of_the_record_that_is_kept(
    db: Connection,
) -> None:
    practice = make_practice(db)
    double = insert(db, "public.patients", clinic_id=practice.clinic, full_name="Pat Test")["id"]
    visit = book(db, practice, at(9), patient_id=double)["id"]
    assert untold(db) == [visit]
    db.execute("select public.merge_patients(%s, %s)", [practice.patient, double])
    assert untold(db) == []
    assert what_is_sent(db) == {(visit, "confirmation")}


def test_what_was_told_after_all_needs_nobody(db: Connection) -> None:
    practice = make_practice(db)
    db.execute("update public.patients set email = null where id = %s", [practice.patient])
    visit = book(db, practice, at(9))["id"]
    assert untold(db) == [visit]
    db.execute("update public.patients set email = 'pat@patients.example'")
    db.execute("update public.appointments set starts_at = %s", [at(12)])
    db.execute("update public.patients set email = null where id = %s", [practice.patient])
    # The newest message counts: whether it arrives is seen when it is claimed.
    assert untold(db) == []


CORE_TABLES = (
    "appointment_events",
    "appointment_reasons",
    "appointments",
    "attendance",
    "availability_exceptions",
    "clinics",
    "history_seals",
    "locations",
    "members",
    "needs_attention",
    "notifications",
    "patient_attendance",
    "patients",
    "provider_services",
    "providers",
    "resources",
    "service_needs",
    "services",
    "today_by_provider",
    "waitlist_entries",
    "waitlist_entry_providers",
    "waitlist_offers",
    "weekly_hours",
)
SELF_EXPLANATORY = ("id", "clinic_id", "created_at", "updated_at")


@pytest.mark.parametrize("table", CORE_TABLES)
def test_whoever_edits_a_table_reads_what_its_columns_mean(db: Connection, table: str) -> None:
    described = one(
        db,
        "select obj_description(pg_class.oid) as comment, relkind::text from pg_class"
        " where oid = to_regclass(%s)",
        f"public.{table}",
    )
    assert described["comment"]
    bare = every(
        db,
        "select attname from pg_attribute where attrelid = to_regclass(%s) and attnum > 0"
        " and not attisdropped and col_description(attrelid, attnum) is null"
        " and not attname = any (%s)",
        f"public.{table}",
        list(SELF_EXPLANATORY),
    )
    if described["relkind"] == "r":
        assert [row["attname"] for row in bare] == []
