"""Serves the built web client (`web/dist`) on loopback; a stand-in for any static hosting.

Every address that is no file answers with the page itself, which knows its own routes.
`/config.json` tells the page which Supabase and which API it belongs to, so that one build fits
every stack. The page may run its own scripts only and talk to these only.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
import mimetypes
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from stack.config import HOST, PROJECT_DIR, StackConfig

DIST = PROJECT_DIR / "web" / "dist"
# Smaller answers gain nothing.
COMPRESSED_FROM_BYTES = 1024
COMPRESSIBLE = ("text/", "application/javascript", "application/json", "image/svg+xml")


@dataclass(frozen=True)
class BuiltFile:
    """One file of the build, read once and compressed once."""

    content: bytes
    compressed: bytes | None
    content_type: str
    cache_control: str


def is_built() -> bool:
    """Whether there is anything to serve; without Node's build the stack runs without a client."""
    return (DIST / "index.html").is_file()


def read_build(dist: Path) -> dict[str, BuiltFile]:
    """The files of a build by the address they are served at."""
    return {
        f"/{path.relative_to(dist).as_posix()}": _read(path, dist)
        for path in dist.rglob("*")
        if path.is_file()
    }


def _read(path: Path, dist: Path) -> BuiltFile:
    content = path.read_bytes()
    content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if content_type == "text/javascript":
        content_type = "application/javascript"
    is_worth_it = content_type.startswith(COMPRESSIBLE) and len(content) >= COMPRESSED_FROM_BYTES
    # Names under assets/ carry a hash of the content.
    is_hashed = path.relative_to(dist).parts[0] == "assets"
    return BuiltFile(
        content=content,
        compressed=gzip.compress(content, mtime=0) if is_worth_it else None,
        content_type=content_type,
        cache_control="public, max-age=31536000, immutable" if is_hashed else "no-cache",
    )


class Site:
    """The build that is on the disk now; one that is just being written is not looked at."""

    def __init__(self, dist: Path) -> None:
        self._dist = dist
        self._built_at = 0
        self._files: dict[str, BuiltFile] = {}

    def files(self) -> dict[str, BuiltFile]:
        try:
            built_at = (self._dist / "index.html").stat().st_mtime_ns
        except FileNotFoundError:
            return self._files
        if built_at != self._built_at:
            self._files, self._built_at = read_build(self._dist), built_at
        return self._files


def security_headers(config: StackConfig) -> dict[str, str]:
    """What the page may load and talk to, and that nobody frames it."""
    socket = config.gateway_url.replace("http", "ws", 1)
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "connect-src": f"'self' {config.gateway_url} {socket} {config.api_url}",
        "manifest-src": "'self'",
        "worker-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    }


def make_app(config: StackConfig, dist: Path = DIST) -> web.Application:
    """The site of one stack."""
    site = Site(dist)
    headers = security_headers(config)

    async def health(request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def client_config(request: web.Request) -> web.Response:
        return web.json_response(
            {
                "supabaseUrl": config.gateway_url,
                "supabasePublishableKey": config.keys.publishable,
                "apiUrl": config.api_url,
            },
            headers={**headers, "Cache-Control": "no-store"},
        )

    async def page_or_file(request: web.Request) -> web.Response:
        files = site.files()
        found = files.get(request.path)
        if found is None and request.path.startswith("/assets/"):
            raise web.HTTPNotFound(headers=headers)
        return _answer(request, found or files["/index.html"], headers)

    app = web.Application()
    app.router.add_get("/health", health)
    app.router.add_get("/config.json", client_config)
    app.router.add_get("/{path:.*}", page_or_file)
    return app


def _answer(request: web.Request, file: BuiltFile, headers: dict[str, str]) -> web.Response:
    answer_headers = {
        **headers,
        "Content-Type": file.content_type,
        "Cache-Control": file.cache_control,
        "Vary": "Accept-Encoding",
    }
    if file.compressed and "gzip" in request.headers.get("Accept-Encoding", ""):
        return web.Response(
            body=file.compressed, headers={**answer_headers, "Content-Encoding": "gzip"}
        )
    return web.Response(body=file.content, headers=answer_headers)


async def serve(config: StackConfig) -> None:
    """Listen on the stack's web port until SIGTERM or SIGINT."""
    runner = web.AppRunner(make_app(config), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, HOST, config.ports.web).start()
    print(  # noqa: T201
        f"Web client, served for development on http://{HOST}:{config.ports.web}", flush=True
    )
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
    await runner.cleanup()


if __name__ == "__main__":
    logging.basicConfig(format="%(asctime)s %(name)s %(message)s", level=logging.INFO)
    asyncio.run(serve(StackConfig.load(Path(sys.argv[1]))))
