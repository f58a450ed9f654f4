"""The web client's own tests (Vitest): words, errors, time zones, slots, calendar files."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from stack.config import PROJECT_DIR

WEB = PROJECT_DIR / "web"


def test_the_web_clients_logic() -> None:
    if not (WEB / "node_modules/vitest").exists() or shutil.which("npm") is None:
        pytest.skip("the web client's packages are not installed; `make web` does it")
    run = subprocess.run(
        ["npm", "--prefix", str(WEB), "run", "--silent", "test"],
        env={"PATH": os.environ["PATH"], "NO_COLOR": "1", "CI": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
