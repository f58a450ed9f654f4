"""Resend's webhook: genuine reports move the ledger, everything else has no effect.

APPOINT_HOSTILE_WEBHOOKS sets how many hostile ones are sent.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from standardwebhooks.webhooks import Webhook

from stack.config import StackConfig
from tests.people import Connection, make_clinic, make_patient, one

HOSTILE = int(os.environ.get("APPOINT_HOSTILE_WEBHOOKS", "150"))
URL = "/v1/webhooks/resend"


@pytest.fixture
def db(stack: StackConfig) -> Iterator[Connection]:
    with psycopg.connect(stack.db_url(), autocommit=True) as connection:
        yield connection


@pytest.fixture
def message(db: Connection) -> dict[str, Any]:
    """A message that was sent."""
    clinic = make_clinic(db)
    return one(
        db,
        "insert into public.notifications (clinic_id, appointment_version, kind, recipient_id,"
        " status, sent_at, provider_message_id)"
        " values (%s, 1, 'confirmation', %s, 'sent', now(), %s) returning id::text,"
        " provider_message_id",
        clinic,
        make_patient(db, clinic),
        str(uuid4()),
    )


def payload(message: dict[str, Any], event: str, **data: Any) -> str:
    about = {
        "email_id": message["provider_message_id"],
        "to": [f"{message['id']}@patients.example"],
        "tags": {"notification_id": message["id"]},
    }
    created_at = datetime.now(UTC).isoformat()
    return json.dumps({"type": event, "created_at": created_at, "data": about | data})


def signed(
    stack: StackConfig, body: str, event_id: str | None = None, age: float = 0, secret: str = ""
) -> dict[str, str]:
    event_id = event_id or f"msg_{uuid4().hex}"
    at = datetime.now(UTC) - timedelta(seconds=age)
    webhook = Webhook(secret or stack.keys.resend_webhook_secret)
    return {
        "content-type": "application/json",
        "svix-id": event_id,
        "svix-timestamp": str(int(at.timestamp())),
        "svix-signature": webhook.sign(event_id, at, body),
    }


def state(db: Connection, message: dict[str, Any]) -> tuple[str, str | None]:
    row = one(
        db, "select status::text, last_error from public.notifications where id = %s", message["id"]
    )
    return row["status"], row["last_error"]


async def test_a_genuine_report_moves_the_ledger_and_again_nothing(
    api: httpx.AsyncClient, stack: StackConfig, db: Connection, message: dict[str, Any]
) -> None:
    body = payload(message, "email.delivered")
    headers = signed(stack, body)
    for _ in range(2):
        answer = await api.post(URL, content=body, headers=headers)
        assert answer.status_code == 204, answer.text
    assert state(db, message) == ("delivered", None)
    # Another kind under the id that was taken in is a replay, too.
    other = payload(message, "email.complained")
    again = signed(stack, other, headers["svix-id"])
    assert (await api.post(URL, content=other, headers=again)).status_code == 204
    assert state(db, message) == ("delivered", None)


async def test_tags_as_a_list_are_understood(
    api: httpx.AsyncClient, stack: StackConfig, db: Connection, message: dict[str, Any]
) -> None:
    tags = [{"name": "notification_id", "value": message["id"]}]
    body = payload(message, "email.bounced", tags=tags, bounce={"type": "Permanent"})
    assert (await api.post(URL, content=body, headers=signed(stack, body))).status_code == 204
    assert state(db, message) == ("bounced", "bounced")


@pytest.mark.parametrize(
    ("event", "data"),
    [
        ("failed", {"failed": {"reason": "reached_daily_quota"}}),
        ("suppressed", {"suppressed": {"type": "OnAccountSuppressionList", "message": "…"}}),
    ],
)
async def test_what_resend_took_but_did_not_send_counts_as_bounced(
    *,
    api: httpx.AsyncClient,
    stack: StackConfig,
    db: Connection,
    message: dict[str, Any],
    event: str,
    data: dict[str, Any],
) -> None:
    body = payload(message, f"email.{event}", **data)
    assert (await api.post(URL, content=body, headers=signed(stack, body))).status_code == 204
    assert state(db, message) == ("bounced", event)


async def test_what_is_about_nothing_of_ours_is_taken_and_forgotten(
    api: httpx.AsyncClient, stack: StackConfig, db: Connection, message: dict[str, Any]
) -> None:
    bodies = [
        payload(message, "email.opened"),
        payload(message, "email.delivered", tags={}),
        payload(message, "email.delivered", tags={"notification_id": "nonsense"}),
        payload(message, "email.delivered", tags={"notification_id": str(uuid4())}),
        "[]",
        "null",
        '{"type": "email.delivered", "created_at": "yesterday", "data": 7}',
    ]
    for body in bodies:
        answer = await api.post(URL, content=body, headers=signed(stack, body))
        assert answer.status_code == 204, body
    assert state(db, message) == ("sent", None)


async def test_hostile_webhooks_have_no_effect(
    api: httpx.AsyncClient, stack: StackConfig, db: Connection, message: dict[str, Any]
) -> None:
    reported = [payload(message, f"email.{event}") for event in ("sent", "delivered")]
    known = [(body, signed(stack, body)) for body in reported]
    for content, headers in reversed(known):
        assert (await api.post(URL, content=content, headers=headers)).status_code == 204
    body = payload(message, "email.complained")
    dice = random.Random(5)
    strange = "whsec_" + "A" * 43 + "="

    def forged() -> Iterator[tuple[str, dict[str, str]]]:
        good = signed(stack, body)
        while True:
            yield body, signed(stack, body, secret=strange)
            yield body, signed(stack, body, age=301)
            yield body, signed(stack, body, age=-302)
            yield body[: dice.randrange(len(body))], good
            yield body.replace("complained", "delivered"), good
            yield body, good | {"svix-id": "msg_other"}
            yield body, good | {"svix-timestamp": str(int(good["svix-timestamp"]) + 1)}
            yield body, good | {"svix-timestamp": dice.choice(["", "nan", "1e9", "-1", "soon"])}
            yield (
                body,
                good | {"svix-signature": dice.choice(["", "v1,", "v1", "v2,AAAA", ",", "é"])},
            )
            yield body, {name: value for name, value in good.items() if name != "svix-signature"}
            yield body, {"content-type": "application/json"}

    def genuine() -> Iterator[tuple[str, dict[str, str]]]:
        """Replays of what was taken in, and what comes after something later."""
        while True:
            content, headers = dice.choice(known)
            yield content, signed(stack, content, headers["svix-id"])
            # Another content under the id of an event that was taken in.
            yield body, signed(stack, body, headers["svix-id"])
            late = dice.choice(reported)
            yield late, signed(stack, late)

    def attacks() -> Iterator[tuple[str, dict[str, str], int]]:
        for (content, headers), (again, resigned) in zip(forged(), genuine(), strict=False):
            yield content, headers, 403
            yield again, resigned, 204

    for _, (content, headers, status) in zip(range(HOSTILE), attacks(), strict=False):
        raw = {name: value.encode() for name, value in headers.items()}
        answer = await api.post(URL, content=content, headers=raw)
        assert answer.status_code == status, (headers, answer.text)
        if status == 403:
            assert answer.json()["key"] == "not_allowed"
    assert state(db, message) == ("delivered", None)
    assert one(
        db,
        "select count(*) as n from private.suppressed_addresses where address_hash ="
        " private.hash_of_address(%s)",
        f"{message['id']}@patients.example",
    ) == {"n": 0}
