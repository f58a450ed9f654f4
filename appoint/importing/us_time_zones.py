"""The IANA time zone of a state of the United States.

Where a state has several zones, this is the one most of its people live in; a location's zone can
be corrected afterwards like any other of its facts.
"""

from __future__ import annotations

_STATES_BY_ZONE = {
    "America/New_York": "CT DC DE FL GA MA MD ME MI NC NH NJ NY OH PA RI SC VA VT WV",
    "America/Indiana/Indianapolis": "IN",
    "America/Kentucky/Louisville": "KY",
    "America/Chicago": "AL AR IA IL KS LA MN MO MS ND NE OK SD TN TX WI",
    "America/Denver": "CO MT NM UT WY",
    "America/Boise": "ID",
    "America/Phoenix": "AZ",
    "America/Los_Angeles": "CA NV OR WA",
    "America/Anchorage": "AK",
    "Pacific/Honolulu": "HI",
    "America/Puerto_Rico": "PR VI",
    "Pacific/Guam": "GU MP",
    "Pacific/Pago_Pago": "AS",
}
_ZONE_OF = {state: zone for zone, states in _STATES_BY_ZONE.items() for state in states.split()}


def time_zone_of(state: str, otherwise: str) -> str:
    """The zone of a two-letter state code in any case; `otherwise` for anything else."""
    return _ZONE_OF.get(state.strip().upper(), otherwise)
