"""What the supervisor tells the outside: a small file that is replaced whole at every change.

A lock held for the supervisor's lifetime says whether one is running; unlike a pid file it cannot
go stale.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Literal

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
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    os.set_inheritable(file.fileno(), False)
    return file


def is_running(directory: Path) -> bool:
    """Whether a supervisor lives for this stack."""
    if not (directory / "supervisor.lock").exists():
        return False
    lock = acquire_lock(directory)
    if lock is None:
        return True
    lock.close()
    return False
