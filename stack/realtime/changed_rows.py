"""The row a change is about: what the log says of it, as JSON, and what the catalogue says of its
table and of who may select which column.
"""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import AsyncConnection

from stack.realtime.pgoutput import UNCHANGED, RowChange, Value

MAX_RECORD_BYTES = 1024 * 1024

Values = dict[str, str | None]


@dataclass(frozen=True)
class ColumnState:
    """A column of the changed row: JSON text before and after, None where the log has none."""

    name: str
    type_name: str
    is_key: bool
    readers: frozenset[str]
    new: str | None
    old: str | None


@dataclass(frozen=True)
class ChangedRow:
    """A change with what the catalogue says about its table now."""

    change: RowChange
    new: Values
    old: Values
    has_row_security: bool
    columns: tuple[ColumnState, ...]

    @property
    def key(self) -> list[ColumnState]:
        return [column for column in self.columns if column.is_key]

    @property
    def is_too_large(self) -> bool:
        values = [*self.new.values(), *self.old.values()]
        return sum(len(value) for value in values if value) > MAX_RECORD_BYTES


async def look_up(
    connection: AsyncConnection, change: RowChange, roles: set[str]
) -> ChangedRow | None:
    """The changed row as JSON, and who may select which column; None if the table is gone."""
    new, old = _logged(change.new), _logged(change.old)
    if change.kind == "UPDATE" and change.old is None:
        identity = {one.name for one in change.relation.columns if one.in_identity}
        old = {name: value for name, value in new.items() if name in identity}
    rows = await connection.execute(
        """
        select attname, typname, coalesce(attnum = any (conkey), false), relrowsecurity,
          array(
            select rolname from pg_roles
            where rolname = any (%(roles)s)
              and has_column_privilege(pg_roles.oid, attrelid, attnum, 'select')
          ),
          case when new.name is not null then realtime.cast(new.val, atttypid)::text end,
          case when old.name is not null then realtime.cast(old.val, atttypid)::text end
        from pg_attribute
        join pg_class on pg_class.oid = attrelid
        join pg_type on pg_type.oid = atttypid
        left join pg_constraint on conrelid = attrelid and contype = 'p'
        left join unnest(%(new)s::text[], %(new_values)s::text[]) as new (name, val)
          on new.name = attname
        left join unnest(%(old)s::text[], %(old_values)s::text[]) as old (name, val)
          on old.name = attname
        where attrelid = %(table)s and attnum > 0 and not attisdropped
        order by attnum
        """,
        {
            "table": change.relation.oid,
            "roles": list(roles),
            "new": list(new),
            "new_values": list(new.values()),
            "old": list(old),
            "old_values": list(old.values()),
        },
    )
    found = await rows.fetchall()
    if not found:
        return None
    columns = tuple(
        ColumnState(name, type_name, is_key, frozenset(readers), new_json, old_json)
        for name, type_name, is_key, _, readers, new_json, old_json in found
    )
    return ChangedRow(change, new, old, found[0][3], columns)


def _logged(values: dict[str, Value] | None) -> Values:
    return {name: value for name, value in (values or {}).items() if value is not UNCHANGED}


def access_error(row: ChangedRow, role: str) -> str | None:
    """Why a role gets an error in the place of this change."""
    if row.change.kind == "DELETE":
        return None
    if not row.key:
        return "Error 400: Bad Request, no primary key"
    if any(role not in column.readers for column in row.key):
        return "Error 401: Unauthorized"
    return None
