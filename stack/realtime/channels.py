"""One joined topic of one socket: joining, broadcasts, presence, tokens and row changes."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import psycopg

from stack.realtime import messages
from stack.realtime.access import UNREACHABLE, Access, Shutdown
from stack.realtime.change_requests import InvalidRequest, parse
from stack.realtime.frames import Broadcast, Message, dumps, encode
from stack.realtime.joins import JoinRefused, Wishes, change_id
from stack.realtime.limits import CallWindow
from stack.realtime.messages import InvalidReplay

if TYPE_CHECKING:
    from stack.realtime.server import Realtime
    from stack.realtime.sockets import Socket

# Put into the inbox when the stream of changes started anew.
RESUBSCRIBE = Message("", "resubscribe")
RETRY_SECONDS = 5.0
log = logging.getLogger("realtime")


class Channel:
    """Runs as one task, which takes messages from `inbox` in order."""

    def __init__(self, server: Realtime, socket: Socket, join: Message) -> None:
        self.server, self.socket = server, socket
        self.topic, self.join_ref = join.topic, join.join_ref or join.ref
        self.inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._join, self._wishes = join, Wishes.of(join)
        self.access = Access(server, socket, self._wishes)
        self.address = (self._wishes.topic, self._wishes.is_private)
        self.has_changes = bool(self._wishes.changes)
        self._tracked: dict[str, Any] | None = None
        self._presence_calls = CallWindow(
            server.limits.max_presence_calls, server.limits.presence_window_seconds
        )
        self._replayed: frozenset[str | None] = frozenset()

    async def run(self) -> None:
        """Join, then serve until the client leaves or the server must end the channel."""
        try:
            await self._accept()
            await self._serve()
        except JoinRefused as refusal:
            log.info("join refused: %s", refusal.code)
            self.close()
            await asyncio.sleep(self.server.limits.join_error_seconds)
            self.socket.reply(self._join, "error", {"reason": str(refusal)})
        except Shutdown as reason:
            log.info("channel ended by the server")
            self._system("system", "error", str(reason))
            self._push("phx_close", "{}", ref=self.join_ref)
        finally:
            self.close()

    def close(self) -> None:
        """Forget the channel; harmless when repeated."""
        self.server.changes.remove(self)
        self.server.hub.leave(self)

    def wants(self, broadcast: Broadcast) -> bool:
        may_read = self.access.permissions.read_broadcast
        return bool(may_read) and broadcast.id not in self._replayed

    def push_change(self, payload: str) -> None:
        if not self.server.hub.events.exceeded:
            self.server.hub.events.add()
            self._push("postgres_changes", payload)

    async def _accept(self) -> None:
        self._check_limits()
        try:
            await self.access.grant_join()
            replayed = await self._replay()
            if self.has_changes and self._wishes.changes_wait_seconds is not None:
                await self._await_changes(self._wishes.changes_wait_seconds)
        except psycopg.Error:
            raise JoinRefused("UnableToConnectToProject", UNREACHABLE) from None
        self.server.hub.join(self)
        # Each wish is echoed as it came, with its id: clients compare them one by one.
        echoed = [{**wish, "id": change_id(wish)} for wish in self._wishes.changes]
        self.socket.reply(self._join, "ok", {"postgres_changes": echoed})
        for broadcast in replayed:
            self.socket.send_broadcast(self.topic, broadcast)
        if self._wishes.presence_enabled and self.access.permissions.read_presence:
            self._push("presence_state", dumps(self.server.hub.presence_state(self)))
        if self._wishes.wants_replication_notice:
            await self.server.replication.ready.wait()
            self._system("system", "ok", "Replication connection established")
        if self.has_changes:
            await self._subscribe_to_changes()

    def _check_limits(self) -> None:
        if not self._wishes.topic:
            raise JoinRefused("TopicNameRequired", "You must provide a topic name")
        if self.server.joins.exceeded:
            self.socket.close()
            raise JoinRefused("ClientJoinRateLimitReached", "Too many joins per second")
        self.server.joins.add()
        if len(self.socket.channels) > self.server.limits.max_channels_per_client:
            raise JoinRefused("ChannelRateLimitReached", "Too many channels")

    async def _replay(self) -> list[Broadcast]:
        if self._wishes.replay is None:
            return []
        try:
            if not self._wishes.is_private:
                raise InvalidReplay("Replay is not allowed for public channels")
            database = self.server.database
            replayed = await messages.replay(database, self._wishes.topic, self._wishes.replay)
        except InvalidReplay as error:
            raise JoinRefused("UnableToReplayMessages", str(error)) from None
        self._replayed = frozenset(broadcast.id for broadcast in replayed)
        return replayed

    async def _await_changes(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.server.replication.ready.wait()
                await self._register_changes()
        except TimeoutError:
            reason = "the subscription was not confirmed in time"
            raise JoinRefused("PostgresChangesSubscribeTimeout", reason) from None
        except InvalidRequest as error:
            raise JoinRefused("RealtimeDisabledForConfiguration", str(error)) from None

    async def _serve(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self.access.seconds_until_check):
                    message = await self.inbox.get()
            except TimeoutError:
                self.access.recheck()
                continue
            if message.event == "phx_leave":
                self.close()
                self.socket.reply(message, "ok", {})
                self._push("phx_close", "{}", ref=self.join_ref)
                return
            await self._handle(message)

    async def _handle(self, message: Message) -> None:
        if message is RESUBSCRIBE:
            await self._subscribe_to_changes()
        elif message.event == "broadcast":
            await self._on_broadcast(message)
        elif message.event == "presence":
            await self._on_presence(message)
        elif message.event == "access_token":
            renewed = await self.access.renew(message.payload.get("access_token"))
            if renewed and self.has_changes:
                await self._subscribe_to_changes()

    async def _on_broadcast(self, message: Message) -> None:
        if not await self.access.may_broadcast():
            return
        if self.server.hub.events.exceeded:
            raise Shutdown("Too many messages per second")
        broadcast = message.broadcast or Broadcast(
            str(message.payload.get("event")), whole=dumps(message.payload)
        )
        fits = broadcast.size <= self.server.limits.max_payload_bytes
        if fits:
            sender = None if self._wishes.hears_itself else self
            self.server.hub.broadcast(*self.address, broadcast, sender)
        if self._wishes.wants_ack and fits:
            self.socket.reply(message, "ok", {})
        elif self._wishes.wants_ack:
            self.socket.reply(message, "error", {"reason": "payload_size_exceeded"})

    async def _on_presence(self, message: Message) -> None:
        if not self._presence_calls.allow():
            raise Shutdown("Client presence rate limit exceeded")
        event = str(message.payload.get("event")).lower()
        if event == "untrack":
            self._tracked = None
            self.socket.reply(message, "ok", {})
            self.server.hub.untrack(self)
        elif event == "track" and await self.access.may_track():
            self._track(message, message.payload.get("payload", {}))
        else:
            self.socket.reply(message, "error", {})

    def _track(self, message: Message, state: Any) -> None:
        if not isinstance(state, dict):
            reason = "Presence track payload must be a map"
            self.socket.reply(message, "error", {"reason": reason})
            return
        if len(dumps(state)) > self.server.limits.max_payload_bytes:
            raise Shutdown("Track message size exceeded")
        self.socket.reply(message, "ok", {})
        if state != self._tracked:
            self._tracked = state
            self.server.hub.track(self, self._wishes.presence_key, state)

    async def _subscribe_to_changes(self) -> None:
        """Register the wishes and say so; without a stream it waits for RESUBSCRIBE."""
        if not self.server.replication.ready.is_set():
            return
        try:
            await self._register_changes()
        except InvalidRequest as error:
            self._system("postgres_changes", "error", str(error))
        except psycopg.Error:
            self._system("postgres_changes", "error", UNREACHABLE)
            retry = asyncio.get_running_loop().call_later
            retry(RETRY_SECONDS, self.inbox.put_nowait, RESUBSCRIBE)
        else:
            self._system("postgres_changes", "ok", "Subscribed to PostgreSQL")

    async def _register_changes(self) -> None:
        requests = {change_id(wish): parse(wish) for wish in self._wishes.changes}
        await self.server.changes.subscribe(self, requests, self.access.identity)

    def _system(self, extension: str, status: str, message: str) -> None:
        payload = {"extension": extension, "status": status, "message": message}
        self._push("system", dumps(payload | {"channel": self._wishes.topic}))

    def _push(self, event: str, payload: str, ref: str | None = None) -> None:
        refs = (self.join_ref, ref)
        self.socket.send(encode(self.socket.version, self.topic, event, payload, refs))
