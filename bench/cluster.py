"""A PostgreSQL of the measurements' own: durable, bootstrapped, migrated, gone afterwards."""

from __future__ import annotations

import contextlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path

import psutil

from stack import postgres
from stack.config import HOST, Keys, Ports, StackConfig
from stack.migrations import clone_database, migrate

MIGRATED = "bench_migrated"
# Recovery of a killed server on a busy machine included.
START_SECONDS = 300


class Cluster:
    """One server process; `kill` and `start` again as often as needed."""

    def __init__(self, config: StackConfig) -> None:
        self.config = config
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers."""
        postgres.remove_stale_pid_file(self.config)
        user = postgres.unprivileged_user()
        self.config.logs.mkdir(exist_ok=True)
        with (self.config.logs / "postgres.log").open("ab") as log:
            self._server = subprocess.Popen(
                postgres.server_command(self.config),
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
                cwd="/",
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_SECONDS
        while not postgres.is_healthy(self.config):
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start; see {self.config.logs}")
            time.sleep(0.05)

    def kill(self) -> None:
        """End the server and its processes with SIGKILL, and wait until they are gone."""
        if self._server is None:
            return
        children = psutil.Process(self._server.pid).children(recursive=True)
        self._server.kill()
        self._server.wait()
        # They would notice by themselves, but while one lives no new server may start.
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        psutil.wait_procs(children, START_SECONDS)

    def stop(self) -> None:
        """Stop in order."""
        if self._server is not None and self._server.poll() is None:
            self._server.send_signal(signal.SIGINT)
            self._server.wait()


@contextlib.contextmanager
def running_cluster() -> Iterator[Cluster]:
    """A durable server with an empty, migrated database named by MIGRATED."""
    directory = Path(tempfile.mkdtemp(prefix="appoint-bench-"))
    directory.chmod(0o755)
    config = StackConfig(directory, free_ports(), Keys.generate())
    config.save()
    cluster = Cluster(config)
    try:
        postgres.prepare(config)
        cluster.start()
        postgres.bootstrap(config)
        clone_database(config, postgres.TEMPLATE, MIGRATED)
        migrate(config, MIGRATED)
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(postgres.data_directory(config), ignore_errors=True)
        shutil.rmtree(directory)


def free_ports() -> Ports:
    """A block of ports nobody listens on, below those the kernel gives to outgoing connections."""
    blocks = list(range(11_000, 31_000, 20))
    random.shuffle(blocks)
    for first in blocks:
        ports = Ports(*range(first, first + len(fields(Ports))))
        with contextlib.ExitStack() as sockets:
            try:
                for port in asdict(ports).values():
                    sockets.enter_context(socket.socket()).bind((HOST, port))
            except OSError:
                continue
        return ports
    raise RuntimeError("no free block of ports")
