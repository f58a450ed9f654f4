"""Decoding of PostgreSQL's logical replication messages."""

from __future__ import annotations

import struct
from datetime import UTC, datetime

from stack.realtime.pgoutput import UNCHANGED, Decoder

RELATION = (
    b"R" + struct.pack("!I", 7) + b"public\0notes\0d" + struct.pack("!H", 2)
    + b"\1id\0" + struct.pack("!Ii", 20, -1)
    + b"\0title\0" + struct.pack("!Ii", 25, -1)
)  # fmt: skip
BEGIN = b"B" + struct.pack("!qqI", 1, 86_400_000_000, 5)


def values(*cells: str | bytes | None) -> bytes:
    encoded = struct.pack("!H", len(cells))
    for cell in cells:
        if cell is None:
            encoded += b"n"
        elif isinstance(cell, bytes):
            encoded += b"u"
        else:
            encoded += b"t" + struct.pack("!I", len(cell.encode())) + cell.encode()
    return encoded


def decoder() -> Decoder:
    prepared = Decoder()
    assert prepared.decode(BEGIN) is None
    assert prepared.decode(RELATION) is None
    return prepared


def change(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", 7) + body


def test_an_insert_carries_its_values_and_the_time_of_commit() -> None:
    decoded = decoder().decode(change(b"I", b"N" + values("1", "naïve")))
    assert decoded is not None
    assert (decoded.kind, decoded.new, decoded.old) == (
        "INSERT",
        {"id": "1", "title": "naïve"},
        None,
    )
    assert decoded.committed_at == datetime(2000, 1, 2, tzinfo=UTC)
    assert (decoded.relation.schema, decoded.relation.table) == ("public", "notes")
    assert [column.in_identity for column in decoded.relation.columns] == [True, False]


def test_an_update_without_old_values_tells_null_from_unchanged() -> None:
    decoded = decoder().decode(change(b"U", b"N" + values("1", b"u")))
    assert decoded is not None
    assert decoded.new == {"id": "1", "title": UNCHANGED}
    assert decoded.old is None
    decoded = decoder().decode(change(b"U", b"N" + values("1", None)))
    assert decoded is not None
    assert decoded.new == {"id": "1", "title": None}


def test_an_update_of_the_key_has_the_old_key_only() -> None:
    decoded = decoder().decode(change(b"U", b"K" + values("1", None) + b"N" + values("2", "b")))
    assert decoded is not None
    assert decoded.old == {"id": "1"}
    assert decoded.new == {"id": "2", "title": "b"}


def test_a_delete_has_the_key_or_the_whole_row() -> None:
    by_key = decoder().decode(change(b"D", b"K" + values("1", None)))
    assert by_key is not None
    assert (by_key.new, by_key.old) == (None, {"id": "1"})
    whole = decoder().decode(change(b"D", b"O" + values("1", None)))
    assert whole is not None
    assert whole.old == {"id": "1", "title": None}


def test_a_changed_table_is_decoded_with_its_new_columns() -> None:
    prepared = decoder()
    renamed = RELATION.replace(b"title", b"label")
    assert prepared.decode(renamed) is None
    decoded = prepared.decode(change(b"I", b"N" + values("1", "a")))
    assert decoded is not None
    assert decoded.new == {"id": "1", "label": "a"}


def test_commit_truncate_and_type_are_no_row_changes() -> None:
    prepared = decoder()
    assert prepared.decode(b"C\0" + struct.pack("!qqq", 1, 2, 3)) is None
    assert prepared.decode(b"T" + struct.pack("!IBI", 1, 0, 7)) is None
    assert prepared.decode(b"Y" + struct.pack("!I", 9) + b"public\0mood\0") is None
