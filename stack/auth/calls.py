"""One request as the handlers see it: parsed body, who is asking, and the server's parts."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from stack.auth.access_tokens import AccessTokens
from stack.auth.database import Database, Row, Transaction, fetch_one
from stack.auth.errors import AuthError, validation_failed
from stack.auth.mailer import Mailer
from stack.auth.redirects import allowed_redirect
from stack.auth.settings import AuthSettings
from stack.auth.users import find_user, is_banned
from stack.config import StackConfig

ADMIN_ROLES = ("service_role", "supabase_admin")


@dataclass(frozen=True)
class AuthServer:
    """What lives as long as the process."""

    config: StackConfig
    settings: AuthSettings
    database: Database
    tokens: AccessTokens
    mailer: Mailer


@dataclass(frozen=True)
class Person:
    """Whoever a bearer token speaks for; `session` is None for tokens made elsewhere."""

    user: Row
    session: Row | None

    @property
    def is_aal2(self) -> bool:
        return self.session is not None and self.session["aal"] == "aal2"


class Call:
    """A request with its JSON body."""

    def __init__(self, request: Request, body: dict[str, Any]) -> None:
        self.request = request
        self.body = body
        self.server: AuthServer = request.app.state.server

    @property
    def settings(self) -> AuthSettings:
        return self.server.settings

    def text(self, name: str) -> str:
        """A string of the body, '' when absent. Raises AuthError when it is something else."""
        value = self.body.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise AuthError(400, "bad_json", f"{name} must be a string")
        return value

    def mapping(self, name: str) -> dict[str, Any]:
        """An object of the body, {} when absent. Raises AuthError when it is something else."""
        value = self.body.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise AuthError(400, "bad_json", f"{name} must be an object")
        return value

    def path_uuid(self, name: str) -> UUID:
        try:
            return UUID(self.request.path_params[name])
        except ValueError:
            raise validation_failed(f"{name} must be an UUID", 404) from None

    @property
    def user_agent(self) -> str | None:
        return self.request.headers.get("user-agent")

    @property
    def client_address(self) -> str:
        """The IP address of the browser, as the gateway tells it."""
        forwarded = self.request.headers.get("x-forwarded-for", "").split(",")[0].strip()
        direct = self.request.client.host if self.request.client else ""
        for candidate in (forwarded, direct):
            try:
                return str(ipaddress.ip_address(candidate))
            except ValueError:
                continue
        return "127.0.0.1"

    @property
    def redirect_to(self) -> str:
        """Where the links of a mail lead in the end; always somewhere allowed."""
        return allowed_redirect(
            self.settings,
            self.request.headers.get("redirect_to")
            or self.request.query_params.get("redirect_to")
            or self.body.get("redirect_to"),
            self.request.headers.get("referer"),
        )

    def claims(self) -> dict[str, Any]:
        """The verified claims of the bearer token. Raises AuthError without a valid one."""
        header = self.request.headers.get("authorization", "")
        bearer = re.fullmatch(r"(?i:bearer) (\S+)", header)
        if not bearer:
            message = "This endpoint requires a valid Bearer token"
            raise AuthError(401, "no_authorization", message)
        return self.server.tokens.verify(bearer[1])

    def require_admin(self) -> None:
        """Raises AuthError unless the bearer token is a secret key's."""
        if self.claims().get("role") not in ADMIN_ROLES:
            raise AuthError(403, "not_admin", "User not allowed")

    async def person(self, tx: Transaction) -> Person:
        """Whoever is signed in. Raises AuthError when account or session are gone or banned."""
        claims = self.claims()
        user_id = _claimed_id(claims, "sub", "invalid claim: sub claim must be a UUID", 400)
        if user_id is None:
            raise AuthError(403, "bad_jwt", "invalid claim: missing sub claim")
        user = await find_user(tx, user_id)
        if user is None:
            raise AuthError(403, "user_not_found", "User from sub claim in JWT does not exist")
        problem = "invalid claim: session_id claim must be a UUID"
        session_id = _claimed_id(claims, "session_id", problem, 403)
        session = None
        if session_id is not None:
            session = await fetch_one(tx, "select * from auth.sessions where id = %s", session_id)
            if session is None:
                message = "Session from session_id claim in JWT does not exist"
                raise AuthError(403, "session_not_found", message)
        if is_banned(user):
            raise AuthError(403, "user_banned", "User is banned")
        return Person(user, session)


def _claimed_id(claims: dict[str, Any], name: str, problem: str, status: int) -> UUID | None:
    if not claims.get(name):
        return None
    try:
        return UUID(str(claims[name]))
    except ValueError:
        raise AuthError(status, "bad_jwt", problem) from None


Handler = Callable[[Call], Awaitable[Response]]


def endpoint(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """A handler as Starlette calls it: with the JSON body read, {} when there is none."""

    async def serve(request: Request) -> Response:
        return await handler(Call(request, _parse(await request.body())))

    return serve


def _parse(content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content) if content.strip() else {}
    except ValueError:
        raise AuthError(400, "bad_json", "Could not parse request body as JSON") from None
    if not isinstance(body, dict):
        raise AuthError(400, "bad_json", "The request body must be a JSON object")
    return body
