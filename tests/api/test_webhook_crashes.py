"""`kill -9` of the API in the middle of a webhook: the sender repeats it, and it counts once.

APPOINT_CRASHES sets how often.
"""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest

from stack.config import StackConfig
from tests.api.test_resend_webhook import URL, db, message, payload, signed, state
from tests.people import Connection, one
from tests.stacks import pid_of

__all__ = ["db", "message"]  # fixtures
CRASHES = int(os.environ.get("APPOINT_CRASHES", "1"))
PATIENCE_SECONDS = 60


def api_pid(stack: StackConfig) -> int:
    """Once it is known to be well."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if (pid := pid_of(stack, "api")) is not None:
            return pid
        # The supervisor announces nothing; it can only be asked.
        time.sleep(0.02)
    raise TimeoutError


def until_somebody_waits_for(db: Connection) -> None:
    """Return once another session waits for a row that this one has locked."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        waiting = one(
            db,
            "select count(*) as n from pg_stat_activity where wait_event_type = 'Lock'"
            " and pg_backend_pid() = any (pg_blocking_pids(pid))",
        )
        if waiting["n"]:
            return
        # The database announces nothing; it can only be asked.
        time.sleep(0.02)
    raise TimeoutError


def post(stack: StackConfig, body: str, headers: dict[str, str]) -> int | None:
    """The answer's status; None: the API died meanwhile."""
    try:
        with httpx.Client(base_url=stack.api_url, timeout=PATIENCE_SECONDS) as client:
            return client.post(URL, content=body, headers=headers).status_code
    except httpx.HTTPError:
        return None


@pytest.mark.timeout(120 * CRASHES)
def test_a_webhook_during_which_the_api_dies_is_repeated_and_counts_once(
    stack: StackConfig, db: Connection, message: dict[str, Any]
) -> None:
    for crashes in range(CRASHES):
        if crashes and crashes % 50 == 0:
            print(f"{crashes} crashes", flush=True)  # noqa: T201
        db.execute("update public.notifications set status = 'sent' where id = %s", [message["id"]])
        db.execute(
            "delete from private.delivery_events where notification_id = %s", [message["id"]]
        )
        body = payload(message, "email.delivered")
        headers = signed(stack, body)
        killed = api_pid(stack)
        with psycopg.connect(stack.db_url()) as holder, ThreadPoolExecutor(1) as sender:
            holder.execute(
                "select from public.notifications where id = %s for update", [message["id"]]
            )
            first = sender.submit(post, stack, body, headers)
            until_somebody_waits_for(holder)
            os.kill(killed, signal.SIGKILL)
            assert first.result() is None
            holder.rollback()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (answer := post(stack, body, headers)) is None and time.monotonic() < deadline:
            # As the sender does: again after a while.
            time.sleep(0.2)
        assert answer in (200, 204)
        assert state(db, message) == ("delivered", None)
        counted = "select count(*) as n from private.delivery_events where notification_id = %s"
        assert one(db, counted, message["id"])["n"] == 1
