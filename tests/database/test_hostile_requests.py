"""What an outsider would try, and staff of another clinic: nothing of it shows, changes or breaks.

A seeded sample of generated requests by default; APPOINT_HOSTILE_REQUESTS says how many otherwise.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import aiohttp
import psycopg
import pytest

from appoint.errors import ERRORS
from stack.config import PROJECT_DIR, StackConfig
from tests.access import arguments, rows
from tests.access.cast import Person, token
from tests.access.hostile import ENDLESS, TEXTS, Attacker
from tests.access.matrix import Scene, prepared
from tests.access.outcomes import Answer
from tests.access.requests import Cell, Request, send, send_all
from tests.access.server import rolling_back
from tests.access.world import CANARY

COUNT = "APPOINT_HOSTILE_REQUESTS"
ERRORS_PAGE = PROJECT_DIR / "docs" / "errors.md"
SEED = 20_260_901
BATCH = 2_000


@pytest.fixture(scope="module")
def scene(stack: StackConfig, migrated: str) -> Iterator[Scene]:
    """Three clinics and everybody, in a database of their own."""
    with prepared(stack, migrated) as scene:
        yield scene


@pytest.fixture(scope="module")
def base(stack: StackConfig, scene: Scene) -> Iterator[str]:
    """A PostgREST that keeps nothing."""
    with rolling_back(stack, scene.database) as address:
        yield address


def strangers(scene: Scene) -> list[Person]:
    return [person for person in scene.people if not person.belongs_away]


def assert_harmless(scene: Scene, request: Request, answer: Answer) -> None:
    """No fault of the server's, nothing of the clinic next door, nothing of the machinery."""
    what = f"{request} -> {answer}"[:3000]
    assert answer.status < 500, what
    body = answer.body.lower()
    given = json.dumps([request.body, request.query, request.path]).lower()
    assert CANARY not in body or CANARY in given, what
    assert str(scene.away.clinic) not in body or str(scene.away.clinic) in given, what
    assert "pl/pgsql" not in body, what
    assert "traceback" not in body, what


async def test_generated_requests_show_change_and_break_nothing(
    stack: StackConfig, scene: Scene, base: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = int(os.environ.get(COUNT, "1500"))
    statuses: Counter[int] = Counter()
    strange: dict[str, str] = {}
    attacker = Attacker(scene, SEED)
    made = attacker.requests(wanted)
    while batch := [request for _, request in zip(range(BATCH), made, strict=False)]:
        answers = await send_all(base, scene.tokens(stack), batch)
        for request in batch:
            answer = answers[request.cell]
            assert_harmless(scene, request, answer)
            statuses[answer.status] += 1
            if not is_in_contract(answer):
                strange[answer.error] = f"{request} -> {answer}"[:1000]
    with capsys.disabled():
        told = ", ".join(f"{status}: {count:,}" for status, count in sorted(statuses.items()))
        sys.stdout.write(f"\nhostile requests: {statuses.total():,} ({told})\n")
    assert statuses.total() == wanted
    assert strange == {}, "a refusal that docs/errors.md does not know"
    # Most are refused; some are fair questions in odd words.
    assert sum(n for status, n in statuses.items() if status >= 400) > wanted / 2


@functools.cache
def codes_of_the_errors_page() -> set[str]:
    """PostgreSQL's and PostgREST's own, which the page lists by hand."""
    section = ERRORS_PAGE.read_text().partition("## Of PostgreSQL and PostgREST themselves")[2]
    rows_of_codes = re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE)
    return set(re.findall(r"`(\w+)`", " ".join(rows_of_codes)))


def is_in_contract(answer: Answer) -> bool:
    """Whether a client that knows docs/errors.md knows what to make of it."""
    if answer.status < 400:
        return True
    if answer.error.startswith("PT"):
        refused = ERRORS.get(answer.refusal)
        return refused is not None and answer.error == f"PT{refused.status}"
    return answer.error in codes_of_the_errors_page()


def without_ids(answer: Answer, *ids: str) -> tuple[int, str, str]:
    body = answer.body
    for one in ids:
        body = body.replace(one, "<id>")
    return answer.status, body, answer.range


async def test_no_id_parameter_tells_a_foreign_id_from_an_unknown_one(
    stack: StackConfig, scene: Scene, base: str
) -> None:
    """Proper calls of one's own clinic, with a single id from next door: in every parameter that
    the catalogue calls an id, in lists, and inside JSON."""
    requests: list[Request] = []
    pairs: list[tuple[Cell, Cell, str]] = []
    for person in strangers(scene):
        for function in scene.functions:
            for crossing in arguments.crossings(function, person.home, person.away):
                cells = []
                for place, body in (("away", crossing.away), ("unknown", crossing.unknown)):
                    cell = Cell(person.name, function.title, crossing.where, place)
                    cells.append(cell)
                    requests.append(
                        Request(cell, "POST", f"rpc/{function.name}", {}, body, function.schema, "")
                    )
                pairs.append((cells[0], cells[1], crossing.foreign))
    tried = {(away.thing, away.verb.partition(".")[0]) for away, _, _ in pairs}
    known = {
        (function.title, name)
        for function in scene.functions
        for name, type_name in function.parameters
        if type_name in ("uuid", "uuid[]") and name not in arguments.NOT_OF_A_CLINIC
    }
    assert known <= tried, "an id nobody tries"
    assert ("public.book_together", "visits") in tried
    answers = await send_all(base, scene.tokens(stack), requests)
    for away, unknown, foreign in pairs:
        ids = (foreign, str(arguments.UNKNOWN))
        assert without_ids(answers[away], *ids) == without_ids(answers[unknown], *ids), away


async def test_rows_of_ones_own_clinic_cannot_name_another_ones_things(
    stack: StackConfig, scene: Scene, base: str
) -> None:
    """Mass assignment: every id column of every table people may add to, one at a time."""
    tokens = scene.tokens(stack)
    tried = 0
    async with aiohttp.ClientSession() as session:
        for person in (p for p in strangers(scene) if p.name in ("owner", "front_desk", "patient")):
            for relation in scene.relations:
                mine = rows.addition(relation.name, person.home)
                theirs = rows.addition(relation.name, person.away)
                for column in [name for name in mine if name.endswith("_id")]:
                    answers = []
                    for value in (theirs[column], str(arguments.UNKNOWN)):
                        cell = Cell(person.name, relation.name, column, "mixed")
                        request = Request(
                            cell, "POST", relation.name, {}, mine | {column: value},
                            prefer="return=representation",
                        )  # fmt: skip
                        answer = await send(session, base, tokens, request)
                        assert answer.status in (400, 401, 403, 404, 409, 422), (request, answer)
                        answers.append(without_ids(answer, value))
                    assert answers[0] == answers[1], (person.name, relation.name, column)
                    tried += 1
    assert tried > 40


async def test_hidden_columns_are_no_oracle(stack: StackConfig, scene: Scene, base: str) -> None:
    """Not by filter, order, embedding, counting, representation or plan."""
    hidden = ("email", "phone", "date_of_birth", "external_id")
    queries: list[tuple[str, dict[str, str]]] = [
        *(("patients", {"select": "id", column: "not.is.null"}) for column in hidden),
        *(("patients", {"select": "id", "order": column}) for column in hidden),
        *(("patients", {"select": f"id,{column}"}) for column in hidden),
        *(
            ("appointments", {"select": "id,patients!inner(id)", f"patients.{c}": "not.is.null"})
            for c in hidden
        ),
        ("patients", {"or": "(email.like.a*,id.not.is.null)", "select": "id"}),
        ("patients", {"select": "*"}),
        ("appointments", {"select": "*,patients(*)"}),
        ("appointment_reasons", {"select": "id", "reason": "like.*a*"}),
        ("appointments", {"select": "id,appointment_reasons(reason)"}),
        ("outside_calendars", {"select": "id", "url": "like.*a*"}),
        ("calendar_feeds", {"select": "id", "token_hash": "not.is.null"}),
        ("clinics", {"select": "id,patients(email)"}),
    ]
    tokens = scene.tokens(stack)
    async with aiohttp.ClientSession() as session:
        for person in ("owner", "provider", "patient"):
            for path, query in queries:
                cell = Cell(person, path, "hidden", "home")
                answer = await send(session, base, tokens, Request(cell, "GET", path, query))
                assert answer.refusal == "denied", (query, answer)
                assert answer.range in ("", "*/*"), (query, answer)
            change = Request(
                Cell(person, "patients", "hidden", "home"), "PATCH", "patients",
                {"id": f"eq.{scene.home.patient}", "select": "id,email"}, {"full_name": "New"},
                prefer="return=representation",
            )  # fmt: skip
            assert (await send(session, base, tokens, change)).refusal == "denied"


WINDOW_DRESSING: dict[str, tuple[str, ...]] = {
    "providers": ("user_id", "external_id"),
    "clinics": ("staff_needs_second_factor", "audit_retention_days", "external_id"),
    "provider_services": ("weight", "max_per_day", "max_per_week"),
}


async def test_the_shop_window_shows_what_is_for_visitors_alone(
    stack: StackConfig, scene: Scene, base: str
) -> None:
    """Rows of a public clinic are for everybody; how it guards and runs itself is not."""
    tokens = scene.tokens(stack)
    async with aiohttp.ClientSession() as session:

        async def ask(person: str, table: str, query: dict[str, str]) -> Answer:
            cell = Cell(person, table, "window", "home")
            return await send(session, base, tokens, Request(cell, "GET", table, query))

        for table, columns in WINDOW_DRESSING.items():
            shown = {"providers": "full_name", "clinics": "name"}.get(table, "provider_id")
            assert (await ask("visitor", table, {"select": shown})).rows > 0
            for column in columns:
                for query in ({"select": column}, {"select": shown, column: "not.is.null"}):
                    assert (await ask("visitor", table, query)).refusal == "denied", query
        # Log-ins of providers are no business of patients either, and colleagues ask clinic_staff.
        for person in ("stranger", "patient", "away_patient", "owner"):
            for column in ("user_id", "external_id"):
                answer = await ask(person, "providers", {"select": column})
                assert answer.refusal == "denied", (person, column)


COVETED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("patient", "appointments", {"status": "booked"}),
    ("patient", "appointments", {"booked_by": str(arguments.UNKNOWN)}),
    ("patient", "patients", {"clinic_id": "away"}),
    ("patient", "patients", {"user_id": None}),
    ("patient", "patients", {"external_id": "1"}),
    ("patient", "members", {"role": "owner"}),
    ("front_desk", "members", {"role": "owner"}),
    ("provider", "members", {"active": True}),
    ("owner", "members", {"clinic_id": "away"}),
    ("owner", "members", {"user_id": "away"}),
    ("owner", "clinics", {"id": "away"}),
    ("owner", "locations", {"clinic_id": "away"}),
    ("owner", "providers", {"clinic_id": "away"}),
    ("owner", "services", {"clinic_id": "away"}),
    ("owner", "resources", {"clinic_id": "away"}),
    ("owner", "weekly_hours", {"clinic_id": "away"}),
    ("owner", "group_sessions", {"clinic_id": "away"}),
    ("owner", "notifications", {"status": "queued"}),
    ("owner", "appointment_events", {"actor_id": None}),
    ("owner", "access_log", {"actor_id": None}),
    ("owner", "history_seals", {"event_count": 0}),
    ("manager", "staff_invitations", {"role": "owner"}),
    ("patient", "waitlist_offers", {"status": "accepted"}),
    ("patient", "calendar_feeds", {"details": "titles"}),
    ("patient", "guardians", {"ends_at": None}),
)


@pytest.mark.parametrize("coveted", COVETED, ids=str)
async def test_coveted_columns_are_not_the_callers_to_write(
    stack: StackConfig, scene: Scene, base: str, coveted: tuple[str, str, dict[str, Any]]
) -> None:
    who, table, change = coveted
    body = {
        column: str(scene.away.clinic) if value == "away" else value
        for column, value in change.items()
    }
    tokens = scene.tokens(stack)
    async with aiohttp.ClientSession() as session:
        query = {rows.clinic_column(relation_of(scene, table)): f"eq.{scene.home.clinic}"}
        request = Request(
            Cell(who, table, "covet", "home"), "PATCH", table, query, body, prefer="return=minimal"
        )
        answer = await send(session, base, tokens, request)
    assert answer.status in (400, 403, 404, 409) or (answer.status, answer.rows) == (204, 0), answer


def relation_of(scene: Scene, table: str) -> Any:
    return next(relation for relation in scene.relations if relation.name == table)


MEGABYTE = "n" * 1_000_000


async def test_text_is_only_text(stack: StackConfig, scene: Scene, base: str) -> None:
    """SQL, markup, line breaks, invisible and endless text in every text that people can give
    a function: kept as it is, or refused."""
    fields = [
        (function, name)
        for function in scene.functions
        for name, type_name in function.parameters
        if type_name in ("text", "text[]", "jsonb") and function.schema == "public"
    ]
    assert len(fields) > 25
    requests = []
    for function, name in fields:
        home = scene.home
        people = ("stranger", "patient", "owner")
        proper = arguments.proper(function, home)
        for number, text in enumerate((*TEXTS, MEGABYTE)):
            for who in people if text is not MEGABYTE else people[-1:]:
                cell = Cell(who, function.title, name, str(number))
                body = proper | {name: within(proper.get(name), text)}
                requests.append(
                    Request(cell, "POST", f"rpc/{function.name}", {}, body, function.schema, "")
                )
    await all_kept_or_refused(stack, scene, base, requests)


async def test_text_in_columns_is_only_text(stack: StackConfig, scene: Scene, base: str) -> None:
    """The same in every column that people write without a function."""
    requests = []
    for table, column, is_changeable in scene.text_columns:
        key = scene.standing[table, scene.home.word].key
        query = {"select": column} | {name: f"eq.{value}" for name, value in key.items()}
        new = rows.addition(table, scene.home)
        for number, text in enumerate((*TEXTS, MEGABYTE)):
            cell = Cell("owner", table, column, f"added {number}")
            requests.append(
                Request(
                    cell, "POST", table, {"select": column}, new | {column: text},
                    prefer="return=representation",
                )
            )  # fmt: skip
            if is_changeable:
                cell = Cell("owner", table, column, f"changed {number}")
                requests.append(
                    Request(
                        cell, "PATCH", table, query, {column: text}, prefer="return=representation"
                    )
                )
    assert len({(request.cell.thing, request.cell.verb) for request in requests}) > 15
    await all_kept_or_refused(stack, scene, base, requests)


def within(proper: Any, text: str) -> Any:
    """The text where the argument has text: alone, in a list, or in each place of some JSON."""
    if isinstance(proper, dict):
        return {name: within(value, text) for name, value in proper.items()} | {"note": text}
    if isinstance(proper, list):
        return [within(value, text) for value in proper] or [text]
    return text


async def all_kept_or_refused(
    stack: StackConfig, scene: Scene, base: str, requests: list[Request]
) -> None:
    answers = await send_all(base, scene.tokens(stack), requests)
    # A call may also answer with what stood there already.
    stood = {str(value) for known in scene.standing.values() for value in known.row.values()}
    taken = 0
    for request in requests:
        answer = answers[request.cell]
        field = request.cell.verb
        text = request.body[field]
        assert_harmless(scene, dataclasses.replace(request, body={}), answer)
        assert is_in_contract(answer), f"{request} -> {answer}"[:3000]
        if answer.status >= 400 or not isinstance(text, str) or not text.strip():
            continue
        taken += 1
        # A row is no place for endless text; what a function takes may be for a query alone.
        assert request.path.startswith("rpc/") or len(text) < len(ENDLESS), request.cell
        kept = json.loads(answer.body or "{}")
        kept = kept[0] if isinstance(kept, list) and kept else kept
        if isinstance(kept, dict) and isinstance(kept.get(field), str):
            given = (text.strip(), text.strip().lower())
            assert kept[field].strip() in given or kept[field] in stood, request.cell
    assert taken > 0


@pytest.mark.parametrize(
    ("who", "change", "status", "key"),
    [
        ("owner", {"slug": "away"}, 409, "slug_in_use"),
        ("owner", {"slug": "Not Readable"}, 422, "invalid_input"),
        ("owner", {"name": " "}, 422, "invalid_input"),
        ("owner", {"name": "n" * 201}, 422, "invalid_input"),
        ("owner", {"time_zone": "Mars/Olympus"}, 422, "invalid_input"),
        ("owner", {"hold_minutes": 0}, 422, "invalid_input"),
        ("owner", {"staff_needs_second_factor": True}, 403, "not_allowed"),
        ("manager", {"staff_needs_second_factor": True}, 403, "not_allowed"),
        ("manager", {"audit_retention_days": 30}, 403, "not_allowed"),
        ("owner", {"audit_retention_days": 29}, 422, "invalid_input"),
    ],
)
async def test_settings_are_refused_in_the_contracts_words(
    *,
    stack: StackConfig,
    scene: Scene,
    base: str,
    who: str,
    change: dict[str, Any],
    status: int,
    key: str,
) -> None:
    if change.get("slug") == "away":
        with psycopg.connect(stack.db_url(database=scene.database)) as connection:
            change = {"slug": slug_of(connection, scene.away.clinic)}
    request = Request(
        Cell(who, "clinics", "settings", "home"), "PATCH", "clinics",
        {"id": f"eq.{scene.home.clinic}"}, change,
    )  # fmt: skip
    async with aiohttp.ClientSession() as session:
        answer = await send(session, base, scene.tokens(stack), request)
    told = json.loads(answer.body)
    assert (answer.status, told["message"], told["details"]) == (status, key, None)
    assert told["hint"]


def slug_of(connection: psycopg.Connection[Any], clinic: Any) -> str:
    """The slug of a clinic that the caller may not see."""
    row = connection.execute("select slug from public.clinics where id = %s", [clinic]).fetchone()
    assert row is not None
    slug: str = row[0]
    return slug


@pytest.mark.parametrize("place", ["user_metadata", "app_metadata", "members", "role_in_clinic"])
async def test_what_a_person_says_of_themselves_grants_nothing(
    stack: StackConfig, scene: Scene, base: str, place: str
) -> None:
    """Roles and clinics in a token's metadata are not read; rows of members are."""
    (patient,) = (person for person in scene.people if person.name == "patient")
    boast = {
        "role": "owner", "clinic_id": str(scene.home.clinic), "is_admin": True, "aal": "aal2",
        "clinics": [str(scene.away.clinic)],
    }  # fmt: skip
    tokens = {
        "plain": token(stack, patient.claims),
        "boasting": token(stack, patient.claims, **{place: boast}),
    }
    async with aiohttp.ClientSession() as session:
        for path in ("patients", "appointments", "members", "clinics", "notifications"):
            seen = set()
            for name in tokens:
                request = Request(Cell(name, path, "read", "home"), "GET", path, {"select": "id"})
                seen.add((await send(session, base, tokens, request)).visible)
            assert len(seen) == 1, path
