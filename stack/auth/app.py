"""The application: every path of the API and the handler behind it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import psycopg
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from stack.auth import (
    account,
    admin,
    admin_links,
    factors,
    mail_requests,
    sessions,
    sign_in,
    sign_up,
    verification,
)
from stack.auth.access_tokens import AccessTokens
from stack.auth.calls import AuthServer, Call, Handler, endpoint
from stack.auth.database import Database
from stack.auth.errors import AuthError, error_response, unexpected_failure
from stack.auth.mailer import Mailer
from stack.auth.settings import AuthSettings
from stack.config import StackConfig


def create_app(config: StackConfig) -> Starlette:
    settings = AuthSettings.load(config)
    server = AuthServer(
        config=config,
        settings=settings,
        database=Database(config),
        tokens=AccessTokens(config),
        mailer=Mailer(config, settings),
    )

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await server.database.open()
        yield
        await server.database.close()

    app = Starlette(
        routes=_routes(),
        lifespan=lifespan,
        exception_handlers={
            AuthError: _answer_error,
            psycopg.Error: _answer_database_error,
            HTTPException: _answer_unknown_path,
            Exception: _answer_bug,
        },
    )
    app.state.server = server
    return app


def _routes() -> list[Route]:
    return [
        _route("GET", "/health", health),
        _route("GET", "/settings", show_settings),
        _route("GET", "/.well-known/jwks.json", show_keys),
        _route("POST", "/signup", sign_up.sign_up),
        _route("POST", "/token", sign_in.token),
        _route("POST", "/logout", sessions.logout),
        _route("GET", "/user", account.show_user),
        _route("PUT", "/user", account.change_user),
        _route("POST", "/recover", mail_requests.recover),
        _route("POST", "/otp", mail_requests.otp),
        _route("POST", "/magiclink", mail_requests.magic_link),
        _route("POST", "/resend", mail_requests.resend),
        _route("GET", "/reauthenticate", mail_requests.reauthenticate),
        _route("GET", "/verify", verification.verify_by_link),
        _route("POST", "/verify", verification.verify_by_code),
        _route("POST", "/factors", factors.enroll),
        _route("POST", "/factors/{factor_id}/challenge", factors.challenge),
        _route("POST", "/factors/{factor_id}/verify", factors.verify),
        _route("DELETE", "/factors/{factor_id}", factors.unenroll),
        _route("POST", "/invite", admin_links.invite),
        _route("POST", "/admin/generate_link", admin_links.generate_link),
        _route("GET", "/admin/users", admin.list_users),
        _route("POST", "/admin/users", admin.create),
        _route("GET", "/admin/users/{user_id}", admin.show),
        _route("PUT", "/admin/users/{user_id}", admin.change),
        _route("DELETE", "/admin/users/{user_id}", admin.delete),
        _route("GET", "/admin/users/{user_id}/factors", admin.list_factors),
        _route("DELETE", "/admin/users/{user_id}/factors/{factor_id}", admin.delete_factor),
        _unavailable("/authorize", 400, "validation_failed", "provider is not enabled"),
        _unavailable("/callback", 400, "validation_failed", "provider is not enabled"),
        _unavailable("/sso", 404, "saml_provider_disabled", "SAML 2.0 is disabled"),
        _unavailable(
            "/user/identities/{rest:path}",
            404,
            "manual_linking_disabled",
            "Manual linking is disabled",
        ),
        _unavailable("/passkeys/{rest:path}", 404, "passkey_disabled", "Passkeys are disabled"),
        _unavailable("/oauth/{rest:path}", 404, "feature_disabled", "OAuth server is disabled"),
    ]


def _route(method: str, path: str, handler: Handler) -> Route:
    return Route(path, endpoint(handler), methods=[method])


def _unavailable(path: str, status: int, code: str, message: str) -> Route:
    async def refuse(request: Request) -> Response:
        return error_response(request, AuthError(status, code, message))

    return Route(path, refuse, methods=["GET", "POST", "PUT", "DELETE"])


async def health(call: Call) -> Response:
    description = "Supabase Auth stand-in for development and tests"
    return JSONResponse({"version": "stand-in", "name": "GoTrue", "description": description})


async def show_settings(call: Call) -> Response:
    settings = call.settings
    providers = {
        "anonymous_users": settings.anonymous_enabled,
        "email": settings.email_enabled,
        "phone": False,
    }
    return JSONResponse(
        {
            "external": providers,
            "disable_signup": not settings.signup_enabled,
            "mailer_autoconfirm": settings.autoconfirm,
            "phone_autoconfirm": False,
            "sms_provider": "",
            "saml_enabled": False,
            "passkeys_enabled": False,
        }
    )


async def show_keys(call: Call) -> Response:
    headers = {"cache-control": "public, max-age=600"}
    return JSONResponse(call.server.config.public_jwks, headers=headers)


ErrorHandler = Callable[[Request, Exception], Awaitable[Response]]


async def _answer_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, AuthError)
    if error.status >= 500:
        _log(request, error.code, error.__cause__ or error)
    return error_response(request, error)


async def _answer_database_error(request: Request, error: Exception) -> Response:
    """Such as a trigger of the project that refuses a new user."""
    assert isinstance(error, psycopg.Error)
    _log(request, f"sqlstate={error.sqlstate}", error)
    return error_response(request, unexpected_failure("Database error saving or reading the user"))


async def _answer_unknown_path(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return error_response(request, AuthError(error.status_code, "not_found", error.detail))


async def _answer_bug(request: Request, error: Exception) -> Response:
    _log(request, "unexpected", error)
    message = "Unexpected failure, please check server logs for more information"
    return error_response(request, unexpected_failure(message))


def _log(request: Request, what: str, error: BaseException) -> None:
    # Types and codes only: messages of the database can carry addresses.
    path = request.scope["route"].path if "route" in request.scope else request.url.path
    sys.stderr.write(f"{request.method} {path} {what} {type(error).__name__}\n")
