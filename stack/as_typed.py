"""How people start this very `appoint` from where they are, for messages that tell them to."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from stack.config import DEFAULT_DIRECTORY


def as_typed(arguments: str, directory: Path = DEFAULT_DIRECTORY) -> str:
    """A command line that works as it stands; it names the stack unless it is the usual one."""
    named = "" if directory.resolve() == DEFAULT_DIRECTORY else f" --stack {directory}"
    return f"{_program()} {arguments}{named}"


def _program() -> str:
    script = Path(sys.executable).with_name("appoint")
    if not script.exists():
        return f"{sys.executable} -m appoint"
    on_path = shutil.which("appoint")
    if on_path and os.path.samefile(on_path, script):
        return "appoint"
    return str(script.relative_to(Path.cwd()) if script.is_relative_to(Path.cwd()) else script)
