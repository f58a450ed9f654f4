"""Public holidays: closed once, however often asked; a place that does not exist is one error."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from datetime import date
from pathlib import Path

import psycopg
import pytest

from appoint.importing.holidays import LATEST_YEAR, Holiday, import_holidays, public_holidays
from appoint.importing.outcomes import ImportFailed
from stack.config import StackConfig
from stack.parts import product_environment
from tests.database.test_group_sessions import plan
from tests.people import at, book, make_practice

PROJECT = Path(__file__).parents[2]
YEAR = at(0).year + 1


@pytest.fixture
def product(stack: StackConfig, monkeypatch: pytest.MonkeyPatch) -> StackConfig:
    """A stack that the environment points at, and a terminal that is wide enough."""
    for name, value in {"COLUMNS": "120", **product_environment(stack)}.items():
        monkeypatch.setenv(name, value)
    return stack


def closed(stack: StackConfig, clinic: uuid.UUID) -> list[tuple[date, date, str]]:
    with psycopg.connect(stack.db_url()) as connection:
        return connection.execute(
            "select starts_on, ends_on, reason from public.availability_exceptions"
            " where clinic_id = %s and kind = 'closed' and opens is null order by starts_on",
            [clinic],
        ).fetchall()


def test_holidays_differ_by_region() -> None:
    epiphany = date(YEAR, 1, 6)
    assert epiphany in {holiday.day for holiday in public_holidays("de", "by", [YEAR])}
    assert epiphany not in {holiday.day for holiday in public_holidays("DE", None, [YEAR])}
    assert all(isinstance(holiday, Holiday) for holiday in public_holidays("DE", "BY", [YEAR]))


@pytest.mark.parametrize(
    ("country", "region", "year", "words"),
    [
        ("XX", None, YEAR, "XX is not a country"),
        ("", None, YEAR, "is not a country"),
        ("DE", "ZZ", YEAR, "ZZ is not a region of DE; known are BB"),
        ("AW", "ZZ", YEAR, "it has none"),
        ("DE", None, 1999, "the year must be between"),
        ("DE", None, LATEST_YEAR + 1, "the year must be between"),
    ],
)
def test_what_does_not_exist_is_named(
    country: str, region: str | None, year: int, words: str
) -> None:
    with pytest.raises(ImportFailed, match=words):
        public_holidays(country, region, [year])


def test_a_clinic_closes_on_holidays_once_and_hears_of_booked_visits(
    product: StackConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(product.db_url()) as connection:
        practice = make_practice(connection)
        christmas = at(0).replace(year=YEAR, month=12, day=25, hour=10)
        visit = book(connection, practice, christmas)["id"]
        session = plan(connection, practice, christmas.replace(hour=12))["id"]
        connection.commit()
        found = connection.execute(
            "select slug from public.clinics where id = %s", [practice.clinic]
        ).fetchone()
    assert found is not None

    assert import_holidays(found[0], "AT", None, [YEAR]) == 0
    first = capsys.readouterr()
    days = [day for day, _, _ in closed(product, practice.clinic)]
    assert days == [holiday.day for holiday in public_holidays("AT", None, [YEAR])]
    assert first.err == ""
    assert f"{len(days)} added, 0 already there" in first.out
    (line,) = (line for line in first.out.splitlines() if f"{YEAR}-12-25" in line)
    assert line.split()[-2:] == ["added", "2"]
    with psycopg.connect(product.db_url()) as connection:
        marked = connection.execute(
            "select appointment_id, session_id from public.appointment_follow_ups"
            " where clinic_id = %s order by id",
            [practice.clinic],
        ).fetchall()
    assert set(marked) == {(visit, None), (None, session)}

    assert import_holidays(str(practice.clinic), "AT", None, [YEAR]) == 0
    assert f"0 added, {len(days)} already there" in capsys.readouterr().out
    assert [day for day, _, _ in closed(product, practice.clinic)] == days


def test_a_clinic_that_does_not_exist_is_one_line(
    product: StackConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    assert import_holidays("no-such-clinic", "AT", None, [YEAR]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert line.startswith("error: ")
    assert "not_found" in line


def test_the_command_says_in_one_line_what_it_does_not_know() -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "appoint", "import", "holidays", "--clinic", "x", "--country", "XX"],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr.startswith("error: XX is not a country")
    assert len(finished.stderr.splitlines()) == 1
