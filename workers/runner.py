"""One worker process: starts its parts, restarts those that fall, stops them in order.

SIGTERM and SIGINT drain: nothing more is claimed, what is being sent gets its outcome recorded,
which takes at most the rest of a lease. A second signal ends at once; the leases then run out and
another worker goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from realtime import AsyncRealtimeClient

from appoint.mail import Message, Sender, render_message
from appoint.settings import Settings
from appoint.supabase_clients import http_pool, service_client
from workers.frozen_mail import FrozenMail
from workers.health import HealthServer
from workers.notifier import Notifier, Pace
from workers.outbox import Outbox
from workers.provider_connections import provider_connections
from workers.resend_mail import ResendMail
from workers.roles import NOTIFIER, rounds_of
from workers.sending import SendsMail
from workers.standby import Standby
from workers.vital_signs import VitalSigns
from workers.wakeups import Wakeups

logger = logging.getLogger(__name__)

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
# A loop that sleeps out its longest pause or waits out one call to the database is still alive.
STALLED_AFTER = 60.0
# Rounds that Realtime's `work_due` is about, too.
WAKEABLE = frozenset(("waitlist", "imports"))


async def run(settings: Settings, roles: frozenset[str]) -> None:
    """Work until told to stop. Raises CannotListenError when the health port is taken."""
    async with contextlib.AsyncExitStack() as connections:
        supabase_http = await connections.enter_async_context(http_pool())
        # With the service's rights: the queue spans all clinics and belongs to no user.
        client = service_client(settings, supabase_http)
        outbox = Outbox(client)
        signs = VitalSigns()
        center: Notifier | Standby = Standby(signs)
        if NOTIFIER in roles:
            transport = await connections.enter_async_context(_transport(settings))
            center = Notifier(outbox, transport, _writer(settings), _pace(settings), signs)
        rounds = rounds_of(roles, client, settings, signs)

        def wake() -> None:
            center.wake()
            for one in rounds:
                if one.name in WAKEABLE:
                    one.wake()

        def connect() -> AsyncRealtimeClient:
            return service_client(settings, supabase_http).realtime

        wakeups = Wakeups(connect, wake, signs)
        health = HealthServer(
            signs,
            outbox.depth,
            port=settings.appoint_worker_health_port,
            stalled_after=STALLED_AFTER + settings.appoint_worker_sweep_seconds,
        )
        async with await health.start():
            beside = {one.name: one.run for one in rounds}
            await _work(center, {"wakeups": wakeups.run, **beside})


async def _work(
    center: Notifier | Standby, beside: dict[str, Callable[[], Awaitable[None]]]
) -> None:
    """Run the notifier until told to stop, and beside it what may be cut off at any moment."""
    with _stops_on_signal(center):
        others = [asyncio.create_task(_keep_running(name, part)) for name, part in beside.items()]
        logger.info("worker_started")
        try:
            await _keep_running(NOTIFIER, center.run)
        finally:
            for other in others:
                other.cancel()
            await asyncio.gather(*others, return_exceptions=True)
        logger.info("worker_stopped")


async def _keep_running(name: str, part: Callable[[], Awaitable[None]]) -> None:
    """Run a part until it returns; start it again, after a growing pause, whenever it raises."""
    pause = FIRST_PAUSE
    while True:
        try:
            await part()
        except Exception:
            logger.exception("part_crashed", extra={"part": name})
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        else:
            return


@contextlib.contextmanager
def _stops_on_signal(center: Notifier | Standby) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    main = asyncio.current_task()
    assert main is not None
    asked = False

    def stop(name: str) -> None:
        nonlocal asked
        logger.info("stopping", extra={"signal": name, "at_once": asked})
        if asked:
            main.cancel()
        asked = True
        center.stop()

    caught = (signal.SIGTERM, signal.SIGINT)
    for number in caught:
        loop.add_signal_handler(number, stop, number.name)
    try:
        yield
    finally:
        for number in caught:
            loop.remove_signal_handler(number)


def _pace(settings: Settings) -> Pace:
    return Pace(
        concurrency=settings.appoint_worker_concurrency,
        lease_seconds=settings.appoint_worker_lease_seconds,
        sweep_seconds=settings.appoint_worker_sweep_seconds,
        per_second=settings.appoint_mail_per_second,
    )


@contextlib.asynccontextmanager
async def _transport(settings: Settings) -> AsyncIterator[SendsMail]:
    if settings.appoint_mail_transport == "smtp":
        # Only who sends this way needs the library.
        from workers.smtp_mail import SmtpMail  # noqa: PLC0415

        yield SmtpMail(settings)
    else:
        most = settings.appoint_worker_concurrency
        async with provider_connections(settings.resend_api_url, most) as http:
            yield ResendMail(settings, http)


def _writer(settings: Settings) -> Callable[[Message], FrozenMail]:
    sender = Sender(
        address=settings.appoint_mail_from,
        site_url=settings.appoint_site_url,
        api_url=settings.appoint_api_url,
    )
    return lambda message: FrozenMail.of(
        render_message(message, sender), to=message.recipient_address
    )
