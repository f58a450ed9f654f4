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
from stack.as_typed import as_typed
from stack.config import DEFAULT_DIRECTORY, StackConfig
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
    list[str] | None,
    typer.Option(
        help="Leave out a part, e.g. the worker, now and later; may be repeated.",
    ),
]
Complete = Annotated[
    bool, typer.Option("--complete", help="Leave nothing out any more; undoes --without.")
]


def up(
    directory: Directory = DEFAULT_DIRECTORY,
    port_offset: PortOffset = None,
    without: Without = None,
    complete: Complete = False,
) -> None:
    """Start everything: database, Supabase, API and workers; migrate and seed what is missing."""
    left_out = tuple(without) if without else () if complete else None
    config = lifecycle.configure(directory, port_offset=port_offset, without=left_out)
    _start_and_report(config)


def down(directory: Directory = DEFAULT_DIRECTORY) -> None:
    """Stop everything; no data is lost."""
    stopped = lifecycle.stop(directory)
    console.print("Stopped." if stopped else "Nothing was running.")


def reset(directory: Directory = DEFAULT_DIRECTORY) -> None:
    """Start again from an empty database with the demo clinic; the old data is removed."""
    config = lifecycle.configure(directory)
    lifecycle.stop(directory)
    lifecycle.erase(config)
    _start_and_report(config)


def status(
    directory: Directory = DEFAULT_DIRECTORY,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show each part's health, pid, port and memory; exit 1 unless all are well."""
    if not (directory / "stack.json").exists():
        makes_one = as_typed("up", directory)
        raise lifecycle.StackError(f"there is no stack in {directory}; `{makes_one}` makes one")
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
    directory: Directory = DEFAULT_DIRECTORY,
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
    stops = f"[bold]{escape(as_typed('down', config.directory))}[/] stops all."
    if config.directory.resolve() != DEFAULT_DIRECTORY:
        console.print(f"\n{stops}", soft_wrap=True)
        return
    if not lifecycle.write_env_file(config):
        console.print("[yellow].env is your own and was left alone; it may point elsewhere.[/]")
    plays = f"[bold]{escape(as_typed('demo'))}[/] plays a booking"
    console.print(f"\nNext: {plays}; {stops}", soft_wrap=True)


KNOWN_ERRORS = (lifecycle.StackError, PostgresError, MigrationError)
