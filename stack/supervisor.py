"""Starts the parts of a stack in order, keeps them running, and stops them.

`python -m stack.supervisor STACK_DIR` runs in the background for as long as the stack does. A part
that dies is started again at once, one that dies repeatedly or cannot be started after growing
pauses, and one that lives but no longer answers is killed first. The parts die with the supervisor,
even when it is killed, because the kernel tells them (PR_SET_PDEATHSIG).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import sys
import time
from pathlib import Path

from stack import migrations, postgres, seed
from stack.config import PROJECT_DIR, StackConfig
from stack.parts import Part, all_parts, process_environment
from stack.processes import die_with_parent
from stack.state import PartState, StackState, acquire_lock

log = logging.getLogger("supervisor")

PROBE_SECONDS = 2.0
STARTING_PROBE_SECONDS = 0.1
# A part that has answered before and then is silent for so long is killed and started again.
SILENT_SECONDS = 20.0
# One that has not answered yet may have much to do first.
FIRST_ANSWER_SECONDS = 120.0
# The start gives up so long after the last sign of life of the parts it waits for.
START_SECONDS = 60.0
STOP_SECONDS = 8.0
LONGEST_PAUSE_SECONDS = 5.0
# Deaths in a row during the start after which the stack gives up instead of trying on.
DEATHS_BEFORE_GIVING_UP = 3
LARGEST_LOG_BYTES = 10_000_000


class StartError(Exception):
    """The stack could not be started; the message is for people."""


class Supervisor:
    """Runs one stack."""

    def __init__(self, config: StackConfig) -> None:
        self.config = config
        self.parts = {part.name: part for part in all_parts(config)}
        self.state = StackState(os.getpid(), parts={name: PartState() for name in self.parts})
        self.processes: dict[str, asyncio.subprocess.Process] = {}
        self.keepers: dict[str, asyncio.Task[None]] = {}
        self.healthy = {name: asyncio.Event() for name in self.parts}
        self.alive_at: dict[str, float] = {}
        # Why a part could not even be started; its log knows nothing of that.
        self.obstacles: dict[str, str] = {}
        self.stop_requested = asyncio.Event()
        self.failed = asyncio.Event()

    async def run(self) -> None:
        """Start, stay until told to stop, stop. Leaves the reason in the state if it fails."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop_requested.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: None)
        starting = asyncio.create_task(self._start())
        stopping = asyncio.create_task(self.stop_requested.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        error = starting.exception() if starting.done() else None
        if error is None:
            await self.stop_requested.wait()
            starting.cancel()
        else:
            log.error("start failed: %s", error)
        await self._stop(error)

    async def _start(self) -> None:
        began = time.monotonic()
        self._step("Preparing the database")
        is_new = await asyncio.to_thread(postgres.prepare, self.config)
        self._keep("postgres")
        await self._wait_healthy(["postgres"])
        if is_new:
            self._step("Making an empty Supabase project")
            await asyncio.to_thread(postgres.bootstrap, self.config)
        self._step("Starting Supabase")
        for part in self.parts.values():
            if not part.needs_schema and part.name != "postgres":
                self._keep(part.name)
        self._step("Applying migrations")
        await asyncio.to_thread(migrations.migrate, self.config)
        self._step("Starting Appoint")
        for part in self.parts.values():
            if part.needs_schema:
                self._keep(part.name)
        await self._wait_healthy(list(self.parts))
        if {"auth", "gateway"} <= self.parts.keys():
            self._step("Seeding the demo clinic")
            await asyncio.to_thread(seed.seed, self.config)
        self.state.phase = "ready"
        self._step(f"Ready after {time.monotonic() - began:.1f} s")

    def _step(self, words: str) -> None:
        log.info("%s", words)
        self.state.step = words
        self._save()

    def _save(self) -> None:
        try:
            self.state.save(self.config.directory)
        except OSError as error:  # e.g. the disk is full: keeping the parts alive matters more
            log.error("cannot write the stack's state: %s", error)

    def _keep(self, name: str) -> None:
        self.keepers[name] = asyncio.create_task(self._keep_running(self.parts[name]))

    async def _wait_healthy(self, names: list[str]) -> None:
        waiting = {asyncio.create_task(self.healthy[name].wait()) for name in names}
        gave_up = asyncio.create_task(self.failed.wait())
        began = time.monotonic()

        def is_hopeless() -> bool:
            silent = [name for name in names if not self.healthy[name].is_set()]
            last_sign = max([began, *(self.alive_at.get(name, began) for name in silent)])
            return time.monotonic() - last_sign > START_SECONDS

        while waiting and not self.failed.is_set() and not is_hopeless():
            _, pending = await asyncio.wait(
                {*waiting, gave_up}, timeout=1, return_when=asyncio.FIRST_COMPLETED
            )
            waiting = pending - {gave_up}
        for task in (gave_up, *waiting):
            task.cancel()
        if not waiting:
            return
        silent = [name for name in names if not self.healthy[name].is_set()]
        reasons = "\n".join(f"{name}: {self._last_words(name)}" for name in silent)
        raise StartError(f"not healthy: {', '.join(silent)}\n{reasons}")

    def _last_words(self, name: str) -> str:
        if name in self.obstacles:
            return self.obstacles[name]
        with contextlib.suppress(OSError):
            lines = self._log_path(name).read_text(errors="replace").splitlines()
            return "\n  ".join(lines[-6:])
        return "it said nothing"

    async def _keep_running(self, part: Part) -> None:
        state = self.state.parts[part.name]
        deaths = 0
        while True:
            started = time.monotonic()
            try:
                await self._live(part)
            except OSError as error:  # no such program, no process or no disk space to be had
                self.obstacles[part.name] = f"cannot be started: {error}"
                log.error("%s cannot be started: %s", part.name, error)
            state.pid, state.healthy = None, False
            was_up = self.healthy[part.name].is_set()
            deaths = 0 if time.monotonic() - started > LONGEST_PAUSE_SECONDS else deaths + 1
            if not was_up and deaths >= DEATHS_BEFORE_GIVING_UP:
                self.failed.set()
                return
            state.restarts += 1
            self._save()
            if deaths > 1:
                await asyncio.sleep(min(LONGEST_PAUSE_SECONDS, 0.25 * 2**deaths))

    async def _live(self, part: Part) -> None:
        """One life of a part, from its start to its end."""
        state = self.state.parts[part.name]
        if part.name == "postgres":
            await asyncio.to_thread(postgres.remove_stale_pid_file, self.config)
        process = await self._spawn(part)
        state.pid = process.pid
        self._save()
        prober = asyncio.create_task(self._probe(part, process))
        code = await process.wait()
        prober.cancel()
        log.warning("%s ended with %s", part.name, code)

    async def _spawn(self, part: Part) -> asyncio.subprocess.Process:
        is_other_user = part.user_id is not None
        with self._log_path(part.name).open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *part.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=process_environment(part),
                cwd="/" if is_other_user else PROJECT_DIR,
                user=part.user_id,
                group=part.group_id,
                extra_groups=[] if is_other_user else None,
                start_new_session=True,
                preexec_fn=die_with_parent(part.stop_signal),
            )
        self.obstacles.pop(part.name, None)
        self.processes[part.name] = process
        return process

    def _log_path(self, name: str) -> Path:
        return self.config.logs / f"{name}.log"

    async def _probe(self, part: Part, process: asyncio.subprocess.Process) -> None:
        """Ask the part how it is: often until it first answers, then now and then."""
        state = self.state.parts[part.name]
        alive_at, patience = time.monotonic(), FIRST_ANSWER_SECONDS
        while True:
            healthy = await asyncio.to_thread(part.is_healthy, self.config)
            alive = healthy or await asyncio.to_thread(part.is_still_starting, self.config)
            now = time.monotonic()
            if alive:
                alive_at = self.alive_at[part.name] = now
            elif now - alive_at > patience:
                log.error("%s does not answer; killing it", part.name)
                process.kill()
                return
            if healthy:
                patience = SILENT_SECONDS
                self.healthy[part.name].set()
            if healthy != state.healthy:
                state.healthy = healthy
                self._save()
            keep_short(self._log_path(part.name))
            await asyncio.sleep(PROBE_SECONDS if healthy else STARTING_PROBE_SECONDS)

    async def _stop(self, error: BaseException | None) -> None:
        self.state.phase = "stopping"
        self._step("Stopping")
        for keeper in self.keepers.values():
            keeper.cancel()
        names = [name for name in self.processes if name != "postgres"]
        # The others first, so that PostgreSQL has nobody left to throw out.
        await asyncio.gather(*(self._end(name) for name in names))
        if "postgres" in self.processes:
            await self._end("postgres")
        for part in self.state.parts.values():
            part.pid, part.healthy = None, False
        if error is not None:
            self.state.phase = "failed"
            self.state.error = str(error) or type(error).__name__
        self._step("Stopped")

    async def _end(self, name: str) -> None:
        process = self.processes[name]
        if process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(self.parts[name].stop_signal)
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
            except TimeoutError:
                log.error("%s did not stop in %s s; killing it", name, STOP_SECONDS)
                process.kill()
                await process.wait()


def keep_short(log_path: Path) -> None:
    """Put a log that has grown too large aside. Its writer appends, and so goes on at the top."""
    with contextlib.suppress(OSError):
        if log_path.stat().st_size > LARGEST_LOG_BYTES:
            shutil.copyfile(log_path, log_path.with_suffix(".log.1"))
            os.truncate(log_path, 0)


def main() -> int:
    config = StackConfig.load(Path(sys.argv[1]))
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
    config.logs.mkdir(parents=True, exist_ok=True)
    lock = acquire_lock(config.directory)
    if lock is None:
        log.error("another supervisor already runs this stack")
        return 1
    with lock:
        try:
            # Whoever waits for this stack knows from now on whom they wait for.
            StackState(os.getpid(), step="Looking around").save(config.directory)
            supervisor = Supervisor(config)
        except Exception as error:
            StackState(os.getpid(), phase="failed", error=str(error)).save(config.directory)
            raise
        asyncio.run(supervisor.run())
    return 1 if supervisor.state.phase == "failed" else 0


if __name__ == "__main__":
    sys.exit(main())
