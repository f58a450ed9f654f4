"""The `data` of a postgres_changes event: JSON text, composed of values that are JSON already."""

from __future__ import annotations

from typing import Any

from stack.realtime.changed_rows import ChangedRow
from stack.realtime.frames import dumps

KEPT_WHEN_TOO_LARGE = 64


def event_data(row: ChangedRow, role: str, select: frozenset[str] | None) -> str:
    """The event's `data` as JSON text, limited to the columns this role may see and wants."""
    shown = [
        column
        for column in row.columns
        if role in column.readers and (select is None or column.name in select or column.is_key)
    ]
    record = {one.name: one.new if one.new is not None else one.old for one in shown}
    old = {one.name: one.old for one in shown}
    if row.change.kind == "DELETE" and row.has_row_security:
        old = {one.name: one.old for one in shown if one.is_key}
    committed_at = row.change.committed_at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    fields: dict[str, Any] = {
        "schema": dumps(row.change.relation.schema),
        "table": dumps(row.change.relation.table),
        "type": dumps(row.change.kind),
        "commit_timestamp": dumps(committed_at),
        "columns": dumps([{"name": one.name, "type": one.type_name} for one in shown]),
        "errors": dumps(["Error 413: Payload Too Large"]) if row.is_too_large else "null",
    }
    if row.change.kind != "DELETE":
        fields["record"] = _object(record, row.is_too_large)
    if row.change.kind != "INSERT":
        fields["old_record"] = _object(old, row.is_too_large)
    return _object(fields)


def error_data(row: ChangedRow, error: str) -> str:
    data: dict[str, Any] = {
        "schema": row.change.relation.schema,
        "table": row.change.relation.table,
        "type": row.change.kind,
        "commit_timestamp": None,
        "columns": [],
        "record": {},
        "errors": [error],
    }
    return dumps(data | ({"old_record": {}} if row.change.kind == "UPDATE" else {}))


def _object(fields: dict[str, str | None], only_small: bool = False) -> str:
    """A JSON object of fields that are JSON text already."""
    kept = [
        f"{dumps(name)}:{value}"
        for name, value in fields.items()
        if value is not None and not (only_small and len(value) > KEPT_WHEN_TOO_LARGE)
    ]
    return "{" + ",".join(kept) + "}"
