"""What `/healthz` says of a worker, with the queue played by a double."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from appoint.queue_depth import QueueDepth
from workers import health as health_module
from workers.health import HealthServer
from workers.standby import Standby
from workers.vital_signs import VitalSigns

EMPTY = QueueDepth(queued=0, sending=0, dead=0, lag_seconds=0.0)


class Queue:
    """Answers, or cannot be reached."""

    def __init__(self) -> None:
        self.is_there = True

    async def depth(self) -> QueueDepth:
        if not self.is_there:
            raise ConnectionError
        return EMPTY


@pytest.fixture(autouse=True)
def asked_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_module, "DEPTH_KEPT_SECONDS", 0.0)


async def ask(signs: VitalSigns, queue: Queue) -> tuple[int, dict[str, Any]]:
    server = HealthServer(signs, queue.depth, port=0, stalled_after=60)
    async with await server.start() as listening:
        port = listening.sockets[0].getsockname()[1]
        async with httpx.AsyncClient() as http:
            answer = await http.get(f"http://127.0.0.1:{port}/healthz")
    return answer.status_code, answer.json()


async def test_a_worker_without_the_notifier_knows_whether_the_database_is_there() -> None:
    signs, queue = VitalSigns(), Queue()
    _, body = await ask(signs, queue)
    assert (body["status"], body["database"]) == ("ok", "reachable")
    queue.is_there = False
    code, body = await ask(signs, queue)
    # No restart would mend it.
    assert (code, body["status"], body["database"]) == (200, "degraded", "unreachable")


async def test_a_database_that_was_lost_is_noticed_while_no_mail_is_sent() -> None:
    signs, queue = VitalSigns(database="reachable"), Queue()
    queue.is_there = False
    _, body = await ask(signs, queue)
    assert (body["status"], body["database"]) == ("degraded", "unreachable")


async def test_a_round_that_fails_is_no_good_health() -> None:
    signs = VitalSigns()
    signs.round_made("waitlist", failing=True)
    code, body = await ask(signs, Queue())
    assert (code, body["status"]) == (200, "degraded")
    signs.round_made("waitlist", failing=False)
    _, body = await ask(signs, Queue())
    assert body["status"] == "ok"


async def test_without_the_notifier_a_wake_up_is_known_too() -> None:
    signs = VitalSigns()
    Standby(signs).wake()
    _, body = await ask(signs, Queue())
    assert body["last_wake_at"]
