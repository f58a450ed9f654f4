"""Cross-origin rules: any page may call, with any header, and read the headers clients need."""

from __future__ import annotations

from aiohttp import web
from multidict import CIMultiDict

METHODS = "GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS,TRACE,CONNECT"
EXPOSED = ",".join(
    (
        "Content-Range",
        "Content-Location",
        "Content-Profile",
        "Location",
        "Preference-Applied",
        "Range-Unit",
        "Link",
        "X-Total-Count",
        "X-Supabase-Api-Version",
        "X-Sb-Error-Code",
        "Retry-After",
    )
)


def is_preflight(request: web.BaseRequest) -> bool:
    """Whether a browser asks if it may send the real request."""
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


def preflight_answer(request: web.BaseRequest) -> web.Response:
    """Yes, with whatever headers were asked for."""
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Max-Age": "3600",
        "Vary": "Access-Control-Request-Headers",
    }
    wanted = request.headers.get("Access-Control-Request-Headers")
    if wanted:
        headers["Access-Control-Allow-Headers"] = wanted
    return web.Response(status=200, headers=headers)


def allow_any_origin(headers: CIMultiDict[str]) -> None:
    """Replace what the part behind said: the gateway answers for all of them."""
    for name in [name for name in headers if name.lower().startswith("access-control-")]:
        headers.popall(name, None)
    headers["Access-Control-Allow-Origin"] = "*"
    headers["Access-Control-Expose-Headers"] = EXPOSED
