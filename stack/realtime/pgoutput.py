"""Decodes PostgreSQL's logical replication messages: plugin pgoutput, protocol version 1, text."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final

EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)


class _Unchanged(Enum):
    UNCHANGED = "a large value that the change left alone and the log does not repeat"


UNCHANGED = _Unchanged.UNCHANGED
Value = str | None | _Unchanged


@dataclass(frozen=True)
class Column:
    name: str
    type_oid: int
    in_identity: bool


@dataclass(frozen=True)
class Relation:
    """A table, as it was when the change was logged."""

    oid: int
    schema: str
    table: str
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class RowChange:
    """One changed row. `new` is None for DELETE; `old` holds what the replica identity logs."""

    kind: str
    relation: Relation
    new: dict[str, Value] | None
    old: dict[str, Value] | None
    committed_at: datetime


@dataclass
class Decoder:
    """Turns messages into row changes; remembers relations and the transaction it is in."""

    _relations: dict[int, Relation] = field(default_factory=dict)
    _committed_at: datetime = EPOCH

    def decode(self, message: bytes) -> RowChange | None:
        """The row change in a message; None for messages that frame or describe the others."""
        reader = _Reader(message)
        kind = reader.byte()
        if kind == b"B":
            _final_lsn, microseconds = reader.integer("q"), reader.integer("q")
            self._committed_at = EPOCH + timedelta(microseconds=microseconds)
        elif kind == b"R":
            relation = _relation(reader)
            self._relations[relation.oid] = relation
        elif kind in (b"I", b"U", b"D"):
            return self._row_change(kind, reader)
        return None  # commit, truncate, type, origin and message need nothing done

    def _row_change(self, kind: bytes, reader: _Reader) -> RowChange:
        relation = self._relations[reader.integer("I")]
        new: dict[str, Value] | None = None
        old: dict[str, Value] | None = None
        part = reader.byte()
        if part in (b"K", b"O"):
            old = _tuple(reader, relation)
            if part == b"K":
                identity = {column.name for column in relation.columns if column.in_identity}
                old = {name: value for name, value in old.items() if name in identity}
            part = reader.byte() if kind == b"U" else b""
        if part == b"N":
            new = _tuple(reader, relation)
        names = {b"I": "INSERT", b"U": "UPDATE", b"D": "DELETE"}
        return RowChange(names[kind], relation, new, old, self._committed_at)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def take(self, size: int) -> bytes:
        taken = self._data[self._position : self._position + size]
        self._position += size
        return taken

    def byte(self) -> bytes:
        return self.take(1)

    def integer(self, code: str) -> int:
        value: int = struct.unpack(f"!{code}", self.take(struct.calcsize(code)))[0]
        return value

    def string(self) -> str:
        end = self._data.index(b"\0", self._position)
        text = self._data[self._position : end].decode()
        self._position = end + 1
        return text


def _relation(reader: _Reader) -> Relation:
    oid, schema, table = reader.integer("I"), reader.string(), reader.string()
    reader.byte()  # replica identity setting; the column flags say what it amounts to
    columns = []
    for _ in range(reader.integer("H")):
        in_identity = reader.byte() == b"\1"
        name, type_oid, _modifier = reader.string(), reader.integer("I"), reader.integer("i")
        columns.append(Column(name, type_oid, in_identity))
    return Relation(oid, schema or "pg_catalog", table, tuple(columns))


def _tuple(reader: _Reader, relation: Relation) -> dict[str, Value]:
    values: dict[str, Value] = {}
    count = reader.integer("H")
    for column in relation.columns[:count]:
        kind = reader.byte()
        if kind == b"t":
            values[column.name] = reader.take(reader.integer("I")).decode()
        else:
            values[column.name] = None if kind == b"n" else UNCHANGED
    return values
