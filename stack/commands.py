"""The commands `appoint up`, `down`, `reset`, `status` and `logs`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from stack import lifecycle, report
from stack.config import StackConfig
from stack.migrations import MigrationError
from stack.postgres import PostgresError
from stack.state import is_running

console = Console()
errors = Console(stderr=True)

Directory = Annotated[
    Path,
    typer.Option(
        "--stack",
        envvar="APPOINT_STACK_DIR",
        help="The stack's directory: its keys, data, mails and logs.",
        show_default=".appoint",
    ),
]
PortOffset = Annotated[
    int | None,
    typer.Option(help="Move every port by this much, to run a second stack beside the first."),
]
Without = Annotated[
    list[str] | None, typer.Option(help="Leave out a part, e.g. the worker; may be repeated.")
]


def up(
    directory: Directory = lifecycle.DEFAULT_DIRECTORY,
    port_offset: PortOffset = None,
    without: Without = None,
) -> None:
    """Start everything: database, Supabase, API and workers; migrate and seed what is missing."""
    config = lifecycle.configure(
        directory, port_offset=port_offset, without=tuple(without) if without else None
    )
    _start_and_report(config)


def down(directory: Directory = lifecycle.DEFAULT_DIRECTORY) -> None:
    """Stop everything; no data is lost."""
    stopped = lifecycle.stop(directory)
    console.print("Stopped." if stopped else "Nothing was running.")


def reset(directory: Directory = lifecycle.DEFAULT_DIRECTORY) -> None:
    """Start again from an empty database with the demo clinic; the old data is removed."""
    config = lifecycle.configure(directory)
    lifecycle.stop(directory)
    lifecycle.erase(config)
    _start_and_report(config)


def status(
    directory: Directory = lifecycle.DEFAULT_DIRECTORY,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show each part's health, pid, port and memory; exit 1 unless all are well."""
    if not (directory / "stack.json").exists():
        raise lifecycle.StackError(f"there is no stack in {directory}; `appoint up` makes one")
    config = StackConfig.load(directory)
    described = report.status(config)
    if as_json:
        print(json.dumps(described, indent=2))  # noqa: T201 - for programs, without colour
    else:
        report.print_status(console, config, described)
        if is_running(directory):
            report.print_access(console, described)
    if not report.is_all_healthy(described):
        raise typer.Exit(1)


def logs(
    part: Annotated[str | None, typer.Argument(help="One part only; all without it.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines come.")] = False,
    directory: Directory = lifecycle.DEFAULT_DIRECTORY,
) -> None:
    """Print the last lines of the parts' logs."""
    paths = sorted((directory / "logs").glob(f"{part or '*'}.log"))
    if not paths:
        raise lifecycle.StackError(f"no log of {part or 'any part'} in {directory / 'logs'}")
    command = ["tail", "-n", "50", *(["-F"] if follow else []), *map(str, paths)]
    try:
        sys.exit(subprocess.run(command, check=False).returncode)
    except KeyboardInterrupt:
        sys.exit(0)


def _start_and_report(config: StackConfig) -> None:
    console.print(
        "[dim]Auth, Realtime, gateway and mailbox of this stack are stand-ins for development; "
        "everything listens on 127.0.0.1.[/]"
    )
    with console.status("Starting") as spinner:

        def show(step: str) -> None:
            spinner.update(step)
            console.print(f"[dim]›[/] {escape(step)}")

        lifecycle.start(config, show)
    described = report.status(config)
    report.print_status(console, config, described)
    report.print_access(console, described)
    is_default = config.directory.resolve() == lifecycle.DEFAULT_DIRECTORY
    if is_default and not lifecycle.write_env_file(config):
        console.print("[yellow].env is your own and was left alone; it may point elsewhere.[/]")
    console.print("\nNext: [bold]appoint demo[/] plays a booking; [bold]make down[/] stops all.")


KNOWN_ERRORS = (lifecycle.StackError, PostgresError, MigrationError)
