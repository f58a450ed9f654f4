"""Runs stock supabase-js against Realtime, with a database that has something to say."""

from __future__ import annotations

import asyncio
import os
from uuid import uuid4

import psycopg

from stack.config import PROJECT_DIR, StackConfig
from tests.stack.realtime_clients import notebook, token_of

SECONDS_BETWEEN_NOTES = 0.2


async def test_supabase_js_accepts_realtime(stack: StackConfig) -> None:
    user = str(uuid4())
    with notebook(stack):
        # Node 20 has the browser's WebSocket behind a flag.
        node = await asyncio.create_subprocess_exec(
            "node",
            "--experimental-websocket",
            "--no-warnings",
            "--test",
            "--test-force-exit",  # closing sockets need not be waited for
            "tests/stack/js/realtime.test.mjs",
            cwd=PROJECT_DIR,
            stdout=asyncio.subprocess.PIPE,
            env={
                "PATH": os.environ["PATH"],
                "SUPABASE_URL": stack.gateway_url,
                "SUPABASE_PUBLISHABLE_KEY": stack.keys.publishable,
                "SUPABASE_SECRET_KEY": stack.keys.secret,
                "USER_ID": user,
                "USER_TOKEN": token_of(stack, user),
            },
        )
        writer = asyncio.create_task(keep_writing(stack, user))
        try:
            output, _ = await node.communicate()
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
    assert node.returncode == 0, output.decode()


async def keep_writing(stack: StackConfig, user: str) -> None:
    """Notes that come and go, and a broadcast with each, until cancelled."""
    async with await psycopg.AsyncConnection.connect(stack.db_url(), autocommit=True) as dashboard:
        for pages in range(10_000):
            await dashboard.execute("delete from notebook.notes where pages < %s", (pages - 1,))
            await dashboard.execute(
                "insert into notebook.notes (owner, pages) values (%s, %s)", (user, pages)
            )
            await dashboard.execute(
                "select realtime.send('{\"kind\": \"tick\"}', 'tick', %s)", (f"notebook:{user}",)
            )
            await asyncio.sleep(SECONDS_BETWEEN_NOTES)
