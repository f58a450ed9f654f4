"""The part of `config.toml` that Auth reads, with the CLI's names and defaults."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from stack.auth.errors import validation_failed
from stack.config import StackConfig

_UNIT_SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)")


def parse_duration(text: str) -> timedelta:
    """`1h30m`, `250ms` and the like, as Go writes durations. Raises AuthError for anything else."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise validation_failed("invalid format for a duration")
    return timedelta(seconds=sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts))


@dataclass(frozen=True)
class AuthSettings:
    """Durations are timedeltas, `otp_expiry` and `jwt_expiry` seconds."""

    site_url: str
    redirect_urls: tuple[str, ...]
    jwt_expiry: int
    signup_enabled: bool
    anonymous_enabled: bool
    email_enabled: bool
    autoconfirm: bool
    secure_email_change: bool
    secure_password_change: bool
    mail_frequency: timedelta
    mails_per_hour: int
    otp_length: int
    otp_expiry: int
    reuse_interval: timedelta
    rotation_enabled: bool
    session_timebox: timedelta
    session_inactivity: timedelta
    minimum_password_length: int
    password_requirements: str
    totp_enroll_enabled: bool
    totp_verify_enabled: bool
    max_enrolled_factors: int
    mail_from: str
    bcrypt_cost: int

    @classmethod
    def load(cls, config: StackConfig) -> AuthSettings:
        def setting(name: str, default: object) -> object:
            return config.setting(f"auth.{name}", default)

        def text(name: str, default: str) -> str:
            return str(setting(name, default))

        def number(name: str, default: int) -> int:
            return int(str(setting(name, default)))

        def flag(name: str, default: bool) -> bool:
            return bool(setting(name, default))

        redirects = config.setting("auth.additional_redirect_urls", [])
        return cls(
            site_url=config.site_url,
            redirect_urls=tuple(map(str, redirects)),
            jwt_expiry=number("jwt_expiry", 3600),
            signup_enabled=flag("enable_signup", True),
            anonymous_enabled=flag("enable_anonymous_sign_ins", False),
            # The CLI switches the whole e-mail provider with this name, log-ins included.
            email_enabled=flag("email.enabled", True),
            autoconfirm=not flag("email.enable_confirmations", False),
            secure_email_change=flag("email.double_confirm_changes", True),
            secure_password_change=flag("email.secure_password_change", False),
            mail_frequency=parse_duration(text("email.max_frequency", "1s")),
            mails_per_hour=number("rate_limit.email_sent", 30),
            otp_length=number("email.otp_length", 6),
            otp_expiry=number("email.otp_expiry", 3600),
            reuse_interval=timedelta(seconds=number("refresh_token_reuse_interval", 10)),
            rotation_enabled=flag("enable_refresh_token_rotation", True),
            session_timebox=parse_duration(text("sessions.timebox", "0s")),
            session_inactivity=parse_duration(text("sessions.inactivity_timeout", "0s")),
            minimum_password_length=number("minimum_password_length", 6),
            password_requirements=text("password_requirements", ""),
            totp_enroll_enabled=flag("mfa.totp.enroll_enabled", True),
            totp_verify_enabled=flag("mfa.totp.verify_enabled", True),
            max_enrolled_factors=number("mfa.max_enrolled_factors", 10),
            mail_from="{} <{}>".format(
                text("email.smtp.sender_name", "Appoint"),
                text("email.smtp.admin_email", "no-reply@appoint.test"),
            ),
            # A stack whose data may be lost at any time has no passwords worth the work.
            bcrypt_cost=10 if config.durable else 4,
        )
