"""What the audience sees: one line for every step with the time it took, and a table at the end."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich import box
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.terminal_theme import MONOKAI
from rich.text import Text

WIDEST = 92
SVG_WIDTH = 80
BAR_WIDTH = 36
# A picture in a README may not load fonts from elsewhere; the viewer's own will do.
SVG_FORMAT = re.sub(r"@font-face\s*\{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


@dataclass(slots=True)
class Step:
    """One step while it runs. `seconds` counts from `began`, which a step may set back itself."""

    began: float = field(default_factory=time.perf_counter)
    details: list[Text] = field(default_factory=list)
    ended: float | None = None

    def say(self, *parts: str | tuple[str, str]) -> None:
        """Add a line below the step: texts, or pairs of text and style."""
        self.details.append(
            Text.assemble(*((part, "dim") if isinstance(part, str) else part for part in parts))
        )

    def end(self) -> None:
        """Stop the clock now rather than when the step's block ends."""
        self.ended = time.perf_counter()

    @property
    def seconds(self) -> float:
        return (self.ended or time.perf_counter()) - self.began


class Screen:
    """Prints on the terminal and, for the picture, on a console of fixed width that records."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._recorder = Console(
            record=True, file=io.StringIO(), width=SVG_WIDTH, force_terminal=True
        )

    def open(self, title: str, subtitle: str) -> None:
        self._print("")
        self._print(Text(f" {title}", style="bold"))
        self._print(Text(f" {subtitle}", style="dim"))
        self._print("")

    @contextmanager
    def step(self, who: str, what: str) -> Iterator[Step]:
        """Show a spinner while the block runs, then the step with its time, or as failed."""
        title = Text.assemble((who, "bold"), " ", what)
        step = Step()
        try:
            with self._console.status(title):
                yield step
        except BaseException:
            self._line(Text("✗", style="bold red"), title, Text("failed", style="red"))
            raise
        if step.ended is None:
            step.end()
        self._line(Text("✓", style="bold green"), title, Text(milliseconds(step.seconds)))
        for detail in step.details:
            self._print(Padding(detail, (0, 1, 0, 3)))

    def close(self, timings: list[tuple[str, float]]) -> None:
        """The table of what matters, drawn to scale."""
        longest = max(seconds for _, seconds in timings)
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
        table.add_column("What people wait for")
        table.add_column("Time", justify="right")
        table.add_column("")
        for what, seconds in timings:
            length = max(1, round(BAR_WIDTH * seconds / longest))
            table.add_row(what, milliseconds(seconds), Text("━" * length, style="cyan"))
        self._print("")
        self._print(table)

    def save(self, path: Path) -> None:
        """Write what was shown as an SVG. Raises OSError."""
        self._recorder.save_svg(
            str(path),
            title="appoint demo",
            theme=MONOKAI,
            code_format=SVG_FORMAT,
            unique_id="appoint-demo",
        )

    def _line(self, mark: Text, title: Text, duration: Text) -> None:
        for console in (self._console, self._recorder):
            row = Table.grid(expand=True, padding=(0, 1))
            row.add_column(width=1)
            row.add_column(ratio=1)
            row.add_column(justify="right", no_wrap=True, style="cyan")
            row.add_row(mark, title, duration)
            console.print(Padding(row, (0, 1)), width=min(console.width, WIDEST))

    def _print(self, what: RenderableType) -> None:
        for console in (self._console, self._recorder):
            console.print(what, width=min(console.width, WIDEST), highlight=False)


def milliseconds(seconds: float) -> str:
    """A duration for people, such as "38 ms"."""
    return f"{seconds * 1000:,.0f} ms"
