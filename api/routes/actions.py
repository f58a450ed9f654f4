"""Links in mails: what a patient does with one click, without signing in.

The token in the address is the key. It names a message and a version of its visit in the open; that
it is genuine, what it is for and until when, the database says, which sees no more than its hash.
GET only shows, because mail programs follow links to look for harm; POST acts. Whoever holds the
token acts for the patient, so the service key is used and the database applies the patient's rules.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import HTMLResponse
from postgrest.exceptions import APIError
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from api.action_page import POLICY, LinkedVisit, action_page, refusal_page
from api.dependencies import Held, Resources, stranger
from api.error_responses import BY_STATUS, ProblemError, documented, refusal_of

router = APIRouter(prefix="/v1/actions", tags=["links in mails"], dependencies=[Depends(stranger)])

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

Token = Annotated[str, Path(min_length=1, max_length=100, description="From the link in the mail.")]
# Message, version of its visit, proof: as `private.action_token` makes them.
TOKEN = re.compile(r"([0-9a-f]{32})\.([0-9]{1,9})\.[A-Za-z0-9_-]{43}")


class Action(BaseModel):
    """What the link is for, whether it can be used, and the visit it is about.

    `state` is usable, used, or the key of the error that using it would give.
    """

    action: str
    state: str
    clinic_name: str
    location_name: str
    location_address: str | None
    location_phone: str | None
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    status: str
    free_starts: list[datetime]


class Use(BaseModel):
    """What using a link needs besides pressing the button."""

    model_config = ConfigDict(extra="forbid")

    starts_at: AwareDatetime | None = None


ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "For programs, or for people whose browser asks for a page",
        "model": Action,
        "content": {"text/html": {"schema": {"type": "string"}}},
    }
}
BODY = {
    "requestBody": {
        "required": False,
        "content": {media_type: {"schema": Use.model_json_schema()} for media_type in (JSON, FORM)},
    }
}


@router.get(
    "/{token}",
    summary="Show what a link in a mail is for",
    response_model=None,
    responses=ANSWERS | documented(404, 422, 429, 500, 503),
)
async def show_action(token: Token, request: Request, held: Held) -> Response:
    """Changes nothing, however often it is asked."""
    try:
        visit = await _visit_of(held, token)
        slots = await _slots_for(held, token, visit)
    except (ProblemError, APIError) as error:
        return _refused(request, held, error)
    return _answer(request, held, visit, slots)


@router.post(
    "/{token}",
    summary="Do what a link in a mail is for",
    response_model=None,
    responses=ANSWERS | documented(404, 409, 410, 413, 415, 422, 429, 500, 503),
    openapi_extra=BODY,
)
async def use_action(token: Token, request: Request, held: Held) -> Response:
    """Done once; again, the same answer. Choosing another time needs `starts_at`."""
    visit = None
    try:
        visit = await _visit_of(held, token)
        use = _parsed(request, await request.body())
        starts_at = use.starts_at.isoformat() if use.starts_at else None
        arguments = _link(token) | {"starts_at": starts_at}
        used = await held.service.schema("worker").rpc("use_action", arguments).execute()
    except (ProblemError, APIError) as error:
        return _refused(request, held, error, visit)
    row: Any = used.data
    return _answer(request, held, LinkedVisit.from_row(row), [])


async def _visit_of(held: Resources, token: str) -> LinkedVisit:
    """Raises ProblemError if there is no such link."""
    answer = await held.service.schema("worker").rpc("action_for_token", _link(token)).execute()
    rows: list[Any] = answer.data  # type: ignore[assignment]
    if not rows:
        raise ProblemError(404, *BY_STATUS[404])
    return LinkedVisit.from_row(rows[0])


async def _slots_for(held: Resources, token: str, visit: LinkedVisit) -> list[datetime]:
    if visit.action != "reschedule" or visit.state != "usable":
        return []
    answer = await held.service.schema("worker").rpc("slots_for_action", _link(token)).execute()
    rows: list[Any] = answer.data  # type: ignore[assignment]
    return sorted({datetime.fromisoformat(row["starts_at"]) for row in rows})


def _link(token: str) -> dict[str, Any]:
    """What the database is told of a link. Raises ProblemError if it is none of ours."""
    found = TOKEN.fullmatch(token)
    if found is None:
        raise ProblemError(404, *BY_STATUS[404])
    return {
        "notification_id": found[1],
        "appointment_version": int(found[2]),
        "token_hash": hashlib.sha256(token.encode()).hexdigest(),
    }


def _parsed(request: Request, body: bytes) -> Use:
    """Raises ProblemError."""
    if not body:
        return Use()
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in (FORM, JSON):
        raise ProblemError(415, *BY_STATUS[415])
    try:
        if media_type == FORM:
            fields: Any = {name: values[-1] for name, values in parse_qs(body.decode()).items()}
        else:
            fields = json.loads(body)
        return Use.model_validate(fields)
    except (ValidationError, ValueError, RecursionError):
        raise ProblemError(422, *BY_STATUS[422]) from None


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _answer(
    request: Request, held: Resources, visit: LinkedVisit, slots: list[datetime]
) -> Response:
    if _wants_page(request):
        return _page(action_page(visit, slots, held.settings.appoint_site_url))
    shown = Action.model_validate(
        {name: getattr(visit, name) for name in Action.model_fields if name != "free_starts"}
        | {"free_starts": slots}
    )
    return Response(shown.model_dump_json(), media_type=JSON)


def _refused(
    request: Request,
    held: Resources,
    error: ProblemError | APIError,
    visit: LinkedVisit | None = None,
) -> Response:
    """A page for people; programs get the problem as everywhere."""
    refusal = refusal_of(error) if isinstance(error, APIError) else error
    if not _wants_page(request):
        raise refusal
    locale, phone = (visit.locale, visit.location_phone) if visit else ("en", None)
    page = refusal_page(refusal.key, locale, held.settings.appoint_site_url, phone)
    return _page(page, refusal.status)


def _page(content: str, status: int = 200) -> Response:
    return HTMLResponse(content, status, headers={"Content-Security-Policy": POLICY})
