"""`python -m api`: the API under uvicorn.

Exit code 1 means that it cannot start. On SIGTERM it answers what it has begun and then ends by
that signal."""

from __future__ import annotations

import sys

from appoint.logs import set_up_logs
from appoint.settings import Settings, SettingsError

CANNOT_START = 1


def main() -> int:
    try:
        settings = Settings.from_environment()
    except SettingsError as error:
        sys.stderr.write(f"error: {error}\n")
        return CANNOT_START
    set_up_logs(settings.appoint_log_level)
    import uvicorn  # noqa: PLC0415 - heavy; a wrong setting should say so at once

    from api.app import create_app  # noqa: PLC0415

    uvicorn.run(
        create_app(settings),
        host=settings.appoint_api_host,
        port=settings.appoint_api_port,
        # Our own line per request carries no path, which could hold what callers typed.
        access_log=False,
        log_config=None,
        server_header=False,
        # Whose X-Forwarded-For is believed.
        forwarded_allow_ips=settings.appoint_trusted_proxies,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=75,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
