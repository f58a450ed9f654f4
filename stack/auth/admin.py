"""`/admin/users`: accounts as the holder of the secret key manages them."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from starlette.responses import JSONResponse, Response

from stack.auth.account import EMAIL_TAKEN, FORGOTTEN_WITH_THE_PASSWORD
from stack.auth.calls import Call
from stack.auth.database import Row, Transaction, execute, fetch_all, fetch_one, update
from stack.auth.errors import AuthError, validation_failed
from stack.auth.factors import owned_factor, remove_factor
from stack.auth.one_time_codes import clear_all_codes
from stack.auth.passwords import check_hash, check_strength, hash_password, random_password
from stack.auth.sessions import end_sessions
from stack.auth.settings import parse_duration
from stack.auth.users import (
    AUDIENCE,
    confirm_email,
    create_user,
    email_is_taken,
    factor_json,
    find_user,
    get_user,
    merged,
    set_identity_email,
    user_json,
    user_response,
    valid_email,
)


async def list_users(call: Call) -> Response:
    """`GET /admin/users?page=&per_page=&filter=`: newest first, 50 a page unless told otherwise."""
    call.require_admin()
    page, per_page = _positive(call, "page", 1), _positive(call, "per_page", 50)
    pattern = f"%{call.request.query_params.get('filter', '')}%"
    query = """
      select id, count(*) over () as total from auth.users
      where coalesce(email, '') ilike %s
      order by created_at desc nulls last, id limit %s offset %s
    """
    async with call.server.database.transaction() as tx:
        found = await fetch_all(tx, query, pattern, per_page, (page - 1) * per_page)
        users = [user_json(await get_user(tx, row["id"])) for row in found]
        counted = await fetch_one(
            tx, "select count(*) from auth.users where coalesce(email, '') ilike %s", pattern
        )
    total = int((counted or {"count": 0})["count"])
    last_page = max(-(-total // per_page), 1)
    links = [f'</admin/users?page={last_page}&per_page={per_page}>; rel="last"']
    if page < last_page:
        links.insert(0, f'</admin/users?page={page + 1}&per_page={per_page}>; rel="next"')
    headers = {"x-total-count": str(total), "link": ", ".join(links)}
    return JSONResponse({"users": users, "aud": AUDIENCE}, headers=headers)


def _positive(call: Call, name: str, default: int) -> int:
    value = call.request.query_params.get(name) or str(default)
    if not value.isdigit() or not 0 < int(value) < 2**31:
        raise validation_failed(f"Bad Pagination Parameters: {name} must be a positive number")
    return int(value)


async def create(call: Call) -> Response:
    """`POST /admin/users`: sends no mail; `email_confirm` is taken at its word."""
    call.require_admin()
    if call.text("phone"):
        raise AuthError(400, "phone_provider_disabled", "Phone signups are disabled")
    if not call.text("email"):
        raise validation_failed("Cannot create a user without either an email or phone")
    email = valid_email(call.text("email"))
    password_hash = await _password_hash(call)
    if not password_hash:
        password_hash = await hash_password(call.settings, random_password())
    columns: dict[str, Any] = {"role": call.text("role") or AUDIENCE} | _ban(call)
    if call.text("id"):
        columns["id"] = _chosen_id(call.text("id"))
    providers = {"provider": "email", "providers": ["email"]}
    columns["raw_app_meta_data"] = providers | call.mapping("app_metadata")
    try:
        async with call.server.database.transaction() as tx:
            if await email_is_taken(tx, email):
                raise AuthError(422, "email_exists", EMAIL_TAKEN)
            metadata = call.mapping("user_metadata")
            user = await create_user(tx, email, password_hash, metadata, **columns)
            if call.body.get("email_confirm"):
                await confirm_email(tx, user)
            user = await get_user(tx, user["id"])
    except UniqueViolation as error:
        if error.diag.constraint_name == "users_email_partial_key":
            raise AuthError(422, "email_exists", EMAIL_TAKEN) from None
        raise AuthError(422, "user_already_exists", "User already exists") from None
    return user_response(user)


async def _password_hash(call: Call) -> str | None:
    """The hash to store, from a password or a given hash; None when neither is given."""
    password, given_hash = call.text("password"), call.text("password_hash")
    if password and given_hash:
        raise validation_failed("Only a password or a password hash should be provided")
    if given_hash:
        check_hash(given_hash)
        return given_hash
    if not password:
        return None
    check_strength(call.settings, password)
    return await hash_password(call.settings, password)


def _chosen_id(text: str) -> UUID:
    try:
        chosen = UUID(text)
    except ValueError:
        raise validation_failed("ID must conform to the uuid v4 format") from None
    if chosen.int == 0:
        raise validation_failed("ID cannot be a nil uuid")
    return chosen


def _ban(call: Call) -> dict[str, Any]:
    """`ban_duration` as a column: how long from now, or `none`."""
    duration = call.text("ban_duration")
    if not duration:
        return {}
    length = parse_duration("0s" if duration == "none" else duration)
    return {"banned_until": datetime.now(UTC) + length if length else None}


async def show(call: Call) -> Response:
    """`GET /admin/users/{user_id}`."""
    call.require_admin()
    async with call.server.database.transaction() as tx:
        user = await _requested_user(call, tx)
    return user_response(user)


async def _requested_user(call: Call, tx: Transaction) -> Row:
    user = await find_user(tx, call.path_uuid("user_id"))
    if user is None:
        raise AuthError(404, "user_not_found", "User not found")
    return user


async def change(call: Call) -> Response:
    """`PUT /admin/users/{user_id}`: at once, without confirmation; a new password logs out."""
    call.require_admin()
    email = valid_email(call.text("email")) if call.text("email") else ""
    password_hash = await _password_hash(call)
    changes = _ban(call)
    if call.text("role"):
        changes["role"] = call.text("role")
    async with call.server.database.transaction() as tx:
        user = await _requested_user(call, tx)
        for name, column in (
            ("app_metadata", "raw_app_meta_data"),
            ("user_metadata", "raw_user_meta_data"),
        ):
            if call.body.get(name) is not None:
                changes[column] = merged(user[column], call.mapping(name))
        if email:
            await _change_email(call, tx, user, email)
            changes["email"] = email
        if password_hash:
            changes |= FORGOTTEN_WITH_THE_PASSWORD | {"encrypted_password": password_hash}
            await clear_all_codes(tx, user["id"])
            await end_sessions(tx, user["id"])
        if changes:
            await update(tx, "users", user["id"], changes)
        if call.body.get("email_confirm"):
            await confirm_email(tx, await get_user(tx, user["id"]))
        user = await get_user(tx, user["id"])
    return user_response(user)


async def _change_email(call: Call, tx: Transaction, user: Row, email: str) -> None:
    if await email_is_taken(tx, email, by_other_than=user["id"]):
        raise AuthError(422, "email_exists", EMAIL_TAKEN)
    confirmed = bool(call.body.get("email_confirm"))
    await set_identity_email(tx, user["id"], email, verified=confirmed)
    if confirmed and user["is_anonymous"]:
        await update(tx, "users", user["id"], {"is_anonymous": False})


async def delete(call: Call) -> Response:
    """`DELETE /admin/users/{user_id}`; softly, the row stays and says nothing about the person."""
    call.require_admin()
    async with call.server.database.transaction() as tx:
        user = await _requested_user(call, tx)
        if not call.body.get("should_soft_delete"):
            await execute(tx, "delete from auth.users where id = %s", user["id"])
        elif user["deleted_at"] is None:
            await _delete_softly(tx, user)
    return JSONResponse({})


async def _delete_softly(tx: Transaction, user: Row) -> None:
    changes = FORGOTTEN_WITH_THE_PASSWORD | {
        "email": _obscured(user, user["email"] or ""),
        "email_change": "",
        "phone": None,
        "encrypted_password": None,
        "raw_app_meta_data": {},
        "raw_user_meta_data": {},
        "deleted_at": datetime.now(UTC),
    }
    await update(tx, "users", user["id"], changes)
    forget = "update auth.identities set identity_data = '{}', provider_id = %s where user_id = %s"
    await execute(tx, forget, _obscured(user, str(user["id"])), user["id"])
    await execute(tx, "delete from auth.mfa_factors where user_id = %s", user["id"])
    await clear_all_codes(tx, user["id"])
    await end_sessions(tx, user["id"])


def _obscured(user: Row, text: str) -> str:
    digest = hashlib.sha256(f"{user['id']}{text}".encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


async def list_factors(call: Call) -> Response:
    """`GET /admin/users/{user_id}/factors`."""
    call.require_admin()
    async with call.server.database.transaction() as tx:
        user = await _requested_user(call, tx)
    return JSONResponse([factor_json(factor) for factor in user["factors"]])


async def delete_factor(call: Call) -> Response:
    """`DELETE /admin/users/{user_id}/factors/{factor_id}`: for whoever lost their device."""
    call.require_admin()
    async with call.server.database.transaction() as tx:
        user = await _requested_user(call, tx)
        factor = await owned_factor(tx, user["id"], call.path_uuid("factor_id"))
        await remove_factor(tx, factor)
    shown = next(one for one in user["factors"] if one["id"] == str(factor["id"]))
    return JSONResponse(factor_json(shown))
