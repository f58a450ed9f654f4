"""Promise complete_history: every change leaves an event that nobody can alter."""

from __future__ import annotations

from tests.people import (
    Connection,
    as_service,
    as_user,
    at,
    book,
    denied,
    every,
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
    db.execute("delete from public.appointments where id = %s", [visit["id"]])
    last = every(db, EVENTS, visit["id"])[-1]
    assert (last["kind"], last["version"], last["after"]) == ("removed", 3, None)


def test_not_even_the_dashboard_rewrites_history(db: Connection) -> None:
    book(db, make_practice(db), at(9))
    for statement in (
        "update public.appointment_events set actor_role = 'nobody'",
        "delete from public.appointment_events",
        "truncate public.appointment_events",
    ):
        with refused(db, "not_allowed"):
            db.execute(statement)  # type: ignore[arg-type]
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
