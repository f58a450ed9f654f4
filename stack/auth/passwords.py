"""Passwords: strength rules and bcrypt hashes, computed in threads so that others are served."""

from __future__ import annotations

import asyncio
import re
import secrets
import string

import bcrypt

from stack.auth.errors import WeakPassword, validation_failed
from stack.auth.settings import AuthSettings

# bcrypt reads no further, so a longer password would be weaker than it looks.
MAX_LENGTH = 72

_SYMBOLS = "!@#$%^&*()_+-=[]{};'\\:\"|<>?,./`~"
_REQUIRED_CHARACTERS = {
    "letters_digits": [string.ascii_letters, string.digits],
    "lower_upper_letters_digits": [
        string.ascii_lowercase,
        string.ascii_uppercase,
        string.digits,
    ],
    "lower_upper_letters_digits_symbols": [
        string.ascii_lowercase,
        string.ascii_uppercase,
        string.digits,
        _SYMBOLS,
    ],
}
_BCRYPT_HASH = re.compile(r"\$2[abxy]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}")


def check_strength(settings: AuthSettings, password: str) -> None:
    """Raises WeakPassword when the password breaks a rule, AuthError when it is too long."""
    if len(password.encode()) > MAX_LENGTH:
        raise validation_failed(f"Password cannot be longer than {MAX_LENGTH} characters")
    messages, reasons = [], []
    if len(password) < settings.minimum_password_length:
        reasons.append("length")
        minimum = settings.minimum_password_length
        messages.append(f"Password should be at least {minimum} characters.")
    required = _REQUIRED_CHARACTERS.get(settings.password_requirements, [])
    if not all(set(password) & set(characters) for characters in required):
        reasons.append("characters")
        listed = ", ".join(required)
        messages.append(f"Password should contain at least one character of each: {listed}.")
    if reasons:
        raise WeakPassword(" ".join(messages), reasons)


def check_hash(password_hash: str) -> None:
    """Raises AuthError unless this is a bcrypt hash."""
    if not _BCRYPT_HASH.fullmatch(password_hash):
        raise validation_failed("password_hash must be a bcrypt hash")


async def hash_password(settings: AuthSettings, password: str) -> str:
    salt = bcrypt.gensalt(settings.bcrypt_cost, prefix=b"2a")
    return (await asyncio.to_thread(bcrypt.hashpw, password.encode(), salt)).decode()


async def matches(password: str, password_hash: str | None) -> bool:
    """Whether the password is the one behind the hash; without a hash, none is."""
    encoded = password.encode()
    if not password_hash or len(encoded) > MAX_LENGTH:
        return False
    return await asyncio.to_thread(bcrypt.checkpw, encoded, password_hash.encode())


def random_password() -> str:
    """A password that nobody knows, for accounts that have to choose one later."""
    return secrets.token_urlsafe(48)
