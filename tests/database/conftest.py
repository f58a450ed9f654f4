"""Databases for tests: migrated once, shared under rollback, or copied for tests that commit."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import psycopg
import pytest

from stack.config import StackConfig
from stack.migrations import clone_database, drop_database, migrate
from stack.postgres import TEMPLATE
from tests.people import Connection

Connect = Callable[[], Connection]


@pytest.fixture(scope="session")
def migrated(stack: StackConfig) -> Iterator[str]:
    """The name of a database with all migrations and no data; nobody stays connected to it."""
    name = f"tests_{uuid.uuid4().hex}"
    clone_database(stack, TEMPLATE, name)
    migrate(stack, name)
    yield name
    drop_database(stack, name)


@pytest.fixture(scope="session")
def shared_database(stack: StackConfig, migrated: str) -> Iterator[str]:
    """A migrated database for tests that commit nothing."""
    name = f"{migrated}_shared"
    clone_database(stack, migrated, name)
    yield stack.db_url(database=name)
    drop_database(stack, name)


@pytest.fixture(scope="session")
def shared_connection(shared_database: str) -> Iterator[Connection]:
    """One for all tests that keep nothing: each new one would compile every function anew."""
    # A statement that was prepared in one test may ask for what the next one has changed.
    with psycopg.connect(shared_database, prepare_threshold=None) as connection:
        yield connection


@pytest.fixture
def db(shared_connection: Connection) -> Iterator[Connection]:
    """A connection as `postgres`, as the dashboard's; whatever it does is rolled back."""
    yield shared_connection
    shared_connection.rollback()


@pytest.fixture
def database_url(stack: StackConfig, migrated: str) -> Iterator[str]:
    """A migrated database of the test's own."""
    name = f"{migrated}_{uuid.uuid4().hex[:8]}"
    clone_database(stack, migrated, name)
    yield stack.db_url(database=name)
    drop_database(stack, name)


@pytest.fixture
def connect(database_url: str) -> Iterator[Connect]:
    """Makes committing connections to the test's own database, closed afterwards."""
    opened: list[Connection] = []

    def connect() -> Connection:
        opened.append(psycopg.connect(database_url, autocommit=True))
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()
