"""`POST /signup`: new accounts, by e-mail or anonymous.

While addresses have to be confirmed nobody learns here which ones are known: a sign-up with one
that is gets a made-up user in answer.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from psycopg.errors import UniqueViolation
from starlette.responses import JSONResponse, Response

from stack.auth.calls import Call
from stack.auth.code_mails import deliver, prepare_confirmation
from stack.auth.database import Row, Transaction
from stack.auth.errors import AuthError, validation_failed
from stack.auth.mailer import Mailing
from stack.auth.passwords import check_strength, hash_password
from stack.auth.pkce import check_challenge
from stack.auth.sessions import open_session
from stack.auth.users import (
    AUDIENCE,
    confirm_email,
    create_user,
    get_user,
    lock_user_by_email,
    timestamp,
    user_json,
    valid_email,
)


async def sign_up(call: Call) -> Response:
    if not call.settings.signup_enabled:
        message = "Signups not allowed for this instance"
        raise AuthError(422, "signup_disabled", message)
    email, phone, password = call.text("email"), call.text("phone"), call.text("password")
    if not email and not phone:
        return await _sign_up_anonymously(call)
    if not password:
        raise validation_failed("Signup requires a valid password")
    check_strength(call.settings, password)
    if email and phone:
        message = "Only an email address or phone number should be provided on signup."
        raise validation_failed(message)
    check_challenge(call)
    if phone:
        raise AuthError(400, "phone_provider_disabled", "Phone signups are disabled")
    return JSONResponse(await register(call, email, password))


async def register(call: Call, email: str, password: str) -> dict[str, Any]:
    """A session when sign-ups confirm themselves, else the user, who has mail. Raises AuthError."""
    if not call.settings.email_enabled:
        raise AuthError(400, "email_provider_disabled", "Email signups are disabled")
    email, password_hash = valid_email(email), await hash_password(call.settings, password)
    try:
        answer, mailing = await _register(call, email, password_hash)
    except UniqueViolation:  # somebody else registered the address a moment ago
        answer, mailing = await _register(call, email, password_hash)
    if mailing:
        await deliver(call, mailing)
    return answer


async def _register(
    call: Call, email: str, password_hash: str
) -> tuple[dict[str, Any], Mailing | None]:
    async with call.server.database.transaction() as tx:
        user = await lock_user_by_email(tx, email)
        if user is not None and user["email_confirmed_at"]:
            if call.settings.autoconfirm:
                raise AuthError(422, "user_already_exists", "User already registered")
            return _made_up_user(call, email), None
        if user is None:
            data = call.mapping("data")
            user = await create_user(tx, email, password_hash, data, identity_data=data)
        if call.settings.autoconfirm:
            await confirm_email(tx, user)
            return await open_session(call, tx, user["id"], "password"), None
        mailing = await prepare_confirmation(call, tx, user)
        return await _unconfirmed(tx, user), mailing


async def _unconfirmed(tx: Transaction, user: Row) -> dict[str, Any]:
    shown = user_json(await get_user(tx, user["id"]))
    if user["invited_at"]:  # what the invitation said is not for whoever guesses the address
        shown |= {"user_metadata": {}, "identities": []}
    return shown


def _made_up_user(call: Call, email: str) -> dict[str, Any]:
    now = timestamp(datetime.now(UTC))
    return {
        "id": str(uuid4()),
        "aud": AUDIENCE,
        "role": "",
        "email": email,
        "phone": "",
        "confirmation_sent_at": now,
        "app_metadata": {"provider": "email", "providers": ["email"]},
        "user_metadata": call.mapping("data"),
        "identities": [],
        "created_at": now,
        "updated_at": now,
        "is_anonymous": False,
    }


async def _sign_up_anonymously(call: Call) -> Response:
    if not call.settings.anonymous_enabled:
        message = "Anonymous sign-ins are disabled"
        raise AuthError(422, "anonymous_provider_disabled", message)
    async with call.server.database.transaction() as tx:
        user = await create_user(tx, None, None, call.mapping("data"))
        session = await open_session(call, tx, user["id"], "anonymous")
    return JSONResponse(session)
