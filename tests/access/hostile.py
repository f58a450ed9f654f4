"""Requests nobody well-meaning sends, made from the catalogue and a seed.

Each maker returns one request; what all answers must have in common is the test's to say.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from tests.access import arguments, rows
from tests.access.cast import Person
from tests.access.catalogue import Function, Relation
from tests.access.matrix import Scene
from tests.access.requests import Cell, Request

ENDLESS = random.Random(5).randbytes(2_500).hex()
TEXTS = (
    "'; drop table public.patients; --",
    "' or '1'='1",
    "$$ || (select full_name from public.patients limit 1) || $$",
    "{{7*7}} ${7*7} <script>alert(1)</script>",
    # PostgreSQL's log repeats what it could not read as an id or a number, so no address whose form
    # the search of the logs looks for.
    "Ann\r\nBcc: everybody@nowhere.invalid\r\n\r\nHello",
    "\u202eevil\u202c name",
    "zero\u200b\u200d\ufeffwidth",
    "\u0000",
    "\U0001f468\u200d\u2695\ufe0f",
    "%s%n%x \\ \\u0000 \\0",
    "=cmd|' /C calc'!A0",
    "../../../../etc/passwd",
    "x" * 20_000,
    # Nothing that compression makes short: an index has no room for it.
    ENDLESS,
    ENDLESS + "@x.yz",
    "",
    " ",
    "\u0301" * 200,
)
NUMBERS = (-1, 0, 2**31, 2**63, 10**30, 1e308, -0.0)
ODD = (
    None,
    True,
    False,
    [],
    {},
    [[]],
    {"a": 1},
    "NaN",
    "infinity",
    "-infinity",
    "now",
    "2026-13-45",
)
# Columns a caller would love to set.
COVETED: dict[str, Any] = {
    "role": "owner", "status": "booked", "active": True, "booked_via": "dashboard", "version": 1,
    "books_publicly": True, "staff_needs_second_factor": False, "overbook_reason": "because",
    "merged_into": None, "erased_at": None, "external_id": "1", "created_at": "2001-01-01",
}  # fmt: skip
OPERATORS = (
    "eq.{}", "neq.{}", "like.*{}*", "ilike.*{}*", "in.({})", "is.null", "not.is.null", "gt.{}",
    "fts.{}", "cs.{{{}}}", "match.{}", "imatch.^{}", "eq(any).{{{}}}", "lt.{}", "not.eq.{}",
)  # fmt: skip
PREFER = (
    "count=exact", "count=planned", "count=estimated", "return=representation",
    "return=headers-only", "resolution=merge-duplicates,return=representation",
    "resolution=ignore-duplicates", "missing=default", "handling=strict,tx=commit",
    "tx=commit,max-affected=100000", "params=single-object", "timezone=Mars/Olympus",
)  # fmt: skip
MEDIA = (
    "application/json", "text/csv", "application/vnd.pgrst.object+json", "application/geo+json",
    "application/vnd.pgrst.plan+json; options=analyze|verbose|settings|buffers|wal", "*/*",
    "application/octet-stream", "text/html", "application/openapi+json",
)  # fmt: skip


class Attacker:
    """Makes requests for people who have no business in the clinic next door."""

    def __init__(self, scene: Scene, seed: int) -> None:
        self._scene = scene
        self._pick = random.Random(seed)
        self._people = [person for person in scene.people if not person.belongs_away]
        self._ids = [str(value) for world in (scene.home, scene.away) for value in _ids(world.ids)]
        self._makers: tuple[Callable[[Person], Request], ...] = (
            self._embed, self._filter, self._write, self._call, self._wrong_call, self._insert,
        )  # fmt: skip

    def requests(self, count: int) -> Iterator[Request]:
        """That many, the same for the same seed; each cell's verb is its number."""
        for number in range(count):
            person = self._pick.choice(self._people)
            made = self._pick.choice(self._makers)(person)
            cell = Cell(person.name, made.path, str(number), "hostile")
            yield Request(
                cell, made.method, made.path, made.query, made.body, made.schema,
                self._pick.choice(PREFER),
                self._pick.choice(MEDIA) if self._pick.random() < 0.2 else MEDIA[0],
            )  # fmt: skip

    def _request(
        self,
        method: str,
        path: str,
        query: dict[str, str],
        body: Any = None,
        schema: str = "public",
    ) -> Request:
        return Request(Cell("", "", "", ""), method, path, query, body, schema)

    def _relation(self) -> Relation:
        return self._pick.choice(self._scene.relations)

    def _function(self) -> Function:
        return self._pick.choice(self._scene.functions)

    def _embed(self, person: Person) -> Request:
        """Other tables through this one, aliased, counted, nested, with hints."""
        outer, inner, third = (self._relation().name for _ in range(3))
        shapes = (
            f"*,{inner}(*)", f"{inner}!inner(*)", f"x:{inner}(*,{third}(*))", f"*,{inner}(count)",
            f"...{inner}(*)", "*,clinics(*,members(*),patients(*))", f"id,{inner}!clinic_id(*)",
            "count()", "*,patients(full_name,email,phone)", f"{inner}(*),{inner}(*)",
            "id,name::int", "id->>x", "clinics(name,staff_invitations(email))",
        )  # fmt: skip
        query = {"select": self._pick.choice(shapes)}
        if self._pick.random() < 0.5:
            query[f"{inner}.clinic_id"] = f"eq.{self._scene.away.clinic}"
        return self._request("GET", outer, query)

    def _filter(self, person: Person) -> Request:
        """Filters, orders and ranges on any column, hidden ones too."""
        relation = self._relation()
        column = self._pick.choice(relation.columns)
        value = self._pick.choice((*TEXTS[:12], *self._ids))
        condition = self._pick.choice(OPERATORS).format(value)
        clinic = rows.clinic_column(relation)
        queries: tuple[dict[str, str], ...] = (
            {column: condition, "select": clinic},
            {"or": f"({column}.{condition},{clinic}.not.is.null)", "select": clinic},
            {"and": f"(not.or({column}.is.null,{clinic}.eq.{value}))"},
            {"order": f"{column}.desc.nullslast", "select": clinic, "limit": "1"},
            {"limit": "-1", "offset": "999999999999999999999"},
            {clinic: f"eq.{self._scene.away.clinic}", "select": column},
            {f"{column}->x->>y": condition},
        )
        return self._request("GET", relation.name, self._pick.choice(queries))

    def _write(self, person: Person) -> Request:
        """Changes and removals of one's own, of others' and of everything, with coveted columns."""
        relation = self._relation()
        world = self._pick.choice((person.home, person.away))
        key = self._scene.standing[relation.name, world.word].key
        query = {column: f"eq.{value}" for column, value in key.items()}
        if self._pick.random() < 0.3:
            query = {} if self._pick.random() < 0.3 else {"or": "(clinic_id.not.is.null)"}
        if self._pick.random() < 0.2:
            return self._request("DELETE", relation.name, query | {"select": "*"})
        return self._request("PATCH", relation.name, query, self._coveted(relation))

    def _insert(self, person: Person) -> Request:
        """Rows for either clinic, alone, many, upserted on any columns."""
        relation = self._relation()
        body: Any = rows.addition(relation.name, self._pick.choice((person.home, person.away)))
        body = body | self._coveted(relation)
        if self._pick.random() < 0.3:
            body = [body, body | self._coveted(relation)]
        query = {}
        if self._pick.random() < 0.3:
            query["on_conflict"] = self._pick.choice(relation.columns)
        if self._pick.random() < 0.2:
            query["columns"] = ",".join(self._pick.sample(relation.columns, 2))
        return self._request(self._pick.choice(("POST", "POST", "PUT")), relation.name, query, body)

    def _coveted(self, relation: Relation) -> dict[str, Any]:
        column = self._pick.choice(relation.columns)
        wanted: dict[str, Any] = {column: self._odd()}
        if self._pick.random() < 0.5:
            wanted["clinic_id"] = str(self._scene.away.clinic)
        for name in self._pick.sample(list(COVETED), 2):
            if name in relation.columns or self._pick.random() < 0.1:
                wanted[name] = COVETED[name]
        return wanted

    def _odd(self) -> Any:
        return self._pick.choice(
            (self._pick.choice(TEXTS), self._pick.choice(NUMBERS), self._pick.choice(ODD),
             self._pick.choice(self._ids))
        )  # fmt: skip

    def _call(self, person: Person) -> Request:
        """A proper call with one or two arguments gone wrong."""
        function = self._function()
        given = arguments.proper(function, self._pick.choice((person.home, person.away)))
        names = [name for name, _ in function.parameters]
        for name in self._pick.sample(names, min(len(names), self._pick.randint(1, 2))):
            given[name] = self._odd()
        return self._request("POST", f"rpc/{function.name}", {}, given, function.schema)

    def _wrong_call(self, person: Person) -> Request:
        """Calls that fit no function: other names, lists, no body, GET, another schema."""
        function = self._function()
        given = arguments.proper(function, person.home)
        bodies = (
            given | {"p_" + name: value for name, value in given.items()},
            [given, given],
            json.dumps(given),
            None,
            given | {"role": "owner", "clinic_id": str(self._scene.away.clinic)},
        )
        if self._pick.random() < 0.3:
            query = {name: str(value) for name, value in given.items()}
            query |= {"select": "*", "limit": "1"}
            return self._request("GET", f"rpc/{function.name}", query, None, function.schema)
        schema = self._pick.choice(("public", "worker", "private", "auth", "extensions", "x\u00e9"))
        body = self._pick.choice(bodies)
        return self._request("POST", f"rpc/{function.name}", {}, body, schema)


def _ids(ids: dict[str, Any]) -> list[Any]:
    return [value for name, value in ids.items() if name.endswith("_id")]
