"""The rows that people try to read, add, change and remove: what stands in each table already, and
what a proper new row of each would be.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from psycopg import sql

from tests.access.arguments import UNKNOWN
from tests.access.catalogue import Relation
from tests.access.world import World
from tests.people import Connection, at

Body = dict[str, Any]

# Values that only these columns may be changed to.
CHANGES: dict[str, Body] = {"staff_invitations": {"status": "revoked"}}


@dataclass(frozen=True)
class Standing:
    """A relation's rows in one clinic: how many, one of them, and how to ask for that one."""

    total: int
    row: Body
    key: dict[str, str]


def clinic_column(relation: Relation) -> str:
    """The column that says whose row it is."""
    return "id" if relation.name == "clinics" else "clinic_id"


def standing(connection: Connection, relation: Relation, world: World) -> Standing:
    """What the clinic has there. The row is the patient's where rows are of patients."""
    name = sql.Identifier(relation.schema, relation.name)
    clinic = sql.Identifier(clinic_column(relation))
    rows = [
        row
        for (row,) in connection.execute(
            sql.SQL("select to_jsonb(one) from {} as one where {} = %s").format(name, clinic),
            [world.clinic],
        )
    ]
    assert rows, f"nobody put a row into {relation.name}"
    chosen = [str(value) for value in world.ids.values()]
    rows.sort(key=lambda row: _rank(row, world, chosen))
    columns = relation.key or (clinic_column(relation),)
    return Standing(len(rows), rows[0], {column: str(rows[0][column]) for column in columns})


def _rank(row: Body, world: World, chosen: list[str]) -> tuple[int, bool, str]:
    """The world's own first, then the patient's, then any."""
    own = str(row.get("id"))
    mine = str(row.get("patient_id", row.get("recipient_id"))) == str(world.patient)
    return chosen.index(own) if own in chosen else len(chosen), not mine, json.dumps(row)


def unknown_key(relation: Relation, known: Standing) -> dict[str, str]:
    """A key that no row has."""
    return {
        column: str(UNKNOWN) if len(value) == len(str(UNKNOWN)) else "2000000000"
        for column, value in known.key.items()
    }


def change(connection: Connection, relation: Relation, known: Standing) -> Body:
    """The smallest change of a row: a column to what it is, one that people may write if any is."""
    if relation.name in CHANGES:
        return CHANGES[relation.name]
    for role in ("authenticated", "service_role"):
        for column in relation.columns:
            if _may_update(connection, relation, column, role):
                return {column: known.row[column]}
    return {relation.columns[0]: known.row[relation.columns[0]]}


def _may_update(connection: Connection, relation: Relation, column: str, role: str) -> bool:
    row = connection.execute(
        "select has_column_privilege(%s, %s, %s, 'update')",
        [role, f"{relation.schema}.{relation.name}", column],
    ).fetchone()
    return bool(row and row[0])


def addition(table: str, world: World) -> Body:
    """A proper new row for that clinic; for tables that nobody adds to, just its clinic."""
    ids = {name: str(value) for name, value in world.ids.items()}
    clinic = {"clinic_id": ids["clinic_id"]}
    starts_at = at(1, days=60)
    additions: dict[str, Body] = {
        "clinics": {"slug": "another-clinic", "name": "Another", "time_zone": "UTC"},
        "locations": clinic | {"name": "Side Street", "time_zone": "UTC"},
        "members": clinic | {"user_id": str(world.user), "role": "provider"},
        "patients": clinic | {"full_name": "New Patient"},
        "providers": clinic | {"full_name": "Dr. New"},
        "services": clinic | {"name": "New visit", "duration_minutes": 30},
        "provider_services": clinic
        | {"provider_id": ids["provider_id"], "service_id": ids["spare_service_id"]},
        "resources": clinic
        | {"location_id": ids["location_id"], "kind": "room", "name": "New room"},
        "service_needs": clinic
        | {"service_id": ids["service_id"], "kind": "room", "resource_id": ids["resource_id"]},
        "weekly_hours": clinic
        | {
            "provider_id": ids["provider_id"], "location_id": ids["location_id"], "weekday": 1,
            "opens": "09:00", "closes": "10:00", "valid_from": "2001-01-01",
            "valid_until": "2001-02-01",
        },
        "availability_exceptions": clinic
        | {
            "provider_id": ids["provider_id"], "starts_on": "2040-01-02", "ends_on": "2040-01-02",
        },
        "group_sessions": {
            "service_id": ids["group_id"], "provider_id": ids["provider_id"],
            "location_id": ids["location_id"], "starts_at": starts_at.isoformat(),
            "ends_at": (starts_at + timedelta(minutes=30)).isoformat(), "capacity": 3,
        },
        "notification_preferences": clinic | {"patient_id": ids["patient_id"], "language": "fr"},
    }  # fmt: skip
    return additions.get(table, clinic)
