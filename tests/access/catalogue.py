"""What the database shows to HTTP, read from its catalogue: nobody keeps this list by hand."""

from __future__ import annotations

from dataclasses import dataclass

from tests.people import Connection

EXPOSED = ("public", "worker")


@dataclass(frozen=True)
class Relation:
    """A table or view. `key` are the columns that name one row."""

    schema: str
    name: str
    is_view: bool
    columns: tuple[str, ...]
    key: tuple[str, ...]


@dataclass(frozen=True)
class Function:
    """A function with its parameters as (name, type), those without a default first."""

    schema: str
    name: str
    required: tuple[tuple[str, str], ...]
    optional: tuple[tuple[str, str], ...]

    @property
    def title(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def parameters(self) -> tuple[tuple[str, str], ...]:
        return self.required + self.optional


RELATIONS = """
    select nspname, relname, relkind in ('v', 'm'),
      array_agg(attname::text order by attnum) filter (where attgenerated = ''),
      coalesce((
        select array_agg(attname::text order by attnum)
        from pg_index join pg_attribute on attrelid = indrelid and attnum = any (indkey)
        where indrelid = pg_class.oid and indisprimary
      ), '{}')
    from pg_class
    join pg_namespace on pg_namespace.oid = relnamespace
    join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped
    where nspname = any (%s) and relkind in ('r', 'p', 'v', 'm', 'f')
    group by nspname, relname, relkind, pg_class.oid
    order by relkind, relname
"""

FUNCTIONS = """
    select nspname, proname, pronargdefaults,
      coalesce(proargnames[:pronargs], '{}'),
      array(select format_type(oid, null)
            from unnest(proargtypes) with ordinality as given (oid, place) order by place)
    from pg_proc join pg_namespace on pg_namespace.oid = pronamespace
    where nspname = any (%s) and prokind = 'f' and prorettype <> 'trigger'::regtype
    order by nspname, proname
"""


TEXT_COLUMNS = """
    select relname, attname, has_column_privilege('authenticated', attrelid, attnum, 'update')
    from pg_attribute
    join pg_class on pg_class.oid = attrelid
    join pg_namespace on pg_namespace.oid = relnamespace
    where nspname = 'public' and relkind in ('r', 'v') and attnum > 0 and not attisdropped
      and atttypid in ('text'::regtype, 'text[]'::regtype, 'jsonb'::regtype)
      and has_column_privilege('authenticated', attrelid, attnum, 'insert, update')
    order by relname, attnum
"""


def text_columns(connection: Connection) -> list[tuple[str, str, bool]]:
    """Text that people write without a function: table, column, and whether it may be changed."""
    return connection.execute(TEXT_COLUMNS).fetchall()


def relations(connection: Connection) -> list[Relation]:
    """Every table and view of the exposed schemas."""
    rows = connection.execute(RELATIONS, [list(EXPOSED)]).fetchall()
    return [Relation(s, name, v, tuple(columns), tuple(key)) for s, name, v, columns, key in rows]


def functions(connection: Connection) -> list[Function]:
    """Every function of the exposed schemas."""
    found = []
    for schema, name, defaults, names, types in connection.execute(FUNCTIONS, [list(EXPOSED)]):
        parameters = tuple(zip(names, types, strict=True))
        needed = len(parameters) - defaults
        found.append(Function(schema, name, parameters[:needed], parameters[needed:]))
    return found
