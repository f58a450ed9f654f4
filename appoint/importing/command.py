"""`appoint import synthea` in the terminal: a progress bar, then a table whose columns add up."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from appoint.importing import synthea
from appoint.importing.loader import LARGEST_BATCH, load
from appoint.importing.outcomes import NO_SENTENCE, SENTENCES, FileTotals, ImportFailed, RejectsFile
from appoint.settings import Settings, SettingsError
from appoint.supabase_clients import http_pool, service_client

KEPT = "What was imported so far is kept; run the import again to complete it."


def import_synthea(directory: Path, batch_size: int, rejects: Path, time_zone: str) -> int:
    """Import one directory and print what became of every row; the exit status is returned.

    0: every row has its outcome, rejected ones included. 1: the import could not begin or go on,
    and one line says why. 130: interrupted.
    """
    console = Console()
    errors = Console(stderr=True)
    try:
        _check(batch_size, time_zone)
        settings = Settings.from_environment()
        started = time.monotonic()
        totals = asyncio.run(
            _load(
                console=console,
                settings=settings,
                directory=directory,
                batch_size=batch_size,
                rejects=rejects,
                time_zone=time_zone,
            )
        )
    except (ImportFailed, SettingsError) as error:
        errors.print(f"[red]error:[/] {escape(str(error))}", soft_wrap=True)
        return 1
    except OSError as error:  # such as a full disk under the rejects file
        errors.print(f"[red]error:[/] {escape(error.strerror or str(error))}. {KEPT}")
        return 1
    except KeyboardInterrupt:
        errors.print(f"Interrupted. {KEPT}")
        return 130
    _report(console, totals, rejects, time.monotonic() - started)
    return 0


def _check(batch_size: int, time_zone: str) -> None:
    if not 1 <= batch_size <= LARGEST_BATCH:
        raise ImportFailed(f"the batch size must be between 1 and {LARGEST_BATCH}")
    try:
        ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError):
        raise ImportFailed(f"{time_zone} is not a time zone such as Europe/Berlin") from None


async def _load(
    *,
    console: Console,
    settings: Settings,
    directory: Path,
    batch_size: int,
    rejects: Path,
    time_zone: str,
) -> list[FileTotals]:
    steps = synthea.steps(directory, time_zone)
    progress = Progress(
        TextColumn("{task.description:<18}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:>9,} rows", style="dim"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    bars = {
        step.file.name: progress.add_task(step.file.name, total=step.file.size, rows=0, start=False)
        for step in steps
    }

    def show(totals: FileTotals, position: int) -> None:
        bar = bars[totals.file]
        progress.start_task(bar)
        fields: dict[str, Any] = {"rows": totals.rows}
        progress.update(bar, completed=position, **fields)

    with RejectsFile(rejects) as rejected, progress:
        async with http_pool() as http:
            # The service key: past row-level security, because the rows are nobody's own.
            service = service_client(settings, http)
            return await load(service, steps, rejected, batch_size=batch_size, on_progress=show)


def _report(console: Console, all_totals: list[FileTotals], rejects: Path, seconds: float) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("File")
    for heading in ("Rows", "Imported", "Already there", "Rejected"):
        table.add_column(heading, justify="right")
    for totals in all_totals:
        table.add_row(totals.file, *map(_count, _counts(totals)))
    table.add_section()
    sums = [sum(column) for column in zip(*map(_counts, all_totals), strict=True)]
    table.add_row("All", *map(_count, sums), style="bold")
    console.print(table)
    console.print(f" {sums[0]:,} rows in {seconds:.1f} s", highlight=False)
    if not sums[3]:
        return
    reasons: Counter[str] = Counter()
    for totals in all_totals:
        reasons.update(totals.reasons)
    why = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1))
    why.add_column(justify="right")
    why.add_column(style="yellow", no_wrap=True)
    why.add_column()
    for reason, number in sorted(reasons.items()):
        why.add_row(_count(number), reason, SENTENCES.get(reason, NO_SENTENCE))
    console.print(why)
    console.print(f" Each of them, by file, line and id: {escape(str(rejects))}", highlight=False)


def _counts(totals: FileTotals) -> tuple[int, int, int, int]:
    return totals.rows, totals.imported, totals.already_there, totals.rejected


def _count(number: int) -> str:
    return f"{number:,}"
