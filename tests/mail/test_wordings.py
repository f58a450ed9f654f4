"""Every kind of message has its words in every language, and the colours can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from appoint.mail import palette, render, rendering
from appoint.mail.rendering import kinds, languages, wordings
from stack.config import PROJECT_DIR
from tests.workers.notifications import SENDER, notification

PLACEHOLDER = re.compile(r"\{\w*\}")
ENUM = re.compile(r"create type public\.notification_kind as enum \((.*?)\);", re.DOTALL)
ADDED = re.compile(r"alter type public\.notification_kind add value (?:if not exists )?'(\w+)'")


def texts(words: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a wording with the path that leads to it."""
    for key, value in words.items():
        if isinstance(value, dict):
            yield from texts(value, f"{path}{key}.")
        else:
            yield path + key, value


def kinds_of_the_database() -> set[str]:
    sources = [
        path.read_text("utf-8") for path in (PROJECT_DIR / "supabase/migrations").glob("*.sql")
    ]
    listed = [enum for source in sources for enum in ENUM.findall(source)]
    assert len(listed) == 1
    without_comments = re.sub(r"--.*", "", listed[0])
    added = [kind for source in sources for kind in ADDED.findall(source)]
    return {*re.findall(r"'(\w+)'", without_comments), *added}


def test_four_languages_are_spoken() -> None:
    assert languages() == ["de", "en", "es", "fr"]


@pytest.mark.parametrize("language", languages())
def test_no_translation_is_missing_and_none_is_left_over(language: str) -> None:
    english = dict(texts(wordings()["en"]))
    theirs = dict(texts(wordings()[language]))
    assert theirs.keys() == english.keys()
    # A space that does not break stands before the French colon.
    assert all(text.strip(" \t\n") == text != "" for text in theirs.values())


@pytest.mark.parametrize("language", languages())
def test_placeholders_agree_in_all_languages(language: str) -> None:
    english = dict(texts(wordings()["en"]))
    for path, text in texts(wordings()[language]):
        assert PLACEHOLDER.findall(text) == PLACEHOLDER.findall(english[path]), path


def test_every_kind_the_database_queues_has_words_and_a_form() -> None:
    queued = kinds_of_the_database()
    assert {"confirmation", "change", "cancellation", "offer"} <= queued
    # Log-in mail, agendas and invitations are about no single visit and have forms of their own.
    assert queued - {"log_in", "agenda", "guardian_invitation"} <= kinds().keys()
    assert kinds().keys() == wordings()["en"]["kinds"].keys()


def test_forms_use_known_tones_actions_and_methods() -> None:
    for kind in kinds().values():
        assert kind["tone"] in palette.TONES
        assert set(kind["actions"]) <= wordings()["en"]["actions"].keys()
        assert kind.get("first") in (None, *kind["actions"])
        assert kind.get("calendar") in (None, "REQUEST", "CANCEL")


def test_a_missing_translation_is_said_in_english_and_the_mail_arrives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Whatever was kept of it before.
    monkeypatch.setattr(rendering, "complete_wording", rendering.complete_wording.__wrapped__)
    german = wordings()["de"]
    monkeypatch.delitem(german["kinds"], "reminder")
    monkeypatch.delitem(german["labels"], "when")
    mail = render(notification(kind="reminder", locale="de"), SENDER)
    assert mail.subject == "Your appointment is coming up"
    assert "When: Samstag, 28. März 2026" in mail.text
    assert "Wo: Lindenhof" in mail.text


@pytest.mark.parametrize("language", languages())
def test_subjects_are_fixed_sentences(language: str) -> None:
    for words in wordings()[language]["kinds"].values():
        assert "{" not in words["subject"]
        assert "\n" not in words["subject"]


def luminance(colour: str) -> float:
    """WCAG 2.2's relative luminance of #rrggbb."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colours", [palette.LIGHT, palette.DARK], ids=["light", "dark"])
@pytest.mark.parametrize("pair", palette.PAIRS, ids="-on-".join)
def test_text_stands_out_from_its_ground(colours: dict[str, str], pair: tuple[str, str]) -> None:
    lighter, darker = sorted((luminance(colours[name]) for name in pair), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5
