"""A fast oracle: what the touched object lets people do, told as one text.

The same things are tried as for docs/access.md, by SQL with the same roles and claims; what is no
person's to try (constraints, triggers) is tried as the dashboard would, with awkward values.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from psycopg import sql

from tests.access import arguments, rows
from tests.access.cast import Person
from tests.access.catalogue import Function, Relation
from tests.access.matrix import Scene
from tests.mutation import awkward
from tests.people import Connection

PROBES = Path(__file__).with_name("probes.sql")
Probe = tuple[str, str, str]
DASHBOARD = ("postgres", "")


class Oracle:
    """Answers for one scene, over one connection as `postgres`."""

    def __init__(self, connection: Connection, scene: Scene) -> None:
        self._connection = connection
        self._scene = scene
        self._relations = {f"{r.schema}.{r.name}": r for r in scene.relations}
        self._functions = {function.title: function for function in scene.functions}
        self._known: dict[tuple[str, str], list[str]] = {}

    def listen(self, kind: str, touched: str) -> list[str]:
        """What happens now, within the transaction that the caller rolls back."""
        makers: dict[str, Callable[[str], list[Probe]]] = {
            "rows": self._rows,
            "policies": self._rows_and_moves,
            "inserts": self._inserts,
            "call": self._calls,
            "constraints": self._awkward,
            "effects": self._awkward_for_people,
            "topics": self._topics,
        }
        if kind not in makers:
            return []
        if kind == "constraints":
            self._connection.execute(f"alter table {touched} disable trigger user")  # type: ignore[arg-type]
        if kind == "policies":
            # What policies hold on their own, whatever else a grant would keep away.
            self._connection.execute(f"grant all on {touched} to anon, authenticated")  # type: ignore[arg-type]
        heard = self._tried(makers[kind](touched), with_effects=kind == "effects")
        if kind == "policies":
            # Nor what a trigger refuses before the policy is asked.
            self._connection.execute(f"alter table {touched} disable trigger user")  # type: ignore[arg-type]
            heard += self._tried(self._moves(touched))
        return heard

    def _tried(self, probes: list[Probe], *, with_effects: bool = False) -> list[str]:
        answer = self._connection.execute(
            "select proof.try_all(%s, %s)", [json.dumps(probes), with_effects]
        ).fetchone()
        assert answer is not None
        return list(answer[0] or [])

    def usual(self, kind: str, touched: str) -> list[str]:
        """What happens in the database as it is."""
        if (kind, touched) not in self._known:
            with self._connection.transaction(force_rollback=True):
                self._known[kind, touched] = self.listen(kind, touched)
        return self._known[kind, touched]

    def _rows(self, table: str) -> list[Probe]:
        relation = self._relations.get(table)
        if relation is None:
            return []
        return [
            (person.role, json.dumps(person.claims), statement)
            for person in self._scene.people
            for statement in (*self._reach(person, relation), *_columns(relation))
        ]

    def _rows_and_moves(self, table: str) -> list[Probe]:
        return self._rows(table) + self._moves(table)

    def _moves(self, table: str) -> list[Probe]:
        """Every row at once, and rows handed over to the clinic next door."""
        relation = self._relations.get(table)
        if relation is None:
            return []
        probes: list[Probe] = []
        name = sql.Identifier(relation.schema, relation.name)
        clinic = sql.Identifier(rows.clinic_column(relation))
        for person in self._scene.people:
            away = sql.Literal(str(person.away.clinic))
            change = self._scene.changes[relation.name, person.home.word]
            for text in (
                _change(name, change, sql.SQL("true")),
                sql.SQL("update {} set {} = {}").format(name, clinic, away),
            ):
                statement = text.as_string(self._connection)
                probes.append((person.role, json.dumps(person.claims), statement))
        return probes

    def _reach(self, person: Person, relation: Relation) -> Iterator[str]:
        name = sql.Identifier(relation.schema, relation.name)
        clinic = sql.Identifier(rows.clinic_column(relation))
        for world in self._scene.worlds(person).values():
            known = self._scene.standing[relation.name, world.word]
            key = sql.SQL(" and ").join(
                sql.SQL("{} = {}").format(sql.Identifier(column), sql.Literal(value))
                for column, value in known.key.items()
            )
            change = self._scene.changes[relation.name, world.word]
            changes = {**change, "status": "revoked"} if "status" in change else change
            for text in (
                sql.SQL("select 1 from {} where {} = {}").format(name, clinic, str(world.clinic)),
                _addition(name, rows.addition(relation.name, world)),
                _change(name, changes, key),
                *(
                    [_change(name, {"status": "accepted"}, key)]
                    if relation.name == "staff_invitations"
                    else []
                ),
                sql.SQL("delete from {} where {}").format(name, key),
                sql.SQL("delete from {}").format(name),
                sql.SQL("update {0} set {1} = {1} where {2}").format(
                    name, sql.Identifier(next(iter(change))), key
                ),
            ):
                yield text.as_string(self._connection)

    def _topics(self, table: str) -> list[Probe]:
        """Every channel of every clinic and person, as each would join it."""
        known = (self._scene.home, self._scene.away, self._scene.strict)
        topics = [
            *(f"clinic:{w.clinic}:{end}" for w in known for end in ("appointments", "slots")),
            *(f"user:{person.user}" for person in self._scene.people if person.user),
        ]
        return [
            (person.role, json.dumps(person.claims), f"select from proof.heard('{topic}')")
            for person in self._scene.people
            for topic in topics
        ]

    def _awkward(self, table: str) -> list[Probe]:
        statements = awkward.statements(self._connection, table)
        return [(*DASHBOARD, statement) for statement in statements]

    def _awkward_for_people(self, table: str) -> list[Probe]:
        """Triggers may ask who it is: the same by people, as if a function did it for them."""
        usual = self._awkward(table)
        single = [s for *_, s in usual if "offset 0 " in s and s.startswith("update")]
        asked = [*single, *awkward.PROPER.get(table, ())]
        return usual + [
            ("postgres", json.dumps(person.claims), statement)
            for person in self._scene.people
            if person.name in {"owner", "provider", "patient"}
            for statement in asked
        ]

    def _inserts(self, table: str) -> list[Probe]:
        """Every column on its own: which of them may be named in an insert."""
        relation = self._relations[table]
        return [
            (role, "{}", f"insert into {table} ({column}) select {column} from {table} where false")
            for role in ("anon", "authenticated", "service_role")
            for column in relation.columns
        ] + [
            (role, "{}", f"insert into {table} ({column}) values (default)")
            for role in ("anon", "authenticated", "service_role")
            for column in relation.columns
        ]

    def _calls(self, title: str) -> list[Probe]:
        function = self._functions.get(title)
        if function is None:
            return []
        return [
            (person.role, json.dumps(person.claims), self._call(function, given))
            for person in self._scene.people
            for given in (
                *(arguments.proper(function, w) for w in self._scene.worlds(person).values()),
                arguments.unknown(function),
            )
            if given is not None
        ]

    def _call(self, function: Function, given: arguments.Arguments) -> str:
        types = dict(function.parameters)
        named = sql.SQL(", ").join(
            sql.SQL("{} => {}::{}").format(
                sql.Identifier(name),
                sql.Literal(_literal(value, types[name])),
                sql.SQL(types[name]),  # type: ignore[arg-type]
            )
            for name, value in given.items()
        )
        name = sql.Identifier(function.schema, function.name)
        return sql.SQL("select * from {}({})").format(name, named).as_string(self._connection)


def _literal(value: Any, type_name: str) -> Any:
    if type_name == "jsonb":
        return json.dumps(value)
    return str(value) if isinstance(value, bool | int) else value


def _addition(name: sql.Composable, body: dict[str, Any]) -> sql.Composed:
    return sql.SQL(
        "insert into {0} ({1}) select {1} from jsonb_populate_record(null::{0}, {2}::jsonb)"
    ).format(name, sql.SQL(", ").join(map(sql.Identifier, body)), sql.Literal(json.dumps(body)))


def _change(name: sql.Composable, body: dict[str, Any], key: sql.Composable) -> sql.Composed:
    return sql.SQL(
        "update {0} set ({1}) = (select {1} from jsonb_populate_record(null::{0}, {2}::jsonb))"
        " where {3}"
    ).format(
        name, sql.SQL(", ").join(map(sql.Identifier, body)), sql.Literal(json.dumps(body)), key
    )


def _columns(relation: Relation) -> Iterator[str]:
    name = f"{relation.schema}.{relation.name}"
    for column in relation.columns:
        yield f'select "{column}" from {name} limit 1'
        yield f'update {name} set "{column}" = default where false'
