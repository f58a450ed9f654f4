"""The programs a stack consists of: how each is started, stopped and asked whether it is well."""

from __future__ import annotations

import signal
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass, field

from stack import edge_functions, postgres, postgrest, web
from stack.config import HOST, PROJECT_DIR, StackConfig
from stack.processes import inherited


@dataclass(frozen=True)
class Part:
    """One supervised program. Without a `health_url` it is asked as PostgreSQL is."""

    name: str
    what: str
    port: int
    command: list[str]
    health_url: str | None
    environment: dict[str, str] = field(default_factory=dict)
    user_id: int | None = None
    group_id: int | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    # Parts that read the product's schema start once the migrations are in.
    needs_schema: bool = False

    def is_healthy(self, config: StackConfig) -> bool:
        """Ask the part itself; takes at most two seconds."""
        if self.health_url is None:
            return postgres.is_healthy(config)
        try:
            with urllib.request.urlopen(self.health_url, timeout=2) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError, ValueError):
            return False

    def is_still_starting(self, config: StackConfig) -> bool:
        """Whether it says that it will be ready later; of all parts PostgreSQL does."""
        return self.health_url is None and postgres.is_still_starting(config)


def product_environment(config: StackConfig) -> dict[str, str]:
    """The variables that point API, workers and clients at this stack; the content of `.env`."""
    return {
        "SUPABASE_URL": config.gateway_url,
        "SUPABASE_PUBLISHABLE_KEY": config.keys.publishable,
        "SUPABASE_SECRET_KEY": config.keys.secret,
        "SUPABASE_DB_URL": config.db_url(),
        "APPOINT_API_URL": config.api_url,
        "APPOINT_SITE_URL": config.site_url,
        "RESEND_API_KEY": config.keys.resend_api_key,
        "RESEND_API_URL": config.mailbox_url,
        "RESEND_WEBHOOK_SECRET": config.keys.resend_webhook_secret,
        "APPOINT_MAIL_PER_SECOND": str(config.setting("mailbox.requests_per_second", 50)),
    }


def all_parts(config: StackConfig) -> list[Part]:
    """Every part of this stack in the order they are shown, without those it leaves out."""
    ports = config.ports
    server_user = postgres.unprivileged_user()
    product = product_environment(config) | {
        "APPOINT_API_PORT": str(ports.api),
        "APPOINT_WORKER_HEALTH_PORT": str(ports.worker),
    }
    parts = [
        Part(
            "postgres",
            "PostgreSQL 17",
            ports.postgres,
            postgres.server_command(config),
            health_url=None,
            user_id=server_user.pw_uid if server_user else None,
            group_id=server_user.pw_gid if server_user else None,
            stop_signal=signal.SIGINT,  # PostgreSQL's fast shutdown
        ),
        Part(
            "postgrest",
            "PostgREST",
            ports.postgrest,
            postgrest.command(config),
            health_url=f"http://{HOST}:{ports.postgrest_admin}/ready",
            environment=postgrest.environment(config),
            needs_schema=True,
        ),
        _stand_in(config, "auth", "Supabase Auth stand-in", ports.auth),
        _stand_in(config, "realtime", "Supabase Realtime stand-in", ports.realtime),
        Part(
            "functions",
            "Deno, edge functions",
            ports.functions,
            edge_functions.command(config),
            health_url=f"http://{HOST}:{ports.functions}/_health",
            environment=edge_functions.environment(config),
        ),
        _stand_in(config, "gateway", "API gateway stand-in", ports.gateway),
        _stand_in(config, "mailbox", "Resend stand-in", ports.mailbox),
        _product_part("api", "FastAPI", ports.api, product),
        _product_part("worker", "Python workers", ports.worker, product),
    ]
    if web.is_built():
        parts.append(_stand_in(config, "web", "Web client", ports.web))
    return [part for part in parts if part.name not in config.without]


def _stand_in(config: StackConfig, name: str, what: str, port: int) -> Part:
    return Part(
        name,
        what,
        port,
        [sys.executable, "-m", f"stack.{name}", str(config.directory)],
        health_url=f"http://{HOST}:{port}/health",
    )


def _product_part(name: str, what: str, port: int, environment: dict[str, str]) -> Part:
    module = {"api": "api", "worker": "workers"}[name]
    return Part(
        name,
        what,
        port,
        [sys.executable, "-m", module],
        health_url=f"http://{HOST}:{port}/healthz",
        environment=environment,
        needs_schema=True,
    )


def process_environment(part: Part) -> dict[str, str]:
    """What a part sees of the environment: where programs are, and what is meant for it."""
    kept = inherited("PATH", "HOME", "LANG", "TMPDIR")
    return {"PYTHONPATH": str(PROJECT_DIR), "PYTHONUNBUFFERED": "1"} | kept | part.environment
