"""What a first visit loads, and how steady it stands; measure.py says how long it takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.config import PROJECT_DIR
from tests.web.browsers import CLINIC
from tests.web.conftest import NewPage

ASSETS = PROJECT_DIR / "web/dist/assets"
CONSULTATION = "13000000-0000-4000-8000-000000000002"
PUBLIC = {
    "/": ".card",
    CLINIC: ".card",
    f"{CLINIC}/book/{CONSULTATION}": ".time",
    f"{CLINIC}/wait/{CONSULTATION}": "form",
    "/sign-in": "form",
}
# Names that minifying leaves as they are: the calendar component's, and functions of staff's pages.
STAFFS_OWN = ("resourceTimeGridDay", "working_hours", "explain_slot", "clinic_numbers")
# How far things moved by themselves, from 0; up to 0.1 is good by Google's Core Web Vitals.
SHIFTED = """
  () => new Promise((resolve) => {
    let moved = 0;
    const watcher = new PerformanceObserver((list) => {
      for (const shift of list.getEntries()) moved += shift.hadRecentInput ? 0 : shift.value;
    });
    watcher.observe({ type: "layout-shift", buffered: true });
    requestAnimationFrame(() => setTimeout(() => resolve(moved)));
  })
"""


async def test_a_first_visit_loads_at_most_200_kb_of_scripts(new_page: NewPage) -> None:
    page = await new_page()
    sizes: dict[str, int] = {}
    page.on(
        "response",
        lambda answer: (
            sizes.__setitem__(answer.url, int(answer.headers.get("content-length", 0)))
            if answer.url.endswith(".js")
            else None
        ),
    )
    await page.goto(CLINIC)
    await page.locator(".first-free-line:not(:empty)").first.wait_for()
    assert 0 < sum(sizes.values()) <= 200_000, sizes


async def test_visitors_load_nothing_of_the_staffs_pages(new_page: NewPage) -> None:
    staffs = {
        script.name: mark
        for script in ASSETS.glob("*.js")
        for mark in STAFFS_OWN
        if mark in script.read_text()
    }
    assert set(staffs.values()) == set(STAFFS_OWN)
    page = await new_page()
    loaded: set[str] = set()
    page.on("response", lambda answer: loaded.add(Path(answer.url).name))
    for path, sign in PUBLIC.items():
        await page.goto(path)
        await page.locator(sign).first.wait_for()
    assert any(name.endswith(".js") for name in loaded)
    assert loaded & set(staffs) == set()


@pytest.mark.parametrize("width", [390, 1280])
async def test_nothing_jumps_while_a_public_page_loads(new_page: NewPage, width: int) -> None:
    page = await new_page(viewport={"width": width, "height": 844})
    for path, sign in PUBLIC.items():
        await page.goto(path)
        await page.locator(sign).first.wait_for()
        if path == CLINIC:
            await page.locator(".first-free-line:not(:empty)").first.wait_for()
        assert await page.evaluate(SHIFTED) <= 0.1, path
