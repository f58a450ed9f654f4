"""Log-in mail with the hook turned on: from Auth through function, queue and worker to the inbox,
and back with the code or the link that it carries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import psycopg
import pytest
from supabase_auth.errors import AuthApiError

from stack.config import StackConfig
from tests.people import every
from tests.stack.auth_clients import PASSWORD, OwnServer, new_address, own_server
from tests.workers.bookings import mails_to


@pytest.fixture(scope="module")
def auth(stack: StackConfig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServer]:
    """Auth as a clinic would run it: addresses are confirmed, mail goes through the hook."""
    directory: Path = tmp_path_factory.mktemp("auth")
    overrides = {
        "auth.email.enable_confirmations": True,
        "auth.hook.send_email.enabled": True,
        "auth.hook.send_email.uri": f"{stack.gateway_url}/functions/v1/send-auth-email",
    }
    with own_server(stack, directory, overrides=overrides) as server:
        yield server


def code_in(mail: dict[str, Any]) -> str:
    found = re.search(r"\b\d{6}\b", mail["text"])
    assert found
    assert found[0] not in mail["subject"]
    return found[0]


def link_in(mail: dict[str, Any]) -> str:
    found = re.search(r"http\S+/confirm#\S+", mail["text"])
    assert found
    return found[0]


async def test_who_signs_up_gets_the_code_from_us_in_their_language_and_is_in_with_it(
    stack: StackConfig, auth: OwnServer
) -> None:
    address = new_address()
    options: Any = {"data": {"language": "fr"}}
    async with auth.client() as client:
        signed_up = await client.sign_up(
            {"email": address, "password": PASSWORD, "options": options}
        )
        assert signed_up.session is None
        (mail,) = await mails_to(stack, address)
        assert mail["subject"] == "Confirmez votre adresse e-mail"
        assert '<html lang="fr">' in mail["html"]
        entered = await client.verify_otp(
            {"email": address, "token": code_in(mail), "type": "signup"}
        )
    assert entered.session is not None
    assert entered.user is not None
    assert entered.user.email_confirmed_at is not None


async def test_the_message_went_through_the_ledger_and_left_nothing_behind(
    stack: StackConfig, auth: OwnServer
) -> None:
    address = new_address()
    async with auth.client() as client:
        await client.sign_in_with_otp({"email": address})
    (mail,) = await mails_to(stack, address)
    with psycopg.connect(stack.db_url(), autocommit=True) as db:
        (row,) = every(
            db,
            "select kind::text, clinic_id, status::text from public.notifications where id = %s",
            mail["idempotency_key"],
        )
        assert (row["kind"], row["clinic_id"]) == ("log_in", None)
        assert row["status"] in ("sending", "sent", "delivered")
        rows = every(db, "select * from public.notifications where kind = 'log_in'")
    assert address not in str(rows)
    assert code_in(mail) not in str(rows)


async def test_a_link_that_is_opened_does_nothing_and_what_it_carries_signs_in_once(
    stack: StackConfig, auth: OwnServer
) -> None:
    address = new_address()
    async with auth.client() as client:
        await client.sign_in_with_otp({"email": address})
        (mail,) = await mails_to(stack, address)
        page, _, fragment = link_in(mail).partition("#")
        told = dict(parse_qsl(fragment))
        async with httpx.AsyncClient() as scanner:
            assert (await scanner.get(page, follow_redirects=True)).status_code == 200
        params: Any = {"type": told["type"], "token_hash": told["token_hash"]}
        entered = await client.verify_otp(params)
        assert entered.user
        assert (entered.session is not None, entered.user.email) == (True, address)
        with pytest.raises(AuthApiError) as used:
            await client.verify_otp(params)
    assert used.value.code == "otp_expired"


async def test_who_forgot_their_password_chooses_another_with_the_code(
    stack: StackConfig, auth: OwnServer
) -> None:
    address = new_address()
    options: Any = {"data": {"language": "de"}}
    async with auth.client() as client:
        await client.sign_up({"email": address, "password": PASSWORD, "options": options})
        (welcome,) = await mails_to(stack, address)
        await client.verify_otp({"email": address, "token": code_in(welcome), "type": "signup"})
        await client.sign_out()

        await client.reset_password_for_email(address)
        mails = await mails_to(stack, address, at_least=2)
        (mail,) = [mail for mail in mails if mail["id"] != welcome["id"]]
        assert mail["subject"] == "Wählen Sie ein neues Passwort"
        recovered = await client.verify_otp(
            {"email": address, "token": code_in(mail), "type": "recovery"}
        )
    assert recovered.session is not None
