"""The application without any Supabase behind it."""

from __future__ import annotations

import httpx
from fastapi import FastAPI

from appoint.settings import Settings

SETTINGS = Settings.model_validate(
    {
        "supabase_url": "http://127.0.0.1:1",
        "supabase_publishable_key": "sb_publishable_x",
        "supabase_secret_key": "sb_secret_x",
        "appoint_site_url": "https://site.example",
    }
)

Offline = tuple[FastAPI, httpx.AsyncClient]
