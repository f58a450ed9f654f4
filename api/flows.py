"""What every flow has in common: allowed by the database, rate limited, carried out once.

A flow is first authorised as the caller, with their own token (`public.authorize_flow`). Only then
the service key opens the request (`worker.begin_request`), which counts it and looks up its
`Idempotency-Key`. Both live in the database, so copies and restarts of the API make no difference.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from uuid import UUID

import httpx
from fastapi import Depends, Header, Request, Response
from postgrest.exceptions import APIError
from pydantic import TypeAdapter

from api.dependencies import Caller, Held, Person, Resources
from api.error_responses import ProblemError, documented

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

# Longer than any request may take, so that nobody takes over what is still being carried out.
LEASE_SECONDS = 60
WAIT_FOR_TWIN_SECONDS = 5.0
PAUSE_SECONDS = 0.1

# What every flow may be refused with; routes add their own.
FLOW_REFUSALS = (401, 403, 404, 405, 408, 409, 413, 422, 429, 500, 503)

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=8,
        max_length=128,
        pattern=r"^[\x21-\x7e]+$",
        description="The same key with the same request again, within a day, changes nothing more "
        "and is answered alike; with another request it is refused.",
    ),
]


def flow_responses(*more: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a flow's route."""
    return documented(*sorted({*FLOW_REFUSALS, *more}))


@dataclass(frozen=True, slots=True)
class FlowRequest:
    """One authorised request. `once` carries it out."""

    flow: str
    person: Person
    held: Resources
    key: str | None
    fingerprint: str
    response: Response

    async def once(self, kind: type[Result], act: Callable[[], Awaitable[Result]]) -> Result:
        """What `act` returns, or what it returned to the same request before.

        Raises ProblemError for too many requests, a key used otherwise, or a twin that lasts.
        """
        told_before = await self._open()
        if told_before is not None:
            self.response.headers["Idempotent-Replayed"] = "true"
            return TypeAdapter(kind).validate_json(told_before)
        try:
            result = await act()
        except BaseException:
            await asyncio.shield(self._finish(None, None))
            raise
        text = TypeAdapter(kind).dump_json(result).decode()
        await asyncio.shield(self._finish(200, text))
        return result

    async def count(self) -> None:
        """Count a request that changes nothing. Raises ProblemError when there are too many."""
        await self._open()

    async def _open(self) -> str | None:
        """The answer given before, or None: go on."""
        waited = 0.0
        while True:
            opened = await self._begin()
            match opened["outcome"]:
                case "proceed":
                    return None
                case "replay":
                    return str(opened["response"])
                case "mismatch":
                    raise ProblemError(
                        409,
                        "request_id_reused",
                        "This Idempotency-Key was used before, for a different request.",
                    )
                case "too_many":
                    wait = {"Retry-After": str(opened["retry_after_seconds"])}
                    raise ProblemError(429, "too_many_requests", "Try again later.", wait)
            if waited >= WAIT_FOR_TWIN_SECONDS:
                raise ProblemError(
                    409,
                    "request_in_progress",
                    "The same request is still being carried out.",
                    {"Retry-After": "2"},
                )
            await asyncio.sleep(PAUSE_SECONDS)
            waited += PAUSE_SECONDS

    async def _begin(self) -> dict[str, Any]:
        # With the service's rights: counts and keys must be out of the callers' reach.
        parameters: dict[str, Any] = {
            "user_id": str(self.person.user_id),
            "flow": self.flow,
            "key": self.key,
            "fingerprint": self.fingerprint if self.key else None,
            "lease_seconds": LEASE_SECONDS,
        }
        answer = await self.held.service.schema("worker").rpc("begin_request", parameters).execute()
        rows: list[Any] = answer.data  # type: ignore[assignment]
        opened: dict[str, Any] = rows[0]
        return opened

    async def _finish(self, status: int | None, response: str | None) -> None:
        """Never raises: what is done is done, and the lease frees the key if this gets lost."""
        if self.key is None:
            return
        parameters: dict[str, Any] = {
            "user_id": str(self.person.user_id),
            "key": self.key,
            "status": status,
            "response": response,
        }
        try:
            await self.held.service.schema("worker").rpc("finish_request", parameters).execute()
        except (APIError, httpx.HTTPError) as error:
            logger.warning("request_not_closed", extra={"error": type(error).__name__})


Opens = Callable[[str], Awaitable[FlowRequest]]


def _opener(
    request: Request,
    response: Response,
    person: Caller,
    held: Held,
    idempotency_key: IdempotencyKey = None,
) -> Opens:
    async def open_request(flow: str) -> FlowRequest:
        address = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
        fingerprint = hashlib.sha256(address + await request.body()).hexdigest()
        return FlowRequest(flow, person, held, idempotency_key, fingerprint, response)

    return open_request


Opener = Annotated[Opens, Depends(_opener)]


def asks_for(flow: str) -> Any:
    """A dependency: the caller may ask for that flow in the clinic named by the path."""

    async def authorised(clinic_id: UUID, person: Caller, opener: Opener) -> FlowRequest:
        await authorise(person, flow, clinic_id)
        return await opener(flow)

    return Depends(authorised)


def asks_for_no_clinic(flow: str) -> Any:
    """A dependency: the caller may ask for that flow, which concerns no clinic yet."""

    async def authorised(person: Caller, opener: Opener) -> FlowRequest:
        await authorise(person, flow, None)
        return await opener(flow)

    return Depends(authorised)


def asks_to_read(flow: str) -> Any:
    """As `asks_for`, for what changes nothing and therefore has no Idempotency-Key."""

    async def authorised(
        clinic_id: UUID, person: Caller, held: Held, response: Response
    ) -> FlowRequest:
        await authorise(person, flow, clinic_id)
        return FlowRequest(flow, person, held, None, "", response)

    return Depends(authorised)


def asks_to_read_without_clinic(flow: str) -> Any:
    """As `asks_to_read`, for what concerns no single clinic."""

    async def authorised(person: Caller, held: Held, response: Response) -> FlowRequest:
        await authorise(person, flow, None)
        return FlowRequest(flow, person, held, None, "", response)

    return Depends(authorised)


async def authorise(person: Person, flow: str, clinic_id: UUID | None) -> None:
    """Ask the database as the caller. Raises APIError with the contract's key."""
    parameters = {"flow": flow, "clinic_id": str(clinic_id) if clinic_id else None}
    await person.client.rpc("authorize_flow", parameters).execute()
