"""Deno running `supabase/functions`: its command line and environment.

One process serves every function (`main.ts`). It gets what a hosted function gets and little more:
it may connect to loopback, read the functions' directory and see the variables named here.
"""

from __future__ import annotations

import json

from stack.config import HOST, PROJECT_DIR, StackConfig

BINARY = PROJECT_DIR / "node_modules/@deno/linux-x64-glibc/deno"
MAIN = PROJECT_DIR / "stack/edge_functions/main.ts"
# V8's heap in megabytes. It starts small; this keeps a leak from eating the machine.
MAX_HEAP = 96


def command(config: StackConfig) -> list[str]:
    """The command line. Functions may read the variables that `main.ts` leaves them."""
    return [
        str(BINARY),
        "run",
        "--quiet",
        "--no-prompt",
        "--no-config",
        "--no-lock",
        "--no-remote",
        "--no-npm",
        f"--v8-flags=--max-old-space-size={MAX_HEAP}",
        f"--allow-net={HOST}",
        f"--allow-read={_functions_directory(config)}",
        "--allow-env",
        str(MAIN),
    ]


def environment(config: StackConfig) -> dict[str, str]:
    """What functions see, named as on a hosted project, and `FUNCTIONS_*` for `main.ts` alone."""
    keys = config.keys
    visible = {
        "SUPABASE_URL": config.gateway_url,
        "SUPABASE_ANON_KEY": keys.anon,
        "SUPABASE_SERVICE_ROLE_KEY": keys.service_role,
        "SUPABASE_DB_URL": config.db_url(),
        "SUPABASE_PUBLISHABLE_KEYS": json.dumps({"default": keys.publishable}),
        "SUPABASE_SECRET_KEYS": json.dumps({"default": keys.secret}),
        "SEND_EMAIL_HOOK_SECRET": keys.send_email_hook_secret,
        "RESEND_API_KEY": keys.resend_api_key,
        "RESEND_API_URL": config.mailbox_url,
        "RESEND_WEBHOOK_SECRET": keys.resend_webhook_secret,
        "APPOINT_API_URL": config.api_url,
        "APPOINT_SITE_URL": config.site_url,
    }
    return visible | {
        "FUNCTIONS_VISIBLE": json.dumps(list(visible)),
        "FUNCTIONS_PORT": str(config.ports.functions),
        "FUNCTIONS_DIRECTORY": _functions_directory(config),
        "FUNCTIONS_JWKS": json.dumps(config.verification_jwks),
        "FUNCTIONS_OPEN": json.dumps(_functions_without_token_check(config)),
        "DENO_DIR": str(config.directory / "deno"),
        "DENO_NO_UPDATE_CHECK": "1",
    }


def _functions_directory(config: StackConfig) -> str:
    return str(config.supabase_dir.resolve() / "functions")


def _functions_without_token_check(config: StackConfig) -> list[str]:
    functions = config.setting("functions", {})
    return [name for name, own in functions.items() if own.get("verify_jwt", True) is False]
