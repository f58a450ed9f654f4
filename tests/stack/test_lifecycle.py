"""A stack starts from whatever it finds, says what is wrong, restarts what dies, loses nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import namedtuple
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import psycopg
import pytest

from stack import lifecycle, postgres, web
from stack.config import HOST, PROJECT_DIR, Keys, StackConfig
from stack.postgres import PostgresError
from stack.state import StackState, is_running
from tests.stacks import free_ports

ALL_BUT_POSTGRES = (
    "postgrest",
    "auth",
    "realtime",
    "functions",
    "gateway",
    "mailbox",
    "api",
    "worker",
    "web",
)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[StackConfig]:
    """A stack of PostgreSQL alone, without the product's migrations; not started."""
    supabase_dir = tmp_path / "project" / "supabase"
    (supabase_dir / "migrations").mkdir(parents=True)
    (supabase_dir / "config.toml").write_text('project_id = "small"\n')
    config = StackConfig(
        directory=tmp_path / "stack",
        ports=free_ports(),
        keys=Keys.generate(),
        durable=False,
        without=ALL_BUT_POSTGRES,
        supabase_dir=supabase_dir,
    )
    config.save()
    yield config
    lifecycle.stop(config.directory)
    lifecycle.erase(config)


def start(config: StackConfig) -> None:
    lifecycle.start(config, dies_with_caller=True)


def eventually(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def write_note(config: StackConfig, words: str) -> None:
    with psycopg.connect(config.db_url()) as connection:
        connection.execute("create table if not exists public.notes (words text)")
        connection.execute("insert into public.notes values (%s)", [words])


def notes(config: StackConfig) -> list[str]:
    with psycopg.connect(config.db_url()) as connection:
        return [words for (words,) in connection.execute("select words from public.notes")]


def part_pid(config: StackConfig, name: str = "postgres") -> int | None:
    state = StackState.load(config.directory)
    return state.parts[name].pid if state else None


def test_down_and_up_again_keep_the_data(small: StackConfig) -> None:
    start(small)
    write_note(small, "kept")
    assert lifecycle.stop(small.directory)
    assert not is_running(small.directory)
    start(small)
    assert notes(small) == ["kept"]


def test_starting_a_running_stack_changes_nothing(small: StackConfig) -> None:
    start(small)
    pid = part_pid(small)
    start(small)
    assert part_pid(small) == pid


def test_reset_starts_from_an_empty_database_and_keeps_the_keys(small: StackConfig) -> None:
    start(small)
    write_note(small, "gone")
    lifecycle.stop(small.directory)
    lifecycle.erase(small)
    start(small)
    with psycopg.connect(small.db_url()) as connection:
        assert connection.execute("select to_regclass('public.notes')").fetchone() == (None,)
    assert StackConfig.load(small.directory).keys == small.keys


def test_a_killed_part_is_started_again_with_its_committed_data(small: StackConfig) -> None:
    start(small)
    write_note(small, "committed")
    killed = part_pid(small)
    assert killed
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: part_pid(small) not in (None, killed) and postgres.is_healthy(small))
    assert notes(small) == ["committed"]
    state = StackState.load(small.directory)
    assert state
    assert state.parts["postgres"].restarts >= 1


def test_parts_end_with_a_killed_supervisor_and_the_next_start_recovers(
    small: StackConfig,
) -> None:
    start(small)
    write_note(small, "survived")
    state = StackState.load(small.directory)
    assert state
    database_pid = part_pid(small)
    assert database_pid
    os.kill(state.supervisor_pid, signal.SIGKILL)
    eventually(lambda: not psutil.pid_exists(database_pid))
    start(small)
    assert notes(small) == ["survived"]


def test_a_stale_pid_file_that_names_somebody_else_is_ignored(small: StackConfig) -> None:
    start(small)
    lifecycle.stop(small.directory)
    pid_file = postgres.data_directory(small) / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{pid_file.parent}\n0\n{small.ports.postgres}\n\n{HOST}\n")
    start(small)
    assert postgres.is_healthy(small)


def test_a_half_written_data_directory_is_made_again(small: StackConfig) -> None:
    data = postgres.data_directory(small)
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("17\n")
    start(small)
    assert postgres.is_healthy(small)


def test_a_damaged_data_directory_is_reported_and_left_alone(small: StackConfig) -> None:
    data = postgres.data_directory(small)
    data.mkdir(parents=True)
    (data / postgres.BOOTSTRAPPED).write_text("earlier\n")
    (data / "precious").write_text("somebody may want this")
    with pytest.raises(lifecycle.StackError, match="damaged"):
        start(small)
    assert (data / "precious").exists()


def test_a_taken_port_is_named_with_its_holder(small: StackConfig) -> None:
    with (
        socket.create_server((HOST, small.ports.postgres)),
        pytest.raises(lifecycle.StackError) as refusal,
    ):
        start(small)
    assert f"port {small.ports.postgres} (postgres) is taken" in str(refusal.value)
    assert str(os.getpid()) in str(refusal.value)
    assert not is_running(small.directory)


def test_a_full_disk_is_reported_before_anything_is_written(
    small: StackConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 1_000))
    with pytest.raises(lifecycle.StackError, match="free on the disk"):
        start(small)
    assert not postgres.data_directory(small).exists()


def test_a_migration_that_fails_stops_the_start_with_the_cause(small: StackConfig) -> None:
    broken = small.supabase_dir / "migrations" / "20260901000100_broken.sql"
    broken.write_text("create table public.half_done (id int);\nselect no_such_function();\n")
    with pytest.raises(lifecycle.StackError, match="no_such_function"):
        start(small)
    assert not is_running(small.directory)
    broken.write_text("create table public.done (id int);\n")
    start(small)
    with psycopg.connect(small.db_url()) as connection:
        assert connection.execute("select to_regclass('public.half_done')").fetchone() == (None,)


def test_two_stacks_run_side_by_side(small: StackConfig, tmp_path: Path) -> None:
    start(small)
    other = replace(small, directory=tmp_path / "other", ports=free_ports())
    other.save()
    try:
        start(other)
        write_note(small, "first")
        write_note(other, "second")
        assert notes(small) == ["first"]
        assert notes(other) == ["second"]
    finally:
        lifecycle.stop(other.directory)
        lifecycle.erase(other)


def test_an_env_file_of_ones_own_is_left_alone(small: StackConfig, tmp_path: Path) -> None:
    own = tmp_path / "own.env"
    own.write_text("SUPABASE_URL=https://hosted.example\n")
    assert not lifecycle.write_env_file(small, own)
    assert own.read_text() == "SUPABASE_URL=https://hosted.example\n"
    written = tmp_path / "written.env"
    assert lifecycle.write_env_file(small, written)
    assert lifecycle.write_env_file(small, written)
    assert written.stat().st_mode & 0o077 == 0


def test_a_server_user_that_cannot_be_found_is_a_readable_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nobody(name: str) -> None:
        raise KeyError(name)

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("pwd.getpwnam", nobody)
    with pytest.raises(PostgresError, match="refuses to run as root"):
        postgres.unprivileged_user()


def test_status_as_json_has_the_promised_shape(stack: StackConfig) -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "appoint", "status", "--json", "--stack", str(stack.directory)],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    report = json.loads(printed.stdout)
    expected = {"postgres", *ALL_BUT_POSTGRES} - (set() if web.is_built() else {"web"})
    assert {part["name"] for part in report["parts"]} == expected
    for part in report["parts"]:
        assert set(part) == {"name", "healthy", "pid", "port", "rss_bytes", "restarts"}
        assert part["healthy"]
        assert part["rss_bytes"] > 0
    assert set(report["urls"]) == {"gateway", "api", "web", "mailbox"}
    assert set(report["keys"]) == {"publishable", "secret", "anon", "service_role"}
    assert report["db_url"] == stack.db_url()
    roles = {account["role"] for account in report["demo"]["accounts"]}
    assert roles == {"owner", "manager", "front_desk", "provider", "patient"}


def test_status_of_a_stack_that_never_was_is_one_readable_line(tmp_path: Path) -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "appoint", "status", "--stack", str(tmp_path / "none")],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert printed.returncode == 1
    assert "there is no stack" in printed.stderr
    assert "Traceback" not in printed.stderr
