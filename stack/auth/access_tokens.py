"""Access tokens: signed with the stack's ES256 key, verified with it or the legacy secret."""

from __future__ import annotations

from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from jwt.algorithms import ECAlgorithm
from jwt.types import Options

from stack.auth.errors import AuthError
from stack.config import StackConfig

# The audience is compared where it matters, and keys of projects have neither it nor an expiry.
_CHECKS: Options = {"verify_aud": False, "verify_iat": False, "verify_sub": False}


class AccessTokens:
    """Signs and verifies; it keeps no record, so that a token lives until it expires."""

    def __init__(self, config: StackConfig) -> None:
        signing_jwk = config.keys.signing_jwk
        private_key = ECAlgorithm.from_jwk(dict(signing_jwk))
        assert isinstance(private_key, EllipticCurvePrivateKey)
        self._kid = signing_jwk["kid"]
        self._private_key = private_key
        self._public_key: EllipticCurvePublicKey = private_key.public_key()
        self._shared_secret = config.keys.jwt_secret

    def sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self._private_key, algorithm="ES256", headers={"kid": self._kid})

    def verify(self, token: str) -> dict[str, Any]:
        """The claims. Raises AuthError `bad_jwt` for anything expired, tampered with or foreign."""
        try:
            if jwt.get_unverified_header(token).get("alg") == "HS256":
                return jwt.decode(token, self._shared_secret, ["HS256"], options=_CHECKS)
            return jwt.decode(token, self._public_key, ["ES256"], options=_CHECKS)
        except jwt.PyJWTError as error:
            message = f"invalid JWT: unable to parse or verify signature, {error}"
            raise AuthError(403, "bad_jwt", message) from error
