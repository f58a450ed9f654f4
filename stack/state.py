"""What the supervisor tells the outside: a small file that is replaced whole at every change.

A lock held for the supervisor's lifetime says whether one is running; unlike a pid file it cannot
go stale. A second one is held by whoever configures or starts the stack, so that of two who want to
at once the later one finds what the earlier one made.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Literal

# Longer than anybody looks at the supervisor's lock.
LOOKING_SECONDS = 2.0

Phase = Literal["starting", "ready", "failed", "stopping"]


@dataclass
class PartState:
    """One part as the supervisor last saw it."""

    pid: int | None = None
    restarts: int = 0
    healthy: bool = False


@dataclass
class StackState:
    """The whole stack. `step` is what is being done now, in words; `error` why it failed."""

    supervisor_pid: int
    phase: Phase = "starting"
    step: str = ""
    error: str | None = None
    parts: dict[str, PartState] = field(default_factory=dict)

    def save(self, directory: Path) -> None:
        partial = directory / "state.json.partial"
        partial.write_text(json.dumps(asdict(self)))
        partial.replace(directory / "state.json")

    @classmethod
    def load(cls, directory: Path) -> StackState | None:
        """The state last written, whoever wrote it; None if there never was one."""
        try:
            stored = json.loads((directory / "state.json").read_text())
        except (FileNotFoundError, ValueError):
            return None
        parts = {name: PartState(**part) for name, part in stored.pop("parts").items()}
        return cls(**stored, parts=parts)


def acquire_lock(directory: Path) -> IO[str] | None:
    """The supervisor's lock, held until the returned file closes; None if another one holds it."""
    file = (directory / "supervisor.lock").open("a+")
    deadline = time.monotonic() + LOOKING_SECONDS
    while not _lock(file, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            file.close()
            return None
        time.sleep(0.02)  # somebody may only be looking whether it is held
    return file


def _lock(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_running(directory: Path) -> bool:
    """Whether a supervisor lives for this stack."""
    try:
        file = (directory / "supervisor.lock").open()
    except FileNotFoundError:
        return False
    with file:  # shared, so that two who look do not take each other for a supervisor
        return not _lock(file, fcntl.LOCK_SH)


@contextlib.contextmanager
def one_at_a_time(directory: Path) -> Iterator[None]:
    """Waits until nobody else configures or starts this stack."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "start.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
