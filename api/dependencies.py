"""What routes ask for: settings, the service's client, and the caller's own client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import httpx
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from supabase import AsyncClient

from api.access_tokens import AccessTokens
from api.error_responses import not_signed_in
from api.metrics import Metrics
from appoint.settings import Settings
from appoint.supabase_clients import user_client


@dataclass(frozen=True, slots=True)
class Resources:
    """What one application holds open; made at its start, closed at its end."""

    settings: Settings
    http: httpx.AsyncClient
    service: AsyncClient
    tokens: AccessTokens
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a valid token; `client` is that person to Supabase, under row security."""

    user_id: UUID
    client: AsyncClient


bearer = HTTPBearer(auto_error=False, description="The caller's Supabase access token.")


def resources(request: Request) -> Resources:
    held: Resources = request.app.state.resources
    return held


async def caller(
    request: Request,
    held: Annotated[Resources, Depends(resources)],
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Person:
    """Whoever the token belongs to. What they may do is asked of the database, as them."""
    if credentials is None:
        raise not_signed_in()
    token = credentials.credentials
    identity = await held.tokens.verify(token)
    request.state.user_id = str(identity.user_id)  # for the log line
    return Person(identity.user_id, user_client(held.settings, token, held.http))


Held = Annotated[Resources, Depends(resources)]
Caller = Annotated[Person, Depends(caller)]
