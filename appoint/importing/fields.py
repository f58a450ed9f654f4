"""The shape of single fields: ids, texts, dates and instants, each checked and put in one form."""

from __future__ import annotations

import re
from datetime import date, datetime

LONGEST_VALUE = 200

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class BadField(Exception):
    """A field has the wrong shape; `reason` is the key, and the field's content is not kept."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def is_uuid(value: str) -> bool:
    """Whether this is a UUID in its usual form, with hyphens, in any case."""
    return bool(_UUID.fullmatch(value))


def uuid(value: str) -> str:
    """The id in lower case. Raises BadField."""
    if not is_uuid(required(value)):
        raise BadField("bad_id")
    return value.lower()


def text(value: str) -> str:
    """The text, which must be there and not too long. Raises BadField."""
    if len(required(value)) > LONGEST_VALUE:
        raise BadField("value_too_long")
    return value


def optional_text(value: str) -> str | None:
    """The text, or None for an empty field. Raises BadField."""
    return text(value) if value else None


def calendar_date(value: str) -> str:
    """A date as YYYY-MM-DD. Raises BadField."""
    try:
        if _DATE.fullmatch(required(value)):
            return date.fromisoformat(value).isoformat()
    except ValueError:
        pass
    raise BadField("bad_date")


def instant(value: str) -> str:
    """An ISO 8601 instant; a local time without offset would be a guess. Raises BadField."""
    try:
        moment = datetime.fromisoformat(required(value))
    except ValueError:
        raise BadField("bad_time") from None
    if moment.tzinfo is None:
        raise BadField("bad_time")
    return moment.isoformat()


def required(value: str) -> str:
    """The value unless it is empty. Raises BadField."""
    if not value:
        raise BadField("missing_value")
    return value
