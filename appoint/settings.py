"""What a process is told from outside: one frozen object, read once and passed down.

The environment wins over a `.env` file in the working directory. Nothing else in the product reads
the environment. Secrets are `SecretStr`, so that no log line or traceback can show one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

SUPABASE = ("SUPABASE_URL", "SUPABASE_PUBLISHABLE_KEY", "SUPABASE_SECRET_KEY")


DEFAULT_SITE = "http://127.0.0.1:5173"


class SettingsError(Exception):
    """The environment lacks something or holds something unusable; one line, no values."""


class Settings(BaseModel):
    """Every setting, named as in the environment but in lower case; `.env.example` explains each.

    What not every process needs is optional; `from_environment` is told what else to insist on.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    supabase_url: str = Field(pattern=r"^https?://[^/\s]+/?$")
    supabase_publishable_key: SecretStr = Field(
        validation_alias=AliasChoices("supabase_publishable_key", "supabase_anon_key")
    )
    supabase_secret_key: SecretStr = Field(
        validation_alias=AliasChoices("supabase_secret_key", "supabase_service_role_key")
    )
    supabase_db_url: SecretStr | None = None

    appoint_api_url: str = Field(default="http://127.0.0.1:8000", pattern=r"^https?://\S+$")
    # Several addresses, with commas between, may call the API; links in mails lead to the first.
    appoint_site_url: str = Field(default=DEFAULT_SITE, pattern=r"^https?://[^\s,]+$")
    appoint_site_origins: tuple[str, ...] = ()
    appoint_api_host: str = "127.0.0.1"
    appoint_api_port: int = Field(default=8000, ge=0, le=65535)
    # Addresses or networks of proxies in front of the API, with commas between.
    appoint_trusted_proxies: str = "127.0.0.1"

    resend_api_key: SecretStr | None = None
    resend_api_url: str = Field(default="https://api.resend.com", pattern=r"^https?://\S+$")
    resend_webhook_secret: SecretStr | None = None
    appoint_mail_from: str = Field(
        default="Appoint <appointments@appoint.example>", pattern=r"^[^\r\n]+@[^\r\n]+$"
    )

    appoint_mail_transport: str = Field(default="resend", pattern=r"^(resend|smtp)$")
    appoint_mail_per_second: float = Field(default=5, gt=0, le=1000)
    appoint_smtp_url: SecretStr | None = None

    appoint_worker_health_port: int = Field(default=54336, ge=0, le=65535)
    appoint_worker_sweep_seconds: float = Field(default=5, gt=0, le=600)
    appoint_worker_lease_seconds: int = Field(default=60, ge=1, le=3600)
    appoint_worker_concurrency: int = Field(default=16, ge=1, le=100)
    appoint_calendar_import_allow_loopback: bool = False
    appoint_log_level: str = Field(default="INFO", pattern=r"^(DEBUG|INFO|WARNING|ERROR)$")

    @field_validator("appoint_smtp_url")
    @classmethod
    def _names_a_server(cls, url: SecretStr | None) -> SecretStr | None:
        """Refuses what a password becomes in which a character is not percent-encoded, too."""
        if url is None:
            return None
        # Raises ValueError itself for what cannot be read, as `port` does.
        address = urlsplit(url.get_secret_value())
        rest = (address.path.strip("/"), address.query, address.fragment)
        if address.scheme not in ("smtp", "smtps") or not address.hostname or any(rest):
            raise ValueError
        if address.port == 0:
            raise ValueError
        return url

    @model_validator(mode="before")
    @classmethod
    def _split_sites(cls, values: dict[str, Any]) -> dict[str, Any]:
        given = str(values.get("appoint_site_url", DEFAULT_SITE))
        sites = [site.strip() for site in given.split(",")]
        origins = tuple("/".join(site.split("/", 3)[:3]) for site in sites)
        return values | {"appoint_site_url": sites[0], "appoint_site_origins": origins}

    @classmethod
    def from_environment(
        cls,
        *,
        also_needs: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
        env_file: Path = Path(".env"),
    ) -> Settings:
        """The settings of this process; `also_needs` names what it cannot do without.

        Raises SettingsError with one line that names every missing or unusable variable.
        """
        stored = dotenv_values(env_file) if env_file.is_file() else {}
        given = stored | dict(os.environ if environment is None else environment)
        # An empty variable means "not set", as in most shells' habits and compose files; the end of
        # the line in a key's file is no part of the key.
        values = {
            name.lower(): value.strip() for name, value in given.items() if value and value.strip()
        }
        try:
            settings = cls.model_validate(values)
        except ValidationError as error:
            raise SettingsError(_one_line(error)) from None
        missing = [name for name in also_needs if getattr(settings, name.lower()) is None]
        if missing:
            raise SettingsError(f"not set: {', '.join(missing)} (see .env.example)")
        return settings


def _one_line(error: ValidationError) -> str:
    problems: dict[str, list[str]] = {}
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        what = "not set" if problem["type"] == "missing" else "unusable value"
        problems.setdefault(what, []).append(str(problem["loc"][0]).upper())
    texts = [f"{what}: {', '.join(names)}" for what, names in problems.items()]
    return f"{'; '.join(texts)} (see .env.example)"
