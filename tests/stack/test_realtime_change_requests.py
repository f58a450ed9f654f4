"""Reading of what clients ask for in `postgres_changes`."""

from __future__ import annotations

from typing import Any

import pytest

from stack.realtime.change_requests import Filter, InvalidRequest, parse, parse_filters


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id=eq.5", [Filter("id", "eq", "5", False)]),
        ("id=not.eq.5", [Filter("id", "eq", "5", True)]),
        ("a=eq.1,b=lt.2", [Filter("a", "eq", "1", False), Filter("b", "lt", "2", False)]),
        ("a=in.(x,y)", [Filter("a", "in", "{x,y}", False)]),
        ("a=not.is.null", [Filter("a", "is", "null", True)]),
        ('a=eq."x,y"', [Filter("a", "eq", "x,y", False)]),
        (r'a=eq."say \"hi\""', [Filter("a", "eq", 'say "hi"', False)]),
        ("a=like.%.pdf", [Filter("a", "like", "%.pdf", False)]),
        ("  ", []),
    ],
)  # fmt: skip
def test_filters_are_read(text: str, expected: list[Filter]) -> None:
    assert list(parse_filters(text)) == expected


@pytest.mark.parametrize("text", ["undefined", "a=foo.1", "a=in.x,y", "a=eq.1,,b=eq.2", "a"])
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="Error parsing `filter` params"):
        parse_filters(text)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"event": "INSERT"},
        {"schema": "public", "filter": "id=eq.1"},
        {"schema": "public", "table": "*", "select": ["id"]},
        {"schema": "public", "table": "notes", "select": "id"},
        {"schema": 1, "table": "notes"},
    ],
)
def test_a_request_that_cannot_be_served_is_refused(params: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        parse(params)


def test_a_schema_alone_means_all_its_tables_and_a_table_alone_is_public() -> None:
    assert (parse({"schema": "s"}).schema, parse({"schema": "s"}).table) == ("s", "*")
    assert (parse({"table": "t"}).schema, parse({"table": "t"}).event) == ("public", "*")
