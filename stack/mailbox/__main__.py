"""`python -m stack.mailbox STACK_DIR`: serve until told to stop."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from stack.config import HOST, StackConfig
from stack.mailbox.api import Api
from stack.mailbox.faults import Faults
from stack.mailbox.mails import ApiError, invalid, unavailable
from stack.mailbox.pages import Pages
from stack.mailbox.store import Store
from stack.mailbox.webhooks import Reporter

log = logging.getLogger("mailbox")

MAX_BODY = 40 * 1024 * 1024  # Resend's limit for a mail with its attachments


def make_app(config: StackConfig) -> web.Application:
    """The mailbox of one stack."""
    store = Store(config.directory / "mailbox.sqlite", durable=config.durable)
    api = Api(config, store)

    async def reporting(app: web.Application) -> AsyncIterator[None]:
        reporter = asyncio.create_task(Reporter(config, store, api.accepted).run())
        yield
        reporter.cancel()
        await asyncio.wait([reporter])
        store.close()

    async def health(request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def faults(request: web.Request) -> web.Response:
        if request.method != "GET":
            api.faults = Faults.parse(await request.json() if request.method == "POST" else {})
        return web.json_response(asdict(api.faults))

    app = web.Application(client_max_size=MAX_BODY, middlewares=[_errors_as_json])
    app.cleanup_ctx.append(reporting)
    app.router.add_get("/health", health)
    for method in ("GET", "POST", "DELETE"):
        app.router.add_route(method, "/faults", faults)
    app.add_routes([*api.routes(), *Pages(store).routes()])
    return app


@web.middleware
async def _errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        return web.json_response(error.body, status=error.status, headers=error.headers)
    except json.JSONDecodeError:
        return web.json_response(invalid("The request body is not valid JSON.").body, status=422)
    except sqlite3.Error as error:  # above all a full disk: nothing of the request was kept
        log.error("nothing was kept: %s", error)
        return web.json_response(unavailable(f"The mailbox cannot write: {error}").body, status=500)


async def serve(config: StackConfig) -> None:
    """Listen on the stack's mailbox port until SIGTERM or SIGINT."""
    runner = web.AppRunner(make_app(config), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, HOST, config.ports.mailbox, backlog=512).start()
    print(f"Mailbox stand-in for development on {config.mailbox_url}", flush=True)  # noqa: T201
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
    await runner.cleanup()


if __name__ == "__main__":
    logging.basicConfig(format="%(asctime)s %(name)s %(message)s", level=logging.INFO)
    asyncio.run(serve(StackConfig.load(Path(sys.argv[1]))))
