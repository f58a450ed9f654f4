"""The mailbox: the stock `resend` package can talk to it, and what it accepted is never lost."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import resend
from aiohttp import web
from resend.exceptions import ResendError

from stack.config import HOST, PROJECT_DIR, Keys, StackConfig
from tests.stacks import free_ports

MAIL: dict[str, Any] = {
    "from": "Harbour Clinic <clinic@example.com>",
    "to": ["nora@example.com"],
    "subject": "Your visit is booked",
    "html": "<p>Tuesday at nine",
    "text": "Tuesday at nine",
}


@contextmanager
def running(config: StackConfig) -> Iterator[subprocess.Popen[str]]:
    """The mailbox as the stack runs it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "stack.mailbox", str(config.directory)],
        env=os.environ | {"PYTHONPATH": str(PROJECT_DIR)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert "Mailbox stand-in for development" in process.stdout.readline()
        yield process
    finally:
        process.terminate()
        process.wait(timeout=5)
        process.stdout.close()


def make_config(directory: Path, **overrides: Any) -> StackConfig:
    config = StackConfig(
        directory,
        free_ports(),
        Keys.generate(),
        durable=False,
        overrides={"mailbox.requests_per_second": 10_000} | overrides,
    )
    config.save()
    return config


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackConfig]:
    """A mailbox that nobody is told about."""
    config = make_config(tmp_path_factory.mktemp("mailbox"))
    with running(config):
        yield config


@pytest.fixture
def mailbox(config: StackConfig, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """An empty mailbox without faults; the `resend` package and the client both talk to it."""
    monkeypatch.setattr(resend, "api_url", config.mailbox_url)
    monkeypatch.setattr(resend, "api_key", config.keys.resend_api_key)
    headers = {"Authorization": f"Bearer {config.keys.resend_api_key}"}
    with httpx.Client(base_url=config.mailbox_url, headers=headers) as client:
        client.delete("/inbox")
        client.delete("/faults")
        yield client


def send(**changes: Any) -> str:
    return str(resend.Emails.send(MAIL | changes)["id"])


def inbox(mailbox: httpx.Client, address: str | None = None) -> list[dict[str, Any]]:
    answer = mailbox.get("/inbox.json", params={"to": address} if address else {})
    assert answer.status_code == 200
    mails: list[dict[str, Any]] = answer.json()
    return mails


def refusal(**changes: Any) -> tuple[int, str]:
    """Status and name of the error that a mail with these changes is answered with."""
    with pytest.raises(ResendError) as error:
        send(**changes)
    return int(error.value.code), error.value.error_type


def test_a_mail_can_be_found_by_any_of_its_addresses(mailbox: httpx.Client) -> None:
    attachment = {"filename": "visit.ics", "content": list(b"BEGIN:VCALENDAR")}
    mail_id = send(
        to=["Nora <Nora@Example.com>", "ada@example.com"],
        bcc="archive@example.com",
        headers={"X-Entity-Ref-ID": "7"},
        attachments=[attachment],
    )
    send(to="other@example.com")
    for address in ("nora@example.com", "ADA@example.com", "archive@example.com"):
        [mail] = inbox(mailbox, address)
        assert mail["id"] == mail_id
    assert mail["to"] == ["Nora <Nora@Example.com>", "ada@example.com"]
    assert (mail["subject"], mail["html"], mail["text"]) == (
        MAIL["subject"],
        MAIL["html"],
        MAIL["text"],
    )
    assert mail["headers"] == {"X-Entity-Ref-ID": "7"}
    assert mail["attachments"][0]["content_type"] == "text/calendar"
    assert [mail["subject"] for mail in inbox(mailbox)] == [MAIL["subject"]] * 2
    assert inbox(mailbox)[1]["id"] == mail_id


def test_a_mail_can_be_retrieved_and_listed(mailbox: httpx.Client) -> None:
    first, second, third = (send(subject=f"Mail {number}") for number in range(3))
    assert resend.Emails.get(first)["subject"] == "Mail 0"
    page = resend.Emails.list({"limit": 2})
    assert ([mail["id"] for mail in page["data"]], page["has_more"]) == ([third, second], True)
    rest = resend.Emails.list({"limit": 2, "after": second})
    assert ([mail["id"] for mail in rest["data"]], rest["has_more"]) == ([first], False)
    assert mailbox.get("/emails/00000000-0000-0000-0000-000000000000").json()["name"] == "not_found"


def test_a_batch_is_accepted_whole_or_not_at_all(mailbox: httpx.Client) -> None:
    accepted = resend.Batch.send([MAIL | {"subject": str(number)} for number in range(100)])
    assert len({mail["id"] for mail in accepted["data"]}) == 100
    for batch in (
        [],
        [MAIL] * 101,
        [MAIL, MAIL | {"to": "nobody"}],
        [MAIL | {"scheduled_at": "2030-01-01T00:00:00Z"}],
        [MAIL | {"attachments": [{"filename": "a", "content": ""}]}],
    ):
        assert mailbox.post("/emails/batch", json=batch).status_code == 422
    assert len(inbox(mailbox)) == 100


def test_a_scheduled_mail_waits_and_can_be_moved_and_cancelled(mailbox: httpx.Client) -> None:
    send(subject="at once", scheduled_at="2020-01-01T00:00:00Z")
    waiting = send(subject="later", scheduled_at=in_days(2))
    assert [mail["subject"] for mail in inbox(mailbox)] == ["at once"]
    assert resend.Emails.get(waiting)["last_event"] == "scheduled"
    moved = in_days(3)
    resend.Emails.update({"id": waiting, "scheduled_at": moved})
    assert resend.Emails.get(waiting)["scheduled_at"] == moved
    resend.Emails.cancel(waiting)
    assert resend.Emails.get(waiting)["last_event"] == "canceled"
    assert mailbox.post(f"/emails/{waiting}/cancel").status_code == 422
    assert refusal(scheduled_at=in_days(31))[0] == 422
    assert refusal(scheduled_at="tomorrow")[0] == 422


def in_days(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="microseconds")


def test_a_key_is_needed(mailbox: httpx.Client) -> None:
    for authorization, expected in (
        ("", (401, "missing_api_key")),
        ("Bearer re_wrong", (403, "invalid_api_key")),
    ):
        answer = mailbox.post("/emails", json=MAIL, headers={"Authorization": authorization})
        assert (answer.status_code, answer.json()["name"]) == expected
        assert answer.json()["statusCode"] == expected[0]
    assert inbox(mailbox) == []


@pytest.mark.parametrize("field", ["from", "to", "subject"])
def test_a_missing_field_is_named(mailbox: httpx.Client, field: str) -> None:
    answer = mailbox.post("/emails", json={name: MAIL[name] for name in MAIL if name != field})
    assert answer.status_code == 422
    assert answer.json()["name"] == "missing_required_field"
    assert f"`{field}`" in answer.json()["message"]


@pytest.mark.parametrize(
    "changes",
    [
        {"to": "nobody"},
        {"to": ["nora@example.com", "Nora <nora>"]},
        {"to": [f"p{number}@example.com" for number in range(51)]},
        {"from": "clinic"},
        {"subject": "Booked\r\nBcc: all@example.com"},
        {"headers": {"X-A": "b\nX-C: d"}},
        {"headers": {"X A": "b"}},
        {"reply_to": "a@example.com\n"},
        {"tags": [{"name": "kind", "value": "a b"}]},
        {"html": 1},
    ],
)
def test_a_wrong_field_is_a_validation_error(
    mailbox: httpx.Client, changes: dict[str, Any]
) -> None:
    assert refusal(**changes) == (422, "validation_error")
    assert inbox(mailbox) == []


def test_other_bad_bodies_are_refused_too(mailbox: httpx.Client) -> None:
    assert refusal(html=None, text="") == (422, "missing_required_field")
    assert refusal(attachments=[{"filename": "a"}]) == (422, "invalid_attachment")
    assert refusal(attachments=[{"filename": "a", "content": "?"}]) == (422, "invalid_attachment")
    for body in (b"", b"[]", b"{", b"null"):
        assert mailbox.post("/emails", content=body).json()["name"] == "validation_error"


def test_the_same_key_and_mail_again_is_one_mail(mailbox: httpx.Client) -> None:
    key = {"idempotency_key": "appointment/1/booked"}
    first = resend.Emails.send(MAIL, key)
    again = resend.Emails.send(dict(reversed(MAIL.items())), key)
    assert first["id"] == again["id"]
    [mail] = inbox(mailbox)
    assert mail["idempotency_key"] == "appointment/1/booked"


def test_the_same_key_and_another_mail_is_refused(mailbox: httpx.Client) -> None:
    key = {"Idempotency-Key": "k"}
    assert mailbox.post("/emails", json=MAIL, headers=key).status_code == 200
    other = mailbox.post("/emails", json=MAIL | {"subject": "Other"}, headers=key)
    assert (other.status_code, other.json()["name"]) == (409, "invalid_idempotent_request")
    batch = mailbox.post("/emails/batch", json=[MAIL], headers=key)
    assert (batch.status_code, batch.json()["name"]) == (409, "invalid_idempotent_request")
    long = mailbox.post("/emails", json=MAIL, headers={"Idempotency-Key": "k" * 257})
    assert (long.status_code, long.json()["name"]) == (400, "invalid_idempotency_key")
    assert len(inbox(mailbox)) == 1


def test_a_refused_mail_does_not_use_up_its_key(mailbox: httpx.Client) -> None:
    key = {"Idempotency-Key": "k"}
    assert mailbox.post("/emails", json=MAIL | {"to": "x"}, headers=key).status_code == 422
    assert mailbox.post("/emails", json=MAIL, headers=key).status_code == 200


async def test_the_same_key_twice_at_once_is_refused_once(
    mailbox: httpx.Client, config: StackConfig
) -> None:
    headers = dict(mailbox.headers) | {"Idempotency-Key": "k"}
    async with httpx.AsyncClient(base_url=config.mailbox_url, headers=headers) as client:
        await client.post("/faults", json={"delay_ms": 300, "times": 1})
        both = await asyncio.gather(*(client.post("/emails", json=MAIL) for _ in range(2)))
    assert sorted(answer.status_code for answer in both) == [200, 409]
    [refused] = [answer.json() for answer in both if answer.status_code == 409]
    assert refused["name"] == "concurrent_idempotent_requests"
    assert len(inbox(mailbox)) == 1


def test_too_many_requests_are_told_when_to_come_again(mailbox: httpx.Client) -> None:
    mailbox.post("/faults", json={"rate_limit": 1})
    answers = [mailbox.get("/emails") for _ in range(20)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert refused[0].json()["name"] == "rate_limit_exceeded"
    assert refused[0].headers["retry-after"] == "1"
    assert refused[0].headers["ratelimit-limit"] == "1"
    assert refused[0].headers["ratelimit-remaining"] == "0"
    assert "ratelimit-reset" in refused[0].headers


def test_faults_strike_as_often_as_asked(mailbox: httpx.Client) -> None:
    mailbox.post("/faults", json={"status": 500, "times": 2})
    assert [refusal()[0], refusal()[0]] == [500, 500]
    send()
    assert len(inbox(mailbox)) == 1
    assert mailbox.post("/faults", json={"explode": True}).status_code == 422


def test_an_answer_lost_after_accepting_can_be_asked_for_again(mailbox: httpx.Client) -> None:
    mailbox.post("/faults", json={"drop_after_accept": True, "times": 1})
    key = {"Idempotency-Key": "k"}
    with pytest.raises(httpx.RemoteProtocolError):
        mailbox.post("/emails", json=MAIL, headers=key)
    answer = mailbox.post("/emails", json=MAIL, headers=key)
    [mail] = inbox(mailbox)
    assert answer.json() == {"id": mail["id"]}


def test_an_answer_that_is_not_json_follows_an_accepted_mail(mailbox: httpx.Client) -> None:
    mailbox.post("/faults", json={"not_json": True, "times": 1})
    key = {"Idempotency-Key": "k"}
    answer = mailbox.post("/emails", json=MAIL, headers=key)
    assert (answer.status_code, answer.text[:6]) == (200, "<html>")
    again = mailbox.post("/emails", json=MAIL, headers=key)
    [mail] = inbox(mailbox)
    assert again.json() == {"id": mail["id"]}


def test_a_killed_mailbox_keeps_every_mail_it_accepted(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    headers = {"Authorization": f"Bearer {config.keys.resend_api_key}", "Idempotency-Key": "k"}
    with running(config) as process:
        accepted = httpx.post(f"{config.mailbox_url}/emails", json=MAIL, headers=headers)
        process.send_signal(signal.SIGKILL)
        process.wait()
    with running(config):
        again = httpx.post(f"{config.mailbox_url}/emails", json=MAIL, headers=headers)
        kept = httpx.get(f"{config.mailbox_url}/inbox.json").json()
    assert [mail["id"] for mail in kept] == [accepted.json()["id"]]
    assert again.json() == accepted.json()


class Receiver:
    """Takes webhooks; refuses the first, to be asked again."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self.arrived = asyncio.Condition()

    async def take(self, request: web.Request) -> web.Response:
        content = await request.text()
        async with self.arrived:
            headers = {name: request.headers[f"svix-{name}"] for name in ("id", "timestamp")}
            headers["signature"] = request.headers["svix-signature"]
            event = {"headers": headers, "content": content, **await request.json()}
            self.received.append(event)
            self.arrived.notify_all()
            return web.Response(status=500 if len(self.received) == 1 else 200)

    async def until(self, kinds: set[str]) -> None:
        async with self.arrived:
            await self.arrived.wait_for(lambda: kinds <= {one["type"] for one in self.received})


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[Receiver, str]]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0)
    await site.start()
    port = runner.addresses[0][1]
    yield receiver, f"http://{HOST}:{port}/hook"
    await runner.cleanup()


async def test_what_happens_to_mails_is_reported_with_resends_signature(
    tmp_path: Path, receiver: tuple[Receiver, str]
) -> None:
    events, url = receiver
    config = make_config(tmp_path, **{"mailbox.webhook_url": url})
    headers = {"Authorization": f"Bearer {config.keys.resend_api_key}"}
    with running(config):
        async with httpx.AsyncClient(base_url=config.mailbox_url, headers=headers) as client:
            for to in (
                "nora@example.com",
                "gone@bounce.example",
                *(f"{fate}@resend.dev" for fate in ("complained", "suppressed", "failed")),
            ):
                mail = MAIL | {"to": to, "tags": [{"name": "kind", "value": "booked"}]}
                assert (await client.post("/emails", json=mail)).status_code == 200
        fates = ("sent", "delivered", "bounced", "complained", "suppressed", "failed")
        wanted = {f"email.{fate}" for fate in fates}
        async with asyncio.timeout(20):
            await events.until(wanted)
            # The refused first one comes again, under its own id.
            async with events.arrived:
                await events.arrived.wait_for(
                    lambda: (
                        [e["headers"]["id"] for e in events.received].count(
                            events.received[0]["headers"]["id"]
                        )
                        == 2
                    )
                )
    for event in events.received:
        resend.Webhooks.verify(
            {
                "payload": event["content"],
                "headers": event["headers"],
                "webhook_secret": config.keys.resend_webhook_secret,
            }
        )
        assert event["data"]["tags"] == {"kind": "booked"}
    told = {(event["type"], event["data"]["to"][0]) for event in events.received}
    assert ("email.bounced", "gone@bounce.example") in told
    assert ("email.delivered", "gone@bounce.example") not in told
    for fate in ("complained", "suppressed", "failed"):
        assert (f"email.{fate}", f"{fate}@resend.dev") in told


def test_the_page_shows_mail_without_letting_it_run(mailbox: httpx.Client) -> None:
    hostile = '<script>alert("run")</script>"><img src=x onerror=alert(1)>'
    mail_id = send(subject=hostile, html=hostile, text=hostile)
    listed, shown = mailbox.get("/"), mailbox.get(f"/mail/{mail_id}")
    for page in (listed, shown):
        assert "&lt;script&gt;" in page.text
        assert "<script>" not in page.text
        assert "<img" not in page.text
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
    sandbox = shown.text.partition('sandbox="')[2].partition('"')[0]
    assert "allow-popups" in sandbox
    assert "allow-scripts" not in sandbox
    assert "allow-forms" not in sandbox
    alone = mailbox.get(f"/mail/{mail_id}/html")
    assert hostile in alone.text
    policy = alone.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert policy.endswith(f"sandbox {sandbox}")
    assert mailbox.get("/mail/unknown").status_code == 404


def test_an_attachment_is_downloaded_never_shown(mailbox: httpx.Client) -> None:
    attachment = {"filename": 'a"b.html', "content": "PGgxPg==", "content_type": "text/html"}
    mail_id = send(attachments=[attachment])
    answer = mailbox.get(f"/mail/{mail_id}/attachments/0")
    assert answer.content == b"<h1>"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''a%22b.html"
    assert mailbox.get(f"/mail/{mail_id}/attachments/1").status_code == 404


def test_clearing_forgets_mails_and_keys(mailbox: httpx.Client) -> None:
    first = resend.Emails.send(MAIL, {"idempotency_key": "k"})
    assert mailbox.delete("/inbox").status_code == 204
    assert inbox(mailbox) == []
    assert resend.Emails.send(MAIL, {"idempotency_key": "k"})["id"] != first["id"]


def test_a_full_disk_is_an_error_in_json_and_nothing_of_the_mail_is_kept(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    headers = {"Authorization": f"Bearer {config.keys.resend_api_key}"}
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    with (
        running(config) as process,
        httpx.Client(base_url=config.mailbox_url, headers=headers) as mailbox,
    ):
        assert mailbox.post("/emails", json=MAIL).status_code == 200
        grown = (tmp_path / "mailbox.sqlite-wal").stat().st_size
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (grown, resource.RLIM_INFINITY))
        large = MAIL | {"html": "x" * 1_000_000}
        refused = mailbox.post("/emails", json=large)
        assert refused.status_code == 500
        assert refused.json()["statusCode"] == 500
        assert refused.json()["name"] == "internal_server_error"
        assert len(mailbox.get("/inbox.json").json()) == 1
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, unlimited)
        assert mailbox.post("/emails", json=large).status_code == 200
        assert len(mailbox.get("/inbox.json").json()) == 2
