"""Bad tokens, every known trick among them: each is a 401 in the one shape, and nothing happens."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from stack.config import StackConfig
from tests.api.accounts import StaffedClinic, assert_problem

Claims = dict[str, Any]
Forge = Callable[["Forger"], str]


class Forger:
    """Makes tokens for one real owner: with the project's own key, and with others."""

    def __init__(self, stack: StackConfig, user_id: str) -> None:
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
        }

    def sign(self, key: Any = None, header: Claims | None = None, **changes: Any) -> str:
        claims = {
            name: value for name, value in (self.claims | changes).items() if value is not None
        }
        headers = {"kid": self.jwk["kid"]} | (header or {})
        return jwt.encode(claims, key or self.key, algorithm="ES256", headers=headers)

    def raw(self, header: Claims, claims: Claims | None = None, signature: bytes = b"") -> str:
        parts = (json.dumps(header).encode(), json.dumps(claims or self.claims).encode(), signature)
        return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)

    def hmac_with_public_key(self) -> str:
        """Key confusion: the public key, which everybody has, as the secret of an HMAC."""
        import hashlib
        import hmac

        pem = self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        unsigned = self.raw({"alg": "HS256", "typ": "JWT", "kid": self.jwk["kid"]}).rpartition(".")[
            0
        ]
        return f"{unsigned}.{_b64(hmac.new(pem, unsigned.encode(), hashlib.sha256).digest())}"

    def altered(self, **changes: Any) -> str:
        """A genuine token whose claims were changed afterwards."""
        head, _, tail = self.sign().split(".")
        return f"{head}.{_b64(json.dumps(self.claims | changes).encode())}.{tail}"

    def public_jwk(self, key: ec.EllipticCurvePrivateKey) -> Claims:
        made: Claims = json.loads(ECAlgorithm.to_jwk(key.public_key()))
        return made


def _b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


BAD: dict[str, Forge] = {
    "alg none": lambda f: f.raw({"alg": "none", "typ": "JWT"}),
    "alg None in another case": lambda f: f.raw({"alg": "nOnE", "typ": "JWT"}),
    "alg none with the signature of another": lambda f: f.raw(
        {"alg": "none", "typ": "JWT"}, signature=b"x" * 64
    ),
    "no alg": lambda f: f.raw({"typ": "JWT", "kid": f.jwk["kid"]}),
    "alg is a number": lambda f: f.raw({"alg": 1, "typ": "JWT"}),
    "HS256 with the public key": lambda f: f.hmac_with_public_key(),
    "HS256 with an empty secret": lambda f: f.raw({"alg": "HS256", "typ": "JWT"}),
    "HS256 with a guessed secret": lambda f: jwt.encode(f.claims, "x" * 40, algorithm="HS256"),
    "HS256 without a session": lambda f: jwt.encode(
        f.claims, f.stack.keys.jwt_secret, algorithm="HS256"
    ),
    "another key under our kid": lambda f: f.sign(f.foreign),
    "another key under its own kid": lambda f: f.sign(f.foreign, {"kid": "elsewhere"}),
    "kid is a path": lambda f: f.sign(f.foreign, {"kid": "../../../../dev/null"}),
    "kid is SQL": lambda f: f.sign(f.foreign, {"kid": "x' union select 'secret"}),
    "no kid": lambda f: f.raw({"alg": "ES256", "typ": "JWT"}, signature=b"x" * 64),
    "jku": lambda f: f.sign(f.foreign, {"jku": f"{f.stack.mailbox_url}/jwks.json"}),
    "jku beside a genuine signature": lambda f: f.sign(header={"jku": "http://127.0.0.1/"}),
    "jwk": lambda f: f.sign(f.foreign, {"jwk": f.public_jwk(f.foreign)}),
    "x5u": lambda f: f.sign(f.foreign, {"x5u": "http://127.0.0.1/cert.pem"}),
    "crit": lambda f: f.sign(header={"crit": ["exp"]}),
    "another typ": lambda f: f.sign(header={"typ": "dpop+jwt"}),
    "another issuer": lambda f: f.sign(iss="http://elsewhere.example/auth/v1"),
    "no issuer": lambda f: f.sign(iss=None),
    "another audience": lambda f: f.sign(aud="appointments"),
    "no audience": lambda f: f.sign(aud=None),
    "expired": lambda f: f.sign(exp=int(time.time()) - 60, iat=int(time.time()) - 600),
    "never expires": lambda f: f.sign(exp=None),
    "expiry is a text": lambda f: f.raw(
        {"alg": "ES256", "kid": f.jwk["kid"]}, f.claims | {"exp": "never"}
    ),
    "not yet valid": lambda f: f.sign(nbf=int(time.time()) + 600),
    "issued in the future": lambda f: f.sign(iat=int(time.time()) + 600),
    "altered role": lambda f: f.altered(role="service_role"),
    "altered subject": lambda f: f.altered(sub=str(uuid.uuid4())),
    "altered level": lambda f: f.altered(aal="aal2"),
    "role anon": lambda f: f.sign(role="anon"),
    "role service_role": lambda f: f.sign(role="service_role"),
    "no role": lambda f: f.sign(role=None),
    "no subject": lambda f: f.sign(sub=None),
    "subject is no UUID": lambda f: f.sign(sub="owner"),
    "somebody who does not exist": lambda f: f.sign(sub=str(uuid.uuid4())),
    "claims are a list": lambda f: f.raw({"alg": "ES256", "kid": f.jwk["kid"]}, []),  # type: ignore[arg-type]
    "header is no JSON": lambda f: f"{_b64(b'{')}.{f.sign().partition('.')[2]}",
    "two parts": lambda f: f.sign().rpartition(".")[0],
    "four parts": lambda f: f"{f.sign()}.x",
    "signature cut": lambda f: f.sign()[:-8],
    "9 KB": lambda f: f.sign(padding="x" * 9000),
    "the publishable key": lambda f: f.stack.keys.publishable,
    "the secret key": lambda f: f.stack.keys.secret,
    "the legacy anon key": lambda f: f.stack.keys.anon,
    "the legacy service key": lambda f: f.stack.keys.service_role,
    "not ASCII": lambda f: "ä.ö.ü",
    "nothing": lambda f: "",
}


@pytest.fixture(scope="module")
def forger(stack: StackConfig, staffed: StaffedClinic) -> Forger:
    return Forger(stack, staffed.people["owner"].user_id)


def path_of(staffed: StaffedClinic) -> str:
    return f"/v1/clinics/{staffed.id}"


@pytest.mark.parametrize("trick", sorted(BAD))
async def test_a_bad_token_is_refused(
    api: httpx.AsyncClient, staffed: StaffedClinic, forger: Forger, trick: str
) -> None:
    authorization = f"Bearer {BAD[trick](forger)}".strip().encode()
    answer = await api.patch(
        path_of(staffed),
        json={"name": "Taken Over"},
        headers=[(b"authorization", authorization)],
    )
    assert_problem(answer, 401, "not_signed_in")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_the_forger_can_also_make_a_good_token(
    api: httpx.AsyncClient, staffed: StaffedClinic, forger: Forger
) -> None:
    """Otherwise the tokens above could be refused for a reason other than theirs."""
    answer = await api.patch(
        path_of(staffed),
        json={"name": "Walls"},
        headers={"Authorization": f"Bearer {forger.sign()}"},
    )
    assert answer.status_code == 200, answer.text


async def test_a_refused_token_does_not_say_why(
    api: httpx.AsyncClient, staffed: StaffedClinic, forger: Forger
) -> None:
    answers = [
        await api.patch(
            path_of(staffed),
            json={"name": "x"},
            headers={"Authorization": f"Bearer {BAD[trick](forger)}"},
        )
        for trick in ("expired", "altered role", "another issuer")
    ]
    assert len({json.dumps(answer.json() | {"request_id": ""}) for answer in answers}) == 1
