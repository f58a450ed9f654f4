"""Asking for a mail: recovery, magic links, repeats, and codes before a change of password.

Unknown addresses get the same answer as known ones.
"""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from stack.auth.calls import Call
from stack.auth.code_mails import (
    deliver,
    prepare_confirmation,
    prepare_email_change,
    prepare_reauthentication,
    prepare_recovery,
)
from stack.auth.errors import AuthError, validation_failed
from stack.auth.mailer import Mailing
from stack.auth.passwords import random_password
from stack.auth.pkce import check_challenge
from stack.auth.sign_up import register
from stack.auth.users import lock_user_by_email, valid_email


async def recover(call: Call) -> Response:
    """`POST /recover`: a link to choose a new password."""
    if not call.text("email"):
        raise validation_failed("Password recovery requires an email")
    email = valid_email(call.text("email"))
    check_challenge(call)
    async with call.server.database.transaction() as tx:
        user = await lock_user_by_email(tx, email)
        mailing = await prepare_recovery(call, tx, user, "recovery") if user else None
    if mailing:
        await deliver(call, mailing)
    return JSONResponse({})


async def otp(call: Call) -> Response:
    """`POST /otp`: as a magic link, but only for known addresses if the caller says so."""
    check_challenge(call)
    if call.text("phone"):
        raise AuthError(400, "phone_provider_disabled", "Unsupported phone provider")
    if not call.text("email"):
        raise validation_failed("One of email or phone must be set")
    if call.body.get("create_user") is False:
        email = valid_email(call.text("email"))
        async with call.server.database.transaction() as tx:
            if await lock_user_by_email(tx, email) is None:
                raise AuthError(422, "otp_disabled", "Signups not allowed for otp")
    return await magic_link(call)


async def magic_link(call: Call) -> Response:
    """`POST /magiclink`: a link and a code to log in with, making the account when needed."""
    if not call.settings.email_enabled:
        raise AuthError(422, "email_provider_disabled", "Email logins are disabled")
    email = valid_email(call.text("email"))
    check_challenge(call)
    async with call.server.database.transaction() as tx:
        user = await lock_user_by_email(tx, email)
    if user is None or user["email_confirmed_at"] is None:
        if not call.settings.signup_enabled:
            message = "Signups not allowed for this instance"
            raise AuthError(422, "signup_disabled", message)
        await register(call, email, random_password())
        if not call.settings.autoconfirm:
            return JSONResponse({})  # the mail that confirms the address also logs in
    async with call.server.database.transaction() as tx:
        user = await lock_user_by_email(tx, email)
        mailing = await prepare_recovery(call, tx, user, "magiclink") if user else None
    if mailing:
        await deliver(call, mailing)
    return JSONResponse({})


async def resend(call: Call) -> Response:
    """`POST /resend`: the mail of an unfinished sign-up or change of address once more."""
    mail_type = call.text("type")
    if mail_type in ("sms", "phone_change") or call.text("phone"):
        raise AuthError(400, "phone_provider_disabled", "Phone logins are disabled")
    if mail_type not in ("signup", "email_change"):
        message = "Missing one of these types: signup, email_change, sms, phone_change"
        raise validation_failed(message)
    if not call.text("email"):
        raise validation_failed("Type provided requires an email address")
    email = valid_email(call.text("email"))
    check_challenge(call)
    mailing: Mailing | None = None
    async with call.server.database.transaction() as tx:
        user = await lock_user_by_email(tx, email)
        if user and mail_type == "signup" and not user["email_confirmed_at"]:
            mailing = await prepare_confirmation(call, tx, user)
        elif user and mail_type == "email_change" and user["email_change"]:
            mailing = await prepare_email_change(call, tx, user, user["email_change"])
    if mailing:
        await deliver(call, mailing)
    return JSONResponse({})


async def reauthenticate(call: Call) -> Response:
    """`GET /reauthenticate`: a code that `PUT /user` takes as `nonce`."""
    async with call.server.database.transaction() as tx:
        user = (await call.person(tx)).user
        if not user["email"]:
            message = "Reauthentication requires the user to have an email or a phone number"
            raise validation_failed(message)
        if not user["email_confirmed_at"]:
            raise AuthError(422, "email_not_confirmed", "Please verify your email first.")
        mailing = await prepare_reauthentication(call, tx, user)
    await deliver(call, mailing)
    return JSONResponse({})
