"""Writes docs/access.md: `python -m tests.access.write`."""

from __future__ import annotations

import asyncio
import sys

from tests.access import matrix, page
from tests.stacks import running_stack

NOT_NEEDED = ("api", "worker", "web", "functions", "mailbox", "auth", "realtime", "gateway")


def main() -> None:
    """Ask everything on a stack of its own and write down the answers."""
    with running_stack(without=NOT_NEEDED) as stack, matrix.prepared(stack) as scene:
        answers = asyncio.run(matrix.run(stack, scene))
        page.PAGE.write_text(page.render(scene, answers))
    sys.stdout.write(f"{page.PAGE.name}: {len(answers):,} cells\n")


if __name__ == "__main__":
    main()
