"""The server as a whole: its parts, its routes and what runs beside the requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from stack.config import StackConfig
from stack.realtime import messages
from stack.realtime.authorization import Authorizer
from stack.realtime.changes import Changes
from stack.realtime.channels import RESUBSCRIBE
from stack.realtime.database import Database
from stack.realtime.http import broadcast_batch, broadcast_one
from stack.realtime.hub import Hub
from stack.realtime.limits import Limits, Rate
from stack.realtime.pgoutput import RowChange
from stack.realtime.replication import Replication
from stack.realtime.sockets import Socket
from stack.realtime.tokens import InvalidToken, TokenVerifier

VERSIONS = ("1.0.0", "2.0.0")


class Realtime:
    """What channels, sockets and HTTP handlers share."""

    def __init__(self, config: StackConfig) -> None:
        self.limits = Limits.of(config)
        self.database = Database(config)
        self.verifier = TokenVerifier(config)
        self.authorizer = Authorizer(self.database)
        self.hub = Hub(self.limits)
        self.joins = Rate(self.limits.max_joins_per_second)
        self.changes = Changes(self.database)
        self.replication = Replication(config, self._on_change, self._on_replication)
        self.sockets: set[Socket] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Everything that works in the background, until the context ends."""
        jobs = (
            self.replication.run(),
            self.changes.run(),
            messages.keep_partitions(self.database, self.replication.ready),
        )
        tasks = [asyncio.create_task(job) for job in jobs]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.database.close()

    def _on_change(self, change: RowChange) -> None:
        if not messages.is_message(change):
            self.changes.publish(change)
            return
        announced = messages.broadcast_of(change)
        if announced and not self.hub.events.exceeded:
            topic, private, broadcast = announced
            if broadcast.size <= self.limits.max_payload_bytes:
                self.hub.broadcast(topic, private, broadcast)

    def _on_replication(self) -> None:
        for channel in self.hub.channels():
            if channel.has_changes:
                channel.inbox.put_nowait(RESUBSCRIBE)


async def serve_socket(websocket: WebSocket) -> None:
    """Accept a client with a valid key; refuse others slowly, with an HTTP status."""
    server: Realtime = websocket.app.state.realtime
    key = websocket.headers.get("x-api-key") or websocket.query_params.get("apikey")
    try:
        identity = server.verifier.verify(key)
    except InvalidToken as error:
        await _refuse(websocket, 401, str(error))
        return
    if len(server.sockets) >= server.limits.max_connections:
        await _refuse(websocket, 429, "Too many connected users")
        return
    version = websocket.query_params.get("vsn", "1.0.0")
    if version not in VERSIONS:
        await _refuse(websocket, 403, "Unsupported protocol version")
        return
    await websocket.accept()
    socket = Socket(server, websocket, version, identity)
    server.sockets.add(socket)
    try:
        await socket.run()
    finally:
        server.sockets.discard(socket)


async def _refuse(websocket: WebSocket, status: int, message: str) -> None:
    server: Realtime = websocket.app.state.realtime
    await asyncio.sleep(server.limits.connect_error_seconds)
    await websocket.send_denial_response(JSONResponse({"error": message}, status))


async def health(request: Request) -> Response:
    """200 while changes of the database arrive."""
    ready = request.app.state.realtime.replication.ready.is_set()
    return JSONResponse({"ready": ready}, 200 if ready else 503)


def create_app(config: StackConfig) -> Starlette:
    """The ASGI application for one stack."""
    realtime = Realtime(config)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with realtime.running():
            yield

    app = Starlette(
        lifespan=lifespan,
        routes=[
            WebSocketRoute("/socket/websocket", serve_socket),
            WebSocketRoute("/websocket", serve_socket),
            Route("/api/broadcast", broadcast_batch, methods=["POST"]),
            Route("/api/broadcast/{topic:path}/events/{event}", broadcast_one, methods=["POST"]),
            Route("/health", health),
        ],
    )
    app.state.realtime = realtime
    return app
