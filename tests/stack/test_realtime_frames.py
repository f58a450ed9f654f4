"""Frames of both protocol versions."""

from __future__ import annotations

import json

import pytest

from stack.realtime.frames import (
    Broadcast,
    MalformedFrame,
    decode,
    encode,
    encode_broadcast,
)


def test_both_versions_carry_the_same_message() -> None:
    old = decode('{"topic":"t","event":"e","payload":{"a":1},"ref":"2","join_ref":"1"}', "1.0.0")
    new = decode('["1","2","t","e",{"a":1}]', "2.0.0")
    assert old == new
    assert (new.join_ref, new.ref, new.payload) == ("1", "2", {"a": 1})


@pytest.mark.parametrize(
    ("frame", "version"),
    [
        ("nonsense", "2.0.0"),
        ("[1,2]", "2.0.0"),
        ("{}", "1.0.0"),
        ("[]", "1.0.0"),
        ('["1","2",3,"e",{}]', "2.0.0"),
        (b"", "2.0.0"),
        (b"\x09whatever", "2.0.0"),
        (b"\x03\x01\x01\x01\x01\x00\x01" + b"1" * 4 + b"not json", "2.0.0"),
    ],
)
def test_what_is_no_message_is_malformed(frame: str | bytes, version: str) -> None:
    with pytest.raises(MalformedFrame):
        decode(frame, version)


def test_a_client_broadcast_is_read_from_its_binary_frame() -> None:
    frame = b"\x03" + bytes([1, 1, 6, 5, 0, 0]) + b"12" + "tøpic".encode() + b"event" + b"\xff\x00"
    message = decode(frame, "2.0.0")
    assert (message.join_ref, message.ref, message.topic) == ("1", "2", "tøpic")
    assert message.broadcast == Broadcast("event", b"\xff\x00", is_binary=True)


def test_a_server_broadcast_is_binary_for_the_new_and_json_for_the_old_version() -> None:
    broadcast = Broadcast("e", b'{"a":1}', meta={"id": "x"})
    assert encode_broadcast("2.0.0", "t", broadcast) == b'\x04\x01\x01\x0a\x01te{"id":"x"}{"a":1}'
    text = encode_broadcast("1.0.0", "t", broadcast)
    assert isinstance(text, str)
    assert json.loads(text) == {
        "topic": "t",
        "event": "broadcast",
        "ref": None,
        "payload": {"type": "broadcast", "event": "e", "payload": {"a": 1}, "meta": {"id": "x"}},
    }


def test_the_old_version_gets_no_binary_payload() -> None:
    assert encode_broadcast("1.0.0", "t", Broadcast("e", b"\x00", is_binary=True)) is None


def test_text_frames_differ_by_version() -> None:
    assert json.loads(encode("2.0.0", "t", "e", "{}", ("1", "2"))) == ["1", "2", "t", "e", {}]
    assert json.loads(encode("1.0.0", "t", "e", "{}")) == {
        "topic": "t", "event": "e", "payload": {}, "ref": None,
    }  # fmt: skip
