"""Codes sent by mail: made, hashed, stored, found again, and expired.

A code is never stored. Its hash is SHA-224 over address and code, prefixed `pkce_` when the link
must end in an exchange of verifiers, and stands both with the user and in `auth.one_time_tokens`.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from stack.auth.database import Row, Transaction, execute, fetch_one, insert, update
from stack.auth.errors import AuthError
from stack.auth.settings import AuthSettings
from stack.auth.users import get_user


@dataclass(frozen=True)
class Purpose:
    """What a code is for: the user's columns for hash and time; the first is also its type."""

    token: str
    sent_at: str


CONFIRMATION = Purpose("confirmation_token", "confirmation_sent_at")
RECOVERY = Purpose("recovery_token", "recovery_sent_at")
EMAIL_CHANGE_NEW = Purpose("email_change_token_new", "email_change_sent_at")
EMAIL_CHANGE_CURRENT = Purpose("email_change_token_current", "email_change_sent_at")
REAUTHENTICATION = Purpose("reauthentication_token", "reauthentication_sent_at")

# Which codes a verification of this type accepts.
PURPOSES_BY_TYPE = {
    "signup": (CONFIRMATION,),
    "invite": (CONFIRMATION,),
    "recovery": (RECOVERY,),
    "magiclink": (RECOVERY,),
    "email": (CONFIRMATION, RECOVERY),
    "email_change": (EMAIL_CHANGE_CURRENT, EMAIL_CHANGE_NEW),
}


def new_code(settings: AuthSettings) -> str:
    return f"{secrets.randbelow(10**settings.otp_length):0{settings.otp_length}}"


def hash_code(address: str, code: str) -> str:
    return hashlib.sha224((address + code).encode()).hexdigest()


def check_frequency(settings: AuthSettings, user: Row, purpose: Purpose) -> None:
    """Raises AuthError when a mail for this purpose went to this user too short a time ago."""
    sent_at = user[purpose.sent_at]
    wait = sent_at + settings.mail_frequency - datetime.now(UTC) if sent_at else timedelta()
    if wait > timedelta():
        message = (
            "For security purposes, you can only request this after "
            f"{int(wait.total_seconds())} seconds."
        )
        raise AuthError(429, "over_email_send_rate_limit", message)


async def store_code(
    tx: Transaction, user_id: UUID, purpose: Purpose, address: str, token_hash: str
) -> None:
    """The hash counts from now; an earlier one of the same purpose no longer does."""
    values = {purpose.token: token_hash, purpose.sent_at: datetime.now(UTC)}
    await update(tx, "users", user_id, values)
    await clear_code(tx, user_id, purpose)
    values = {
        "id": uuid4(),
        "user_id": user_id,
        "token_type": purpose.token,
        "token_hash": token_hash,
        "relates_to": address,
    }
    await insert(tx, "one_time_tokens", values)


async def clear_code(tx: Transaction, user_id: UUID, purpose: Purpose) -> None:
    statement = "delete from auth.one_time_tokens where user_id = %s and token_type = %s"
    await execute(tx, statement, user_id, purpose.token)


async def clear_all_codes(tx: Transaction, user_id: UUID) -> None:
    await execute(tx, "delete from auth.one_time_tokens where user_id = %s", user_id)


async def find_user_by_hash(
    tx: Transaction, token_hash: str, purposes: tuple[Purpose, ...]
) -> tuple[Row, Purpose] | None:
    """The user, locked, whose code has this hash, and what the code was for."""
    query = """
      select token_type, users.id
      from auth.one_time_tokens
      join auth.users on users.id = one_time_tokens.user_id
      where token_hash = %s and token_type::text = any (%s)
      for update of users
    """
    types = [purpose.token for purpose in purposes]
    found = await fetch_one(tx, query, token_hash, types)
    if found is None:
        return None
    purpose = next(purpose for purpose in purposes if purpose.token == found["token_type"])
    user = await get_user(tx, found["id"])
    # Whoever held the lock before may have used the code up.
    return (user, purpose) if user[purpose.token] == token_hash else None


def is_valid(settings: AuthSettings, user: Row, purpose: Purpose, token_hash: str) -> bool:
    """Whether this hash is the user's current one for the purpose and has not expired."""
    return user[purpose.token] in (token_hash, "pkce_" + token_hash) and not is_expired(
        settings, user, purpose
    )


def is_expired(settings: AuthSettings, user: Row, purpose: Purpose) -> bool:
    sent_at: datetime | None = user[purpose.sent_at]
    return sent_at is None or datetime.now(UTC) > sent_at + timedelta(seconds=settings.otp_expiry)
