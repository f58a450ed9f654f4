"""The matrix: everything the catalogue exposes, times everybody, times every verb, really asked."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg

from stack.config import StackConfig
from stack.migrations import clone_database, drop_database, migrate
from stack.postgres import TEMPLATE
from tests.access import arguments, catalogue, rows
from tests.access.cast import Person, invite, token
from tests.access.catalogue import Function, Relation
from tests.access.outcomes import Answer
from tests.access.requests import Cell, Request, send_all
from tests.access.rows import Standing
from tests.access.server import rolling_back
from tests.access.world import CANARY, World, build, spread_word

# Grants are the database roles'; these people try every column's for visitors, people, workers.
SPOKESPEOPLE = {"anon": "visitor", "authenticated": "owner", "service_role": "worker"}


@dataclass(frozen=True)
class Scene:
    """A database with three clinics, everybody in place, and what stands in its tables."""

    database: str
    people: list[Person]
    relations: list[Relation]
    functions: list[Function]
    text_columns: list[tuple[str, str, bool]]
    standing: dict[tuple[str, str], Standing]
    changes: dict[tuple[str, str], rows.Body]
    home: World
    away: World
    strict: World

    def tokens(self, stack: StackConfig) -> dict[str, str | None]:
        """A token for everybody who has one."""
        return {
            person.name: token(stack, person.claims) if person.role != "anon" else None
            for person in self.people
        }

    def worlds(self, person: Person) -> dict[str, World]:
        return {"home": person.home, "away": person.away}


@contextlib.contextmanager
def prepared(stack: StackConfig, migrated: str | None = None) -> Iterator[Scene]:
    """Build the scene in a database of its own, copied from a migrated one if there is one."""
    name = f"proof_{uuid.uuid4().hex}"
    clone_database(stack, migrated or TEMPLATE, name)
    try:
        if migrated is None:
            migrate(stack, name)
        with psycopg.connect(stack.db_url(database=name), autocommit=True) as connection:
            scene = set_up(connection, name)
        yield scene
    finally:
        drop_database(stack, name)


def set_up(connection: psycopg.Connection, database: str) -> Scene:
    """Fill an empty, migrated database."""
    with connection.transaction():
        home = build(connection, "homeward", books_publicly=True)
        away = build(connection, CANARY, books_publicly=False)
        strict = build(connection, "strict", books_publicly=False, staff_needs_second_factor=True)
        people = invite(connection, home, away, strict)
        spread_word(connection, away)
    relations = catalogue.relations(connection)
    standing: dict[tuple[str, str], Standing] = {}
    changes: dict[tuple[str, str], rows.Body] = {}
    for relation in relations:
        for world in (home, away, strict):
            known = rows.standing(connection, relation, world)
            standing[relation.name, world.word] = known
            changes[relation.name, world.word] = rows.change(connection, relation, known)
    return Scene(
        database, people, relations, catalogue.functions(connection),
        catalogue.text_columns(connection), standing, changes, home, away, strict,
    )  # fmt: skip


async def run(stack: StackConfig, scene: Scene) -> dict[Cell, Answer]:
    """Ask everything."""
    with rolling_back(stack, scene.database) as base:
        return await send_all(base, scene.tokens(stack), requests(scene))


def requests(scene: Scene) -> Iterator[Request]:
    """Every request; neighbours touch different tables, so they seldom wait for each other."""
    for person in scene.people:
        for relation in scene.relations:
            yield from _of_rows(scene, person, relation)
            yield from _of_columns(scene, person, relation)
        for function in scene.functions:
            yield from _of_function(scene, person, function)


def _of_rows(scene: Scene, person: Person, relation: Relation) -> Iterator[Request]:
    clinic = rows.clinic_column(relation)
    for place, world in scene.worlds(person).items():
        known = scene.standing[relation.name, world.word]
        change = scene.changes[relation.name, world.word]
        everything = {"select": clinic, clinic: f"eq.{world.clinic}"}
        added = rows.addition(relation.name, world)
        tried = [
            ("read", place, "GET", everything, None),
            ("add", place, "POST", {}, added),
            *_by_key(place, known.key, change),
        ]
        if place == "away":
            nobody = rows.unknown_key(relation, known)
            tried += _by_key("unknown", nobody, change)
            for where, key in (("away", known.key), ("unknown", nobody)):
                tried.append(("look up", where, "GET", {"select": clinic} | _equal(key), None))
        for verb, where, method, query, body in tried:
            cell = Cell(person.name, relation.name, verb, where)
            prefer = "count=exact" if method == "GET" else "return=minimal,count=exact"
            yield Request(cell, method, relation.name, query, body, relation.schema, prefer)


def _by_key(
    place: str, key: dict[str, str], change: rows.Body
) -> list[tuple[str, str, str, dict[str, str], rows.Body | None]]:
    """Changing and removing one row."""
    return [
        ("change", place, "PATCH", _equal(key), change),
        ("remove", place, "DELETE", _equal(key), None),
    ]


def _equal(key: dict[str, str]) -> dict[str, str]:
    return {column: f"eq.{value}" for column, value in key.items()}


def _of_columns(scene: Scene, person: Person, relation: Relation) -> Iterator[Request]:
    known = scene.standing[relation.name, person.home.word]
    for column in relation.columns:
        thing = f"{relation.name}.{column}"
        query = {"select": column, "limit": "1"}
        cell = Cell(person.name, thing, "read", "home")
        yield Request(cell, "GET", relation.name, query, schema=relation.schema, prefer="")
        if person.name not in SPOKESPEOPLE.values():
            continue
        cell = Cell(person.name, thing, "change", "home")
        body = {column: known.row[column]}
        yield Request(
            cell,
            "PATCH",
            relation.name,
            _equal(known.key),
            body,
            relation.schema,
            "return=minimal,count=exact",
        )


def _of_function(scene: Scene, person: Person, function: Function) -> Iterator[Request]:
    for place, world in scene.worlds(person).items():
        given = arguments.proper(function, world)
        yield _call(person, function, place, given)
    nothing = arguments.unknown(function)
    if nothing is not None:
        yield _call(person, function, "unknown", nothing)


def _call(person: Person, function: Function, place: str, given: arguments.Arguments) -> Request:
    cell = Cell(person.name, function.title, "call", place)
    return Request(cell, "POST", f"rpc/{function.name}", {}, given, function.schema, "")
