"""The schema `auth` as the project's own SQL meets it: what it may use, and what it must not."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from stack.config import StackConfig

CLAIMS = '{"sub": "7e7c1b0e-8f0e-4c53-9a55-1f1f6a0f3b3c", "role": "r", "email": "e@x.test"}'
NEW_USER = """
insert into auth.users (id, aud, role, email, raw_user_meta_data)
values (%s, 'authenticated', 'authenticated', %s, '{"full_name": "A. Person"}')
"""


@pytest.fixture
def dashboard(stack: StackConfig) -> Iterator[psycopg.Connection]:
    """A session as the dashboard's SQL editor has it; nothing it does stays."""
    with psycopg.connect(stack.db_url()) as connection:
        yield connection
        connection.rollback()


def scalar(connection: psycopg.Connection, query: str) -> object:
    row = connection.execute(query.encode()).fetchone()
    assert row
    return row[0]


@pytest.mark.parametrize(
    "statement",
    [
        "create table auth.mine (id int)",
        "create type auth.mine as enum ('a')",
        "alter table auth.sessions owner to postgres",
        "drop table auth.identities",
        "alter table auth.users alter column email set not null",
        "create unique index on auth.users (phone)",
        "drop function auth.jwt()",
        "alter function auth.email() set search_path = ''",
        "alter schema auth owner to postgres",
        "insert into auth.schema_migrations (version) values ('99999999999999')",
        "grant supabase_auth_admin to postgres",
    ],
)
def test_postgres_cannot_alter_what_auth_owns(
    dashboard: psycopg.Connection, statement: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        dashboard.execute(statement.encode())


def test_postgres_is_no_member_of_the_managed_roles(dashboard: psycopg.Connection) -> None:
    for role in ("supabase_auth_admin", "supabase_admin", "supabase_storage_admin"):
        assert scalar(dashboard, f"select pg_has_role('postgres', '{role}', 'member')") is False


def test_every_table_has_row_security_and_no_policy_lets_anybody_in(
    dashboard: psycopg.Connection,
) -> None:
    unprotected = """
      select count(*) from pg_class
      where relnamespace = 'auth'::regnamespace and relkind = 'r' and not relrowsecurity
    """
    assert scalar(dashboard, unprotected) == 0
    assert scalar(dashboard, "select count(*) from pg_policies where schemaname = 'auth'") == 0


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
def test_the_api_roles_read_no_table_of_auth(dashboard: psycopg.Connection, role: str) -> None:
    dashboard.execute(f"set local role {role}".encode())
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        dashboard.execute("select * from auth.users")


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role", "postgres"])
def test_every_role_may_ask_who_is_calling(dashboard: psycopg.Connection, role: str) -> None:
    dashboard.execute(f"set local role {role}".encode())
    dashboard.execute("select set_config('request.jwt.claims', %s, true)", [CLAIMS])
    expected = "7e7c1b0e-8f0e-4c53-9a55-1f1f6a0f3b3c"
    assert str(scalar(dashboard, "select auth.uid()")) == expected
    assert scalar(dashboard, "select auth.role()") == "r"
    assert scalar(dashboard, "select auth.email()") == "e@x.test"
    assert scalar(dashboard, "select auth.jwt() ->> 'sub'") == expected


@pytest.mark.parametrize("settings", [{}, {"request.jwt.claims": "", "request.jwt.claim.sub": ""}])
def test_without_claims_nobody_is_calling(
    dashboard: psycopg.Connection, settings: dict[str, str]
) -> None:
    for name, value in settings.items():
        dashboard.execute("select set_config(%s, %s, true)", [name, value])
    for function in ("uid", "role", "email", "jwt"):
        assert scalar(dashboard, f"select auth.{function}()") is None


def test_single_claims_win_over_the_document(dashboard: psycopg.Connection) -> None:
    dashboard.execute("select set_config('request.jwt.claims', %s, true)", [CLAIMS])
    dashboard.execute("select set_config('request.jwt.claim.role', 'other', true)")
    assert scalar(dashboard, "select auth.role()") == "other"


def test_a_subject_that_is_no_uuid_raises(dashboard: psycopg.Connection) -> None:
    dashboard.execute("select set_config('request.jwt.claims', '{\"sub\": \"me\"}', true)")
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        scalar(dashboard, "select auth.uid()")


def test_triggers_and_foreign_keys_on_users_work(dashboard: psycopg.Connection) -> None:
    dashboard.execute("""
      create table public.profiles (
        user_id uuid primary key references auth.users (id) on delete cascade,
        full_name text
      );
      create function public.make_profile() returns trigger
      language plpgsql security definer set search_path = ''
      as $$
      begin
        insert into public.profiles values (new.id, new.raw_user_meta_data ->> 'full_name');
        return new;
      end;
      $$;
      create trigger _500_make_profile after insert on auth.users
        for each row execute function public.make_profile();
    """)
    user_id = uuid4()
    dashboard.execute(NEW_USER.encode(), [user_id, f"{user_id}@example.test"])
    assert scalar(dashboard, "select full_name from public.profiles") == "A. Person"
    dashboard.execute("delete from auth.users where id = %s", [user_id])
    assert scalar(dashboard, "select count(*) from public.profiles") == 0


def test_postgres_hands_on_reading_but_not_writing(dashboard: psycopg.Connection) -> None:
    dashboard.execute("grant select on auth.sessions to service_role")
    dashboard.execute("set local role service_role")
    assert scalar(dashboard, "select count(*) >= 0 from auth.sessions") is True
    dashboard.execute("reset role")
    dashboard.add_notice_handler(lambda notice: None)
    dashboard.execute("grant insert on auth.sessions to service_role")
    granted = "select has_table_privilege('service_role', 'auth.sessions', 'insert')"
    assert scalar(dashboard, granted) is False
