"""Lists of patients and providers that a clinic fills in with a spreadsheet and saves as CSV.

Headings may be written in the ways people write them, columns may stand in any order, and fields
may be parted by comma, semicolon or tab, as spreadsheets of different countries do. Only the name
is required. Dates are 1990-12-31 or 31.12.1990; what could be read in two ways is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from io import BytesIO

from appoint.importing import fields as shape
from appoint.importing.csv_files import CsvFile, read_header
from appoint.importing.fields import BadField
from appoint.importing.loader import Row
from appoint.importing.outcomes import ImportFailed
from appoint.texts import one_line

DELIMITERS = (",", ";", "\t")
PATIENT_HEADINGS = {
    "full_name": ("name", "full name", "full_name", "patient"),
    "date_of_birth": ("date of birth", "date_of_birth", "birth date", "birthdate", "dob", "born"),
    "email": ("e-mail", "email", "mail", "e-mail address", "email address"),
    "phone": ("phone", "telephone", "mobile", "phone number"),
}
PROVIDER_HEADINGS = {
    "full_name": ("name", "full name", "full_name", "provider"),
    "speciality": ("speciality", "specialty", "profession"),
}

_DATE_WITH_DOTS = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_PHONE = re.compile(r"\+?[\d\s()/.-]{3,49}", re.ASCII)


def open_patients(name: str, content: bytes) -> CsvFile:
    """Raises ImportFailed with one sentence if the header is unusable."""
    return _open(name, content, PATIENT_HEADINGS)


def open_providers(name: str, content: bytes) -> CsvFile:
    """Raises ImportFailed with one sentence if the header is unusable."""
    return _open(name, content, PROVIDER_HEADINGS)


def patient_row(fields: dict[str, str]) -> Row:
    """What the database takes of one line. Raises BadField."""
    return {
        "full_name": _line(shape.text(fields["full_name"])),
        "date_of_birth": _optional(fields.get("date_of_birth", ""), _date),
        "email": _optional(fields.get("email", ""), _email),
        "phone": _optional(fields.get("phone", ""), _phone),
    }


def provider_row(fields: dict[str, str]) -> Row:
    """What the database takes of one line. Raises BadField."""
    return {
        "full_name": _line(shape.text(fields["full_name"])),
        "speciality": _optional(fields.get("speciality", ""), lambda v: _line(shape.text(v))),
    }


def _open(name: str, content: bytes, headings: dict[str, tuple[str, ...]]) -> CsvFile:
    delimiter = _delimiter(content)
    header = read_header(name, BytesIO(content), delimiter)
    positions: dict[str, int] = {}
    for column, spellings in headings.items():
        places = [place for place, heading in enumerate(header) if heading in spellings]
        if len(places) > 1:
            raise ImportFailed(f"{name} names a column twice: {spellings[0]}")
        if places:
            positions[column] = places[0]
    if "full_name" not in positions:
        raise ImportFailed(f"{name} lacks the column {headings['full_name'][0]}")
    return CsvFile(name, len(content), lambda: BytesIO(content), len(header), positions, delimiter)


def _delimiter(content: bytes) -> str:
    """The one that the heading line holds most of."""
    heading = content.split(b"\n", 1)[0]
    return max(DELIMITERS, key=lambda delimiter: heading.count(delimiter.encode()))


def _optional(value: str, convert: Callable[[str], str]) -> str | None:
    return convert(value) if value else None


def _line(value: str) -> str:
    try:
        return one_line(value)
    except ValueError:
        raise BadField("unusable_text") from None


def _date(value: str) -> str:
    with_dots = _DATE_WITH_DOTS.fullmatch(value)
    if not with_dots:
        return shape.calendar_date(value)
    day, month, year = map(int, with_dots.groups())
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        raise BadField("bad_date") from None


def _email(value: str) -> str:
    if len(value) > 254 or not _EMAIL.fullmatch(_line(value)):
        raise BadField("bad_email")
    return value.lower()


def _phone(value: str) -> str:
    if not _PHONE.fullmatch(value):
        raise BadField("bad_phone")
    return value
