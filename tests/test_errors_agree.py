"""One list of errors: SQL, Python and docs/errors.md say the same."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from postgrest import APIError

from appoint import errors

PROJECT = Path(__file__).resolve().parent.parent
MIGRATIONS = sorted((PROJECT / "supabase/migrations").glob("*.sql"))


def sql_keys() -> dict[str, int]:
    text = next(path for path in MIGRATIONS if path.name.endswith("_errors.sql")).read_text()
    return {key: int(status) for key, status in re.findall(r"\('([a-z_]+)', (\d{3}), '", text)}


def raised_keys() -> set[str]:
    """Keys that some function raises, `case … then 'key'` included."""
    calls: Iterable[str] = (
        call
        for path in MIGRATIONS
        for call in re.findall(r"raise_error\(((?:[^()']|'[^']*'|\([^()]*\))*)\)", path.read_text())
    )
    keys = set()
    for call in calls:
        first = call.strip()
        if first.startswith("case"):
            keys |= set(re.findall(r"(?:then|else) '([a-z_]+)'", first))
        elif match := re.match(r"'([a-z_]+)'", first):
            keys.add(match[1])
    return keys


def test_python_has_each_of_the_databases_keys_with_its_status() -> None:
    assert {key: error.status for key, error in errors.ERRORS.items()} == sql_keys()


def test_the_page_lists_each_key_with_its_status() -> None:
    page = (PROJECT / "docs/errors.md").read_text()
    listed = {key: int(status) for key, status in re.findall(r"\| `([a-z_]+)` \| (\d{3}) \|", page)}
    assert listed == sql_keys()


def test_functions_raise_known_keys_only() -> None:
    raised = raised_keys()
    assert len(raised) > 10
    assert raised <= set(sql_keys())


def test_the_tree_in_the_docstring_shows_each_class_with_its_key() -> None:
    for key, error in errors.ERRORS.items():
        assert re.search(rf"── {error.__name__} +{key}\b", errors.__doc__ or ""), key


@pytest.mark.parametrize("key", sorted(errors.ERRORS))
def test_an_answer_with_a_key_becomes_its_exception(key: str) -> None:
    kind = errors.ERRORS[key]
    answer = APIError(
        {"code": f"PT{kind.status}", "message": key, "hint": "A sentence.", "details": None}
    )
    error = errors.from_api_error(answer)
    assert type(error) is kind
    assert (str(error), error.hint) == (key, "A sentence.")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("42501", errors.NotAllowed),
        ("22P02", errors.InvalidInput),
        ("PGRST301", errors.NotSignedIn),
        ("57014", errors.Unexpected),
        (None, errors.Unexpected),
    ],
)
def test_other_answers_keep_no_text_of_the_database(
    code: str | None, kind: type[errors.AppointError]
) -> None:
    answer = APIError({"code": code, "message": "unmistakable", "hint": "unmistakable"})
    error = errors.from_api_error(answer)
    assert type(error) is kind
    assert "unmistakable" not in f"{error} {error.hint} {vars(error)}"
