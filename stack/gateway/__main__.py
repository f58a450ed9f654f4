"""`python -m stack.gateway STACK_DIR`: serve until told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from pathlib import Path

from aiohttp import web

from stack.config import HOST, StackConfig
from stack.gateway.app import make_app


async def serve(config: StackConfig) -> None:
    """Listen on the stack's gateway port until SIGTERM or SIGINT; stops within a second."""
    runner = web.AppRunner(
        make_app(config),
        access_log=None,  # a request line may hold tokens and personal data
        handler_cancellation=True,
        shutdown_timeout=0.5,
        keepalive_timeout=75,
    )
    await runner.setup()
    await web.TCPSite(runner, HOST, config.ports.gateway, backlog=1024).start()
    print(f"Gateway stand-in for development on {config.gateway_url}", flush=True)  # noqa: T201
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
    await runner.cleanup()


if __name__ == "__main__":
    logging.basicConfig(format="%(asctime)s %(name)s %(message)s", level=logging.INFO)
    asyncio.run(serve(StackConfig.load(Path(sys.argv[1]))))
