"""API keys: who may pass, and as which role the parts behind the gateway see them.

Only the gateway understands `sb_publishable_…` and `sb_secret_…`; behind it they are the legacy
`anon` and `service_role` tokens. A legacy key passes as it is.
"""

from __future__ import annotations

import hmac

from aiohttp import web
from multidict import CIMultiDict

from stack.config import Keys


class KeyRefused(Exception):
    """The request has no valid API key; `hint` tells a person what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def presented_key(request: web.BaseRequest) -> str | None:
    """The key of a request: the `apikey` header, else the query parameter of that name."""
    return request.headers.get("apikey") or request.query.get("apikey") or None


def token_for(key: str | None, keys: Keys) -> str | None:
    """The token that stands for a new-style key behind the gateway; None for any other key."""
    if key is None:
        return None
    if hmac.compare_digest(key.encode(), keys.secret.encode()):
        return keys.service_role
    if hmac.compare_digest(key.encode(), keys.publishable.encode()):
        return keys.anon
    return None


def check(request: web.BaseRequest, keys: Keys) -> str:
    """The request's key if it is one of this stack's four.

    Raises KeyRefused when it is missing or unknown, or a secret key comes from a browser.
    """
    key = presented_key(request)
    if key is None:
        raise KeyRefused(
            "No API key found in request",
            "No `apikey` request header or url param was found.",
        )
    if token_for(key, keys) is None and key not in (keys.anon, keys.service_role):
        raise KeyRefused(
            "Invalid API key",
            "Double check your Supabase `anon` or `service_role` API key.",
        )
    check_not_in_browser(request, key, keys)
    return key


def check_not_in_browser(request: web.BaseRequest, key: str | None, keys: Keys) -> None:
    """Raises KeyRefused for a secret key sent by a browser, which has leaked to its user."""
    if key == keys.secret and request.headers.get("User-Agent", "").startswith("Mozilla/"):
        raise KeyRefused(
            "Forbidden use of secret API key in browser",
            "Secret API keys can only be used in a protected environment and should never be "
            "used in a browser. Delete this secret API key immediately.",
        )


def authorize(headers: CIMultiDict[str], key: str, keys: Keys) -> None:
    """Set `Authorization` as the parts expect it: a user's token stays, else the key speaks."""
    present = headers.get("Authorization")
    if present is not None and not present.startswith("Bearer sb_"):
        return
    token = token_for(key, keys)
    headers["Authorization"] = f"Bearer {token}" if token else key
