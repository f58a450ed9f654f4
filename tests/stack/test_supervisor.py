"""The supervisor tells slow parts from hanging ones, and outlives what cannot be started."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from stack import postgres, supervisor
from stack.config import HOST, Keys, StackConfig
from stack.parts import Part
from stack.supervisor import StartError, Supervisor
from tests.acceptance.eventually import eventually
from tests.stacks import free_ports

WAIT_FOR_EVER = [sys.executable, "-c", "import signal; signal.pause()"]


@dataclass(frozen=True)
class Answering(Part):
    """A part that waits for ever and answers each question as `answers` says, then as the last."""

    answers: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)

    def _answer(self) -> str:
        return self.answers[min(len(self.questions), len(self.answers)) - 1]

    def is_healthy(self, config: StackConfig) -> bool:
        self.questions.append("are you well?")
        return self._answer() == "well"

    def is_still_starting(self, config: StackConfig) -> bool:
        return self._answer() == "later"


def part(command: list[str] = WAIT_FOR_EVER, answers: list[str] | None = None) -> Answering:
    return Answering("part", "a part", 0, command, health_url="", answers=answers or ["silence"])


@pytest.fixture
def config(tmp_path: Path) -> StackConfig:
    config = StackConfig(tmp_path, free_ports(), Keys.generate())
    config.logs.mkdir()
    return config


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever falls silent after an answer is killed at once; pauses are short."""
    monkeypatch.setattr(supervisor, "SILENT_SECONDS", 0.0)
    monkeypatch.setattr(supervisor, "PROBE_SECONDS", 0.01)
    monkeypatch.setattr(supervisor, "STARTING_PROBE_SECONDS", 0.01)
    monkeypatch.setattr(supervisor, "LONGEST_PAUSE_SECONDS", 0.05)


def supervising(config: StackConfig, *parts: Part) -> Supervisor:
    """A supervisor of these parts alone, which are not started yet."""
    ours = Supervisor(config)
    ours.parts = {part.name: part for part in parts}
    ours.state.parts = {part.name: supervisor.PartState() for part in parts}
    ours.healthy = {part.name: asyncio.Event() for part in parts}
    return ours


async def until(condition: Callable[[], bool]) -> None:
    async def look() -> bool:
        return condition()

    await eventually(look)


async def stopped(ours: Supervisor) -> None:
    await ours._stop(None)
    await asyncio.gather(*ours.keepers.values(), return_exceptions=True)


@pytest.mark.usefixtures("impatient")
async def test_a_part_that_has_much_to_do_before_its_first_answer_is_left_alone(
    config: StackConfig,
) -> None:
    slow = part(answers=["silence"] * 20 + ["well"])
    ours = supervising(config, slow)
    ours._keep("part")
    try:
        await ours._wait_healthy(["part"])
        assert ours.state.parts["part"].restarts == 0
    finally:
        await stopped(ours)


@pytest.mark.usefixtures("impatient")
async def test_a_part_that_recovers_says_so_and_is_left_alone(config: StackConfig) -> None:
    recovering = part(answers=["well"] + ["later"] * 20 + ["well"])
    ours = supervising(config, recovering)
    ours._keep("part")
    try:
        await until(lambda: len(recovering.questions) > 21)
        assert ours.state.parts["part"].restarts == 0
    finally:
        await stopped(ours)


@pytest.mark.usefixtures("impatient")
async def test_a_part_that_falls_silent_is_killed_and_started_again(config: StackConfig) -> None:
    hanging = part(answers=["well", "silence", "silence", "well"])
    ours = supervising(config, hanging)
    ours._keep("part")
    try:
        await until(lambda: ours.state.parts["part"].restarts > 0)
        await until(lambda: ours.state.parts["part"].healthy)
    finally:
        await stopped(ours)


@pytest.mark.usefixtures("impatient")
async def test_a_part_that_never_answers_is_not_waited_for_for_ever(
    config: StackConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_ANSWER_SECONDS", 0.0)
    ours = supervising(config, part())
    ours._keep("part")
    try:
        await until(lambda: ours.state.parts["part"].restarts > 0)
    finally:
        await stopped(ours)


@pytest.mark.usefixtures("impatient")
async def test_a_program_that_is_missing_ends_the_start_with_its_name(config: StackConfig) -> None:
    ours = supervising(config, part(command=["/nowhere/postgrest"]))
    ours._keep("part")
    try:
        with pytest.raises(StartError, match=r"(?s)part: cannot be started.*/nowhere/postgrest"):
            await ours._wait_healthy(["part"])
    finally:
        await stopped(ours)


@pytest.mark.usefixtures("impatient")
async def test_a_part_is_back_once_its_program_is_there_again(
    config: StackConfig, tmp_path: Path
) -> None:
    """As when a package is updated under a running stack."""
    program = tmp_path / "program"
    program.symlink_to(sys.executable)
    ours = supervising(config, part([str(program), *WAIT_FOR_EVER[1:]], answers=["well"]))
    ours._keep("part")
    try:
        await ours._wait_healthy(["part"])
        program.unlink()
        ours.processes["part"].kill()
        await until(lambda: "part" in ours.obstacles)
        program.symlink_to(sys.executable)
        await until(lambda: ours.state.parts["part"].healthy)
    finally:
        await stopped(ours)


async def test_the_log_of_a_running_part_is_put_aside_when_it_grows_too_large(
    config: StackConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LARGEST_LOG_BYTES", 1_000)
    monkeypatch.setattr(supervisor, "PROBE_SECONDS", 0.01)
    talks = "import time\nwhile True: print('x' * 99, flush=True); time.sleep(0.001)"
    ours = supervising(config, part([sys.executable, "-c", talks], answers=["well"]))
    ours._keep("part")
    log, aside = config.logs / "part.log", config.logs / "part.log.1"
    try:
        await until(aside.exists)
        assert aside.read_text().startswith("x" * 99)
        await until(lambda: 0 < log.stat().st_size <= 1_000)
        assert ours.state.parts["part"].restarts == 0
    finally:
        await stopped(ours)


@pytest.fixture
def speaking_port(config: StackConfig) -> Iterator[Callable[[str], None]]:
    """Something at PostgreSQL's port that refuses every client with these words."""
    said: list[str] = []
    with socket.create_server((HOST, config.ports.postgres)) as server:

        def refuse() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    while len(client.recv(1000)) == 8:
                        client.sendall(b"N")  # it asked for encryption
                    fields = f"SFATAL\0VFATAL\0C57P03\0M{said[-1]}\0\0".encode()
                    client.sendall(b"E" + (len(fields) + 4).to_bytes(4) + fields)

        thread = threading.Thread(target=refuse)
        thread.start()
        yield said.append
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize(
    ("words", "is_starting"),
    [
        ("the database system is starting up", True),
        ("the database system is in recovery mode", True),
        ("the database system is not yet accepting connections", True),
        ("the database system is shutting down", False),
    ],
)
def test_postgresql_that_will_be_ready_later_is_told_from_one_that_will_not(
    config: StackConfig, speaking_port: Callable[[str], None], words: str, is_starting: bool
) -> None:
    speaking_port(words)
    assert not postgres.is_healthy(config)
    assert postgres.is_still_starting(config) is is_starting


def test_postgresql_that_does_not_run_is_not_starting(config: StackConfig) -> None:
    assert not postgres.is_still_starting(config)
