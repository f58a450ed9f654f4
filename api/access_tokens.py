"""Checks access tokens before anything is done with them.

PostgREST checks signature and time again at the first call as the caller; issuer, audience and the
kind of token are checked here alone. Keys come from Auth's published set. A token
signed with a project's legacy shared secret cannot be checked against it, so Auth itself is asked.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import jwt

from api.error_responses import not_signed_in, unavailable
from appoint.settings import Settings

LONGEST_TOKEN = 8192
AUDIENCE = "authenticated"
ASYMMETRIC = ("ES256", "RS256", "EdDSA")
SHARED_SECRET = "HS256"  # noqa: S105 - the name of an algorithm
# Whatever else a header says (jku, x5u, jwk, crit …) only serves to point us at foreign keys.
HEADER_NAMES = {"alg", "kid", "typ"}
REQUIRED = ["exp", "iat", "iss", "aud", "sub", "role"]
CLOCK_SKEW_SECONDS = 10
KEYS_KEPT_SECONDS = 600.0
# Unknown key ids may mean new keys, or somebody who makes ids up.
SHORTEST_REFRESH_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose token it is; `level` is the assurance of the log-in, aal1 or aal2."""

    user_id: UUID
    level: str


class AccessTokens:
    """Verifies the tokens of one Supabase project. Keeps its public keys for ten minutes."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._auth = f"{settings.supabase_url.rstrip('/')}/auth/v1"
        self._apikey = settings.supabase_publishable_key.get_secret_value()
        self._http = http
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at = float("-inf")

    async def verify(self, token: str) -> Identity:
        """The person behind a token. Raises ProblemError: not_signed_in, or unavailable."""
        if not token.isascii() or len(token) > LONGEST_TOKEN or token.count(".") != 2:
            raise not_signed_in()
        try:
            header = jwt.get_unverified_header(token)
            if header.keys() - HEADER_NAMES or header.get("typ", "JWT") != "JWT":
                raise not_signed_in()
            return _identity(await self._claims(token, header))
        except (jwt.PyJWTError, LookupError, ValueError, TypeError, AttributeError) as error:
            raise not_signed_in() from error

    async def _claims(self, token: str, header: dict[str, Any]) -> dict[str, Any]:
        if header.get("alg") == SHARED_SECRET:
            await self._ask_auth(token)
            return self._decode(token, None)
        if header.get("alg") not in ASYMMETRIC:
            raise not_signed_in()
        key = await self._key(header.get("kid"))
        if key is None or key.algorithm_name != header.get("alg"):
            raise not_signed_in()
        return self._decode(token, key)

    def _decode(self, token: str, key: jwt.PyJWK | None) -> dict[str, Any]:
        # Without a key Auth has vouched for the signature; the claims are judged either way.
        claims: dict[str, Any] = jwt.decode(
            token,
            key=key or "",
            algorithms=[key.algorithm_name] if key else [SHARED_SECRET],
            audience=AUDIENCE,
            issuer=self._auth,
            leeway=CLOCK_SKEW_SECONDS,
            options={
                "require": REQUIRED,
                "verify_signature": key is not None,
                "verify_exp": True,
                "verify_nbf": True,
                "verify_iat": True,
                "verify_aud": True,
                "verify_iss": True,
            },
        )
        return claims

    async def _ask_auth(self, token: str) -> None:
        headers = {"apikey": self._apikey, "Authorization": f"Bearer {token}"}
        answer = await self._http.get(f"{self._auth}/user", headers=headers)
        if answer.status_code >= 500:
            raise unavailable()
        if answer.status_code != 200:
            raise not_signed_in()

    async def _key(self, key_id: object) -> jwt.PyJWK | None:
        if not isinstance(key_id, str):
            return None
        age = time.monotonic() - self._fetched_at
        is_known = key_id in self._keys
        if age > KEYS_KEPT_SECONDS or (not is_known and age > SHORTEST_REFRESH_SECONDS):
            await self._fetch_keys()
        return self._keys.get(key_id)

    async def _fetch_keys(self) -> None:
        answer = await self._http.get(f"{self._auth}/.well-known/jwks.json")
        if answer.status_code != 200:
            raise unavailable()
        published = jwt.PyJWKSet.from_dict(answer.json()).keys
        self._keys = {
            key.key_id: key
            for key in published
            if key.key_id and key.algorithm_name in ASYMMETRIC and key.public_key_use != "enc"
        }
        self._fetched_at = time.monotonic()


def _identity(claims: dict[str, Any]) -> Identity:
    if claims["role"] != AUDIENCE:
        raise not_signed_in()
    return Identity(user_id=UUID(claims["sub"]), level=str(claims.get("aal", "aal1")))
