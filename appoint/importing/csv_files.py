"""Reads one CSV file line by line, trusting nothing in it.

One line is one record: Synthea writes no line breaks inside fields, and so an unclosed quote costs
one record and not the rest of the file. A file whose header is unusable is an error; a line that
cannot be read is handed out as a Reject, and reading goes on with the next one.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from appoint.importing.outcomes import ImportFailed, Reject

LONGEST_LINE = 64 * 1024  # bytes; Synthea's longest are below 1 KB
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Record:
    """The wanted fields of one line; `end` is the position in bytes where the line ended."""

    line: int
    fields: dict[str, str]
    end: int


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A file whose header was found good. `positions` holds where each wanted column stands; `size`
    is in bytes, as a measure of how far reading has come."""

    name: str
    size: int
    open: Callable[[], BinaryIO]
    columns: int
    positions: dict[str, int]
    delimiter: str = ","

    def records(self) -> Iterator[Record | Reject]:
        """Every line below the header that is not blank, in order."""
        with self.open() as file:
            _read_line(file)
            number = 1
            while (line := _read_line(file)) is not None:
                number += 1
                if line.strip():
                    yield self._record(number, line, file.tell())

    def _record(self, number: int, line: bytes, end: int) -> Record | Reject:
        if len(line) > LONGEST_LINE:
            return Reject(self.name, number, None, "line_too_long")
        try:
            values = _parse(line, self.delimiter)
        except UnicodeDecodeError:
            return Reject(self.name, number, None, "not_utf8")
        except csv.Error:
            return Reject(self.name, number, None, "unreadable_line")
        if len(values) != self.columns:
            return Reject(self.name, number, None, "wrong_number_of_fields")
        if any("\0" in value for value in values):  # PostgreSQL has no text that holds it
            return Reject(self.name, number, None, "unreadable_line")
        fields = {name: values[position].strip() for name, position in self.positions.items()}
        return Record(number, fields, end)


def open_csv(path: Path, wanted: Sequence[str]) -> CsvFile:
    """Read the header and find the wanted columns, whatever their order and case.

    Raises ImportFailed with one sentence if the file or its header is unusable.
    """
    if not path.is_file():
        raise ImportFailed(f"{path.name} is missing")
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            header = read_header(path.name, file)
    except OSError as error:
        raise ImportFailed(f"{path.name} cannot be read: {error.strerror}") from None
    positions = _positions(path.name, header, wanted)
    return CsvFile(path.name, size, lambda: path.open("rb"), len(header), positions)


def open_csv_content(name: str, content: bytes, wanted: Sequence[str]) -> CsvFile:
    """As `open_csv`, of a file that is in memory."""
    header = read_header(name, BytesIO(content))
    positions = _positions(name, header, wanted)
    return CsvFile(name, len(content), lambda: BytesIO(content), len(header), positions)


def read_header(name: str, file: BinaryIO, delimiter: str = ",") -> list[str]:
    """The names of the columns in lower case. Raises ImportFailed."""
    line = _read_line(file)
    if line is None or not line.strip():
        raise ImportFailed(f"{name} is empty; it needs at least the line of column names")
    if len(line) > LONGEST_LINE:
        raise ImportFailed(f"{name} does not begin with a line of column names")
    try:
        columns = _parse(line.removeprefix(BYTE_ORDER_MARK), delimiter)
    except UnicodeDecodeError:
        raise ImportFailed(f"{name} is not UTF-8 text") from None
    except csv.Error:
        raise ImportFailed(f"{name} does not begin with a line of column names") from None
    return [column.strip().lower() for column in columns]


def _positions(name: str, header: list[str], wanted: Sequence[str]) -> dict[str, int]:
    missing = [column for column in wanted if column.lower() not in header]
    if missing:
        raise ImportFailed(f"{name} lacks the columns {', '.join(missing)}")
    twice = [column for column in wanted if header.count(column.lower()) > 1]
    if twice:
        raise ImportFailed(f"{name} names a column twice: {', '.join(twice)}")
    return {column: header.index(column.lower()) for column in wanted}


def _parse(line: bytes, delimiter: str) -> list[str]:
    return next(csv.reader([line.decode("utf-8")], delimiter=delimiter, strict=True))


def _read_line(file: BinaryIO) -> bytes | None:
    """The next line, or None at the end; of a line that is too long only its beginning."""
    line = file.readline(LONGEST_LINE + 1)
    if len(line) > LONGEST_LINE:
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = file.readline(LONGEST_LINE)
    return line or None
