"""What `appoint status` says about a running stack, as data and as a table."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
from rich.console import Console, Group
from rich.table import Table

from stack.config import HOST, StackConfig
from stack.parts import Part, all_parts
from stack.seed import DEMO_ACCOUNTS, DEMO_CLINIC_ID
from stack.state import PartState, StackState, is_running


def status(config: StackConfig) -> dict[str, Any]:
    """The contract of `appoint status --json`; each part is asked now, not looked up."""
    running = is_running(config.directory)
    state = StackState.load(config.directory) if running else None
    parts = all_parts(config)
    with ThreadPoolExecutor(len(parts)) as pool:
        described = list(pool.map(lambda part: _describe(config, part, state), parts))
    return {
        "parts": described,
        "urls": {
            "gateway": config.gateway_url,
            "api": config.api_url,
            "web": web_url(config) if any(part.name == "web" for part in parts) else None,
            "mailbox": config.mailbox_url,
        },
        "keys": {
            "publishable": config.keys.publishable,
            "secret": config.keys.secret,
            "anon": config.keys.anon,
            "service_role": config.keys.service_role,
        },
        "db_url": config.db_url(),
        "demo": {
            "clinic_id": DEMO_CLINIC_ID,
            "accounts": [
                {"role": account.role, "email": account.email, "password": account.password}
                for account in DEMO_ACCOUNTS
            ],
        },
    }


def web_url(config: StackConfig) -> str:
    """Where the web client is, if it was built."""
    return f"http://{HOST}:{config.ports.web}"


def _describe(config: StackConfig, part: Part, state: StackState | None) -> dict[str, Any]:
    known = state.parts.get(part.name, PartState()) if state else PartState()
    return {
        "name": part.name,
        "healthy": known.pid is not None and part.is_healthy(config),
        "pid": known.pid,
        "port": part.port,
        "rss_bytes": _memory(known.pid) if known.pid else 0,
        "restarts": known.restarts,
    }


def _memory(pid: int) -> int:
    """Resident bytes of a process and its children.

    Pages that PostgreSQL's processes share are counted once (the proportional set size), where the
    kernel lets us read that; adding up plain resident sizes would count them once per connection.
    """
    total = 0
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return 0
    for member in family:
        try:
            total += member.memory_full_info().pss if len(family) > 1 else member.memory_info().rss
        except psutil.Error:
            continue
    return total


def is_all_healthy(report: dict[str, Any]) -> bool:
    return all(part["healthy"] for part in report["parts"])


def print_status(console: Console, config: StackConfig, report: dict[str, Any]) -> None:
    """Parts, addresses, keys and demo log-ins, as tables for people."""
    whats = {part.name: part.what for part in all_parts(config)}
    parts = Table(title="Parts", title_justify="left", box=None, header_style="bold")
    for column in ("", "part", "what"):
        parts.add_column(column)
    for column in ("pid", "port", "memory", "restarts"):
        parts.add_column(column, justify="right")
    for part in report["parts"]:
        mark = "[green]●[/] up" if part["healthy"] else "[red]○[/] down"
        parts.add_row(
            mark,
            part["name"],
            whats[part["name"]],
            str(part["pid"] or "-"),
            str(part["port"]),
            f"{part['rss_bytes'] / 1e6:.0f} MB",
            str(part["restarts"]),
        )
    total = sum(part["rss_bytes"] for part in report["parts"])
    parts.add_row("", "", "", "", "", f"[bold]{total / 1e6:.0f} MB[/]", "")
    console.print(Group(parts))


def print_access(console: Console, report: dict[str, Any]) -> None:
    """How to get in: addresses, keys, demo log-ins."""
    addresses = Table(title="Addresses and keys", title_justify="left", box=None, show_header=False)
    addresses.add_column(style="bold")
    addresses.add_column(overflow="fold")
    if report["urls"]["web"]:
        addresses.add_row("Web", report["urls"]["web"])
    addresses.add_row("Supabase", report["urls"]["gateway"])
    addresses.add_row("API", f"{report['urls']['api']}/docs")
    addresses.add_row("Mailbox", report["urls"]["mailbox"])
    addresses.add_row("Database", report["db_url"])
    addresses.add_row("Publishable key", report["keys"]["publishable"])
    addresses.add_row("Secret key", report["keys"]["secret"])
    people = Table(title="Demo log-ins", title_justify="left", box=None, header_style="bold")
    for column in ("role", "e-mail", "password"):
        people.add_column(column)
    for account in report["demo"]["accounts"]:
        people.add_row(account["role"], account["email"], account["password"])
    console.print(Group(addresses, "", people))
