"""Whatever happens, each person's mail is exactly what a simple model says.

Bookings, moves, cancellations, missed visits, changes of mind, of language, of address, of quiet
hours and of the clinic's offsets, time passing, workers that plan, deliver or die: after each step
the sent rows are what the model remembers. Time passes by making reminders due; the model does the
same. APPOINT_TRUTH_RUNS sets the number of stories. A day in which time really passes:
tests/workers/test_a_day_of_reminders.py.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.database.test_sent_once import claim, complete, let_the_lease_run_out
from tests.people import Connection, at, book, every, make_practice, one

RUNS = int(os.environ.get("APPOINT_TRUTH_RUNS", "25"))
OFFSETS = {2880, 120}
OTHER_OFFSETS = ({2880, 120}, {1440, 120}, {2880}, {60}, set[int]())
EVER = sorted(set[int]().union(*OTHER_OFFSETS))
HOUR = timedelta(hours=1)
STEPS = 50
# Who wants nothing, has no address and wants it quiet gets nothing: stories should not end there.
MOSTLY = st.sampled_from([True, True, True, False])
SELDOM = st.sampled_from([False, False, False, True])
Message = tuple[UUID, str, int, int | None]


@dataclass
class Visit:
    """What the model knows of one visit."""

    id: UUID
    version: int = 1
    status: str = "booked"
    # The latest news and the reminders that are still to come, for the version they belong to.
    news: tuple[str, int] | None = ("confirmation", 1)
    reminders: set[int] = field(default_factory=set)
    agreed: int = 1
    due: set[int] = field(default_factory=set)
    # Whose time has come and gone, sent or not.
    past: set[int] = field(default_factory=set)
    # Of a missed visit: whether a message after it is still to come, and whether its time has come.
    follow_up: bool = False
    follow_up_is_due: bool = False
    # What there was no address for when its time came; an address brings it back.
    untold: tuple[str, int] | None = None
    untold_reminders: set[int] = field(default_factory=set)


class Truth(RuleBasedStateMachine):
    """Drives one clinic with one patient on one connection; everything is rolled back."""

    db: Connection

    @initialize()
    def open_clinic(self) -> None:
        self.db.rollback()
        self.practice = make_practice(self.db)
        self.db.execute(
            "update public.clinics set reminder_offsets_minutes = %s", [sorted(OFFSETS)]
        )
        self.db.execute(
            "insert into public.notification_preferences (clinic_id, patient_id) values (%s, %s)",
            [self.practice.clinic, self.practice.patient],
        )
        self.visits: list[Visit] = []
        # Of workers, since all that was due was delivered.
        self.deaths = 0
        self.expected: set[Message] = set()
        self.wants_reminders = True
        self.wants_follow_ups = True
        self.has_address = True
        self.is_quiet = False
        self.offsets = set(OFFSETS)
        self.language = "en"
        self.hour = 0

    def next_time(self) -> Any:
        self.hour += 1
        return at(self.hour, days=5)

    def change(self, visit: Visit, **columns: Any) -> None:
        ((name, value),) = columns.items()
        statement = psycopg.sql.SQL("update public.appointments set {} = %s where id = %s")
        self.db.execute(statement.format(psycopg.sql.Identifier(name)), [value, visit.id])
        visit.version += 1

    @rule()
    def books(self) -> None:
        visit = Visit(book(self.db, self.practice, self.next_time())["id"])
        self.agree(visit, "confirmation")
        self.visits.append(visit)

    def agree(self, visit: Visit, kind: str) -> None:
        """Where nobody can be told, that is recorded as skipped, and nothing is planned."""
        self.owe(visit, kind)
        visit.reminders = set(self.offsets) if self.has_address else set()
        visit.due, visit.past, visit.agreed = set(), set(), visit.version

    def owe(self, visit: Visit, kind: str) -> None:
        """What is newer says what everything before it would."""
        news = (kind, visit.version)
        visit.news, visit.untold = (news, None) if self.has_address else (None, news)
        visit.untold_reminders = set()

    @precondition(lambda self: any(visit.status == "booked" for visit in self.visits))
    @rule(data=st.data())
    def moves(self, data: Any) -> None:
        visit = self.pick(data)
        self.change(visit, starts_at=self.next_time())
        self.agree(visit, "change")

    @precondition(lambda self: any(visit.status == "booked" for visit in self.visits))
    @rule(data=st.data())
    def cancels(self, data: Any) -> None:
        visit = self.pick(data)
        self.change(visit, status="cancelled")
        visit.status, visit.reminders, visit.due = "cancelled", set(), set()
        self.owe(visit, "cancellation")

    @precondition(lambda self: any(visit.status == "booked" for visit in self.visits))
    @rule(data=st.data())
    def notes_something(self, data: Any) -> None:
        self.change(self.pick(data), overbook_reason=f"note {self.hour}")
        self.hour += 1

    @rule()
    def misses_a_visit(self) -> None:
        """One that was noted down afterwards."""
        self.hour += 1
        starts_at = datetime.now(UTC) - self.hour * HOUR
        visit = Visit(book(self.db, self.practice, starts_at, overbook_reason="came late")["id"])
        visit.news = None
        self.change(visit, status="noshow")
        visit.status, visit.follow_up = "noshow", self.has_address
        self.visits.append(visit)

    @rule(reminders=MOSTLY, follow_ups=MOSTLY)
    def changes_their_mind(self, reminders: bool, follow_ups: bool) -> None:
        self.db.execute(
            "update public.notification_preferences set reminders = %s, follow_ups = %s",
            [reminders, follow_ups],
        )
        self.wants_reminders, self.wants_follow_ups = reminders, follow_ups

    @rule(language=st.sampled_from(["de", "fr-CH", None]))
    def chooses_a_language(self, language: str | None) -> None:
        self.db.execute("update public.notification_preferences set language = %s", [language])
        self.language = language or "en"

    @rule(wanted=SELDOM)
    def wants_quiet_now(self, wanted: bool) -> None:
        now = datetime.now(UTC)
        hours = [(now - HOUR).time(), (now + HOUR).time()] if wanted else [None, None]
        self.db.execute(
            "update public.notification_preferences set quiet_from = %s, quiet_until = %s", hours
        )
        self.is_quiet = wanted

    @rule(has=MOSTLY)
    def changes_their_address(self, has: bool) -> None:
        address = "pat@patients.example" if has else None
        self.db.execute("update public.patients set email = %s", [address])
        if has and not self.has_address:
            for visit in self.visits:
                visit.news = visit.news or visit.untold
                visit.untold = None
                visit.due |= visit.untold_reminders
                visit.reminders |= visit.untold_reminders
                visit.past -= visit.untold_reminders
                visit.untold_reminders = set()
        self.has_address = has

    @rule(offsets=st.sampled_from(OTHER_OFFSETS))
    def clinic_changes_its_offsets(self, offsets: set[int]) -> None:
        self.db.execute("update public.clinics set reminder_offsets_minutes = %s", [list(offsets)])
        self.offsets = set(offsets)

    @rule()
    def a_worker_plans(self) -> None:
        """What is missing is queued, what is not wanted any more is dropped; what is due stays."""
        one(self.db, "select worker.plan_reminders(8760)")
        for visit in self.visits:
            if visit.status == "booked":
                missing = self.offsets - visit.past if self.has_address else set()
                visit.reminders = (visit.reminders & self.offsets) | visit.due | missing

    @precondition(lambda self: any(visit.reminders for visit in self.visits))
    @rule(data=st.data(), minutes=st.sampled_from(EVER))
    def time_comes_for_a_reminder(self, data: Any, minutes: int) -> None:
        visit = data.draw(st.sampled_from([one for one in self.visits if one.reminders]))
        later = {offset for offset in visit.reminders if offset >= minutes}
        self.db.execute(
            "update public.notifications set due_at = now() where appointment_id = %s"
            " and kind = 'reminder' and status = 'queued' and reminder_minutes >= %s",
            [visit.id, minutes],
        )
        visit.due |= later

    @precondition(lambda self: any(visit.follow_up for visit in self.visits))
    @rule(data=st.data())
    def time_comes_for_a_follow_up(self, data: Any) -> None:
        visit = data.draw(st.sampled_from([one for one in self.visits if one.follow_up]))
        self.db.execute(
            "update public.notifications set due_at = now() where appointment_id = %s"
            " and kind = 'follow_up'",
            [visit.id],
        )
        visit.follow_up_is_due = True

    # What six workers died of is given up: tests/database/test_worker_queue.py.
    @precondition(lambda self: self.deaths < 5)
    @rule()
    def a_worker_dies(self) -> None:
        self.deaths += 1
        claim(self.db)
        let_the_lease_run_out(self.db)
        self.settle_what_is_not_sent()

    @rule()
    def a_worker_delivers(self) -> None:
        sent = []
        while messages := claim(self.db):
            for message in messages:
                assert message["locale"] == self.language
                assert complete(self.db, message)
                sent.append(message["notification_id"])
        assert len(sent) == len(set(sent))
        self.deaths = 0
        for visit in self.visits:
            self.deliver(visit)

    def pick(self, data: Any) -> Visit:
        booked = [visit for visit in self.visits if visit.status == "booked"]
        visit: Visit = data.draw(st.sampled_from(booked))
        return visit

    def settle_what_is_not_sent(self) -> None:
        """What a look at the queue makes of what is due and must not be sent."""
        for visit in self.visits:
            if not self.has_address:
                visit.untold = visit.news or visit.untold
                visit.news = None
            if visit.due:
                # One that is nearer the visit says what those before it would.
                nearest = min(visit.due | visit.past)
                is_wanted = self.wants_reminders and self.has_address and nearest in visit.due
                if not self.has_address and nearest in visit.due:
                    visit.untold_reminders.add(nearest)
                kept = {nearest} if is_wanted else set()
                visit.past |= visit.due - kept
                visit.reminders = visit.reminders - visit.due | kept
                # Quiet hours put it off.
                visit.due = set() if self.is_quiet else kept
            if visit.follow_up_is_due:
                visit.follow_up = self.wants_follow_ups and self.has_address
                visit.follow_up_is_due = visit.follow_up and not self.is_quiet

    def deliver(self, visit: Visit) -> None:
        self.settle_what_is_not_sent()
        if visit.news:
            kind, version = visit.news
            self.expected.add((visit.id, kind, version, None))
            visit.news = None
        for minutes in visit.due:
            self.expected.add((visit.id, "reminder", visit.agreed, minutes))
        if visit.follow_up_is_due:
            self.expected.add((visit.id, "follow_up", visit.version, None))
            visit.follow_up = visit.follow_up_is_due = False
        visit.reminders -= visit.due
        visit.past |= visit.due
        visit.due = set()

    @invariant()
    def mail_is_what_the_model_says(self) -> None:
        if not hasattr(self, "visits"):
            return
        rows = every(
            self.db,
            "select appointment_id, kind::text, appointment_version, reminder_minutes"
            " from public.notifications where status = 'sent'",
        )
        assert {tuple(row.values()) for row in rows} == self.expected
        assert len(rows) == len(self.expected)

    def teardown(self) -> None:
        self.db.rollback()


@pytest.mark.timeout(60 + 10 * RUNS)
def test_each_persons_mail_is_what_a_simple_model_says(db: Connection) -> None:
    assert one(db, "select 1 as works")["works"] == 1

    class OnThisDatabase(Truth):
        pass

    OnThisDatabase.db = db
    run_state_machine_as_test(
        OnThisDatabase,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_model_notices_a_message_too_many(db: Connection) -> None:
    class OnThisDatabase(Truth):
        pass

    OnThisDatabase.db = db
    story = OnThisDatabase()
    story.open_clinic()
    story.books()
    story.a_worker_delivers()
    story.mail_is_what_the_model_says()
    story.expected.clear()
    with pytest.raises(AssertionError):
        story.mail_is_what_the_model_says()
