"""`/verify`: a mailed code or link proves an address and opens a session."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from starlette.responses import JSONResponse, RedirectResponse, Response

from stack.auth.calls import Call
from stack.auth.database import Row, Transaction, execute, fetch_one, update
from stack.auth.errors import AuthError, validation_failed
from stack.auth.one_time_codes import (
    CONFIRMATION,
    EMAIL_CHANGE_CURRENT,
    EMAIL_CHANGE_NEW,
    PURPOSES_BY_TYPE,
    Purpose,
    clear_all_codes,
    clear_code,
    find_user_by_hash,
    hash_code,
    is_expired,
    is_valid,
)
from stack.auth.passwords import hash_password, random_password
from stack.auth.pkce import PREFIX, issue_auth_code
from stack.auth.sessions import open_session
from stack.auth.users import (
    confirm_email,
    get_user,
    is_banned,
    lock_user_by_email,
    set_identity_email,
    valid_email,
)

ONE_OF_TWO = "Confirmation link accepted. Please proceed to confirm link sent to the other email"
_REDIRECT_ERRORS = {
    400: "invalid_request",
    401: "unauthorized_client",
    403: "access_denied",
    500: "server_error",
    503: "temporarily_unavailable",
}


async def verify_by_link(call: Call) -> Response:
    """`GET /verify`: always ends in a redirect that carries a session, a code, or an error."""
    query = call.request.query_params
    link_type, token_hash = query.get("type", ""), query.get("token", "")
    if not link_type:
        raise validation_failed("Verify requires a verification type")
    if not token_hash:
        raise validation_failed("Verify requires a token or a token hash")
    target, by_pkce = call.redirect_to, token_hash.startswith(PREFIX)
    try:
        async with call.server.database.transaction() as tx:
            user, purpose, link_type = await _user_by_hash(call, tx, link_type, token_hash)
            if not await _accept(call, tx, user, purpose, link_type):
                return _redirect(target, {"message": ONE_OF_TWO}, in_query=by_pkce)
            if by_pkce:
                code = await issue_auth_code(tx, user["id"], link_type)
                return RedirectResponse(_with_query(target, {"code": code}), 303)
            session = await open_session(call, tx, user["id"], "otp")
    except AuthError as error:
        fields = {"error": _REDIRECT_ERRORS.get(error.status, "server_error")}
        fields |= {"error_code": error.code, "error_description": error.message}
        return _redirect(target, fields, in_query=by_pkce)
    fields = {name: str(value) for name, value in session.items() if name != "user"}
    return _redirect(target, fields | {"type": link_type})


async def verify_by_code(call: Call) -> Response:
    """`POST /verify`: type with token and e-mail, or type with token_hash alone."""
    code_type, code, token_hash = call.text("type"), call.text("token"), call.text("token_hash")
    if not code_type:
        raise validation_failed("Verify requires a verification type")
    if bool(code) == bool(token_hash):
        raise validation_failed("Verify requires either a token or a token hash")
    if token_hash and (call.text("email") or call.text("phone") or call.text("redirect_to")):
        raise validation_failed("Only the token_hash and type should be provided")
    if code and call.text("phone"):
        raise _phone_error(call.text("phone"))
    if code and not call.text("email"):
        message = "Only an email address or phone number should be provided on verify"
        raise validation_failed(message)
    async with call.server.database.transaction() as tx:
        found = (
            await _user_by_hash(call, tx, code_type, token_hash)
            if token_hash
            else await _user_by_code(call, tx, code_type, valid_email(call.text("email")), code)
        )
        user, purpose, code_type = found
        if not await _accept(call, tx, user, purpose, code_type):
            return JSONResponse({"msg": ONE_OF_TWO, "code": "200"})
        session = await open_session(call, tx, user["id"], "otp")
    return JSONResponse(session)


def _phone_error(phone: str) -> AuthError:
    """Nobody has a phone number here, which is answered like a number that nobody has."""
    if not re.fullmatch(r"\+?[1-9][0-9]{1,14}", phone):
        return validation_failed("Invalid phone number format (E.164 required)")
    return AuthError(403, "otp_expired", "Token has expired or is invalid")


async def _user_by_hash(
    call: Call, tx: Transaction, code_type: str, token_hash: str
) -> tuple[Row, Purpose, str]:
    """Whose hash this is, what for, and the type it amounts to. Raises AuthError."""
    if code_type not in PURPOSES_BY_TYPE:
        raise validation_failed("Invalid email verification type")
    found = await find_user_by_hash(tx, token_hash, PURPOSES_BY_TYPE[code_type])
    if found and is_banned(found[0]):
        raise AuthError(403, "user_banned", "User is banned")
    if found is None or is_expired(call.settings, *found):
        raise AuthError(403, "otp_expired", "Email link is invalid or has expired")
    return *found, _specific_type(code_type, found[1])


async def _user_by_code(
    call: Call, tx: Transaction, code_type: str, email: str, code: str
) -> tuple[Row, Purpose, str]:
    if code_type not in PURPOSES_BY_TYPE:
        raise validation_failed("Invalid email verification type")
    token_hash = hash_code(email, code)
    user = await (
        _user_changing_email(tx, email, token_hash)
        if code_type == "email_change"
        else lock_user_by_email(tx, email)
    )
    if user and is_banned(user):
        raise AuthError(403, "user_banned", "User is banned")
    for purpose in PURPOSES_BY_TYPE[code_type]:
        if user and is_valid(call.settings, user, purpose, token_hash):
            return user, purpose, _specific_type(code_type, purpose)
    raise AuthError(403, "otp_expired", "Token has expired or is invalid")


def _specific_type(code_type: str, purpose: Purpose) -> str:
    if code_type != "email":
        return code_type
    return "signup" if purpose is CONFIRMATION else "magiclink"


async def _user_changing_email(tx: Transaction, email: str, token_hash: str) -> Row | None:
    query = """
      select id from auth.users
      where (lower(email) = %s and email_change_token_current = any (%s))
        or (lower(email_change) = %s and email_change_token_new = any (%s))
      for update
    """
    hashes = [token_hash, PREFIX + token_hash]
    found = await fetch_one(tx, query, email, hashes, email, hashes)
    return await get_user(tx, found["id"]) if found else None


async def _accept(call: Call, tx: Transaction, user: Row, purpose: Purpose, code_type: str) -> bool:
    """Do what the code was for; False when a change of address needs the other letter too."""
    if code_type == "email_change":
        return await _accept_email_change(call, tx, user, purpose)
    if code_type in ("recovery", "magiclink"):
        await update(tx, "users", user["id"], {"recovery_token": ""})
        await clear_all_codes(tx, user["id"])
    if user["invited_at"] and not user["encrypted_password"]:
        # Nobody knows this one: the application has to ask for a password.
        hashed = await hash_password(call.settings, random_password())
        await update(tx, "users", user["id"], {"encrypted_password": hashed})
    if code_type in ("signup", "invite") or user["email_confirmed_at"] is None:
        await confirm_email(tx, user)
    return True


async def _accept_email_change(call: Call, tx: Transaction, user: Row, purpose: Purpose) -> bool:
    settings = call.settings
    needs_both = settings.secure_email_change and not settings.autoconfirm and user["email"]
    if needs_both and user["email_change_confirm_status"] == 0:
        await update(tx, "users", user["id"], {"email_change_confirm_status": 1, purpose.token: ""})
        await clear_code(tx, user["id"], purpose)
        return False
    await change_email(tx, user, user["email_change"])
    return True


async def change_email(tx: Transaction, user: Row, new_email: str) -> None:
    """The account has the new address from now on, and it counts as proven."""
    changes: dict[str, Any] = {
        "email": new_email,
        "email_change": "",
        EMAIL_CHANGE_CURRENT.token: "",
        EMAIL_CHANGE_NEW.token: "",
        "email_change_confirm_status": 0,
        "is_anonymous": False,
    }
    await update(tx, "users", user["id"], changes)
    await clear_all_codes(tx, user["id"])
    await set_identity_email(tx, user["id"], new_email, verified=True)
    provider = """
      update auth.users set raw_app_meta_data = coalesce(raw_app_meta_data, '{}')
        || '{"provider": "email", "providers": ["email"]}'
      where id = %s and raw_app_meta_data -> 'provider' is null
    """
    await execute(tx, provider, user["id"])
    if user["email_confirmed_at"] is None:
        await confirm_email(tx, await get_user(tx, user["id"]))


def _redirect(target: str, fields: dict[str, str], *, in_query: bool = False) -> Response:
    """Where the fields stand in the fragment, and for PKCE in the query too."""
    fragment = urlencode(sorted((fields | {"sb": ""}).items()))
    url = _with_query(target, fields) if in_query else target
    return RedirectResponse(f"{url.partition('#')[0]}#{fragment}", 303)


def _with_query(target: str, fields: dict[str, str]) -> str:
    parts = urlsplit(target)
    query = urlencode(sorted((dict(parse_qsl(parts.query)) | fields).items()))
    return urlunsplit(parts._replace(query=query))
