"""The search of all logs at the end of a stack sees what it must, and nothing where nothing is."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.config import StackConfig
from tests.log_search import personal_lines, personal_words

HARMLESS = '{"action": "request", "route": "/v1/clinics/{clinic_id}", "status": 200}\n'


@pytest.mark.parametrize(
    "personal",
    [
        "CanaryBird",
        "to ada.lovelace@people.example",
        "<ada@mail.analytical-engine.co.uk>",
        "for Ada Lovelace",
        "hint: itching skin",
    ],
)
def test_whatever_is_personal_is_seen_in_any_log(tmp_path: Path, personal: str) -> None:
    (tmp_path / "api.log").write_text(HARMLESS)
    (tmp_path / "worker.log.1").write_text(f"{HARMLESS}{personal}\n")
    (found,) = personal_lines(tmp_path, {b"ada lovelace", b"itching skin"})
    assert found.startswith("worker.log.1:2:")


def test_ids_times_versions_and_hostile_texts_are_not_personal(tmp_path: Path) -> None:
    hostile = (
        "Bcc: everybody@nowhere.invalid, n@x.yz, npm:left-pad@1.3.0, @supabase/cli, a@127.0.0.1"
    )
    (tmp_path / "api.log").write_text(f"{HARMLESS}{hostile}\n")
    assert personal_lines(tmp_path, {b"ada lovelace"}) == []


def test_the_words_are_those_of_the_people_in_the_database(stack: StackConfig) -> None:
    assert b"noor castell" in personal_words(stack), "a patient of the demo clinic"
