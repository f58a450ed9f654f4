"""What a client asks for in `postgres_changes`: event, table, row filters and columns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from stack.realtime.pgoutput import RowChange

OPERATORS = frozenset(
    "eq neq lt lte gt gte in like ilike is match imatch isdistinct".split()  # noqa: SIM905
)
EVENTS = ("INSERT", "UPDATE", "DELETE")


class InvalidRequest(Exception):
    """The request cannot be served; the message goes to the client."""


@dataclass(frozen=True)
class Filter:
    """One condition on a column; all of a request's filters must hold."""

    column: str
    operator: str
    operand: str
    negate: bool


@dataclass(frozen=True)
class ChangeRequest:
    """A subscription's wishes; `*` stands for every event, schema or table."""

    event: str
    schema: str
    table: str
    filters: tuple[Filter, ...] = ()
    select: frozenset[str] | None = None

    def concerns(self, change: RowChange) -> bool:
        relation = change.relation
        return (
            self.event in ("*", change.kind)
            and self.schema in ("*", relation.schema)
            and self.table in ("*", relation.table)
        )

    def __str__(self) -> str:
        filters = ", ".join(f"{f.column} {f.operator}" for f in self.filters)
        columns = ", ".join(sorted(self.select or ())) or "all"
        return (
            f"[event: {self.event}, schema: {self.schema}, table: {self.table}, "
            f"filters: [{filters}], select: {columns}]"
        )


def parse(params: dict[str, Any]) -> ChangeRequest:
    """Raises InvalidRequest."""
    schema, table, text = params.get("schema"), params.get("table"), params.get("filter")
    if not isinstance(schema, str | None) or not isinstance(table, str | None):
        raise InvalidRequest("`schema` and `table` must be strings")
    if (schema is None and table is None) or (text is not None and table is None):
        raise InvalidRequest(
            "No subscription params provided. "
            "Please provide at least a `schema` or `table` to subscribe to"
        )
    schema, table = schema or "public", table or "*"
    event = str(params.get("event", "*")).upper()
    select = _parse_select(params.get("select"))
    if select and "*" in (schema, table):
        raise InvalidRequest(
            "Column selection is not supported for wildcard subscriptions. "
            "Provide an explicit schema and table name."
        )
    filters = parse_filters(text) if isinstance(text, str) else ()
    return ChangeRequest(event if event in EVENTS else "*", schema, table, filters, select)


def _parse_select(columns: Any) -> frozenset[str] | None:
    if isinstance(columns, str):
        raise InvalidRequest(
            "Error parsing `select` params: expected a list of column name strings, "
            'e.g. select: ["col1", "col2"]'
        )
    names = [name for name in columns or [] if isinstance(name, str)]
    return frozenset(names) or None


def parse_filters(text: str) -> tuple[Filter, ...]:
    """`a=eq.1,b=not.in.(x,y)`: comma means AND. Raises InvalidRequest."""
    if not text.strip():
        return ()
    return tuple(_parse_filter(segment.strip()) for segment in _split_top_level(text))


def _split_top_level(text: str) -> list[str]:
    """Split at commas outside parentheses and outside quoted operands."""
    segments, depth, quoted, previous = [""], 0, False, ""
    characters = iter(text)
    for character in characters:
        if quoted and character == "\\":
            segments[-1] += character + next(characters, "")
            continue
        if character == '"' and (quoted or previous in (".", "(", ",")):
            quoted = not quoted
        elif not quoted and character in "()":
            depth = max(0, depth + (1 if character == "(" else -1))
        if character == "," and depth == 0 and not quoted:
            segments.append("")
        else:
            segments[-1] += character
        previous = character
    return segments


def _parse_filter(segment: str) -> Filter:
    prefix = "Error parsing `filter` params: "
    if not segment:
        raise InvalidRequest(
            prefix + "filter must not contain empty segments (check for extra commas)"
        )
    column, _, condition = segment.partition("=")
    negate = condition.startswith("not.")
    operator, dot, operand = condition.removeprefix("not.").partition(".")
    if not dot or operator not in OPERATORS:
        parts = [operator, operand] if dot else [segment]
        raise InvalidRequest(prefix + "[" + ", ".join(f'"{part}"' for part in parts) + "]")
    if operator == "in":
        if not re.fullmatch(r"\(.*\)", operand, re.DOTALL):
            raise InvalidRequest(prefix + "`in` filter value must be wrapped by parentheses")
        operand = "{" + operand[1:-1] + "}"
    elif re.fullmatch(r'"(?:[^"\\]|\\.)*"', operand, re.DOTALL):
        operand = re.sub(r"\\(.)", r"\1", operand[1:-1], flags=re.DOTALL)
    return Filter(column, operator, operand, negate)
