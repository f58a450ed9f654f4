"""Which channels are on which topic, and how a broadcast reaches them. A public and a private
channel of one name are different topics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stack.realtime.frames import Broadcast, Frame, dumps, encode, encode_broadcast
from stack.realtime.limits import Limits, Rate
from stack.realtime.presence import Presence

if TYPE_CHECKING:
    from stack.realtime.channels import Channel


class Topic:
    """The channels joined to one topic and who is present there."""

    def __init__(self) -> None:
        self.channels: set[Channel] = set()
        self.presence = Presence()


class Hub:
    """All topics. Encodes each broadcast once per protocol version."""

    def __init__(self, limits: Limits) -> None:
        self._topics: dict[tuple[str, bool], Topic] = {}
        self.events = Rate(limits.max_events_per_second)

    def join(self, channel: Channel) -> None:
        self._topics.setdefault(channel.address, Topic()).channels.add(channel)

    def leave(self, channel: Channel) -> None:
        """Remove a channel and what it tracked. Leaving twice is harmless."""
        topic = self._topics.get(channel.address)
        if topic is None:
            return
        topic.channels.discard(channel)
        self._announce_presence(topic, topic.presence.untrack(channel))
        if not topic.channels:
            del self._topics[channel.address]

    def channels(self) -> list[Channel]:
        return [channel for topic in self._topics.values() for channel in topic.channels]

    def broadcast(
        self, name: str, private: bool, broadcast: Broadcast, sender: Channel | None = None
    ) -> None:
        """Send to everyone on the topic who may read it; not to `sender`."""
        topic = self._topics.get((name, private))
        if topic is None:
            return
        frames: dict[str, Frame | None] = {}
        for channel in list(topic.channels):
            if channel is sender or not channel.wants(broadcast):
                continue
            version = channel.socket.version
            if version not in frames:
                frames[version] = encode_broadcast(version, channel.topic, broadcast)
            frame = frames[version]
            if frame is not None:
                self.events.add()
                channel.socket.send(frame)

    def presence_state(self, channel: Channel) -> dict[str, Any]:
        return self._topics[channel.address].presence.state()

    def track(self, channel: Channel, key: str, state: dict[str, Any]) -> None:
        topic = self._topics[channel.address]
        self._announce_presence(topic, topic.presence.track(channel, key, state))

    def untrack(self, channel: Channel) -> None:
        topic = self._topics[channel.address]
        self._announce_presence(topic, topic.presence.untrack(channel))

    def _announce_presence(self, topic: Topic, difference: dict[str, Any] | None) -> None:
        if difference is None:
            return
        text = dumps(difference)
        for channel in topic.channels:
            if channel.access.permissions.read_presence:
                frame = encode(channel.socket.version, channel.topic, "presence_diff", text)
                channel.socket.send(frame)
