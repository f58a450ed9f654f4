"""Access tokens and API keys: who a websocket, a channel or an HTTP caller is."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any

import jwt

from stack.config import StackConfig

LEGACY_ALGORITHM = "HS256"
SIGNING_ALGORITHM = "ES256"


class InvalidToken(Exception):
    """The token cannot be accepted. `code` and the message are the real server's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Identity:
    """A verified token: its text and its claims, `role` and `exp` (Unix seconds) among them."""

    token: str
    claims: dict[str, Any]

    @property
    def role(self) -> str:
        return str(self.claims["role"])

    @property
    def expires_at(self) -> int:
        return int(self.claims["exp"])


class TokenVerifier:
    """Verifies JWTs with the stack's key set; opaque `sb_…` keys count as the JWT behind them."""

    def __init__(self, config: StackConfig) -> None:
        self._opaque = {
            config.keys.publishable: config.keys.anon,
            config.keys.secret: config.keys.service_role,
        }
        self._secret = config.keys.jwt_secret
        self._keys = {
            key["kid"]: jwt.PyJWK(key).key for key in config.public_jwks["keys"] if "kid" in key
        }

    def verify(self, token: str | None) -> Identity:
        """The identity behind a token or API key. Raises InvalidToken."""
        if not token:
            raise InvalidToken("MissingAPIKey", "API key is missing")
        token = self._opaque.get(token, re.sub(r"\s", "", token))
        claims = self._decode(token)
        expires_at = claims.get("exp")
        if not isinstance(expires_at, int | float) or not isinstance(claims.get("role"), str):
            raise InvalidToken("InvalidJWTToken", "Fields `role` and `exp` are required in JWT")
        if expires_at <= time.time():
            age = int(time.time() - expires_at)
            raise InvalidToken("InvalidJWTToken", f"Token has expired {age} seconds ago")
        return Identity(token, claims)

    def _decode(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            key = self._key_for(header)
            # As hosted: a project's own legacy keys have no audience.
            options: Any = {"verify_aud": False, "verify_exp": False, "verify_iat": False}
            claims: dict[str, Any] = jwt.decode(
                token, key, algorithms=[header["alg"]], options=options
            )
        except jwt.InvalidSignatureError:
            raise InvalidToken("JwtSignatureError", "Failed to validate JWT signature") from None
        except jwt.InvalidTokenError:
            message = "The token provided is not a valid JWT"
            raise InvalidToken("MalformedJWT", message) from None
        return claims

    def _key_for(self, header: dict[str, Any]) -> Any:
        if header.get("alg") == LEGACY_ALGORITHM:
            return self._secret
        if header.get("alg") == SIGNING_ALGORITHM and header.get("kid") in self._keys:
            return self._keys[header["kid"]]
        raise InvalidToken(
            "JwtSignerError",
            "Failed to generate JWT signer, check your JWT secret or JWKS configuration",
        )
