"""Applies `supabase/migrations` with the real Supabase CLI, as the non-superuser `postgres`.

On a hosted project the supautils extension lets `postgres` create policies on tables of the
managed schema `realtime`. Plain PostgreSQL has no such exception, so membership in
supabase_realtime_admin stands in for it, only while migrations run; that nothing but policies is
put there is checked by a test.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import psycopg
from psycopg import sql

from stack.as_typed import as_typed
from stack.config import PROJECT_DIR, StackConfig
from stack.processes import inherited

CLI = PROJECT_DIR / "node_modules/@supabase/cli-linux-x64/bin/supabase"


class MigrationError(Exception):
    """A migration did not apply; nothing of it is kept. The message is the CLI's own."""


def files(config: StackConfig) -> list[Path]:
    """The migration files in the order they apply."""
    return sorted((config.supabase_dir / "migrations").glob("*.sql"))


def is_current(config: StackConfig, database: str = "postgres") -> bool:
    """Whether the database has applied exactly the migrations that the project holds."""
    wanted = [path.name.split("_", 1)[0] for path in files(config)]
    with psycopg.connect(config.db_url(database=database)) as connection:
        known = connection.execute(
            "select to_regclass('supabase_migrations.schema_migrations')"
        ).fetchone()
        if known is None or known[0] is None:
            return not wanted
        rows = connection.execute(
            "select version from supabase_migrations.schema_migrations order by version"
        ).fetchall()
    return [version for (version,) in rows] == wanted


def migrate(config: StackConfig, database: str = "postgres") -> None:
    """Apply what is missing; raises MigrationError with the CLI's words if one fails."""
    url = f"{config.db_url(database=database)}?sslmode=disable"
    with psycopg.connect(config.db_url("supabase_admin", database), autocommit=True) as admin:
        # Whoever was killed while migrating could not take it back.
        admin.execute("revoke supabase_realtime_admin from postgres")
        if is_current(config, database):
            return
        admin.execute("grant supabase_realtime_admin to postgres")
        try:
            finished = subprocess.run(
                [str(CLI), "db", "push", f"--remote={url}", "--yes"],
                cwd=config.supabase_dir.parent,
                env=cli_environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            admin.execute("revoke supabase_realtime_admin from postgres")
    if finished.returncode:
        said = (finished.stderr or finished.stdout).strip()[-2000:]
        empty = as_typed("reset", config.directory)
        raise MigrationError(f"{said}\nAn older stack is emptied with `{empty}`.")


def cli_environment() -> dict[str, str]:
    """What the Supabase CLI is started with: it tells nobody anything."""
    kept = inherited("PATH", "HOME", "TMPDIR")
    kept.setdefault("HOME", "/tmp")  # noqa: S108 - the CLI only wants some home to look for settings
    return kept | {"SUPABASE_TELEMETRY_DISABLED": "1", "DO_NOT_TRACK": "1", "NO_COLOR": "1"}


def clone_database(config: StackConfig, source: str, target: str) -> None:
    """Copy a database nobody is connected to; milliseconds for an empty clinic."""
    with psycopg.connect(config.db_url("supabase_admin", "template1"), autocommit=True) as admin:
        admin.execute(
            sql.SQL("create database {} template {} owner postgres strategy file_copy").format(
                sql.Identifier(target), sql.Identifier(source)
            )
        )


def drop_database(config: StackConfig, name: str) -> None:
    """Drop a database, disconnecting whoever is still in it."""
    with psycopg.connect(config.db_url("supabase_admin", "template1"), autocommit=True) as admin:
        admin.execute(
            sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
        )
