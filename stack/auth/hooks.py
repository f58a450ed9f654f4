"""Hooks: the send-mail hook over HTTP, signed by Standard Webhooks; the claims hook in SQL."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from psycopg import sql
from psycopg.errors import QueryCanceled
from psycopg.types.json import Jsonb

from stack.auth.database import Transaction
from stack.auth.errors import AuthError, unexpected_failure
from stack.auth.outgoing import Answer, post

HTTP_SECONDS = 5.0
ATTEMPTS = 3
PAUSE_SECONDS = 0.5

_REQUIRED_CLAIMS = (
    "aud",
    "exp",
    "iat",
    "sub",
    "email",
    "phone",
    "role",
    "aal",
    "session_id",
    "is_anonymous",
)


def metadata(name: str, client_address: str) -> dict[str, str]:
    """What every hook is told about the request."""
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return {"uuid": str(uuid4()), "time": now, "name": name, "ip_address": client_address}


async def call_http_hook(uri: str, secret: str, payload: dict[str, Any]) -> None:
    """POST until it is accepted. Raises AuthError when it is not within time and attempts.

    A busy or failing hook is asked again; whatever else it answers is final.
    """
    from standardwebhooks import Webhook  # noqa: PLC0415 - only needed when the hook is on

    body = json.dumps(payload).encode()
    webhook = Webhook(secret.removeprefix("v1,"))
    message_id = str(uuid4())
    deadline = time.monotonic() + HTTP_SECONDS
    problem = unexpected_failure("Service currently unavailable due to hook")
    for attempt in range(ATTEMPTS):
        if attempt:
            await asyncio.sleep(min(PAUSE_SECONDS, max(deadline - time.monotonic(), 0)))
        now = datetime.now(UTC)
        headers = {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": webhook.sign(message_id, now, body.decode()),
        }
        try:
            answer = await post(uri, body, headers, deadline - time.monotonic())
        except TimeoutError:
            message = f"Failed to reach hook within maximum time of {HTTP_SECONDS:f} seconds"
            raise AuthError(422, "hook_timeout", message) from None
        except OSError:
            message = "Failed to reach hook after maximum retries"
            problem = AuthError(422, "hook_timeout_after_retry", message)
            continue
        if not _may_be_repeated(answer):
            return _check(answer)
        problem = unexpected_failure("Service currently unavailable due to hook")
    raise problem


def _may_be_repeated(answer: Answer) -> bool:
    if answer.status == 429:
        return "retry-after" in answer.headers
    return answer.status >= 500


def _check(answer: Answer) -> None:
    if answer.status == 204:
        return
    if answer.status in (200, 202):
        if answer.headers.get("content-type", "").partition(";")[0] != "application/json":
            message = "Invalid Content-Type: a hook must answer with application/json"
            raise AuthError(400, "hook_payload_invalid_content_type", message)
        _raise_reported_error(json.loads(answer.body or b"{}"))
        return
    messages = {
        400: "Invalid payload sent to hook",
        401: "Hook requires authorization token",
        429: "Service currently unavailable due to hook",
    }
    default = f"Unexpected status code returned from hook: {answer.status}"
    raise unexpected_failure(messages.get(answer.status, default))


def _raise_reported_error(output: Any) -> None:
    """Hooks refuse by answering 200 with `{"error": {"http_code", "message"}}`."""
    error = output.get("error") if isinstance(output, dict) else None
    if error:
        status, message = error.get("http_code") or 500, error.get("message") or "Hook error"
        raise AuthError(int(status), "unexpected_failure", str(message))


async def customised_claims(
    tx: Transaction, uri: str, claims: dict[str, Any], method: str, client_address: str
) -> dict[str, Any]:
    """The claims as the function behind `pg-functions://database/schema/function` returns them.

    Raises AuthError when it refuses, takes more than two seconds, or drops a required claim.
    """
    target = urlsplit(uri)
    schema, _, function = target.path.strip("/").partition("/")
    if target.scheme != "pg-functions" or not function:
        raise unexpected_failure("Only pg-functions hooks are supported for access tokens")
    payload = {
        "metadata": metadata("custom-access-token", client_address),
        "user_id": claims["sub"],
        "claims": claims,
        "authentication_method": method,
    }
    query = sql.SQL("select {}(%s) as output").format(sql.Identifier(schema, function))
    try:
        async with tx.transaction():
            await tx.execute("set local statement_timeout = '2s'")
            row = await (await tx.execute(query, [Jsonb(payload)])).fetchone()
            await tx.execute("reset statement_timeout")
    except QueryCanceled:
        message = "Failed to reach hook within maximum time of 2 seconds"
        raise AuthError(422, "hook_timeout", message) from None
    output = row["output"] if row else None
    _raise_reported_error(output)
    changed = output.get("claims") if isinstance(output, dict) else None
    if not isinstance(changed, dict) or not all(name in changed for name in _REQUIRED_CLAIMS):
        raise unexpected_failure("output claims do not conform to the expected schema")
    return changed
