"""What a worker process can do, by name, and which rounds each role makes.

Any number of processes may have any roles: the database decides who does what.
"""

from __future__ import annotations

from collections.abc import Collection

from supabase import AsyncClient

from appoint.settings import Settings
from workers.agendas import PLAN_EVERY as AGENDAS_EVERY
from workers.agendas import Agendas
from workers.calendar_import import LOOK_EVERY as CALENDARS_EVERY
from workers.calendar_import import CalendarImport, allowed_addresses
from workers.erased_log_ins import LOOK_EVERY as ERASED_LOG_INS_EVERY
from workers.erased_log_ins import ErasedLogIns
from workers.history import SEAL_EVERY, History
from workers.holds import Holds
from workers.imports import Imports
from workers.old_accesses import PRUNE_EVERY, OldAccesses
from workers.reminders import PLAN_EVERY as REMINDERS_EVERY
from workers.reminders import Reminders
from workers.rounds import Rounds
from workers.tidying import TIDY_EVERY, Tidying
from workers.vital_signs import VitalSigns
from workers.waitlist import Waitlist

NOTIFIER = "notifier"
ROLES = (NOTIFIER, "agendas", "reminders", "waitlist", "imports", "calendars", "housekeeping")


class UnknownRoleError(ValueError):
    """There is no role of that name."""


def chosen_roles(only: str | None) -> frozenset[str]:
    """The roles in a list with commas between; all of them for None. Raises UnknownRoleError."""
    if only is None:
        return frozenset(ROLES)
    chosen = frozenset(name.strip() for name in only.split(",") if name.strip())
    if not chosen or not chosen <= frozenset(ROLES):
        unknown = ", ".join(sorted(chosen - frozenset(ROLES))) or "none given"
        raise UnknownRoleError(f"no such role: {unknown} (there are {', '.join(ROLES)})")
    return chosen


def rounds_of(
    roles: Collection[str], client: AsyncClient, settings: Settings, signs: VitalSigns
) -> list[Rounds]:
    """The rounds of these roles; the notifier, which is more than a round, is not among them."""
    sweep = settings.appoint_worker_sweep_seconds
    looks = {
        "agendas": [("agendas", Agendas(client).look, AGENDAS_EVERY)],
        "reminders": [("reminders", Reminders(client).look, REMINDERS_EVERY)],
        "waitlist": [("waitlist", Waitlist(client).look, sweep)],
        "imports": [("imports", Imports(client).look, sweep)],
        "calendars": [
            (
                "calendars",
                CalendarImport(client, allowed_addresses(settings)).look,
                CALENDARS_EVERY,
            )
        ],
        "housekeeping": [
            ("holds", Holds(client).look, sweep),
            ("history", History(client).look, SEAL_EVERY),
            ("erased_log_ins", ErasedLogIns(client).look, ERASED_LOG_INS_EVERY),
            ("old_accesses", OldAccesses(client).look, PRUNE_EVERY),
            ("tidying", Tidying(client).look, TIDY_EVERY),
        ],
    }
    return [
        Rounds(name, look, every, signs)
        for role, of_role in looks.items()
        if role in roles
        for name, look, every in of_role
    ]
