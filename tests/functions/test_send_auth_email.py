"""Auth's mail through our own queue: signed, once, ahead of the rest, and nowhere kept."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import psycopg
import pytest
from standardwebhooks.webhooks import Webhook

from stack import edge_functions
from stack.config import HOST, StackConfig
from tests.people import every
from tests.stack.auth_clients import free_port
from tests.workers.bookings import mails_to


def payload(address: str, action: str = "signup", **changes: Any) -> str:
    data = {
        "token": "123456",
        "token_hash": "hash-one",
        "redirect_to": "http://127.0.0.1:5173/welcome?a=b",
        "email_action_type": action,
        "site_url": "",
        "token_new": "",
        "token_hash_new": "",
    }
    user = {"email": address, "user_metadata": {"language": "de"}}
    return json.dumps(
        {
            "user": user | changes.pop("user", {}),
            "email_data": data | changes,
        }
    )


async def ask(
    stack: StackConfig, body: str, request_id: str | None = None, **other: Any
) -> httpx.Response:
    request_id = request_id or str(uuid4())
    at = datetime.now(UTC) - timedelta(seconds=other.get("age", 0))
    webhook = Webhook(stack.keys.send_email_hook_secret.removeprefix("v1,"))
    headers = {
        "content-type": "application/json",
        "webhook-id": request_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": webhook.sign(request_id, at, other.get("signed", body)),
    }
    functions = other.get("functions", f"{stack.gateway_url}/functions/v1")
    patient = httpx.AsyncHTTPTransport(retries=5)  # of connecting: it may be starting
    async with httpx.AsyncClient(transport=patient, timeout=30) as http:
        return await http.post(f"{functions}/send-auth-email", content=body, headers=headers)


def new_address() -> str:
    return f"{uuid4().hex}@example.org"


async def test_a_code_arrives_once_in_the_persons_language_and_is_kept_nowhere(
    stack: StackConfig,
) -> None:
    address, request_id = new_address(), str(uuid4())
    for _ in range(2):
        answer = await ask(stack, payload(address), request_id)
        assert answer.status_code == 200, answer.text
    (mail,) = await mails_to(stack, address)
    assert "123456" in mail["text"]
    told = {
        "token_hash": "hash-one",
        "type": "signup",
        "redirect_to": "http://127.0.0.1:5173/welcome?a=b",
    }
    assert f"{stack.site_url}/confirm#{urlencode(told)}" in mail["text"]
    assert "/auth/v1/verify" not in mail["html"] + mail["text"], "what opens a link does nothing"
    assert "123456" not in mail["subject"]
    assert '<html lang="de">' in mail["html"]
    with psycopg.connect(stack.db_url()) as db:
        rows = every(
            db, "select * from public.notifications where id = %s", mail["idempotency_key"]
        )
    assert [(row["kind"], row["clinic_id"]) for row in rows] == [("log_in", None)]
    assert address not in str(rows)


async def test_a_change_of_address_asks_both_each_with_its_own_code(stack: StackConfig) -> None:
    old, new = new_address(), new_address()
    body = payload(
        old,
        "email_change",
        user={"new_email": new},
        token="111111",
        token_new="222222",
        token_hash="of-the-new",
        token_hash_new="of-the-old",
    )
    assert (await ask(stack, body)).status_code == 200
    (to_old,), (to_new,) = await mails_to(stack, old), await mails_to(stack, new)
    assert ("111111" in to_old["text"], "token_hash=of-the-old" in to_old["text"]) == (True, True)
    assert ("222222" in to_new["text"], "token_hash=of-the-new" in to_new["text"]) == (True, True)


async def test_who_had_no_address_gets_a_link_without_a_code(stack: StackConfig) -> None:
    address = new_address()
    body = payload("", "email_change", user={"new_email": address}, token="")
    assert (await ask(stack, body)).status_code == 200
    (mail,) = await mails_to(stack, address)
    assert "token_hash=hash-one" in mail["text"]
    assert "None" not in mail["text"] + mail["html"]


async def test_the_new_secret_key_is_enough(stack: StackConfig) -> None:
    """Projects may have switched off the legacy keys."""
    port = free_port()
    environment = edge_functions.environment(stack) | {"FUNCTIONS_PORT": str(port)}
    del environment["SUPABASE_SERVICE_ROLE_KEY"]
    process = await asyncio.create_subprocess_exec(
        *edge_functions.command(stack), env=environment, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        address = new_address()
        answer = await ask(stack, payload(address), functions=f"http://{HOST}:{port}")
        assert answer.status_code == 200, answer.text
        assert len(await mails_to(stack, address)) == 1
    finally:
        process.terminate()
        await process.wait()


# Early by more than the tolerance when it arrives, too, however long that takes.
@pytest.mark.parametrize("wrong", [{"signed": "something else"}, {"age": 301}, {"age": -360}])
async def test_without_a_fresh_signature_nothing_is_queued(
    stack: StackConfig, wrong: dict[str, Any]
) -> None:
    address = new_address()
    answer = await ask(stack, payload(address), **wrong)
    assert answer.status_code == 401
    assert await mails_to(stack, address, at_least=0) == []


async def test_what_is_no_mail_of_auth_is_refused(stack: StackConfig) -> None:
    for body in ("{}", "not json", payload("")):
        assert (await ask(stack, body)).status_code == 400
