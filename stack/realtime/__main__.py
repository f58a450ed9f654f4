"""`python -m stack.realtime STACK_DIR`: serve Realtime for one local stack until SIGTERM."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import uvicorn

from stack.config import HOST, StackConfig
from stack.realtime.server import create_app


def main() -> None:
    config = StackConfig.load(Path(sys.argv[1]))
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    port = config.ports.realtime
    print(  # noqa: T201
        f"realtime: development stand-in for Supabase Realtime on {HOST}:{port}", flush=True
    )
    uvicorn.run(
        create_app(config),
        host=HOST,
        port=port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
        ws_per_message_deflate=False,  # 300 KB a client, for nothing on loopback
    )


if __name__ == "__main__":
    main()
