"""The invented people of the demo: each signs up anew and speaks through a stock client."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import httpx
from supabase import AsyncClient, AsyncClientOptions

from appoint.demo.failures import DemoFailed
from appoint.settings import Settings


@dataclass(frozen=True, slots=True)
class Person:
    """Someone signed in; the client carries nothing but the publishable key and their token."""

    name: str
    address: str
    client: AsyncClient

    async def call(self, function: str, **parameters: Any) -> Any:
        """What a function of schema `public` returns to this person. Raises APIError."""
        return (await self.client.rpc(function, parameters).execute()).data


async def visitor(settings: Settings, http: httpx.AsyncClient) -> AsyncClient:
    """A client of someone who is not signed in."""
    # Each has a memory of its own for its session, and nothing outlives this minute.
    options = AsyncClientOptions(auto_refresh_token=False, persist_session=False, httpx_client=http)
    key = settings.supabase_publishable_key.get_secret_value()
    return await AsyncClient.create(settings.supabase_url.rstrip("/"), key, options)


async def sign_up(settings: Settings, http: httpx.AsyncClient, name: str) -> Person:
    """A new account with a random password. Raises DemoFailed if it must be confirmed by mail."""
    client = await visitor(settings, http)
    address = f"{name.lower()}.{secrets.token_hex(4)}@patients.example"
    answer = await client.auth.sign_up({"email": address, "password": secrets.token_urlsafe(16)})
    if answer.session is None:
        raise DemoFailed("sign-up needs a confirmation by mail here; turn that off to play")
    return Person(name, address, client)
