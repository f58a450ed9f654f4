"""Supabase's own advisors find nothing in the migrated database; what the fuller rules of a hosted
project add, and why it stays, is docs/decisions/0004-advisor-findings.md."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import psycopg
import pytest

from stack.config import PROJECT_DIR
from stack.migrations import CLI


def advice(database_url: str) -> list[dict[str, Any]]:
    """What the CLI finds; informational rules included."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    finished = subprocess.run(
        [str(CLI), "db", "advisors", f"--remote={database_url}?sslmode=disable", "--yes"],
        cwd=PROJECT_DIR,
        env={"HOME": "/tmp"} | kept | {"SUPABASE_TELEMETRY_DISABLED": "1", "NO_COLOR": "1"},
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
