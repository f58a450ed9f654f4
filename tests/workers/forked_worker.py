"""Workers forked from a process which has loaded everything: for tests that kill thousands.

From the first line of its work on such a worker is like any other; it only spares the second of
processor time that loading takes.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
from multiprocessing.connection import Connection

from stack.config import PROJECT_DIR
from workers.__main__ import main

PREPARED = multiprocessing.get_context("forkserver")
PREPARED.set_forkserver_preload([__name__, "workers.roles", "workers.runner"])


def _work(environment: dict[str, str], log: Connection) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(PROJECT_DIR)
    os.dup2(log.fileno(), sys.stderr.fileno())
    sys.exit(main([]))


class ForkedWorker:
    """As much of `asyncio.subprocess.Process` as the tests need."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._log, log_of_worker = PREPARED.Pipe(duplex=False)
        self._process = PREPARED.Process(target=_work, args=(environment, log_of_worker))
        self._process.start()
        log_of_worker.close()
        self.stderr = asyncio.StreamReader()
        self._gone = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._process.sentinel, self._has_gone)

    async def listen(self) -> None:
        """Connect `stderr`; once, right after the start."""
        loop = asyncio.get_running_loop()
        log = os.fdopen(os.dup(self._log.fileno()), "rb", buffering=0)
        self._log.close()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(self.stderr), log)

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()

    async def wait(self) -> int:
        await self._gone.wait()
        code = self._process.exitcode
        assert code is not None
        return code

    def _has_gone(self) -> None:
        asyncio.get_running_loop().remove_reader(self._process.sentinel)
        self._process.join()
        self._gone.set()
