"""Speed as people feel it, in Chromium: what is shown, drawn, gone and booked."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, Route, async_playwright, expect
from rich.console import Console

from bench.cluster import free_ports
from bench.pages import Section, spread
from stack import lifecycle, web
from stack.config import Keys, StackConfig
from tests.web.browsers import CHROMIUM, CLINIC, Site, open_times, sign_up

TRIES = 5
CONSULTATION = "13000000-0000-4000-8000-000000000002"
# From the end of the answer to the frame after the one in which its times are on the page.
DRAWN = """
  () => new Promise((resolve) => {
    const look = () => {
      const [answer] = performance.getEntriesByType('resource')
        .filter(({ name }) => name.includes('open_slots')).slice(-1);
      if (!answer?.responseEnd || !document.querySelector('.time')) {
        return requestAnimationFrame(look);
      }
      requestAnimationFrame(() => setTimeout(() =>
        resolve(performance.now() - answer.responseEnd)));
    };
    look();
  })
"""


# When the largest part of the page was drawn, and for how long scripts kept it from answering.
FIRST_LOAD = """
  () => new Promise((resolve) => {
    let [largest, blocked] = [0, 0];
    new PerformanceObserver((list) => {
      largest = list.getEntries().at(-1).startTime;
    }).observe({ type: "largest-contentful-paint", buffered: true });
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) blocked += duration - 50;
    }).observe({ type: "longtask", buffered: true });
    setTimeout(() => resolve([largest, blocked]), 500);
  })
"""
# Lighthouse's phone: a slow fourth-generation network and a processor a quarter as fast.
SLOW_NETWORK = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1.6 * 1024 * 1024 / 8,
    "uploadThroughput": 750 * 1024 / 8,
}


def many_slots() -> list[dict[str, str]]:
    """Every quarter of an hour from 08:00 to 18:00 UTC for 14 days, with 20 providers each."""
    first = datetime.now(UTC).replace(hour=8, minute=0, second=0, microsecond=0)
    starts = (
        first + timedelta(days=day, minutes=15 * quarter)
        for day in range(1, 15)
        for quarter in range(40)
    )
    return [
        {
            "provider_id": f"12000000-0000-4000-8000-{provider:012d}",
            "location_id": "11000000-0000-4000-8000-000000000001",
            "starts_at": start.isoformat(),
            "ends_at": (start + timedelta(minutes=15)).isoformat(),
        }
        for start in starts
        for provider in range(1, 21)
    ]


async def draw(browser: Browser, site: Site) -> float:
    """Milliseconds from the last of the pages of 11,200 free times to their drawing."""
    context = await browser.new_context(base_url=site.address, service_workers="block")
    page = await context.new_page()
    slots = many_slots()

    async def answer(route: Route) -> None:
        asked = json.loads(route.request.post_data or "{}")
        # As the API: at most 1000 rows at once, from the time asked for.
        since = datetime.fromisoformat(asked["from_time"])
        rows = [slot for slot in slots if datetime.fromisoformat(slot["starts_at"]) >= since]
        await route.fulfill(
            json=rows[: asked["max_results"]],
            headers={"Access-Control-Allow-Origin": "*", "Timing-Allow-Origin": "*"},
        )

    await page.route("**/rpc/open_slots", answer)
    await page.goto(f"{CLINIC}/book/{CONSULTATION}")
    took: Any = await page.evaluate(DRAWN)
    await context.close()
    return float(took)


async def taken_elsewhere(watcher: Page, taker: Page) -> float:
    """Milliseconds from the answer to one's hold until the other's screen shows the time taken."""
    for page in (watcher, taker):
        await expect(page.locator(".is-live")).to_be_visible()
    times = taker.locator(".time:not(.is-taken)")
    starts_at = await times.last.get_attribute("data-starts-at")
    seen = watcher.locator(f'.time[data-starts-at="{starts_at}"].is-taken')
    async with taker.expect_response("**/rpc/hold_slot") as holding:
        await times.last.click()
    await (await holding.value).finished()
    held = asyncio.get_running_loop().time()
    await seen.wait_for()
    took = (asyncio.get_running_loop().time() - held) * 1000
    await taker.get_by_role("link", name="Choose another time").first.click()
    return took


async def load(browser: Browser, site: Site) -> tuple[float, float]:
    context = await browser.new_context(
        base_url=site.address, viewport={"width": 390, "height": 844}, service_workers="block"
    )
    page = await context.new_page()
    devtools = await context.new_cdp_session(page)
    await devtools.send("Network.emulateNetworkConditions", SLOW_NETWORK)
    await devtools.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    await page.goto(CLINIC)
    await page.locator(".card").first.wait_for()
    largest, blocked = await page.evaluate(FIRST_LOAD)
    await context.close()
    return largest, blocked


async def watch(browser: Browser, site: Site) -> list[float]:
    pages = []
    for _ in range(2):
        context = await browser.new_context(base_url=site.address, service_workers="block")
        pages.append(await context.new_page())
    watcher, taker = pages
    await open_times(watcher, "Consultation")
    await open_times(taker, "Consultation")
    await taker.locator(".first-free").click()
    await sign_up(taker, site, "Mia Measure")
    await taker.locator(".countdown").wait_for()
    await taker.get_by_role("link", name="Choose another time").first.click()
    return [await taken_elsewhere(watcher, taker) for _ in range(TRIES)]


async def book(browser: Browser, site: Site, name: str) -> float:
    """Seconds from the clinic's page to a confirmed visit, for a new patient in no doubt."""
    context = await browser.new_context(base_url=site.address, service_workers="block")
    page = await context.new_page()
    began = asyncio.get_running_loop().time()
    await page.goto(CLINIC)
    await page.get_by_role("link", name="Check-up").click()
    await page.locator(".time:not(.is-taken)").last.click()
    await sign_up(page, site, name)
    await page.get_by_role("button", name="Book this visit").click()
    await page.get_by_role("heading", name="You are booked").wait_for()
    took = asyncio.get_running_loop().time() - began
    await context.close()
    return took


def measure(console: Console) -> Iterator[Section]:
    """Starts, looks at, stops and removes a stack; says so where there is no browser."""
    if CHROMIUM is None or not web.is_built():
        console.print("No Chromium, or the web client is not built (`make web`): left out.")
        return
    directory = Path(tempfile.mkdtemp(prefix="appoint-bench-"))
    directory.chmod(0o755)
    config = StackConfig(directory, free_ports(), Keys.generate())
    config.save()
    try:
        lifecycle.start(config)
        yield asyncio.run(look(Site(config), console))
    finally:
        lifecycle.stop(directory)
        lifecycle.erase(config)
        shutil.rmtree(directory)


async def look(site: Site, console: Console) -> Section:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        console.print("Opening the clinic's page …")
        loads = [await load(browser, site) for _ in range(TRIES)]
        console.print("Drawing free times …")
        drawn = [await draw(browser, site) for _ in range(TRIES)]
        console.print("Watching times go …")
        gone = await watch(browser, site)
        console.print("Booking as new patients …")
        booked = [await book(browser, site, f"Nora Number {number}") for number in range(TRIES)]
        await browser.close()
    return Section(
        "The web client",
        f"Chromium beside a stack of its own, each {TRIES} times; median (range). Booking includes"
        " the code by mail.",
        ("figure", "measured", "target"),
        [
            (
                "largest part of the clinic's page shown on a new phone",
                spread([largest for largest, _ in loads], " ms", 0),
                "",
            ),
            (
                "not answering meanwhile",
                spread([blocked for _, blocked in loads], " ms", 0),
                "",
            ),
            ("14 days × 20 providers drawn, after their data", spread(drawn, " ms", 0), "200 ms"),
            ("a time held elsewhere is grey here", spread(gone, " ms", 0), "1,000 ms"),
            ("clinic page to confirmed visit, 6 interactions", spread(booked, " s", 1), "60 s"),
        ],
    )
