"""`/user`: what signed-in people see and change of their own account."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.responses import Response

from stack.auth.calls import Call, Person
from stack.auth.code_mails import deliver, prepare_email_change
from stack.auth.database import Transaction, update
from stack.auth.errors import AuthError, validation_failed
from stack.auth.mailer import Mailing
from stack.auth.one_time_codes import REAUTHENTICATION, clear_all_codes, hash_code, is_valid
from stack.auth.passwords import check_strength, hash_password, matches
from stack.auth.pkce import check_challenge
from stack.auth.sessions import end_sessions
from stack.auth.users import (
    email_is_taken,
    get_user,
    has_verified_factor,
    merged,
    user_response,
    valid_email,
)
from stack.auth.verification import change_email

RECENT = timedelta(hours=24)
EMAIL_TAKEN = "A user with this email address has already been registered"

# A new password means that actions begun under the old one are no longer trusted.
FORGOTTEN_WITH_THE_PASSWORD: dict[str, Any] = {
    "confirmation_token": "",
    "confirmation_sent_at": None,
    "recovery_token": "",
    "recovery_sent_at": None,
    "email_change_token_current": "",
    "email_change_token_new": "",
    "email_change_sent_at": None,
    "reauthentication_token": "",
    "reauthentication_sent_at": None,
}


async def show_user(call: Call) -> Response:
    async with call.server.database.transaction() as tx:
        person = await call.person(tx)
    return user_response(person.user)


async def change_user(call: Call) -> Response:
    """`PUT /user`: password, address, metadata; the address changes once it is confirmed."""
    email = valid_email(call.text("email")) if call.text("email") else ""
    password = call.text("password") if call.body.get("password") is not None else None
    check_challenge(call)
    if call.text("phone"):
        raise AuthError(400, "phone_provider_disabled", "Phone logins are disabled")
    if password is not None:
        check_strength(call.settings, password)
    if call.body.get("app_metadata") is not None:
        message = "Updating app_metadata requires admin privileges"
        raise AuthError(403, "not_admin", message)
    async with call.server.database.transaction() as tx:
        person = await call.person(tx)
    if email == person.user["email"]:
        email = ""
    _check_may_change(person, email, password)
    new_hash = await _new_password_hash(call, person, password) if password else None
    async with call.server.database.transaction() as tx:
        if email and await email_is_taken(tx, email, by_other_than=person.user["id"]):
            raise AuthError(422, "email_exists", EMAIL_TAKEN)
        if new_hash:
            await _check_reauthenticated(call, tx, person)
            await set_password(tx, person, new_hash)
        if call.body.get("data") is not None:
            current = (await get_user(tx, person.user["id"]))["raw_user_meta_data"]
            metadata = merged(current, call.mapping("data"))
            await update(tx, "users", person.user["id"], {"raw_user_meta_data": metadata})
        mailing = await _change_email(call, tx, person, email) if email else None
        user = await get_user(tx, person.user["id"])
    if mailing:
        await deliver(call, mailing)
    return user_response(user)


def _check_may_change(person: Person, email: str, password: str | None) -> None:
    if has_verified_factor(person.user) and not person.is_aal2 and (password or email):
        message = "AAL2 session is required to update email or password when MFA is enabled."
        raise AuthError(401, "insufficient_aal", message)
    if person.user["is_anonymous"] and password and not email:
        message = "Updating password of an anonymous user without an email or phone is not allowed"
        raise validation_failed(message, 422)


async def _new_password_hash(call: Call, person: Person, password: str) -> str:
    if await matches(password, person.user["encrypted_password"]):
        message = "New password should be different from the old password."
        raise AuthError(422, "same_password", message)
    return await hash_password(call.settings, password)


async def _check_reauthenticated(call: Call, tx: Transaction, person: Person) -> None:
    if not call.settings.secure_password_change:
        return
    if person.session and datetime.now(UTC) <= person.session["created_at"] + RECENT:
        return
    nonce = call.text("nonce")
    if not nonce:
        message = "Password update requires reauthentication"
        raise AuthError(400, "reauthentication_needed", message)
    token_hash = hash_code(person.user["email"] or "", nonce)
    if not is_valid(call.settings, person.user, REAUTHENTICATION, token_hash):
        raise AuthError(422, "reauthentication_not_valid", "Nonce has expired or is invalid")
    await clear_all_codes(tx, person.user["id"])


async def set_password(tx: Transaction, person: Person, password_hash: str) -> None:
    """The new password counts, codes under way do not, and other sessions have ended."""
    changes = FORGOTTEN_WITH_THE_PASSWORD | {"encrypted_password": password_hash}
    await update(tx, "users", person.user["id"], changes)
    await clear_all_codes(tx, person.user["id"])
    spared = person.session["id"] if person.session else None
    await end_sessions(tx, person.user["id"], sparing=spared)


async def _change_email(call: Call, tx: Transaction, person: Person, email: str) -> Mailing | None:
    if person.user["is_anonymous"] and call.settings.autoconfirm:
        await change_email(tx, person.user, email)
        return None
    user = await get_user(tx, person.user["id"])
    return await prepare_email_change(call, tx, user, email)
