"""What a hosted project forbids fails here, and what it allows passes, for the role `postgres`."""

from __future__ import annotations

from collections.abc import Iterator

import pglast
import psycopg
import pytest
from pglast import ast
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
    ],
)
def test_what_only_a_c_extension_can_allow_is_refused_here_and_not_used_by_the_product(
    dashboard: psycopg.Connection, statement: str
) -> None:
    """Stricter than hosted: docs/decisions/0002-local-stack.md says why."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        dashboard.execute(statement)


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


class ManagedSchemaWriter(Visitor):
    """Collects statements that touch a managed schema in another way than by a policy."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def visit_RangeVar(self, ancestors: object, node: ast.RangeVar) -> None:
        if node.schemaname in MANAGED_SCHEMAS and isinstance(
            self.statement,
            ast.CreateStmt | ast.AlterTableStmt | ast.IndexStmt | ast.ViewStmt | ast.RuleStmt,
        ):
            owned = getattr(self.statement, "relation", None) or getattr(
                self.statement, "view", None
            )
            if owned is node:
                self.found.append(f"{type(self.statement).__name__} {node.schemaname}")

    def visit_CreateFunctionStmt(self, ancestors: object, node: ast.CreateFunctionStmt) -> None:
        schema = node.funcname[0].sval if len(node.funcname) > 1 else "public"
        if schema in MANAGED_SCHEMAS:
            self.found.append(f"function in {schema}")

    def read(self, script: str) -> list[str]:
        for raw in pglast.parse_sql(script):
            self.statement = raw.stmt
            self(raw)
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
    ],
)
def test_the_check_of_migrations_finds_what_it_is_for(statement: str) -> None:
    assert ManagedSchemaWriter().read(statement)
