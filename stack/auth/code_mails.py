"""Preparing the mails that carry codes: each function stores a code and returns what to send.

Handlers prepare inside their transaction and call `deliver` after it.
"""

from __future__ import annotations

from stack.auth.calls import Call
from stack.auth.database import Row, Transaction, update
from stack.auth.errors import AuthError
from stack.auth.mailer import Letter, Mailing
from stack.auth.one_time_codes import (
    CONFIRMATION,
    EMAIL_CHANGE_CURRENT,
    EMAIL_CHANGE_NEW,
    REAUTHENTICATION,
    RECOVERY,
    Purpose,
    check_frequency,
    hash_code,
    new_code,
    store_code,
)
from stack.auth.pkce import hash_prefix, remember_challenge
from stack.auth.users import get_user, user_json


async def prepare_confirmation(call: Call, tx: Transaction, user: Row) -> Mailing:
    """For a new account; with PKCE, its link ends in an exchange."""
    check_frequency(call.settings, user, CONFIRMATION)
    await remember_challenge(call, tx, user["id"], "email/signup")
    return await _prepare(call, tx, user, "signup", CONFIRMATION)


async def prepare_invitation(call: Call, tx: Transaction, user: Row) -> Mailing:
    return await _prepare(call, tx, user, "invite", CONFIRMATION)


async def prepare_recovery(call: Call, tx: Transaction, user: Row, action: str) -> Mailing:
    """`action` is `recovery` or `magiclink`: both log in, and share one code."""
    check_frequency(call.settings, user, RECOVERY)
    await remember_challenge(call, tx, user["id"], action)
    return await _prepare(call, tx, user, action, RECOVERY)


async def prepare_reauthentication(call: Call, tx: Transaction, user: Row) -> Mailing:
    check_frequency(call.settings, user, REAUTHENTICATION)
    return await _prepare(call, tx, user, "reauthentication", REAUTHENTICATION)


async def prepare_email_change(call: Call, tx: Transaction, user: Row, new_email: str) -> Mailing:
    """A letter to the new address and, unless one is enough, another to the current one."""
    check_frequency(call.settings, user, EMAIL_CHANGE_NEW)
    await remember_challenge(call, tx, user["id"], "email_change")
    change = {"email_change": new_email, "email_change_confirm_status": 0}
    await update(tx, "users", user["id"], change)
    addresses = [(EMAIL_CHANGE_NEW, new_email)]
    if call.settings.secure_email_change and user["email"]:
        addresses.append((EMAIL_CHANGE_CURRENT, user["email"]))
    return await _prepare_letters(call, tx, user, "email_change", addresses)


async def _prepare(
    call: Call, tx: Transaction, user: Row, action: str, purpose: Purpose
) -> Mailing:
    return await _prepare_letters(call, tx, user, action, [(purpose, user["email"])])


async def _prepare_letters(
    call: Call, tx: Transaction, user: Row, action: str, addresses: list[tuple[Purpose, str]]
) -> Mailing:
    call.server.mailer.check_budget()
    letters = []
    for purpose, address in addresses:
        code = new_code(call.settings)
        token_hash = hash_prefix(call) + hash_code(address, code)
        await store_code(tx, user["id"], purpose, address, token_hash)
        letters.append(Letter(address, code, token_hash))
    return Mailing(
        action=action,
        user=user_json(await get_user(tx, user["id"])),
        purpose=addresses[0][0],
        redirect_to=call.redirect_to,
        client_address=call.client_address,
        letters=tuple(letters),
    )


async def deliver(call: Call, mailing: Mailing) -> None:
    """Send, and when that fails let the user ask again at once. Raises AuthError then."""
    try:
        await call.server.mailer.send(mailing)
    except AuthError:
        async with call.server.database.transaction() as tx:
            await update(tx, "users", mailing.user["id"], {mailing.purpose.sent_at: None})
        raise
