"""`/invite` and `/admin/generate_link`: ways into an account that the secret key's holder opens."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from starlette.responses import JSONResponse, Response

from stack.auth.account import EMAIL_TAKEN
from stack.auth.calls import Call
from stack.auth.code_mails import deliver, prepare_invitation
from stack.auth.database import Row, Transaction, update
from stack.auth.errors import AuthError, validation_failed
from stack.auth.one_time_codes import (
    CONFIRMATION,
    EMAIL_CHANGE_CURRENT,
    EMAIL_CHANGE_NEW,
    RECOVERY,
    Purpose,
    hash_code,
    new_code,
    store_code,
)
from stack.auth.passwords import check_strength, hash_password, random_password
from stack.auth.redirects import allowed_redirect
from stack.auth.users import (
    create_user,
    email_is_taken,
    get_user,
    lock_user_by_email,
    merged,
    user_json,
    user_response,
    valid_email,
)

_PURPOSES = {
    "signup": CONFIRMATION,
    "invite": CONFIRMATION,
    "magiclink": RECOVERY,
    "recovery": RECOVERY,
    "email_change_current": EMAIL_CHANGE_CURRENT,
    "email_change_new": EMAIL_CHANGE_NEW,
}


async def invite(call: Call) -> Response:
    """`POST /invite`: makes the account and mails a link to it."""
    call.require_admin()
    email = valid_email(call.text("email"))
    async with call.server.database.transaction() as tx:
        user = await _invited_user(call, tx, email)
        mailing = await prepare_invitation(call, tx, user)
        user = await get_user(tx, user["id"])
    await deliver(call, mailing)
    return user_response(user)


async def _invited_user(call: Call, tx: Transaction, email: str) -> Row:
    user = await lock_user_by_email(tx, email)
    if user is not None and user["email_confirmed_at"]:
        raise AuthError(422, "email_exists", EMAIL_TAKEN)
    if user is None:
        user = await create_user(tx, email, None, call.mapping("data"))
    await update(tx, "users", user["id"], {"invited_at": datetime.now(UTC)})
    return user


async def generate_link(call: Call) -> Response:
    """`POST /admin/generate_link`: what a mail would have carried, for the caller to deliver."""
    call.require_admin()
    link_type, email = call.text("type"), valid_email(call.text("email"))
    if link_type not in _PURPOSES:
        raise validation_failed("Invalid email action link type requested")
    redirect_to = allowed_redirect(call.settings, call.text("redirect_to"), call.redirect_to)
    async with call.server.database.transaction() as tx:
        known = await lock_user_by_email(tx, email)
        if known is None and link_type == "magiclink":
            link_type = "signup"
        user = await _user_for_link(call, tx, link_type, email, known)
        purpose, address = _PURPOSES[link_type], email
        if link_type.startswith("email_change"):
            address = await _begin_email_change(call, tx, user, purpose)
        code = new_code(call.settings)
        token_hash = hash_code(address, code)
        await store_code(tx, user["id"], purpose, address, token_hash)
        user = await get_user(tx, user["id"])
    action = "email_change" if link_type.startswith("email_change") else link_type
    links: dict[str, Any] = {
        "action_link": call.server.mailer.action_link(action, token_hash, redirect_to),
        "email_otp": code,
        "hashed_token": token_hash,
        "verification_type": link_type,
        "redirect_to": redirect_to,
    }
    return JSONResponse(user_json(user) | links)


async def _user_for_link(
    call: Call, tx: Transaction, link_type: str, email: str, known: Row | None
) -> Row:
    """The account that the link is for, made when the type allows it. Raises AuthError."""
    match link_type:
        case "invite":
            return await _invited_user(call, tx, email)
        case "signup":
            return await _user_to_sign_up(call, tx, email, known)
        case _ if known is None:
            raise AuthError(404, "user_not_found", "User with this email not found")
        case _:
            return known


async def _user_to_sign_up(call: Call, tx: Transaction, email: str, known: Row | None) -> Row:
    if known is None:
        password = call.text("password")
        if not password:
            if call.text("type") == "signup":
                raise validation_failed("Signup requires a valid password")
            password = random_password()
        check_strength(call.settings, password)
        data = call.mapping("data")
        return await create_user(tx, email, await hash_password(call.settings, password), data)
    if known["email_confirmed_at"]:
        raise AuthError(422, "email_exists", EMAIL_TAKEN)
    metadata = merged(known["raw_user_meta_data"], call.mapping("data"))
    await update(tx, "users", known["id"], {"raw_user_meta_data": metadata})
    return known


async def _begin_email_change(call: Call, tx: Transaction, user: Row, purpose: Purpose) -> str:
    """Note the address that the user is changing to; returns the one this code is mailed to."""
    if purpose is EMAIL_CHANGE_CURRENT and not call.settings.secure_email_change:
        message = "Enable secure email change to generate link for current email"
        raise validation_failed(message)
    new_email = valid_email(call.text("new_email"))
    if await email_is_taken(tx, new_email, by_other_than=user["id"]):
        raise AuthError(422, "email_exists", EMAIL_TAKEN)
    changes = {"email_change": new_email, "email_change_confirm_status": 0}
    await update(tx, "users", user["id"], changes)
    return new_email if purpose is EMAIL_CHANGE_NEW else str(user["email"])
