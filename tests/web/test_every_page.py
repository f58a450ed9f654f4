"""Every page, for everybody: axe in both themes on both sizes, and words in four languages."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from stack.config import PROJECT_DIR
from tests.web.browsers import Site
from tests.web.every_page import LOOKS, Look, Scene, set_scene, still, switch_language
from tests.web.staffed import remember
from tests.web.test_accessibility import violations

WIDTHS = (1280, 320)
# What a theme changes is colours: in the second one, the rules about them are asked again.
THEMES: dict[Literal["light", "dark"], Sequence[str]] = {
    "light": (),
    "dark": ("color-contrast", "link-in-text-block"),
}
LANGUAGES = PROJECT_DIR / "web/src/languages"
FIELDS_TOO_WIDE = """
  [...document.querySelectorAll(".field")]
    .filter((field) => [...field.querySelectorAll("input, select, textarea")].some((control) =>
      control.getBoundingClientRect().right > field.getBoundingClientRect().right + 1))
    .map((field) => field.innerText)
"""


@dataclass(frozen=True)
class Shown:
    """A page as a look opened it, and what it told the console."""

    page: Page
    told: list[str]


@pytest.fixture(scope="module")
async def scene(site: Site) -> Scene:
    return await set_scene(site.stack)


@pytest.fixture(scope="module")
async def contexts(
    site: Site, browser: Browser, scene: Scene
) -> AsyncIterator[dict[str, BrowserContext]]:
    """A browser for each kind of person, signed in, for all their pages."""
    opened: dict[str, BrowserContext] = {}
    for who in {look.who for look in LOOKS.values()}:
        context = await browser.new_context(
            base_url=site.address,
            locale="en-GB",
            timezone_id="Europe/Amsterdam",
            reduced_motion="reduce",
            service_workers="block",
        )
        context.set_default_timeout(20_000)
        opened[who] = context
    yield opened
    for context in opened.values():
        await context.close()


async def page_of(contexts: dict[str, BrowserContext], scene: Scene, look: Look) -> Page:
    page = await contexts[look.who].new_page()
    # Whatever another look has chosen.
    await page.add_init_script("localStorage.removeItem('appoint.language')")
    if look.who != "visitor":
        await remember(page, scene.sessions[look.who])
    return page


@pytest.fixture(scope="module", params=LOOKS)
async def look(
    request: pytest.FixtureRequest, scene: Scene, contexts: dict[str, BrowserContext]
) -> AsyncIterator[Shown]:
    """Each page in turn, opened once for all that is asked of it."""
    wanted = LOOKS[request.param]
    page = await page_of(contexts, scene, wanted)
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    await wanted.open(page, scene)
    yield Shown(page, told)
    await page.close()


async def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(look: Shown) -> None:
    page = look.page
    found: list[str] = []
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 800})
        for theme, rules in THEMES.items():
            await page.emulate_media(color_scheme=theme)
            await still(page)
            found += [f"{theme} {width} {violation}" for violation in await violations(page, rules)]
        if await page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(f"wider than {width}")
    assert found == []


async def test_no_field_reaches_beyond_its_place_on_a_phone(look: Shown) -> None:
    await look.page.set_viewport_size({"width": 390, "height": 844})
    assert await look.page.evaluate(FIELDS_TOO_WIDE) == []


async def test_every_word_is_there_in_four_languages(look: Shown) -> None:
    missing: list[str] = []
    # What narrow screens leave out has words too.
    await look.page.set_viewport_size({"width": max(WIDTHS), "height": 800})
    for language in ("de", "es", "fr", "en"):
        await switch_language(look.page, language)
        text = await look.page.locator("body").inner_text()
        missing += [f"{language}: {key}" for key in KEYS if key in text]
        lines = {line.strip() for line in text.splitlines()}
        missing += [f"{language}: {line!r}" for line in lines & untranslated(language)]
    missing += [line for line in look.told if "no words for" in line]
    assert missing == []


def words_of(language: str) -> dict[str, str]:
    """All words by key, `section.name`."""
    words: dict[str, str] = {}
    for file in LANGUAGES.glob(f"*/{language}.json"):
        for section, entries in json.loads(Path(file).read_text()).items():
            words |= {f"{section}.{name}": text for name, text in entries.items()}
    return words


KEYS = frozenset(words_of("en"))


def untranslated(language: str) -> set[str]:
    """What is said in English alone, and nothing of which is said in that language."""
    if language == "en":
        return set()
    return set(words_of("en").values()) - set(words_of(language).values())


async def test_pages_that_are_loaded_whole_begin_at_their_top(
    contexts: dict[str, BrowserContext], scene: Scene
) -> None:
    page = await page_of(contexts, scene, LOOKS["clinic"])
    await page.set_viewport_size({"width": 320, "height": 400})
    await LOOKS["clinic"].open(page, scene)
    await page.evaluate("scrollTo(0, 300)")
    await LOOKS["free times"].open(page, scene)
    assert await page.evaluate("scrollY") == 0
    # The one that was left is found where it was.
    await page.go_back()
    await page.locator(LOOKS["clinic"].sign).first.wait_for()
    await page.wait_for_function("scrollY === 300")
    await page.close()


async def test_the_open_page_is_in_view_in_a_menu_wider_than_the_screen(
    contexts: dict[str, BrowserContext], scene: Scene
) -> None:
    page = await page_of(contexts, scene, LOOKS["access log"])
    await page.set_viewport_size({"width": 390, "height": 844})
    for name in ("access log", "import", "privacy"):
        look = LOOKS[name]
        if look.who != "owner":
            page = await page_of(contexts, scene, look)
            await page.set_viewport_size({"width": 390, "height": 844})
        await look.open(page, scene)
        for link in await page.locator(".link-row [aria-current]").all():
            await expect(link).to_be_in_viewport(ratio=1)
