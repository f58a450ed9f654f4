"""Requests made from the OpenAPI document itself, well-formed and not, as each kind of person.

Whatever is asked: no 5xx, no status, media type or shape that the document does not tell, nothing
of the clinic next door. `SCHEMATHESIS_EXAMPLES` sets how many requests each person makes of each
operation: a few in every run, hundreds before a release.
"""

from __future__ import annotations

import ipaddress
import itertools
import os
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import create_app
from stack.config import StackConfig
from tests.api.accounts import NewAccount, StaffedClinic, staff_a_clinic
from tests.api.offline import SETTINGS

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "3"))
PEOPLE = ("owner", "manager", "front_desk", "provider", "suspended", "patient", "nobody")
SCHEMA = schemathesis.openapi.from_dict(create_app(SETTINGS).openapi())
OPERATIONS = {operation.ok().label: operation.ok() for operation in SCHEMA.get_all_operations()}
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
# Documented for outages; here nothing is out.
OUTAGES = (500, 503)


@pytest.fixture(scope="module")
async def playground(stack: StackConfig, new_account: NewAccount) -> StaffedClinic:
    """People whose clinic may be changed beyond recognition."""
    return await staff_a_clinic(stack, new_account)


@pytest.fixture(scope="module")
def browser() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


def ids(playground: StaffedClinic) -> st.SearchStrategy[dict[str, str]]:
    """Real ids, of here and next door, and invented ones."""

    def one_of(*known: str) -> st.SearchStrategy[str]:
        return st.sampled_from([*known, str(uuid.uuid4())])

    return st.fixed_dictionaries(
        {
            "clinic_id": st.sampled_from([playground.id, playground.id, playground.elsewhere]),
            # Nobody who asks is changed, so that everybody keeps the role they are named after.
            "member_id": one_of(playground.members["suspended"]),
            "patient_id": one_of(playground.patient_elsewhere),
            "invitation_id": one_of(),
            "job_id": one_of(),
        }
    )


def cases(operation: Any) -> st.SearchStrategy[Any]:
    """Requests as the document has them and, where it asks for anything, requests it rules out."""
    wellformed = operation.as_strategy()
    raw = operation.definition.raw
    if not raw.get("parameters") and "requestBody" not in raw:
        return wellformed  # type: ignore[no-any-return]
    return st.one_of(wellformed, operation.as_strategy(GenerationMode.NEGATIVE))


@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_whatever_is_asked_the_answer_is_as_documented(
    stack: StackConfig, playground: StaffedClinic, browser: requests.Session, label: str
) -> None:
    operation = OPERATIONS[label]
    addresses = itertools.count(int(ipaddress.IPv4Address("10.0.0.1")))
    seen: dict[str, list[int]] = {person: [] for person in PEOPLE}

    @seed(20260901)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases(operation), known=ids(playground), keeps_ids=st.integers(0, 3))
    def ask(case: Any, known: dict[str, str], keeps_ids: int) -> None:
        if keeps_ids:
            case.path_parameters = {
                name: known.get(name, value) for name, value in (case.path_parameters or {}).items()
            }
        if label == "POST /v1/me/erasure":
            case.body = {"confirm": "not yet"}
        for person in PEOPLE:
            # From everywhere, since what one address may do without a token is limited.
            headers = {"X-Forwarded-For": str(ipaddress.IPv4Address(next(addresses)))}
            headers |= {} if person == "nobody" else playground.headers(person)
            answer = case.call(base_url=stack.api_url, headers=headers, session=browser, timeout=20)
            case.validate_response(answer, checks=CHECKS)
            assert answer.status_code not in OUTAGES
            assert playground.canary not in answer.text
            seen[person].append(answer.status_code)

    ask()
    assert all(len(statuses) >= EXAMPLES for statuses in seen.values())
    if "security" in operation.definition.raw:
        assert set(seen["nobody"]) <= {401, 404, 405, 413, 415, 422}
