"""Promise forgettable: one person can be exported and erased; history stays provable and no longer
identifies them."""

from __future__ import annotations

import base64
import json
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.database.conftest import Connect
from tests.people import (
    Connection,
    Practice,
    Row,
    as_patient,
    as_service,
    as_user,
    at,
    book,
    every,
    insert,
    make_guardian,
    make_member,
    make_patient,
    make_practice,
    make_provider,
    make_user,
    one,
    refused,
)

ERASE = "select * from worker.erase_person(patient_id => %s, requested_by => %s)"
ERASE_USER = "select * from worker.erase_person(user_id => %s)"
EXPORT = "select worker.export_person(patient_id => %s, requested_by => %s) as person"
EXPORT_USER = "select worker.export_person(user_id => %s) as person"


@dataclass(frozen=True)
class Canary:
    """A person whose every detail is unmistakable."""

    word: str
    user: UUID
    patient: UUID
    other_record: UUID


@pytest.fixture
def practice(db: Connection) -> Practice:
    return make_practice(db)


@pytest.fixture
def canary(db: Connection, practice: Practice) -> Canary:
    """A person of that practice who has used everything there is, and of another clinic."""
    word = f"canary{uuid4().hex[:8]}"
    user = make_user(db)
    email = f"{word}@people.example"
    db.execute("update auth.users set email = %s where id = %s", [email, user])
    details: dict[str, Any] = {
        "user_id": user,
        "full_name": f"{word} Example",
        "email": email,
        "phone": f"0555 {word}",
        "date_of_birth": "1911-11-11",
        "locale": "kl",
    }
    patient = insert(
        db, "public.patients", clinic_id=practice.clinic, external_id=f"x-{word}", **details
    )["id"]
    there = make_practice(db)
    other = insert(db, "public.patients", clinic_id=there.clinic, **details)["id"]
    live(db, practice, word, user, patient)
    book(db, there, at(9), patient_id=other)
    return Canary(word, user, patient, other)


def live(db: Connection, practice: Practice, word: str, user: UUID, patient: UUID) -> None:
    """Books, waits, is merged, invites and is written to, with the word wherever text is taken."""
    with as_patient(db, user):
        visit = one(
            db,
            "select id from public.book_appointment(%s, %s, patient_id => %s, request_id => %s,"
            " reason => %s)",
            practice.service,
            at(9),
            patient,
            uuid4(),
            f"reason {word}",
        )
        db.execute("select public.cancel_appointment(%s, %s)", [visit["id"], f"because {word}"])
        db.execute("select public.book_appointment(%s, %s)", [practice.service, at(11)])
        db.execute(
            "select public.book_series(%s, %s, 'FREQ=DAILY;COUNT=2', reason => %s)",
            [practice.service, at(9, days=4), word],
        )
        db.execute("select public.join_waitlist(%s)", [practice.service])
        db.execute("select public.invite_guardian(%s, %s)", [patient, f"{word}2@people.example"])
        db.execute("select public.create_feed(patient_id => %s)", [patient])
        db.execute("select public.claim_patient_records('1911-11-11')")
        db.execute(
            "insert into public.notification_preferences (clinic_id, patient_id, language)"
            " values (%s, %s, 'kl')",
            [practice.clinic, patient],
        )
        child = one(
            db,
            "select id from public.register_dependant(%s, 'Child Example', current_date)",
            practice.clinic,
        )["id"]
    db.execute(
        "insert into public.appointments (service_id, provider_id, patient_id, starts_at,"
        " overbook_reason, external_id) values (%s, %s, %s, %s, %s, %s)",
        [practice.service, practice.provider, patient, at(15), f"asked by {word}", word],
    )
    double = insert(
        db,
        "public.patients",
        clinic_id=practice.clinic,
        full_name=f"{word} Double",
        email=f"{word}@double.example",
    )["id"]
    make_guardian(db, practice.clinic, patient)
    with as_user(db, make_member(db, practice.clinic, "owner")):
        db.execute("select public.merge_patients(%s, %s)", [patient, double])
        db.execute(
            "select public.invite_guardian(%s, %s)",
            [practice.patient, f"{word}@people.example"],
        )
        db.execute(
            "select public.invite_member(%s, %s, 'provider')",
            [practice.clinic, f"{word}@people.example"],
        )
    with as_service(db):
        for message in every(db, "select * from worker.claim_notifications()"):
            db.execute(
                "select worker.complete_notification(%s, %s, %s)",
                [message["notification_id"], message["lease_id"], f"mail-{word}"],
            )
    # A mail on its way, and one that bounced before.
    db.execute(
        "insert into private.notification_payloads (notification_id, frozen)"
        " select id, jsonb_build_object('to', %s::text) from public.notifications"
        " where recipient_id = %s limit 1 on conflict do nothing",
        [f"{word}@people.example", patient],
    )
    db.execute(
        "insert into private.suppressed_addresses (address_hash, reason)"
        " values (private.hash_of_address(%s), 'bounced')",
        [f"{word}@people.example"],
    )
    assert child


TEXTS = """
    select quote_ident(nspname) || '.' || quote_ident(relname) as source, attname as column
    from pg_attribute
    join pg_class on pg_class.oid = attrelid
    join pg_namespace on pg_namespace.oid = relnamespace
    where relkind in ('r', 'm', 'p') and not relispartition and attnum > 0 and not attisdropped
      and nspname !~ '^pg_' and nspname <> 'information_schema'
      and atttypid in (select oid from pg_type where typcategory in ('S', 'U', 'D', 'A'))
"""


def traces(db: Connection, words: tuple[str, ...]) -> set[str]:
    """Every column of the database in which one of the words stands."""
    columns = every(db, TEXTS)
    assert len(columns) > 100
    found = set()
    for column in columns:
        query = psycopg.sql.SQL(
            "select exists (select from {source} where {column}::text ilike any (%s)) as here"
        ).format(
            source=psycopg.sql.SQL(column["source"]),
            column=psycopg.sql.Identifier(column["column"]),
        )
        row = db.execute(query, [[f"%{word}%" for word in words]]).fetchone()
        if row and row[0]:
            found.add(f"{column['source']}.{column['column']}")
    return found


def erase(db: Connection, canary: Canary) -> Row:
    with as_service(db):
        return one(db, ERASE_USER, canary.user)


def test_the_search_finds_what_is_there(db: Connection, canary: Canary) -> None:
    found = traces(db, (canary.word, "1911-11-11"))
    assert {
        "public.patients.full_name",
        "public.patients.email",
        "public.patients.phone",
        "public.patients.date_of_birth",
        "public.patients.external_id",
        "public.appointments.overbook_reason",
        "public.appointments.external_id",
        "public.appointment_reasons.reason",
        "public.notifications.provider_message_id",
        "public.guardian_invitations.email",
        "public.staff_invitations.email",
        "auth.users.email",
        "private.notification_payloads.frozen",
    } <= found


def test_after_an_erasure_nothing_in_the_database_names_the_person(
    db: Connection, canary: Canary
) -> None:
    erased = erase(db, canary)
    assert erased["user_ids_without_records"] == [canary.user]
    # Auth deletes the log-in.
    db.execute("delete from auth.users where id = %s", [canary.user])
    assert traces(db, (canary.word, "1911-11-11")) == set()
    assert every(db, "select from private.suppressed_addresses") == []
    # As an id that nothing resolves any more, the log-in stays in what can only grow.
    assert traces(db, (str(canary.user),)) <= {
        "public.access_log.actor_id",
        "public.appointment_events.actor_id",
        "public.appointment_events.before",
        "public.appointment_events.after",
        "realtime.messages.topic",
    }


def test_history_verifies_after_an_erasure(
    db: Connection, practice: Practice, canary: Canary
) -> None:
    visits = "select count(*) as n from public.appointments where patient_id = %s"
    before = one(db, visits, canary.patient)
    with as_service(db):
        db.execute("select worker.seal_history()")
    erase(db, canary)
    with as_service(db):
        assert every(db, "select * from public.verify_history(%s)", practice.clinic) == []
    assert one(db, visits, canary.patient) == before


def test_visits_to_come_are_called_off_and_nobody_is_written_to(
    db: Connection, practice: Practice, canary: Canary
) -> None:
    assert erase(db, canary)["called_off_visits"] == 5
    assert (
        every(
            db,
            "select from public.appointments where patient_id = %s and starts_at > now()"
            " and status <> 'cancelled'",
            canary.patient,
        )
        == []
    )
    assert (
        every(db, "select from private.reservations where resource_id = %s", canary.patient) == []
    )
    waiting = "select from public.waitlist_entries where status in ('waiting', 'offered')"
    assert every(db, waiting) == []
    with as_service(db):
        assert every(db, "select * from worker.claim_notifications()") == []


def test_erasing_one_record_leaves_the_other_clinics(
    db: Connection, practice: Practice, canary: Canary
) -> None:
    with as_service(db):
        erased = one(db, ERASE, canary.patient, None)
    assert len(erased["patient_ids"]) == 2, "the duplicate is the same person"
    assert erased["user_ids_without_records"] == []
    other = one(db, "select * from public.patients where id = %s", canary.other_record)
    assert (other["user_id"], str(other["date_of_birth"])) == (canary.user, "1911-11-11")
    rows = every(
        db,
        "select full_name, email, phone, user_id, locale from public.patients"
        " where clinic_id = %s and erased_at is not null",
        practice.clinic,
    )
    assert (
        rows
        == [{"full_name": "Erased", "email": None, "phone": None, "user_id": None, "locale": "en"}]
        * 2
    )
    with as_user(db, canary.user):
        assert {row["id"] for row in every(db, "select id from public.my_records()")} >= {
            canary.other_record
        }
        assert (
            every(db, "select from public.appointments where patient_id = %s", canary.patient) == []
        )


def test_a_merged_duplicate_stands_for_the_whole_person(
    db: Connection, practice: Practice, canary: Canary
) -> None:
    double = one(db, "select id from public.patients where merged_into = %s", canary.patient)["id"]
    with as_service(db):
        erased = one(db, ERASE, double, None)
    assert set(erased["patient_ids"]) == {canary.patient, double}
    with (
        as_user(db, make_member(db, practice.clinic, "owner")),
        refused(db, "not_found"),
    ):
        db.execute("select public.unmerge_patients(%s)", [double])


def test_erasing_again_does_nothing_more(db: Connection, canary: Canary) -> None:
    erase(db, canary)
    again = erase(db, canary)
    assert (again["patient_ids"], again["called_off_visits"]) == ([], 0)
    entries = every(db, "select from public.access_log where action = 'erased'")
    assert len(entries) == 3, "two records here and one in the other clinic"


def test_nobody_books_for_an_erased_person(
    db: Connection, practice: Practice, canary: Canary
) -> None:
    erase(db, canary)
    with refused(db, "not_found"):
        book(db, practice, at(16), patient_id=canary.patient)
    with as_user(db, make_member(db, practice.clinic, "owner")), refused(db, "not_found"):
        db.execute("select public.invite_guardian(%s, 'x@people.example')", [canary.patient])


def test_nobody_writes_on_an_erased_record(
    db: Connection, practice: Practice, canary: Canary
) -> None:
    with as_service(db):
        one(db, ERASE, canary.patient, None)
    change = "update public.patients set full_name = %s, email = %s where id = %s"
    values = [canary.word, f"{canary.word}@people.example", canary.patient]
    with as_user(db, make_member(db, practice.clinic, "owner")), refused(db, "not_allowed"):
        db.execute(change, values)
    with refused(db, "not_allowed"):
        db.execute(change, values)


def test_invitations_go_with_the_last_record_of_a_log_in(
    db: Connection, practice: Practice
) -> None:
    user, worker = make_user(db), make_user(db)
    there = make_practice(db)
    for somebody in (user, worker):
        insert(
            db,
            "public.patients",
            clinic_id=practice.clinic,
            user_id=somebody,
            full_name="Pat Test",
            email=f"{somebody}@people.example",
        )
    make_member(db, practice.clinic, "provider", worker)
    for clinic in (practice.clinic, there.clinic):
        for somebody in (user, worker):
            insert(
                db,
                "public.staff_invitations",
                clinic_id=clinic,
                email=f"{somebody}@people.example",
                role="provider",
            )
    own = "select id from public.patients where user_id = %s"
    with as_service(db):
        for somebody in (user, worker):
            db.execute(ERASE, [one(db, own, somebody)["id"], None])
    left = every(db, "select clinic_id, email from public.staff_invitations")
    assert {(row["clinic_id"], row["email"]) for row in left} == {
        (practice.clinic, f"{worker}@people.example"),
        (there.clinic, f"{worker}@people.example"),
    }


def test_an_address_without_a_log_in_is_no_longer_invited_by_the_clinic(
    db: Connection, practice: Practice
) -> None:
    patient = make_patient(db, practice.clinic)
    address = one(db, "select email from public.patients where id = %s", patient)["email"]
    insert(
        db,
        "public.staff_invitations",
        clinic_id=practice.clinic,
        email=address,
        role="provider",
    )
    with as_service(db):
        db.execute(ERASE, [patient, None])
    assert every(db, "select from public.staff_invitations") == []


def upload(db: Connection, clinic: UUID) -> UUID:
    """A file that waits to be taken over."""
    content = base64.b64encode(zlib.compress(b"full_name")).decode()
    job: UUID = one(
        db,
        "select worker.create_import(%s, 'patients', false, null, %s) as id",
        clinic,
        json.dumps({"patients.csv": {"size_bytes": 9, "content": content}}),
    )["id"]
    return job


def test_no_upload_from_before_makes_the_person_anew(
    db: Connection, practice: Practice, canary: Canary
) -> None:
    with as_service(db):
        job = upload(db, practice.clinic)
        lease = one(db, "select lease_id from worker.claim_import()")
        elsewhere = upload(db, make_practice_of_others(db))
        db.execute(ERASE, [canary.patient, None])
        rows = json.dumps([{"row_number": 1, "id": f"x-{canary.word}", "full_name": canary.word}])
        taken = one(
            db,
            "select worker.import_batch(%s, %s, 'patients.csv', 'patient', %s, '[]', null, 1, 1)"
            " as taken",
            job,
            lease["lease_id"],
            rows,
        )
        assert taken == {"taken": False}
        assert every(
            db, "select * from worker.read_import(%s, %s)", job, lease["lease_id"]
        ) == []  # fmt: skip
    jobs = {row["id"]: row for row in every(db, "select * from public.import_jobs")}
    assert (jobs[job]["status"], jobs[elsewhere]["status"]) == ("failed", "queued")
    assert "erased" in jobs[job]["error"]
    assert [row["job_id"] for row in every(db, "select job_id from private.import_contents")] == [
        elsewhere
    ]
    assert every(
        db, "select from public.patients where external_id = %s", f"x-{canary.word}"
    ) == []  # fmt: skip


def test_an_erasure_waits_for_a_batch_and_takes_what_it_made(connect: Connect) -> None:
    """The batch is carried out first; then nothing of the upload goes on."""
    worker, eraser, watcher = connect(), connect(), connect()
    practice = make_practice(worker)
    job = upload(worker, practice.clinic)
    lease = one(worker, "select lease_id from worker.claim_import()")["lease_id"]
    batch = (
        "select worker.import_batch(%s, %s, 'patients.csv', 'listed_patient', %s, '[]', null, %s,"
        " 1)"
    )
    person = {"row_number": 2, "full_name": "Ann Example", "phone": "555 0100"}
    worker.execute("begin")
    worker.execute(batch, [job, lease, json.dumps([person]), 2])
    erasing = threading.Thread(
        target=lambda: eraser.execute(ERASE, [practice.patient, None]), daemon=True
    )
    erasing.start()
    waiting = "select from pg_stat_activity where pid = %s and wait_event_type = 'Lock'"
    for _ in range(1000):
        if every(watcher, waiting, eraser.info.backend_pid):
            break
        erasing.join(0.01)
    assert every(watcher, waiting, eraser.info.backend_pid)
    worker.execute("commit")
    erasing.join(20)
    assert not erasing.is_alive()
    again = worker.execute(batch, [job, lease, json.dumps([person | {"full_name": "B"}]), 3])
    assert again.fetchone() == (False,)
    names = every(watcher, "select full_name from public.patients")
    assert {row["full_name"] for row in names} == {"Erased", "Ann Example"}


def make_practice_of_others(db: Connection) -> UUID:
    """A clinic that the person has nothing to do with; as the dashboard would."""
    db.execute("reset role")
    clinic = make_practice(db).clinic
    db.execute("set role service_role")
    return clinic


def test_others_keep_what_is_theirs(db: Connection, practice: Practice, canary: Canary) -> None:
    book(db, practice, at(17))
    untouched = "select * from public.patients where id = %s"
    before = one(db, untouched, practice.patient)
    erase(db, canary)
    assert one(db, untouched, practice.patient) == before
    assert one(
        db, "select status::text from public.appointments where patient_id = %s", practice.patient
    ) == {"status": "booked"}


def test_the_last_owner_is_not_erased(db: Connection, practice: Practice) -> None:
    owner = make_member(db, practice.clinic, "owner")
    with as_service(db), refused(db, "last_owner"):
        db.execute(ERASE_USER, [owner])
    make_member(db, practice.clinic, "owner")
    with as_service(db):
        assert one(db, ERASE_USER, owner)["user_ids_without_records"] == [owner]


@pytest.mark.parametrize("call", ["worker.erase_person", "worker.export_person"])
def test_a_person_has_to_be_named_and_known(db: Connection, practice: Practice, call: Any) -> None:
    with as_service(db):
        for arguments, key in (
            ("", "invalid_input"),
            ("patient_id => gen_random_uuid()", "not_found"),
            ("user_id => gen_random_uuid()", "not_found"),
            ("patient_id => gen_random_uuid(), user_id => gen_random_uuid()", "invalid_input"),
        ):
            with refused(db, key):
                db.execute(f"select {call}({arguments})")


def words_in(value: Any) -> Iterator[str]:
    yield from json.dumps(value, default=str).split('"')


def test_an_export_of_a_user_holds_everything_about_them(
    db: Connection, practice: Practice, canary: Canary
) -> None:
    with as_service(db):
        person = one(db, EXPORT_USER, canary.user)["person"]
    assert len(person["patients"]) == 3
    assert person["account"]["email"] == f"{canary.word}@people.example"
    for table in (
        "appointments",
        "appointment_events",
        "appointment_reasons",
        "appointment_series",
        "notifications",
        "waitlist_entries",
        "guardians",
        "guardian_invitations",
        "guardian_invitations_received",
        "staff_invitations",
        "calendar_feeds",
        "access_log",
    ):
        assert person[table], table
    every_visit = every(
        db,
        "select id from public.appointments where patient_id in (%s, %s)",
        canary.patient,
        canary.other_record,
    )
    assert {visit["id"] for visit in person["appointments"]} == {
        str(visit["id"]) for visit in every_visit
    }


def test_an_export_of_one_record_stays_within_its_clinic(
    db: Connection, practice: Practice, canary: Canary
) -> None:
    owner = make_member(db, practice.clinic, "owner")
    with as_service(db):
        person = one(db, EXPORT, canary.patient, owner)["person"]
    assert {
        row["clinic_id"]
        for rows in person.values()
        if isinstance(rows, list)
        for row in rows
        if "clinic_id" in row
    } == {str(practice.clinic)}
    assert "account" not in person
    (entry, _) = every(
        db, "select actor_id, patient_id from public.access_log where action = 'exported'"
    )
    assert entry["actor_id"] == owner


def test_an_export_holds_nothing_of_others(
    db: Connection, practice: Practice, canary: Canary
) -> None:
    """A member's own export does not hold what they did for patients."""
    member = make_member(db, practice.clinic, "front_desk")
    own = make_patient(db, practice.clinic, member)
    with as_user(db, member):
        db.execute(
            "select public.book_appointment(%s, %s, patient_id => %s, reason => 'not mine')",
            [practice.service, at(18), practice.patient],
        )
        db.execute("select public.invite_guardian(%s, 'x@else.example')", [practice.patient])
    with as_service(db):
        person = one(db, EXPORT_USER, member)["person"]
    assert [row["id"] for row in person["patients"]] == [str(own)]
    assert person["appointments"] == []
    assert person["members"][0]["role"] == "front_desk"
    text = " ".join(words_in(person))
    assert "not mine" not in text
    assert "x@else.example" not in text
    assert canary.word not in text
    assert str(practice.patient) not in text


def test_every_table_that_refers_to_patients_or_visits_is_exported(db: Connection) -> None:
    """Also those without a key, which outlive what they tell about."""
    exported = {
        row["source"].removeprefix("public.")
        for row in every(db, "select source::text from private.tables_about_patients()")
    }
    named = every(
        db,
        "select distinct table_name from information_schema.columns"
        " join information_schema.tables using (table_schema, table_name)"
        " where table_schema = 'public' and table_type = 'BASE TABLE'"
        " and column_name in ('patient_id', 'appointment_id', 'recipient_id')",
    )
    assert {row["table_name"] for row in named} <= exported


def test_a_providers_erasure_leaves_their_visits(db: Connection, practice: Practice) -> None:
    user = make_member(db, practice.clinic, "provider")
    make_member(db, practice.clinic, "owner")
    provider = make_provider(db, practice.clinic, practice.location, (practice.service,))
    db.execute("update public.providers set user_id = %s where id = %s", [user, provider])
    visit = book(db, practice, at(9), provider_id=provider)
    with as_service(db):
        assert one(db, ERASE_USER, user)["called_off_visits"] == 0
    kept = one(
        db,
        "select status::text, user_id from public.appointments"
        " join public.providers on providers.id = provider_id where appointments.id = %s",
        visit["id"],
    )
    assert kept == {"status": "booked", "user_id": None}
    with as_user(db, user):
        assert every(db, "select from public.appointments") == []
