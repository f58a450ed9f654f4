"""The access log keeps from where somebody called the API, hashed, and not where the API runs."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import psycopg
import pytest

from api.vouchers import HEADER, Whence, voucher
from stack.config import StackConfig
from tests.api.accounts import StaffedClinic

# The test is a proxy that the API trusts, since it calls from this machine.
ADDRESS, AGENT = "203.0.113.77", "Browser of a test"
FROM_AFAR = {"X-Forwarded-For": ADDRESS, "User-Agent": AGENT}


def last_entry(stack: StackConfig, actor: str) -> dict[str, Any]:
    """What the log says of the actor's last step, and what it would say of that address."""
    with psycopg.connect(stack.db_url()) as connection:
        row = connection.execute(
            "select entry.action::text, entry.address_hash = private.pseudonym(%s),"
            " entry.agent_hash = private.pseudonym(%s)"
            " from public.access_log as entry where actor_id = %s order by id desc limit 1",
            [ADDRESS, AGENT, actor],
        ).fetchone()
    assert row is not None
    return dict(zip(("action", "is_address", "is_agent"), row, strict=True))


async def test_what_is_done_as_the_caller_is_logged_with_their_address(
    stack: StackConfig, api: httpx.AsyncClient, staffed: StaffedClinic
) -> None:
    answer = await api.patch(
        f"/v1/clinics/{staffed.id}",
        json={"name": "Walls by the Sea"},
        headers=staffed.headers("manager") | FROM_AFAR,
    )
    assert answer.status_code == 200, answer.text
    assert last_entry(stack, staffed.people["manager"].user_id) == {
        "action": "changed",
        "is_address": True,
        "is_agent": True,
    }


async def test_what_is_done_with_the_service_key_is_logged_with_their_address(
    stack: StackConfig, api: httpx.AsyncClient, staffed: StaffedClinic
) -> None:
    answer = await api.get(
        f"/v1/clinics/{staffed.id}/patients/{staffed.patient_id}/export",
        headers=staffed.headers("owner") | FROM_AFAR,
    )
    assert answer.status_code == 200, answer.text
    assert last_entry(stack, staffed.people["owner"].user_id) == {
        "action": "exported",
        "is_address": True,
        "is_agent": True,
    }


async def test_nobody_vouches_for_themselves(stack: StackConfig, staffed: StaffedClinic) -> None:
    forged = voucher(b"a guessed key", Whence(ADDRESS, AGENT))
    headers = staffed.headers("front_desk") | {"apikey": stack.keys.publishable}
    async with httpx.AsyncClient(base_url=stack.gateway_url, headers=headers) as http:
        opened = await http.post(
            "/rest/v1/rpc/open_patient",
            json={"patient_id": staffed.patient_id},
            headers={HEADER: forged},
        )
        assert opened.status_code == 200, opened.text
        assert last_entry(stack, staffed.people["front_desk"].user_id) == {
            "action": "opened",
            "is_address": False,
            "is_agent": False,
        }
        key = await http.post("/rest/v1/rpc/voucher_key", headers={"Content-Profile": "worker"})
        assert key.status_code in (403, 404), "the key is for the service alone"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda good: "",
        lambda good: good.partition(".")[0],
        lambda good: good.replace(".", "A."),
        lambda good: f"{good}0",
        lambda good: "." + good.partition(".")[2],
        lambda good: "x" * 5000,
        lambda good: "%%%.é",
    ],
    ids=["empty", "unsigned", "altered", "other signature", "no content", "endless", "no base64"],
)
def test_a_spoiled_voucher_counts_for_nothing(stack: StackConfig, spoil: Any) -> None:
    with psycopg.connect(stack.db_url()) as connection:
        row = connection.execute("select worker.voucher_key()").fetchone()
        assert row is not None
        good = voucher(bytes.fromhex(row[0]), Whence("2001:db8::7", str(uuid.uuid4())))
        said = "select private.vouched_for(%s) ->> 'address'"
        assert connection.execute(said, [good]).fetchone() == ("2001:db8::7",)
        assert connection.execute(said, [spoil(good)]).fetchone() == (None,)
