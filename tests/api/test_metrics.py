"""Figures for Prometheus, which parse and name nobody."""

from __future__ import annotations

import uuid

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.api.accounts import StaffedClinic
from tests.api.offline import Offline

Figures = dict[str, list[tuple[dict[str, str], float]]]


async def figures(api: httpx.AsyncClient) -> Figures:
    answer = await api.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        sample.name: [
            (other.labels, other.value) for other in family.samples if other.name == sample.name
        ]
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def counted(found: Figures, **labels: str) -> float:
    return sum(
        value
        for known, value in found.get("appoint_api_requests_total", [])
        if labels.items() <= known.items()
    )


async def test_requests_are_counted_by_route_and_status_not_by_path(
    api: httpx.AsyncClient, staffed: StaffedClinic
) -> None:
    labels = {"method": "PATCH", "route": "/v1/clinics/{clinic_id}", "status": "404"}
    before = counted(await figures(api), **labels)
    clinic_id = str(uuid.uuid4())
    await api.patch(
        f"/v1/clinics/{clinic_id}", json={"name": "x"}, headers=staffed.headers("owner")
    )
    await api.get("/somewhere/secret-word")
    after = await figures(api)
    assert counted(after, **labels) == before + 1
    assert counted(after, route="none", status="404") >= 1
    text = (await api.get("/metrics")).text
    assert clinic_id not in text
    assert "secret-word" not in text


async def test_the_queue_is_told_by_state_and_lag(api: httpx.AsyncClient) -> None:
    found = await figures(api)
    assert {labels["status"] for labels, _ in found["appoint_notifications"]} == {
        "queued",
        "sending",
        "dead",
        "overdue",
    }
    assert found["appoint_notifications_lag_seconds"][0][1] >= 0
    assert found["appoint_database_up"] == [({}, 1.0)]


async def test_without_a_database_it_says_so_and_leaves_out_what_it_cannot_know(
    offline: Offline,
) -> None:
    _, client = offline
    found = await figures(client)
    assert found["appoint_database_up"] == [({}, 0.0)]
    assert "appoint_notifications" not in found
