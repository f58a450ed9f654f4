"""What became of each row: imported, already there, or rejected for a reason that has a key.

The rejects file names rows by file, line and id, so that their owner can find them; it never holds
what else was in a row. Neither do error messages.
"""

from __future__ import annotations

import csv
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TextIO

SENTENCES = {
    # The shape of a line, judged while reading.
    "line_too_long": "The line is longer than 64 KB.",
    "not_utf8": "The line is not UTF-8 text.",
    "unreadable_line": "The line is not CSV: a quote is not closed, or it holds a NUL character.",
    "wrong_number_of_fields": "The line has more or fewer fields than the header.",
    "bad_id": "An id is not a UUID.",
    "bad_time": "A time is not an ISO 8601 instant with its offset, such as 2024-05-01T13:45:00Z.",
    "bad_date": "A date is not written as YYYY-MM-DD.",
    "bad_email": "An e-mail address is none.",
    "bad_phone": "A phone number holds something other than digits, spaces and + ( ) / . -",
    "unusable_text": "A text holds control characters or characters that change how it reads.",
    "missing_value": "A required field is empty.",
    "value_too_long": "A field is longer than 200 characters.",
    # The rules, judged by the database.
    "slot_taken": "The provider is in another visit at this time.",
    "patient_already_booked": "The patient is in another visit of this clinic at this time.",
    "already_used": "Another record has what may be there only once.",
    "unknown_reference": "The clinic, provider or patient it names was not imported.",
    "not_found": "No encounter names a clinic for this patient.",
    "invalid_time": "The visit is not over, has no length, ends before it starts or is too long.",
    "invalid_input": "A field holds what the database does not accept.",
}
NO_SENTENCE = "The database refused the row."


class ImportFailed(Exception):
    """The import cannot begin or go on; the message is one sentence without personal data."""


@dataclass(frozen=True, slots=True)
class Reject:
    """One row that was not taken over. `row_id` is None where the row's id could not be read."""

    file: str
    line: int
    row_id: str | None
    reason: str

    @property
    def sentence(self) -> str:
        return SENTENCES.get(self.reason, NO_SENTENCE)


@dataclass(slots=True)
class FileTotals:
    """Counts of one file; `rows` is counted while reading, the others from the outcomes."""

    file: str
    rows: int = 0
    imported: int = 0
    already_there: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def add_up(self) -> bool:
        return self.rows == self.imported + self.already_there + self.rejected

    def count_reject(self, reason: str) -> None:
        self.rejected += 1
        self.reasons[reason] += 1


class RejectsFile:
    """A CSV file that appears when the import has ended, whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._partial = path.with_name(path.name + ".partial")
        self._file: TextIO

    def __enter__(self) -> RejectsFile:
        """Open before anything is imported. Raises ImportFailed if it cannot be written."""
        if self.path.is_dir():
            raise ImportFailed(f"the rejects file {self.path} is a directory")
        try:
            self._file = self._partial.open("w", encoding="utf-8", newline="")
        except OSError as error:
            raise ImportFailed(
                f"the rejects file {self.path} cannot be written: {error.strerror}"
            ) from None
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(["file", "line", "id", "reason", "sentence"])
        return self

    def add(self, reject: Reject) -> None:
        self._writer.writerow(
            [reject.file, reject.line, reject.row_id or "", reject.reason, reject.sentence]
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        if kind is None:
            os.replace(self._partial, self.path)
        else:
            self._partial.unlink(missing_ok=True)
