"""A stack starts from whatever it finds, says what is wrong, restarts what dies, loses nothing."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import namedtuple
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from stack import lifecycle, postgres, web
from stack.as_typed import as_typed
from stack.config import HOST, PROJECT_DIR, Keys, StackConfig
from stack.postgres import PostgresError
from stack.state import StackState, acquire_lock, is_running
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


def appoint(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "appoint", *map(str, arguments)],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def complaint(*arguments: object, **options: Any) -> str:
    """What the command says about why it fails."""
    finished = appoint(*arguments, **options)
    assert finished.returncode == 1
    assert finished.stderr.startswith("error:")
    assert finished.stderr.count("\n") == 1, finished.stderr
    return finished.stderr


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


def phase(config: StackConfig) -> str | None:
    state = StackState.load(config.directory)
    return state.phase if state else None


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


@pytest.mark.parametrize("change", [{"port_offset": 100}, {"without": ("worker",)}])
def test_a_running_stack_is_not_configured_anew(small: StackConfig, change: dict[str, Any]) -> None:
    start(small)
    before = (small.directory / "stack.json").read_text()
    with pytest.raises(lifecycle.StackError, match=r"already running on .*appoint down --stack"):
        lifecycle.configure(small.directory, **change)
    assert (small.directory / "stack.json").read_text() == before
    assert lifecycle.configure(small.directory, without=ALL_BUT_POSTGRES) == small


def test_a_part_left_out_stays_out_until_the_stack_is_to_be_complete(small: StackConfig) -> None:
    with socket.create_server((HOST, small.ports.postgres)):
        assert "is taken" in complaint("up", "--without", "worker", "--stack", small.directory)
        assert "is taken" in complaint("up", "--stack", small.directory)
        assert StackConfig.load(small.directory).without == ("worker",)
        assert "is taken" in complaint("up", "--complete", "--stack", small.directory)
        assert StackConfig.load(small.directory).without == ()


def test_a_part_that_does_not_exist_cannot_be_left_out(small: StackConfig) -> None:
    with pytest.raises(lifecycle.StackError, match=r"no part wrker; .*worker"):
        lifecycle.configure(small.directory, without=("wrker",))


def test_of_two_who_start_at_once_one_starts_it_and_both_have_it(small: StackConfig) -> None:
    with ThreadPoolExecutor(4) as pool:
        for started in [pool.submit(lifecycle.start, small) for _ in range(4)]:
            started.result()
    began = (small.logs / "supervisor.log").read_text().count("Preparing the database")
    assert began == 1
    assert postgres.is_healthy(small)


def test_of_two_who_configure_at_once_both_get_the_same_keys(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        configured = list(pool.map(lifecycle.configure, [tmp_path / "new"] * 4))
    assert configured == [configured[0]] * 4


def test_who_waits_for_anothers_start_hears_why_it_failed_and_stops_nothing(
    small: StackConfig,
) -> None:
    (small.supabase_dir / "migrations" / "20260901000100_broken.sql").write_text("select nothing;")
    with ThreadPoolExecutor(2) as pool:
        refusals = [
            str(started.exception())
            for started in [pool.submit(lifecycle.start, small) for _ in range(2)]
        ]
    assert all("nothing" in refusal for refusal in refusals)
    eventually(lambda: not is_running(small.directory))


def test_who_starts_a_stack_that_is_being_stopped_has_it_running_afterwards(
    small: StackConfig,
) -> None:
    start(small)
    state = StackState.load(small.directory)
    assert state
    os.kill(state.supervisor_pid, signal.SIGTERM)
    eventually(lambda: phase(small) == "stopping")
    start(small)
    assert phase(small) == "ready"
    assert postgres.is_healthy(small)


def test_who_looks_whether_a_stack_runs_is_not_in_its_way(small: StackConfig) -> None:
    acquired = acquire_lock(small.directory)
    assert acquired is not None
    with acquired:
        assert is_running(small.directory)
    with (small.directory / "supervisor.lock").open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        assert not is_running(small.directory)


def test_the_data_of_a_running_stack_is_not_erased(small: StackConfig) -> None:
    start(small)
    write_note(small, "kept")
    with pytest.raises(lifecycle.StackError, match="nothing was removed"):
        lifecycle.erase(small)
    assert notes(small) == ["kept"]


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


@pytest.mark.parametrize("full", ["the stack's", "the database's"])
def test_a_full_disk_is_reported_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: str
) -> None:
    """Root's database may lie on another disk than the rest of its stack."""
    usage = namedtuple("usage", "total used free")
    here, there = tmp_path / "stack", tmp_path / "elsewhere"
    there.mkdir()
    is_full = here if full == "the stack's" else there
    monkeypatch.setattr(postgres, "data_directory", lambda _: there / "data")
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: usage(10**9, 0, 1_000 if path == is_full else 10**9)
    )
    with pytest.raises(lifecycle.StackError, match="free on the disk"):
        lifecycle.configure(here)
    assert not (here / "stack.json").exists()
    config = StackConfig(here, free_ports(), Keys.generate())
    with pytest.raises(lifecycle.StackError, match="free on the disk"):
        start(config)
    assert not config.logs.exists()
    assert list(there.iterdir()) == []


def test_a_small_disk_is_one_readable_line(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "appoint-test", str(disk)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("only root outside most containers may mount a disk")
    try:
        assert "4 MB are free on the disk" in complaint("up", "--stack", disk / "stack")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_file_that_cannot_be_written_is_one_readable_line(tmp_path: Path) -> None:
    """No file may grow, as on a disk that fills up while the stack is being made."""
    said = complaint(
        "up",
        "--stack",
        tmp_path / "stack",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
    )
    assert "File too large" in said


def test_a_missing_program_is_named_before_anything_is_written(
    small: StackConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = lifecycle.PROGRAMS | {"Deno": Path("/nowhere/deno")}
    monkeypatch.setattr(lifecycle, "PROGRAMS", missing)
    with pytest.raises(
        lifecycle.StackError, match=r"^not installed: Deno \(/nowhere/deno\); `make install`"
    ):
        start(small)
    assert not small.logs.exists()


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


def test_migrations_may_do_to_realtime_what_a_hosted_project_lets_them(small: StackConfig) -> None:
    (small.supabase_dir / "migrations" / "20260901000100_realtime.sql").write_text(
        "create policy mine on realtime.messages for select to authenticated using (true);\n"
        "create trigger mine after insert on realtime.messages for each statement"
        " execute function suppress_redundant_updates_trigger();\n"
        "drop trigger mine on realtime.messages;\n"
    )
    start(small)
    with psycopg.connect(small.db_url()) as connection:
        assert connection.execute(
            "select policyname from pg_policies where tablename = 'messages'"
        ).fetchall() == [("mine",)]


def test_what_an_interrupted_migration_left_granted_is_taken_back_at_the_next_start(
    small: StackConfig,
) -> None:
    start(small)
    with psycopg.connect(small.db_url("supabase_admin")) as admin:
        admin.execute("grant supabase_realtime_admin to postgres")
    lifecycle.stop(small.directory)
    start(small)
    with psycopg.connect(small.db_url()) as connection:
        assert connection.execute(
            "select pg_has_role('postgres', 'supabase_realtime_admin', 'member')"
        ).fetchone() == (False,)


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


@pytest.mark.parametrize("on_path", [True, False])
def test_what_people_are_told_to_type_works_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_path: bool
) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/bin" if on_path else "/bin")
    for directory in (PROJECT_DIR, tmp_path):
        monkeypatch.chdir(directory)
        typed = as_typed("down", tmp_path / "stack")
        said = subprocess.run(typed, shell=True, capture_output=True, text=True, check=True)
        assert said.stdout == "Nothing was running.\n"


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
    report = json.loads(appoint("status", "--json", "--stack", stack.directory).stdout)
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
    assert "there is no stack" in complaint("status", "--stack", tmp_path / "none")
