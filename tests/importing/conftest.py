"""Imports into a running stack, without the terminal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from appoint.importing import synthea
from appoint.importing.loader import load
from appoint.importing.outcomes import FileTotals, RejectsFile
from appoint.settings import Settings
from appoint.supabase_clients import http_pool, service_client
from stack.config import StackConfig
from stack.parts import product_environment
from tests.importing.synthea_files import FILES


@dataclass(frozen=True)
class Importer:
    """Loads directories into one stack and looks at what came of it."""

    stack: StackConfig
    rejects: Path

    async def load(
        self,
        directory: Path,
        *,
        batch_size: int = 250,
        on_progress: Callable[[FileTotals, int], None] = lambda totals, position: None,
    ) -> dict[str, tuple[int, int, int, int]]:
        """Rows, imported, already there and rejected of each file."""
        settings = Settings.from_environment(
            environment=product_environment(self.stack), env_file=self.rejects
        )
        async with http_pool() as http:
            with RejectsFile(self.rejects) as rejects:
                all_totals = await load(
                    service_client(settings, http),
                    synthea.steps(directory, "Europe/Vienna"),
                    rejects,
                    batch_size=batch_size,
                    on_progress=on_progress,
                )
        assert [totals.file for totals in all_totals] == list(FILES)
        assert all(totals.add_up for totals in all_totals)
        return {
            totals.file: (totals.rows, totals.imported, totals.already_there, totals.rejected)
            for totals in all_totals
        }

    def rejected(self) -> list[tuple[str, int, str]]:
        """File, line and reason of every reject of the last import."""
        lines = self.rejects.read_text().splitlines()[1:]
        return [
            (file, int(line), reason)
            for file, line, _, reason, _ in (line.split(",", 4) for line in lines)
        ]

    def ask(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """What the database holds, past row-level security."""
        with psycopg.connect(self.stack.db_url()) as connection:
            return list(connection.execute(query.encode(), values))


@pytest.fixture
def importer(stack: StackConfig, tmp_path: Path) -> Importer:
    return Importer(stack, tmp_path / "rejects.csv")
