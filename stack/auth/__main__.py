"""`python -m stack.auth STACK_DIR` serves the stack in that directory until it gets SIGTERM."""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn

from stack.auth.app import create_app
from stack.config import HOST, StackConfig


def main() -> None:
    config = StackConfig.load(Path(sys.argv[1]))
    address = f"{HOST}:{config.ports.auth}"
    sys.stdout.write(f"Auth stand-in for development and tests on {address}\n")
    sys.stdout.flush()
    uvicorn.run(
        create_app(config),
        host=HOST,
        port=config.ports.auth,
        log_level="warning",
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=1,
        proxy_headers=False,
    )


if __name__ == "__main__":
    main()
