"""The link that stops messages of one kind, in the mails that may be declined (RFC 8058).

Works without signing in and without cookies. GET only shows, because mail programs follow links to
look for harm; POST acts, whatever its body says: mail programs send `List-Unsubscribe=One-Click`,
the page's own button nothing.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import HTMLResponse
from postgrest.exceptions import APIError
from pydantic import BaseModel

from api.action_page import POLICY, refusal_page, subscription_page
from api.dependencies import Held, Resources, stranger
from api.error_responses import BY_STATUS, ProblemError, documented, refusal_of

router = APIRouter(
    prefix="/v1/unsubscribe", tags=["links in mails"], dependencies=[Depends(stranger)]
)

Token = Annotated[str, Path(min_length=1, max_length=100, description="From the link in the mail.")]


class Subscription(BaseModel):
    """Messages of a clinic. `topic` is the preference they hang on."""

    topic: str
    is_declined: bool
    clinic_name: str


ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "For programs, or for people whose browser asks for a page",
        "model": Subscription,
        "content": {"text/html": {"schema": {"type": "string"}}},
    }
}


@router.get(
    "/{message_id}/{token}",
    summary="Show which messages a link would stop",
    response_model=None,
    responses=ANSWERS | documented(404, 422, 429, 500, 503),
)
async def show_subscription(
    message_id: UUID, token: Token, request: Request, held: Held
) -> Response:
    """Changes nothing, however often it is asked."""
    return await _answer("subscription_for_token", message_id, token, request, held)


@router.post(
    "/{message_id}/{token}",
    summary="Stop messages of this kind",
    response_model=None,
    responses=ANSWERS | documented(404, 413, 422, 429, 500, 503),
)
async def unsubscribe(message_id: UUID, token: Token, request: Request, held: Held) -> Response:
    """Counts at once, also for what is queued. Again: the same answer."""
    return await _answer("unsubscribe", message_id, token, request, held)


async def _answer(
    function: str, message_id: UUID, token: str, request: Request, held: Resources
) -> Response:
    is_page = "text/html" in request.headers.get("accept", "")
    asked = {
        "notification_id": str(message_id),
        "token_hash": hashlib.sha256(token.encode()).hexdigest(),
    }
    try:
        row = await _row(held, function, asked)
    except (ProblemError, APIError) as error:
        refusal = refusal_of(error) if isinstance(error, APIError) else error
        if not is_page:
            raise refusal from None
        page = refusal_page(refusal.key, "en", held.settings.appoint_site_url)
        return _page(page, refusal.status)
    if is_page:
        site_url = held.settings.appoint_site_url
        return _page(
            subscription_page(
                row["topic"], row["is_declined"], row["clinic_name"], row["locale"], site_url
            )
        )
    return Response(
        Subscription.model_validate(row).model_dump_json(), media_type="application/json"
    )


async def _row(held: Resources, function: str, asked: dict[str, str]) -> dict[str, Any]:
    """Raises ProblemError if there is no such link."""
    answer = await held.service.schema("worker").rpc(function, asked).execute()
    data: Any = answer.data
    row: dict[str, Any] | None = next(iter(data), None) if isinstance(data, list) else data
    if row is None:
        raise ProblemError(404, *BY_STATUS[404])
    return row


def _page(content: str, status: int = 200) -> Response:
    return HTMLResponse(content, status, headers={"Content-Security-Policy": POLICY})
