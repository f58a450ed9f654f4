"""Promise never_overlaps: nothing and nobody is in two places at once, whoever writes."""

from __future__ import annotations

import os
import random
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import psycopg.types.range
import pytest

from bench import crowd
from bench.replay import replay
from tests.database.conftest import Connect
from tests.people import (
    Connection,
    at,
    book,
    every,
    insert,
    make_need,
    make_patient,
    make_practice,
    make_provider,
    make_resource,
    make_service,
    one,
    refused,
)

# More for a longer look: 2,000 deeds each take some minutes.
HANDS = int(os.environ.get("APPOINT_CROWD_HANDS", "32"))
DEEDS_EACH = int(os.environ.get("APPOINT_CROWD_DEEDS", "30"))


def outcome(action: Callable[[], Any]) -> str:
    """'done', or the message of the refusal."""
    try:
        action()
    except psycopg.Error as error:
        return f"{error.sqlstate} {error.diag.message_primary}"
    return "done"


def at_once(actions: list[Callable[[], Any]]) -> list[str]:
    """The outcome of each action, all started together on threads of their own."""
    start = threading.Barrier(len(actions))
    outcomes = [""] * len(actions)

    def run(number: int, action: Callable[[], Any]) -> None:
        start.wait()
        outcomes[number] = outcome(action)

    threads = [
        threading.Thread(target=run, args=(number, action)) for number, action in enumerate(actions)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def overlaps(connection: Connection) -> list[dict[str, Any]]:
    """Pairs that should not be, found in the appointments alone, without asking the ledger."""
    return every(
        connection,
        """
        with kept as (
          select id, provider_id, patient_id, tstzrange(starts_at, ends_at) as visit,
            tstzrange(starts_at - buffer_before_minutes * interval '1 minute',
              ends_at + buffer_after_minutes * interval '1 minute') as kept
          from public.appointments
          where status in ('held', 'pending', 'booked', 'arrived', 'fulfilled')
        )
        select a.id, b.id as other from kept a join kept b on a.id < b.id
        where (a.provider_id = b.provider_id and a.kept && b.kept)
          or (a.patient_id = b.patient_id and a.visit && b.visit)
        """,
    )


def disagreements(connection: Connection) -> list[dict[str, Any]]:
    """What the ledger should hold and does not, or holds and should not."""
    return every(
        connection,
        """
        with due as (
          select id, provider_id as resource_id, tstzrange(
            starts_at - buffer_before_minutes * interval '1 minute',
            ends_at + buffer_after_minutes * interval '1 minute') as during
          from public.appointments
          where status in ('held', 'pending', 'booked', 'arrived', 'fulfilled')
          union all
          select id, patient_id, tstzrange(starts_at, ends_at) from public.appointments
          where status in ('held', 'pending', 'booked', 'arrived', 'fulfilled')
        ), rooms as (
          select appointment_id, count(*) as taken from private.reservations
          where resource_id in (select id from public.resources) group by 1
        )
        (select id::text from (select * from due except
          select appointment_id, resource_id, during from private.reservations) as missing)
        union all
        (select appointment_id::text from private.reservations
          where resource_id not in (select id from public.resources)
            and (appointment_id, resource_id, during) not in (select * from due))
        union all
        (select due.id::text from due left join rooms on rooms.appointment_id = due.id
          join public.appointments as visit on visit.id = due.id
          where coalesce(rooms.taken, 0) <> (
            select coalesce(sum(need.quantity), 0) from public.service_needs as need
            where need.service_id = visit.service_id))
        """,
    )


def test_a_second_visit_at_the_same_time_is_refused(db: Connection) -> None:
    practice = make_practice(db)
    book(db, practice, at(9))
    other = replace(practice, patient=make_patient(db, practice.clinic))
    with refused(db, "slot_taken"):
        book(db, other, at(9.25))
    book(db, other, at(9.5))


def test_a_patient_cannot_be_with_two_providers(db: Connection) -> None:
    practice = make_practice(db)
    book(db, practice, at(9))
    colleague = make_provider(db, practice.clinic, practice.location, (practice.service,))
    with refused(db, "patient_already_booked"):
        book(db, replace(practice, provider=colleague), at(9.25))


def test_a_neighbouring_service_cannot_eat_into_a_buffer(db: Connection) -> None:
    practice = make_practice(db, buffer_before_minutes=10, buffer_after_minutes=15)
    book(db, practice, at(10))
    plain = make_service(db, practice.clinic)
    db.execute(
        "insert into public.provider_services (clinic_id, provider_id, service_id)"
        " values (%s, %s, %s)",
        [practice.clinic, practice.provider, plain],
    )
    other = replace(practice, service=plain, patient=make_patient(db, practice.clinic))
    for taken in (9.5, 9 + 25 / 60, 10.5, 10 + 44 / 60):
        with refused(db, "slot_taken"):
            book(db, other, at(taken))
    book(db, other, at(9 + 20 / 60))
    book(db, replace(other, patient=make_patient(db, practice.clinic)), at(10.75))


def test_two_rooms_serve_two_visits_and_not_a_third(db: Connection) -> None:
    practice = make_practice(db)
    make_need(db, practice.clinic, practice.service)
    rooms = {make_resource(db, practice.clinic, practice.location) for _ in range(2)}
    visits = [
        replace(
            practice,
            provider=make_provider(db, practice.clinic, practice.location, (practice.service,)),
            patient=make_patient(db, practice.clinic),
        )
        for _ in range(3)
    ]
    for visit in visits[:2]:
        book(db, visit, at(9))
    with refused(db, "slot_taken"):
        book(db, visits[2], at(9.25))
    taken = every(db, "select resource_id from private.reservations")
    assert rooms <= {row["resource_id"] for row in taken}


def test_the_one_scanner_is_reserved_by_name(db: Connection) -> None:
    practice = make_practice(db)
    scanner = make_resource(db, practice.clinic, practice.location, "equipment")
    make_need(db, practice.clinic, practice.service, "equipment", resource_id=scanner)
    book(db, practice, at(9))
    colleague = make_provider(db, practice.clinic, practice.location, (practice.service,))
    other = replace(practice, provider=colleague, patient=make_patient(db, practice.clinic))
    with refused(db, "slot_taken"):
        book(db, other, at(9))


@pytest.mark.parametrize("status", ["cancelled", "noshow", "entered_in_error"])
def test_a_state_that_gives_its_time_back_lets_others_in(db: Connection, status: str) -> None:
    practice = make_practice(db)
    begun = at(9, days=-1)
    first = book(db, practice, begun)
    db.execute("update public.appointments set status = %s where id = %s", [status, first["id"]])
    book(db, replace(practice, patient=make_patient(db, practice.clinic)), begun)


def test_taking_a_noshow_back_needs_the_time_to_be_free(db: Connection) -> None:
    practice = make_practice(db)
    begun = at(9, days=-1)
    first = book(db, practice, begun)
    set_status = "update public.appointments set status = %s where id = %s"
    db.execute(set_status, ["noshow", first["id"]])
    book(db, replace(practice, patient=make_patient(db, practice.clinic)), begun)
    with refused(db, "slot_taken"):
        db.execute(set_status, ["booked", first["id"]])


def test_one_statement_may_swap_two_visits(db: Connection) -> None:
    practice = make_practice(db)
    first = book(db, practice, at(9))
    second = book(db, replace(practice, patient=make_patient(db, practice.clinic)), at(9.5))
    db.execute(
        "update public.appointments set starts_at = case id when %s then %s else %s end"
        " where id in (%s, %s)",
        [first["id"], at(9.5), at(9), first["id"], second["id"]],
    )
    assert disagreements(db) == []
    assert one(db, "select starts_at from public.appointments where id = %s", first["id"]) == {
        "starts_at": at(9.5)
    }


def test_a_failed_move_keeps_the_old_time(db: Connection) -> None:
    practice = make_practice(db)
    first = book(db, practice, at(9))
    book(db, replace(practice, patient=make_patient(db, practice.clinic)), at(11))
    with refused(db, "slot_taken"):
        db.execute(
            "update public.appointments set starts_at = %s where id = %s", [at(11), first["id"]]
        )
    assert disagreements(db) == []
    assert overlaps(db) == []


def test_a_herd_on_one_time_leaves_one_winner(connect: Connect) -> None:
    setup = connect()
    practice = make_practice(setup)
    rivals = [
        (connect(), replace(practice, patient=make_patient(setup, practice.clinic)))
        for _ in range(16)
    ]
    outcomes = at_once([lambda c=c, p=p: book(c, p, at(9)) for c, p in rivals])
    assert Counter(outcomes) == {"done": 1, "PT409 slot_taken": 15}


def test_transactions_that_cross_each_other_are_told_and_never_deadlock(connect: Connect) -> None:
    setup = connect()
    practice = make_practice(setup)
    colleague = make_provider(setup, practice.clinic, practice.location, (practice.service,))
    first_done = threading.Barrier(2)

    def crossing(mine: Any, theirs: Any) -> None:
        connection = connect()
        with connection.transaction():
            for number, provider in enumerate((mine, theirs)):
                patient = make_patient(connection, practice.clinic)
                book(connection, replace(practice, provider=provider, patient=patient), at(9))
                if number == 0:
                    first_done.wait()

    outcomes = at_once(
        [
            lambda: crossing(practice.provider, colleague),
            lambda: crossing(colleague, practice.provider),
        ]
    )
    assert set(outcomes) <= {"done", "PT409 slot_taken"}
    assert "PT409 slot_taken" in outcomes


def test_visits_that_move_onto_each_others_times_never_deadlock(connect: Connect) -> None:
    """Each hand moves a visit of its own, so they meet in the ledger and nowhere else."""
    setup = connect()
    practice = make_practice(setup)
    colleague = make_provider(setup, practice.clinic, practice.location, (practice.service,))
    visits = [
        book(setup, replace(practice, patient=make_patient(setup, practice.clinic)), at(hour))
        for hour in range(12, 16)
    ]
    seen: list[str] = []

    def keep_moving(visit: Any, seed: int) -> None:
        connection, chance = connect(), random.Random(seed)
        for _ in range(40):
            place = [at(9 + chance.randrange(4) / 4), chance.choice([practice.provider, colleague])]
            seen.append(
                outcome(
                    lambda place=place: connection.execute(
                        "update public.appointments set starts_at = %s, provider_id = %s"
                        " where id = %s",
                        [*place, visit["id"]],
                    )
                )
            )

    at_once([lambda v=v, n=n: keep_moving(v, n) for n, v in enumerate(visits)])
    assert set(seen) == {"done", "PT409 slot_taken"}
    assert len(seen) == 160
    assert overlaps(setup) == []
    assert disagreements(setup) == []


def test_changes_of_one_day_wait_for_each_other_and_those_of_another_do_not(
    connect: Connect,
) -> None:
    setup, first, second = connect(), connect(), connect()
    practice = make_practice(setup)
    make_need(setup, practice.clinic, practice.service, kind="room")
    make_resource(setup, practice.clinic, practice.location)
    one_day, same_day, other_day = (
        book(setup, replace(practice, patient=make_patient(setup, practice.clinic)), starts_at)
        for starts_at in (at(9), at(10), at(9, days=3))
    )
    move = "update public.appointments set starts_at = starts_at + interval '4 hours' where id = %s"
    with first.transaction():
        first.execute(move, [one_day["id"]])
        second.execute("set lock_timeout = '30 s'")
        second.execute(move, [other_day["id"]])
        second.execute("set lock_timeout = '50 ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            second.execute(move, [same_day["id"]])
    second.execute(move, [same_day["id"]])
    assert disagreements(setup) == []


@pytest.mark.parametrize(
    ("hour", "days"), [(9, 1), (23.9, 2), (0, 1)], ids=["by day", "over midnight", "from midnight"]
)
def test_the_quick_way_asks_for_the_same_locks_in_the_same_order(
    db: Connection, hour: float, days: int
) -> None:
    """One schedule lock and one for each day in UTC, for two things; a third time the first changes
    nothing but the way in which they are found.
    """
    start = at(hour)
    names = {
        "one": uuid.uuid4(),
        "other": uuid.uuid4(),
        "during": psycopg.types.range.TimestamptzRange(start, start + timedelta(minutes=30)),
    }
    quick, general = (
        db.execute(
            "select lock_key, is_exclusive from unnest(private.locks_on("
            f"array[(%(one)s, %(during)s), (%(other)s, %(during)s){more}]::private.stretch[], true)"
            ") with ordinality order by ordinality",
            names,
        ).fetchall()
        for more in ("", ", (%(one)s, %(during)s)")
    )
    assert quick == general
    assert [is_exclusive for _, is_exclusive in quick] == [False] * 2 + [True] * 2 * days
    assert [key for key, _ in quick[:2]] == sorted(key for key, _ in quick[:2])
    assert [key for key, _ in quick[2:]] == sorted(key for key, _ in quick[2:])


def test_what_spans_more_than_a_month_is_locked_in_whole(connect: Connect) -> None:
    setup, first, second = connect(), connect(), connect()
    practice = make_practice(setup)
    other = replace(practice, patient=make_patient(setup, practice.clinic))
    with first.transaction():
        book(first, practice, at(9), ends_at=at(9, days=60), overbook_reason="on a long voyage")
        second.execute("set lock_timeout = '50 ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            book(second, other, at(9, days=30))
    with refused(second, "slot_taken"):
        book(second, other, at(9, days=30))


def test_one_statement_may_move_more_than_there_are_locks_for(connect: Connect) -> None:
    """As many as 1,200 days of one schedule in one statement."""
    setup = connect()
    practice = make_practice(setup)
    setup.execute(
        "insert into public.appointments (service_id, provider_id, patient_id, starts_at)"
        " select %s, %s, %s, %s + day * interval '1 day' from generate_series(1, 1200) as day",
        [practice.service, practice.provider, practice.patient, at(9)],
    )
    setup.execute("update public.appointments set starts_at = starts_at + interval '1 hour'")
    assert one(setup, "select count(*) from private.reservations")["count"] == 2400
    assert disagreements(setup) == []


def test_the_replay_counts_rooms_and_knows_the_one_scanner(db: Connection) -> None:
    db.execute(crowd.SETUP.read_bytes())
    starts_at = at(12)
    for number in (1, 2):
        insert(
            db,
            "public.appointments",
            service_id=crowd.named("exam"),
            provider_id=crowd.named(f"provider{number}"),
            patient_id=crowd.named(f"patient{number}"),
            starts_at=starts_at,
        )
    assert replay(db).overlaps == []
    # Had the two needed more than there is, they could not have been at one time.
    for change in (
        "update public.service_needs set quantity = 2 where service_id = %s",
        "insert into public.service_needs (clinic_id, service_id, kind, resource_id)"
        " select clinic_id, %s, 'equipment', id from public.resources where kind = 'equipment'",
    ):
        with db.transaction(force_rollback=True):
            db.execute(change, [crowd.named("exam")])
            assert replay(db).overlaps != []


def test_a_crowd_on_every_path_leaves_no_overlap_and_no_raw_error(connect: Connect) -> None:
    """Hold, confirm, book, overbook, move, call off, series, single and many-row SQL; `make soak`
    does the same with more hands, for longer, while PostgreSQL is killed.
    """
    setup = connect()
    setup.execute(crowd.SETUP.read_bytes())
    clinic = crowd.Crowd(days=2)
    answers: list[tuple[str, crowd.Answer]] = []

    def hand(seed: int) -> None:
        connection = connect()
        chance = random.Random(seed)
        for _ in range(DEEDS_EACH):
            answers.append(clinic.act(connection, chance))

    assert set(at_once([lambda seed=seed: hand(seed) for seed in range(HANDS)])) == {"done"}
    faults = {
        answer.outcome for _, answer in answers if answer.outcome.startswith(("FAULT", "lost"))
    }
    assert faults == set()
    done = {deed for deed, answer in answers if answer.outcome == "done" and answer.acknowledged}
    assert done >= {"book", "book_for", "hold", "reschedule", "cancel", "insert", "update"}
    assert crowd.overlaps(setup) == []
    assert crowd.disagreements(setup) == []
    report = replay(setup)
    assert report.overlaps == []
    assert report.differences == []
    told = {version for _, answer in answers for version in answer.acknowledged}
    assert told <= report.versions
