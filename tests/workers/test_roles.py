"""Which roles a process has, by what it was told."""

from __future__ import annotations

import socket
import sys
from unittest.mock import MagicMock

import pytest

from appoint.settings import Settings
from workers import __main__ as entry
from workers import runner
from workers.roles import ROLES, UnknownRoleError, chosen_roles, rounds_of
from workers.vital_signs import VitalSigns

SETTINGS = Settings.model_validate(
    {
        "supabase_url": "https://project.example",
        "supabase_publishable_key": "sb_publishable_x",
        "supabase_secret_key": "sb_secret_x",
    }
)


def names(roles: frozenset[str]) -> set[str]:
    return {one.name for one in rounds_of(roles, MagicMock(), SETTINGS, VitalSigns())}


def test_a_process_that_is_told_nothing_has_all_roles() -> None:
    assert chosen_roles(None) == set(ROLES)
    rounds = {"agendas", "reminders", "waitlist", "imports", "calendars", "holds", "tidying"}
    assert rounds <= names(chosen_roles(None))


def test_a_process_makes_the_rounds_of_its_roles_alone() -> None:
    assert names(chosen_roles("notifier, waitlist")) == {"waitlist"}
    assert names(chosen_roles("notifier")) == set()


@pytest.mark.parametrize("only", ["", "notifier,typo", ","])
def test_a_role_that_does_not_exist_is_refused(only: str) -> None:
    with pytest.raises(UnknownRoleError):
        chosen_roles(only)


def test_the_command_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Settings, "from_environment", lambda **_: SETTINGS)
    monkeypatch.setattr(sys, "argv", ["workers"])
    assert entry.main(["--only", "typo"]) == entry.CANNOT_START
    assert capsys.readouterr().err.startswith("error: no such role: typo")


async def _cannot_open(*_: object) -> None:
    raise FileNotFoundError(2, "No such file", "certificates.pem")


def test_only_a_port_that_is_taken_is_reported_as_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(entry, "set_up_logs", lambda _: None)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = SETTINGS.model_copy(update={"appoint_worker_health_port": port})
        monkeypatch.setattr(Settings, "from_environment", lambda **_: settings)
        assert entry.main(["--only", "housekeeping"]) == entry.CANNOT_START
    assert capsys.readouterr().err.startswith(f"error: cannot listen on port {port}: ")
    monkeypatch.setattr(runner, "run", _cannot_open)
    with pytest.raises(FileNotFoundError):
        entry.main(["--only", "housekeeping"])
