"""The web client's types, made from the schema: `python -m stack.database_types` prints them.

The real Supabase CLI writes them, Deno puts them into the project's format.
"""

from __future__ import annotations

import subprocess
import sys

from stack import edge_functions, migrations
from stack.config import DEFAULT_DIRECTORY, PROJECT_DIR, StackConfig


def of_database(url: str) -> str:
    """TypeScript for the schema `public` of a migrated database."""
    source = [f"--remote={url}?sslmode=disable", "--schema=public"]
    generated = _output([str(migrations.CLI), "gen", "types", "--lang=typescript", *source])
    return _output([str(edge_functions.BINARY), "fmt", "--quiet", "--ext=ts", "-"], generated)


def _output(command: list[str], given: str | None = None) -> str:
    finished = subprocess.run(
        command,
        cwd=PROJECT_DIR,
        env=migrations.cli_environment(),
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        raise RuntimeError(finished.stderr.strip()[-2000:])
    return finished.stdout


if __name__ == "__main__":
    sys.stdout.write(of_database(StackConfig.load(DEFAULT_DIRECTORY).db_url()))
