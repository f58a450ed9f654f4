"""Records find their person by a confirmed address; two records of one person become one, and two
again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.database.conftest import Connect
from tests.people import (
    Connection,
    Practice,
    Row,
    as_patient,
    as_user,
    at,
    book,
    every,
    insert,
    make_clinic,
    make_guardian,
    make_member,
    make_patient,
    make_practice,
    make_provider,
    make_user,
    one,
    refused,
)

CLAIM = "select * from public.claim_patient_records(%s)"
MERGE = "select * from public.merge_patients(%s, %s)"
UNMERGE = "select * from public.unmerge_patients(%s)"
FIND = "select * from public.find_duplicates(%s, %s)"


def record_for(db: Connection, clinic: UUID, user: UUID, **columns: Any) -> UUID:
    """A record that the clinic made for the address of a user, who knows nothing of it yet."""
    columns = {"full_name": "Pat Test", "email": f"{user}@People.example"} | columns
    patient: UUID = insert(db, "public.patients", clinic_id=clinic, **columns)["id"]
    return patient


def test_a_confirmed_address_claims_its_records_in_all_clinics(db: Connection) -> None:
    user = make_user(db)
    records = {record_for(db, make_clinic(db), user) for _ in range(2)}
    make_patient(db, make_clinic(db))
    with as_patient(db, user):
        assert {row["id"] for row in every(db, CLAIM, None)} == records
        assert {row["id"] for row in every(db, "select id from public.patients")} == records
        assert every(db, CLAIM, None) == []


def test_an_unconfirmed_address_claims_nothing(db: Connection) -> None:
    user = make_user(db)
    record_for(db, make_clinic(db), user)
    db.execute("update auth.users set email_confirmed_at = null where id = %s", [user])
    with as_patient(db, user):
        assert every(db, CLAIM, None) == []


@pytest.mark.parametrize(
    ("given", "claims"), [("1990-05-01", True), ("1990-05-02", False), (None, False)]
)
def test_a_known_date_of_birth_is_a_second_proof(
    db: Connection, given: str | None, claims: bool
) -> None:
    user = make_user(db)
    record_for(db, make_clinic(db), user, date_of_birth="1990-05-01")
    with as_patient(db, user):
        assert (len(every(db, CLAIM, given)) == 1) is claims


def test_two_records_that_fit_are_left_to_the_clinic(db: Connection) -> None:
    user, clinic = make_user(db), make_clinic(db)
    record_for(db, clinic, user)
    record_for(db, clinic, user)
    with as_patient(db, user):
        assert every(db, CLAIM, None) == []


def test_one_of_a_family_with_one_address_is_told_by_the_date_of_birth(db: Connection) -> None:
    user, clinic = make_user(db), make_clinic(db)
    wanted = record_for(db, clinic, user, date_of_birth="1990-05-01")
    record_for(db, clinic, user, date_of_birth="2015-05-01")
    with as_patient(db, user):
        assert [row["id"] for row in every(db, CLAIM, "1990-05-01")] == [wanted]


def test_nobody_claims_a_second_record_an_owned_one_or_their_childs(db: Connection) -> None:
    user, other = make_user(db), make_user(db)
    with_own, owned, guarded = (make_clinic(db) for _ in range(3))
    make_patient(db, with_own, user)
    record_for(db, with_own, user)
    record_for(db, owned, user, user_id=other)
    child = record_for(db, guarded, user)
    make_guardian(db, guarded, child, user)
    with as_patient(db, user):
        assert every(db, CLAIM, None) == []


def test_guessing_is_limited(db: Connection) -> None:
    user = make_user(db)
    record_for(db, make_clinic(db), user, date_of_birth="1990-05-01")
    with as_patient(db, user):
        for day in range(10, 15):
            assert every(db, CLAIM, f"1990-05-{day}") == []
        with refused(db, "limit_reached"):
            db.execute(CLAIM, ["1990-05-01"])
    assert len(every(db, "select from private.claim_attempts where claimed = 0")) == 5


@pytest.fixture
def practice(db: Connection) -> Practice:
    return make_practice(db)


def merge(db: Connection, practice: Practice, keep: UUID, double: UUID) -> Row:
    with as_user(db, make_member(db, practice.clinic, "front_desk")):
        return one(db, MERGE, keep, double)


def unmerge(db: Connection, practice: Practice, double: UUID) -> Row:
    with as_user(db, make_member(db, practice.clinic, "front_desk")):
        return one(db, UNMERGE, double)


def patient_of(db: Connection, visit: Row) -> UUID:
    patient: UUID = one(
        db, "select patient_id from public.appointments where id = %s", visit["id"]
    )["patient_id"]
    return patient


def everything_of(db: Connection, patient: UUID) -> dict[str, int]:
    """Rows that refer to the patient, by table, and the ledger."""
    links = every(db, "select source::text, column_name from private.references_to_patients()")
    assert len(links) >= 6
    counts = {
        f"{link['source']}": one(
            db,
            f"select count(*) as n from {link['source']}"  # type: ignore[arg-type]
            f" where {link['column_name']} = %s",
            patient,
        )["n"]
        for link in links
    }
    counts["ledger"] = one(
        db, "select count(*) as n from private.reservations where resource_id = %s", patient
    )["n"]
    return {table: count for table, count in counts.items() if count}


def state_preferences(db: Connection, practice: Practice, patient: UUID) -> None:
    db.execute(
        "insert into public.notification_preferences (clinic_id, patient_id) values (%s, %s)",
        [practice.clinic, patient],
    )


def make_full_record(db: Connection, practice: Practice, hour: int) -> UUID:
    """A patient with a row in every table that refers to patients."""
    user = make_user(db)
    patient = make_patient(db, practice.clinic, user)
    with as_patient(db, user):
        db.execute(
            "select public.book_appointment(%s, %s, reason => 'a reason')",
            [practice.service, at(hour)],
        )
        db.execute("select public.join_waitlist(%s)", [practice.service])
        db.execute(
            "select public.book_series(%s, %s, 'FREQ=DAILY;COUNT=2')",
            [practice.service, at(hour, days=4)],
        )
        db.execute("select public.invite_guardian(%s, %s)", [patient, f"{patient}@people.example"])
        db.execute("select public.create_feed(patient_id => %s)", [patient])
        state_preferences(db, practice, patient)
    make_guardian(db, practice.clinic, patient)
    return patient


def test_everything_follows_a_merge_and_goes_back(db: Connection, practice: Practice) -> None:
    double = make_full_record(db, practice, 9)
    before = everything_of(db, double)
    links = every(db, "select source::text from private.references_to_patients()")
    assert {link["source"] for link in links} <= set(before), "give the record one of everything"
    keep = make_patient(db, practice.clinic)
    nothing = everything_of(db, keep)

    kept = merge(db, practice, keep, double)
    assert everything_of(db, keep) == before
    assert everything_of(db, double) == nothing
    assert kept["user_id"] is not None

    parted = unmerge(db, practice, double)
    assert everything_of(db, double) == before
    assert everything_of(db, keep) == nothing
    assert (parted["user_id"], parted["merged_into"]) == (kept["user_id"], None)
    assert one(db, "select user_id from public.patients where id = %s", keep)["user_id"] is None


def test_history_keeps_both_steps_and_verifies(db: Connection, practice: Practice) -> None:
    double = make_patient(db, practice.clinic)
    visit = book(db, practice, at(9), patient_id=double)
    merge(db, practice, practice.patient, double)
    unmerge(db, practice, double)
    events = every(
        db,
        "select kind::text, before, after from public.appointment_events order by id",
    )
    assert [event["kind"] for event in events] == ["created", "changed", "changed"]
    assert events[1]["after"] == {"patient_id": str(practice.patient)}
    assert events[2]["after"] == {"patient_id": str(double)}
    assert patient_of(db, visit) == double
    assert every(db, "select * from public.verify_history(%s)", practice.clinic) == []


def test_nobody_is_told_of_a_merge(db: Connection, practice: Practice) -> None:
    double = make_patient(db, practice.clinic)
    book(db, practice, at(9), patient_id=double)
    merge(db, practice, practice.patient, double)
    (message,) = every(db, "select kind::text, recipient_id from public.notifications")
    assert message == {"kind": "confirmation", "recipient_id": practice.patient}


def test_two_visits_at_one_time_cannot_be_one_persons(db: Connection, practice: Practice) -> None:
    other = replace(practice, patient=make_patient(db, practice.clinic))
    book(db, practice, at(9))
    second = make_second_provider(db, practice)
    visit = book(db, other, at(9), provider_id=second)
    with (
        as_user(db, make_member(db, practice.clinic, "front_desk")),
        refused(db, "patient_already_booked"),
    ):
        db.execute(MERGE, [practice.patient, other.patient])
    assert patient_of(db, visit) == other.patient


def make_second_provider(db: Connection, practice: Practice) -> UUID:
    return make_provider(db, practice.clinic, practice.location, (practice.service,))


def test_a_merged_persons_time_is_kept_by_the_ledger(db: Connection, practice: Practice) -> None:
    double = make_patient(db, practice.clinic)
    book(db, practice, at(9), patient_id=double)
    merge(db, practice, practice.patient, double)
    with refused(db, "patient_already_booked"):
        book(db, practice, at(9), provider_id=make_second_provider(db, practice))


def test_missing_contacts_are_taken_over_and_given_back(db: Connection, practice: Practice) -> None:
    keep, double = (
        insert(db, "public.patients", clinic_id=practice.clinic, full_name="Pat Test", **columns)[
            "id"
        ]
        for columns in (
            {"phone": "111111"},
            {"phone": "222222", "email": "pat@patients.example", "date_of_birth": "1990-05-01"},
        )
    )
    kept = merge(db, practice, keep, double)
    assert (kept["phone"], kept["email"]) == ("111111", "pat@patients.example")
    assert str(kept["date_of_birth"]) == "1990-05-01"
    db.execute("update public.patients set date_of_birth = '1990-05-02' where id = %s", [keep])
    unmerge(db, practice, double)
    parted = one(db, "select * from public.patients where id = %s", keep)
    assert (parted["phone"], parted["email"]) == ("111111", None)
    assert str(parted["date_of_birth"]) == "1990-05-02", "what was corrected since stays"


def test_what_came_after_the_merge_stays(db: Connection, practice: Practice) -> None:
    double = make_patient(db, practice.clinic)
    earlier = book(db, practice, at(9), patient_id=double)
    merge(db, practice, practice.patient, double)
    later = book(db, practice, at(11))
    unmerge(db, practice, double)
    assert (patient_of(db, earlier), patient_of(db, later)) == (double, practice.patient)


def test_what_both_wait_for_is_waited_for_once(db: Connection, practice: Practice) -> None:
    double = make_patient(db, practice.clinic)
    for patient in (practice.patient, double):
        db.execute(
            "insert into public.waitlist_entries (service_id, patient_id) values (%s, %s)",
            [practice.service, patient],
        )
    merge(db, practice, practice.patient, double)
    waiting = "select patient_id from public.waitlist_entries where status = 'waiting'"
    assert every(db, waiting) == [{"patient_id": practice.patient}]
    unmerge(db, practice, double)
    assert len(every(db, waiting)) == 2


def test_preferences_of_the_kept_record_win(db: Connection, practice: Practice) -> None:
    double = make_patient(db, practice.clinic)
    for patient in (practice.patient, double):
        state_preferences(db, practice, patient)
    before = everything_of(db, double), everything_of(db, practice.patient)
    merge(db, practice, practice.patient, double)
    assert (everything_of(db, double), everything_of(db, practice.patient)) == before
    unmerge(db, practice, double)
    assert (everything_of(db, double), everything_of(db, practice.patient)) == before


def test_nobody_books_for_a_merged_record(db: Connection, practice: Practice) -> None:
    double = make_patient(db, practice.clinic)
    merge(db, practice, practice.patient, double)
    with refused(db, "not_found"):
        book(db, practice, at(9), patient_id=double)


@pytest.mark.parametrize(
    ("role", "key"), [("provider", "not_allowed"), ("owner", None), ("manager", None)]
)
def test_the_office_merges(db: Connection, practice: Practice, role: str, key: str | None) -> None:
    double = make_patient(db, practice.clinic)
    with as_user(db, make_member(db, practice.clinic, role)):
        for call, values in ((MERGE, [practice.patient, double]), (UNMERGE, [double])):
            if key:
                # There is nothing to part yet.
                with refused(db, key if call == MERGE else "not_found"):
                    db.execute(call, values)  # type: ignore[arg-type]
            else:
                db.execute(call, values)  # type: ignore[arg-type]


def test_merges_refuse_what_is_not_two_records_of_one_clinic(
    db: Connection, practice: Practice
) -> None:
    there = make_practice(db)
    double = make_patient(db, practice.clinic)
    owned = make_patient(db, practice.clinic, make_user(db))
    merge(db, practice, make_patient(db, practice.clinic), double)
    with as_user(db, make_member(db, practice.clinic, "owner")):
        for keep, other, key in (
            (practice.patient, there.patient, "not_found"),
            (there.patient, practice.patient, "not_found"),
            (practice.patient, practice.patient, "not_found"),
            (practice.patient, None, "not_found"),
            (practice.patient, double, "not_allowed"),
            (double, practice.patient, "not_allowed"),
            (practice.patient, owned, "not_allowed"),
        ):
            with refused(db, key):
                db.execute(MERGE, [keep, other])
    with as_patient(db, practice.user), refused(db, "not_found"):
        db.execute(MERGE, [practice.patient, owned])


def test_a_merge_can_be_undone_for_30_days(db: Connection, practice: Practice) -> None:
    double = make_patient(db, practice.clinic)
    merge(db, practice, practice.patient, double)
    db.execute(
        "update private.patient_merges set merged_at = now() - interval '30 days 1 minute'"
        " where true"
    )
    with (
        as_user(db, make_member(db, practice.clinic, "front_desk")),
        refused(db, "not_allowed"),
    ):
        db.execute(UNMERGE, [double])


def test_moves_and_merges_at_once_wait_for_each_other(connect: Connect) -> None:
    """Never a deadlock; in the end the ledger keeps the visit's time for its patient."""
    setup = connect()
    practice = make_practice(setup)
    double = make_patient(setup, practice.clinic)
    visit = book(setup, practice, at(9), patient_id=double)
    desk = make_member(setup, practice.clinic, "front_desk")
    rounds = 12
    start = threading.Barrier(2)
    failures: list[str | None] = []

    def repeat(connection: Connection, action: Callable[[int], tuple[Any, list[Any]]]) -> None:
        for number in range(rounds):
            start.wait()
            statement, values = action(number)
            try:
                with as_user(connection, desk), connection.transaction():
                    connection.execute(statement, values)
            except psycopg.Error as error:
                failures.append(error.diag.message_primary)

    def move(number: int) -> tuple[Any, list[Any]]:
        return (
            "select public.reschedule_appointment(%s, %s)",
            [visit["id"], at(10 + number % 2)],
        )

    def merge_or_part(number: int) -> tuple[Any, list[Any]]:
        return (UNMERGE, [double]) if number % 2 else (MERGE, [practice.patient, double])

    threads = [
        threading.Thread(target=repeat, args=(connect(), action))
        for action in (move, merge_or_part)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    kept = one(
        setup,
        "select resource_id, lower(during) as starts_at from private.reservations"
        " where resource_id in (%s, %s)",
        practice.patient,
        double,
    )
    assert kept == {"resource_id": double, "starts_at": at(10 + (rounds - 1) % 2)}
    assert every(setup, "select * from public.verify_history(%s)", practice.clinic) == []


def test_plain_sql_still_leaves_a_visit_with_its_patient(
    db: Connection, practice: Practice
) -> None:
    visit = book(db, practice, at(9))
    with refused(db, "not_allowed"):
        db.execute(
            "update public.appointments set patient_id = %s where id = %s",
            [make_patient(db, practice.clinic), visit["id"]],
        )


PAT = {"full_name": "Patricia Example", "date_of_birth": "1990-05-01"}


@pytest.mark.parametrize(
    ("other", "found"),
    [
        ({"full_name": "Patrica Example", "date_of_birth": "1990-05-01"}, True),
        ({"full_name": "patricia example"}, True),
        ({"full_name": "Patricia Example", "date_of_birth": "1991-05-01"}, False),
        ({"full_name": "Quentin Nobody", "date_of_birth": "1990-05-01"}, False),
        ({"full_name": "Patricia Exampel", "email": "PAT@patients.example"}, True),
        ({"full_name": "Patricia  Example", "phone": "0043 1 555-123 45"}, True),
        ({"full_name": "Child Example", "phone": "+43 (1) 55512345"}, False),
    ],
)
def test_likely_duplicates_are_found(
    db: Connection, practice: Practice, other: dict[str, Any], found: bool
) -> None:
    one_of_them = insert(
        db,
        "public.patients",
        clinic_id=practice.clinic,
        email="pat@patients.example",
        phone="+43 1 555 12345",
        **PAT,
    )
    double = insert(db, "public.patients", clinic_id=practice.clinic, **other)
    insert(db, "public.patients", clinic_id=make_clinic(db), **PAT)
    with as_user(db, make_member(db, practice.clinic, "front_desk")):
        pairs = every(db, FIND, practice.clinic, one_of_them["id"])
        assert [pair["other_id"] for pair in pairs] == ([double["id"]] if found else [])
        everywhere = every(db, FIND, practice.clinic, None)
        assert len(everywhere) == int(found)


def test_who_looks_for_duplicates(db: Connection, practice: Practice) -> None:
    for role, clinic, key in (
        ("provider", practice.clinic, "not_allowed"),
        ("owner", make_clinic(db), "not_found"),
    ):
        with as_user(db, make_member(db, clinic, role)), refused(db, key):
            db.execute(FIND, [practice.clinic, None])
    with as_patient(db, practice.user), refused(db, "not_found"):
        db.execute(FIND, [practice.clinic, None])
