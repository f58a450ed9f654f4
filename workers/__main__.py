"""`python -m workers`: one worker process. Exit codes: 0 stopped as told, 1 cannot start."""

from __future__ import annotations

import asyncio
import sys

from appoint.logs import set_up_logs
from appoint.settings import Settings, SettingsError

CANNOT_START = 1
ENDED_AT_ONCE = 130


def main() -> int:
    try:
        settings = Settings.from_environment(also_needs=("RESEND_API_KEY",))
    except SettingsError as error:
        sys.stderr.write(f"error: {error}\n")
        return CANNOT_START
    set_up_logs(settings.appoint_log_level)
    from workers.runner import run  # noqa: PLC0415 - heavy; a wrong setting should say so at once

    try:
        asyncio.run(run(settings))
    except OSError as error:
        port = settings.appoint_worker_health_port
        sys.stderr.write(f"error: cannot listen on port {port}: {error.strerror}\n")
        return CANNOT_START
    except (asyncio.CancelledError, KeyboardInterrupt):
        return ENDED_AT_ONCE
    return 0


if __name__ == "__main__":
    sys.exit(main())
