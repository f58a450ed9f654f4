"""The wire format: Phoenix messages in protocol versions 1.0.0 (objects) and 2.0.0 (arrays, and
binary frames for broadcasts). Bodies of broadcasts stay encoded, so one is encoded once however
many sockets receive it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

USER_BROADCAST_PUSH = 3
USER_BROADCAST = 4
BINARY, JSON = 0, 1
LONGEST_FIELD = 255

Frame = str | bytes


class MalformedFrame(Exception):
    """The client sent what is no message of its protocol version."""


@dataclass(frozen=True)
class Broadcast:
    """A broadcast on its way to clients: `body` is JSON text, or opaque bytes if `is_binary`.

    One that was sent as a whole JSON payload has that in `whole` and no body.
    """

    event: str
    body: bytes = b""
    is_binary: bool = False
    meta: dict[str, Any] | None = None
    whole: str | None = None

    @cached_property
    def payload_text(self) -> str:
        """The message as a JSON payload, the only form that version 1.0.0 knows."""
        if self.whole is not None:
            return self.whole
        meta = f'"meta":{dumps(self.meta)},' if self.meta else ""
        body = self.body.decode()
        return f'{{{meta}"type":"broadcast","event":{dumps(self.event)},"payload":{body}}}'

    @property
    def size(self) -> int:
        """How much the sender gave us, in bytes."""
        return len(self.body) if self.whole is None else len(self.whole)

    @property
    def id(self) -> str | None:
        """The id of the row in realtime.messages, for broadcasts from the database."""
        return self.meta.get("id") if self.meta else None


@dataclass(frozen=True)
class Message:
    """A message from a client. A binary or version 2.0.0 broadcast arrives in `broadcast`."""

    topic: str
    event: str
    payload: dict[str, Any] = field(default_factory=dict)
    ref: str | None = None
    join_ref: str | None = None
    broadcast: Broadcast | None = None


def dumps(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def decode(frame: Frame, version: str) -> Message:
    """The message in a websocket frame. Raises MalformedFrame."""
    try:
        if isinstance(frame, bytes):
            return _decode_binary(frame)
        decoded = json.loads(frame)
        if version == "1.0.0":
            join_ref, ref = decoded.get("join_ref"), decoded.get("ref")
            topic, event, payload = decoded["topic"], decoded["event"], decoded.get("payload")
        else:
            join_ref, ref, topic, event, payload = decoded[:5]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise MalformedFrame(type(error).__name__) from None
    if not isinstance(topic, str) or not isinstance(event, str):
        raise MalformedFrame("topic and event must be strings")
    payload = payload if isinstance(payload, dict) else {}
    return Message(topic, event, payload, ref, join_ref)


def _decode_binary(frame: bytes) -> Message:
    if frame[0] != USER_BROADCAST_PUSH:
        raise MalformedFrame("unknown kind of binary frame")
    sizes, encoding, position = frame[1:6], frame[6], 7
    fields = []
    for size in sizes:
        fields.append(frame[position : position + size].decode())
        position += size
    join_ref, ref, topic, event, _meta = fields
    body = frame[position:]
    if encoding == JSON:
        json.loads(body)
    broadcast = Broadcast(event, body, is_binary=encoding == BINARY)
    return Message(topic, "broadcast", {}, ref or None, join_ref or None, broadcast)


def encode(
    version: str,
    topic: str,
    event: str,
    payload: str,
    refs: tuple[str | None, str | None] = (None, None),
) -> Frame:
    """A text frame. `payload` is JSON text already, `refs` are the join's and the message's own."""
    join_ref, ref = refs
    if version == "1.0.0":
        return (
            f'{{"topic":{dumps(topic)},"event":{dumps(event)},'
            f'"payload":{payload},"ref":{dumps(ref)}}}'
        )
    return f"[{dumps(join_ref)},{dumps(ref)},{dumps(topic)},{dumps(event)},{payload}]"


def encode_broadcast(version: str, topic: str, broadcast: Broadcast) -> Frame | None:
    """A broadcast for one protocol version; None if that version cannot carry it."""
    if version == "1.0.0" and broadcast.is_binary:
        return None
    if version == "1.0.0" or broadcast.whole is not None:
        return encode(version, topic, "broadcast", broadcast.payload_text)
    meta = dumps(broadcast.meta).encode() if broadcast.meta else b""
    fields = (topic.encode(), broadcast.event.encode(), meta)
    if any(len(one) > LONGEST_FIELD for one in fields):
        return None
    encoding = BINARY if broadcast.is_binary else JSON
    head = bytes([USER_BROADCAST, *(len(one) for one in fields), encoding])
    return head + b"".join(fields) + broadcast.body
