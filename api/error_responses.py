"""One shape for every refusal: RFC 9457 problem details with the keys of `docs/errors.md`.

`key` is what programs compare, `title` and `detail` are for people. Nothing internal leaves: an
unknown failure is `internal_error` with a request id, and its cause is in the log.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

import httpx
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from postgrest.exceptions import APIError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from appoint.errors import ERRORS, NotSignedIn, Unexpected, from_api_error
from appoint.logs import request_id

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
# PostgREST's codes for: cannot connect, connection lost, schema not loaded, no free connection.
NO_DATABASE = ("PGRST000", "PGRST001", "PGRST002", "PGRST003")


# What only the API can run into, besides the database's own keys.
OWN_KEYS = {
    "method_not_allowed": 405,
    "request_timeout": 408,
    "request_in_progress": 409,
    "body_too_large": 413,
    "unsupported_media_type": 415,
    "too_many_requests": 429,
    "internal_error": 500,
    "unavailable": 503,
    "queue_overdue": 503,
    "mail_refused": 503,
}
KEYS = sorted(OWN_KEYS.keys() | ERRORS.keys())


class FieldError(BaseModel):
    """What is wrong with one part of a request; never repeats what was sent."""

    field: str = Field(examples=["body.email"])
    message: str = Field(examples=["value is not a valid email address"])


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str = "about:blank"
    key: str = Field(
        description="Stable, for programs.",
        examples=["not_allowed"],
        json_schema_extra={"enum": list(KEYS)},
    )
    title: str = Field(examples=["Forbidden"])
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="A sentence for people.")
    request_id: str | None = Field(default=None, description="Quote it when asking for help.")
    errors: list[FieldError] | None = None


class ProblemError(Exception):
    """A refusal with its answer."""

    def __init__(
        self, status: int, key: str, detail: str, headers: dict[str, str] | None = None
    ) -> None:
        assert key in KEYS, f"{key} is not documented"
        super().__init__(key)
        self.status = status
        self.key = key
        self.detail = detail
        self.headers = headers


NOT_SIGNED_IN = (401, "not_signed_in", "Sign in and send a valid access token.")
UNAVAILABLE = (503, "unavailable", "The service cannot be reached right now. Try again shortly.")
INVALID = ("invalid_input", "Something is missing or does not fit.")
INTERNAL = (500, "internal_error", "Something went wrong on our side. It has been recorded.")

BY_STATUS = {
    422: INVALID,
    401: NOT_SIGNED_IN[1:],
    403: ("not_allowed", "You may not do this."),
    404: ("not_found", "There is nothing here."),
    405: ("method_not_allowed", "This address does not take that method."),
    408: ("request_timeout", "The request did not arrive in time."),
    413: ("body_too_large", "The request is too large."),
    415: ("unsupported_media_type", "The content is not of a kind that is taken here."),
}


def not_signed_in() -> ProblemError:
    return ProblemError(*NOT_SIGNED_IN, headers={"WWW-Authenticate": "Bearer"})


def unavailable() -> ProblemError:
    return ProblemError(*UNAVAILABLE, headers={"Retry-After": "5"})


def problem_response(
    status: int,
    key: str,
    detail: str,
    headers: dict[str, str] | None = None,
    errors: list[FieldError] | None = None,
) -> JSONResponse:
    problem = Problem(
        key=key,
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        request_id=request_id.get(),
        errors=errors,
    )
    return JSONResponse(
        problem.model_dump(exclude_none=True), status, headers, media_type=MEDIA_TYPE
    )


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route, so that OpenAPI tells which refusals to expect."""
    return {
        status: {"description": HTTPStatus(status).phrase, "model": Problem} for status in statuses
    }


def refusal_of(error: APIError) -> ProblemError:
    """What a refusal of the database means to the caller; of its words only our own hints pass."""
    refused = from_api_error(error)
    if isinstance(refused, NotSignedIn):
        return not_signed_in()
    if not isinstance(refused, Unexpected):
        detail = refused.hint or BY_STATUS.get(refused.status, INVALID)[1]
        return ProblemError(refused.status, refused.key, detail)
    # No connection, no pool, statement or lock timeouts, shutting down: not the caller's fault.
    if refused.code in NO_DATABASE or refused.code[:2] in ("08", "53", "57"):
        return unavailable()
    logger.error("database_answered_unexpectedly", extra={"code": refused.code})
    return ProblemError(*INTERNAL)


def install(app: FastAPI) -> None:
    """Make the application answer every failure in this shape."""
    app.add_exception_handler(ProblemError, _problem)
    app.add_exception_handler(APIError, _database_refusal)
    app.add_exception_handler(httpx.HTTPError, _unreachable)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(RequestValidationError, _invalid)


async def _problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProblemError)
    request.state.refusal = error.key  # for the log line
    return problem_response(error.status, error.key, error.detail, error.headers)


async def _database_refusal(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, APIError)
    return await _problem(request, refusal_of(error))


async def _unreachable(request: Request, error: Exception) -> JSONResponse:
    logger.error("supabase_unreachable", extra={"error": type(error).__name__})
    return await _problem(request, unavailable())


async def _http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    # The framework's 400 is a body it cannot read: malformed like any other.
    status = 422 if error.status_code == 400 else error.status_code
    key, detail = BY_STATUS.get(status, INVALID)
    request.state.refusal = key
    headers = dict(error.headers) if error.headers else None
    return problem_response(status, key, detail, headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    request.state.refusal = INVALID[0]
    errors = [
        FieldError(field=".".join(str(part) for part in fault["loc"]), message=fault["msg"])
        for fault in error.errors()
    ]
    return problem_response(
        422, "invalid_input", "Some fields are missing or malformed.", errors=errors
    )
