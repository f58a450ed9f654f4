"""The web client's types are those of the schema."""

from __future__ import annotations

import re

from stack import database_types
from stack.config import PROJECT_DIR


def words(typescript: str) -> list[str]:
    """What is said, without how it is laid out, some of which the formatter leaves as it is."""
    dense = re.sub(r"\s+", "", typescript)
    dense = re.sub(r"[;,](?=[}\])>])", "", dense)
    dense = re.sub(r"(?<=[:=(<,])\|", "", dense)
    return re.findall(r"[^;{}]*[;{}]", dense)


def test_the_types_of_the_web_client_are_made_from_this_schema(database_url: str) -> None:
    """`make generate` writes them anew."""
    written = (PROJECT_DIR / "web/src/lib/database-types.ts").read_text()
    assert words(written) == words(database_types.of_database(database_url))
