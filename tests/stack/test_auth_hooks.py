"""The hooks: mail through the project's own function, and claims from its database."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import psycopg
import pytest
from standardwebhooks import Webhook
from supabase_auth.errors import AuthApiError

from stack.config import HOST, StackConfig
from tests.stack.auth_clients import (
    PASSWORD,
    OwnServer,
    admin_client,
    mails_to,
    new_address,
    own_server,
)


@dataclass
class Receiver:
    """A hook that notes what it gets and answers as told, in order, then 200."""

    port: int = 0
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def payloads(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.received]


@pytest.fixture(scope="module")
def listening_receiver() -> Iterator[Receiver]:
    noted = Receiver()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            noted.received.append(({k.lower(): v for k, v in self.headers.items()}, body))
            status, headers, content = noted.answers.pop(0) if noted.answers else (200, {}, b"{}")
            self.send_response(status)
            for name, value in ({"content-type": "application/json"} | headers).items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            pass

    with HTTPServer((HOST, 0), Hook) as server:
        noted.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield noted
        server.shutdown()
        thread.join()


@pytest.fixture
def receiver(listening_receiver: Receiver) -> Receiver:
    listening_receiver.received.clear()
    listening_receiver.answers.clear()
    return listening_receiver


@pytest.fixture(scope="module")
def hooked(
    stack: StackConfig, listening_receiver: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OwnServer]:
    overrides = {
        "auth.email.enable_confirmations": True,
        "auth.email.max_frequency": "0s",
        "auth.hook.send_email.enabled": True,
        "auth.hook.send_email.uri": f"http://{HOST}:{listening_receiver.port}/hook?of=auth",
    }
    with own_server(stack, tmp_path_factory.mktemp("hooked"), overrides=overrides) as server:
        yield server


async def test_the_hook_gets_a_signed_payload_that_is_enough_to_verify(
    stack: StackConfig, receiver: Receiver, hooked: OwnServer
) -> None:
    email = new_address()
    async with hooked.client() as client:
        await client.sign_up({"email": email, "password": PASSWORD})
        headers, body = receiver.received[0]
        secret = stack.keys.send_email_hook_secret.removeprefix("v1,")
        payload = Webhook(secret).verify(body, headers)
        assert payload["metadata"]["name"] == "send-email"
        assert payload["user"]["email"] == email
        data = payload["email_data"]
        assert data["email_action_type"] == "signup"
        assert data["site_url"] == stack.jwt_issuer
        assert data["redirect_to"] == stack.site_url
        params = {"type": "signup", "token_hash": data["token_hash"]}
        assert (await client.verify_otp(params)).session
    assert mails_to(stack, email) == []


async def test_a_change_of_address_sends_both_codes_in_one_call(
    stack: StackConfig, receiver: Receiver, hooked: OwnServer
) -> None:
    old, new = new_address(), new_address()
    async with admin_client(stack) as admin, hooked.client() as client:
        user = {"email": old, "password": PASSWORD, "email_confirm": True}
        await admin.admin.create_user(user)
        await client.sign_in_with_password({"email": old, "password": PASSWORD})
        await client.update_user({"email": new})
        (payload,) = receiver.payloads
        data = payload["email_data"]
        assert payload["user"]["new_email"] == new
        params = {"type": "email_change", "email": old, "token": data["token"]}
        await client.verify_otp(params)
        params = {"type": "email_change", "email": new, "token": data["token_new"]}
        changed = await client.verify_otp(params)
    assert changed.user
    assert changed.user.email == new


@pytest.mark.parametrize(
    "trouble", [(503, {}, b""), (500, {}, b""), (429, {"retry-after": "1"}, b"")]
)
async def test_a_hook_in_trouble_is_asked_again_with_the_same_id(
    receiver: Receiver, hooked: OwnServer, trouble: tuple[int, dict[str, str], bytes]
) -> None:
    receiver.answers.append(trouble)
    async with hooked.http() as http:
        answer = await http.post("/signup", json={"email": new_address(), "password": PASSWORD})
    assert answer.status_code == 200
    first, second = (headers["webhook-id"] for headers, _ in receiver.received)
    assert first == second


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ((400, {}, b""), 500),
        ((401, {}, b""), 500),
        ((200, {"content-type": "text/plain"}, b"ok"), 400),
        ((200, {}, b'{"error": {"http_code": 403, "message": "not to them"}}'), 403),
    ],
)
async def test_a_hook_that_refuses_fails_the_request_once_and_it_may_be_repeated(
    receiver: Receiver,
    hooked: OwnServer,
    answer: tuple[int, dict[str, str], bytes],
    status: int,
) -> None:
    receiver.answers.append(answer)
    body = {"email": new_address(), "password": PASSWORD}
    async with hooked.http() as http:
        assert (await http.post("/signup", json=body)).status_code == status
        assert len(receiver.received) == 1
        assert (await http.post("/signup", json=body)).status_code == 200


CLAIMS_HOOK = """
create or replace function public.test_claims_hook(event jsonb) returns jsonb
language sql immutable set search_path = ''
as $$
  select case event -> 'claims' -> 'user_metadata' ->> 'wish'
    when 'refuse' then '{"error": {"http_code": 403, "message": "not today"}}'::jsonb
    when 'spoil' then '{"claims": {"sub": "nobody"}}'::jsonb
    else jsonb_set(event, '{claims,clinic}', '"north"')
  end
$$;
grant execute on function public.test_claims_hook to supabase_auth_admin;
grant usage on schema public to supabase_auth_admin;
revoke execute on function public.test_claims_hook from public, anon, authenticated;
"""


async def test_a_function_of_the_database_adds_claims_or_refuses(
    stack: StackConfig, tmp_path: Path
) -> None:
    overrides = {
        "auth.hook.custom_access_token.enabled": True,
        "auth.hook.custom_access_token.uri": "pg-functions://postgres/public/test_claims_hook",
    }
    with (
        psycopg.connect(stack.db_url(), autocommit=True) as dashboard,
        own_server(stack, tmp_path, overrides=overrides) as server,
    ):
        dashboard.execute(CLAIMS_HOOK)
        try:
            async with server.client() as client:
                await client.sign_up({"email": new_address(), "password": PASSWORD})
                claims = await client.get_claims(jwks=stack.public_jwks)
                assert claims
                assert claims["claims"]["clinic"] == "north"
                for wish, status in (("refuse", 403), ("spoil", 500)):
                    options = {"data": {"wish": wish}}
                    body = {"email": new_address(), "password": PASSWORD, "options": options}
                    with pytest.raises(AuthApiError) as refusal:
                        await client.sign_up(body)
                    assert refusal.value.status == status
        finally:
            dashboard.execute("drop function public.test_claims_hook")
