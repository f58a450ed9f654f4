"""The proof of who reaches what: docs/access.md is what PostgREST answers to each person's token.

Everything the catalogue exposes, times everybody, times every verb, is really asked; nothing is
kept. The clinic next door carries a canary in its text, and its ids behave like ids of nothing.
"""

from __future__ import annotations

import dataclasses
import difflib
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import jwt
import psycopg
import pytest

from stack.config import StackConfig
from tests.access import matrix, page
from tests.access.arguments import unknown
from tests.access.cast import token
from tests.access.matrix import Scene
from tests.access.outcomes import Answer
from tests.access.requests import Cell
from tests.access.rows import clinic_column
from tests.access.world import CANARY, FIXED_TEXT

Answers = dict[Cell, Answer]

# Text that a word of ours cannot be: ids of systems and rows, names of files, keys, numbers.
CANNOT_CARRY = {
    "import_files.name", "import_rejects.file", "import_jobs.error", "locations.phone",
}  # fmt: skip


@pytest.fixture(scope="module")
def scene(stack: StackConfig, migrated: str) -> Iterator[Scene]:
    """Three clinics and everybody, in a database of their own."""
    with matrix.prepared(stack, migrated) as scene:
        yield scene


@pytest.fixture(scope="module")
async def answers(stack: StackConfig, scene: Scene) -> Answers:
    """What everybody was answered."""
    return await matrix.run(stack, scene)


@pytest.fixture(scope="module")
def foreign(answers: Answers, scene: Scene) -> Answers:
    """The answers to those who have no business in the clinic next door."""
    strangers = {person.name for person in scene.people if not person.belongs_away}
    return {cell: answer for cell, answer in answers.items() if cell.person in strangers}


def test_the_page_says_what_people_are_answered(scene: Scene, answers: Answers) -> None:
    said, true = page.PAGE.read_text(), page.render(scene, answers)
    difference = difflib.unified_diff(said.splitlines(), true.splitlines(), "page", "truth", n=0)
    assert said == true, "make access, and look at:\n" + "\n".join(difference)


def test_every_cell_was_asked(
    scene: Scene, answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\naccess matrix: {len(answers):,} cells\n")
    assert len(answers) >= 5000
    for person in scene.people:
        for relation in scene.relations:
            for verb in ("read", "add", "change", "remove"):
                for place in ("home", "away"):
                    assert Cell(person.name, relation.name, verb, place) in answers
            for column in relation.columns:
                assert Cell(person.name, f"{relation.name}.{column}", "read", "home") in answers
        for function in scene.functions:
            assert Cell(person.name, function.title, "call", "home") in answers


def test_nobody_is_shown_anything_of_the_clinic_next_door(scene: Scene, foreign: Answers) -> None:
    assert len(foreign) > 5000
    for cell, answer in foreign.items():
        text = answer.body.lower()
        assert CANARY not in text, cell
        assert str(scene.away.clinic) not in text, cell


def test_the_canary_would_be_seen(stack: StackConfig, scene: Scene, answers: Answers) -> None:
    """Its own people are shown it, and it stands in every text column that can hold it."""
    seen = Cell("away_owner", "public.my_memberships", "call", "home")
    assert CANARY in answers[seen].body
    with psycopg.connect(stack.db_url(database=scene.database)) as connection:
        for relation in scene.relations:
            if relation.is_view:
                continue
            columns = connection.execute(
                "select column_name from information_schema.columns"
                " where table_schema = %s and table_name = %s and data_type = 'text'",
                [relation.schema, relation.name],
            ).fetchall()
            rows = connection.execute(
                f"select to_jsonb(one) from {relation.schema}.{relation.name} as one"  # type: ignore[arg-type]
                f" where {clinic_column(relation)} = %s",
                [scene.away.clinic],
            ).fetchall()
            for (column,) in columns:
                name = f"{relation.name}.{column}"
                if column in FIXED_TEXT or name in CANNOT_CARRY:
                    continue
                values = {row[column] for (row,) in rows}
                assert all(CANARY in (value or "") for value in values), name


def test_ids_of_the_clinic_next_door_are_like_ids_of_nothing(
    scene: Scene, foreign: Answers
) -> None:
    """Same status, same body, same count: nobody learns what exists."""
    compared = 0
    for cell, answer in foreign.items():
        if cell.place == "away":
            nothing = foreign.get(dataclasses.replace(cell, place="unknown"))
            if nothing is not None:
                assert answer.visible == nothing.visible, cell
                compared += 1
    takes_ids = sum(unknown(function) is not None for function in scene.functions)
    strangers = len({cell.person for cell in foreign})
    assert compared == strangers * (takes_ids + 3 * len(scene.relations))


def test_nothing_next_door_is_written(foreign: Answers) -> None:
    for cell, answer in foreign.items():
        if cell.place != "away" or cell.verb not in ("add", "change", "remove"):
            continue
        # A clinic's id in a new clinic or session would be nonsense; nobody may add those at all,
        # or they are placed by their service, which is not found.
        assert answer.refusal or (cell.verb != "add" and answer.rows == 0), cell


def test_no_answer_is_the_servers_fault(answers: Answers) -> None:
    assert {cell: answer for cell, answer in answers.items() if answer.status >= 500} == {}


async def test_tokens_of_the_proof_are_like_those_of_auth(stack: StackConfig) -> None:
    """A real log-in has the same claims, and is let in by the same key."""
    async with httpx.AsyncClient(base_url=stack.gateway_url) as http:
        signed_up = await http.post(
            "/auth/v1/signup",
            json={"email": "claims@people.example", "password": "a long password"},
            headers={"apikey": stack.keys.publishable},
        )
        real = signed_up.json()["access_token"]
        claims = jwt.decode(real, options={"verify_signature": False})
        ours = jwt.decode(
            token(stack, {name: claims[name] for name in ("sub", "role", "aud", "email", "aal")}),
            options={"verify_signature": False},
        )
        for name in set(ours) - {"iat", "exp"}:
            assert ours[name] == claims[name], name
        for bearer in (real, token(stack, {"sub": claims["sub"], "role": "authenticated"})):
            answer = await http.post(
                "/rest/v1/rpc/my_memberships",
                headers={"apikey": stack.keys.publishable, "Authorization": f"Bearer {bearer}"},
            )
            assert (answer.status_code, answer.json()) == (200, [])


def test_the_page_is_where_it_is_said_to_be() -> None:
    assert Path("docs/access.md").resolve() == page.PAGE
