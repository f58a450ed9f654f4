"""A complete stack: starts, memory, a race over HTTP, commit to mail, parts back after a kill."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import statistics
import tempfile
import time
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from bench.cluster import free_ports
from bench.pages import Section
from stack import lifecycle, report
from stack.config import Keys, StackConfig
from stack.parts import all_parts
from stack.seed import DEMO_CLINIC_ID
from stack.state import StackState

console = Console()
PATIENTS = 50
MAILS = 30
# Figure, what was measured, what is wanted.
Figures = list[tuple[str, str, str]]


def measure() -> list[Section]:
    """Starts, measures, stops and removes a stack."""
    directory = Path(tempfile.mkdtemp(prefix="appoint-bench-"))
    directory.chmod(0o755)
    config = StackConfig(directory, free_ports(), Keys.generate())
    config.save()
    figures: Figures = []
    try:
        measure_lifecycle(config, figures)
        asyncio.run(measure_product(config, figures))
        measure_recovery(config, figures)
    finally:
        lifecycle.stop(directory)
        lifecycle.erase(config)
        shutil.rmtree(directory)
    how = "A stack of its own, durable; see `bench/README.md`."
    return [Section("The stack", how, ("figure", "measured", "target"), [*figures])]


def seconds(action: Any, *arguments: Any) -> float:
    began = time.monotonic()
    action(*arguments)
    return time.monotonic() - began


def measure_lifecycle(config: StackConfig, figures: Figures) -> None:
    console.print("Starting and stopping …")
    figures.append(("first start", f"{seconds(lifecycle.start, config):.1f} s", "none"))
    lifecycle.stop(config.directory)
    figures.append(("warm start", f"{seconds(lifecycle.start, config):.1f} s", "at most 10 s"))

    def reset() -> None:
        lifecycle.stop(config.directory)
        lifecycle.erase(config)
        lifecycle.start(config)

    figures.append(("reset", f"{seconds(reset):.1f} s", "at most 10 s"))
    time.sleep(10)  # memory of an idle stack, after the start's garbage has been collected
    parts = report.status(config)["parts"]
    total = sum(part["rss_bytes"] for part in parts) / 1e6
    each = ", ".join(f"{part['name']} {part['rss_bytes'] / 1e6:.0f}" for part in parts)
    figures.append(("idle memory", f"{total:.0f} MB ({each})", "at most 700 MB"))


async def measure_product(config: StackConfig, figures: Figures) -> None:
    console.print("Signing up patients …")
    people = [await sign_up(config) for _ in range(PATIENTS)]
    service_id, slots = await find_slots(config)
    console.print("Racing for one slot …")
    began = time.monotonic()
    answers = await asyncio.gather(
        *(book(person, service_id, slots[0]) for person, _ in people for _ in range(4))
    )
    took = time.monotonic() - began
    outcomes = Counter(str(answer.status_code) for answer in answers)
    told = ", ".join(f"{count} × {status}" for status, count in sorted(outcomes.items()))
    figures.append(("race of 200 calls", f"{took:.2f} s: {told}", "1 × 200, 199 × 409"))
    console.print("Booking and waiting for mail …")
    delays = []
    for (person, email), slot in zip(people[:MAILS], slots[8::8], strict=False):
        answer = await book(person, service_id, slot)
        if answer.status_code != 200:
            continue
        began_at = datetime.fromisoformat(answer.json()["created_at"])
        accepted = await mail_accepted_at(config, email)
        delays.append((accepted - began_at).total_seconds())
    figures.append(
        (
            "commit to mail",
            f"median {statistics.median(delays) * 1000:.0f} ms, "
            f"slowest {max(delays) * 1000:.0f} ms of {len(delays)}",
            "median under 1000 ms",
        )
    )
    for person, _ in people:
        await person.aclose()


async def sign_up(config: StackConfig) -> tuple[httpx.AsyncClient, str]:
    email = f"bench-{uuid.uuid4().hex[:12]}@patients.example"
    http = httpx.AsyncClient(
        base_url=config.gateway_url, headers={"apikey": config.keys.publishable}, timeout=60
    )
    answer = await http.post("/auth/v1/signup", json={"email": email, "password": uuid.uuid4().hex})
    http.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['access_token']}"
    body = {"clinic_id": DEMO_CLINIC_ID, "full_name": "Pat Example"}
    (await http.post("/rest/v1/rpc/register_patient", json=body)).raise_for_status()
    return http, email


async def find_slots(config: StackConfig) -> tuple[str, list[dict[str, Any]]]:
    headers = {"apikey": config.keys.publishable}
    async with httpx.AsyncClient(base_url=config.gateway_url, headers=headers) as http:
        services = await http.get("/rest/v1/services?select=id&order=name&limit=1")
        service_id = services.raise_for_status().json()[0]["id"]
        now = datetime.now(UTC)
        arguments = {
            "service_id": service_id,
            "from_time": now.isoformat(),
            "to_time": (now + timedelta(days=28)).isoformat(),
        }
        slots = await http.post("/rest/v1/rpc/open_slots", json=arguments)
        return service_id, slots.raise_for_status().json()


async def book(http: httpx.AsyncClient, service_id: str, slot: dict[str, Any]) -> httpx.Response:
    arguments = {
        "service_id": service_id,
        "provider_id": slot["provider_id"],
        "starts_at": slot["starts_at"],
    }
    return await http.post("/rest/v1/rpc/book_appointment", json=arguments)


async def mail_accepted_at(config: StackConfig, email: str) -> datetime:
    async with httpx.AsyncClient() as http:
        for _ in range(1000):
            answer = await http.get(f"{config.mailbox_url}/inbox.json", params={"to": email})
            for mail in answer.json():
                return datetime.fromisoformat(mail["created_at"])
            await asyncio.sleep(0.02)
    raise RuntimeError("no mail came")


def measure_recovery(config: StackConfig, figures: Figures) -> None:
    console.print("Killing parts …")
    for part in all_parts(config):
        name = part.name
        state = StackState.load(config.directory)
        pid = state.parts[name].pid if state else None
        if pid is None:
            continue
        os.kill(pid, signal.SIGKILL)
        began = time.monotonic()
        while True:
            state = StackState.load(config.directory)
            now = state.parts[name].pid if state else None
            if now not in (None, pid) and part.is_healthy(config):
                break
            time.sleep(0.02)
        took = f"{time.monotonic() - began:.1f} s"
        figures.append((f"{name} back after kill -9", took, "at most 5 s"))
        time.sleep(6)  # so that the next death is not one in a row
