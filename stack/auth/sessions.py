"""Sessions: opened by every log-in, continued by rotating refresh tokens, ended by log-out.

A refresh token is swapped at each use. Whoever repeats the swap that just happened (a lost answer,
two tabs) gets the same successor; anything older, after a short interval, is taken for theft and
ends the whole family.
"""

from __future__ import annotations

import secrets
import string
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from starlette.responses import JSONResponse, Response

from stack.auth.calls import Call
from stack.auth.database import Row, Transaction, execute, fetch_all, fetch_one, insert, update
from stack.auth.errors import AuthError, validation_failed
from stack.auth.hooks import customised_claims
from stack.auth.users import get_user, is_banned, user_json

_ALPHABET = string.ascii_lowercase + string.digits
_AAL2_METHODS = ("totp", "mfa/phone", "mfa/webauthn")


async def open_session(call: Call, tx: Transaction, user_id: UUID, method: str) -> dict[str, Any]:
    """A new session for someone who proved themselves by `method`, as clients get it."""
    session_id, now = uuid4(), datetime.now(UTC)
    values = {
        "id": session_id,
        "user_id": user_id,
        "aal": "aal1",
        "user_agent": call.user_agent,
        "ip": call.client_address,
        "created_at": now,
        "updated_at": now,
    }
    await insert(tx, "sessions", values)
    await add_authentication_method(tx, session_id, method)
    await update(tx, "users", user_id, {"last_sign_in_at": now})
    refresh_token = await _new_refresh_token(tx, user_id, session_id, parent=None)
    return await session_json(call, tx, session_id, refresh_token, method)


async def add_authentication_method(tx: Transaction, session_id: UUID, method: str) -> None:
    statement = """
      insert into auth.mfa_amr_claims
        (id, session_id, created_at, updated_at, authentication_method)
      values (gen_random_uuid(), %s, now(), now(), %s)
      on conflict on constraint mfa_amr_claims_session_id_authentication_method_pkey
      do update set updated_at = excluded.updated_at
    """
    await execute(tx, statement, session_id, method)


async def session_json(
    call: Call,
    tx: Transaction,
    session_id: UUID,
    refresh_token: str,
    method: str,
) -> dict[str, Any]:
    """A fresh access token with everything that clients keep beside it."""
    session = await fetch_one(tx, "select user_id from auth.sessions where id = %s", session_id)
    user = await get_user(tx, (session or {})["user_id"])
    issued_at = int(datetime.now(UTC).timestamp())
    lifetime = call.settings.jwt_expiry
    query = """
      select authentication_method as method, extract(epoch from updated_at)::bigint as timestamp
      from auth.mfa_amr_claims where session_id = %s order by updated_at desc
    """
    methods = await fetch_all(tx, query, session_id)
    is_aal2 = any(entry["method"] in _AAL2_METHODS for entry in methods)
    claims: dict[str, Any] = {
        "iss": call.server.config.jwt_issuer,
        "sub": str(user["id"]),
        "aud": user["aud"],
        "iat": issued_at,
        "exp": issued_at + lifetime,
        "email": user["email"] or "",
        "phone": user["phone"] or "",
        "app_metadata": user["raw_app_meta_data"] or {},
        "user_metadata": user["raw_user_meta_data"] or {},
        "role": user["role"] or "",
        "aal": "aal2" if is_aal2 else "aal1",
        "amr": methods,
        "session_id": str(session_id),
        "is_anonymous": user["is_anonymous"],
    }
    config = call.server.config
    if config.setting("auth.hook.custom_access_token.enabled", False):
        uri = str(config.setting("auth.hook.custom_access_token.uri", ""))
        claims = await customised_claims(tx, uri, claims, method, call.client_address)
    return {
        "access_token": call.server.tokens.sign(claims),
        "token_type": "bearer",
        "expires_in": lifetime,
        "expires_at": issued_at + lifetime,
        "refresh_token": refresh_token,
        "user": user_json(user),
    }


async def _new_refresh_token(
    tx: Transaction, user_id: UUID, session_id: UUID, parent: str | None
) -> str:
    token, now = "".join(secrets.choice(_ALPHABET) for _ in range(22)), datetime.now(UTC)
    values = {
        "instance_id": UUID(int=0),
        "token": token,
        "user_id": str(user_id),
        "session_id": session_id,
        "parent": parent,
        "revoked": False,
        "created_at": now,
        "updated_at": now,
    }
    await insert(tx, "refresh_tokens", values)
    return token


async def swap_refresh_token(tx: Transaction, used: Row) -> str:
    """Revoke the token and issue its successor."""
    await update(tx, "refresh_tokens", used["id"], {"revoked": True})
    user_id = UUID(used["user_id"])
    return await _new_refresh_token(tx, user_id, used["session_id"], parent=used["token"])


async def active_refresh_token(tx: Transaction, session_id: UUID) -> Row | None:
    query = """
      select * from auth.refresh_tokens where session_id = %s and not revoked
      order by id desc limit 1
    """
    return await fetch_one(tx, query, session_id)


async def refresh(call: Call) -> Response:
    """`POST /token?grant_type=refresh_token`."""
    token = call.text("refresh_token")
    if not token:
        body = {"error": "invalid_request", "error_description": "refresh_token required"}
        return JSONResponse(body, 400)
    async with call.server.database.transaction() as tx:
        session = await _lock_session_of(tx, token)
        # Read after the lock: another request may just have swapped it.
        query = "select * from auth.refresh_tokens where token = %s"
        presented = await fetch_one(tx, query, token)
        if session is None or presented is None:
            message = "Invalid Refresh Token: Refresh Token Not Found"
            raise AuthError(400, "refresh_token_not_found", message)
        user = await get_user(tx, session["user_id"])
        if is_banned(user):
            raise AuthError(400, "user_banned", "Invalid Refresh Token: User Banned")
        _check_still_valid(call, session, presented)
        successor = await _successor(call, tx, presented)
        if successor is not None:
            now = datetime.now(UTC)
            values = {
                "refreshed_at": now.replace(tzinfo=None),
                "user_agent": call.user_agent,
                "ip": call.client_address,
            }
            await update(tx, "sessions", session["id"], values)
            answer = await session_json(call, tx, session["id"], successor, "token_refresh")
    if successor is None:  # raised only now, so that the revocation is committed
        message = "Invalid Refresh Token: Already Used"
        raise AuthError(400, "refresh_token_already_used", message)
    return JSONResponse(answer)


async def _lock_session_of(tx: Transaction, token: str) -> Row | None:
    query = """
      select * from auth.sessions
      where id = (select session_id from auth.refresh_tokens where token = %s)
      for update
    """
    return await fetch_one(tx, query, token)


def _check_still_valid(call: Call, session: Row, presented: Row) -> None:
    now, settings = datetime.now(UTC), call.settings
    timebox, inactivity = settings.session_timebox, settings.session_inactivity
    last_used = presented["updated_at"]
    ends = [session["not_after"], timebox and session["created_at"] + timebox]
    if any(end and now > end for end in ends):
        raise AuthError(400, "session_expired", "Invalid Refresh Token: Session Expired")
    if inactivity and now > last_used + inactivity:
        message = "Invalid Refresh Token: Session Expired (Inactivity)"
        raise AuthError(400, "session_expired", message)


async def _successor(call: Call, tx: Transaction, presented: Row) -> str | None:
    """The token to use from now on; None after revoking the family of a stolen one."""
    if not presented["revoked"]:
        return await swap_refresh_token(tx, presented)
    active = await active_refresh_token(tx, presented["session_id"])
    if active and active["parent"] == presented["token"]:
        return str(active["token"])
    if datetime.now(UTC) <= presented["updated_at"] + call.settings.reuse_interval:
        return await swap_refresh_token(tx, presented)
    if call.settings.rotation_enabled:
        statement = """
          update auth.refresh_tokens set revoked = true, updated_at = now()
          where session_id = %s and not revoked
        """
        await execute(tx, statement, presented["session_id"])
    return None


async def end_sessions(tx: Transaction, user_id: UUID, *, sparing: UUID | None = None) -> None:
    """Log a user out everywhere, except in the session `sparing`."""
    statement = "delete from auth.sessions where user_id = %s and id is distinct from %s"
    await execute(tx, statement, user_id, sparing)


async def logout(call: Call) -> Response:
    """`POST /logout?scope=global|local|others`."""
    scope = call.request.query_params.get("scope") or "global"
    if scope not in ("global", "local", "others"):
        raise validation_failed("Unsupported logout scope")
    async with call.server.database.transaction() as tx:
        person = await call.person(tx)
        session_id = person.session["id"] if person.session else None
        if scope == "local" and session_id:
            await execute(tx, "delete from auth.sessions where id = %s", session_id)
        else:
            spared = session_id if scope == "others" else None
            await end_sessions(tx, person.user["id"], sparing=spared)
    return Response(status_code=204)
