"""Connections to the mail provider, kept for the next request, behind Resend's own interface.

They are aiohttp's: with several requests at once, one through httpx takes twelve times the
processor time, which was half of all that a mail with an invitation cost.
"""

from __future__ import annotations

import json as standard_json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
import resend

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 20.0
IDLE_SECONDS = 30.0
COMPACT = partial(standard_json.dumps, ensure_ascii=False, separators=(",", ":"))


@asynccontextmanager
async def provider_connections(url: str, most: int) -> AsyncIterator[resend.AsyncHTTPClient]:
    """To the provider at `url`, at most so many at once, closed at the end; through the proxy that
    the environment names (`HTTPS_PROXY`, `NO_PROXY`).

    Each sending has a deadline of its own; the times here only bound what a dead network could
    hold.
    """
    connector = aiohttp.TCPConnector(
        limit=most,
        keepalive_timeout=IDLE_SECONDS,
        # Trusted is whom the connections to Supabase trust.
        ssl=httpx.create_ssl_context(),
    )
    async with aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(
            total=None, sock_connect=CONNECT_SECONDS, sock_read=ANSWER_SECONDS
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        json_serialize=COMPACT,
        proxy=_proxy_to(url),
    ) as session:
        yield _Connections(session)


def _proxy_to(url: str) -> str | None:
    # Once, and not aiohttp's `trust_env`: it reads the environment and ~/.netrc at every request.
    address = urlsplit(url)
    if proxy_bypass(address.hostname or ""):
        return None
    return getproxies().get(address.scheme)


class _Connections(resend.AsyncHTTPClient):
    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def request(  # noqa: PLR0917 - the library's signature
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        json: Any = None,
        files: Any = None,
        data: Any = None,
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Raises what aiohttp raises; the package makes its own error of it."""
        # Elsewhere the key must not go; a moved address is an operator's to put right.
        async with self._session.request(
            method.upper(), url, headers=headers, json=json, allow_redirects=False
        ) as answer:
            return await answer.read(), answer.status, answer.headers
