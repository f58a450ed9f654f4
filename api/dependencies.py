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
from api.error_responses import NOT_SIGNED_IN, ProblemError
from api.metrics import Metrics
from api.strangers import Strangers
from appoint.settings import Settings
from appoint.supabase_clients import user_client


@dataclass(frozen=True, slots=True)
class Resources:
    """What one application holds open; made at its start, closed at its end."""

    settings: Settings
    http: httpx.AsyncClient
    service: AsyncClient
    tokens: AccessTokens
    strangers: Strangers
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
    held.strangers.admit()
    token = credentials.credentials if credentials else ""
    try:
        identity = await held.tokens.verify(token)
    except ProblemError as refusal:
        if refusal.status == NOT_SIGNED_IN[0]:
            held.strangers.count()
        raise
    request.state.user_id = str(identity.user_id)  # for the log line
    return Person(identity.user_id, user_client(held.settings, token, held.http))


async def stranger(held: Annotated[Resources, Depends(resources)]) -> None:
    """For what needs no token: counted by address."""
    held.strangers.count()


Held = Annotated[Resources, Depends(resources)]
Caller = Annotated[Person, Depends(caller)]
