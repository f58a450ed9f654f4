"""Brings a stack up and down from outside: the steps behind `appoint up`, `down` and `reset`."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import psutil

from stack import edge_functions, migrations, postgres, postgrest
from stack.as_typed import as_typed
from stack.config import HOST, PART_NAMES, PROJECT_DIR, Keys, Ports, StackConfig
from stack.parts import product_environment
from stack.processes import die_with_parent
from stack.state import StackState, is_running, one_at_a_time

ENV_FILE = PROJECT_DIR / ".env"
ENV_MARK = (
    "# Written by `appoint up` for the local stack; delete this line to keep your own values."
)
SMALLEST_FREE_DISK = 300_000_000
# The supervisor gives up by itself; this is for one that hangs. A database that recovers from a
# crash may take its time.
START_SECONDS = 900
PROGRAMS = {
    "PostgreSQL": postgres.PACKAGE / "native/bin/postgres",
    "PostgREST": postgrest.BINARY,
    "Deno": edge_functions.BINARY,
    "The Supabase CLI": migrations.CLI,
}
STOP_SECONDS = 30
# Supervisors started by this process, to be waited for when they stop.
_own_supervisors: dict[Path, subprocess.Popen[bytes]] = {}


class StackError(Exception):
    """The stack cannot do what was asked; the message says why and what to do."""


def configure(
    directory: Path, *, port_offset: int | None = None, without: tuple[str, ...] | None = None
) -> StackConfig:
    """Load a stack's configuration, or make it with new keys on the first start.

    A running stack is not configured anew: its parts would not know.
    """
    with one_at_a_time(directory):
        config = _load_or_make(directory)
        wanted = _changed(config, port_offset, without)
        if is_running(directory):
            if wanted != config:
                raise StackError(
                    f"already running on {config.gateway_url}, with other ports or parts; "
                    f"stop it first with `{as_typed('down', directory)}`"
                )
        else:
            _check_disk(wanted)
            wanted.save()
    return wanted


def _load_or_make(directory: Path) -> StackConfig:
    try:
        if (directory / "stack.json").exists():
            return StackConfig.load(directory)
        return StackConfig(directory=directory, ports=Ports(), keys=Keys.generate())
    except (ValueError, KeyError, TypeError) as error:
        raise StackError(
            f"{directory / 'stack.json'} cannot be read ({error}); remove it to get new keys"
        ) from error


def _changed(
    config: StackConfig, port_offset: int | None, without: tuple[str, ...] | None
) -> StackConfig:
    if port_offset is not None:
        if not -7_000 <= port_offset <= 11_000:
            raise StackError("the port offset must lie between -7000 and 11000")
        config = replace(config, ports=Ports().shifted(port_offset))
    if without is not None:
        if unknown := sorted(set(without) - set(PART_NAMES)):
            raise StackError(
                f"there is no part {', '.join(unknown)}; the parts are {', '.join(PART_NAMES)}"
            )
        config = replace(config, without=without)
    return config


def start(
    config: StackConfig,
    on_step: Callable[[str], None] = lambda _: None,
    *,
    dies_with_caller: bool = False,
) -> None:
    """Start everything and return when it is ready; calls `on_step` with what is being done.

    With `dies_with_caller` the stack stops when this process ends, however it ends. A stack that
    somebody else starts, or has started, is waited for, and left alone if it fails.
    """
    supervisor = None
    with one_at_a_time(config.directory):
        if not _stays_up(config.directory):
            supervisor = _launch(config, dies_with_caller=dies_with_caller)
    try:
        _wait_until_ready(config, on_step)
    except StackError:
        if supervisor:
            supervisor.terminate()
            _reap(config.directory)
        raise


def _stays_up(directory: Path) -> bool:
    """Whether a supervisor lives; one that is about to end is waited for."""
    deadline = time.monotonic() + STOP_SECONDS
    while is_running(directory):
        state = StackState.load(directory)
        is_ending = state is not None and state.phase in {"stopping", "failed"}
        if not is_ending or time.monotonic() > deadline:
            return True
        time.sleep(0.05)
    return False


def _launch(config: StackConfig, *, dies_with_caller: bool) -> subprocess.Popen[bytes]:
    """Start a supervisor; returns once it has said so in the state, or has ended."""
    _check_programs()
    _check_disk(config)
    _check_ports(config)
    (config.directory / "state.json").unlink(missing_ok=True)
    config.logs.mkdir(parents=True, exist_ok=True)
    with (config.logs / "supervisor.log").open("ab") as output:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "stack.supervisor", str(config.directory.resolve())],
            cwd=PROJECT_DIR,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            # No thread runs here that the fork could catch holding a lock.
            preexec_fn=die_with_parent(signal.SIGTERM) if dies_with_caller else None,  # noqa: PLW1509
        )
    _reap(config.directory)
    _own_supervisors[config.directory] = supervisor
    while StackState.load(config.directory) is None and supervisor.poll() is None:
        time.sleep(0.02)
    return supervisor


def _wait_until_ready(config: StackConfig, on_step: Callable[[str], None]) -> None:
    deadline = time.monotonic() + START_SECONDS
    said = ""
    while time.monotonic() < deadline:
        is_over = not is_running(config.directory)
        state = StackState.load(config.directory)
        if state and state.step != said:
            said = state.step
            on_step(said)
        if state and state.phase == "ready":
            return
        if state and state.phase == "failed":
            raise StackError(state.error or "the stack failed to start")
        if is_over:
            raise StackError(f"the supervisor has ended; see {config.logs / 'supervisor.log'}")
        time.sleep(0.05)
    see = as_typed("logs", config.directory)
    raise StackError(f"the stack was not ready after {START_SECONDS} s; see `{see}`")


def stop(directory: Path) -> bool:
    """Stop everything and wait for it; True if something was running. No data is lost."""
    if not is_running(directory):
        return False
    state = StackState.load(directory)
    if state is None:
        raise StackError(
            "a supervisor runs but has left no state; "
            f"see `{as_typed('logs supervisor', directory)}`"
        )
    with contextlib.suppress(ProcessLookupError):
        os.kill(state.supervisor_pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while is_running(directory):
        if time.monotonic() > deadline:
            raise StackError(f"supervisor {state.supervisor_pid} did not stop in {STOP_SECONDS} s")
        time.sleep(0.05)
    _reap(directory)
    return True


def _reap(directory: Path) -> None:
    """Wait for a supervisor of ours that has ended, so that the kernel can forget it."""
    if supervisor := _own_supervisors.pop(directory, None):
        supervisor.wait(STOP_SECONDS)


def erase(config: StackConfig) -> None:
    """Remove the database and the mails of a stopped stack; its keys and ports stay."""
    with one_at_a_time(config.directory):
        if is_running(config.directory):
            raise StackError("somebody has started the stack again; nothing was removed")
        shutil.rmtree(postgres.data_directory(config), ignore_errors=True)
        for path in config.directory.glob("mailbox.sqlite*"):
            path.unlink()


def write_env_file(config: StackConfig, path: Path = ENV_FILE) -> bool:
    """Point API, workers and clients at this stack; False if the file is somebody's own."""
    if path.exists() and not path.read_text().startswith(ENV_MARK):
        return False
    lines = [ENV_MARK, *(f"{name}={value}" for name, value in product_environment(config).items())]
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write("\n".join(lines) + "\n")
    return True


def _check_programs() -> None:
    missing = [f"{name} ({path})" for name, path in PROGRAMS.items() if not path.exists()]
    if missing:
        raise StackError(f"not installed: {', '.join(missing)}; `make install` gets them")


def _check_disk(config: StackConfig) -> None:
    """The database may lie on another disk than the rest."""
    for directory in (config.directory, postgres.data_directory(config)):
        there = next(path for path in (directory, *directory.absolute().parents) if path.exists())
        free = shutil.disk_usage(there).free
        if free < SMALLEST_FREE_DISK:
            raise StackError(
                f"only {free // 1_000_000} MB are free on the disk of {directory}; "
                f"the stack needs at least {SMALLEST_FREE_DISK // 1_000_000} MB"
            )


def _check_ports(config: StackConfig) -> None:
    """Name whoever holds a port before half the stack is started."""
    taken = [
        f"port {port} ({name}) is taken{_holder(port)}"
        for name, port in asdict(config.ports).items()
        if name not in config.without and _is_taken(port)
    ]
    if taken:
        raise StackError(
            "; ".join(taken)
            + ". Stop it, or start this stack elsewhere: "
            + as_typed("up --port-offset 100", config.directory)
        )


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def _holder(port: int) -> str:
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if (
                connection.status == psutil.CONN_LISTEN
                and getattr(connection.laddr, "port", None) == port
            ):
                name = psutil.Process(connection.pid).name() if connection.pid else "another user's"
                return f" by {name} (pid {connection.pid})"
    return ""
