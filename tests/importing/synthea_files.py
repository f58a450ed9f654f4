"""Writes Synthea directories for the tests, from the project's sample or line by line."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "synthea"
FILES = ("organizations.csv", "providers.csv", "patients.csv", "encounters.csv")


def copy_sample(directory: Path) -> Path:
    """The sample, in a directory where a test may change it."""
    return Path(shutil.copytree(SAMPLE, directory / "synthea"))


def rows(directory: Path, file: str) -> list[dict[str, str]]:
    with (directory / file).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def write(directory: Path, file: str, contents: list[dict[str, str]]) -> None:
    with (directory / file).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(contents[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(contents)
