"""The importing worker: from somebody else's server to closed slots, whatever that server does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import psycopg
import pytest
from aiohttp import web

from appoint.settings import Settings
from appoint.supabase_clients import http_pool, service_client
from stack.config import StackConfig
from tests.people import Connection, Practice, Row, at, call, every, make_practice, one
from workers.calendar_import import CalendarImport, allowed_addresses

Calendars = dict[str, web.Response]


@pytest.fixture
def db(workerless_stack: StackConfig) -> Iterator[Connection]:
    with psycopg.connect(workerless_stack.db_url(), autocommit=True) as connection:
        # Other tests' calendars are not this test's business.
        connection.execute("delete from public.outside_calendars where url is not null")
        yield connection


@pytest.fixture
def practice(db: Connection) -> Practice:
    return make_practice(db)


@pytest.fixture
async def importing(new_worker: Callable[[], CalendarImport]) -> CalendarImport:
    return new_worker()


@pytest.fixture
async def new_worker(
    workerless_stack: StackConfig,
) -> AsyncIterator[Callable[[], CalendarImport]]:
    """Makes the importing part of a worker that may fetch from this machine."""
    settings = Settings.model_validate(
        {
            "supabase_url": workerless_stack.gateway_url,
            "supabase_publishable_key": workerless_stack.keys.publishable,
            "supabase_secret_key": workerless_stack.keys.secret,
            "appoint_calendar_import_allow_loopback": True,
        }
    )
    async with http_pool() as http:
        yield lambda: CalendarImport(service_client(settings, http), allowed_addresses(settings))


class Elsewhere:
    """Somebody else's server, on this machine; what it answers at each path can be set."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.address = ""
        self.closes = asyncio.Event()

    async def answer(self, request: web.Request) -> web.Response:
        known = request.headers.get("If-None-Match")
        self.asked.append((request.path, known))
        if request.path.startswith("/never/"):
            await self.closes.wait()
        if request.path == "/to-loopback":
            return web.Response(status=302, headers={"Location": "http://169.254.169.254/"})
        content = self.content.get(request.path)
        if content is None:
            return web.Response(status=404)
        tag = f'"{len(content)}"'
        if known == tag:
            return web.Response(status=304)
        return web.Response(body=content, headers={"ETag": tag})


@pytest.fixture
async def elsewhere() -> AsyncIterator[Elsewhere]:
    server = Elsewhere()
    app = web.Application()
    app.router.add_get("/{path:.*}", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    server.address = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]
    yield server
    server.closes.set()
    await runner.cleanup()


def calendar(*hours: int) -> bytes:
    """A calendar that is busy for those hours of the day after tomorrow."""
    events = "".join(
        f"BEGIN:VEVENT\r\nUID:{hour}\r\nDTSTAMP:20260101T000000Z\r\n"
        f"DTSTART:{at(hour):%Y%m%dT%H%M%SZ}\r\nDTEND:{at(hour + 1):%Y%m%dT%H%M%SZ}\r\n"
        "SUMMARY:Nobody's business\r\nEND:VEVENT\r\n"
        for hour in hours
    )
    return (
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//EN\r\n{events}END:VCALENDAR\r\n"
    ).encode()


def add(db: Connection, practice: Practice, url: str) -> None:
    call(db, "public.add_outside_calendar", provider_id=practice.provider, url=url)


def state(db: Connection, url: str) -> Row:
    return one(
        db,
        "select state::text, last_error, failures, skipped_events from public.outside_calendars"
        " where url = %s",
        url,
    )


def busy_hours(db: Connection, practice: Practice) -> list[int]:
    rows = every(
        db,
        "select starts_at from public.busy_blocks where provider_id = %s order by 1",
        practice.provider,
    )
    return [(row["starts_at"] - at(0)).seconds // 3600 for row in rows]


def make_due(db: Connection) -> None:
    db.execute("update public.outside_calendars set next_fetch_at = now() where url is not null")


async def test_a_calendar_becomes_busy_time_and_is_read_again_only_if_it_changed(
    db: Connection, practice: Practice, importing: CalendarImport, elsewhere: Elsewhere
) -> None:
    url = f"{elsewhere.address}/a.ics"
    elsewhere.content["/a.ics"] = calendar(9, 14)
    add(db, practice, url)
    await importing.look()
    assert busy_hours(db, practice) == [9, 14]
    assert state(db, url) == {
        "state": "fresh",
        "last_error": None,
        "failures": 0,
        "skipped_events": 0,
    }
    make_due(db)
    await importing.look()
    assert elsewhere.asked[-1][1] is not None
    assert busy_hours(db, practice) == [9, 14]

    elsewhere.content["/a.ics"] = calendar(11)
    make_due(db)
    await importing.look()
    assert busy_hours(db, practice) == [11]


async def test_nothing_of_what_events_say_is_kept(
    db: Connection, practice: Practice, importing: CalendarImport, elsewhere: Elsewhere
) -> None:
    elsewhere.content["/a.ics"] = calendar(9)
    add(db, practice, f"{elsewhere.address}/a.ics")
    await importing.look()
    kept = [
        *every(db, "select * from public.busy_blocks"),
        *every(db, "select * from public.outside_calendars"),
    ]
    assert "Nobody" not in str(kept)


async def test_one_bad_calendar_does_not_keep_the_others_from_being_read(
    db: Connection, practice: Practice, importing: CalendarImport, elsewhere: Elsewhere
) -> None:
    elsewhere.content["/good.ics"] = calendar(9)
    elsewhere.content["/page"] = b"<html>Sign in</html>"
    elsewhere.content["/large"] = calendar(9) + b" " * (5 * 1024 * 1024)
    expected = {
        "/page": "not_a_calendar",
        "/large": "too_large",
        "/missing": "status_404",
        "/to-loopback": "forbidden_address",
        "/good.ics": None,
    }
    for path in expected:
        add(db, practice, elsewhere.address + path)
    add(db, practice, "http://192.168.0.1/a.ics")
    while await importing.look():
        pass
    for path, error in expected.items():
        known = state(db, elsewhere.address + path)
        assert (known["last_error"], known["state"]) == (error, "new" if error else "fresh")
    assert state(db, "http://192.168.0.1/a.ics")["last_error"] == "forbidden_address"
    assert busy_hours(db, practice) == [9]


async def test_what_is_two_years_off_closes_the_times_that_are_offered_there(
    db: Connection, practice: Practice, importing: CalendarImport, elsewhere: Elsewhere
) -> None:
    db.execute("update public.services set horizon_days = 1095 where id = %s", [practice.service])
    far_off = at(9, days=730)
    elsewhere.content["/a.ics"] = calendar(9).replace(
        f"{at(9):%Y%m%d}".encode(), f"{far_off:%Y%m%d}".encode()
    )
    add(db, practice, f"{elsewhere.address}/a.ics")
    await importing.look()
    (block,) = every(
        db, "select starts_at from public.busy_blocks where provider_id = %s", practice.provider
    )
    assert block["starts_at"] == far_off


async def test_busy_time_stays_when_its_server_goes_away(
    db: Connection, practice: Practice, importing: CalendarImport, elsewhere: Elsewhere
) -> None:
    url = f"{elsewhere.address}/a.ics"
    elsewhere.content["/a.ics"] = calendar(9)
    add(db, practice, url)
    await importing.look()
    del elsewhere.content["/a.ics"]
    make_due(db)
    await importing.look()
    assert state(db, url)["last_error"] == "status_404"
    assert busy_hours(db, practice) == [9]


async def look_until_all_is_read(worker: CalendarImport) -> None:
    while await worker.look():
        pass


async def test_two_workers_share_the_calendars(
    db: Connection, new_worker: Callable[[], CalendarImport], elsewhere: Elsewhere
) -> None:
    paths = [f"/{number}.ics" for number in range(6)]
    for path in paths:
        elsewhere.content[path] = calendar(9)
        add(db, make_practice(db), elsewhere.address + path)
    await asyncio.gather(*(look_until_all_is_read(new_worker()) for _ in range(2)))
    assert sorted(path for path, _ in elsewhere.asked) == paths


async def test_a_clinic_whose_calendars_never_end_does_not_keep_others_waiting(
    db: Connection, practice: Practice, importing: CalendarImport, elsewhere: Elsewhere
) -> None:
    tasks = asyncio.all_tasks()
    for number in range(5):
        add(db, practice, f"{elsewhere.address}/never/{number}")
    others = [make_practice(db) for _ in range(5)]
    for number, other in enumerate(others):
        elsewhere.content[f"/{number}.ics"] = calendar(9)
        add(db, other, f"{elsewhere.address}/{number}.ics")
    async with asyncio.timeout(60):
        while any(busy_hours(db, other) != [9] for other in others):
            await importing.look()
    assert len([path for path, _ in elsewhere.asked if path.startswith("/never/")]) == 1
    await cut_off(importing)
    left = {task.get_coro().__name__ for task in asyncio.all_tasks() - tasks}  # type: ignore[union-attr]
    assert "_import" not in left


async def cut_off(importing: CalendarImport) -> None:
    """What a worker that is stopped does while an import runs."""
    looking = asyncio.create_task(importing.look())
    await asyncio.sleep(0)
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
