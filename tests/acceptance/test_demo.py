"""`appoint demo` against a running stack, as a newcomer runs it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from appoint.demo.command import play
from stack.config import HOST, PROJECT_DIR, StackConfig
from stack.parts import product_environment


def test_the_story_comes_to_its_end_and_can_be_drawn(stack: StackConfig, tmp_path: Path) -> None:
    played = subprocess.run(
        [sys.executable, "-m", "appoint", "demo", "--svg", "demo.svg"],
        cwd=tmp_path,  # where no .env is
        env={"PYTHONPATH": str(PROJECT_DIR), "COLUMNS": "100", **product_environment(stack)},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert (played.returncode, played.stderr) == (0, "")
    told = [line.split("  ")[0] for line in played.stdout.splitlines()]
    steps = [line.removeprefix(" ✓ ") for line in told if line.startswith(" ✓")]
    assert [step for step in steps if not step.startswith("Nora books ")] == [
        "Nora signs up",
        "Nora becomes a patient of Harbour Clinic",
        "Nora looks for a free time for “Check-up”",
        "Nora listens to what becomes free or taken",
        "Nora hears slots_changed",
        "Nora gets the confirmation by mail",
        "Sam signs up",
        "Sam becomes a patient of Harbour Clinic",
        "Sam asks for the same time",
        "Nora cancels",
        "Nora gets the cancellation by mail",
    ]
    assert "409 slot_taken" in played.stdout
    assert "Booking → mail" in played.stdout
    picture = (tmp_path / "demo.svg").read_text()
    assert ElementTree.fromstring(picture).tag.endswith("svg")
    assert "slot_taken" in picture
    assert str(tmp_path) not in picture
    assert "@font-face" not in picture


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"SUPABASE_URL": f"http://{HOST}:1"}, "the stack does not answer"),
        ({"SUPABASE_URL": ""}, "not set: SUPABASE_URL"),
        ({"SUPABASE_PUBLISHABLE_KEY": "sb_publishable_wrong"}, "refused: Invalid API key"),
        ({"RESEND_API_URL": f"http://{HOST}:1"}, "the stack does not answer"),
    ],
)
async def test_a_stack_that_is_not_there_is_one_line(
    stack: StackConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    changed: dict[str, str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in (product_environment(stack) | changed).items():
        monkeypatch.setenv(name, value)
    assert await asyncio.to_thread(play, None) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"error: {sentence}")
    assert printed.err.count("\n") == 1
