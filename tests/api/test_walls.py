"""Every route times every kind of caller: who may not, gets the same refusal and no hint."""

from __future__ import annotations

import uuid

import httpx
import pytest

from api.app import create_app
from stack.config import StackConfig
from tests.api.accounts import StaffedClinic, assert_problem
from tests.api.offline import SETTINGS
from tests.api.routes import OF_A_CLINIC, ROUTES, Route, proper

OUTSIDERS = ("suspended", "patient", "stranger")
ROLES = ("owner", "manager", "front_desk", "provider")


def by_name(route: Route) -> str:
    return route.name


async def ask(
    api: httpx.AsyncClient,
    route: Route,
    clinic_id: str,
    headers: dict[str, str],
    **ids: str,
) -> httpx.Response:
    arguments = proper(route)
    arguments["headers"] = arguments.get("headers", {}) | headers
    return await api.request(route.method, route.url(clinic_id, **ids), **arguments)


def test_the_list_holds_every_route_that_wants_a_token() -> None:
    document = create_app(SETTINGS).openapi()
    documented = {
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if "security" in operation
    }
    assert {route.name for route in ROUTES} == documented


@pytest.mark.parametrize("route", ROUTES, ids=by_name)
async def test_without_a_token(
    api: httpx.AsyncClient, staffed: StaffedClinic, route: Route
) -> None:
    assert_problem(await ask(api, route, staffed.id, {}), 401, "not_signed_in")


@pytest.mark.parametrize("role", OUTSIDERS)
@pytest.mark.parametrize("route", OF_A_CLINIC, ids=by_name)
async def test_for_outsiders_there_is_no_such_clinic(
    api: httpx.AsyncClient, staffed: StaffedClinic, route: Route, role: str
) -> None:
    headers = staffed.headers(role)
    real = await ask(api, route, staffed.id, headers, patient_id=staffed.patient_id)
    invented = await ask(api, route, str(uuid.uuid4()), headers)
    for answer in (real, invented):
        assert_problem(answer, 404, "not_found")
    assert real.json() | {"request_id": ""} == invented.json() | {"request_id": ""}
    assert real.headers.keys() == invented.headers.keys()


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", OF_A_CLINIC, ids=by_name)
async def test_each_role_gets_as_far_as_it_may(
    api: httpx.AsyncClient, staffed: StaffedClinic, route: Route, role: str
) -> None:
    answer = await ask(api, route, staffed.id, staffed.headers(role))
    if role in route.may:
        assert answer.status_code == route.otherwise, answer.text
    else:
        assert_problem(answer, 403, "not_allowed")


@pytest.mark.parametrize("route", OF_A_CLINIC, ids=by_name)
async def test_ids_of_another_clinic_are_nobodys(
    stack: StackConfig, api: httpx.AsyncClient, staffed: StaffedClinic, route: Route
) -> None:
    """The owner next door names this clinic's member and patient in the address of their own."""
    answer = await ask(
        api,
        route,
        staffed.elsewhere,
        staffed.headers("stranger"),
        member_id=staffed.members["front_desk"],
        patient_id=staffed.patient_id,
    )
    assert answer.status_code == route.otherwise, answer.text
    assert "Perpetua" not in answer.text


@pytest.mark.parametrize("route", OF_A_CLINIC, ids=by_name)
async def test_ids_that_are_none(
    api: httpx.AsyncClient, staffed: StaffedClinic, route: Route
) -> None:
    for identity in ("x", "%00", "../..", "' or 1=1 --", "%F0%9F%92%A9"):
        answer = await ask(api, route, identity, staffed.headers("owner"))
        assert answer.status_code in (404, 405, 422), answer.text
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("route", [route for route in ROUTES if route.body], ids=by_name)
async def test_a_malformed_body(
    api: httpx.AsyncClient, staffed: StaffedClinic, route: Route
) -> None:
    headers = staffed.headers("owner") | {"Content-Type": "application/json"}
    for content in (b"", b"{", b"[]", b"null", b'{"a": "\\ud800"}', b"\xff"):
        answer = await api.request(
            route.method, route.url(staffed.id), content=content, headers=headers
        )
        assert_problem(answer, 422, "invalid_input")


NOT_THE_CALLERS = ("id", "clinic_id", "user_id", "created_at", "external_id", "status")


@pytest.mark.parametrize("route", [route for route in ROUTES if route.body], ids=by_name)
async def test_fields_that_are_not_the_callers_to_write(
    api: httpx.AsyncClient, staffed: StaffedClinic, route: Route
) -> None:
    assert route.body
    body = route.body() | dict.fromkeys(NOT_THE_CALLERS, staffed.elsewhere)
    answer = await api.request(
        route.method, route.url(staffed.id), json=body, headers=staffed.headers("owner")
    )
    assert_problem(answer, 422, "invalid_input")
    named = {error["field"] for error in answer.json()["errors"]}
    assert {f"body.{name}" for name in NOT_THE_CALLERS} <= named
    assert staffed.elsewhere not in answer.text


@pytest.mark.parametrize("route", ROUTES, ids=by_name)
async def test_a_body_that_is_too_large(
    api: httpx.AsyncClient, staffed: StaffedClinic, route: Route
) -> None:
    size = (17 * 1024 if route.content_type else 65) * 1024
    answer = await api.request(
        route.method,
        route.url(staffed.id),
        content=b"x" * size,
        headers=staffed.headers("owner"),
    )
    assert_problem(answer, 413, "body_too_large")
