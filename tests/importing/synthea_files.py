"""Writes Synthea directories for the tests, from the project's sample or line by line."""

from __future__ import annotations

import csv
import re
import shutil
import uuid
from pathlib import Path

SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "synthea"
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
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


def fresh_sample(directory: Path) -> Path:
    """The sample with ids that no import has seen, as if it were another health system's."""
    copied = copy_sample(directory)
    seed = uuid.uuid4()
    for file in FILES:
        path = copied / file
        path.write_text(_ID.sub(lambda found: str(uuid.uuid5(seed, found[0])), path.read_text()))
    return copied
