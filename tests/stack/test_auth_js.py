"""Runs the tests of Auth that are written with the stock JavaScript client."""

from __future__ import annotations

import os
import subprocess

from stack.config import PROJECT_DIR, StackConfig


def test_the_stock_javascript_client_is_served(stack: StackConfig) -> None:
    environment = os.environ | {
        "SUPABASE_URL": stack.gateway_url,
        "SUPABASE_PUBLISHABLE_KEY": stack.keys.publishable,
        "SUPABASE_SECRET_KEY": stack.keys.secret,
        "MAILBOX_URL": stack.mailbox_url,
    }
    finished = subprocess.run(
        ["node", "--test", "tests/stack/js/auth.test.mjs"],
        cwd=PROJECT_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert finished.returncode == 0, finished.stdout[-4000:] + finished.stderr[-2000:]
