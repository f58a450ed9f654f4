"""Is the process alive, can it do its work, how does it fare? For operators, not for browsers."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any, Literal

import httpx
from fastapi import APIRouter, Response
from postgrest.exceptions import APIError
from pydantic import BaseModel, Field

from api.dependencies import Held, Resources
from api.error_responses import ProblemError, documented
from api.metrics import MEDIA_TYPE
from appoint.queue_depth import QueueDepth

router = APIRouter(tags=["health"])

SUPABASE_SECONDS = 3.0


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Queue(BaseModel):
    """Messages that wait."""

    queued: int = Field(ge=0)
    sending: int = Field(ge=0)
    dead: int = Field(ge=0, description="Given up; a person must look at them.")
    overdue: int = Field(ge=0, description="Due for two minutes; must be 0.")
    lag_seconds: float = Field(ge=0, description="How late the oldest is that should be out.")


class Ready(BaseModel):
    """The database answers and messages are going out."""

    status: Literal["ready"] = "ready"
    confirms_addresses: bool = Field(
        description="False: Auth takes every address for the person's own. Claims of records,"
        " invitations and guardianships rest on it, so real people need it true."
    )
    queue: Queue


@router.get("/healthz", summary="The process lives")
async def healthz() -> Alive:
    return Alive()


@router.get(
    "/readyz",
    summary="The database answers and messages can be sent",
    responses=documented(503),
)
async def readyz(held: Held) -> Ready:
    try:
        async with asyncio.timeout(SUPABASE_SECONDS):
            # As the service: readiness is nobody's data, only counts of the whole queue.
            answer = await held.service.schema("worker").rpc("queue_depth", {}).execute()
            confirms_addresses = await _confirms_addresses(held)
    except (APIError, httpx.HTTPError, TimeoutError) as error:
        raise ProblemError(503, "unavailable", "Supabase does not answer.") from error
    rows: list[Any] = answer.data  # type: ignore[assignment]
    depth = QueueDepth.from_row(rows[0])
    if depth.is_overdue:
        raise ProblemError(503, "queue_overdue", "Messages are overdue: no worker sends them.")
    if depth.closed_because is not None:
        raise ProblemError(
            503, "mail_refused", f"The mail provider takes no mail: {depth.closed_because}."
        )
    return Ready(confirms_addresses=confirms_addresses, queue=Queue(**asdict(depth)))


async def _confirms_addresses(held: Resources) -> bool:
    """Whether people must prove that an address is theirs before they sign in with it."""
    settings = held.settings
    answer = await held.http.get(
        f"{settings.supabase_url.rstrip('/')}/auth/v1/settings",
        headers={"apikey": settings.supabase_publishable_key.get_secret_value()},
    )
    return not answer.raise_for_status().json()["mailer_autoconfirm"]


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={200: {"description": "Text format", "content": {"text/plain": {}}}},
)
async def metrics(held: Held) -> Response:
    figures = await held.metrics.exposition(held.service)
    return Response(figures, media_type=MEDIA_TYPE)
