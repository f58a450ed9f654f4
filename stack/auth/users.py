"""People and how they sign in: rows of `auth.users` and `auth.identities`, and their JSON."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from starlette.responses import JSONResponse

from stack.auth.database import Row, Transaction, execute, fetch_one, insert, update
from stack.auth.errors import validation_failed

AUDIENCE = "authenticated"
# Supabase Auth was once made for many instances; its own queries still ask for this one.
INSTANCE = UUID(int=0)

_SELECT = """
select users.*,
  array(
    select to_jsonb(identities) from auth.identities
    where identities.user_id = users.id order by identities.created_at
  ) as identities,
  array(
    select to_jsonb(mfa_factors) - 'secret' from auth.mfa_factors
    where mfa_factors.user_id = users.id order by mfa_factors.created_at
  ) as factors
from auth.users
"""
_OPTIONAL_TIMES = (
    "email_confirmed_at",
    "invited_at",
    "phone_confirmed_at",
    "confirmation_sent_at",
    "confirmed_at",
    "recovery_sent_at",
    "email_change_sent_at",
    "reauthentication_sent_at",
    "last_sign_in_at",
    "banned_until",
    "deleted_at",
)
_EMAIL = re.compile(
    r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
    r"(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
)


def valid_email(email: str) -> str:
    """The address in lower case. Raises AuthError when it cannot be one."""
    if not email:
        raise validation_failed("An email address is required")
    if len(email) > 255:
        raise validation_failed("An email address is too long")
    if not _EMAIL.fullmatch(email.lower()):
        raise validation_failed("Unable to validate email address: invalid format")
    return email.lower()


async def find_user(tx: Transaction, user_id: UUID) -> Row | None:
    return await fetch_one(tx, _SELECT + "where users.id = %s", user_id)


async def get_user(tx: Transaction, user_id: UUID) -> Row:
    """The user as the database has them now, triggers and generated columns included."""
    user = await find_user(tx, user_id)
    if user is None:
        raise LookupError("the user was deleted meanwhile")
    return user


async def lock_user_by_email(tx: Transaction, email: str) -> Row | None:
    """The account with this address, safe from other requests until the transaction ends."""
    by_email = "where lower(users.email) = %s and users.aud = %s and not users.is_sso_user"
    return await fetch_one(tx, f"{_SELECT} {by_email} for update", email.lower(), AUDIENCE)


async def email_is_taken(tx: Transaction, email: str, by_other_than: UUID | None = None) -> bool:
    query = "select from auth.users where lower(email) = %s and id is distinct from %s"
    return await fetch_one(tx, query, email.lower(), by_other_than) is not None


async def create_user(
    tx: Transaction,
    email: str | None,
    password_hash: str | None,
    user_metadata: dict[str, Any],
    *,
    identity_data: dict[str, Any] | None = None,
    **columns: Any,
) -> Row:
    """A new account with its e-mail identity; without an address, an anonymous one."""
    user_id = columns.pop("id", None) or uuid4()
    now = datetime.now(UTC)
    app_metadata = {"provider": "email", "providers": ["email"]} if email else {}
    values = {
        "instance_id": INSTANCE,
        "id": user_id,
        "aud": AUDIENCE,
        "role": AUDIENCE,
        "email": email,
        "encrypted_password": password_hash,
        "raw_app_meta_data": app_metadata,
        "raw_user_meta_data": user_metadata,
        "is_anonymous": email is None,
        "created_at": now,
        "updated_at": now,
        # Supabase Auth reads these into plain strings and fails on null.
        "confirmation_token": "",
        "recovery_token": "",
        "email_change_token_new": "",
        "email_change": "",
    }
    await insert(tx, "users", values | columns)
    if email:
        await create_identity(tx, user_id, email, extra=identity_data)
    return await get_user(tx, user_id)


async def create_identity(
    tx: Transaction,
    user_id: UUID,
    email: str,
    *,
    verified: bool = False,
    extra: dict[str, Any] | None = None,
) -> None:
    """The user can sign in with this address from now on."""
    now = datetime.now(UTC)
    facts = {
        "sub": str(user_id),
        "email": email,
        "email_verified": verified,
        "phone_verified": False,
    }
    values = {
        "id": uuid4(),
        "provider_id": str(user_id),
        "user_id": user_id,
        "provider": "email",
        "identity_data": (extra or {}) | facts,
        "last_sign_in_at": now,
        "created_at": now,
        "updated_at": now,
    }
    await insert(tx, "identities", values)


async def set_identity_email(tx: Transaction, user_id: UUID, email: str, *, verified: bool) -> None:
    """The e-mail identity says this address; it is made when there is none."""
    merge = """
      update auth.identities
      set updated_at = now(), identity_data = identity_data
        || jsonb_build_object('email', %s::text, 'email_verified', %s::boolean)
      where user_id = %s and provider = 'email'
    """
    if not await execute(tx, merge, email, verified, user_id):
        await create_identity(tx, user_id, email, verified=verified)


async def confirm_email(tx: Transaction, user: Row) -> None:
    """The address is proven: no code stays valid, and identity and metadata say so."""
    metadata = (user["raw_user_meta_data"] or {}) | {"email_verified": True}
    await update(
        tx,
        "users",
        user["id"],
        {
            "email_confirmed_at": datetime.now(UTC),
            "confirmation_token": "",
            "raw_user_meta_data": metadata,
        },
    )
    await execute(tx, "delete from auth.one_time_tokens where user_id = %s", user["id"])
    if user["email"]:
        await set_identity_email(tx, user["id"], user["email"], verified=True)


def merged(current: dict[str, Any] | None, updates: dict[str, Any]) -> dict[str, Any]:
    """Metadata with changes applied; null removes a key."""
    together = (current or {}) | updates
    return {name: value for name, value in together.items() if value is not None}


def is_banned(user: Row) -> bool:
    return user["banned_until"] is not None and user["banned_until"] > datetime.now(UTC)


def has_verified_factor(user: Row) -> bool:
    return any(factor["status"] == "verified" for factor in user["factors"])


def timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def user_json(user: Row) -> dict[str, Any]:
    """The user as clients get them: no hashes, and no times that never were."""
    shown: dict[str, Any] = {
        "id": str(user["id"]),
        "aud": user["aud"],
        "role": user["role"] or "",
        "email": user["email"] or "",
        "phone": user["phone"] or "",
        "app_metadata": user["raw_app_meta_data"] or {},
        "user_metadata": user["raw_user_meta_data"] or {},
        "identities": [_identity_json(identity) for identity in user["identities"]],
        "is_anonymous": user["is_anonymous"],
    }
    # Null only where somebody wrote the row by hand.
    shown |= {name: timestamp(user[name]) for name in ("created_at", "updated_at") if user[name]}
    shown |= {name: timestamp(user[name]) for name in _OPTIONAL_TIMES if user[name]}
    if user["email_change"]:
        shown["new_email"] = user["email_change"]
    if user["factors"]:
        shown["factors"] = [factor_json(factor) for factor in user["factors"]]
    return shown


def _identity_json(identity: Row) -> Row:
    # The clients' names: `id` is the provider's id, `identity_id` the row's.
    renamed = {"identity_id": identity["id"], "id": identity["provider_id"]}
    kept = ("user_id", "identity_data", "provider", "last_sign_in_at", "created_at", "updated_at")
    return renamed | {name: identity[name] for name in kept} | {"email": identity["email"] or ""}


def factor_json(factor: Row) -> Row:
    kept = ("id", "created_at", "updated_at", "status", "factor_type", "last_challenged_at")
    shown = {name: factor[name] for name in kept} | {"phone": factor["phone"] or ""}
    if factor["friendly_name"]:
        shown["friendly_name"] = factor["friendly_name"]
    return shown


def user_response(user: Row) -> JSONResponse:
    return JSONResponse(user_json(user))
