"""What each answer of Resend means for a message, with the network played by a double."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import httpx
import pytest

from appoint.settings import Settings
from tests.workers.played_provider import played_by
from workers import resend_mail
from workers.door import MISCONFIGURED_PAUSE
from workers.frozen_mail import FrozenMail
from workers.mail_errors import MailError
from workers.resend_mail import ResendMail

MAIL = FrozenMail(
    sender="Appoint <appointments@appoint.example>",
    to="ada@example.org",
    subject="Subject",
    html="<p>Hello</p>",
    text="Hello",
    headers={"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
)
SETTINGS = Settings.model_validate(
    {
        "supabase_url": "https://project.example",
        "supabase_publishable_key": "sb_publishable_x",
        "supabase_secret_key": "sb_secret_x",
        "resend_api_key": "re_x",
        "resend_api_url": "https://mail.example",
    }
)


def problem(status: int, name: str, **headers: str) -> httpx.Response:
    return httpx.Response(
        status,
        json={"statusCode": status, "name": name, "message": "about ada@example.org"},
        headers=headers,
    )


class Provider:
    """Answers in the given order, the last answer for ever; keeps what it was asked."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


async def send(provider: Provider, *, seconds: float = 5) -> tuple[str, ResendMail]:
    async with played_by(provider) as http:
        transport = ResendMail(SETTINGS, http)
        deadline = asyncio.get_running_loop().time() + seconds
        sent = await transport.send(
            MAIL, notification_id="message-1", key="key-1", deadline=deadline
        )
    return sent, transport


ACCEPTED = httpx.Response(200, json={"id": "mail-1"})


async def test_the_request_carries_the_mail_and_the_idempotency_key() -> None:
    provider = Provider(ACCEPTED)
    sent, _ = await send(provider)
    (request,) = provider.requests
    assert sent == "mail-1"
    assert str(request.url) == "https://mail.example/emails"
    assert request.headers["idempotency-key"] == "key-1"
    assert request.headers["authorization"] == "Bearer re_x"
    assert json.loads(request.content) == {
        "from": "Appoint <appointments@appoint.example>",
        "to": ["ada@example.org"],
        "subject": "Subject",
        "html": "<p>Hello</p>",
        "text": "Hello",
        "headers": {"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
        "tags": [{"name": "notification_id", "value": "message-1"}],
    }


async def test_a_rate_limit_is_waited_out_and_the_same_request_repeated() -> None:
    limited = problem(429, "rate_limit_exceeded", **{"retry-after": "0.01"})
    provider = Provider(limited, limited, ACCEPTED)
    sent, _ = await send(provider)
    assert sent == "mail-1"
    assert len({request.content for request in provider.requests}) == 1
    assert len(provider.requests) == 3


async def test_a_rate_limit_longer_than_the_deadline_goes_back_to_the_queue() -> None:
    provider = Provider(problem(429, "rate_limit_exceeded", **{"retry-after": "60"}))
    with pytest.raises(MailError) as raised:
        await send(provider, seconds=1)
    assert not raised.value.permanent
    assert raised.value.retry_after == pytest.approx(60, abs=1)
    assert len(provider.requests) == 1


@pytest.mark.parametrize(
    ("answer", "permanent", "retry_after"),
    [
        (problem(429, "daily_quota_exceeded", **{"retry-after": "inf"}), False, 600.0),
        (problem(429, "daily_quota_exceeded", **{"retry-after": "nan"}), False, 600.0),
        (problem(429, "daily_quota_exceeded", **{"retry-after": "1e9"}), False, 3600.0),
        (problem(400, "validation_error"), True, None),
        (problem(422, "validation_error"), True, None),
        (problem(422, "missing_required_field"), True, None),
        (problem(413, "too_large"), True, None),
        (problem(409, "invalid_idempotent_request"), True, None),
        (problem(409, "concurrent_idempotent_requests"), False, 1.0),
        (problem(429, "daily_quota_exceeded"), False, resend_mail.QUOTA_PAUSE),
        (problem(401, "missing_api_key"), False, MISCONFIGURED_PAUSE),
        (problem(403, "invalid_api_key"), False, MISCONFIGURED_PAUSE),
        (problem(404, "not_found"), False, MISCONFIGURED_PAUSE),
        (httpx.Response(404, text="<html>Not found</html>"), False, MISCONFIGURED_PAUSE),
        (problem(405, "method_not_allowed"), False, MISCONFIGURED_PAUSE),
        (httpx.Response(407, text="<html>Log in</html>"), False, MISCONFIGURED_PAUSE),
        (problem(422, "invalid_from_address"), False, MISCONFIGURED_PAUSE),
        (problem(500, "application_error"), False, None),
        (problem(503, "service_unavailable"), False, None),
        (httpx.Response(502, text="<html>Bad gateway</html>"), False, None),
        (httpx.Response(200, text="not JSON"), False, None),
        (httpx.ConnectError("connection to 10.0.0.1 refused"), False, None),
        (httpx.ReadTimeout("no answer"), False, None),
        (httpx.RemoteProtocolError("cut"), False, None),
    ],
)
async def test_each_refusal_says_whether_and_when_to_try_again(
    answer: httpx.Response | Exception, permanent: bool, retry_after: float | None
) -> None:
    with pytest.raises(MailError) as raised:
        await send(Provider(answer))
    assert raised.value.permanent is permanent
    assert raised.value.retry_after == retry_after
    assert "ada@example.org" not in raised.value.reason
    assert "10.0.0.1" not in raised.value.reason


@pytest.mark.parametrize(
    "answer",
    [
        problem(401, "missing_api_key"),
        problem(403, "invalid_api_key"),
        problem(404, "not_found"),
        problem(422, "invalid_from_address"),
        problem(429, "monthly_quota_exceeded"),
        problem(429, "monthly_quota_exceeded", **{"retry-after": "inf"}),
    ],
)
async def test_when_every_message_would_be_refused_the_door_closes_for_a_while(
    answer: httpx.Response,
) -> None:
    async with played_by(Provider(answer)) as http:
        transport = ResendMail(SETTINGS, http)
        with pytest.raises(MailError):
            await transport.send(
                MAIL,
                notification_id="message-1",
                key="key-1",
                deadline=asyncio.get_running_loop().time() + 1,
            )
        assert 1 < transport.closed_for() <= 3600
        with pytest.raises(MailError) as raised:
            await transport.send(
                MAIL,
                notification_id="message-2",
                key="key-2",
                deadline=asyncio.get_running_loop().time() + 1,
            )
    assert raised.value.closed
    assert raised.value.reason == f"{answer.status_code}:{answer.json()['name']}"


async def test_an_answer_that_never_comes_ends_at_the_deadline() -> None:

    async def never(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with played_by(never) as http:
        transport = ResendMail(SETTINGS, http)
        with pytest.raises(MailError, match="timeout"):
            await transport.send(
                MAIL,
                notification_id="message-1",
                key="key-1",
                deadline=asyncio.get_running_loop().time() + 0.02,
            )


async def test_nothing_is_asked_for_after_the_deadline() -> None:
    provider = Provider(ACCEPTED)
    with pytest.raises(MailError) as raised:
        await send(provider, seconds=-1)
    assert raised.value.refused
    assert provider.requests == []


BATCH = [("key-1", MAIL), ("key-2", MAIL)]


async def send_batch(provider: Provider, *, seconds: float = 5) -> list[str]:
    async with played_by(provider) as http:
        deadline = asyncio.get_running_loop().time() + seconds
        return await ResendMail(SETTINGS, http).send_batch(BATCH, key="batch-1", deadline=deadline)


async def test_a_batch_is_one_request_under_its_own_key_and_each_mail_names_its_message() -> None:
    provider = Provider(httpx.Response(200, json={"data": [{"id": "mail-1"}, {"id": "mail-2"}]}))
    assert await send_batch(provider) == ["mail-1", "mail-2"]
    (request,) = provider.requests
    assert str(request.url) == "https://mail.example/emails/batch"
    assert request.headers["idempotency-key"] == "batch-1"
    tags = [mail["tags"][0]["value"] for mail in json.loads(request.content)]
    assert tags == ["key-1", "key-2"]


async def test_a_batch_refused_for_one_of_its_mails_lets_each_be_tried_alone() -> None:
    with pytest.raises(MailError) as raised:
        await send_batch(Provider(problem(422, "validation_error")))
    failure = raised.value
    assert (failure.alone, failure.refused, failure.permanent) == (True, True, False)


@pytest.mark.parametrize(
    ("answer", "permanent", "refused"),
    [
        (problem(500, "application_error"), False, False),
        (problem(409, "invalid_idempotent_request"), True, False),
        (problem(401, "missing_api_key"), False, True),
        (problem(422, "invalid_from_address"), False, True),
        (httpx.Response(200, json={"data": [{"id": "mail-1"}]}), False, False),
        (httpx.Response(200, json={"data": "mail-1"}), False, False),
        (httpx.Response(200, json=[]), False, False),
    ],
)
async def test_other_failures_of_a_batch_leave_it_together(
    answer: httpx.Response, permanent: bool, refused: bool
) -> None:
    with pytest.raises(MailError) as raised:
        await send_batch(Provider(answer))
    failure = raised.value
    assert (failure.alone, failure.permanent, failure.refused) == (False, permanent, refused)


async def test_headers_are_the_same_in_whatever_order_they_were_kept() -> None:
    provider = Provider(ACCEPTED)
    async with played_by(provider) as http:
        transport = ResendMail(SETTINGS, http)
        deadline = asyncio.get_running_loop().time() + 5
        for headers in ({"A": "1", "B": "2"}, {"B": "2", "A": "1"}):
            mail = replace(MAIL, headers=headers)
            await transport.send(mail, notification_id="message-1", key="key-1", deadline=deadline)
    first, second = provider.requests
    assert first.content == second.content
