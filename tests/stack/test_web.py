"""The server of the built web client: files, routes of the page, headers, configuration."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from stack import web
from stack.config import Keys, Ports, StackConfig


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Built</title>")
    (folder / "assets/page-1a2b.js").write_text("export const page = 1;\n" * 200)
    return folder


@pytest.fixture
async def client(tmp_path: Path, dist: Path) -> AsyncIterator[TestClient]:
    config = StackConfig(directory=tmp_path, ports=Ports(), keys=Keys.generate())
    async with TestClient(TestServer(web.make_app(config, dist))) as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/c/harbour-clinic", "/visits/1?new=1", "/index.html"])
async def test_every_address_of_the_page_is_the_page(client: TestClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status == 200
    assert "Built" in await answer.text()
    assert answer.headers["Cache-Control"] == "no-cache"


async def test_hashed_files_are_kept_for_ever_and_sent_compressed(client: TestClient) -> None:
    answer = await client.get(
        "/assets/page-1a2b.js", headers={"Accept-Encoding": "gzip"}, auto_decompress=False
    )
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.content_type == "application/javascript"
    assert gzip.decompress(await answer.read()).startswith(b"export const page")

    plain = await client.get("/assets/page-1a2b.js", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers


async def test_a_missing_script_is_missing_and_not_the_page(client: TestClient) -> None:
    assert (await client.get("/assets/page-0000.js")).status == 404


@pytest.mark.parametrize(
    "path", ["/../../etc/passwd", "/assets/../../stack.json", "/%2e%2e/stack.json"]
)
async def test_nothing_outside_of_the_build_is_served(client: TestClient, path: str) -> None:
    answer = await client.get(path)
    assert "root:" not in await answer.text()
    assert "secret" not in await answer.text()


async def test_the_page_is_told_its_supabase_and_no_secret(
    client: TestClient, tmp_path: Path
) -> None:
    answer = await client.get("/config.json")
    told = await answer.json()
    assert set(told) == {"supabaseUrl", "supabasePublishableKey", "apiUrl"}
    assert told["supabasePublishableKey"].startswith("sb_publishable_")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/config.json", "/assets/page-1a2b.js", "/assets/none.js"])
async def test_every_answer_forbids_foreign_scripts_and_frames(
    client: TestClient, path: str
) -> None:
    headers = (await client.get(path)).headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_a_new_build_is_served_without_a_restart(client: TestClient, dist: Path) -> None:
    await client.get("/")
    (dist / "index.html").unlink()
    assert "Built" in await (await client.get("/")).text()
    (dist / "index.html").write_text("<!doctype html><title>Anew</title>")
    assert "Anew" in await (await client.get("/")).text()


async def test_it_says_that_it_is_well(client: TestClient) -> None:
    assert (await client.get("/health")).status == 200
