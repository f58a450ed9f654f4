"""Runs the measurements and writes the day's page; see `bench/README.md`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import Console

from bench import (
    booking,
    contention,
    feeds,
    over_http,
    pages,
    queue,
    reads,
    request_ids,
    scene,
    sending,
    slots,
    stack_figures,
    web,
)
from bench.cluster import running_cluster

console = Console()
DATABASE_PARTS = ("booking", "contention", "slots", "http", "request-id", "queue", "reads")
PARTS = (*DATABASE_PARTS, "sending", "feeds", "stack", "web")


def main(  # noqa: PLR0917 - typer's way to have options
    parts: Annotated[
        list[str] | None, typer.Argument(help=f"Any of {', '.join(PARTS)}; all if none is given.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1)] = 5,
    seconds: Annotated[float, typer.Option(min=1, help="Length of each run.")] = 3,
    sizes: Annotated[str, typer.Option(help="Existing visits, comma-separated.")] = ",".join(
        map(str, scene.SIZES)
    ),
    write: Annotated[bool, typer.Option(help="Write the result page.")] = True,
    long: Annotated[bool, typer.Option(help="The queue at full load for half an hour.")] = False,
) -> None:
    """Measure speed as ratios, each pair in the same run."""
    chosen = parts or list(PARTS)
    if unknown := set(chosen) - set(PARTS):
        raise typer.BadParameter(f"unknown: {', '.join(sorted(unknown))}")
    wanted = tuple(int(size) for size in sizes.split(","))
    for section in measure(chosen, wanted, repeats, seconds, long=long):
        section.how += f" Load of the machine afterwards: {pages.load()}."
        section.show(console)
        if write:  # at once, so that an interrupted run keeps what it has
            console.print(f"Written to {pages.write([section])}")


def measure(
    chosen: list[str], sizes: tuple[int, ...], repeats: int, seconds: float, *, long: bool
) -> Iterator[pages.Section]:
    """Measures part after part."""
    if set(chosen) & set(DATABASE_PARTS):
        with running_cluster() as cluster:
            console.print("Loading visits …")
            databases = scene.make_all(cluster, sizes)
            middle = databases[sorted(databases)[len(databases) // 2]]
            if "slots" in chosen:
                yield from slots.measure(cluster, databases, repeats, console)
            if "booking" in chosen:
                yield from booking.measure(cluster, databases, repeats, seconds, console)
            if "contention" in chosen:
                yield from contention.measure(cluster, middle, repeats, seconds, console)
            if "request-id" in chosen:
                yield from request_ids.measure(cluster, middle, repeats, console)
            if "queue" in chosen:
                yield from queue.measure(cluster, middle, repeats, console, long=long)
            if "reads" in chosen:
                yield from reads.measure(cluster, databases, repeats, console)
            if "http" in chosen:
                yield from over_http.measure(cluster, databases, repeats, seconds, console)
    if "sending" in chosen:
        yield from sending.measure(repeats, console, long=long)
    if "feeds" in chosen:
        yield from feeds.measure(repeats * 4)
    if "stack" in chosen:
        yield from stack_figures.measure()
    if "web" in chosen:
        yield from web.measure(console)


if __name__ == "__main__":
    typer.run(main)
