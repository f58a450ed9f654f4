"""Mutants: every protection the catalogue knows, taken away one at a time.

Each is a few statements for a transaction that is rolled back, and the kind and name of the object
whose behaviour must be seen to change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.people import Connection

ROLES = ("anon", "authenticated", "service_role")


@dataclass(frozen=True)
class Mutant:
    """`probe` says how its effect is looked for, `touched` on what."""

    kind: str
    name: str
    statements: tuple[str, ...]
    probe: str
    touched: str


# Without these nothing behaves otherwise that one connection could see.
UNSEEN = {
    # Locks the session before the seat: only a crowd could tell.
    "_090_follow_session_delete on public.appointments",
    # A seat must be called off before it can be removed, and is counted then.
    "_400_count_seat_delete on public.appointments",
    # Emptying sessions empties appointments, whose own trigger refuses first.
    "_200_refuse_truncate on public.group_sessions",
    # The service key may read the table itself.
    "worker.queue_depth()",
}


def all_mutants(connection: Connection) -> list[Mutant]:
    """Every mutant of the database as it is, in a stable order."""
    makers = (
        _policies, _row_security, _views, _table_grants, _column_grants, _function_grants,
        _search_paths, _definers, _constraints, _unique_indexes, _not_nulls, _triggers,
    )  # fmt: skip
    return [
        mutant
        for maker in makers
        for mutant in maker(connection)
        if mutant.name not in UNSEEN or mutant.kind not in {"trigger dropped", "definer removed"}
    ]


POLICIES = """
    select format('%I.%I', schemaname, tablename), format('%I', policyname),
      qual is not null, with_check is not null
    from pg_policies where schemaname in ('public', 'private', 'worker', 'realtime') order by 1, 2
"""
# Realtime's table belongs to nobody who migrates.
AS_ITS_OWNER = "reset session authorization"
AS_BEFORE = "set session authorization postgres"


def _policies(connection: Connection) -> Iterator[Mutant]:
    for table, policy, has_using, has_check in connection.execute(POLICIES).fetchall():
        name = f"{policy} on {table}"
        is_foreign = table.startswith("realtime.")
        probe = "topics" if is_foreign else "policies"

        found = [("policy dropped", f"drop policy {name}")]
        for clause, present in (("using", has_using), ("with check", has_check)):
            if present:
                found.append((f"policy widened: {clause}", f"alter policy {name} {clause} (true)"))
        for kind, statement in found:
            whole = (AS_ITS_OWNER, statement, AS_BEFORE) if is_foreign else (statement,)
            yield Mutant(kind, name, whole, probe, table)


def _relations(connection: Connection, *kinds: str) -> list[tuple[str, str]]:
    return connection.execute(
        "select format('%%I.%%I', nspname, relname), nspname from pg_class"
        " join pg_namespace on pg_namespace.oid = relnamespace"
        " where nspname in ('public', 'private', 'worker') and relkind::text = any (%s) order by 1",
        [list(kinds)],
    ).fetchall()


def _row_security(connection: Connection) -> Iterator[Mutant]:
    for table, _ in _relations(connection, "r"):
        statement = f"alter table {table} disable row level security"
        yield Mutant("row security off", table, (statement,), "rows", table)


def _views(connection: Connection) -> Iterator[Mutant]:
    for view, _ in _relations(connection, "v"):
        statement = f"alter view {view} reset (security_invoker)"
        yield Mutant("view as its owner", view, (statement,), "rows", view)


def _table_grants(connection: Connection) -> Iterator[Mutant]:
    for table, schema in _relations(connection, "r", "v"):
        if schema != "public":
            continue
        for role in ROLES:
            for privilege in ("select", "insert", "update", "delete"):
                row = connection.execute(
                    "select has_table_privilege(%s, %s, %s)", [role, table, privilege]
                ).fetchone()
                taken = bool(row and row[0])
                verb, to = ("revoke", "from") if taken else ("grant", "to")
                statement = f"{verb} {privilege} on {table} {to} {role}"
                kind = "grant taken" if taken else "grant given"
                probe = "inserts" if privilege == "insert" else "rows"
                yield Mutant(kind, statement, (statement,), probe, table)


COLUMN_GRANTS = """
    select format('%I.%I', nspname, relname), format('%I', attname), lower(privilege_type),
      grantee::regrole::text
    from pg_attribute
    join pg_class on pg_class.oid = attrelid
    join pg_namespace on pg_namespace.oid = relnamespace
    cross join lateral aclexplode(attacl)
    where nspname = 'public' and grantee::regrole::text in ('anon', 'authenticated', 'service_role')
    order by 1, 2, 3, 4
"""


def _column_grants(connection: Connection) -> Iterator[Mutant]:
    for table, column, privilege, role in connection.execute(COLUMN_GRANTS).fetchall():
        statement = f"revoke {privilege} ({column}) on {table} from {role}"
        probe = "rows" if privilege != "insert" else "inserts"
        yield Mutant("column grant taken", statement, (statement,), probe, table)


FUNCTIONS = """
    select pg_proc.oid::regprocedure::text, nspname || '.' || proname, prosecdef,
      has_function_privilege('anon', pg_proc.oid, 'execute'),
      has_function_privilege('authenticated', pg_proc.oid, 'execute'),
      has_function_privilege('service_role', pg_proc.oid, 'execute'),
      prorettype = 'trigger'::regtype, pg_get_functiondef(pg_proc.oid), nspname
    from pg_proc join pg_namespace on pg_namespace.oid = pronamespace
    where nspname in ('public', 'private', 'worker') and prokind = 'f' order by 1
"""


def _function_grants(connection: Connection) -> Iterator[Mutant]:
    for signature, name, _, *may, is_trigger, _, schema in connection.execute(FUNCTIONS).fetchall():
        if is_trigger:
            continue
        for role, has in zip(ROLES, may, strict=True):
            verb, to = ("revoke", "from") if has else ("grant", "to")
            probe = "privileges" if schema == "private" else "call"
            statement = f"{verb} execute on function {signature} {to} {role}"
            kind = "function closed" if verb == "revoke" else "function opened"
            yield Mutant(kind, statement, (statement,), probe, name)


def _search_paths(connection: Connection) -> Iterator[Mutant]:
    for signature, name, *_ in connection.execute(FUNCTIONS).fetchall():
        statement = f"alter function {signature} reset search_path"
        yield Mutant("search_path removed", signature, (statement,), "privileges", name)


def _definers(connection: Connection) -> Iterator[Mutant]:
    """Functions of the exposed schemas that run with their owner's rights, made to run without."""
    for signature, name, is_definer, *_, schema in connection.execute(FUNCTIONS).fetchall():
        if is_definer and schema != "private":
            statement = f"alter function {signature} security invoker"
            yield Mutant("definer removed", signature, (statement,), "call", name)


# Without a reference to the clinic, one to something of the clinic says the same: such a mutant
# behaves as before, and is none.
CONSTRAINTS = """
    select conrelid::regclass::text, format('%I', conname), contype::text
    from pg_constraint as dropped
    where connamespace in ('public'::regnamespace, 'private'::regnamespace)
      and contype in ('c', 'f', 'p', 'u', 'x') and conrelid <> 0
      -- Infinite days cannot be subtracted, so "is not for ever" refuses them before this one.
      and conname <> 'availability_exceptions_starts_on_is_a_day'
      and not (contype = 'f' and confrelid = 'public.clinics'::regclass and exists (
        select from pg_constraint as other
        where other.conrelid = dropped.conrelid and other.contype = 'f'
          and other.conkey @> dropped.conkey and other.oid <> dropped.oid
          and not exists (
            select from pg_attribute
            where attrelid = other.conrelid and attnum = any (other.conkey) and not attnotnull)))
    order by 1, 2
"""
KINDS = {"c": "check dropped", "f": "reference dropped", "p": "primary key dropped",
         "u": "unique dropped", "x": "exclusion dropped"}  # fmt: skip


def _constraints(connection: Connection) -> Iterator[Mutant]:
    for table, constraint, contype in connection.execute(CONSTRAINTS).fetchall():
        whole = table if "." in table else f"public.{table}"
        # What makes rows unique goes with the references to it.
        cascade = " cascade" if contype in "pu" else ""
        statement = f"alter table {whole} drop constraint {constraint}{cascade}"
        name = f"{constraint} on {whole}"
        yield Mutant(KINDS[contype], name, (statement,), "constraints", whole)


UNIQUE_INDEXES = """
    select indexrelid::regclass::text, format('%I.%I', nspname, relname)
    from pg_index join pg_class on pg_class.oid = indrelid
    join pg_namespace on pg_namespace.oid = relnamespace
    where nspname in ('public', 'private') and indisunique
      and not exists (select from pg_constraint where conindid = indexrelid)
    order by 1
"""


def _unique_indexes(connection: Connection) -> Iterator[Mutant]:
    """Those that are no constraint, mostly because they are of some rows only."""
    for index, table in connection.execute(UNIQUE_INDEXES).fetchall():
        yield Mutant("unique index dropped", index, (f"drop index {index}",), "constraints", table)


NOT_NULLS = """
    select format('%I.%I', nspname, relname), format('%I', attname)
    from pg_attribute join pg_class on pg_class.oid = attrelid
    join pg_namespace on pg_namespace.oid = relnamespace
    where nspname in ('public', 'private') and relkind = 'r' and attnum > 0 and not attisdropped
      and attnotnull and attgenerated = '' and attidentity = ''
      and not exists (select from pg_index
                      where indrelid = attrelid and indisprimary and attnum = any (indkey))
    order by relname, attnum
"""


def _not_nulls(connection: Connection) -> Iterator[Mutant]:
    for table, column in connection.execute(NOT_NULLS).fetchall():
        statement = f"alter table {table} alter column {column} drop not null"
        yield Mutant("not null dropped", f"{table}.{column}", (statement,), "constraints", table)


TRIGGERS = """
    select format('%I.%I', nspname, relname), format('%I', tgname)
    from pg_trigger join pg_class on pg_class.oid = tgrelid
    join pg_namespace on pg_namespace.oid = relnamespace
    where nspname in ('public', 'private') and not tgisinternal order by 1, 2
"""


def _triggers(connection: Connection) -> Iterator[Mutant]:
    for table, trigger in connection.execute(TRIGGERS).fetchall():
        name = f"{trigger} on {table}"
        yield Mutant("trigger dropped", name, (f"drop trigger {name}",), "effects", table)
