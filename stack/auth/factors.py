"""`/factors`: TOTP as a second factor, from enrolment to sessions at level aal2."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from starlette.responses import JSONResponse, Response

from stack.auth.calls import Call, Person
from stack.auth.database import Row, Transaction, execute, fetch_all, fetch_one, insert, update
from stack.auth.errors import AuthError, unexpected_failure, validation_failed
from stack.auth.sessions import (
    active_refresh_token,
    add_authentication_method,
    session_json,
    swap_refresh_token,
)
from stack.auth.users import has_verified_factor

CHALLENGE_LIFETIME = timedelta(minutes=5)
ENROLMENT_LIFETIME = timedelta(minutes=5)


async def enroll(call: Call) -> Response:
    """`POST /factors`: a secret and its QR code; the factor counts once a code was verified."""
    import pyotp  # noqa: PLC0415 - start-up is faster without

    secret, factor_id, now = pyotp.random_base32(), uuid4(), datetime.now(UTC)
    friendly_name = call.text("friendly_name")
    values = {
        "id": factor_id,
        "friendly_name": friendly_name,
        "factor_type": "totp",
        "status": "unverified",
        "secret": secret,
        "created_at": now,
        "updated_at": now,
    }
    async with call.server.database.transaction() as tx:
        person = _with_session(await call.person(tx))
        _check_factor_type(call)
        await _check_may_enroll(call, tx, person, friendly_name)
        await insert(tx, "mfa_factors", values | {"user_id": person.user["id"]})
    issuer = call.text("issuer") or urlsplit(call.settings.site_url).netloc
    account = person.user["email"] or str(person.user["id"])
    uri = pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)
    totp = {"qr_code": _qr_code(uri), "secret": secret, "uri": uri}
    enrolled = {"id": str(factor_id), "type": "totp", "friendly_name": friendly_name}
    return JSONResponse(enrolled | {"totp": totp})


def _check_factor_type(call: Call) -> None:
    match call.text("factor_type"):
        case "totp":
            if not call.settings.totp_enroll_enabled:
                raise _disabled("totp_enroll", "MFA enroll is disabled for TOTP")
        case "phone":
            raise _disabled("phone_enroll", "MFA enroll is disabled for Phone")
        case "webauthn":
            raise _disabled("webauthn_enroll", "MFA enroll is disabled for WebAuthn")
        case _:
            raise validation_failed("factor_type needs to be totp, phone, or webauthn")


def _disabled(feature: str, message: str) -> AuthError:
    return AuthError(422, f"mfa_{feature}_not_enabled", message)


def _with_session(person: Person) -> Person:
    if person.session is None:
        raise unexpected_failure("A valid session and a registered user are required")
    return person


async def _check_may_enroll(
    call: Call, tx: Transaction, person: Person, friendly_name: str
) -> None:
    abandoned = """
      delete from auth.mfa_factors
      where user_id = %s and status = 'unverified' and created_at < %s
    """
    await execute(tx, abandoned, person.user["id"], datetime.now(UTC) - ENROLMENT_LIFETIME)
    query = "select friendly_name from auth.mfa_factors where user_id = %s"
    factors = await fetch_all(tx, query, person.user["id"])
    if any(factor["friendly_name"] == friendly_name for factor in factors):
        message = "A factor with this friendly name for this user already exists"
        raise AuthError(422, "mfa_factor_name_conflict", message)
    if len(factors) >= call.settings.max_enrolled_factors:
        message = "Maximum number of verified factors reached, unenroll to continue"
        raise AuthError(422, "too_many_enrolled_mfa_factors", message)
    if has_verified_factor(person.user) and not person.is_aal2:
        raise AuthError(403, "insufficient_aal", "AAL2 required to enroll a new factor")


def _qr_code(uri: str) -> str:
    import segno  # noqa: PLC0415 - start-up is faster without

    image = io.BytesIO()
    segno.make(uri, error="m", micro=False).save(image, kind="svg", scale=3, xmldecl=False)
    return image.getvalue().decode()


async def challenge(call: Call) -> Response:
    """`POST /factors/{factor_id}/challenge`: a verification may follow, from the same address."""
    async with call.server.database.transaction() as tx:
        person = await call.person(tx)
        factor = await owned_factor(tx, person.user["id"], call.path_uuid("factor_id"))
        _check_may_verify(call, factor)
        now, challenge_id = datetime.now(UTC), uuid4()
        values = {
            "id": challenge_id,
            "factor_id": factor["id"],
            "created_at": now,
            "ip_address": call.client_address,
        }
        await insert(tx, "mfa_challenges", values)
        await update(tx, "mfa_factors", factor["id"], {"last_challenged_at": now})
    expires_at = int((now + CHALLENGE_LIFETIME).timestamp())
    answer = {"id": str(challenge_id), "type": factor["factor_type"], "expires_at": expires_at}
    return JSONResponse(answer)


async def verify(call: Call) -> Response:
    """`POST /factors/{factor_id}/verify`: the session rises to aal2; those that did not, end."""
    import pyotp  # noqa: PLC0415 - start-up is faster without

    code = call.text("code")
    async with call.server.database.transaction() as tx:
        person = _with_session(await call.person(tx))
        factor = await owned_factor(tx, person.user["id"], call.path_uuid("factor_id"))
        if not code:
            raise validation_failed("Code needs to be non-empty")
        _check_may_verify(call, factor)
        open_challenge = await _open_challenge(call, tx, factor)
        if not pyotp.TOTP(factor["secret"]).verify(code, valid_window=1):
            raise AuthError(422, "mfa_verification_failed", "Invalid TOTP code entered")
        statement = "update auth.mfa_challenges set verified_at = now() where id = %s"
        await execute(tx, statement, open_challenge["id"])
        await update(tx, "mfa_factors", factor["id"], {"status": "verified"})
        answer = await _raised_session(call, tx, person, factor)
    return JSONResponse(answer)


async def _raised_session(call: Call, tx: Transaction, person: Person, factor: Row) -> Row:
    user_id, session_id = person.user["id"], (person.session or {})["id"]
    await fetch_one(tx, "select from auth.sessions where id = %s for update", session_id)
    current = await active_refresh_token(tx, session_id)
    if current is None:
        message = "Session from session_id claim in JWT does not exist"
        raise AuthError(403, "session_not_found", message)
    refresh_token = await swap_refresh_token(tx, current)
    await add_authentication_method(tx, session_id, "totp")
    await update(tx, "sessions", session_id, {"aal": "aal2", "factor_id": factor["id"]})
    lower = "delete from auth.sessions where user_id = %s and aal < 'aal2'"
    await execute(tx, lower, user_id)
    unfinished = """
      delete from auth.mfa_factors
      where user_id = %s and factor_type = 'totp' and status = 'unverified'
    """
    await execute(tx, unfinished, user_id)
    return await session_json(call, tx, session_id, refresh_token, "totp")


async def _open_challenge(call: Call, tx: Transaction, factor: Row) -> Row:
    """The challenge that is being answered, locked. Raises AuthError when it cannot be."""
    try:
        challenge_id = UUID(call.text("challenge_id"))
    except ValueError:
        raise AuthError(400, "bad_json", "challenge_id must be an UUID") from None
    query = "select * from auth.mfa_challenges where id = %s and factor_id = %s for update"
    found = await fetch_one(tx, query, challenge_id, factor["id"])
    if found is None:
        message = "MFA factor with the provided challenge ID not found"
        raise AuthError(422, "mfa_factor_not_found", message)
    if found["verified_at"] or str(found["ip_address"]) != call.client_address:
        message = "Challenge and verify IP addresses mismatch."
        raise AuthError(422, "mfa_ip_address_mismatch", message)
    if datetime.now(UTC) > found["created_at"] + CHALLENGE_LIFETIME:
        message = (
            f"MFA challenge {found['id']} has expired, verify against another challenge or "
            "create a new challenge."
        )
        raise AuthError(422, "mfa_challenge_expired", message)
    return found


def _check_may_verify(call: Call, factor: Row) -> None:
    if factor["factor_type"] != "totp" or not call.settings.totp_verify_enabled:
        raise _disabled(f"{factor['factor_type']}_verify", "MFA verification is disabled")


async def unenroll(call: Call) -> Response:
    """`DELETE /factors/{factor_id}`: a verified factor only from a session that used one."""
    async with call.server.database.transaction() as tx:
        person = _with_session(await call.person(tx))
        factor = await owned_factor(tx, person.user["id"], call.path_uuid("factor_id"))
        if factor["status"] == "verified" and not person.is_aal2:
            message = "AAL2 required to unenroll verified factor"
            raise AuthError(422, "insufficient_aal", message)
        await remove_factor(tx, factor)
    return JSONResponse({"id": str(factor["id"])})


async def owned_factor(tx: Transaction, user_id: UUID, factor_id: UUID) -> Row:
    """The user's factor. Raises AuthError when it is not theirs."""
    query = "select * from auth.mfa_factors where id = %s and user_id = %s"
    factor = await fetch_one(tx, query, factor_id, user_id)
    if factor is None:
        raise AuthError(404, "mfa_factor_not_found", "Factor not found")
    return factor


async def remove_factor(tx: Transaction, factor: Row) -> None:
    """Delete it; sessions that rest on it fall back to aal1."""
    await execute(tx, "delete from auth.mfa_factors where id = %s", factor["id"])
    claims = """
      delete from auth.mfa_amr_claims
      where authentication_method = 'totp'
        and session_id in (select id from auth.sessions where factor_id = %s)
    """
    await execute(tx, claims, factor["id"])
    downgrade = "update auth.sessions set aal = 'aal1', factor_id = null where factor_id = %s"
    await execute(tx, downgrade, factor["id"])
