"""Tokens nobody may be let in with, every known trick among them, for whatever takes a token."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from stack.config import StackConfig

Claims = dict[str, Any]


class Forger:
    """Makes tokens for one real person: with the project's own key, and with others."""

    def __init__(self, stack: StackConfig, user_id: str, **claims: Any) -> None:
        self.stack = stack
        self.jwk = stack.keys.signing_jwk
        key = ECAlgorithm.from_jwk(json.dumps(self.jwk))
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self.key = key
        self.foreign = ec.generate_private_key(ec.SECP256R1())
        now = int(time.time())
        self.claims: Claims = {
            "iss": stack.jwt_issuer,
            "aud": "authenticated",
            "role": "authenticated",
            "sub": user_id,
            "aal": "aal1",
            "session_id": str(uuid.uuid4()),
            "iat": now,
            "exp": now + 600,
        } | claims

    def sign(self, key: Any = None, header: Claims | None = None, **changes: Any) -> str:
        claims = {
            name: value for name, value in (self.claims | changes).items() if value is not None
        }
        headers = {"kid": self.jwk["kid"]} | (header or {})
        return jwt.encode(claims, key or self.key, algorithm="ES256", headers=headers)

    def raw(self, header: Claims, claims: Claims | None = None, signature: bytes = b"") -> str:
        parts = (json.dumps(header).encode(), json.dumps(claims or self.claims).encode(), signature)
        return ".".join(_b64(part) for part in parts)

    def hmac_with(self, secret: bytes, **header: Any) -> str:
        """A correct HMAC, by a secret that is none."""
        head = {"alg": "HS256", "typ": "JWT", "kid": self.jwk["kid"]} | header
        unsigned = self.raw(head).rpartition(".")[0]
        return f"{unsigned}.{_b64(hmac.new(secret, unsigned.encode(), hashlib.sha256).digest())}"

    def public_key(self, encoding: serialization.Encoding) -> bytes:
        """What everybody can fetch, and what key confusion takes for the secret of an HMAC."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(encoding, form)

    def altered(self, **changes: Any) -> str:
        """A genuine token whose claims were changed afterwards."""
        head, _, tail = self.sign().split(".")
        return f"{head}.{_b64(json.dumps(self.claims | changes).encode())}.{tail}"

    def public_jwk(self, key: ec.EllipticCurvePrivateKey) -> Claims:
        made: Claims = json.loads(ECAlgorithm.to_jwk(key.public_key()))
        return made


def _b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


Forge = Callable[[Forger], str]

# Not of this project's making, or not to be used at this time: nothing may let them in.
FORGED: dict[str, Forge] = {
    "alg none": lambda f: f.raw({"alg": "none", "typ": "JWT"}),
    "alg None in another case": lambda f: f.raw({"alg": "nOnE", "typ": "JWT"}),
    "alg none with the signature of another": lambda f: f.raw(
        {"alg": "none", "typ": "JWT"}, signature=b"x" * 64
    ),
    "alg none under our kid": lambda f: f.raw({"alg": "none", "kid": f.jwk["kid"]}),
    "no alg": lambda f: f.raw({"typ": "JWT", "kid": f.jwk["kid"]}),
    "alg is a number": lambda f: f.raw({"alg": 1, "typ": "JWT"}),
    "HS256 with the public key, PEM": lambda f: f.hmac_with(
        f.public_key(serialization.Encoding.PEM)
    ),
    "HS256 with the public key, DER": lambda f: f.hmac_with(
        f.public_key(serialization.Encoding.DER)
    ),
    "HS256 with the published key": lambda f: f.hmac_with(
        json.dumps(f.stack.public_jwks["keys"][0]).encode()
    ),
    "HS256 with an empty secret": lambda f: f.hmac_with(b""),
    "HS256 with an empty file": lambda f: f.hmac_with(b"", kid="../../../../dev/null"),
    "HS256 with a guessed secret": lambda f: jwt.encode(f.claims, "x" * 40, algorithm="HS256"),
    "another key under our kid": lambda f: f.sign(f.foreign),
    "another key under its own kid": lambda f: f.sign(f.foreign, {"kid": "elsewhere"}),
    "another key without kid": lambda f: jwt.encode(f.claims, f.foreign, algorithm="ES256"),
    "kid is a path": lambda f: f.sign(f.foreign, {"kid": "../../../../dev/null"}),
    "kid is SQL": lambda f: f.sign(f.foreign, {"kid": "x' union select 'secret"}),
    "no kid": lambda f: f.raw({"alg": "ES256", "typ": "JWT"}, signature=b"x" * 64),
    "jku": lambda f: f.sign(f.foreign, {"jku": f"{f.stack.mailbox_url}/jwks.json"}),
    "jwk": lambda f: f.sign(f.foreign, {"jwk": f.public_jwk(f.foreign)}),
    "jwk under its own kid": lambda f: f.sign(
        f.foreign, {"kid": "own", "jwk": f.public_jwk(f.foreign) | {"kid": "own"}}
    ),
    "x5u": lambda f: f.sign(f.foreign, {"x5u": "http://127.0.0.1/cert.pem"}),
    "crit": lambda f: f.sign(header={"crit": ["exp"]}),
    "expired": lambda f: f.sign(exp=int(time.time()) - 120, iat=int(time.time()) - 600),
    "expiry is a text": lambda f: f.raw(
        {"alg": "ES256", "kid": f.jwk["kid"]}, f.claims | {"exp": "never"}
    ),
    "not yet valid": lambda f: f.sign(nbf=int(time.time()) + 600),
    "altered role": lambda f: f.altered(role="service_role"),
    "altered subject": lambda f: f.altered(sub=str(uuid.uuid4())),
    "altered level": lambda f: f.altered(aal="aal2"),
    "altered expiry": lambda f: f.altered(exp=int(time.time()) + 10**6),
    "claims are a list": lambda f: f.raw({"alg": "ES256", "kid": f.jwk["kid"]}, []),  # type: ignore[arg-type]
    "header is no JSON": lambda f: f"{_b64(b'{')}.{f.sign().partition('.')[2]}",
    "two parts": lambda f: f.sign().rpartition(".")[0],
    "four parts": lambda f: f"{f.sign()}.x",
    "no signature": lambda f: f.sign().rpartition(".")[0] + ".",
    "signature cut": lambda f: f.sign()[:-8],
    "null bytes": lambda f: _b64(b"\0" * 64),
    "not ASCII": lambda f: "ä.ö.ü",
    "not a token": lambda f: "x",
}  # fmt: skip

# Signed by the project, which alone has the key, but not what its Auth writes for a person.
UNUSUAL: dict[str, Forge] = {
    "jku beside a genuine signature": lambda f: f.sign(header={"jku": "http://127.0.0.1/"}),
    "another typ": lambda f: f.sign(header={"typ": "dpop+jwt"}),
    "another issuer": lambda f: f.sign(iss="http://elsewhere.example/auth/v1"),
    "no issuer": lambda f: f.sign(iss=None),
    "another audience": lambda f: f.sign(aud="appointments"),
    "no audience": lambda f: f.sign(aud=None),
    "never expires": lambda f: f.sign(exp=None),
    "issued in the future": lambda f: f.sign(iat=int(time.time()) + 600),
    "HS256 without a session": lambda f: jwt.encode(
        f.claims, f.stack.keys.jwt_secret, algorithm="HS256"
    ),
    "no role": lambda f: f.sign(role=None),
    "role anon": lambda f: f.sign(role="anon"),
    "no subject": lambda f: f.sign(sub=None),
    "subject is no UUID": lambda f: f.sign(sub="owner"),
    "somebody who does not exist": lambda f: f.sign(sub=str(uuid.uuid4())),
}

# Keys are good for programs and never a person; the rest no gateway passes on.
NO_PERSON: dict[str, Forge] = {
    "role service_role": lambda f: f.sign(role="service_role"),
    "the publishable key": lambda f: f.stack.keys.publishable,
    "the secret key": lambda f: f.stack.keys.secret,
    "the legacy anon key": lambda f: f.stack.keys.anon,
    "the legacy service key": lambda f: f.stack.keys.service_role,
    "nothing": lambda f: "",
    "9 KB": lambda f: f.sign(padding="x" * 9000),
}
