"""The import RPCs: every row has one outcome, twice is as good as once, the ledger has the say."""

from __future__ import annotations

import json
import threading
import uuid
from typing import Any

import pytest

from tests.database.conftest import Connect
from tests.people import (
    Connection,
    Row,
    as_service,
    as_user,
    denied,
    every,
    make_member,
    make_practice,
    one,
    refused,
    waits,
)

CLINIC, PROVIDER, COLLEAGUE, PATIENT, NEIGHBOUR = (str(uuid.uuid4()) for _ in range(5))


def run(db: Connection, kind: str, *rows: dict[str, Any]) -> list[tuple[str, str | None]]:
    numbered = [{"row_number": number} | row for number, row in enumerate(rows, start=2)]
    with as_service(db):
        answers = every(
            db,
            f"select * from worker.import_{kind}(%s)",  # type: ignore[arg-type]
            json.dumps(numbered),
        )
    assert [answer["row_number"] for answer in answers] == list(range(2, len(rows) + 2))
    return [(answer["outcome"], answer["reason"]) for answer in answers]


def clinic(**changes: Any) -> Row:
    return {"id": CLINIC, "name": "St. Elsewhere's", "address": None, "time_zone": "UTC"} | changes


def visit(identity: str, start: str, end: str, **changes: Any) -> Row:
    return {
        "id": identity,
        "clinic_id": CLINIC,
        "provider_id": PROVIDER,
        "patient_id": PATIENT,
        "service_name": "ambulatory",
        "starts_at": f"2024-05-01T{start}:00Z",
        "ends_at": f"2024-05-01T{end}:00Z",
    } | changes


@pytest.fixture
def imported(db: Connection) -> Connection:
    """A database with one imported clinic, two providers and two patients."""
    assert run(db, "clinics", clinic()) == [("imported", None)]
    providers = [
        {"id": identity, "clinic_id": CLINIC, "full_name": "Dr. Import", "speciality": None}
        for identity in (PROVIDER, COLLEAGUE)
    ]
    patients = [
        {
            "id": identity,
            "clinic_ids": [CLINIC],
            "full_name": "Pat Import",
            "date_of_birth": "1980-02-03",
        }
        for identity in (PATIENT, NEIGHBOUR)
    ]
    assert run(db, "providers", *providers) == [("imported", None)] * 2
    assert run(db, "patients", *patients) == [("imported", None)] * 2
    return db


def test_a_visit_becomes_a_fulfilled_appointment_that_tells_nobody(imported: Connection) -> None:
    assert run(imported, "appointments", visit("a", "09:00", "09:30")) == [("imported", None)]
    row = one(
        imported,
        "select status::text, booked_via::text, external_id, ends_at - starts_at as length,"
        " name, active from public.appointments join public.services"
        " on services.id = service_id",
    )
    assert (row["status"], row["booked_via"], row["external_id"]) == ("fulfilled", "import", "a")
    assert (row["name"], row["active"]) == ("ambulatory", False)
    assert every(imported, "select from public.notifications") == []
    assert every(imported, "select from realtime.messages") == []
    assert len(every(imported, "select from private.reservations")) == 2


def test_running_it_twice_changes_nothing(imported: Connection) -> None:
    rows = [visit("a", "09:00", "09:30"), visit("b", "10:00", "10:30")]
    assert run(imported, "appointments", *rows) == [("imported", None)] * 2
    before = every(imported, "select * from public.appointments order by id")
    assert run(imported, "appointments", *rows) == [("already_there", None)] * 2
    assert run(imported, "clinics", clinic()) == [("already_there", None)]
    assert every(imported, "select * from public.appointments order by id") == before


def test_overlaps_are_refused_by_the_ledger_and_the_rest_goes_in(imported: Connection) -> None:
    outcomes = run(
        imported,
        "appointments",
        visit("a", "09:00", "09:30"),
        visit("b", "09:15", "09:45", patient_id=NEIGHBOUR),
        visit("c", "09:15", "09:45", provider_id=COLLEAGUE),
        visit("d", "09:30", "10:00"),
    )
    assert outcomes == [
        ("imported", None),
        ("rejected", "slot_taken"),
        ("rejected", "patient_already_booked"),
        ("imported", None),
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"starts_at": "yesterday-ish"}, "invalid_time"),
        ({"starts_at": "2024-05-01T10:00:00Z"}, "invalid_time"),
        ({"ends_at": "2024-05-01T09:00:00Z"}, "invalid_time"),
        ({"starts_at": None}, "invalid_time"),
        ({"ends_at": "2999-05-01T09:00:00Z"}, "invalid_time"),
        ({"ends_at": None}, "missing_value"),
        ({"id": None}, "missing_value"),
        ({"clinic_id": "unknown"}, "unknown_reference"),
        ({"provider_id": "unknown"}, "unknown_reference"),
        ({"patient_id": None}, "unknown_reference"),
        ({"service_name": " "}, "invalid_input"),
    ],
)
def test_a_bad_row_is_rejected_with_a_reason_and_harms_no_other(
    imported: Connection, changes: dict[str, Any], reason: str
) -> None:
    outcomes = run(
        imported,
        "appointments",
        visit("bad", "09:00", "09:30", **changes),
        visit("good", "09:00", "09:30"),
    )
    assert outcomes == [("rejected", reason), ("imported", None)]
    assert len(every(imported, "select from public.appointments")) == 1


def test_a_row_that_comes_twice_is_there_once(imported: Connection) -> None:
    rows = [visit("a", "09:00", "09:30")] * 2
    assert run(imported, "appointments", *rows) == [("imported", None), ("already_there", None)]


def test_a_patient_of_two_clinics_is_a_record_in_each(imported: Connection) -> None:
    other = str(uuid.uuid4())
    run(imported, "clinics", clinic(id=other, name="Elsewhere"))
    row = {
        "id": PATIENT,
        "clinic_ids": [CLINIC, other],
        "full_name": "Pat Import",
        "date_of_birth": "1980-02-03",
    }
    assert run(imported, "patients", row) == [("imported", None)]
    assert run(imported, "patients", row) == [("already_there", None)]
    records = every(
        imported, "select clinic_id from public.patients where external_id = %s", PATIENT
    )
    assert len({record["clinic_id"] for record in records}) == 2
    assert run(imported, "patients", row | {"id": "new", "clinic_ids": []}) == [
        ("rejected", "not_found")
    ]
    assert run(imported, "patients", row | {"id": "new", "clinic_ids": ["unknown"]}) == [
        ("rejected", "unknown_reference")
    ]
    assert every(imported, "select from public.patients where external_id = 'new'") == []


def test_a_clinic_that_was_rejected_does_not_cost_the_patient_the_others(
    imported: Connection,
) -> None:
    row = {"id": "new", "clinic_ids": ["unknown", CLINIC], "full_name": "Pat Import"}
    assert run(imported, "patients", row) == [("imported", None)]
    assert len(every(imported, "select from public.patients where external_id = 'new'")) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"time_zone": "Mars/Olympus"}, "invalid_input"),
        ({"time_zone": None}, "missing_value"),
        ({"name": None}, "missing_value"),
        ({"name": " "}, "invalid_input"),
        ({"id": ""}, "missing_value"),
    ],
)
def test_a_clinic_that_cannot_be(db: Connection, changes: dict[str, Any], reason: str) -> None:
    assert run(db, "clinics", clinic(**changes)) == [("rejected", reason)]


def test_a_clinic_whose_address_somebody_else_has_is_not_taken_for_there(db: Connection) -> None:
    assert run(db, "clinics", clinic()) == [("imported", None)]
    db.execute("update public.clinics set external_id = 'another' where external_id = %s", [CLINIC])
    assert run(db, "clinics", clinic()) == [("rejected", "already_used")]


def test_a_clinic_that_another_import_brings_at_the_same_time_is_there(connect: Connect) -> None:
    first, second, observer = connect(), connect(), connect()
    outcomes: list[tuple[str, str | None]] = []
    importing = threading.Thread(target=lambda: outcomes.extend(run(second, "clinics", clinic())))
    with first.transaction():
        assert run(first, "clinics", clinic()) == [("imported", None)]
        importing.start()
        while not waits(observer, second.info.backend_pid):
            assert importing.is_alive()
    importing.join()
    assert outcomes == [("already_there", None)]


def test_two_clinics_of_one_name_both_get_an_address(db: Connection) -> None:
    assert run(db, "clinics", clinic(), clinic(id="other")) == [("imported", None)] * 2


def test_an_imported_clinic_is_not_public(imported: Connection) -> None:
    assert one(imported, "select books_publicly from public.clinics") == {"books_publicly": False}


@pytest.mark.parametrize("rows", ["null", "{}", '"text"', "7"])
def test_something_that_is_no_list_is_refused(db: Connection, rows: str) -> None:
    with as_service(db), refused(db, "invalid_input"):
        db.execute("select * from worker.import_clinics(%s)", [rows])


def test_too_many_rows_are_refused(db: Connection) -> None:
    with as_service(db), refused(db, "limit_reached"):
        db.execute("select * from worker.import_clinics(%s)", [json.dumps([clinic()] * 1001)])


def test_nobody_else_imports(db: Connection) -> None:
    owner = make_member(db, make_practice(db).clinic, "owner")
    with as_user(db, owner), denied(db):
        db.execute("select * from worker.import_clinics('[]')")
