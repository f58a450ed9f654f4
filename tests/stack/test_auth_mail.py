"""Log-in by mail: confirmation, codes, links, PKCE, change of address, and limits on mail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import psycopg
import pytest
from supabase_auth.errors import AuthApiError

from stack.config import StackConfig
from tests.stack.auth_clients import (
    NO_TLS,
    PASSWORD,
    OwnServer,
    admin_client,
    auth_client,
    free_port,
    gateway,
    last_mail_to,
    mails_to,
    new_address,
    own_server,
)

UNLIMITED = {"auth.email.max_frequency": "0s"}
CONFIRMING = UNLIMITED | {"auth.email.enable_confirmations": True}


@pytest.fixture(scope="module")
def confirming(stack: StackConfig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServer]:
    """Auth with confirmation of addresses, as production has it."""
    directory = tmp_path_factory.mktemp("confirming")
    with own_server(stack, directory, overrides=CONFIRMING) as server:
        yield server


def follow(link: str) -> tuple[str, dict[str, str], dict[str, str]]:
    """Where a link leads: the address, its query, its fragment."""
    answer = httpx.get(link, **NO_TLS)
    assert answer.status_code == 303
    target = urlsplit(answer.headers["location"])
    address = f"{target.scheme}://{target.netloc}{target.path}"
    query, fragment = parse_qs(target.query), parse_qs(target.fragment)
    return (
        address,
        {name: values[0] for name, values in query.items()},
        {name: values[0] for name, values in fragment.items()},
    )


async def test_a_sign_up_waits_for_the_code_from_the_mail(
    stack: StackConfig, confirming: OwnServer
) -> None:
    email = new_address()
    credentials = {"email": email, "password": PASSWORD}
    async with confirming.client() as client:
        signed_up = await client.sign_up(credentials)
        assert signed_up.user
        assert signed_up.session is None
        assert signed_up.user.confirmation_sent_at
        with pytest.raises(AuthApiError) as refusal:
            await client.sign_in_with_password(credentials)
        assert refusal.value.code == "email_not_confirmed"
        code = last_mail_to(stack, email).code
        params = {"type": "signup", "email": email, "token": code}
        verified = await client.verify_otp(params)
        assert verified.session
        assert verified.user
        assert verified.user.email_confirmed_at
        assert verified.user.user_metadata["email_verified"] is True
        with pytest.raises(AuthApiError) as used:
            await client.verify_otp(params)
        assert (used.value.status, used.value.code) == (403, "otp_expired")
        assert (await client.sign_in_with_password(credentials)).session


async def test_the_link_in_the_mail_opens_a_session_in_the_fragment(
    stack: StackConfig, confirming: OwnServer
) -> None:
    email = new_address()
    async with confirming.client() as client:
        options = {"email_redirect_to": f"{stack.site_url}/welcome"}
        await client.sign_up({"email": email, "password": PASSWORD, "options": options})
    link = last_mail_to(stack, email).link
    assert link.startswith(f"{stack.gateway_url}/auth/v1/verify?")
    address, _, fragment = follow(link)
    assert address == f"{stack.site_url}/welcome"
    assert (fragment["type"], fragment["token_type"]) == ("signup", "bearer")
    async with auth_client(stack) as client:
        session = await client.set_session(fragment["access_token"], fragment["refresh_token"])
    assert session.user
    assert session.user.email == email
    _, _, fragment = follow(link)
    assert fragment["error"] == "access_denied"
    assert fragment["error_code"] == "otp_expired"


async def test_a_sign_up_with_a_known_address_looks_like_any_other_and_sends_nothing(
    stack: StackConfig, confirming: OwnServer
) -> None:
    email = new_address()
    async with confirming.client() as client, admin_client(stack) as admin:
        created = await admin.admin.create_user({"email": email, "email_confirm": True})
        answer = await client.sign_up({"email": email, "password": PASSWORD})
    assert answer.user
    assert answer.session is None
    assert answer.user.identities == []
    assert answer.user.id != created.user.id
    assert answer.user.confirmation_sent_at
    assert mails_to(stack, email) == []


async def test_an_unconfirmed_sign_up_can_have_its_mail_again(
    stack: StackConfig, confirming: OwnServer
) -> None:
    email = new_address()
    async with confirming.client() as client:
        await client.sign_up({"email": email, "password": PASSWORD})
        await client.resend({"type": "signup", "email": email})
        first, second = mails_to(stack, email)
        for code, works in ((first.code, first.code == second.code), (second.code, True)):
            params = {"type": "signup", "email": email, "token": code}
            if works:
                assert (await client.verify_otp(params)).session
            else:
                with pytest.raises(AuthApiError):
                    await client.verify_otp(params)


async def test_recovery_leads_to_a_session_that_sets_a_new_password(
    stack: StackConfig, confirming: OwnServer
) -> None:
    email = new_address()
    async with admin_client(stack) as admin:
        user = {"email": email, "password": PASSWORD, "email_confirm": True}
        await admin.admin.create_user(user)
    async with confirming.client() as client:
        await client.reset_password_for_email(email)
        params = {"type": "recovery", "email": email, "token": last_mail_to(stack, email).code}
        assert (await client.verify_otp(params)).session
        await client.update_user({"password": "a-new-one-altogether"})
        await client.sign_in_with_password({"email": email, "password": "a-new-one-altogether"})


async def test_asking_about_unknown_addresses_says_and_sends_nothing(stack: StackConfig) -> None:
    email = new_address()
    async with gateway(stack) as http:
        for path, body in (
            ("/recover", {}),
            ("/resend", {"type": "signup"}),
            ("/resend", {"type": "email_change"}),
        ):
            answer = await http.post(path, json={"email": email} | body)
            assert (answer.status_code, answer.json()) == (200, {})
        answer = await http.post("/otp", json={"email": email, "create_user": False})
        assert (answer.status_code, answer.json()["error_code"]) == (422, "otp_disabled")
    assert mails_to(stack, email) == []


async def test_a_magic_link_makes_the_account_and_logs_in_by_code_or_hash(
    stack: StackConfig,
) -> None:
    email = new_address()
    async with auth_client(stack) as client:
        await client.sign_in_with_otp({"email": email, "options": {"data": {"theme": "dark"}}})
        mail = last_mail_to(stack, email)
        token_hash = parse_qs(urlsplit(mail.link).query)["token"][0]
        answer = await client.verify_otp({"type": "email", "token_hash": token_hash})
    assert answer.user
    assert answer.user.email == email
    assert answer.user.user_metadata["theme"] == "dark"


async def test_a_code_expires(stack: StackConfig) -> None:
    email = new_address()
    async with auth_client(stack) as client:
        await client.sign_in_with_otp({"email": email})
        with psycopg.connect(stack.db_url("supabase_admin")) as admin:
            admin.execute(
                "update auth.users set recovery_sent_at = now() - interval '2 hours' "
                "where email = %s",
                [email],
            )
        code = last_mail_to(stack, email).code
        with pytest.raises(AuthApiError) as refusal:
            await client.verify_otp({"type": "email", "email": email, "token": code})
    assert (refusal.value.status, refusal.value.code) == (403, "otp_expired")


async def test_pkce_exchanges_the_code_of_the_link_once_and_only_with_the_verifier(
    stack: StackConfig,
) -> None:
    email = new_address()
    async with auth_client(stack, flow_type="pkce") as client, gateway(stack) as http:
        await client.sign_in_with_otp({"email": email})
        address, query, _ = follow(last_mail_to(stack, email).link)
        assert address.rstrip("/") == stack.site_url
        wrong = {"auth_code": query["code"], "code_verifier": "w" * 56}
        refusal = await http.post("/token", params={"grant_type": "pkce"}, json=wrong)
        assert (refusal.status_code, refusal.json()["error_code"]) == (400, "bad_code_verifier")
        exchanged = await client.exchange_code_for_session({"auth_code": query["code"]})
        assert exchanged.user
        assert exchanged.user.email == email
        refusal = await http.post("/token", params={"grant_type": "pkce"}, json=wrong)
        assert (refusal.status_code, refusal.json()["error_code"]) == (404, "flow_state_not_found")


@pytest.mark.parametrize(
    ("wanted", "leads_to"),
    [
        ("{site}/appointments/7", "{site}/appointments/7"),
        ("http://localhost:{port}/deep/path", "http://localhost:{port}/deep/path"),
        ("https://evil.example/steal", "{site}"),
        ("https://127.0.0.1.evil.example/", "{site}"),
        ("http://2130706433/", "{site}"),
        ("javascript:alert(1)", "{site}"),
        ("", "{site}"),
    ],
)
async def test_links_lead_only_where_the_project_allows(
    stack: StackConfig, wanted: str, leads_to: str
) -> None:
    email = new_address()
    here = {"site": stack.site_url, "port": stack.ports.web}
    redirect = {"redirect_to": wanted.format(**here)}
    params = {"type": "magiclink", "email": email, "options": redirect}
    async with admin_client(stack) as admin:
        await admin.admin.create_user({"email": email, "email_confirm": True})
        link = await admin.admin.generate_link(params)
    address, _, fragment = follow(link.properties.action_link)
    assert address.rstrip("/") == leads_to.format(**here)
    assert fragment["access_token"]


@pytest.mark.parametrize("by", ["code", "hash"])
async def test_a_new_address_counts_after_both_letters_are_confirmed(
    stack: StackConfig, confirming: OwnServer, by: str
) -> None:
    old, new = new_address(), new_address()

    def proof(address: str) -> dict[str, str]:
        mail = last_mail_to(stack, address)
        if by == "code":
            return {"email": address, "token": mail.code}
        return {"token_hash": parse_qs(urlsplit(mail.link).query)["token"][0]}

    async with confirming.client() as client, admin_client(stack) as admin:
        user = {"email": old, "password": PASSWORD, "email_confirm": True}
        await admin.admin.create_user(user)
        await client.sign_in_with_password({"email": old, "password": PASSWORD})
        changing = await client.update_user({"email": new})
        assert changing.user.email == old
        assert changing.user.new_email == new
        await client.verify_otp({"type": "email_change", **proof(old)})  # type: ignore[typeddict-item]
        half = await client.get_user()
        assert half
        assert half.user.email == old
        done = await client.verify_otp({"type": "email_change", **proof(new)})  # type: ignore[typeddict-item]
    assert done.user
    assert done.user.email == new
    assert (done.user.identities or [])[0].identity_data["email"] == new


async def test_an_address_of_somebody_else_cannot_be_taken(stack: StackConfig) -> None:
    taken = new_address()
    async with auth_client(stack) as client, auth_client(stack) as other:
        await other.sign_up({"email": taken, "password": PASSWORD})
        await client.sign_up({"email": new_address(), "password": PASSWORD})
        with pytest.raises(AuthApiError) as refusal:
            await client.update_user({"email": taken})
    assert (refusal.value.status, refusal.value.code) == (422, "email_exists")


async def test_a_password_change_long_after_log_in_needs_a_code_when_so_configured(
    stack: StackConfig, tmp_path: Path
) -> None:
    overrides = UNLIMITED | {"auth.email.secure_password_change": True}
    email = new_address()
    with own_server(stack, tmp_path, overrides=overrides) as server:
        async with server.client() as client:
            await client.sign_up({"email": email, "password": PASSWORD})
            with psycopg.connect(stack.db_url("supabase_admin")) as admin:
                admin.execute(
                    "update auth.sessions set created_at = now() - interval '2 days' "
                    "where user_id = (select id from auth.users where email = %s)",
                    [email],
                )
            with pytest.raises(AuthApiError) as refusal:
                await client.update_user({"password": "quite-different"})
            assert refusal.value.code == "reauthentication_needed"
            await client.reauthenticate()
            nonce = last_mail_to(stack, email).code
            with pytest.raises(AuthApiError) as refusal:
                await client.update_user({"password": "quite-different", "nonce": "nonsense"})
            assert refusal.value.code == "reauthentication_not_valid"
            await client.update_user({"password": "quite-different", "nonce": nonce})


async def test_a_second_mail_to_one_address_must_wait(stack: StackConfig, tmp_path: Path) -> None:
    email = new_address()
    overrides = {"auth.email.max_frequency": "1m"}
    with own_server(stack, tmp_path, overrides=overrides) as server:
        async with server.client() as client:
            await client.sign_in_with_otp({"email": email})
            with pytest.raises(AuthApiError) as refusal:
                await client.sign_in_with_otp({"email": email})
    assert (refusal.value.status, refusal.value.code) == (429, "over_email_send_rate_limit")
    assert len(mails_to(stack, email)) == 1


async def test_the_mails_of_an_hour_are_counted(stack: StackConfig, tmp_path: Path) -> None:
    overrides = CONFIRMING | {"auth.rate_limit.email_sent": 2}
    with own_server(stack, tmp_path, overrides=overrides) as server:
        async with server.http() as http:
            statuses = []
            for _ in range(3):
                body = {"email": new_address(), "password": PASSWORD}
                statuses.append((await http.post("/signup", json=body)).status_code)
    assert statuses == [200, 200, 429]


async def test_a_failed_mail_says_so_and_may_be_asked_for_again_at_once(
    stack: StackConfig, tmp_path: Path
) -> None:
    overrides = CONFIRMING | {"auth.email.max_frequency": "1m"}
    email = new_address()
    body = {"email": email, "password": PASSWORD}
    nobody_there = replace(stack.ports, mailbox=free_port())
    (tmp_path / "broken").mkdir()
    with own_server(stack, tmp_path / "broken", overrides=overrides, ports=nobody_there) as broken:
        async with broken.http() as http:
            failed = await http.post("/signup", json=body)
    assert failed.status_code == 500
    assert failed.json()["msg"] == "Error sending confirmation email"
    with own_server(stack, tmp_path, overrides=overrides) as server:
        async with server.http() as http:
            again = await http.post("/signup", json=body)
    assert again.status_code == 200
    assert len(mails_to(stack, email)) == 1


@pytest.mark.parametrize("action", ["magiclink", "recovery"])
async def test_subjects_name_nobody_and_both_bodies_carry_link_and_code(
    stack: StackConfig, action: str
) -> None:
    email = new_address()
    path = {"magiclink": "/magiclink", "recovery": "/recover"}[action]
    async with auth_client(stack) as client, gateway(stack) as http:
        await client.sign_up({"email": email, "password": PASSWORD})
        (await http.post(path, json={"email": email})).raise_for_status()
    mail = last_mail_to(stack, email)
    assert email not in mail.subject
    assert mail.code not in mail.subject
    assert mail.code in mail.html
    assert mail.link.replace("&", "&amp;") in mail.html
