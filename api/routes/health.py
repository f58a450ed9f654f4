"""Is the process alive, and can it do its work?"""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import httpx
from fastapi import APIRouter
from postgrest.exceptions import APIError
from pydantic import BaseModel, Field

from api.dependencies import Held
from api.error_responses import ProblemError, documented

router = APIRouter(tags=["health"])

DATABASE_SECONDS = 3.0


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Queue(BaseModel):
    """Messages that wait. Overdue ones mean that no worker is doing its work."""

    due: int = Field(ge=0)
    overdue: int = Field(ge=0)
    dead: int = Field(ge=0)


class Ready(BaseModel):
    """The database answers and messages are going out."""

    status: Literal["ready"] = "ready"
    queue: Queue


@router.get("/healthz", summary="The process lives")
async def healthz() -> Alive:
    return Alive()


@router.get(
    "/readyz",
    summary="The database answers and no message is overdue",
    responses=documented(503),
)
async def readyz(held: Held) -> Ready:
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            # As the service: readiness is nobody's data, only counts of the whole queue.
            answer = await held.service.schema("worker").rpc("queue_depth", {}).execute()
    except (APIError, httpx.HTTPError, TimeoutError) as error:
        raise ProblemError(503, "unavailable", "The database does not answer.") from error
    data: Any = answer.data
    queue = Queue.model_validate(data[0] if isinstance(data, list) else data)
    if queue.overdue:
        raise ProblemError(503, "queue_overdue", f"{queue.overdue} messages are overdue.")
    return Ready(queue=queue)
