"""Makes stacks for the tests: their own ports, their own directory, gone afterwards."""

from __future__ import annotations

import contextlib
import random
import shutil
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path

from stack import lifecycle
from stack.config import HOST, Keys, Ports, StackConfig
from stack.state import StackState
from tests.log_search import personal_lines, personal_words


def free_ports() -> Ports:
    """A block of ports nobody listens on, below those the kernel gives to outgoing connections."""
    blocks = list(range(11_000, 31_000, 20))
    random.shuffle(blocks)  # two test runs that start at once should not look at the same ones
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


@contextlib.contextmanager
def running_stack(**settings: object) -> Iterator[StackConfig]:
    """A new stack in a directory of its own, gone afterwards.

    Fails at the end if anything personal stands in one of its logs.
    """
    directory = Path(tempfile.mkdtemp(prefix="appoint-test-"))
    directory.chmod(0o755)  # root's PostgreSQL runs as another user and must get in
    config = StackConfig(
        directory=directory,
        ports=free_ports(),
        keys=Keys.generate(),
        durable=False,
        **settings,  # type: ignore[arg-type]
    )
    config.save()
    try:
        lifecycle.start(config, dies_with_caller=True)
        yield config
        words = personal_words(config)
        lifecycle.stop(directory)
        found = personal_lines(config.logs, words)
        assert not found, found
    finally:
        lifecycle.stop(directory)
        lifecycle.erase(config)
        shutil.rmtree(directory)


def pid_of(stack: StackConfig, part: str) -> int | None:
    """Of a part that is known to be well; None: it is not, at the moment."""
    state = StackState.load(stack.directory)
    known = state.parts.get(part) if state else None
    return known.pid if known and known.healthy else None
