"""What routes ask for: settings, the service's client, and the caller's own client."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

import httpx
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from supabase import AsyncClient

from api.error_responses import not_signed_in
from api.recent_mails import RecentMails
from appoint.settings import Settings
from appoint.supabase_clients import user_client

LONGEST_TOKEN = 8192
TOKEN_SHAPE = re.compile(r"^[\w-]+\.[\w-]+\.[\w-]+$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Resources:
    """What one application holds open; made at its start, closed at its end."""

    settings: Settings
    http: httpx.AsyncClient
    service: AsyncClient
    recent_mails: RecentMails


bearer = HTTPBearer(auto_error=False, description="The caller's Supabase access token.")


def resources(request: Request) -> Resources:
    held: Resources = request.app.state.resources
    return held


def caller(
    held: Annotated[Resources, Depends(resources)],
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> AsyncClient:
    """A client that is the caller. Supabase checks the token at the first call, so every route must
    make one as the caller before it does anything as the service."""
    token = credentials.credentials if credentials else ""
    if len(token) > LONGEST_TOKEN or not TOKEN_SHAPE.match(token):
        raise not_signed_in()
    return user_client(held.settings, token, held.http)


Held = Annotated[Resources, Depends(resources)]
Caller = Annotated[AsyncClient, Depends(caller)]
