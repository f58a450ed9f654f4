"""The two doors to Supabase: as the service, past row-level security, or as one signed-in person.

Which door a piece of code uses is visible at the call. Both return stock supabase-py clients that
share one pool of keep-alive connections; whoever makes the pool closes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from appoint.settings import Settings

if TYPE_CHECKING:
    import httpx
    from supabase import AsyncClient

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 10.0


def http_pool() -> httpx.AsyncClient:
    """A pool of connections to Supabase with bounded waits everywhere."""
    import httpx  # noqa: PLC0415 - heavy; a process that needs no client should not pay for it

    return httpx.AsyncClient(
        timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
        # Idle connections go before the other side's own limit (75 s or more) can cut them in use.
        limits=httpx.Limits(max_connections=50, max_keepalive_connections=20, keepalive_expiry=30),
    )


def service_client(settings: Settings, http: httpx.AsyncClient) -> AsyncClient:
    """A client with the secret key. It bypasses row-level security: say why where it is used."""
    return _client(settings.supabase_url, settings.supabase_secret_key.get_secret_value(), http, {})


def user_client(settings: Settings, access_token: str, http: httpx.AsyncClient) -> AsyncClient:
    """A client that is exactly the person whose access token is given; RLS decides."""
    return _client(
        settings.supabase_url,
        settings.supabase_publishable_key.get_secret_value(),
        http,
        {"Authorization": f"Bearer {access_token}"},
    )


def _client(url: str, key: str, http: httpx.AsyncClient, headers: dict[str, str]) -> AsyncClient:
    from supabase import AsyncClient, AsyncClientOptions  # noqa: PLC0415 - heavy, see above

    # Nobody signs in through these clients, so there is no session to keep or refresh, and links in
    # mails they ask for are opened elsewhere, where a PKCE verifier made here would be missing.
    # Reconnecting Realtime is our own business: see workers/wakeups.py.
    options = AsyncClientOptions(
        auto_refresh_token=False,
        persist_session=False,
        flow_type="implicit",
        httpx_client=http,
        realtime={"auto_reconnect": False},
    )
    options.headers |= headers
    return AsyncClient(url.rstrip("/"), key, options)
