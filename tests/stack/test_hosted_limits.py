"""What a hosted project forbids fails here, and what it allows passes, for the role `postgres`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pglast
import psycopg
import pytest
from pglast import ast
from pglast.enums import ObjectType
from pglast.visitors import Visitor

from stack.config import PROJECT_DIR, StackConfig

MANAGED_SCHEMAS = {"auth", "realtime", "storage", "extensions", "graphql_public"}


@pytest.fixture
def dashboard(stack: StackConfig) -> Iterator[psycopg.Connection]:
    """A session as the dashboard's SQL editor has it; nothing it does stays."""
    with psycopg.connect(stack.db_url()) as connection:
        yield connection
        connection.rollback()


@pytest.mark.parametrize(
    "statement",
    [
        "create function auth.mine() returns int language sql as 'select 1'",
        "alter table auth.users add column mine text",
        "create index on auth.users (created_at)",
        "alter table auth.users disable row level security",
        "alter function auth.uid() owner to postgres",
        "create or replace function auth.uid() returns uuid language sql as 'select null::uuid'",
        "alter role authenticated set app.clinic = '1'",
        "alter database postgres set app.clinic = '1'",
        "set role supabase_auth_admin",
        "set role supabase_admin",
        "alter default privileges for role supabase_admin grant select on tables to anon",
        "create schema mine authorization supabase_admin",
        "create extension plpython3u",
        "create table realtime.mine (id int)",
        "alter role postgres superuser",
    ],
)
def test_what_a_hosted_project_forbids_fails(dashboard: psycopg.Connection, statement: str) -> None:
    with pytest.raises(
        (
            psycopg.errors.InsufficientPrivilege,
            psycopg.errors.FeatureNotSupported,
            psycopg.errors.UndefinedFile,
        )
    ):
        dashboard.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "alter role authenticator set pgrst.db_max_rows = '500'",
        "set session_replication_role = replica",
        "create extension postgres_fdw schema extensions",
        "create extension btree_gin schema extensions",
        "create table public.mine (user_id uuid references auth.users (id))",
        "create publication mine for table public.clinics",
        "grant select on auth.users to service_role",
    ],
)
def test_what_a_hosted_project_allows_passes(dashboard: psycopg.Connection, statement: str) -> None:
    dashboard.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "create event trigger mine on sql_drop execute function extensions.pgrst_drop_watch()",
        "create publication mine for all tables",
        "create policy mine on auth.users using (true)",
        "create trigger mine after insert on auth.users for each statement"
        " execute function suppress_redundant_updates_trigger(); drop trigger mine on auth.users",
    ],
)
def test_what_only_a_c_extension_can_allow_is_refused_here_and_not_used_by_the_product(
    dashboard: psycopg.Connection, statement: str
) -> None:
    """Stricter than hosted: docs/decisions/0002-local-stack.md says why."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        dashboard.execute(statement)


def test_there_is_no_storage_here_to_put_policies_on(dashboard: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        dashboard.execute("create policy mine on storage.objects using (true)")


def test_a_new_table_and_its_sequence_are_granted_to_nobody(dashboard: psycopg.Connection) -> None:
    dashboard.execute("create table public.mine (id int generated always as identity)")
    for role in ("anon", "authenticated", "service_role"):
        dashboard.execute("savepoint before")
        dashboard.execute(f"set local role {role}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            dashboard.execute("select * from public.mine")
        dashboard.execute("rollback to before")


@pytest.mark.parametrize(
    ("role", "setting"),
    [
        ("anon", "statement_timeout=3s"),
        ("authenticated", "statement_timeout=8s"),
        ("authenticator", "statement_timeout=8s"),
        ("authenticator", "lock_timeout=8s"),
        ("supabase_auth_admin", "idle_in_transaction_session_timeout=60s"),
    ],
)
def test_roles_have_the_hosted_time_outs(
    dashboard: psycopg.Connection, role: str, setting: str
) -> None:
    row = dashboard.execute("select rolconfig from pg_roles where rolname = %s", [role]).fetchone()
    assert row is not None
    assert setting in row[0]


def test_postgres_is_no_superuser_but_bypasses_row_security(dashboard: psycopg.Connection) -> None:
    row = dashboard.execute(
        "select rolsuper, rolbypassrls, rolcreaterole, rolreplication from pg_roles"
        " where rolname = 'postgres'"
    ).fetchone()
    assert row == (False, True, True, True)


def test_membership_in_the_realtime_role_ended_with_the_migrations(
    dashboard: psycopg.Connection,
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        dashboard.execute("create policy mine on realtime.messages using (true)")


# Where a statement names what it makes, changes, drops, grants or writes to.
TARGETS = (
    "relation", "relations", "view", "sequence", "into", "intoClause", "object", "objects", "func",
    "funcname", "typeName", "typevar", "defnames", "domainname", "newschema", "schemaname",
)  # fmt: skip
POLICY_STATEMENTS = (ast.CreatePolicyStmt, ast.AlterPolicyStmt)
WRITING = (ast.InsertStmt, ast.UpdateStmt, ast.DeleteStmt, ast.MergeStmt)


def schemas(target: Any) -> Iterator[str]:
    """The schemas that a statement names with what it is about."""
    match target:
        case ast.RangeVar():
            yield target.schemaname or "public"
        case ast.ObjectWithArgs():
            yield from schemas(target.objname)
        case ast.TypeName():
            yield from schemas(target.names)
        case ast.IntoClause():
            yield from schemas(target.rel)
        case ast.String():
            yield target.sval
        case str():
            yield target
        case (ast.String(), *_):
            yield target[0].sval
        case tuple():
            for one in target:
                yield from schemas(one)


class ManagedSchemaWriter(Visitor):
    """Collects statements that touch a managed schema in another way than by a policy."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def _note(self, statement: ast.Node) -> None:
        for name in TARGETS:
            for schema in set(schemas(getattr(statement, name, None))) & MANAGED_SCHEMAS:
                self.found.append(f"{type(statement).__name__} {schema}")

    def visit(self, ancestors: object, node: ast.Node) -> None:
        if isinstance(node, WRITING):  # wherever it stands: WITH may hold it, too
            self._note(node)

    def read(self, script: str) -> list[str]:
        for raw in pglast.parse_sql(script):
            self(raw)
            is_about_policy = isinstance(raw.stmt, POLICY_STATEMENTS) or (
                isinstance(raw.stmt, ast.DropStmt)
                and raw.stmt.removeType == ObjectType.OBJECT_POLICY
            )
            if not is_about_policy and not isinstance(raw.stmt, WRITING):
                self._note(raw.stmt)
        return self.found


def test_migrations_put_nothing_but_policies_into_managed_schemas() -> None:
    for path in sorted((PROJECT_DIR / "supabase/migrations").glob("*.sql")):
        assert ManagedSchemaWriter().read(path.read_text()) == [], path.name


@pytest.mark.parametrize(
    "statement",
    [
        "create table realtime.mine (id int)",
        "alter table auth.users add column mine text",
        "create index on auth.users (created_at)",
        "create function auth.mine() returns int language sql as 'select 1'",
        "drop function auth.uid()",
        "drop table realtime.messages",
        "drop trigger mine on auth.users",
        "drop schema auth cascade",
        "truncate public.clinics, auth.users",
        "insert into auth.users (id) values (gen_random_uuid())",
        "update auth.users set email = null where id is null",
        "with gone as (delete from auth.users where id is null returning id) select from gone",
        "grant select on auth.users to service_role",
        "revoke select on all tables in schema auth from postgres",
        "grant usage on schema auth to anon",
        "grant execute on function auth.uid() to anon",
        "create trigger mine after insert on auth.users execute function public.mine()",
        "create table auth.mine as select 1",
        "select 1 into auth.mine",
        "create view realtime.mine as select 1",
        "create type auth.mine as enum ('one')",
        "create sequence auth.mine",
        "alter function auth.uid() owner to postgres",
        "alter table auth.users rename to mine",
        "comment on table auth.users is 'mine'",
        "create rule mine as on insert to auth.users do nothing",
    ],
)
def test_the_check_of_migrations_finds_what_it_is_for(statement: str) -> None:
    assert ManagedSchemaWriter().read(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "create policy mine on realtime.messages using (true)",
        "drop policy mine on realtime.messages",
        "create table public.mine (user_id uuid references auth.users (id))",
        "create extension btree_gist schema extensions",
        "insert into public.mine select id from auth.users",
        "create trigger mine after insert on public.mine execute function private.mine()",
    ],
)
def test_the_check_of_migrations_lets_policies_and_references_pass(statement: str) -> None:
    assert ManagedSchemaWriter().read(statement) == []
