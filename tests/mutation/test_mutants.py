"""Every protection taken away must be noticed: in turn, each policy, grant, constraint, trigger.

A sample of each kind by default; all of them with APPOINT_ALL_MUTANTS=1, some thousands.
"""

from __future__ import annotations

import os
import random
import sys
from collections import Counter
from collections.abc import Iterator

import psycopg
import pytest

from stack.config import StackConfig
from tests.access.matrix import Scene, prepared
from tests.database.conftest import migrated  # noqa: F401 - a fixture
from tests.mutation.judge import SHELVES, Judge
from tests.mutation.mutants import Mutant, all_mutants
from tests.mutation.oracle import PROBES
from tests.people import Connection

ALL = "APPOINT_ALL_MUTANTS"
OF_EACH_KIND = 5
# What a trigger does takes some seconds to see.
OF_TRIGGERS = 3


@pytest.fixture(scope="module")
def scene(stack: StackConfig, migrated: str) -> Iterator[Scene]:  # noqa: F811
    """The scene of docs/access.md, with rows in the workers' tables too."""
    with prepared(stack, migrated) as scene:
        yield scene


@pytest.fixture(scope="module")
def connection(stack: StackConfig, scene: Scene) -> Iterator[Connection]:
    """To the scene, as `postgres`; nothing is kept but the probes."""
    with psycopg.connect(stack.db_url("supabase_admin", scene.database)) as connection:
        connection.execute("set session authorization postgres")
        connection.execute(PROBES.read_bytes())
        connection.execute(SHELVES.read_bytes())
        connection.commit()
        yield connection
        connection.rollback()


@pytest.fixture(scope="module")
def judge(connection: Connection, scene: Scene) -> Judge:
    """What it has seen of the database as it is, it knows in every test."""
    return Judge(connection, scene)


def limit(kind: str) -> int:
    return OF_TRIGGERS if kind == "trigger dropped" else OF_EACH_KIND


def chosen(mutants: list[Mutant]) -> list[Mutant]:
    """All of them, or some of each kind, the same each time."""
    if os.environ.get(ALL):
        return mutants
    kinds: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        kinds.setdefault(mutant.kind, []).append(mutant)
    pick = random.Random("mutants")
    return [
        mutant
        for found in kinds.values()
        for mutant in pick.sample(found, min(limit(found[0].kind), len(found)))
    ]


def tell(capsys: pytest.CaptureFixture[str], line: str) -> None:
    """On the terminal at once: the whole takes a while."""
    with capsys.disabled():
        sys.stdout.write(f"\n{line}")
        sys.stdout.flush()


def test_every_mutant_is_caught(
    connection: Connection, judge: Judge, capsys: pytest.CaptureFixture[str]
) -> None:
    mutants = chosen(all_mutants(connection))
    survivors = []
    for number, mutant in enumerate(mutants, 1):
        if not judge.catches(mutant):
            survivors.append(mutant)
            tell(capsys, f"survives: {mutant.kind}: {mutant.name}")
        if number % 100 == 0 and len(mutants) > 200:
            tell(capsys, f"mutants: {number} of {len(mutants)} tried")
    tried = Counter(mutant.kind for mutant in mutants)
    told = ", ".join(f"{count} {kind}" for kind, count in tried.items())
    tell(capsys, f"mutants: {len(mutants)} tried, {len(survivors)} survive: {told}")
    assert len(mutants) >= 60
    assert [f"{mutant.kind}: {mutant.name}" for mutant in survivors] == []


def test_what_is_no_mutant_is_not_caught(judge: Judge) -> None:
    """The judge sees no difference where there is none."""
    for probe, touched in (
        ("policies", "public.patients"),
        ("rows", "public.appointments"),
        ("call", "public.cancel_appointment"),
        ("constraints", "public.services"),
        ("effects", "public.appointments"),
    ):
        assert not judge.catches(Mutant("none", "nothing", ("select 1",), probe, touched)), touched
