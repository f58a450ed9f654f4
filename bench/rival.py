"""The notifier's job done by procrastinate: take a job, write the mail, post it, note it as done.

`python -m bench.rival DATABASE_URL PROVIDER_URL CONCURRENCY` works until it is terminated.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import httpx
import procrastinate

from appoint.mail import Sender, message_from_row, render_message
from workers.frozen_mail import FrozenMail

SENDER = Sender(
    address="Appoint <appointments@appoint.example>",
    site_url="https://appoint.example",
    api_url="https://api.appoint.example",
)
TASK = "send_mail"


def make_app(database_url: str) -> procrastinate.App:
    return procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=database_url))


async def prepare(database_url: str, rows: list[dict[str, Any]]) -> None:
    """Make procrastinate's tables, and a job for each claimed row."""
    app = make_app(database_url)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        jobs: list[dict[str, Any]] = [{"row": row} for row in rows]
        await app.configure_task(TASK).batch_defer_async(*jobs)


async def work(database_url: str, provider_url: str, concurrency: int) -> None:
    """Do jobs for ever."""
    app = make_app(database_url)
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=concurrency)) as http:

        @app.task(name=TASK)
        async def send_mail(row: dict[str, Any]) -> None:
            message = message_from_row(row)
            mail = FrozenMail.of(
                render_message(message, SENDER),
                to=message.recipient_address,
            )
            answer = await http.post(
                f"{provider_url}/emails",
                headers={"Idempotency-Key": str(message.notification_id)},
                json=mail.parts()
                | {"tags": [{"name": "notification_id", "value": str(message.notification_id)}]},
            )
            answer.raise_for_status()

        async with app.open_async():
            await app.run_worker_async(concurrency=concurrency, install_signal_handlers=False)


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], sys.argv[2], int(sys.argv[3])))
