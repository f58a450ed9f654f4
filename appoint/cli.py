"""The `appoint` command. Each subcommand imports what it needs when it runs, to start fast."""

from __future__ import annotations

import os
import sys
from pathlib import Path
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

import_app = typer.Typer(help="Bring records of other systems in.", no_args_is_help=True)
app.add_typer(import_app, name="import")
mail_app = typer.Typer(help="Look at what is mailed.", no_args_is_help=True)
app.add_typer(mail_app, name="mail")


@app.command()
def worker(
    only: Annotated[
        str | None,
        typer.Option(
            metavar="ROLES",
            help="Some of notifier, agendas, reminders, waitlist, imports, calendars, "
            "housekeeping, with commas between; all if left out.",
        ),
    ] = None,
) -> None:
    """Run the workers in the foreground, as an operator does in production."""
    _become("workers", *(["--only", only] if only else []))


@app.command()
def api() -> None:
    """Run the API in the foreground, as an operator does in production."""
    _become("api")


@import_app.command()
def synthea(
    directory: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            help="Where organizations.csv, providers.csv, patients.csv and encounters.csv are.",
        ),
    ],
    batch_size: Annotated[int, typer.Option(help="Rows in one call to the database.")] = 250,
    rejects: Annotated[
        Path, typer.Option(help="Where every rejected row is listed, with its reason.")
    ] = Path("rejects.csv"),
    time_zone: Annotated[
        str, typer.Option(help="The zone of organizations outside the United States.")
    ] = "America/New_York",
) -> None:
    """Load Synthea's CSV: clinics, providers, patients and past appointments; safe to repeat."""
    from appoint.importing.command import import_synthea  # noqa: PLC0415 - only when it runs

    sys.exit(import_synthea(directory, batch_size, rejects, time_zone))


@import_app.command()
def holidays(
    clinic: Annotated[str, typer.Option(help="The clinic's id or slug.")],
    country: Annotated[str, typer.Option(help="ISO 3166-1 code, such as AT.")],
    region: Annotated[
        str | None, typer.Option(help="ISO 3166-2 code without the country, such as BY.")
    ] = None,
    year: Annotated[
        list[int] | None, typer.Option(help="May be repeated; this year and the next if left out.")
    ] = None,
) -> None:
    """Close a clinic on public holidays; safe to repeat."""
    from appoint.importing.holidays import import_holidays  # noqa: PLC0415 - only when it runs

    sys.exit(import_holidays(clinic, country, region, year or ()))


@mail_app.callback()
def mail() -> None:
    """Keeps `preview` a subcommand while it is the only one."""


@mail_app.command()
def preview(
    to: Annotated[
        Path, typer.Option(metavar="DIR", help="The folder to write to; made if missing.")
    ] = Path("mail-preview"),
) -> None:
    """Write every mail in every language, with invented content, and a page that shows them."""
    from appoint.mail.preview import write_preview  # noqa: PLC0415 - only when it runs

    print(write_preview(to)[0])  # noqa: T201 - the page's path is the answer


@app.command()
def demo(
    svg: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also draw the terminal into an SVG file.")
    ] = None,
) -> None:
    """Play a booking against the running stack: sign-up, slots, broadcast, mails, a refusal."""
    from appoint.demo.command import play  # noqa: PLC0415 - only when it runs

    sys.exit(play(svg))


def _become(module: str, *arguments: str) -> None:
    """Replace this process, so that signals reach the program itself."""
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606


def main() -> None:
    """Entry point: errors that people can mend are one line, not a traceback."""
    try:
        app()
    except stack_commands.KNOWN_ERRORS as error:
        _fail(str(error))
    except OSError as error:  # a full disk, a folder that may not be written to
        where = f": {error.filename}" if error.filename else ""
        _fail(f"{error.strerror or error}{where}")


def _fail(reason: str) -> None:
    Console(stderr=True).print(f"[red]error:[/] {escape(reason)}", soft_wrap=True)
    sys.exit(1)
