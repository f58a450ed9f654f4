"""docs/asvs.md leaves out no requirement and names no test that is not there."""

from __future__ import annotations

import re

from stack.config import PROJECT_DIR

PAGE = PROJECT_DIR / "docs/asvs.md"
# Requirements of levels 1 and 2 in version 5.0: 70 and 183.
REQUIREMENTS = 253
NUMBER = re.compile(r"(?<![\d.])\d{1,2}\.\d{1,2}\.\d{1,2}(?![\d.])")
FILE = re.compile(r"`((?:tests|docs|supabase)/[^`]+|\.env\.example|[a-z-]+\.(?:lock|json))`")


def test_every_requirement_is_answered_once() -> None:
    numbers = NUMBER.findall(PAGE.read_text())
    assert len(numbers) == len(set(numbers)) == REQUIREMENTS


def test_every_row_has_a_state() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if NUMBER.search(line)]
    for row in rows:
        state = row.split("|")[2].strip()
        assert state in {"Held", "Platform", "None", "Open"}, row


def test_what_is_named_exists() -> None:
    named = set(FILE.findall(PAGE.read_text()))
    assert len(named) > 30
    assert [name for name in sorted(named) if not (PROJECT_DIR / name).exists()] == []


def test_what_is_held_names_where_or_why() -> None:
    """A claim without a test says what makes one needless."""
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 4 and cells[2] == "Held":
            assert FILE.search(cells[3]) or len(cells[3]) > 20, line
