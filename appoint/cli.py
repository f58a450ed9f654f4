"""The `appoint` command. Each subcommand imports what it needs when it runs, to start fast."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from stack import commands as stack_commands

app = typer.Typer(
    name="appoint",
    help="Clinic appointments on Supabase.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for command in (
    stack_commands.up,
    stack_commands.down,
    stack_commands.reset,
    stack_commands.status,
    stack_commands.logs,
):
    app.command()(command)

Arguments = Annotated[list[str] | None, typer.Argument(hidden=True)]


@app.command()
def worker() -> None:
    """Run the workers in the foreground, as an operator does in production."""
    _become("workers")


@app.command()
def api() -> None:
    """Run the API in the foreground, as an operator does in production."""
    _become("api")


def _become(module: str) -> None:
    """Replace this process, so that signals reach the program itself."""
    os.execv(sys.executable, [sys.executable, "-m", module])  # noqa: S606


def main() -> None:
    """Entry point: errors that people can mend are one line, not a traceback."""
    try:
        app()
    except stack_commands.KNOWN_ERRORS as error:
        Console(stderr=True).print(f"[red]error:[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(1)
