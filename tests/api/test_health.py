"""Whether the process lives and whether it can do its work."""

from __future__ import annotations

import httpx
import psycopg

from stack.config import StackConfig


async def test_the_running_api_is_alive_and_ready(api: httpx.AsyncClient) -> None:
    assert (await api.get("/healthz")).json() == {"status": "ok"}
    ready = await api.get("/readyz")
    assert ready.status_code == 200, ready.text
    assert ready.json()["queue"]["lag_seconds"] < 120
    assert ready.json()["confirms_addresses"] is False, "as supabase/config.toml says"


async def test_it_is_not_ready_while_the_mail_provider_takes_nobodys_mail(
    api: httpx.AsyncClient, stack: StackConfig
) -> None:
    with psycopg.connect(stack.db_url(), autocommit=True) as db:
        db.execute(
            "update private.sending_budget set closed_since = now() - interval '3 minutes',"
            " closed_because = '401:missing_api_key', free_at = now()"
        )
        refused = await api.get("/readyz")
        db.execute("select private.sending_works()")
    assert (refused.status_code, refused.json()["key"]) == (503, "mail_refused")
    assert "401:missing_api_key" in refused.text
    assert (await api.get("/readyz")).status_code == 200
