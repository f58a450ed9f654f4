"""Errors as Supabase Auth answers them.

    AuthError            {code, message} or {code: <http>, error_code, msg}, by the API version
     ├─ WeakPassword     the same with the reasons
     └─ DatabaseTimeout  the database did not answer in time

Clients of 2024-01-01 or later say so in a header, which is echoed, and tell errors apart by `code`.
"""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

API_VERSION_HEADER = "x-supabase-api-version"
API_VERSION = "2024-01-01"


class AuthError(Exception):
    """An answer that is no success: HTTP status, stable code, a sentence without contacts."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message

    def details(self) -> dict[str, Any]:
        """What stands in the body besides code and message."""
        return {}


class WeakPassword(AuthError):
    """The password does not meet the rules; `reasons` is made of `length` and `characters`."""

    def __init__(self, message: str, reasons: list[str]) -> None:
        super().__init__(422, "weak_password", message)
        self.reasons = reasons

    def details(self) -> dict[str, Any]:
        return {"weak_password": {"reasons": self.reasons}}


class DatabaseTimeout(AuthError):
    """Clients treat this status as worth a retry."""

    def __init__(self) -> None:
        message = "Processing this request timed out, please retry after a moment."
        super().__init__(504, "request_timeout", message)


def validation_failed(message: str, status: int = 400) -> AuthError:
    return AuthError(status, "validation_failed", message)


def unexpected_failure(message: str) -> AuthError:
    return AuthError(500, "unexpected_failure", message)


def error_response(request: Request, error: AuthError) -> JSONResponse:
    """The error in the shape that this client's API version expects."""
    headers = {"x-sb-error-code": error.code}
    version = request.headers.get(API_VERSION_HEADER, "")
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", version) and version >= API_VERSION:
        headers[API_VERSION_HEADER] = API_VERSION
        body: dict[str, Any] = {"code": error.code, "message": error.message}
    else:
        body = {"code": error.status, "error_code": error.code, "msg": error.message}
    return JSONResponse(body | error.details(), error.status, headers)
