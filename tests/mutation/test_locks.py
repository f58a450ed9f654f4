"""Every lock that a promise hangs on, taken out of its function: two calls at once must then break
the promise, and with the lock must not."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import psycopg
import pytest

from stack.config import StackConfig
from stack.migrations import clone_database, drop_database
from tests.database.conftest import migrated  # noqa: F401 - a fixture
from tests.mutation.races import RACES, Race, run


@pytest.fixture(scope="module")
def url(stack: StackConfig, migrated: str) -> Iterator[str]:  # noqa: F811
    """A database in which functions may be spoilt."""
    name = f"races_{uuid.uuid4().hex}"
    clone_database(stack, migrated, name)
    yield stack.db_url(database=name)
    drop_database(stack, name)


@pytest.mark.parametrize("race", RACES, ids=lambda race: race.name)
def test_only_the_lock_keeps_the_promise(url: str, race: Race) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        _, holds = run(url, race.prepare(connection))
        assert holds, "with the lock"
        usual = connection.execute(
            "select pg_get_functiondef(%s::regproc)", [race.function]
        ).fetchone()
        assert usual is not None
        connection.execute(race.without_lock(connection))  # type: ignore[arg-type]
        try:
            ended, holds = run(url, race.prepare(connection))
        finally:
            connection.execute(usual[0])
    assert (ended, holds) == ("done", False), "without it"
