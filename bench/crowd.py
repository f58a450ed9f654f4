"""Many hands in one clinic: random deeds on every path, and what must be true afterwards.

Used by `make soak` and, for some seconds, by the tests. A deed may be refused by the clinic's rules
(SQLSTATE PTnnn) at any time; every other error is a fault.
"""

from __future__ import annotations

import hashlib
import json
import random
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

SETUP = Path(__file__).parent / "sql" / "crowd.sql"
PEOPLE = 60
PROVIDERS = 6
ROOMS = 3
FRONT_DESK = 0

Connection = psycopg.Connection[Any]


def named(name: str) -> UUID:
    """The id of a thing of `crowd.sql`."""
    return UUID(hashlib.md5(name.encode(), usedforsecurity=False).hexdigest())


@dataclass(frozen=True)
class Answer:
    """What a caller was told: 'done', a key of the clinic's, or 'FAULT …' or 'lost'."""

    outcome: str
    # (appointment, version) of every row the caller was given.
    acknowledged: tuple[tuple[UUID, int], ...] = ()


@dataclass
class Crowd:
    """The clinic all hands work in; what they know of each other's visits is shared."""

    days: int = 3
    known: deque[UUID] = field(default_factory=lambda: deque(maxlen=1000))
    holds: deque[tuple[UUID, int]] = field(default_factory=lambda: deque(maxlen=100))
    lock: threading.Lock = field(default_factory=threading.Lock)
    # The visit that this hand has just taken from `known`.
    taken: threading.local = field(default_factory=threading.local)
    today: datetime = field(
        default_factory=lambda: datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    )

    def act(self, connection: Connection, chance: random.Random) -> tuple[str, Answer]:
        """One random deed; gives its name and what came of it."""
        deed = chance.choices(DEEDS, weights=[weight for weight, _ in WEIGHTED])[0]
        self.taken.visit = None
        try:
            rows = deed(self, connection, chance)
        except psycopg.Error as error:
            outcome = verdict(error)
            if self.taken.visit and outcome not in ("not_found", "illegal_transition"):
                self._remember(self.taken.visit)
            return deed.__name__, Answer(outcome)
        acknowledged = tuple((row[0], row[1]) for row in rows)
        if deed not in (cancel, end_series):
            self._remember(*(appointment for appointment, _ in acknowledged))
        return deed.__name__, Answer("done", acknowledged)

    def _remember(self, *appointments: UUID) -> None:
        with self.lock:
            self.known.extend(appointments)

    def start(self, chance: random.Random) -> datetime:
        """A start on the grid of the coming days, 09:00 to 17:00 in Vienna or nearly so."""
        return (
            self.today
            + timedelta(days=2 + chance.randrange(self.days), hours=8)
            + timedelta(minutes=15 * chance.randrange(32))
        )

    def visit(self, chance: random.Random) -> UUID:
        """A visit that somebody made, for this hand alone until it is done with it; one that does
        not exist if there is none yet.
        """
        with self.lock:
            if not self.known:
                return named("nothing")
            self.known.rotate(chance.randrange(len(self.known)))
            self.taken.visit = self.known.popleft()
        return UUID(str(self.taken.visit))


def verdict(error: psycopg.Error) -> str:
    """The clinic's key for a refusal, 'lost' for a broken connection, else a fault."""
    if (error.sqlstate or "").startswith("PT"):
        return error.diag.message_primary or ""
    if isinstance(error, psycopg.OperationalError) and (
        error.sqlstate is None or error.sqlstate.startswith(("57P", "08"))
    ):
        return "lost"
    return f"FAULT {error.sqlstate} {error}"


def ask(connection: Connection, person: int | None, query: str, *values: Any) -> list[Any]:
    """The answer to one statement by a signed-in person; by plain SQL if `person` is None."""
    with connection.transaction():
        if person is not None:
            claims = {"role": "authenticated", "sub": str(named(f"person{person}"))}
            connection.execute(
                "select set_config('role', 'authenticated', true),"
                " set_config('request.jwt.claims', %s, true)",
                [json.dumps(claims)],
            )
        return connection.execute(query, values).fetchall()


def book(crowd: Crowd, connection: Connection, chance: random.Random) -> Iterable[Any]:
    """A patient books for themselves, with somebody or with anybody."""
    return ask(
        connection,
        1 + chance.randrange(PEOPLE),
        "select id, version from public.book_appointment(%s, %s, %s)",
        _service(chance),
        crowd.start(chance),
        chance.choice([_provider(chance), _provider(chance), None]),
    )


def book_for(crowd: Crowd, connection: Connection, chance: random.Random) -> Iterable[Any]:
    """The front desk books for a patient, now and then outside of the hours."""
    reason = chance.choice([None, None, "squeezed in"])
    minutes = chance.randrange(15) if reason else 0
    return ask(
        connection,
        FRONT_DESK,
        "select id, version from public.book_appointment(%s, %s, %s, %s, overbook_reason => %s)",
        _service(chance),
        crowd.start(chance) + timedelta(minutes=minutes),
        _provider(chance),
        named(f"patient{1 + chance.randrange(PEOPLE)}"),
        reason,
    )


def hold(crowd: Crowd, connection: Connection, chance: random.Random) -> Iterable[Any]:
    """A patient keeps a slot."""
    person = 1 + chance.randrange(PEOPLE)
    rows = ask(
        connection,
        person,
        "select id, version from public.hold_slot(%s, %s, %s)",
        _service(chance),
        _provider(chance),
        crowd.start(chance),
    )
    with crowd.lock:
        crowd.holds.extend((row[0], person) for row in rows)
    return rows


def confirm(crowd: Crowd, connection: Connection, chance: random.Random) -> Iterable[Any]:
    """Whoever keeps a slot books it."""
    with crowd.lock:
        if not crowd.holds:
            return []
        appointment, person = chance.choice(crowd.holds)
    return ask(
        connection,
        person,
        "select booked.id, booked.version from public.appointments as hold,"
        " public.book_appointment(hold.service_id, hold.starts_at, hold_id => hold.id) as booked"
        " where hold.id = %s",
        appointment,
    )


def let_hold_lapse(crowd: Crowd, connection: Connection, chance: random.Random) -> Iterable[Any]:
    """Time passes for a hold: its end moves instead of the clock."""
    with crowd.lock:
        if not crowd.holds:
            return []
        appointment, _ = chance.choice(crowd.holds)
    return ask(
        connection,
        None,
        "update public.appointments set hold_expires_at = now() - interval '1 second'"
        " where id = %s and status = 'held' returning id, version",
        appointment,
    )


def reschedule(crowd: Crowd, connection: Connection, chance: random.Random) -> Iterable[Any]:
    """The front desk moves a visit, often to somebody else."""
    return ask(
        connection,
        FRONT_DESK,
        "select id, version from public.reschedule_appointment(%s, %s, %s)",
        crowd.visit(chance),
        crowd.start(chance),
        chance.choice([_provider(chance), None]),
    )


def cancel(crowd: Crowd, connection: Connection, chance: random.Random) -> Iterable[Any]:
    """The front desk calls a visit off."""
    return ask(
        connection,
        FRONT_DESK,
        "select id, version from public.cancel_appointment(%s)",
        crowd.visit(chance),
    )


def change_status(crowd: Crowd, connection: Connection, chance: random.Random) -> Iterable[Any]:
    """The front desk notes that somebody came, or did not, or did after all."""
    return ask(
        connection,
        FRONT_DESK,
        "select id, version from public.change_appointment_status(%s, %s)",
        crowd.visit(chance),
        chance.choices(["arrived", "noshow", "booked", "fulfilled"], weights=[4, 4, 4, 1])[0],
    )


def series(crowd: Crowd, connection: Connection, chance: random.Random) -> Iterable[Any]:
    """A patient books three days running: all of them, or what is free."""
    return ask(
        connection,
        1 + chance.randrange(PEOPLE),
        "select visit.id, visit.version from public.book_series(%s, %s, 'FREQ=DAILY;COUNT=3', %s,"
        " mode => %s::public.series_mode) as made"
        " join public.appointments as visit on visit.id = made.appointment_id",
        _service(chance),
        crowd.start(chance),
        _provider(chance),
        chance.choice(["all_or_nothing", "free_ones"]),
    )


def end_series(crowd: Crowd, connection: Connection, chance: random.Random) -> Iterable[Any]:
    """The front desk calls off what is left of a series."""
    return ask(
        connection,
        FRONT_DESK,
        "select ended.id, ended.version from (select series_id from public.appointments"
        " where series_id is not null and status = 'booked' order by id offset %s limit 1)"
        " as found, public.cancel_series(found.series_id) as ended",
        chance.randrange(20),
    )


def together(crowd: Crowd, connection: Connection, chance: random.Random) -> Iterable[Any]:
    """A patient books two visits, one right after the other; whoever gives them."""
    visits = [
        {"service_id": str(_service(chance)), "starts_at": crowd.start(chance).isoformat()},
        {"service_id": str(_service(chance))},
    ]
    return ask(
        connection,
        1 + chance.randrange(PEOPLE),
        "select id, version from public.book_together(%s::jsonb)",
        json.dumps(visits),
    )


def change_hours(crowd: Crowd, connection: Connection, chance: random.Random) -> Iterable[Any]:
    """A provider is away for an hour, or is not after all: typed into the table editor."""
    day = crowd.today + timedelta(days=2 + chance.randrange(crowd.days))
    # Rather ended than begun, so that in a million deeds the clinic does not close bit by bit.
    if chance.random() < 0.45:
        ask(
            connection,
            None,
            "insert into public.availability_exceptions"
            " (provider_id, starts_on, opens, closes) values (%s, %s, %s, %s) returning id",
            _provider(chance),
            day.date(),
            (hour := time(9 + chance.randrange(8))),
            time(hour.hour + 1),
        )
    else:
        ask(
            connection,
            None,
            "delete from public.availability_exceptions where id ="
            " (select id from public.availability_exceptions order by id limit 1"
            " for update skip locked) returning id",
        )
    return []


def insert(crowd: Crowd, connection: Connection, chance: random.Random) -> Iterable[Any]:
    """A row typed into the table editor, now and then of a visit that was."""
    long_ago = timedelta(days=chance.choice([0, 0, crowd.days + 7]))
    return ask(
        connection,
        None,
        "insert into public.appointments (service_id, provider_id, patient_id, starts_at)"
        " values (%s, %s, %s, %s) returning id, version",
        _service(chance),
        _provider(chance),
        named(f"patient{1 + chance.randrange(PEOPLE)}"),
        crowd.start(chance) - long_ago,
    )


def update(crowd: Crowd, connection: Connection, chance: random.Random) -> Iterable[Any]:
    """A visit moved in the table editor."""
    return ask(
        connection,
        None,
        "update public.appointments set starts_at = %s, provider_id = %s where id = %s"
        " returning id, version",
        crowd.start(chance),
        _provider(chance),
        crowd.visit(chance),
    )


def shift(crowd: Crowd, connection: Connection, chance: random.Random) -> Iterable[Any]:
    """A provider's whole day is put back by a quarter of an hour in the SQL editor."""
    day = crowd.today + timedelta(days=2 + chance.randrange(crowd.days))
    return ask(
        connection,
        None,
        # In the order of ids, as two such statements would otherwise wait for each other's rows.
        "with chosen as (select id from public.appointments where provider_id = %s"
        " and status = 'booked' and starts_at between %s and %s order by id for no key update)"
        " update public.appointments set starts_at = starts_at + interval '15 minutes'"
        " where id in (select id from chosen) returning id, version",
        _provider(chance),
        day,
        day + timedelta(days=1),
    )


def strike(crowd: Crowd, connection: Connection, chance: random.Random) -> Iterable[Any]:
    """What a provider's day shows never was: struck out in the SQL editor, free again."""
    day = crowd.today + timedelta(days=2 + chance.randrange(crowd.days))
    ask(
        connection,
        None,
        "with chosen as (select id from public.appointments where provider_id = %s"
        " and status in ('booked', 'arrived', 'fulfilled') and starts_at between %s and %s"
        " order by id for no key update)"
        " update public.appointments set status = 'entered_in_error'"
        " where id in (select id from chosen) returning id",
        _provider(chance),
        day,
        day + timedelta(days=1),
    )
    return []


def delete(crowd: Crowd, connection: Connection, chance: random.Random) -> Iterable[Any]:
    """A row removed in the table editor; who was promised a visit must be told first."""
    ask(
        connection,
        None,
        "delete from public.appointments where id = %s and status in ('cancelled', 'noshow')"
        " returning id",
        crowd.visit(chance),
    )
    return []


Deed = Callable[[Crowd, Connection, random.Random], Iterable[Any]]
WEIGHTED: list[tuple[int, Deed]] = [
    (10, book),
    (5, book_for),
    (3, hold),
    (2, confirm),
    (1, let_hold_lapse),
    (5, reschedule),
    (6, cancel),
    (3, change_status),
    (1, series),
    (1, end_series),
    (1, together),
    (1, change_hours),
    (4, insert),
    (2, update),
    (1, shift),
    (1, strike),
    (1, delete),
]
DEEDS: list[Deed] = [deed for _, deed in WEIGHTED]


def _service(chance: random.Random) -> UUID:
    return named(chance.choice(["talk", "exam", "exam", "scan", "pair"]))


def _provider(chance: random.Random) -> UUID:
    return named(f"provider{1 + chance.randrange(PROVIDERS)}")


def overlaps(connection: Connection) -> list[Any]:
    """Pairs of visits that share a provider, a patient or the scanner at one time, and moments with
    more visits in rooms than there are rooms: found in the appointments, without asking the ledger.
    """
    return connection.execute(
        """
        with kept as (
          select id, provider_id, patient_id, service_id, tstzrange(starts_at, ends_at) as visit,
            tstzrange(starts_at - buffer_before_minutes * interval '1 minute',
              ends_at + buffer_after_minutes * interval '1 minute') as kept
          from public.appointments
          where status in ('held', 'pending', 'booked', 'arrived', 'fulfilled')
        )
        select a.id, b.id from kept a join kept b on a.id < b.id
        where a.provider_id = b.provider_id and a.kept && b.kept
          or a.patient_id = b.patient_id and a.visit && b.visit
          or a.service_id = b.service_id and a.service_id = %(scan)s and a.kept && b.kept
        union all
        select a.id, null from kept a
        where a.service_id <> %(talk)s and (
          select sum(case b.service_id when %(pair)s then 2 else 1 end) from kept b
          where b.service_id <> %(talk)s and lower(a.kept) <@ b.kept
        ) > %(rooms)s
        """,
        {"scan": named("scan"), "talk": named("talk"), "pair": named("pair"), "rooms": ROOMS},
    ).fetchall()


def disagreements(connection: Connection) -> list[Any]:
    """Visits whose reservations are not exactly provider, patient and what the service needs, for
    exactly the time they keep; and reservations of visits that keep none.
    """
    return connection.execute(
        """
        with visits as (
          select *, status in ('held', 'pending', 'booked', 'arrived', 'fulfilled') as keeps,
            tstzrange(starts_at, ends_at) as visit,
            tstzrange(starts_at - buffer_before_minutes * interval '1 minute',
              ends_at + buffer_after_minutes * interval '1 minute') as kept
          from public.appointments
        ), ledger as (
          select visits.id,
            count(*) filter (where resource_id = provider_id and during = kept) as providers,
            count(*) filter (where resource_id = patient_id and during = visit) as patients,
            count(distinct resource_id) filter (where during = kept and resource_id in (
              select id from public.resources where kind = 'room')) as rooms,
            count(*) filter (where during = kept and resource_id in (
              select id from public.resources where kind = 'equipment')) as equipment,
            count(resource_id) as whole
          from visits left join private.reservations on appointment_id = visits.id
          group by visits.id
        )
        select visits.id, ledger.*
        from visits join ledger using (id)
        where case
          when not keeps then whole > 0
          else (providers, patients, rooms, equipment, whole) is distinct from (
            1, 1, (service_id <> %(talk)s)::int + (service_id = %(pair)s)::int,
            (service_id = %(scan)s)::int,
            2 + (service_id <> %(talk)s)::int + (service_id = %(pair)s)::int
              + (service_id = %(scan)s)::int)
        end
        """,
        {"scan": named("scan"), "talk": named("talk"), "pair": named("pair")},
    ).fetchall()
