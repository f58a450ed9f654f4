"""What a mail must look like to be accepted, and Resend's way of saying that it does not."""

from __future__ import annotations

import base64
import binascii
import mimetypes
import re
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from typing import Any

MAX_RECIPIENTS = 50
MAX_SCHEDULED_AHEAD = timedelta(days=30)
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;.]+")
TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
ADDRESS_FORMAT = "`email@example.com` or `Name <email@example.com>` format"


class ApiError(Exception):
    """An answer of the API that is an error: `{statusCode, name, message}`."""

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers: dict[str, str] = {}
        self.body = {"statusCode": status, "name": name, "message": message}


def invalid(message: str) -> ApiError:
    """The answer to a field that is there but wrong."""
    return ApiError(422, "validation_error", message)


def unavailable(message: str) -> ApiError:
    """The answer when the trouble is on this side."""
    return ApiError(500, "internal_server_error", message)


def accepted(body: Any) -> dict[str, Any]:
    """The mail a request body describes, every field present. Raises ApiError."""
    if not isinstance(body, dict):
        raise invalid("The request body must be an object.")
    for field in ("from", "to", "subject"):
        if not body.get(field):
            raise ApiError(422, "missing_required_field", f"Missing `{field}` field.")
    if not body.get("html") and not body.get("text"):
        raise ApiError(422, "missing_required_field", "Missing `html` or `text` field.")
    return {
        "from": _addresses(body, "from")[0],
        "to": _addresses(body, "to"),
        "cc": _addresses(body, "cc"),
        "bcc": _addresses(body, "bcc"),
        "reply_to": _addresses(body, "reply_to"),
        "subject": _one_line(body["subject"], "subject"),
        "html": _text(body, "html"),
        "text": _text(body, "text"),
        "headers": _headers(body.get("headers") or {}),
        "attachments": [_attachment(one) for one in _list(body, "attachments")],
        "tags": [_tag(one) for one in _list(body, "tags")],
        "scheduled_at": scheduled_time(body.get("scheduled_at")),
    }


def bare_address(address: str) -> str:
    """The mailbox itself, without a name, in lower case: addresses are compared so."""
    return parseaddr(address)[1].lower()


def scheduled_time(value: Any) -> str | None:
    """An ISO 8601 instant in UTC within the next 30 days. Raises ApiError."""
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value).astimezone(UTC)
    except (TypeError, ValueError):
        raise invalid("The `scheduled_at` field must be an ISO 8601 date.") from None
    if at > datetime.now(UTC) + MAX_SCHEDULED_AHEAD:
        raise invalid("The `scheduled_at` field must be within 30 days.")
    return at.isoformat(timespec="microseconds")


def _addresses(body: dict[str, Any], field: str) -> list[str]:
    value = body.get(field) or []
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or len(values) > MAX_RECIPIENTS:
        raise invalid(f"The `{field}` field must have at most {MAX_RECIPIENTS} recipients.")
    for address in values:
        name_and_address = _one_line(address, field)
        if not ADDRESS.fullmatch(parseaddr(name_and_address)[1]):
            raise invalid(
                f"Invalid `{field}` field. The email address needs to follow the {ADDRESS_FORMAT}."
            )
    return values


def _one_line(value: Any, field: str) -> str:
    if not isinstance(value, str):
        raise invalid(f"The `{field}` field must be a `string`.")
    if CONTROL.search(value):
        raise invalid(f"The `{field}` field must not contain control characters.")
    return value


def _text(body: dict[str, Any], field: str) -> str | None:
    value = body.get(field)
    if value is not None and not isinstance(value, str):
        raise invalid(f"The `{field}` field must be a `string`.")
    return value


def _headers(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise invalid("The `headers` field must be an `object`.")
    for name, content in value.items():
        if not re.fullmatch(r"[!-9;-~]+", name):
            raise invalid("The `headers` field has an invalid header name.")
        _one_line(content, "headers")
    return value


def _list(body: dict[str, Any], field: str) -> list[Any]:
    value = body.get(field) or []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise invalid(f"The `{field}` field must be a list of objects.")
    return value


def _attachment(given: dict[str, Any]) -> dict[str, Any]:
    """An attachment with its content in base64; one given by address keeps that address."""
    name, content = given.get("filename"), given.get("content")
    if content is None and not given.get("path"):
        raise ApiError(422, "invalid_attachment", "Attachment must have a `content` or `path`.")
    if not name and not given.get("path"):
        raise ApiError(422, "invalid_attachment", "Attachment must have a `filename`.")
    try:
        if isinstance(content, list):
            content = base64.b64encode(bytes(content)).decode()
        elif content is not None:
            base64.b64decode(content, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise ApiError(422, "invalid_attachment", "Attachment `content` is not base64.") from None
    filename = _one_line(name or str(given["path"]).rpartition("/")[2], "attachments")
    return {
        "filename": filename,
        "content_type": _one_line(
            given.get("content_type")
            or mimetypes.guess_type(filename)[0]
            or "application/octet-stream",
            "attachments",
        ),
        "content": content,
        "path": given.get("path"),
        "content_id": given.get("content_id") or given.get("inline_content_id"),
    }


def _tag(given: dict[str, Any]) -> dict[str, str]:
    for part in ("name", "value"):
        if not isinstance(given.get(part), str) or not TAG.fullmatch(given[part]):
            raise invalid(
                "Tags should only contain ASCII letters, numbers, underscores, or dashes."
            )
    return {"name": given["name"], "value": given["value"]}
