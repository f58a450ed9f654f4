"""What one channel may do: its token, when that must be checked again, and the permissions found
with it. Permissions are asked once per token.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg

from stack.realtime.authorization import EXTENSIONS, PUBLIC, Permissions, Person, PolicyError
from stack.realtime.joins import JoinRefused, Wishes
from stack.realtime.tokens import Identity, InvalidToken

if TYPE_CHECKING:
    from stack.realtime.server import Realtime
    from stack.realtime.sockets import Socket

UNREACHABLE = "Realtime was unable to connect to the project database"
log = logging.getLogger("realtime")


class Shutdown(Exception):
    """The channel must end; the message tells the client why."""


class Access:
    """Begins with the socket's own identity and no permissions."""

    def __init__(self, server: Realtime, socket: Socket, wishes: Wishes) -> None:
        self._verifier, self._authorizer = server.verifier, server.authorizer
        self._longest_trust = server.limits.token_check_seconds
        self._socket, self._wishes = socket, wishes
        self._check_at = 0.0
        self.identity: Identity = socket.identity
        self.permissions = Permissions()

    @property
    def seconds_until_check(self) -> float:
        return self._check_at - time.time()

    async def grant_join(self) -> None:
        """Take the join's token and find out what may be read.

        Raises JoinRefused, psycopg.Error.
        """
        try:
            self._take_token(self._wishes.token)
        except InvalidToken as error:
            raise JoinRefused(error.code, str(error)) from None
        try:
            self.permissions = await self._readable()
        except PolicyError as error:
            log.warning("a policy failed: %s", error)
            self.permissions = Permissions(read_broadcast=False, read_presence=False)
        readable = self.permissions
        replay_denied = self._wishes.replay is not None and not readable.read_broadcast
        if replay_denied or not (readable.read_broadcast or readable.read_presence):
            raise JoinRefused("Unauthorized", self._denial)

    async def renew(self, token: Any) -> bool:
        """Act for a new token; False if nothing changed. Raises Shutdown if it allows less."""
        if not isinstance(token, str) or token.startswith("sb_") or token == self.identity.token:
            return False
        before = self.permissions
        try:
            self._take_token(token)
            now = self.permissions = await self._readable()
        except InvalidToken as error:
            raise Shutdown(str(error)) from None
        except PolicyError:
            raise Shutdown(self._denial) from None
        except psycopg.Error:
            raise Shutdown(UNREACHABLE) from None
        if not (now.read_broadcast or now.read_presence):
            raise Shutdown(self._denial)
        if (before.read_broadcast and now.read_broadcast is False) or (
            before.read_presence and now.read_presence is False
        ):
            topic = self._wishes.topic
            raise Shutdown(
                f"You no longer have permission to read from this Channel topic: {topic}"
            )
        return True

    def recheck(self) -> None:
        """Raises Shutdown when the token has expired or is no longer accepted."""
        try:
            self._trust(self._verifier.verify(self.identity.token))
        except InvalidToken as error:
            raise Shutdown(str(error)) from None

    async def may_broadcast(self) -> bool:
        """Failing to find out means no."""
        await self._find_writable()
        return bool(self.permissions.write_broadcast)

    async def may_track(self) -> bool:
        """Failing to find out means no. A tracker also learns whether it may read presence."""
        await self._find_writable()
        if self.permissions.write_presence and self.permissions.read_presence is None:
            try:
                readable = await self._authorizer.readable(self._wishes.topic, self._person)
            except (psycopg.Error, PolicyError):
                return False
            self.permissions = replace(self.permissions, read_presence=readable["presence"])
        return bool(self.permissions.write_presence)

    async def _find_writable(self) -> None:
        if self.permissions.write_broadcast is not None:
            return
        try:
            writable = await self._authorizer.writable(self._wishes.topic, self._person)
        except (psycopg.Error, PolicyError):
            return
        self.permissions = replace(
            self.permissions,
            write_broadcast=writable["broadcast"],
            write_presence=writable["presence"],
        )

    async def _readable(self) -> Permissions:
        if not self._wishes.is_private:
            return PUBLIC
        asked = EXTENSIONS if self._wishes.presence_enabled else ("broadcast",)
        readable = await self._authorizer.readable(self._wishes.topic, self._person, asked)
        return Permissions(
            read_broadcast=readable["broadcast"], read_presence=readable.get("presence")
        )

    def _take_token(self, token: Any) -> None:
        """Without a token, or with an API key in its place, the socket's own key counts."""
        own = not isinstance(token, str) or token.startswith("sb_")
        self._trust(self._verifier.verify(self._socket.identity.token if own else token))

    def _trust(self, identity: Identity) -> None:
        self.identity = identity
        self._check_at = min(identity.expires_at, time.time() + self._longest_trust)

    @property
    def _person(self) -> Person:
        return Person(self.identity, self._socket.headers)

    @property
    def _denial(self) -> str:
        return f"You do not have permissions to read from this Channel topic: {self._wishes.topic}"
