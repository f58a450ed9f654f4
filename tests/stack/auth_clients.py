"""How the tests of Auth reach it: stock clients, mail, and servers of their own."""

from __future__ import annotations

import contextlib
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from supabase_auth import AsyncGoTrueClient

from stack.config import HOST, PROJECT_DIR, StackConfig

PASSWORD = "correct-horse-battery"
# There is no TLS on loopback, and reading the certificates takes longer than most tests.
NO_TLS: dict[str, Any] = {"verify": False}


def new_address() -> str:
    return f"person-{secrets.token_hex(8)}@example.test"


def auth_client(stack: StackConfig, **options: Any) -> AsyncGoTrueClient:
    """The stock client through the gateway, as a browser would be configured."""
    return AsyncGoTrueClient(
        url=f"{stack.gateway_url}/auth/v1",
        headers={"apikey": stack.keys.publishable},
        auto_refresh_token=False,
        **NO_TLS,
        **options,
    )


def admin_client(stack: StackConfig) -> AsyncGoTrueClient:
    """The stock client with the secret key; its `admin` may do everything."""
    key = stack.keys.secret
    return AsyncGoTrueClient(
        url=f"{stack.gateway_url}/auth/v1",
        headers={"apikey": key, "Authorization": f"Bearer {key}"},
        auto_refresh_token=False,
        **NO_TLS,
    )


def gateway(stack: StackConfig, *, secret: bool = False, **options: Any) -> httpx.AsyncClient:
    """Plain HTTP with a key, for what stock clients hide."""
    key = stack.keys.secret if secret else stack.keys.publishable
    url = f"{stack.gateway_url}/auth/v1"
    return httpx.AsyncClient(base_url=url, headers={"apikey": key}, **NO_TLS, **options)


@dataclass(frozen=True)
class Mail:
    subject: str
    html: str
    text: str

    @property
    def code(self) -> str:
        found = re.search(r"\b\d{6}\b", self.text)
        assert found, "the mail has no code"
        return found[0]

    @property
    def link(self) -> str:
        found = re.search(r"http\S+/verify\?\S+", self.text)
        assert found, "the mail has no link"
        return found[0]


def mails_to(stack: StackConfig, address: str) -> list[Mail]:
    """What the mailbox has for this address, oldest first."""
    url = f"{stack.mailbox_url}/inbox.json"
    found = httpx.get(url, params={"to": address}, **NO_TLS).raise_for_status().json()
    found.sort(key=lambda mail: mail["created_at"])
    return [Mail(mail["subject"], mail["html"], mail["text"]) for mail in found]


def last_mail_to(stack: StackConfig, address: str) -> Mail:
    mails = mails_to(stack, address)
    assert mails, "nothing arrived"
    return mails[-1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class OwnServer:
    """A second Auth over the same database, with other settings and without a gateway."""

    url: str

    def client(self, **options: Any) -> AsyncGoTrueClient:
        return AsyncGoTrueClient(url=self.url, auto_refresh_token=False, **NO_TLS, **options)

    def http(self, **options: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, **NO_TLS, **options)


@contextlib.contextmanager
def own_server(stack: StackConfig, directory: Path, **changes: Any) -> Iterator[OwnServer]:
    """`changes` are fields of StackConfig, `overrides` above all; ready when it is yielded."""
    port = free_port()
    ports = replace(changes.pop("ports", stack.ports), auth=port)
    replace(stack, directory=directory, ports=ports, **changes).save()
    process = subprocess.Popen(
        [sys.executable, "-m", "stack.auth", str(directory)], cwd=PROJECT_DIR
    )
    try:
        _wait_until_healthy(f"http://{HOST}:{port}/health", process)
        yield OwnServer(f"http://{HOST}:{port}")
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended at start"
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url, **NO_TLS).status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError("the server did not become healthy")
