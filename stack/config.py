"""What one local stack is made of: its directory, ports, keys and the project's `config.toml`.

A stack lives in one directory (`.appoint/` by default). `stack.json` in it holds what must survive
a restart: ports, keys and signing keys, all made on the first start. Every part of the stack is
handed that directory and reads this one object; nothing else reads the environment.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import time
import tomllib
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
PROJECT_DIR = Path(__file__).resolve().parent.parent
DEFAULT_DIRECTORY = PROJECT_DIR / ".appoint"
TEN_YEARS = 10 * 365 * 24 * 3600


@dataclass(frozen=True)
class Ports:
    """TCP ports on loopback. The first five are the Supabase CLI's and the contract's."""

    gateway: int = 54321
    postgres: int = 54322
    mailbox: int = 54324
    api: int = 8000
    web: int = 5173
    postgrest: int = 54331
    postgrest_admin: int = 54332
    auth: int = 54333
    realtime: int = 54334
    functions: int = 54335
    worker: int = 54336

    def shifted(self, offset: int) -> Ports:
        """The same ports moved by `offset`, so that two stacks can run side by side."""
        return Ports(**{name: port + offset for name, port in asdict(self).items()})


# Each part listens on a port of its own name; PostgREST has a second one.
PART_NAMES = tuple(one.name for one in fields(Ports) if one.name != "postgrest_admin")


@dataclass(frozen=True)
class Keys:
    """Secrets of one stack. `signing_jwk` is the private ES256 key that Auth signs with."""

    publishable: str
    secret: str
    jwt_secret: str
    anon: str
    service_role: str
    signing_jwk: dict[str, str]
    resend_api_key: str
    resend_webhook_secret: str
    send_email_hook_secret: str

    @classmethod
    def generate(cls) -> Keys:
        # Only a new stack needs these 12 MB; every part of a running one loads this module.
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
        from jwt.algorithms import ECAlgorithm  # noqa: PLC0415

        jwt_secret = secrets.token_urlsafe(48)
        private_key = ec.generate_private_key(ec.SECP256R1())
        signing_jwk = json.loads(ECAlgorithm(ECAlgorithm.SHA256).to_jwk(private_key))
        signing_jwk |= {"kid": secrets.token_hex(8), "alg": "ES256", "use": "sig"}
        return cls(
            publishable=f"sb_publishable_{secrets.token_urlsafe(24)}",
            secret=f"sb_secret_{secrets.token_urlsafe(24)}",
            jwt_secret=jwt_secret,
            anon=_legacy_key("anon", jwt_secret),
            service_role=_legacy_key("service_role", jwt_secret),
            signing_jwk=signing_jwk,
            resend_api_key=f"re_{secrets.token_urlsafe(24)}",
            resend_webhook_secret=_webhook_secret(),
            send_email_hook_secret=f"v1,{_webhook_secret()}",
        )


def _legacy_key(role: str, jwt_secret: str) -> str:
    import jwt  # noqa: PLC0415

    issued_at = int(time.time())
    claims = {"iss": "supabase-demo", "role": role, "iat": issued_at, "exp": issued_at + TEN_YEARS}
    return jwt.encode(claims, jwt_secret, algorithm="HS256")


def _webhook_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


@dataclass(frozen=True)
class StackConfig:
    """One stack. `load` reads an existing directory, `create` makes a new one."""

    directory: Path
    ports: Ports
    keys: Keys
    # False trades durability against a power cut (never against a killed process) for test speed.
    durable: bool = True
    # Parts that must not be started, e.g. the worker in tests that drive it themselves.
    without: tuple[str, ...] = ()
    supabase_dir: Path = field(default=PROJECT_DIR / "supabase")
    # Dotted overrides of `config.toml`, e.g. {"auth.email.enable_confirmations": true}.
    overrides: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, directory: Path) -> StackConfig:
        stored = json.loads((directory / "stack.json").read_text())
        return cls(
            directory=directory,
            ports=Ports(**stored["ports"]),
            keys=Keys(**stored["keys"]),
            durable=stored["durable"],
            without=tuple(stored["without"]),
            supabase_dir=Path(stored["supabase_dir"] or PROJECT_DIR / "supabase"),
            overrides=stored["overrides"],
        )

    def save(self) -> None:
        """Write `stack.json`, readable by its owner only, all or nothing."""
        self.directory.mkdir(parents=True, exist_ok=True)
        default_dir = self.supabase_dir == PROJECT_DIR / "supabase"
        stored = {
            "ports": asdict(self.ports),
            "keys": asdict(self.keys),
            "durable": self.durable,
            "without": list(self.without),
            "supabase_dir": None if default_dir else str(self.supabase_dir),
            "overrides": self.overrides,
        }
        partial = self.directory / "stack.json.partial"
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(stored, file, indent=2)
        partial.replace(self.directory / "stack.json")

    @property
    def gateway_url(self) -> str:
        return f"http://{HOST}:{self.ports.gateway}"

    @property
    def mailbox_url(self) -> str:
        return f"http://{HOST}:{self.ports.mailbox}"

    @property
    def api_url(self) -> str:
        return f"http://{HOST}:{self.ports.api}"

    @property
    def site_url(self) -> str:
        """Where people find the web client; links in mails lead there."""
        return str(self.setting("auth.site_url", f"http://{HOST}:{self.ports.web}"))

    @property
    def jwt_issuer(self) -> str:
        return f"{self.gateway_url}/auth/v1"

    @property
    def logs(self) -> Path:
        return self.directory / "logs"

    def db_url(self, role: str = "postgres", database: str = "postgres") -> str:
        """A connection string; every local role has the password `postgres`, as with the CLI."""
        return f"postgresql://{role}:postgres@{HOST}:{self.ports.postgres}/{database}"

    @cached_property
    def public_jwks(self) -> dict[str, list[dict[str, Any]]]:
        """The key set Auth publishes: asymmetric keys only, never the shared secret."""
        public = {name: value for name, value in self.keys.signing_jwk.items() if name != "d"}
        return {"keys": [{**public, "key_ops": ["verify"]}]}

    @cached_property
    def verification_jwks(self) -> dict[str, list[dict[str, Any]]]:
        """The key set the servers verify with: Auth's public key and the legacy shared secret."""
        encoded = base64.urlsafe_b64encode(self.keys.jwt_secret.encode()).rstrip(b"=").decode()
        legacy = {"kty": "oct", "k": encoded, "alg": "HS256"}
        return {"keys": [*self.public_jwks["keys"], legacy]}

    @cached_property
    def project(self) -> dict[str, Any]:
        """`supabase/config.toml` for this stack: its own web port, its overrides applied."""
        written = (self.supabase_dir / "config.toml").read_text()
        # The file names the site of a stack on the usual ports; the CLI knows no other.
        for host in (HOST, "localhost"):
            written = written.replace(f"//{host}:{Ports.web}", f"//{host}:{self.ports.web}")
        parsed = tomllib.loads(written)
        for dotted, value in self.overrides.items():
            *parents, last = dotted.split(".")
            table = parsed
            for parent in parents:
                table = table.setdefault(parent, {})
            table[last] = value
        return parsed

    def setting(self, dotted: str, default: Any) -> Any:
        """One value of `config.toml`, e.g. `setting("auth.jwt_expiry", 3600)`."""
        value: Any = self.project
        for name in dotted.split("."):
            if not isinstance(value, dict) or name not in value:
                return default
            value = value[name]
        return value
