"""Realtime outlives its database, and its clients outlive Realtime. On a PostgreSQL of its own,
because it gets killed.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest

from stack import lifecycle, postgres
from stack.config import Keys, StackConfig
from stack.processes import die_with_parent
from tests.stack.realtime_clients import (
    SECONDS_TO_ANSWER,
    connected,
    running_realtime,
    wait_until_ready,
)
from tests.stacks import free_ports

CHANGES = {"event": "*", "schema": "public", "table": "kept"}


@dataclass
class Cluster:
    """A bare Supabase database that tests start and kill."""

    config: StackConfig
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        is_new = postgres.prepare(self.config)
        user = postgres.unprivileged_user()
        self.process = subprocess.Popen(
            postgres.server_command(self.config),
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
            cwd="/",
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent(signal.SIGINT),  # noqa: PLW1509
        )
        deadline = time.monotonic() + SECONDS_TO_ANSWER
        while not postgres.is_healthy(self.config):
            assert time.monotonic() < deadline, "PostgreSQL did not start"
            time.sleep(0.05)
        if is_new:
            postgres.bootstrap(self.config)

    def end(self, number: signal.Signals) -> None:
        """Signal the server and wait until it is gone."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(SECONDS_TO_ANSWER)

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.config.db_url(), autocommit=True) as dashboard:
            dashboard.execute(statement)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    directory = Path(tempfile.mkdtemp(prefix="appoint-test-"))
    directory.chmod(0o755)
    config = StackConfig(
        directory=directory, ports=free_ports(), keys=Keys.generate(), durable=False
    )
    config.save()
    cluster = Cluster(config)
    try:
        cluster.start()
        cluster.execute(
            "create table public.kept (id int primary key);"
            "grant select on public.kept to service_role;"
            "alter publication supabase_realtime add table public.kept"
        )
        yield cluster
    finally:
        cluster.end(signal.SIGINT)
        lifecycle.erase(config)
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="module")
def realtime(cluster: Cluster) -> Iterator[subprocess.Popen[bytes]]:
    with running_realtime(cluster.config) as process:
        yield process


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
async def test_clients_stay_connected_while_postgres_dies_and_returns(
    cluster: Cluster, realtime: subprocess.Popen[bytes], number: signal.Signals
) -> None:
    config = cluster.config
    async with connected(config, key=config.keys.service_role) as client:
        await client.join_changes("realtime:kept", CHANGES, token=config.keys.service_role)
        await client.join("realtime:outbox", private=True)
        cluster.execute("select realtime.send('{}', 'before', 'outbox')")
        assert (await client.expect("broadcast")).payload["event"] == "before"

        cluster.end(number)
        # Broadcasts between clients do not need the database.
        assert (await client.join("realtime:room", broadcast={"self": True}))["status"] == "ok"
        await client.push_binary("realtime:room", "meanwhile", b"{}", encoding=1)
        assert (await client.expect("broadcast")).payload["event"] == "meanwhile"

        cluster.start()
        wait_until_ready(config, realtime)
        again = await client.expect("system")
        assert again.payload["message"] == "Subscribed to PostgreSQL"
        cluster.execute("select realtime.send('{}', 'after', 'outbox')")
        assert (await client.expect("broadcast")).payload["event"] == "after"
        cluster.execute(f"insert into public.kept values ({int(number)})")
        change = await client.expect("postgres_changes")
        assert change.payload["data"]["record"] == {"id": int(number)}


def test_an_idle_reader_of_the_log_confirms_what_it_read(
    cluster: Cluster, realtime: subprocess.Popen[bytes]
) -> None:
    """Otherwise the log would pile up on disk, and PostgreSQL would wait for it when stopped."""
    with psycopg.connect(cluster.config.db_url(), autocommit=True) as dashboard:
        dashboard.execute("create table public.unpublished as select generate_series(1, 1000)")
        cluster.end(signal.SIGINT)  # fails after SECONDS_TO_ANSWER if it has to wait
    cluster.start()
    wait_until_ready(cluster.config, realtime)


def test_a_killed_server_leaves_no_slot_and_starts_again(cluster: Cluster) -> None:
    config = cluster.config
    slots = "select count(*) from pg_replication_slots where slot_name like 'realtime_%'"
    with psycopg.connect(config.db_url("supabase_admin"), autocommit=True) as admin:
        before = admin.execute(slots).fetchone()
        with running_realtime_on_free_port(config) as process:
            assert admin.execute(slots).fetchone() != before
            process.kill()
            process.wait()
        deadline = time.monotonic() + SECONDS_TO_ANSWER
        while admin.execute(slots).fetchone() != before:
            assert time.monotonic() < deadline, "the slot of a killed server stays"
            time.sleep(0.05)
    with running_realtime_on_free_port(config):
        pass


@contextlib.contextmanager
def running_realtime_on_free_port(config: StackConfig) -> Iterator[subprocess.Popen[bytes]]:
    directory = config.directory / "second"
    ports = replace(config.ports, realtime=free_ports().realtime)
    second = replace(config, directory=directory, ports=ports)
    second.save()
    with running_realtime(second) as process:
        yield process
