"""A worker of one's own beside a test stack: started, listened to, stopped or killed."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from stack.config import PROJECT_DIR, StackConfig
from stack.parts import product_environment
from stack.processes import inherited
from tests.workers.forked_notifier import ForkedNotifier

PATIENCE_SECONDS = 30


class WorkerProcess:
    """One `python -m workers`; its log lines arrive as they are written."""

    def __init__(self, process: asyncio.subprocess.Process | ForkedNotifier) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self._changed = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    async def logs(
        self, action: str, times: int = 1, within: float = PATIENCE_SECONDS
    ) -> list[dict[str, Any]]:
        """Wait until the action has been logged that often, and return those lines."""

        def found() -> list[dict[str, Any]]:
            return [line for line in self.lines if line.get("action") == action]

        async with asyncio.timeout(within), self._changed:
            await self._changed.wait_for(lambda: len(found()) >= times)
        return found()

    async def health_port(self) -> int:
        (line,) = await self.logs("health_listening")
        port: int = line["port"]
        return port

    async def end(self) -> int:
        """Ask it to stop and return its exit code."""
        self.process.terminate()
        return await self._ended()

    async def kill(self) -> None:
        """`kill -9`: no chance to tidy up."""
        if self.process.returncode is None:
            self.process.kill()
        await self._ended()

    async def _ended(self) -> int:
        async with asyncio.timeout(PATIENCE_SECONDS):
            code = await self.process.wait()
            await self._reading
        return code

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            text = line.decode()
            self.lines.append(json.loads(text) if text.startswith("{") else {"text": text})
            async with self._changed:
                self._changed.notify_all()


def _environment(stack: StackConfig, further: dict[str, str]) -> dict[str, str]:
    return (
        inherited("PATH", "HOME")
        | product_environment(stack)
        | {"APPOINT_WORKER_HEALTH_PORT": "0", "APPOINT_WORKER_SWEEP_SECONDS": "0.2"}
        | further
    )


@asynccontextmanager
async def worker(stack: StackConfig, **environment: str) -> AsyncIterator[WorkerProcess]:
    """A worker of this stack; killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "workers",
        cwd=PROJECT_DIR,
        env=_environment(stack, environment),
        stderr=asyncio.subprocess.PIPE,
    )
    async with _killed_at_the_end(process) as running:
        yield running


@asynccontextmanager
async def forked_notifier(stack: StackConfig, **environment: str) -> AsyncIterator[WorkerProcess]:
    """Its sending half alone, without the second that loading takes."""
    process = ForkedNotifier(_environment(stack, environment))
    await process.listen()
    async with _killed_at_the_end(process) as running:
        yield running


@asynccontextmanager
async def _killed_at_the_end(
    process: asyncio.subprocess.Process | ForkedNotifier,
) -> AsyncIterator[WorkerProcess]:
    running = WorkerProcess(process)
    try:
        yield running
    finally:
        await running.kill()
