"""What the database may refuse, as exceptions.

    AppointError
    ├── NotSignedIn             not_signed_in          401
    ├── NotAllowed              not_allowed            403
    ├── NotFound                not_found              404
    ├── Conflict                                       409
    │   ├── SlotTaken               slot_taken
    │   ├── PatientAlreadyBooked    patient_already_booked
    │   ├── StaleVersion            stale_version
    │   ├── IllegalTransition       illegal_transition
    │   ├── RequestIdReused         request_id_reused
    │   ├── LastOwner               last_owner
    │   ├── SlugInUse               slug_in_use
    │   └── VisitsOutsideHours      visits_outside_hours
    ├── HoldExpired             hold_expired           410
    ├── LinkExpired             link_expired           410
    ├── Refused                                        422
    │   ├── OutsideAvailability     outside_availability
    │   ├── TooSoon                 too_soon
    │   ├── TooFarAhead             too_far_ahead
    │   ├── TooLateToCancel         too_late_to_cancel
    │   ├── LimitReached            limit_reached
    │   ├── InvalidTime             invalid_time
    │   ├── InvalidInput            invalid_input
    │   └── NewPatientsOnly         new_patients_only
    ├── NotDurable              not_durable            503
    └── Unexpected              unexpected             500

`from_api_error` is the one place where an answer of PostgREST becomes one of these. The keys are
the database's (`private.error_keys`), `docs/errors.md` lists them, and a test holds the three
together.
"""

from __future__ import annotations

from typing import ClassVar

from postgrest import APIError


class AppointError(Exception):
    """Something was refused. `key` is for programs, `hint` is a sentence for people."""

    key: ClassVar[str]
    status: ClassVar[int]

    def __init__(self, hint: str | None = None) -> None:
        super().__init__(self.key)
        self.hint = hint


class NotSignedIn(AppointError):
    """The call needs a signed-in user."""

    key = "not_signed_in"
    status = 401


class NotAllowed(AppointError):
    """The caller may not do this."""

    key = "not_allowed"
    status = 403


class NotFound(AppointError):
    """It does not exist, or the caller may not see it."""

    key = "not_found"
    status = 404


class Conflict(AppointError):
    """What is there already does not let this happen."""

    status = 409


class SlotTaken(Conflict):
    """Provider, room or equipment is reserved at that time."""

    key = "slot_taken"


class PatientAlreadyBooked(Conflict):
    """The patient has another appointment at that time."""

    key = "patient_already_booked"


class StaleVersion(Conflict):
    """The appointment is no longer the version the caller saw."""

    key = "stale_version"


class IllegalTransition(Conflict):
    """The appointment's status does not allow this."""

    key = "illegal_transition"


class RequestIdReused(Conflict):
    """The request id was used before, with other arguments."""

    key = "request_id_reused"


class LastOwner(Conflict):
    """The clinic would be left without an active owner."""

    key = "last_owner"


class SlugInUse(Conflict):
    """Another clinic has that slug."""

    key = "slug_in_use"


class VisitsOutsideHours(Conflict):
    """A change of hours would leave booked visits outside."""

    key = "visits_outside_hours"


class HoldExpired(AppointError):
    """The hold is over."""

    key = "hold_expired"
    status = 410


class LinkExpired(AppointError):
    """The link in the mail is over."""

    key = "link_expired"
    status = 410


class Refused(AppointError):
    """The request is understood and cannot be met as it is."""

    status = 422


class OutsideAvailability(Refused):
    """The time is not one that is offered."""

    key = "outside_availability"


class TooSoon(Refused):
    """The time is over, or nearer than the service's notice."""

    key = "too_soon"


class TooFarAhead(Refused):
    """The time is beyond the service's horizon."""

    key = "too_far_ahead"


class TooLateToCancel(Refused):
    """The visit is nearer than the service's notice for changes by patients."""

    key = "too_late_to_cancel"


class LimitReached(Refused):
    """More than can be done at once."""

    key = "limit_reached"


class InvalidTime(Refused):
    """Not a usable time or range of time."""

    key = "invalid_time"


class InvalidInput(Refused):
    """Something is missing or does not fit."""

    key = "invalid_input"


class NewPatientsOnly(Refused):
    """The service is for people the clinic has not seen before."""

    key = "new_patients_only"


class NotDurable(AppointError):
    """The database could lose what it confirms, so it confirms nothing."""

    key = "not_durable"
    status = 503


class Unexpected(AppointError):
    """An answer without a key of ours; `code` is what the database or PostgREST called it."""

    key = "unexpected"
    status = 500

    def __init__(self, code: str) -> None:
        super().__init__()
        self.code = code


ERRORS: dict[str, type[AppointError]] = {
    error.key: error
    for error in (
        NotSignedIn,
        NotAllowed,
        NotFound,
        SlotTaken,
        PatientAlreadyBooked,
        StaleVersion,
        IllegalTransition,
        RequestIdReused,
        LastOwner,
        SlugInUse,
        VisitsOutsideHours,
        HoldExpired,
        LinkExpired,
        OutsideAvailability,
        TooSoon,
        TooFarAhead,
        TooLateToCancel,
        LimitReached,
        InvalidTime,
        InvalidInput,
        NewPatientsOnly,
        NotDurable,
    )
}


# PostgreSQL's and PostgREST's own codes that say the same as one of our keys.
_FOREIGN_CODES: dict[str, type[AppointError]] = {
    "42501": NotAllowed,  # insufficient privilege, or row security refused a write
    "PGRST116": NotFound,  # one row was asked for, none is visible
    "PGRST301": NotSignedIn,  # the token is not valid
    "PGRST303": NotSignedIn,  # the token's claims are not valid, e.g. it has expired
    "22P02": InvalidInput,  # not a UUID, not a number
    "22007": InvalidTime,
    "22008": InvalidTime,
    "23502": InvalidInput,
    "23514": InvalidInput,
}


def from_api_error(error: APIError) -> AppointError:
    """The exception for an answer of PostgREST; carries nothing of it but key, code and hint.

    Messages of PostgreSQL's own errors quote what was written, so they are dropped.
    """
    code = str(error.code or "")
    if code.startswith("PT") and error.message in ERRORS:
        return ERRORS[error.message](error.hint)
    if code in _FOREIGN_CODES:
        return _FOREIGN_CODES[code]()
    return Unexpected(code)
