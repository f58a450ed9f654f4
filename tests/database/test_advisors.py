"""Supabase's own advisors find nothing in the migrated database. The fuller rules of a hosted
project are asked of the catalogue here; what they find, and why it stays, is
docs/decisions/0004-advisor-findings.md."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import psycopg
import pytest

from stack.config import PROJECT_DIR
from stack.migrations import CLI, cli_environment
from tests.people import Connection, every

MIGRATIONS = PROJECT_DIR / "supabase" / "migrations"
DECISION = PROJECT_DIR / "docs" / "decisions" / "0004-advisor-findings.md"


def advice(database_url: str) -> list[dict[str, Any]]:
    """What the CLI finds; informational rules included."""
    finished = subprocess.run(
        [str(CLI), "db", "advisors", f"--remote={database_url}?sslmode=disable", "--yes"],
        cwd=PROJECT_DIR,
        env=cli_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    if "No issues found" in finished.stdout + finished.stderr:
        return []
    found: list[dict[str, Any]] = json.loads(finished.stdout)
    return found


def test_the_advisors_find_no_error_and_no_warning(shared_database: str) -> None:
    assert [(one["level"], one["name"], one["detail"]) for one in advice(shared_database)] == []


@pytest.mark.parametrize(
    ("mistake", "name"),
    [
        (
            "create table public.bare (id int); grant select on public.bare to anon",
            "rls_disabled_in_public",
        ),
        (
            "create view public.open_door as select * from public.patients;"
            " grant select on public.open_door to anon",
            "security_definer_view",
        ),
    ],
)
def test_the_advisors_would_find_a_mistake(database_url: str, mistake: str, name: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(mistake)  # type: ignore[arg-type]
    assert name in {one["name"] for one in advice(database_url)}


# The rules 0028 and 0029 of splinter: definer functions of an exposed schema that a role may call.
DEFINERS = """
    select nspname || '.' || proname as name
    from pg_proc join pg_namespace on pg_namespace.oid = pronamespace
    where prosecdef and nspname = any (%s) and has_schema_privilege(%s, nspname, 'usage')
      and has_function_privilege(%s, pg_proc.oid, 'execute')
    order by 1
"""
EXPOSED = ["public", "worker"]


def definers(db: Connection, role: str) -> set[str]:
    return {row["name"] for row in every(db, DEFINERS, EXPOSED, role, role)}


def reasons() -> dict[str, str]:
    """Why each function runs with its owner's rights, as the migrations say above it."""
    source = "".join(path.read_text() for path in sorted(MIGRATIONS.glob("*.sql")))
    found = re.findall(
        r"^-- Definer: ([^\n]+(?:\n--[^\n]*)*)\ncreate (?:or replace )?function ([a-z_.]+)\(",
        source,
        re.MULTILINE,
    )
    return {name: reason for reason, name in found}


def test_visitors_call_the_definer_functions_that_the_decision_names(db: Connection) -> None:
    """anon_security_definer_function_executable"""
    (line,) = re.findall(
        r"^\| `anon_security_definer_function_executable` \|.*$", DECISION.read_text(), re.MULTILINE
    )
    named = {f"public.{name}" for name in re.findall(r"`(\w+)`", line.split("|")[3])}
    assert definers(db, "anon") == named


def test_each_definer_function_that_people_call_says_why(db: Connection) -> None:
    """authenticated_security_definer_function_executable"""
    called = definers(db, "authenticated")
    assert len(called) > 40
    assert called - reasons().keys() == set()
    assert all(name.startswith("public.") for name in called), "the rest is for workers"


def test_a_definer_function_more_would_be_seen(db: Connection) -> None:
    db.execute(
        "create function public.open_door() returns int language sql security definer"
        " set search_path = '' as 'select 1'"
    )
    db.execute("grant execute on function public.open_door() to anon, authenticated")
    for role in ("anon", "authenticated"):
        assert "public.open_door" in definers(db, role)
    assert "public.open_door" not in reasons()


def test_there_is_no_graphql_and_no_bucket_to_expose_anything(db: Connection) -> None:
    """public_bucket_allows_listing and pg_graphql_{anon,authenticated}_table_exposed: what they
    look at does not exist."""
    assert every(db, "select from pg_extension where extname = 'pg_graphql'") == []
    policies = every(db, "select policyname from pg_policies where schemaname = 'storage'")
    assert policies == []
    assert not any("storage." in path.read_text() for path in MIGRATIONS.glob("*.sql"))
