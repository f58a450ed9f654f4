"""Whether the process lives and whether it can do its work."""

from __future__ import annotations

import httpx


async def test_the_running_api_is_alive_and_ready(api: httpx.AsyncClient) -> None:
    assert (await api.get("/healthz")).json() == {"status": "ok"}
    ready = await api.get("/readyz")
    assert ready.status_code == 200, ready.text
    assert ready.json()["queue"]["lag_seconds"] < 120
    assert ready.json()["confirms_addresses"] is False, "as supabase/config.toml says"
