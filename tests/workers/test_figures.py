"""A worker's figures parse, and leave out what is not known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from prometheus_client.parser import text_string_to_metric_families

from appoint.queue_depth import QueueDepth
from workers.figures import exposition
from workers.vital_signs import RoundSigns, VitalSigns

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def figures(text: bytes) -> dict[str, float]:
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_a_busy_worker() -> None:
    signs = VitalSigns(
        started_at=NOW - timedelta(hours=1),
        last_sweep_at=NOW - timedelta(seconds=4),
        realtime="subscribed",
        database="reachable",
        in_flight=2,
        sent=7,
        failed=1,
    )
    found = figures(exposition(signs, QueueDepth(3, 2, 1, 0.5, overdue=4), NOW))
    assert found["appoint_worker_age_seconds"] == 3600
    assert found["appoint_worker_sweep_age_seconds"] == 4
    assert found["appoint_worker_sent_total"] == 7
    assert found["appoint_worker_realtime_up"] == found["appoint_worker_database_up"] == 1
    assert (found["appoint_worker_queued"], found["appoint_worker_dead"]) == (3, 1)
    assert found["appoint_worker_lag_seconds"] == 0.5
    assert found["appoint_worker_overdue"] == 4
    assert found["appoint_worker_provider_closed"] == 0
    closed = QueueDepth(3, 0, 0, 0.0, closed_because="401:invalid_api_key")
    assert figures(exposition(signs, closed, NOW))["appoint_worker_provider_closed"] == 1


def test_each_round_has_its_own_figures() -> None:
    signs = VitalSigns(
        started_at=NOW,
        rounds={
            "waitlist": RoundSigns(NOW - timedelta(seconds=7)),
            "holds": RoundSigns(failing=True),
        },
    )
    text = exposition(signs, None, NOW).decode()
    assert 'appoint_worker_round_age_seconds{round="waitlist"} 7.0' in text
    assert 'appoint_worker_round_age_seconds{round="holds"}' not in text
    assert 'appoint_worker_round_failing{round="waitlist"} 0.0' in text
    assert 'appoint_worker_round_failing{round="holds"} 1.0' in text


def test_a_worker_without_the_notifier_shows_that_the_database_answers() -> None:
    found = figures(exposition(VitalSigns(started_at=NOW), QueueDepth(0, 0, 0, 0.0), NOW))
    assert found["appoint_worker_database_up"] == 1


def test_a_worker_that_has_seen_nothing_yet() -> None:
    found = figures(exposition(VitalSigns(started_at=NOW), None, NOW))
    assert found["appoint_worker_realtime_up"] == found["appoint_worker_database_up"] == 0
    assert "appoint_worker_sweep_age_seconds" not in found
    assert "appoint_worker_queued" not in found
