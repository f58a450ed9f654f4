"""`appoint demo`: plays the story and turns what can go wrong into one line."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
from postgrest import APIError
from rich.console import Console
from rich.markup import escape
from supabase_auth.errors import AuthError

from appoint.demo.failures import DemoFailed
from appoint.demo.screen import Screen
from appoint.demo.story import Story
from appoint.settings import Settings, SettingsError
from appoint.supabase_clients import http_pool


def play(svg: Path | None) -> int:
    """Play the story; the exit status is returned: 0 if it came to its end, 1 if not."""
    console = Console()
    screen = Screen(console)
    try:
        asyncio.run(_play(screen))
        if svg is not None:
            screen.save(svg)
            console.print(f"  Drawn: {escape(str(svg))}")
    except (DemoFailed, SettingsError) as error:
        return _fail(str(error))
    except (httpx.TransportError, ConnectionError) as error:
        return _fail(f"the stack does not answer ({type(error).__name__}); `make up` starts it")
    except APIError as error:
        return _fail(f"refused: {error.message} ({error.code or 'by the gateway'})")
    except AuthError as error:
        return _fail(f"Auth says {error.code or type(error).__name__}")
    except OSError as error:
        return _fail(f"{svg} cannot be written: {error.strerror}")
    except KeyboardInterrupt:
        return 130
    return 0


async def _play(screen: Screen) -> None:
    settings = Settings.from_environment()
    async with http_pool() as http:
        await Story(settings, screen, http).play()


def _fail(reason: str) -> int:
    Console(stderr=True).print(f"[red]error:[/] {escape(reason)}", soft_wrap=True)
    return 1
