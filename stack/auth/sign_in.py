"""`POST /token`: passwords, refresh tokens and PKCE codes become sessions."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from stack.auth import sessions
from stack.auth.calls import Call
from stack.auth.errors import AuthError, WeakPassword, validation_failed
from stack.auth.passwords import check_strength, matches
from stack.auth.pkce import redeem_auth_code
from stack.auth.users import is_banned, lock_user_by_email


async def token(call: Call) -> Response:
    match call.request.query_params.get("grant_type") or call.text("grant_type"):
        case "password":
            return await _password_grant(call)
        case "refresh_token":
            return await sessions.refresh(call)
        case "pkce":
            return await _pkce_grant(call)
        case "id_token":
            raise AuthError(400, "provider_disabled", "Provider is not enabled")
        case "web3":
            raise AuthError(422, "web3_provider_disabled", "Web3 provider is disabled")
        case _:
            raise AuthError(400, "invalid_credentials", "unsupported_grant_type")


async def _password_grant(call: Call) -> Response:
    email, password = call.text("email"), call.text("password")
    if call.text("phone"):
        raise AuthError(422, "phone_provider_disabled", "Phone logins are disabled")
    if not email:
        raise validation_failed("missing email or phone")
    if not call.settings.email_enabled:
        raise AuthError(422, "email_provider_disabled", "Email logins are disabled")
    invalid = AuthError(400, "invalid_credentials", "Invalid login credentials")
    async with call.server.database.transaction() as tx:
        user = await lock_user_by_email(tx, email)
    if user is None or not user["encrypted_password"]:
        raise invalid
    if is_banned(user):
        raise AuthError(400, "user_banned", "User is banned")
    # Hashing takes long: no connection is held meanwhile.
    if not await matches(password, user["encrypted_password"]):
        raise invalid
    if user["email_confirmed_at"] is None:
        raise AuthError(400, "email_not_confirmed", "Email not confirmed")
    async with call.server.database.transaction() as tx:
        current = await lock_user_by_email(tx, email)
        if current is None or current["encrypted_password"] != user["encrypted_password"]:
            raise invalid
        session = await sessions.open_session(call, tx, user["id"], "password")
    try:
        check_strength(call.settings, password)
    except WeakPassword as weak:
        session["weak_password"] = {"message": weak.message, "reasons": weak.reasons}
    return JSONResponse(session)


async def _pkce_grant(call: Call) -> Response:
    auth_code, verifier = call.text("auth_code"), call.text("code_verifier")
    if not auth_code or not verifier:
        message = "invalid request: both auth code and code verifier should be non-empty"
        raise validation_failed(message)
    async with call.server.database.transaction() as tx:
        flow = await redeem_auth_code(tx, auth_code, verifier)
        method = flow["authentication_method"]
        session = await sessions.open_session(call, tx, flow["user_id"], method)
    return JSONResponse(session)
