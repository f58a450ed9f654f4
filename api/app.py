"""The application: routes, what surrounds them, and what it holds open while it runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from api import error_responses, openapi
from api.access_tokens import AccessTokens
from api.dependencies import Resources
from api.metrics import Metrics
from api.middleware import BodyLimit, Deadline, RequestSurroundings
from api.routes import (
    actions,
    clinics,
    health,
    imports,
    members,
    people,
    resend_webhook,
    staff_invitations,
    unsubscribe,
)
from api.strangers import Strangers
from api.vouchers import Vouchers
from appoint.settings import Settings
from appoint.supabase_clients import http_pool, service_client

DESCRIPTION = """What a browser must never do itself. Booking needs none of this: browsers speak to
Supabase directly, under row-level security. Every refusal is RFC 9457 problem details with a stable
`key`."""


def is_local(url: str) -> bool:
    """Whether only this machine can reach the address."""
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")


def create_app(settings: Settings) -> FastAPI:
    """The API over one Supabase project. Opens connections when it starts, not before."""

    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with http_pool() as http:
            vouchers = Vouchers()
            http.event_hooks["request"].append(vouchers)
            service = service_client(settings, http)
            vouchers.ask_as(service)
            app.state.resources = Resources(
                settings=settings,
                http=http,
                service=service,
                tokens=AccessTokens(settings, http),
                strangers=Strangers(),
                metrics=metrics,
            )
            yield

    app = FastAPI(
        title="Appoint",
        version="1",
        description=DESCRIPTION,
        lifespan=lifespan,
        servers=[{"url": settings.appoint_api_url}],
        # The page loads its scripts from elsewhere: fine on a developer's machine, nowhere else.
        docs_url="/docs" if is_local(settings.appoint_api_url) else None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
        redirect_slashes=False,
    )
    error_responses.install(app)
    openapi.install(app)
    for routes in (
        health,
        clinics,
        staff_invitations,
        members,
        imports,
        people,
        actions,
        unsubscribe,
        resend_webhook,
    ):
        app.include_router(routes.router)
    # The last added is the outermost.
    app.add_middleware(Deadline)
    app.add_middleware(BodyLimit)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(settings.appoint_site_origins),
        allow_methods=["GET", "POST", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-Request-Id"],
        expose_headers=["X-Request-Id", "Retry-After", "Idempotent-Replayed"],
        max_age=600,
    )
    app.add_middleware(RequestSurroundings, metrics=metrics)
    return app
