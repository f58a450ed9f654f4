"""PKCE: a challenge given when a mail is asked for, met by its verifier later."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from stack.auth.calls import Call
from stack.auth.database import Row, Transaction, execute, fetch_one, insert, update
from stack.auth.errors import AuthError, validation_failed

PREFIX = "pkce_"
LIFETIME = timedelta(minutes=5)

# How the person proved themselves, by the `type` of the link they followed.
METHODS_BY_TYPE = {
    "signup": "email/signup",
    "invite": "invite",
    "magiclink": "magiclink",
    "recovery": "recovery",
    "email_change": "email_change",
}


def check_challenge(call: Call) -> None:
    """Raises AuthError when the request carries half a challenge or a malformed one."""
    challenge, method = call.text("code_challenge"), call.text("code_challenge_method")
    if bool(challenge) != bool(method):
        raise validation_failed("PKCE flow requires code_challenge_method and code_challenge")
    if not challenge:
        return
    if not 43 <= len(challenge) <= 128:
        raise validation_failed("code challenge has to be between 43 and 128 characters")
    if not re.fullmatch(r"[a-zA-Z0-9._~-]+", challenge):
        message = (
            "code challenge can only contain alphanumeric characters, hyphens, periods, "
            "underscores and tildes"
        )
        raise validation_failed(message)
    if method.lower() not in ("s256", "plain"):
        raise validation_failed("unsupported code_challenge method")


def hash_prefix(call: Call) -> str:
    """What the hashes of mailed codes start with: `pkce_` when the request has a challenge."""
    return PREFIX if call.text("code_challenge") else ""


async def remember_challenge(call: Call, tx: Transaction, user_id: UUID, method: str) -> None:
    """Keep the request's challenge, if it has one, for the link that is about to be mailed."""
    if not call.text("code_challenge"):
        return
    now = datetime.now(UTC)
    values = {
        "id": uuid4(),
        "user_id": user_id,
        "auth_code": str(uuid4()),
        "code_challenge": call.text("code_challenge"),
        "code_challenge_method": call.text("code_challenge_method").lower(),
        "provider_type": "email" if method == "email/signup" else method,
        "authentication_method": method,
        "created_at": now,
        "updated_at": now,
    }
    await insert(tx, "flow_state", values)


async def issue_auth_code(tx: Transaction, user_id: UUID, link_type: str) -> str:
    """The code to be exchanged. Raises AuthError when no challenge is waiting for this link."""
    query = """
      select * from auth.flow_state where user_id = %s and authentication_method = %s
      order by created_at desc limit 1
    """
    flow = await fetch_one(tx, query, user_id, METHODS_BY_TYPE.get(link_type, link_type))
    if flow is None:
        raise AuthError(400, "flow_state_not_found", "No valid flow state found for user.")
    await update(tx, "flow_state", flow["id"], {"auth_code_issued_at": datetime.now(UTC)})
    return str(flow["auth_code"])


async def redeem_auth_code(tx: Transaction, auth_code: str, verifier: str) -> Row:
    """The flow that the code belongs to; it can be redeemed once, by the verifier's holder."""
    query = "select * from auth.flow_state where auth_code = %s for update"
    flow = await fetch_one(tx, query, auth_code)
    if flow is None or flow["user_id"] is None:
        message = "invalid flow state, no valid flow state found"
        raise AuthError(404, "flow_state_not_found", message)
    by_magic_link = flow["authentication_method"] == "magiclink"
    begun = (by_magic_link and flow["auth_code_issued_at"]) or flow["created_at"]
    if datetime.now(UTC) > begun + LIFETIME:
        message = "invalid flow state, flow state has expired"
        raise AuthError(422, "flow_state_expired", message)
    if _challenge(verifier, flow["code_challenge_method"]) != flow["code_challenge"]:
        message = "code challenge does not match previously saved code verifier"
        raise AuthError(400, "bad_code_verifier", message)
    await execute(tx, "delete from auth.flow_state where id = %s", flow["id"])
    return flow


def _challenge(verifier: str, method: str) -> str:
    if method == "plain":
        return verifier
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
