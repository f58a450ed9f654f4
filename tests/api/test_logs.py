"""Nothing personal reaches a log: canaries go through the API and are searched for afterwards."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import httpx
import psycopg

from stack.config import StackConfig
from tests.acceptance.eventually import eventually
from tests.api.accounts import StaffedClinic
from tests.api.test_imports import outcome, upload

OURS = ("api.log", "worker.log")


def canary() -> str:
    return f"canary{uuid.uuid4().hex}"


def logs(stack: StackConfig) -> dict[str, str]:
    """What API and worker have written so far, old files included."""
    return {
        path.name: path.read_text(errors="replace")
        for name in OURS
        for path in Path(stack.logs).glob(f"{name}*")
    }


async def test_names_mails_and_tokens_stay_out_of_the_logs(
    stack: StackConfig, api: httpx.AsyncClient, staffed: StaffedClinic
) -> None:
    owner = staffed.headers("owner")
    mail, name, path_word, query_word, bad_value = (canary() for _ in range(5))
    base = f"/v1/clinics/{staffed.id}"
    await api.post(
        f"{base}/staff-invitations",
        json={"email": f"{mail}@example.org", "role": "provider"},
        headers=owner,
    )
    await api.patch(base, json={"name": name}, headers=owner)
    await api.patch(base, json={"name": "Walls", "slug": bad_value * 9}, headers=owner)
    await api.get(f"/{path_word}", params={"email": query_word}, headers=owner)
    await api.patch(base, json={"name": 1}, headers={"Authorization": f"Bearer {bad_value}.a.b"})
    clinic = staffed.id, owner
    content = f"Name;Phone\n{name};{query_word}\n{name};1\n"
    await outcome(api, clinic, await upload(api, clinic, "patients", content))
    export = f"{base}/patients/{staffed.patient_id}/export"
    assert (await api.get(export, headers=owner)).status_code == 200

    written = logs(stack)
    assert set(OURS) <= set(written)
    token = staffed.people["owner"].token
    secrets = (stack.keys.secret, stack.keys.service_role, stack.keys.resend_api_key, token)
    people = (staffed.people["owner"].email, staffed.people["patient"].email, "Perpetua")
    for file, text in written.items():
        for word in (mail, name, path_word, query_word, bad_value, *secrets, *people):
            assert word not in text, f"{word[:12]}… in {file}"


async def test_every_line_is_json_and_a_requests_lines_carry_its_id(
    stack: StackConfig, api: httpx.AsyncClient, staffed: StaffedClinic
) -> None:
    mark = f"trace-{uuid.uuid4().hex}"
    answer = await api.patch(
        f"/v1/clinics/{staffed.id}",
        json={"name": "Walls"},
        headers=staffed.headers("owner") | {"X-Request-Id": mark},
    )
    assert answer.status_code == 200

    async def written() -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in logs(stack)["api.log"].splitlines() if line.strip()]
        ours = [line for line in lines if line.get("request_id") == mark]
        return ours if len(ours) > 1 else []  # the last is written after the answer is sent

    ours = await eventually(written)
    assert [line["action"] for line in ours] == ["clinic_changed", "request"]
    assert ours[-1]["route"] == "/v1/clinics/{clinic_id}"
    assert ours[-1]["status"] == 200


async def test_the_access_log_holds_ids_alone(stack: StackConfig, staffed: StaffedClinic) -> None:
    with psycopg.connect(stack.db_url()) as connection:
        rows = connection.execute(
            "select to_jsonb(entry)::text from public.access_log as entry where clinic_id = %s",
            [staffed.id],
        ).fetchall()
    assert rows
    for (row,) in rows:
        assert "canary" not in row.lower()
        assert "@" not in row
