"""What a `phx_join` asks for, read leniently: what is missing or of the wrong type is off."""

from __future__ import annotations

import uuid
import zlib
from dataclasses import dataclass
from typing import Any

from stack.realtime.frames import Message, dumps

PREFIX = "realtime:"
LONGEST_WAIT_SECONDS = 20.0


class JoinRefused(Exception):
    """The join cannot be accepted; the message is `Code: text`, as clients know it."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code


@dataclass(frozen=True)
class Wishes:
    """A channel's configuration. `changes` are kept as they came, to be echoed exactly."""

    topic: str
    is_private: bool
    token: Any
    wants_ack: bool
    hears_itself: bool
    wants_replication_notice: bool
    replay: Any | None
    presence_enabled: bool
    presence_key: str
    changes: tuple[dict[str, Any], ...]
    # How long the reply may wait for the changes to be subscribed; None means not at all.
    changes_wait_seconds: float | None

    @classmethod
    def of(cls, join: Message) -> Wishes:
        config = _mapping(join.payload.get("config"))
        broadcast, presence = _mapping(config.get("broadcast")), _mapping(config.get("presence"))
        changes = config.get("postgres_changes")
        return cls(
            topic=join.topic.removeprefix(PREFIX),
            is_private=_is_true(config.get("private")),
            token=join.payload.get("access_token") or join.payload.get("user_token"),
            wants_ack=_is_true(broadcast.get("ack")),
            hears_itself=_is_true(broadcast.get("self")),
            wants_replication_notice=_is_true(broadcast.get("replication_ready")),
            replay=broadcast.get("replay"),
            presence_enabled=_is_true(presence.get("enabled")),
            presence_key=str(presence.get("key") or uuid.uuid4()),
            changes=tuple(
                one for one in (changes if isinstance(changes, list) else ()) if _mapping(one)
            ),
            changes_wait_seconds=_wait_seconds(_mapping(config.get("postgres_changes_options"))),
        )


def change_id(wish: dict[str, Any]) -> int:
    """The same for the same wish, and never zero, which supabase-py takes for unset."""
    wished = sorted((key, value) for key, value in wish.items() if key != "id")
    return zlib.crc32(dumps(wished).encode()) & 0x7FFFFFF or 1


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_true(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.lower() == "true")


def _wait_seconds(options: dict[str, Any]) -> float | None:
    if not _is_true(options.get("wait")):
        return None
    milliseconds = options.get("timeout")
    if not isinstance(milliseconds, int | float):
        return LONGEST_WAIT_SECONDS
    return min(milliseconds / 1000, LONGEST_WAIT_SECONDS)
