"""Where the browser is, and what a person at it can do."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import httpx
from playwright.async_api import Locator, Page, Route, expect

from stack.config import HOST, StackConfig
from stack.seed import DEMO_ACCOUNTS, DEMO_PASSWORD
from tests.acceptance.eventually import eventually

# The shell is the same browser without windows, which cost as much as the pages in them.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser")
CHROMIUM = next(filter(None, map(shutil.which, PROGRAMS)), None)
CLINIC = "/c/harbour-clinic"
REFRESH = re.compile(r"/token\?grant_type=refresh_token")


@dataclass(frozen=True)
class Site:
    """One stack's web client and its mailbox."""

    stack: StackConfig

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.stack.ports.web}"

    async def code_mailed_to(self, email: str, other_than: str | None = None) -> str:
        """The newest six digits that were mailed to the address, and not those known already."""

        async def newest() -> str:
            async with httpx.AsyncClient(timeout=10) as http:
                answer = await http.get(
                    f"{self.stack.mailbox_url}/inbox.json", params={"to": email}
                )
            for mail in answer.json():
                found = re.search(r"\b\d{6}\b", str(mail["text"]))
                if found and found[0] != other_than:
                    return found[0]
            return ""

        return await eventually(newest)


def new_address() -> str:
    return f"web-{uuid4().hex[:12]}@patients.example"


async def open_times(page: Page, service: str) -> None:
    """From the clinic's page to the free times of a service, followed live."""
    await page.goto(CLINIC)
    await page.get_by_role("link", name=service).click()
    await expect(page.locator(".time").first).to_be_visible()
    await expect(page.locator(".is-live")).to_be_visible()


def free_days(page: Page) -> Locator:
    """The days known to have free times; until times have come, none is."""
    return page.locator(".day:has(.day-fill:not(.fill-0))")


async def sign_up(page: Page, site: Site, name: str) -> str:
    """From the form that asks for name and address to a session; the address."""
    email = new_address()
    await page.get_by_label("Full name").fill(name)
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_role("button", name="Send me a code").click()
    await page.get_by_label("Code").fill(await site.code_mailed_to(email))
    return email


@asynccontextmanager
async def session_over(page: Page, call: str) -> AsyncIterator[None]:
    """Within it, the session is over for good as soon as the page makes that call."""

    async def refuse(route: Route) -> None:
        await route.fulfill(
            status=401,
            content_type="application/json",
            headers={"Access-Control-Allow-Origin": "*"},
            body=json.dumps({"code": "PGRST303", "message": "JWT expired"}),
        )

    async def ended(route: Route) -> None:
        await route.fulfill(
            status=400,
            content_type="application/json",
            headers={"Access-Control-Allow-Origin": "*", "x-supabase-api-version": "2024-01-01"},
            body=json.dumps({"code": "refresh_token_not_found", "message": "gone"}),
        )

    await page.route(call, refuse)
    await page.route(REFRESH, ended)
    yield
    await page.unroute(call)
    await page.unroute(REFRESH)


async def ask_for_another_code(page: Page) -> None:
    """Again and again, since Auth mails one address at most once a second."""
    code, too_soon = page.get_by_label("Code"), page.get_by_text("That was often in a short time.")
    while True:
        await page.get_by_role("button", name="Send me a code").click()
        await expect(code.or_(too_soon)).to_be_visible()
        if await code.is_visible():
            return


async def sign_in(page: Page, role: str, path: str) -> None:
    """As somebody of the demo clinic, by password, on the page at that address."""
    email = next(account.email for account in DEMO_ACCOUNTS if account.role == role)
    await page.goto(path)
    await page.get_by_role("button", name="I have a password").click()
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill(DEMO_PASSWORD)
    await page.get_by_role("main").get_by_role("button", name="Sign in").click()
