"""Links of log-in mail: whoever opens one sees a page, and only its button does something."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from playwright.async_api import Page, Request, Route, expect

from stack.config import StackConfig
from tests.stack.auth_clients import admin_client, new_address
from tests.web.browsers import Site
from tests.web.conftest import NewPage
from tests.web.test_accessibility import tab_to

OVER = "This link was used before or is too old."


async def fragment_for(
    stack: StackConfig, kind: str, redirect_to: str, email: str | None = None
) -> str:
    """What stands in a link of that kind behind the page's address, for somebody new."""
    email = email or new_address()
    async with admin_client(stack) as client:
        if kind != "invite":
            await client.admin.create_user({"email": email, "email_confirm": True})
        params: Any = {"type": kind, "email": email}
        made = await client.admin.generate_link(params)
    return urlencode(
        {
            "token_hash": made.properties.hashed_token,
            "type": kind,
            "redirect_to": redirect_to,
        }
    )


def proofs(page: Page) -> list[Request]:
    """Requests that use a link up, from now on."""
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request) if "/verify" in request.url else None)
    return sent


async def test_opening_a_link_does_nothing_and_its_button_signs_in(
    site: Site, new_page: NewPage
) -> None:
    email = new_address()
    fragment = await fragment_for(site.stack, "magiclink", f"{site.address}/account/family", email)
    async with httpx.AsyncClient() as scanner:
        assert (await scanner.get(f"{site.address}/confirm#{fragment}")).status_code == 200

    # A scanner that runs scripts, too.
    scanning = await new_page()
    sent = proofs(scanning)
    await scanning.goto(f"/confirm#{fragment}", wait_until="networkidle")
    await expect(scanning.get_by_role("heading", name="Sign in")).to_be_visible()
    assert sent == []

    page = await new_page()
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    await page.goto(f"/confirm#{fragment}")
    button = page.get_by_role("main").get_by_role("button", name="Sign in")
    await button.wait_for()
    await tab_to(page, button)
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{site.address}/account/family")
    await expect(page.get_by_role("heading", name="Account")).to_be_visible()
    token_hash = fragment.split("token_hash=")[1].split("&")[0]
    assert not any(token_hash in address.partition("#")[0] for address in addresses)
    await page.go_back()
    assert token_hash not in page.url, "the link is not left in the history"


async def test_a_used_link_says_so_and_leads_to_a_new_code(site: Site, new_page: NewPage) -> None:
    fragment = await fragment_for(site.stack, "magiclink", f"{site.address}/account")
    first = await new_page()
    await first.goto(f"/confirm#{fragment}")
    await first.get_by_role("main").get_by_role("button", name="Sign in").click()
    await expect(first).to_have_url(f"{site.address}/account")

    page = await new_page()
    await page.goto(f"/confirm#{fragment}")
    await page.get_by_role("main").get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text(OVER)
    await page.get_by_role("link", name="Send me a new code").click()
    await expect(page).to_have_url(f"{site.address}/sign-in?next=%2Faccount")
    await expect(page.get_by_label("E-mail")).to_be_visible()


async def test_an_invited_person_comes_to_their_invitations(site: Site, new_page: NewPage) -> None:
    fragment = await fragment_for(site.stack, "invite", f"{site.address}/staff")
    page = await new_page()
    await page.goto(f"/confirm#{fragment}")
    await page.get_by_role("button", name="Confirm and sign in").click()
    await expect(page.get_by_role("heading", name="Your clinic")).to_be_visible()


async def test_a_link_leads_to_no_other_site(site: Site, new_page: NewPage) -> None:
    fragment = await fragment_for(site.stack, "magiclink", "https://elsewhere.example/visits")
    page = await new_page()
    await page.goto(f"/confirm#{fragment}")
    await page.get_by_role("main").get_by_role("button", name="Sign in").click()
    await expect(page).to_have_url(f"{site.address}/visits")


async def test_the_first_of_two_links_for_a_new_address_asks_for_the_other(
    new_page: NewPage,
) -> None:
    page = await new_page()

    async def accept_one(route: Route) -> None:
        await route.fulfill(
            status=200,
            content_type="application/json",
            headers={"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*"},
            body=json.dumps({"msg": "Confirmation link accepted.", "code": "200"}),
        )

    await page.route("**/auth/v1/verify*", accept_one)
    await page.goto("/confirm#token_hash=one&type=email_change")
    await page.get_by_role("button", name="Confirm the change").click()
    await expect(page.get_by_role("status").get_by_text("your other address")).to_be_visible()


async def test_without_a_connection_the_link_is_not_used_up(site: Site, new_page: NewPage) -> None:
    fragment = await fragment_for(site.stack, "magiclink", f"{site.address}/account")
    page = await new_page()
    await page.goto(f"/confirm#{fragment}", wait_until="networkidle")
    button = page.get_by_role("main").get_by_role("button", name="Sign in")
    await page.route("**/auth/v1/verify*", lambda route: route.abort())
    await button.click()
    await expect(page.get_by_text("There is no connection.")).to_be_visible()
    await page.unroute("**/auth/v1/verify*")
    await button.click()
    await expect(page).to_have_url(f"{site.address}/account")


@pytest.mark.parametrize("fragment", ["", "#token_hash=one", "#type=toString&token_hash=one"])
async def test_a_link_that_was_cut_short_says_so(new_page: NewPage, fragment: str) -> None:
    page = await new_page()
    await page.goto(f"/confirm{fragment}")
    await expect(page.get_by_role("heading", name="This link is not complete")).to_be_visible()
    await page.get_by_role("link", name="Send me a new code").click()
    await expect(page.get_by_label("E-mail")).to_be_visible()
