"""Notes who was refused: a refusal rolls back whatever the database could write of it.

One line each, with status, part, code and the subject that the token names, true or not. Nothing of
the address, the query or the body, which hold tokens and personal data.
"""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import jwt
from aiohttp import web

log = logging.getLogger("gateway")

# Codes of PostgREST, PostgreSQL and Auth, and the keys of our own errors.
CODE = re.compile(r"[A-Za-z0-9_]{1,40}")
SUBJECT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
OWN = re.compile(r"PT\d{3}")
NOTHING = "-"


def note(request: web.Request, part: str, answer: web.StreamResponse) -> None:
    """Write the line, if the answer is a refusal."""
    if 400 <= answer.status < 500:
        log.info("refused: %s by %s, %s to %s", answer.status, part, _code(answer), _who(request))


def _code(answer: web.StreamResponse) -> str:
    body = answer.body if isinstance(answer, web.Response) else None
    try:
        said: Any = json.loads(body) if isinstance(body, bytes) else None
    except ValueError:
        said = None
    if not isinstance(said, dict):
        return NOTHING
    code = str(said.get("error_code", said.get("code", NOTHING)))
    # PT404 and the like say only the status; the key is the message.
    if OWN.fullmatch(code):
        code = str(said.get("message"))
    return code if CODE.fullmatch(code) else NOTHING


def _who(request: web.Request) -> str:
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        return NOTHING
    subject = str(claims.get("sub", NOTHING))
    return subject if SUBJECT.fullmatch(subject) else NOTHING
