"""A clinic as simple as it can be said: what is booked, and every reason why a wish is refused.

Times are whole minutes after midnight of the first day; what is negative is over. The model gives
all reasons that hold, since the order in which they are found is nobody's business; no reason means
that it must succeed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from uuid import UUID

DAY = 24 * 60
DAYS = 2
KEEPING = {"held", "pending", "booked", "arrived", "fulfilled"}
# What the front desk may do to a visit, from the table in docs/appointment_states.md.
MOVES = {
    "held": {"pending", "booked", "cancelled"},
    "pending": {"booked", "cancelled", "entered_in_error"},
    "booked": {"arrived", "fulfilled", "noshow", "cancelled", "entered_in_error"},
    "arrived": {"booked", "fulfilled", "cancelled", "entered_in_error"},
    "noshow": {"booked", "arrived"},
}

Window = tuple[int, int]


@dataclass(frozen=True)
class Service:
    """A kind of visit, and how many rooms it needs at once."""

    id: UUID
    minutes: int
    step: int
    before: int
    after: int
    rooms: int
    # The clinic approves what patients book or move.
    approved: bool = False

    @property
    def when_asked_for(self) -> str:
        """The status of what a patient books."""
        return "pending" if self.approved else "booked"


@dataclass
class Visit:
    """One row."""

    provider: UUID
    patient: UUID
    service: Service
    starts: int
    status: str = "booked"
    overbooked: bool = False
    # A hold whose time is over: in nobody's way, whether somebody has tidied it up or not.
    lapsed: bool = False
    # The rooms it has, as long as it keeps its time.
    rooms: frozenset[UUID] = frozenset()

    @property
    def ends(self) -> int:
        return self.starts + self.service.minutes

    @property
    def has_begun(self) -> bool:
        return self.starts < 0

    @property
    def keeps_time(self) -> bool:
        return self.status in KEEPING and not self.lapsed

    @property
    def kept(self) -> Window:
        """Minutes in which provider and room are kept; an overbooked visit is squeezed in."""
        if self.overbooked:
            return self.starts, self.ends
        return self.starts - self.service.before, self.ends + self.service.after


@dataclass
class Clinic:
    """Everything the clinic knows."""

    most_holds: int
    # In the order in which they are given away.
    rooms: list[UUID] = field(default_factory=list)
    hours: dict[UUID, list[Window]] = field(default_factory=dict)
    visits: dict[UUID, Visit] = field(default_factory=dict)

    def offered(self, service: Service, provider: UUID) -> set[int]:
        """Starts of that service within the hours, whatever is booked."""
        return {
            starts
            for day in range(DAYS)
            for opens, closes in self.hours[provider]
            for starts in range(day * DAY + opens, day * DAY + closes, service.step)
            if self.is_open(provider, starts, starts + service.minutes)
        }

    def is_open(self, provider: UUID, starts: int, ends: int) -> bool:
        """Whether the provider is there all the time; windows that touch are one."""
        return all(
            any(opens <= minute % DAY < closes for opens, closes in self.hours[provider])
            for minute in range(starts, ends)
        )

    def open_slots(self, service: Service, provider: UUID | None) -> set[tuple[int, UUID]]:
        """What can be booked now, by anybody who is free themselves."""
        return {
            (starts, one)
            for one in ([provider] if provider else self.hours)
            for starts in self.offered(service, one)
            if not self._taken(Visit(one, one, service, starts))
        }

    def against_booking(self, wish: Visit, replaced: UUID | None = None) -> set[str]:
        """Why the wish is refused. `replaced`: the visit that would move; it is not in its way."""
        reasons = set()
        if not wish.overbooked and wish.starts not in self.offered(wish.service, wish.provider):
            reasons.add("outside_availability")
        if self._taken(wish, replaced):
            reasons.add("slot_taken")
        if self._patient_is_busy(wish, replaced):
            reasons.add("patient_already_booked")
        return reasons

    def against_note(self, wish: Visit) -> set[str]:
        """Why the wish cannot be typed into the dashboard: at any minute within the hours."""
        reasons = self.against_booking(wish) - {"outside_availability"}
        if not self.is_open(wish.provider, wish.starts, wish.ends):
            reasons.add("outside_availability")
        return reasons

    def against_anybody(self, wish: Visit) -> tuple[set[UUID], set[str]]:
        """Who could give the visit, if no provider is named; else why nobody can."""
        giving = {one for one in self.hours if wish.starts in self.offered(wish.service, one)}
        free = {
            one
            for one in giving
            if not self._taken(Visit(one, wish.patient, wish.service, wish.starts))
        }
        if not giving:
            return set(), {"outside_availability"}
        reasons = {"patient_already_booked"} if self._patient_is_busy(wish) else set()
        return free, reasons if free else reasons | {"slot_taken"}

    def against_hold(self, patient: UUID) -> set[str]:
        """The clinic lets a patient keep so many slots and no more."""
        held = sum(
            visit.status == "held" and not visit.lapsed and visit.patient == patient
            for visit in self.visits.values()
        )
        return {"limit_reached"} if held >= self.most_holds else set()

    def against_status(self, visit_id: UUID, status: str) -> set[str]:
        """Why the front desk cannot bring that status about."""
        visit = self.visits[visit_id]
        if visit.lapsed:
            refusals = {"hold_expired", "illegal_transition", "not_allowed"}
            return set() if status == "cancelled" else refusals
        if status not in MOVES.get(visit.status, set()):
            return {"illegal_transition", "not_allowed"}
        if status in {"fulfilled", "noshow"} and not visit.has_begun:
            return {"illegal_transition"}
        if status in KEEPING and not visit.keeps_time:
            # It takes its time again; the grid does not matter any more, the hours do.
            reasons = self.against_booking(visit, visit_id) - {"outside_availability"}
            if not visit.overbooked and not self.is_open(visit.provider, visit.starts, visit.ends):
                reasons.add("outside_availability")
            return reasons
        return set()

    def settle(self, visit_id: UUID, becomes: Visit) -> None:
        """What was carried out; a visit that takes its time anew gets the first free rooms."""
        was = self.visits.get(visit_id)
        if becomes.keeps_time and (
            was is None
            or not was.keeps_time
            or (was.provider, was.kept) != (becomes.provider, becomes.kept)
        ):
            free = self.free_rooms(becomes, visit_id)
            becomes = replace(becomes, rooms=frozenset(free[: becomes.service.rooms]))
        self.visits[visit_id] = becomes

    def free_rooms(self, wish: Visit, replaced: UUID | None = None) -> list[UUID]:
        """The rooms that nobody else has during the visit."""
        taken = {
            room
            for other_id, other in self.visits.items()
            if other_id != replaced and other.keeps_time and _overlap(wish.kept, other.kept)
            for room in other.rooms
        }
        return [room for room in self.rooms if room not in taken]

    def _taken(self, wish: Visit, replaced: UUID | None = None) -> bool:
        return (
            any(
                _overlap(wish.kept, other.kept)
                for other_id, other in self.visits.items()
                if other_id != replaced and other.keeps_time and other.provider == wish.provider
            )
            or len(self.free_rooms(wish, replaced)) < wish.service.rooms
        )

    def _patient_is_busy(self, wish: Visit, replaced: UUID | None = None) -> bool:
        return any(
            other.patient == wish.patient
            and _overlap((wish.starts, wish.ends), (other.starts, other.ends))
            for other_id, other in self.visits.items()
            if other_id != replaced and other.keeps_time
        )


def _overlap(one: Window, other: Window) -> bool:
    return one[0] < other[1] and other[0] < one[1]
