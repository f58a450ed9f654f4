"""Promise complete_history: every change leaves an event that nobody can alter unseen."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest

from stack.config import StackConfig
from stack.migrations import clone_database, drop_database
from tests.database.conftest import Connect
from tests.people import (
    Connection,
    Practice,
    Row,
    as_service,
    as_user,
    at,
    book,
    denied,
    every,
    make_member,
    make_patient,
    make_practice,
    one,
    refused,
)

EVENTS = "select * from public.appointment_events where appointment_id = %s order by id"


def test_each_change_is_one_event_with_what_changed(db: Connection) -> None:
    practice = make_practice(db)
    visit = book(db, practice, at(9))
    move = "update public.appointments set starts_at = %s where id = %s"
    db.execute(move, [at(11), visit["id"]])
    with as_user(db, practice.user):
        db.execute("select public.cancel_appointment(%s)", [visit["id"]])

    created, moved, cancelled = every(db, EVENTS, visit["id"])
    assert [event["kind"] for event in (created, moved, cancelled)] == [
        "created",
        "changed",
        "status_changed",
    ]
    assert [event["version"] for event in (created, moved, cancelled)] == [1, 2, 3]
    assert created["before"] is None
    assert created["after"]["provider_id"] == str(practice.provider)
    assert set(moved["before"]) == set(moved["after"]) == {"starts_at", "ends_at"}
    assert cancelled["before"] == {"status": "booked"}
    assert cancelled["after"] == {"status": "cancelled"}
    assert (moved["actor_id"], moved["actor_role"]) == (None, "postgres")
    assert (cancelled["actor_id"], cancelled["actor_role"]) == (practice.user, "authenticated")


def test_one_statement_over_many_rows_leaves_an_event_each(db: Connection) -> None:
    practice = make_practice(db)
    visits = [book(db, practice, at(hour)) for hour in (9, 10, 11)]
    db.execute("update public.appointments set status = 'arrived'")
    for visit in visits:
        assert [event["version"] for event in every(db, EVENTS, visit["id"])] == [1, 2]


def test_a_change_that_changes_nothing_is_no_event_and_no_version(db: Connection) -> None:
    visit = book(db, make_practice(db), at(9))
    db.execute("update public.appointments set status = status, version = version")
    assert len(every(db, EVENTS, visit["id"])) == 1
    assert one(db, "select version from public.appointments") == {"version": 1}


def test_nobody_forges_a_version(db: Connection) -> None:
    visit = book(db, make_practice(db), at(9), version=40)
    assert visit["version"] == 1
    db.execute("update public.appointments set version = 99, status = 'arrived'")
    assert one(db, "select version from public.appointments") == {"version": 2}


def test_a_removed_row_stays_in_the_history(db: Connection) -> None:
    visit = book(db, make_practice(db), at(9))
    db.execute("update public.appointments set status = 'cancelled'")
    db.execute("update public.notifications set status = 'skipped'")
    db.execute("delete from public.appointments where id = %s", [visit["id"]])
    last = every(db, EVENTS, visit["id"])[-1]
    assert (last["kind"], last["version"], last["after"]) == ("removed", 3, None)


def test_not_even_the_dashboard_rewrites_history(db: Connection) -> None:
    book(db, make_practice(db), at(9))
    for statement in (
        "update public.appointment_events set actor_role = 'nobody'",
        "delete from public.appointment_events",
        "truncate public.appointment_events",
        "insert into public.appointment_events (clinic_id, appointment_id, version, kind,"
        " actor_role, hash) select clinic_id, appointment_id, 9, 'changed', 'me', hash"
        " from public.appointment_events",
        "truncate public.history_seals",
    ):
        with refused(db, "not_allowed"):
            db.execute(statement)
    with refused(db, "not_allowed"):
        db.execute("truncate public.appointments cascade")


def test_the_service_key_cannot_write_history(db: Connection) -> None:
    book(db, make_practice(db), at(9))
    with as_service(db):
        for statement in (
            "update public.appointment_events set actor_role = 'nobody'",
            "delete from public.appointment_events",
            "insert into public.appointment_events (clinic_id) values (gen_random_uuid())",
        ):
            with denied(db):
                db.execute(statement)  # type: ignore[arg-type]


def test_events_carry_no_free_text(db: Connection) -> None:
    practice = make_practice(db)
    book(db, practice, at(9), overbook_reason="an unmistakable reason")
    db.execute("update public.appointments set overbook_reason = 'another unmistakable reason'")
    events = every(db, "select before::text, after::text from public.appointment_events")
    assert "unmistakable" not in str(events)
    assert '"is_overbooked": true' in events[0]["after"]


def test_a_deleted_user_leaves_the_appointments_and_a_trace(db: Connection) -> None:
    practice = make_practice(db)
    with as_user(db, practice.user):
        visit = one(db, "select * from public.book_appointment(%s, %s)", practice.service, at(9))
    db.execute("delete from auth.users where id = %s", [practice.user])
    left = one(db, "select booked_by, status::text from public.appointments")
    assert left == {"booked_by": None, "status": "booked"}
    assert every(db, EVENTS, visit["id"])[-1]["after"] == {"booked_by": None}
    assert one(db, "select user_id from public.patients") == {"user_id": None}


# What follows commits: only what is over can be sealed.

PROBLEMS = "select * from public.verify_history(%s)"


def seal(db: Connection) -> None:
    """Seal until every event is: transactions of other tests' databases may still be running."""
    unsealed = (
        "select (select count(*) from public.appointment_events)"
        " - (select coalesce(sum(event_count), 0) from public.history_seals) as n"
    )
    while one(db, unsealed)["n"] > 0:
        with as_service(db):
            db.execute("select worker.seal_history()")


def problems(db: Connection, practice: Practice) -> set[str]:
    return {row["problem"] for row in every(db, PROBLEMS, practice.clinic)}


def sealed_history(db: Connection) -> tuple[Practice, list[Row]]:
    """Three visits that changed and are sealed, and a fourth that has a seal of its own."""
    practice = make_practice(db)
    visits = [book(db, practice, at(hour, days=-1)) for hour in (9, 10, 11)]
    for status in ("arrived", "fulfilled", "arrived"):
        db.execute("update public.appointments set status = %s", [status])
    seal(db)
    visits.append(book(db, practice, at(12)))
    seal(db)
    return practice, visits


def with_all_power(stack: StackConfig, database: str) -> Connection:
    """Somebody who may do anything to the database, and has switched the triggers off."""
    intruder = psycopg.connect(stack.db_url("supabase_admin", database=database), autocommit=True)
    intruder.execute("set session_replication_role = replica")
    return intruder


@pytest.fixture(scope="module")
def broken_into(
    stack: StackConfig, migrated: str
) -> Iterator[tuple[Connection, Practice, list[Row]]]:
    """A sealed history and the intruder, who changes it in transactions that are rolled back."""
    name = f"{migrated}_history"
    clone_database(stack, migrated, name)
    with psycopg.connect(stack.db_url(database=name), autocommit=True) as db:
        practice, visits = sealed_history(db)
    with with_all_power(stack, name) as intruder:
        yield intruder, practice, visits
    drop_database(stack, name)


def test_a_history_that_nobody_touched_has_no_problems(connect: Connect) -> None:
    db = connect()
    practice, visits = sealed_history(db)
    assert problems(db, practice) == set()
    seals = every(db, "select * from public.history_seals order by position")
    assert [(row["position"], row["event_count"]) for row in seals] == [(1, 12), (2, 1)]
    assert seals[1]["prev_hash"] == seals[0]["hash"]
    # An id that is used again begins a chain of its own.
    db.execute("update public.appointments set status = 'entered_in_error'")
    db.execute("update public.notifications set status = 'skipped'")
    db.execute("delete from public.appointments where id = %s", [visits[0]["id"]])
    book(db, practice, at(9), id=visits[0]["id"])
    assert problems(db, practice) == set()
    seal(db)
    assert problems(db, practice) == set()


TAMPERING = {
    "altered": (
        "update public.appointment_events set actor_role = 'nobody'"
        " where appointment_id = %(old)s and version = 2",
        {"altered"},
    ),
    "altered in time": (
        "update public.appointment_events set happened_at = happened_at - interval '1 microsecond'"
        " where appointment_id = %(old)s and version = 4",
        {"altered"},
    ),
    "altered together with its hash": (
        "update public.appointment_events as event set actor_role = 'nobody',"
        ' hash = private.event_hash(jsonb_populate_record(event, \'{"actor_role": "nobody"}\'))'
        " where appointment_id = %(old)s and version = 4",
        {"seal_broken"},
    ),
    "removed in the middle": (
        "delete from public.appointment_events where appointment_id = %(old)s and version = 2",
        {"out_of_chain", "seal_broken"},
    ),
    "removed at the beginning": (
        "delete from public.appointment_events where appointment_id = %(old)s and version = 1",
        {"out_of_chain", "seal_broken"},
    ),
    "removed at the end": (
        "delete from public.appointment_events where appointment_id = %(old)s and version = 4",
        {"end_missing", "seal_broken"},
    ),
    "removed at the end, with the appointment put back": (
        "with gone as (delete from public.appointment_events"
        " where appointment_id = %(old)s and version = 4)"
        " update public.appointments set version = 3, status = 'fulfilled' where id = %(old)s",
        {"seal_broken"},
    ),
    "removed as a whole": (
        "with gone as (delete from public.appointments where id = %(old)s)"
        " delete from public.appointment_events where appointment_id = %(old)s",
        {"seal_broken"},
    ),
    "the newest removed as a whole": (
        "with gone as (delete from public.appointments where id = %(new)s)"
        " delete from public.appointment_events where appointment_id = %(new)s",
        {"seal_broken"},
    ),
    "the appointment changed behind the history": (
        "delete from public.appointments where id = %(old)s",
        {"end_missing"},
    ),
    "inserted": (
        "insert into public.appointment_events (clinic_id, appointment_id, version, kind,"
        " actor_role, happened_at, after, prev_hash, hash)"
        " select clinic_id, appointment_id, 5, kind, actor_role, happened_at, after, hash, hash"
        " from public.appointment_events where appointment_id = %(old)s and version = 4",
        {"altered", "end_missing"},
    ),
    "a seal altered": (
        "update public.history_seals set event_count = 11 where position = 1",
        {"seal_broken"},
    ),
    "a seal removed": (
        "delete from public.history_seals where position = 1",
        {"seal_missing"},
    ),
}


@pytest.mark.parametrize(("statement", "found"), TAMPERING.values(), ids=TAMPERING)
def test_tampering_shows(
    broken_into: tuple[Connection, Practice, list[Row]], statement: str, found: set[str]
) -> None:
    intruder, practice, visits = broken_into
    assert problems(intruder, practice) == set()
    with intruder.transaction(force_rollback=True):
        changed = intruder.execute(statement, {"old": visits[1]["id"], "new": visits[3]["id"]})
        assert changed.rowcount > 0
        assert problems(intruder, practice) == found


def test_a_chain_is_good_before_it_is_sealed(connect: Connect) -> None:
    db = connect()
    practice = make_practice(db)
    visit = book(db, practice, at(9))
    db.execute("update public.appointments set status = 'arrived' where id = %s", [visit["id"]])
    assert problems(db, practice) == set()
    assert every(db, "select from public.history_seals") == []


def test_what_is_not_committed_yet_is_sealed_later(connect: Connect) -> None:
    db, slow = connect(), connect()
    practice = make_practice(db)
    other = make_patient(db, practice.clinic)
    with slow.transaction():
        book(slow, practice, at(9))
        book(db, practice, at(11), patient_id=other)
        with as_service(db):
            db.execute("select worker.seal_history()")
        # The event of the slow transaction has the smaller id, and nobody can see it yet.
        assert every(db, "select from public.history_seals") == []
    seal(db)
    assert problems(db, practice) == set()


def test_a_call_seals_no_more_than_it_is_asked_to_and_the_next_goes_on(connect: Connect) -> None:
    db = connect()
    practices = [make_practice(db) for _ in range(3)]
    for practice in practices:
        for hour in (9, 10, 11):
            book(db, practice, at(hour))
        # Two events of one transaction, which a seal does not part.
        db.execute(
            "update public.appointments set status = 'arrived'"
            " where clinic_id = %s and starts_at <= %s",
            [practice.clinic, at(10)],
        )
    sealed: list[Row] = []
    while len(sealed) < 6:
        with as_service(db):
            seals = every(db, "select * from worker.seal_history(2, 2)")
        # Whoever has waited longest: none comes again before the others came.
        assert len({row["clinic_id"] for row in seals}) == len(seals) <= 2
        sealed += seals
    counts: dict[object, list[int]] = {practice.clinic: [] for practice in practices}
    for row in sealed:
        counts[row["clinic_id"]].append(row["event_count"])
    assert list(counts.values()) == [[2, 3]] * 3
    assert [problems(db, practice) for practice in practices] == [set()] * 3


def test_a_seal_of_a_senseless_size_is_refused(db: Connection) -> None:
    with as_service(db), refused(db, "invalid_input"):
        db.execute("select worker.seal_history(0, 1)")


def test_many_who_seal_at_once_seal_each_event_once(connect: Connect) -> None:
    db = connect()
    practice = make_practice(db)
    for hour in range(6):
        book(db, practice, at(9 + hour))
    sealers = [connect() for _ in range(4)]
    start = threading.Barrier(len(sealers))

    def work(connection: Connection) -> None:
        start.wait()
        seal(connection)

    threads = [threading.Thread(target=work, args=[sealer]) for sealer in sealers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert one(db, "select sum(event_count)::int as n from public.history_seals") == {"n": 6}
    assert problems(db, practice) == set()


def test_a_restored_clinic_goes_on_sealing(connect: Connect, stack: StackConfig) -> None:
    """A server that a dump was restored into counts its transactions from small numbers again."""
    db = connect()
    practice, visits = sealed_history(db)
    intruder = with_all_power(stack, db.info.dbname)
    intruder.execute(
        "update public.appointment_events"
        " set transaction_id = (transaction_id::text::numeric + 1000000000)::text::xid8"
    )
    intruder.execute(
        "update public.history_seals set settled_before ="
        " (settled_before::text::numeric + 1000000000)::text::xid8, settled_from = case"
        " when position > 1 then (settled_from::text::numeric + 1000000000)::text::xid8"
        " else settled_from end"
    )
    for position in (1, 2):
        intruder.execute(
            "update public.history_seals as seal set prev_hash = ("
            " select hash from public.history_seals where position = %(position)s - 1)"
            " where position = %(position)s",
            {"position": position},
        )
        intruder.execute(
            "update public.history_seals as seal set hash = private.seal_hash(seal)"
            " where position = %s",
            [position],
        )
    intruder.close()
    assert problems(db, practice) == set()
    for status in ("cancelled", "entered_in_error"):
        db.execute(
            "update public.appointments set status = %s where id = %s", [status, visits[3]["id"]]
        )
        seal(db)
    assert len(every(db, "select from public.history_seals")) == 4
    assert problems(db, practice) == set()


def test_only_owners_and_managers_have_the_history_checked(db: Connection) -> None:
    practice = make_practice(db)
    for role in ("owner", "manager"):
        with as_user(db, make_member(db, practice.clinic, role)):
            assert every(db, PROBLEMS, practice.clinic) == []
    for stranger in (
        practice.user,
        make_member(db, practice.clinic, "front_desk"),
        make_member(db, make_practice(db).clinic, "owner"),
    ):
        with as_user(db, stranger), refused(db, "not_found"):
            db.execute(PROBLEMS, [practice.clinic])
