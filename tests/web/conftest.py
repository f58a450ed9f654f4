"""A browser at the built web client of the test stack; skipped, with a reason, without one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from stack import web
from stack.config import StackConfig
from tests.web.browsers import CHROMIUM, CLINIC, Site, sign_up

# Generous, for machines that do much else at the same time; nothing waits longer than it must.
expect.set_options(timeout=20_000)

NewPage = Callable[..., Awaitable[Page]]


@pytest.fixture(scope="session")
def site(stack: StackConfig) -> Site:
    if not web.is_built():
        pytest.skip("the web client is not built; `make web` builds it")
    return Site(stack)


@pytest.fixture(scope="session")
async def browser(site: Site) -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed; on Debian `apt-get install chromium` does it")
    async with async_playwright() as playwright:
        # Containers often run as root, where Chromium's own sandbox cannot start.
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        await browser.close()


@pytest.fixture
async def new_page(site: Site, browser: Browser) -> AsyncIterator[NewPage]:
    """Opens a page in a browser of its own: its storage, zone, language and size."""
    contexts = []

    async def open_page(**options: Any) -> Page:
        settings = {
            "base_url": site.address,
            "locale": "en-GB",
            "timezone_id": "Europe/Amsterdam",
            "viewport": {"width": 1280, "height": 900},
            "reduced_motion": "reduce",
            # It would fetch the whole client for each of these browsers.
            "service_workers": "block",
        }
        context = await browser.new_context(**(settings | options))
        context.set_default_timeout(20_000)
        contexts.append(context)
        return await context.new_page()

    yield open_page
    for context in contexts:
        await context.close()


@pytest.fixture(scope="session")
async def patients_storage(site: Site, browser: Browser) -> Any:
    """What the browser of a patient with one booked visit remembers."""
    context = await browser.new_context(base_url=site.address, locale="en-GB")
    page = await context.new_page()
    await page.goto(CLINIC)
    await page.get_by_role("link", name="Consultation").click()
    await page.locator(".first-free").click()
    await sign_up(page, site, "Pat Example")
    await page.get_by_role("button", name="Book this visit").click()
    await page.get_by_role("heading", name="You are booked").wait_for()
    storage = await context.storage_state()
    await context.close()
    return storage
