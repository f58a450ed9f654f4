"""Whether a mutant is caught: the touched object behaves otherwise, or the privilege tests fail."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg

from tests.access.matrix import Scene
from tests.database import test_privileges as privileges
from tests.mutation.mutants import Mutant
from tests.mutation.oracle import Oracle
from tests.people import Connection

SHELVES = Path(__file__).with_name("shelves.sql")


class Judge:
    """Tries mutants one after the other over one connection; nothing of them stays."""

    def __init__(self, connection: Connection, scene: Scene) -> None:
        self._connection = connection
        self._oracle = Oracle(connection, scene)
        # None, unless the privilege tests fail already, which is their own matter to tell.
        self._usually_fails = [_fails(check) for check in self._checks()]

    def catches(self, mutant: Mutant) -> bool:
        """Put the mutant in, look, and take it out again."""
        usual = self._oracle.usual(mutant.probe, mutant.touched)
        ways = [
            self._privileges_differ,
            lambda: self._behaves_otherwise(mutant, usual),
        ]
        if "function" not in mutant.kind:
            ways.reverse()  # first what most likely tells, since there are thousands to try
        with self._connection.transaction(force_rollback=True):
            for statement in mutant.statements:
                self._connection.execute(statement)  # type: ignore[arg-type]
            return any(way() for way in ways)

    def _behaves_otherwise(self, mutant: Mutant, usual: list[str]) -> bool:
        # Some probes give grants of their own, which are taken back.
        with self._connection.transaction(force_rollback=True):
            return self._oracle.listen(mutant.probe, mutant.touched) != usual

    def _privileges_differ(self) -> bool:
        checks = zip(self._checks(), self._usually_fails, strict=True)
        return any(_fails(check) != usually for check, usually in checks)

    def _checks(self) -> list[Callable[[], object]]:
        db = self._connection
        return [
            lambda: privileges.test_every_function_has_an_empty_search_path(db),
            lambda: privileges.test_every_table_has_row_security(db),
            *(
                lambda role=role, may=may: (  # type: ignore[misc]
                    privileges.test_each_role_executes_what_is_listed_and_nothing_else(
                        db, role, may
                    )
                )
                for role, may in (
                    ("anon", privileges.ANON_MAY_EXECUTE),
                    ("authenticated", privileges.AUTHENTICATED_MAY_EXECUTE),
                    ("service_role", privileges.SERVICE_MAY_EXECUTE),
                )
            ),
            lambda: privileges.test_visitors_read_the_shop_window_and_write_nothing(db),
        ]


def _fails(check: Callable[[], object]) -> bool:
    try:
        check()
    except (AssertionError, psycopg.Error):
        return True
    return False
