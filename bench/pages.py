"""The result page of a day: one section per measurement, with the machine it was taken on."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


@dataclass
class Section:
    """One table of a result page, with a sentence on how it was measured."""

    title: str
    how: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def as_markdown(self) -> str:
        lines = [f"## {self.title}\n\n{self.how}\n\n"]
        lines.append("| " + " | ".join(self.columns) + " |\n")
        lines.append("|" + "---|" * len(self.columns) + "\n")
        lines += ["| " + " | ".join(row) + " |\n" for row in self.rows]
        return "".join(lines)

    def show(self, console: Console) -> None:
        table = Table(*self.columns, title=self.title, title_justify="left")
        for row in self.rows:
            table.add_row(*row)
        console.print(table)


def spread(values: Sequence[float], unit: str = "", digits: int = 2) -> str:
    """Median and range of repeated measurements."""
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:,.{digits}f}{unit} ({low:,.{digits}f}–{high:,.{digits}f})"


def load() -> str:
    """How busy the machine is with whatever else runs on it; above its cores figures suffer."""
    return "{:.1f}, {:.1f}, {:.1f} (1, 5, 15 minutes)".format(*os.getloadavg())


def machine() -> str:
    """What the figures were taken on; ratios travel, absolute figures do not."""
    names = [
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    processor = names[0] if names else platform.machine()
    return (
        f"{os.cpu_count()} cores ({processor}), {memory:.0f} GB, {platform.system()}; "
        "shared by database and clients"
    )


def write(sections: Sequence[Section]) -> Path:
    """Put the sections on today's page; what else was measured today stays."""
    today = datetime.now(UTC).date().isoformat()
    page = RESULTS / f"{today}.md"
    kept: dict[str, str] = {}
    if page.exists():
        for part in page.read_text().split("\n## ")[1:]:
            kept[part.split("\n", 1)[0]] = f"## {part.rstrip()}\n"
    kept |= {section.title: section.as_markdown() for section in sections}
    RESULTS.mkdir(exist_ok=True)
    page.write_text(f"# {today}\n\n{machine()}\n\n" + "\n".join(kept.values()))
    return page
