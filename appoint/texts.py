"""Texts that people type: one line of visible characters, fit for PostgreSQL and mail headers."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator

# Control characters, lone surrogates and unassigned code points; format characters that reorder
# what is shown or pad it invisibly.
REFUSED_CATEGORIES = ("Cc", "Cs", "Cn", "Co", "Zl", "Zp")
DECEPTIVE = frozenset("\u200b\u2060\ufeff\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e") | (
    frozenset("\u2066\u2067\u2068\u2069")
)


def one_line(text: str) -> str:
    """The text in composed form. Raises ValueError for what is not one line of visible text."""
    for letter in text:
        if letter in DECEPTIVE or unicodedata.category(letter) in REFUSED_CATEGORIES:
            raise ValueError("must be one line of visible text")
    return unicodedata.normalize("NFC", text)


OneLine = Annotated[str, AfterValidator(one_line)]
