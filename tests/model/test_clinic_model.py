"""The RPCs against a simple clinic in Python, step by step, over thousands of random steps."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from psycopg.rows import dict_row

from stack.config import StackConfig
from stack.migrations import clone_database, drop_database, migrate
from stack.postgres import TEMPLATE
from tests.database.test_never_overlaps import disagreements, overlaps
from tests.model.clinic_model import DAY, DAYS, KEEPING, Clinic, Service, Visit
from tests.people import (
    Connection,
    as_front_desk,
    as_patient,
    as_user,
    make_clinic,
    make_location,
    make_member,
    make_need,
    make_patient,
    make_provider,
    make_resource,
    make_service,
    make_user,
)

# Each example is a clinic of its own with up to 50 steps.
EXAMPLES = int(os.environ.get("APPOINT_MODEL_EXAMPLES", "60"))
STEPS = 50
MOST_HOLDS = 2

NINE, TEN, NOON, ONE = 9 * 60, 10 * 60, 12 * 60, 13 * 60
PATTERNS = [
    [(NINE, NOON)],
    [(NINE, TEN + 30), (TEN + 30, NOON)],
    [(NINE, TEN), (TEN + 30, ONE)],
    [(TEN, TEN + 25), (NOON - 30, ONE)],
]
CLOCKS = sorted({*range(NINE - 15, ONE + 1, 15), *range(NINE, ONE, 20)})
times = st.builds(lambda day, clock: day * DAY + clock, st.integers(0, DAYS - 1),
                  st.sampled_from(CLOCKS))  # fmt: skip
which = st.integers(0, 5)
# Two days that are over.
PAST = 4 * DAY


class Request(NamedTuple):
    """A booking that was made under an id of the caller's own."""

    id: UUID
    who: int
    wish: Visit
    visit_id: UUID


class ClinicMachine(RuleBasedStateMachine):
    """Does each step in both worlds and compares."""

    connection: Connection

    def __init__(self) -> None:
        super().__init__()
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self.first_day = today + timedelta(days=2)
        self.requests: list[Request] = []

    @initialize(pattern=st.sampled_from(PATTERNS), rooms=st.integers(1, 3))
    def open_the_clinic(self, pattern: list[tuple[int, int]], rooms: int) -> None:
        db = self.connection
        self.clinic_id = make_clinic(db, max_holds_per_person=MOST_HOLDS)
        location = make_location(db, self.clinic_id)
        self.desk = make_member(db, self.clinic_id, "front_desk")
        talk = Service(make_service(db, self.clinic_id), 30, 15, 0, 0, rooms=0)
        columns = {
            "duration_minutes": 40,
            "slot_interval_minutes": 20,
            "buffer_before_minutes": 5,
            "buffer_after_minutes": 10,
        }
        exam_id = make_service(db, self.clinic_id, **columns)
        exam = Service(exam_id, 40, 20, 5, 10, rooms=1)
        pair_id = make_service(db, self.clinic_id)
        pair = Service(pair_id, 30, 15, 0, 0, rooms=2)
        request_id = make_service(db, self.clinic_id, needs_approval=True)
        request = Service(request_id, 30, 15, 0, 0, rooms=0, approved=True)
        self.services = [talk, exam, pair, request]
        self.model = Clinic(
            MOST_HOLDS, sorted(make_resource(db, self.clinic_id, location) for _ in range(rooms))
        )
        make_need(db, self.clinic_id, exam_id)
        make_need(db, self.clinic_id, pair_id, quantity=2)
        # Sorted, as turns are among equals: the same steps again must choose the same provider.
        self.providers = sorted(
            make_provider(db, self.clinic_id, location, (talk.id, exam_id, pair_id, request_id))
            for _ in range(2)
        )
        self.users = [make_user(db) for _ in range(3)]
        self.patients = [make_patient(db, self.clinic_id, user) for user in self.users]
        for provider in self.providers:
            self.location = location
            self._set_hours(provider, pattern)

    @rule(who=which, what=which, whom=which, starts=times)
    def book(self, who: int, what: int, whom: int, starts: int) -> None:
        wish = self._wish(who, what, whom, starts)
        request_id = UUID(int=len(self.requests) + 1)
        answer = self._book_under(request_id, who, wish)
        self._expect(answer, self.model.against_booking(wish), wish)
        if isinstance(answer, dict):
            self.requests.append(Request(request_id, who, wish, answer["id"]))

    @precondition(lambda self: self.requests)
    @rule(number=which, starts=times)
    def book_again_under_the_same_id(self, number: int, starts: int) -> None:
        """The same answer, whatever became of the visit; nothing for other arguments."""
        request = self.requests[-1 - number % len(self.requests)]
        answer = self._book_under(request.id, request.who, request.wish)
        assert isinstance(answer, dict)
        assert answer["id"] == request.visit_id
        if starts != request.wish.starts:
            other = replace(request.wish, starts=starts)
            assert self._book_under(request.id, request.who, other) == "request_id_reused"

    @rule(who=which, what=which, whom=which, starts=times)
    def note_down_what_was(self, who: int, what: int, whom: int, starts: int) -> None:
        """Typed into the dashboard afterwards."""
        wish = replace(self._wish(who, what, whom, starts - PAST), status="booked")
        answer = self._write(
            "insert into public.appointments (service_id, provider_id, patient_id, starts_at)"
            " values (%s, %s, %s, %s) returning *",
            wish.service.id, wish.provider, wish.patient, self._at(wish.starts),
        )  # fmt: skip
        self._expect(answer, self.model.against_note(wish), wish)

    @rule(who=which, what=which, starts=times)
    def book_with_anybody(self, who: int, what: int, starts: int) -> None:
        wish = self._wish(who, what, 0, starts)
        free, reasons = self.model.against_anybody(wish)
        with as_patient(self.connection, self.users[who % 3]):
            answer = self._ask("public.book_appointment(%s, %s)", wish.service.id, self._at(starts))
        if isinstance(answer, dict):
            assert answer["provider_id"] in free
            wish.provider = answer["provider_id"]
        self._expect(answer, reasons, wish)

    @rule(who=which, what=which, whom=which, starts=times)
    def overbook(self, who: int, what: int, whom: int, starts: int) -> None:
        wish = replace(self._wish(who, what, whom, starts), overbooked=True, status="booked")
        with as_front_desk(self.connection, self.desk):
            answer = self._ask(
                "public.book_appointment(%s, %s, %s, %s, overbook_reason => 'squeezed in')",
                wish.service.id, self._at(starts), wish.provider, wish.patient,
            )  # fmt: skip
        self._expect(answer, self.model.against_booking(wish), wish)

    @rule(who=which, what=which, whom=which, starts=times)
    def hold(self, who: int, what: int, whom: int, starts: int) -> None:
        wish = replace(self._wish(who, what, whom, starts), status="held")
        with as_patient(self.connection, self.users[who % 3]):
            answer = self._ask(
                "public.hold_slot(%s, %s, %s)", wish.service.id, wish.provider, self._at(starts)
            )
        reasons = self.model.against_booking(wish) | self.model.against_hold(wish.patient)
        self._expect(answer, reasons, wish)

    @precondition(lambda self: self._with_status("held"))
    @rule(number=which)
    def confirm_a_hold(self, number: int) -> None:
        visit_id = self._pick(self._with_status("held"), number)
        hold = self.model.visits[visit_id]
        with as_patient(self.connection, self._user_of(hold)):
            answer = self._ask(
                "public.book_appointment(%s, %s, hold_id => %s)", hold.service.id,
                self._at(hold.starts), visit_id,
            )  # fmt: skip
        # It keeps the time it has, even if the hours have changed meanwhile.
        reasons = {"hold_expired", "illegal_transition"} if hold.lapsed else set()
        self._expect(answer, reasons, replace(hold, status=hold.service.when_asked_for))

    @precondition(lambda self: self._with_status("held"))
    @rule(number=which)
    def time_passes_for_a_hold(self, number: int) -> None:
        """The hold's end moves into the past; the clock stays."""
        visit_id = self._pick(self._with_status("held"), number)
        self.connection.execute(
            "update public.appointments set hold_expires_at = now() - interval '1 second'"
            " where id = %s and status = 'held'",
            [visit_id],
        )
        self.model.visits[visit_id].lapsed = True

    @precondition(lambda self: self.model.visits)
    @rule(
        number=which, whom=which, starts=times, by_patient=st.booleans(),
        missed=st.sampled_from([None, 0, 0, 1]),
    )  # fmt: skip
    def reschedule(
        self, number: int, whom: int, starts: int, by_patient: bool, missed: int | None
    ) -> None:
        """`missed`: how many changes whoever asks has not seen; None: they do not say."""
        visit_id = self._pick(list(self.model.visits), number)
        visit = self.model.visits[visit_id]
        wish = replace(visit, provider=self.providers[whom % 2], starts=starts, overbooked=False)
        seen = None if missed is None else self._version(visit_id) - missed
        person = self._user_of(visit) if by_patient else self.desk
        with as_user(self.connection, person):
            answer = self._ask(
                "public.reschedule_appointment(%s, %s, %s, expected_version => %s)", visit_id,
                self._at(starts), wish.provider, seen,
            )  # fmt: skip
        if missed:
            reasons = {"stale_version"}
        elif visit.status not in ("pending", "booked"):
            reasons = {"illegal_transition"}
        elif by_patient and visit.has_begun:
            reasons = {"too_late_to_cancel"}
        else:
            reasons = self.model.against_booking(wish, visit_id)
        is_moved = (wish.provider, wish.starts) != (visit.provider, visit.starts)
        if by_patient and is_moved and visit.service.approved:
            wish.status = "pending"
        self._expect(answer, reasons, wish)

    @precondition(lambda self: self.model.visits)
    @rule(number=which)
    def cancel(self, number: int) -> None:
        """By the patient whose visit it is."""
        visit_id = self._pick(list(self.model.visits), number)
        visit = self.model.visits[visit_id]
        with as_patient(self.connection, self._user_of(visit)):
            answer = self._ask("public.cancel_appointment(%s)", visit_id)
        if visit.lapsed and not isinstance(answer, dict):
            assert answer == "illegal_transition", "somebody has tidied it up"
            return
        allowed = visit.status in ("held", "pending", "booked")
        reasons = set() if allowed else {"illegal_transition", "not_allowed"}
        if allowed and visit.has_begun:
            reasons = {"too_late_to_cancel"}
        self._expect(answer, reasons, replace(visit, status="cancelled", lapsed=False))

    @precondition(lambda self: self.model.visits)
    @rule(
        number=which,
        status=st.sampled_from(["booked", "arrived", "fulfilled", "noshow", "entered_in_error"]),
    )
    def change_status(self, number: int, status: str) -> None:
        visit_id = self._pick(list(self.model.visits), number)
        visit = self.model.visits[visit_id]
        reasons = self.model.against_status(visit_id, status)
        with as_front_desk(self.connection, self.desk):
            answer = self._ask("public.change_appointment_status(%s, %s)", visit_id, status)
        self._expect(answer, reasons, replace(visit, status=status))

    @rule(whom=which, pattern=st.sampled_from(PATTERNS))
    def change_hours(self, whom: int, pattern: list[tuple[int, int]]) -> None:
        """Visits that are booked stay as they are; what is offered changes at once."""
        self._set_hours(self.providers[whom % 2], pattern)

    @rule(what=which, whom=st.integers(0, 2))
    def look_for_free_times(self, what: int, whom: int) -> None:
        service = self.services[what % len(self.services)]
        provider = [None, *self.providers][whom]
        rows = self.connection.execute(
            "select starts_at, provider_id from public.open_slots(%s, %s, %s, %s, null, 5000)",
            [service.id, self.first_day, self.first_day + timedelta(days=DAYS), provider],
        ).fetchall()
        found = [(self._minute(starts_at), provider_id) for starts_at, provider_id in rows]
        assert found == sorted(found)
        assert len(found) == len(set(found))
        assert set(found) == self.model.open_slots(service, provider)

    @invariant()
    def both_worlds_hold_the_same_visits(self) -> None:
        if not hasattr(self, "model"):
            return
        rows = {
            row[0]: row[1:]
            for row in self.connection.execute(
                "select id, provider_id, patient_id, service_id, starts_at, ends_at, array("
                " select resource_id from private.reservations join public.resources"
                " on resources.id = resource_id where appointment_id = appointments.id"
                " order by resource_id), status::text"
                " from public.appointments where clinic_id = %s",
                [self.clinic_id],
            )
        }
        expected = {}
        for visit_id, visit in self.model.visits.items():
            status = visit.status
            if visit.lapsed and rows[visit_id][-1] == "cancelled":
                status = "cancelled"
            expected[visit_id] = (
                visit.provider, visit.patient, visit.service.id,
                self._at(visit.starts), self._at(visit.ends),
                sorted(visit.rooms) if status in KEEPING else [], status,
            )  # fmt: skip
        assert rows == expected

    def teardown(self) -> None:
        if hasattr(self, "model"):
            assert overlaps(self.connection) == []
            assert disagreements(self.connection) == []

    def _wish(self, who: int, what: int, whom: int, starts: int) -> Visit:
        service = self.services[what % len(self.services)]
        return Visit(
            self.providers[whom % 2], self.patients[who % 3], service, starts,
            service.when_asked_for,
        )  # fmt: skip

    def _book_under(self, request_id: UUID, who: int, wish: Visit) -> dict[str, Any] | str:
        with as_patient(self.connection, self.users[who % 3]):
            return self._ask(
                "public.book_appointment(%s, %s, %s, request_id => %s)", wish.service.id,
                self._at(wish.starts), wish.provider, request_id,
            )  # fmt: skip

    def _version(self, visit_id: UUID) -> int:
        row = self.connection.execute(
            "select version from public.appointments where id = %s", [visit_id]
        ).fetchone()
        assert row is not None
        version: int = row[0]
        return version

    def _ask(self, call: str, *values: Any) -> dict[str, Any] | str:
        return self._write(f"select * from {call}", *values)

    def _write(self, statement: str, *values: Any) -> dict[str, Any] | str:
        """The row that came back, or the key of the refusal."""
        cursor = self.connection.cursor(row_factory=dict_row)
        try:
            with self.connection.transaction():
                row = cursor.execute(statement, values).fetchone()
        except psycopg.Error as error:
            if not (error.sqlstate or "").startswith("PT"):
                raise
            return error.diag.message_primary or ""
        assert row is not None
        return row

    def _expect(self, answer: dict[str, Any] | str, reasons: set[str], becomes: Visit) -> None:
        """The answer is one of the reasons; without any, the visit is as the model says."""
        if reasons:
            assert isinstance(answer, str), reasons
            assert answer in reasons, reasons
            return
        assert isinstance(answer, dict), answer
        self.model.settle(answer["id"], becomes)

    def _set_hours(self, provider: UUID, pattern: list[tuple[int, int]]) -> None:
        with self.connection.transaction():
            self.connection.execute(
                "delete from public.weekly_hours where provider_id = %s", [provider]
            )
            self.connection.execute(
                "insert into public.weekly_hours"
                " (clinic_id, provider_id, location_id, weekday, opens, closes)"
                " select %s, %s, %s, weekday, opens, closes from generate_series(1, 7) as weekday,"
                " unnest(%s::time[], %s::time[]) as hours (opens, closes)",
                [
                    self.clinic_id, provider, self.location,
                    [f"{opens // 60}:{opens % 60}" for opens, _ in pattern],
                    [f"{closes // 60}:{closes % 60}" for _, closes in pattern],
                ],
            )  # fmt: skip
        self.model.hours[provider] = pattern

    def _with_status(self, status: str) -> list[UUID]:
        visits = self.model.visits.items()
        return [visit_id for visit_id, visit in visits if visit.status == status]

    def _pick(self, ids: list[UUID], number: int) -> UUID:
        """One of the latest: there is more to happen to them."""
        return ids[-1 - number % len(ids)]

    def _user_of(self, visit: Visit) -> UUID:
        return self.users[self.patients.index(visit.patient)]

    def _at(self, minute: int) -> datetime:
        return self.first_day + timedelta(minutes=minute)

    def _minute(self, instant: datetime) -> int:
        return round((instant - self.first_day) / timedelta(minutes=1))


@pytest.fixture(scope="module")
def connection(stack: StackConfig) -> Iterator[Connection]:
    """A connection to a database of the model's own; every step commits."""
    name = f"model_{os.getpid()}"
    clone_database(stack, TEMPLATE, name)
    migrate(stack, name)
    with psycopg.connect(stack.db_url(database=name), autocommit=True) as connection:
        yield connection
    drop_database(stack, name)


def machine_on(connection: Connection) -> Callable[[], ClinicMachine]:
    """Makes machines that work in that database."""

    class Machine(ClinicMachine):
        pass

    Machine.connection = connection
    return Machine


@pytest.mark.timeout(1800)
def test_the_database_and_a_simple_clinic_agree_on_every_step(connection: Connection) -> None:
    run_state_machine_as_test(
        machine_on(connection),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            # A failure tells its steps; making them fewer would take minutes.
            phases=(Phase.reuse, Phase.generate),
            print_blob=True,
        ),
    )
