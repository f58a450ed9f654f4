"""What an answer of PostgREST means: let through, refused by a grant, or by a rule's key."""

from __future__ import annotations

import json
from dataclasses import dataclass

NO_PRIVILEGE = "42501"
# Row security let the row through, and a constraint had the last word.
CONSTRAINTS = ("23",)


@dataclass(frozen=True)
class Answer:
    """Status, body and the number of rows that were read or written."""

    status: int
    body: str
    range: str

    @property
    def rows(self) -> int:
        """How many rows it is about, by Content-Range."""
        total = self.range.rpartition("/")[2]
        if total.isdigit():
            return int(total)
        return 0 if self.range.startswith("*") else 1

    @property
    def error(self) -> str:
        """The code of the error: SQLSTATE or PostgREST's own."""
        found = json.loads(self.body or "null") if self.status >= 400 else None
        return str(found.get("code", "")) if isinstance(found, dict) else ""

    @property
    def refusal(self) -> str:
        """How it was refused, in one word; empty if it was not.

        `denied` is for want of a grant, `policy` by row security.
        """
        if self.status < 400:
            return ""
        message = str(json.loads(self.body or "{}").get("message", ""))
        if self.error == NO_PRIVILEGE:
            return "policy" if "row-level security" in message else "denied"
        if self.error.startswith("PT"):
            return message
        return self.error or str(self.status)

    @property
    def visible(self) -> tuple[int, str, str]:
        """All that the caller can tell apart."""
        return self.status, self.body, self.range
