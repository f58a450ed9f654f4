"""One joined topic of one socket: joining, broadcasts, presence, tokens and row changes."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg

from stack.realtime import messages
from stack.realtime.authorization import PUBLIC, Permissions, Person, PolicyError
from stack.realtime.change_requests import ChangeRequest, InvalidRequest, parse
from stack.realtime.frames import Broadcast, Message, dumps, encode
from stack.realtime.limits import CallWindow
from stack.realtime.messages import InvalidReplay
from stack.realtime.tokens import Identity, InvalidToken

if TYPE_CHECKING:
    from stack.realtime.server import Realtime
    from stack.realtime.sockets import Socket

PREFIX = "realtime:"
LONGEST_WAIT_SECONDS = 20.0
UNREACHABLE = "Realtime was unable to connect to the project database"
# Put into the inbox when the stream of changes started anew.
RESUBSCRIBE = Message("", "resubscribe")
log = logging.getLogger("realtime")


class JoinRefused(Exception):
    """The join cannot be accepted; the message is `Code: text`."""


class Shutdown(Exception):
    """The channel must end; the message tells the client why."""


class Channel:
    """Runs as one task, which takes messages from `inbox` in order."""

    def __init__(self, server: Realtime, socket: Socket, join: Message) -> None:
        self.server, self.socket = server, socket
        self.topic, self.join_ref = join.topic, join.join_ref or join.ref
        self.name = join.topic.removeprefix(PREFIX)
        self.inbox: asyncio.Queue[Message] = asyncio.Queue()
        self.permissions = Permissions()
        self._join = join
        config = _mapping(join.payload.get("config"))
        self._broadcast = _mapping(config.get("broadcast"))
        presence = _mapping(config.get("presence"))
        self._presence_enabled = _is_true(presence.get("enabled"))
        self._presence_key = str(presence.get("key") or uuid.uuid4())
        self._presence_state: Any = None
        self._presence_calls = CallWindow(
            server.limits.max_presence_calls, server.limits.presence_window_seconds
        )
        self.address = (self.name, _is_true(config.get("private")))
        self._changes = _change_params(join.payload, self.name)
        self._change_options = _mapping(config.get("postgres_changes_options"))
        self._identity = socket.identity
        self._token_check_at = 0.0
        self._replayed: frozenset[str | None] = frozenset()

    @property
    def is_private(self) -> bool:
        return self.address[1]

    @property
    def has_changes(self) -> bool:
        return bool(self._changes)

    async def run(self) -> None:
        """Join, then serve until the client leaves or the server must end the channel."""
        try:
            await self._accept()
            await self._serve()
        except JoinRefused as refusal:
            log.info("join refused: %s", str(refusal).split(":")[0])
            self.close()
            await asyncio.sleep(self.server.limits.join_error_seconds)
            self._reply(self._join, "error", {"reason": str(refusal)})
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
        return bool(self.permissions.read_broadcast) and broadcast.id not in self._replayed

    def push_change(self, payload: str) -> None:
        if not self.server.hub.events.exceeded:
            self.server.hub.events.add()
            self._push("postgres_changes", payload)

    async def _accept(self) -> None:
        if not self.name:
            raise JoinRefused("TopicNameRequired: You must provide a topic name")
        self._check_limits()
        token = self._join.payload.get("access_token") or self._join.payload.get("user_token")
        try:
            self._take_token(token)
        except InvalidToken as error:
            raise JoinRefused(f"{error.code}: {error}") from None
        try:
            await self._authorize_join()
            replayed = await self._replay()
            response = await self._join_response()
        except psycopg.Error:
            raise JoinRefused(f"UnableToConnectToProject: {UNREACHABLE}") from None
        self.server.hub.join(self)
        self._reply(self._join, "ok", response)
        for broadcast in replayed:
            self.socket.send_broadcast(self.topic, broadcast)
        if self._presence_enabled and self.permissions.read_presence:
            self._push("presence_state", dumps(self.server.hub.presence_state(self)))
        if self._broadcast.get("replication_ready"):
            await self.server.replication.ready.wait()
            self._system("system", "ok", "Replication connection established")
        if self.has_changes:
            await self._subscribe_to_changes()

    def _check_limits(self) -> None:
        joins = self.server.joins
        if joins.exceeded:
            self.socket.close()
            raise JoinRefused("ClientJoinRateLimitReached: Too many joins per second")
        joins.add()
        if len(self.socket.channels) > self.server.limits.max_channels_per_client:
            raise JoinRefused("ChannelRateLimitReached: Too many channels")

    async def _authorize_join(self) -> None:
        try:
            self.permissions = await self._read_permissions()
        except PolicyError:
            self.permissions = Permissions(read_broadcast=False, read_presence=False)
        may_read = self.permissions.read_broadcast or self.permissions.read_presence
        if not may_read or (self._wants_replay and not self.permissions.read_broadcast):
            raise JoinRefused(f"Unauthorized: {self._no_read_permission}")

    async def _read_permissions(self) -> Permissions:
        if not self.is_private:
            return PUBLIC
        extensions = ("broadcast", "presence") if self._presence_enabled else ("broadcast",)
        readable = await self.server.authorizer.readable(self.name, self._person, extensions)
        return Permissions(
            read_broadcast=readable["broadcast"], read_presence=readable.get("presence")
        )

    @property
    def _no_read_permission(self) -> str:
        return f"You do not have permissions to read from this Channel topic: {self.name}"

    @property
    def _person(self) -> Person:
        return Person(self._identity, self.socket.headers)

    @property
    def _wants_replay(self) -> bool:
        return "replay" in self._broadcast

    async def _replay(self) -> list[Broadcast]:
        if not self._wants_replay:
            return []
        if not self.is_private:
            reason = "Replay is not allowed for public channels"
            raise JoinRefused(f"UnableToReplayMessages: {reason}")
        options = _mapping(self._broadcast["replay"])
        try:
            replayed = await messages.replay(self.server.database, self.name, options)
        except InvalidReplay as error:
            raise JoinRefused(f"UnableToReplayMessages: {error}") from None
        self._replayed = frozenset(broadcast.id for broadcast in replayed)
        return replayed

    async def _join_response(self) -> dict[str, Any]:
        """Each wish is echoed as it came, with its id: clients compare them one by one."""
        if self.has_changes and self._change_options.get("wait"):
            wait = self._change_options.get("timeout")
            wait = wait / 1000 if isinstance(wait, int | float) else LONGEST_WAIT_SECONDS
            try:
                async with asyncio.timeout(min(wait, LONGEST_WAIT_SECONDS)):
                    await self.server.replication.ready.wait()
                await self._register_changes()
            except TimeoutError:
                reason = "the subscription was not confirmed in time"
                raise JoinRefused(f"PostgresChangesSubscribeTimeout: {reason}") from None
            except InvalidRequest as error:
                raise JoinRefused(f"RealtimeDisabledForConfiguration: {error}") from None
        return {"postgres_changes": [{**one, "id": _change_id(one)} for one in self._changes]}

    async def _serve(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._token_check_at - time.time()):
                    message = await self.inbox.get()
            except TimeoutError:
                self._recheck_token()
                continue
            if message.event == "phx_leave":
                self.close()
                self._reply(message, "ok", {})
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
            await self._on_access_token(message.payload.get("access_token"))

    async def _on_broadcast(self, message: Message) -> None:
        if not await self._may_write("broadcast"):
            return
        if self.server.hub.events.exceeded:
            raise Shutdown("Too many messages per second")
        broadcast = message.broadcast or Broadcast(
            str(message.payload.get("event")), whole=dumps(message.payload)
        )
        fits = broadcast.size <= self.server.limits.max_payload_bytes
        if fits:
            sender = None if _is_true(self._broadcast.get("self")) else self
            self.server.hub.broadcast(*self.address, broadcast, sender)
        if _is_true(self._broadcast.get("ack")):
            if fits:
                self._reply(message, "ok", {})
            else:
                self._reply(message, "error", {"reason": "payload_size_exceeded"})

    async def _may_write(self, extension: str) -> bool:
        """Asked once per token, on the first attempt. Failing to find out means no."""
        if self.permissions.write_broadcast is None:
            try:
                if self.permissions.read_presence is None:
                    readable = await self.server.authorizer.readable(self.name, self._person)
                    self.permissions = replace(self.permissions, read_presence=readable["presence"])
                writable = await self.server.authorizer.writable(self.name, self._person)
            except (psycopg.Error, PolicyError):
                return False
            self.permissions = replace(
                self.permissions,
                write_broadcast=writable["broadcast"],
                write_presence=writable["presence"],
            )
        if extension == "presence":
            return bool(self.permissions.write_presence)
        return bool(self.permissions.write_broadcast)

    async def _on_presence(self, message: Message) -> None:
        if not self._presence_calls.allow():
            raise Shutdown("Client presence rate limit exceeded")
        event = str(message.payload.get("event")).lower()
        if event == "untrack":
            self._presence_state = None
            self._reply(message, "ok", {})
            self.server.hub.untrack(self)
        elif event != "track" or not await self._may_write("presence"):
            self._reply(message, "error", {})
        else:
            self._track(message, message.payload.get("payload", {}))

    def _track(self, message: Message, state: Any) -> None:
        if not isinstance(state, dict):
            reason = "Presence track payload must be a map"
            self._reply(message, "error", {"reason": reason})
            return
        if len(dumps(state)) > self.server.limits.max_payload_bytes:
            raise Shutdown("Track message size exceeded")
        self._reply(message, "ok", {})
        if state != self._presence_state:
            self._presence_enabled, self._presence_state = True, state
            self.server.hub.track(self, self._presence_key, state)

    async def _on_access_token(self, token: Any) -> None:
        if not isinstance(token, str) or token.startswith("sb_") or token == self._identity.token:
            return
        before = self.permissions
        try:
            self._take_token(token)
            self.permissions = await self._read_permissions()
        except InvalidToken as error:
            raise Shutdown(str(error)) from None
        except PolicyError:
            raise Shutdown(self._no_read_permission) from None
        except psycopg.Error:
            raise Shutdown(UNREACHABLE) from None
        now = self.permissions
        if not (now.read_broadcast or now.read_presence):
            raise Shutdown(self._no_read_permission)
        if (before.read_broadcast and now.read_broadcast is False) or (
            before.read_presence and now.read_presence is False
        ):
            raise Shutdown(
                f"You no longer have permission to read from this Channel topic: {self.name}"
            )
        if self.has_changes:
            await self._subscribe_to_changes()

    def _take_token(self, token: Any) -> None:
        """Act for the token from now on; without one, or with an API key, for the socket's."""
        if isinstance(token, str) and not token.startswith("sb_"):
            self._identity = self.server.verifier.verify(token)
        else:
            self._identity = self.server.verifier.verify(self.socket.identity.token)
        self._schedule_token_check(self._identity)

    def _recheck_token(self) -> None:
        try:
            self._schedule_token_check(self.server.verifier.verify(self._identity.token))
        except InvalidToken as error:
            raise Shutdown(str(error)) from None

    def _schedule_token_check(self, identity: Identity) -> None:
        latest = time.time() + self.server.limits.token_check_seconds
        self._token_check_at = min(identity.expires_at, latest)

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
        else:
            self._system("postgres_changes", "ok", "Subscribed to PostgreSQL")

    async def _register_changes(self) -> None:
        requests: dict[int, ChangeRequest] = {_change_id(one): parse(one) for one in self._changes}
        await self.server.changes.subscribe(self, requests, self._identity)

    def _reply(self, to: Message, status: str, response: dict[str, Any]) -> None:
        self.socket.reply(to, status, response)

    def _system(self, extension: str, status: str, message: str) -> None:
        payload = {"extension": extension, "status": status, "message": message}
        self._push("system", dumps(payload | {"channel": self.name}))

    def _push(self, event: str, payload: str, ref: str | None = None) -> None:
        version = self.socket.version
        self.socket.send(encode(version, self.topic, event, payload, (self.join_ref, ref)))


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_true(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.lower() == "true")


def _change_params(payload: dict[str, Any], name: str) -> list[dict[str, Any]]:
    wishes = _mapping(payload.get("config")).get("postgres_changes")
    return [one for one in wishes if isinstance(one, dict)] if isinstance(wishes, list) else []


def _change_id(params: dict[str, Any]) -> int:
    """The same for the same wish, and never zero, which supabase-py takes for unset."""
    wish = sorted((key, value) for key, value in params.items() if key != "id")
    return zlib.crc32(dumps(wish).encode()) & 0x7FFFFFF or 1
