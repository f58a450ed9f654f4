"""`python -m workers`: one worker process. Exit codes: 0 stopped as told, 1 cannot start."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

from appoint.logs import set_up_logs
from appoint.settings import Settings, SettingsError

CANNOT_START = 1
ENDED_AT_ONCE = 130


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m workers")
    parser.add_argument("--only", metavar="ROLES", help="roles, with commas between")
    only = parser.parse_args(arguments).only
    try:
        settings = Settings.from_environment()
        from workers.roles import NOTIFIER, chosen_roles  # noqa: PLC0415 - heavy, as runner below

        roles = chosen_roles(only)
        if NOTIFIER in roles:
            settings = Settings.from_environment(also_needs=_needs(settings))
    except (SettingsError, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return CANNOT_START
    set_up_logs(settings.appoint_log_level)
    from workers.health import CannotListenError  # noqa: PLC0415 - as runner
    from workers.runner import run  # noqa: PLC0415 - heavy; a wrong setting should say so at once

    try:
        asyncio.run(run(settings, roles))
    except CannotListenError as error:
        sys.stderr.write(f"error: {error}\n")
        return CANNOT_START
    except (asyncio.CancelledError, KeyboardInterrupt):
        return ENDED_AT_ONCE
    return 0


def _needs(settings: Settings) -> tuple[str, ...]:
    return (
        ("APPOINT_SMTP_URL",) if settings.appoint_mail_transport == "smtp" else ("RESEND_API_KEY",)
    )


if __name__ == "__main__":
    sys.exit(main())
