"""A PostgREST of the proof's own: the stack's program and settings, over another database, with
every transaction rolled back, so that thousands of writes leave nothing behind.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from urllib.request import urlopen

from stack import postgrest
from stack.config import HOST, StackConfig
from stack.processes import die_with_parent
from tests.stacks import free_ports

SECONDS_TO_START = 20


@contextlib.contextmanager
def rolling_back(stack: StackConfig, database: str) -> Iterator[str]:
    """The address of a PostgREST that keeps nothing; stopped afterwards."""
    ports = free_ports()
    settings = postgrest.environment(stack) | {
        "PGRST_DB_URI": stack.db_url("authenticator", database) + "?application_name=proof",
        "PGRST_DB_TX_END": "rollback",
        "PGRST_DB_CHANNEL_ENABLED": "false",
        "PGRST_DB_POOL": "8",
        # Checking the same few signatures for every request would take half of the time.
        "PGRST_JWT_CACHE_MAX_LIFETIME": "3600",
        "PGRST_SERVER_PORT": str(ports.postgrest),
        "PGRST_ADMIN_SERVER_PORT": str(ports.postgrest_admin),
    }
    process = subprocess.Popen(
        postgrest.command(stack),
        env=os.environ | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - no threads yet
    )
    try:
        _wait(process, f"http://{HOST}:{ports.postgrest_admin}/ready")
        yield f"http://{HOST}:{ports.postgrest}"
    finally:
        process.terminate()
        process.wait()


def _wait(process: subprocess.Popen[bytes], address: str) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        with contextlib.suppress(OSError), urlopen(address) as answer:
            if answer.status == 200:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("PostgREST did not start")
        time.sleep(0.05)
