"""Importing a clinic's records through the API, carried out by the running worker."""

from __future__ import annotations

import asyncio
import csv
import io
import uuid
import zipfile
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from stack.config import StackConfig
from tests.api.accounts import NewAccount, StaffedClinic, assert_problem
from tests.api.test_idempotency import a_clinic

SAMPLE = Path(__file__).parents[2] / "samples" / "synthea"
PATIENTS = """Name;Date of birth;E-Mail;Phone
Ada Import;1990-12-31;Ada@import.example;+43 1 234
Bela Import;31.12.1985;;
;1990-01-01;;
Cleo Import;12/31/1990;;
Dora Import;;no address;
Ada Import;1990-12-31;ada@import.example;
"""


@pytest.fixture
async def clinic(api: httpx.AsyncClient, new_account: NewAccount) -> tuple[str, dict[str, str]]:
    """An empty clinic and the headers of its owner."""
    owner = await new_account()
    answer = await api.post("/v1/clinics", json=a_clinic(), headers=owner.headers)
    return answer.json()["id"], owner.headers


Clinic = tuple[str, dict[str, str]]


async def upload(
    api: httpx.AsyncClient, clinic: Clinic, kind: str, content: bytes | str, **query: Any
) -> httpx.Response:
    media_type = "application/zip" if kind == "synthea" else "text/csv"
    return await api.post(
        f"/v1/clinics/{clinic[0]}/imports",
        params={"kind": kind} | query,
        content=content,
        headers=clinic[1] | {"Content-Type": media_type},
    )


async def outcome(api: httpx.AsyncClient, clinic: Clinic, started: httpx.Response) -> Any:
    """The job once it has ended; asked again and again, as a browser does."""
    assert started.status_code == 202, started.text
    async with asyncio.timeout(40):
        while True:
            answer = await api.get(started.headers["location"], headers=clinic[1])
            assert answer.status_code == 200, answer.text
            if answer.json()["status"] in ("finished", "failed"):
                return answer.json()
            await asyncio.sleep(0.1)


async def rejects(
    api: httpx.AsyncClient, clinic: Clinic, started: httpx.Response
) -> list[tuple[str, str, str]]:
    url = f"{started.headers['location']}/rejects.csv"
    answer = await api.get(url, headers=clinic[1])
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert all(row["sentence"] for row in rows)
    return [(row["file"], row["line"], row["reason"]) for row in rows]


def people_in(stack: StackConfig, clinic: Clinic) -> list[tuple[Any, ...]]:
    with psycopg.connect(stack.db_url()) as connection:
        return connection.execute(
            "select full_name, date_of_birth::text, email, phone from public.patients"
            " where clinic_id = %s order by full_name",
            [clinic[0]],
        ).fetchall()


def synthea_zip() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in SAMPLE.glob("*.csv"):
            archive.write(path, f"output/csv/{path.name}")
    return content.getvalue()


async def test_a_spreadsheet_of_patients_is_taken_row_by_row(
    stack: StackConfig, api: httpx.AsyncClient, clinic: Clinic
) -> None:
    started = await upload(api, clinic, "patients", PATIENTS.encode("utf-8-sig"))
    job = await outcome(api, clinic, started)
    assert (job["status"], job["error"], job["kind"]) == ("finished", None, "patients")
    (file,) = job["files"]
    counts = {name: file[name] for name in ("rows", "imported", "already_there", "rejected")}
    assert counts == {"rows": 6, "imported": 2, "already_there": 1, "rejected": 3}
    assert file["done_bytes"] == file["size_bytes"]
    assert await rejects(api, clinic, started) == [
        ("patients.csv", "4", "missing_value"),
        ("patients.csv", "5", "bad_date"),
        ("patients.csv", "6", "bad_email"),
    ]
    assert people_in(stack, clinic) == [
        ("Ada Import", "1990-12-31", "ada@import.example", "+43 1 234"),
        ("Bela Import", "1985-12-31", None, None),
    ]


async def test_twice_is_as_good_as_once_and_the_upload_is_gone(
    stack: StackConfig, api: httpx.AsyncClient, clinic: Clinic
) -> None:
    for _ in range(2):
        job = await outcome(api, clinic, await upload(api, clinic, "patients", PATIENTS))
    assert [job["files"][0][name] for name in ("imported", "already_there")] == [0, 3]
    assert len(people_in(stack, clinic)) == 2
    with psycopg.connect(stack.db_url()) as connection:
        kept = connection.execute(
            "select from private.import_contents where job_id = %s", [job["id"]]
        ).fetchall()
    assert kept == []


async def test_a_dry_run_tells_the_same_and_changes_nothing(
    stack: StackConfig, api: httpx.AsyncClient, clinic: Clinic
) -> None:
    started = await upload(api, clinic, "patients", PATIENTS, dry_run="true")
    job = await outcome(api, clinic, started)
    assert (job["status"], job["dry_run"]) == ("finished", True)
    assert [job["files"][0][name] for name in ("imported", "rejected")] == [2, 3]
    assert len(await rejects(api, clinic, started)) == 3
    assert people_in(stack, clinic) == []


async def test_a_list_of_providers(
    stack: StackConfig, api: httpx.AsyncClient, clinic: Clinic
) -> None:
    content = "name,specialty,remarks\nDr. One,Dentistry,x\nDr. Two,,y\nDr. One,dentistry,z\n"
    job = await outcome(api, clinic, await upload(api, clinic, "providers", content))
    assert [job["files"][0][name] for name in ("imported", "already_there")] == [2, 1]


async def test_syntheas_files_fill_this_clinic_alone(
    stack: StackConfig, api: httpx.AsyncClient, clinic: Clinic
) -> None:
    content = synthea_zip()
    with psycopg.connect(stack.db_url()) as connection:
        clinics = connection.execute("select count(*) from public.clinics").fetchone()
    dry = await outcome(api, clinic, await upload(api, clinic, "synthea", content, dry_run="true"))
    assert people_in(stack, clinic) == []
    job = await outcome(api, clinic, await upload(api, clinic, "synthea", content))
    assert job["status"] == "finished"
    by_name = {file["name"]: file for file in job["files"]}
    assert set(by_name) == {"providers.csv", "patients.csv", "encounters.csv"}
    for file in job["files"]:
        assert file["rows"] == file["imported"] + file["already_there"] + file["rejected"]
        assert file["imported"] > 0
    assert len(people_in(stack, clinic)) == by_name["patients.csv"]["imported"]
    # The dry run foresaw it, visits that need providers and patients of the same upload included.
    foreseen = {file["name"]: (file["imported"], file["rejected"]) for file in dry["files"]}
    assert foreseen == {
        name: (file["imported"], file["rejected"]) for name, file in by_name.items()
    }
    with psycopg.connect(stack.db_url()) as connection:
        assert connection.execute("select count(*) from public.clinics").fetchone() == clinics


@pytest.mark.parametrize(
    ("kind", "content", "says"),
    [
        ("patients", b"", "empty"),
        ("patients", b"Born,Phone\n1990-01-01,1\n", "lacks the column name"),
        ("patients", b"name,full name\na,b\n", "names a column twice"),
        ("patients", "näme\n".encode("latin-1"), "not UTF-8"),
        ("patients", b"\x00\x01\x02", "lacks the column"),
        ("providers", b"speciality\nx\n", "lacks the column name"),
        ("synthea", b"PK\x03\x04 nonsense", "not a zip file"),
        ("synthea", b"name\nAda\n", "not a zip file"),
    ],
)
async def test_an_unusable_upload_is_refused_at_once(
    api: httpx.AsyncClient, clinic: Clinic, kind: str, content: bytes, says: str
) -> None:
    answer = await upload(api, clinic, kind, content)
    assert_problem(answer, 422, "invalid_input")
    assert says in answer.json()["detail"]


async def test_a_zip_bomb_is_refused(api: httpx.AsyncClient, clinic: Clinic) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("providers.csv", "patients.csv", "encounters.csv"):
            archive.writestr(name, b"0" * (33 * 1024 * 1024) if name == "patients.csv" else b"x")
    answer = await upload(api, clinic, "synthea", content.getvalue())
    assert_problem(answer, 422, "invalid_input")
    assert "larger than" in answer.json()["detail"]


async def test_what_is_no_csv_by_its_own_word_is_refused(
    api: httpx.AsyncClient, clinic: Clinic
) -> None:
    answer = await api.post(
        f"/v1/clinics/{clinic[0]}/imports",
        params={"kind": "patients"},
        content=b"{}",
        headers=clinic[1] | {"Content-Type": "application/json"},
    )
    assert_problem(answer, 415, "unsupported_media_type")


async def test_a_repeated_upload_with_its_key_is_one_job(
    stack: StackConfig, api: httpx.AsyncClient, clinic: Clinic
) -> None:
    keyed = clinic[0], clinic[1] | {"Idempotency-Key": uuid.uuid4().hex}
    answers = [await upload(api, keyed, "patients", PATIENTS) for _ in range(2)]
    assert len({answer.json()["id"] for answer in answers}) == 1
    other = await upload(api, keyed, "patients", PATIENTS + "Eve Import;;;\n")
    assert_problem(other, 409, "request_id_reused")


async def test_another_clinics_job_is_not_there(
    api: httpx.AsyncClient, clinic: Clinic, staffed: StaffedClinic
) -> None:
    started = await upload(api, clinic, "patients", PATIENTS)
    job_id = started.json()["id"]
    for ending in ("", "/rejects.csv"):
        url = f"/v1/clinics/{staffed.id}/imports/{job_id}{ending}"
        assert_problem(await api.get(url, headers=staffed.headers("owner")), 404, "not_found")


@pytest.mark.parametrize(("ending", "most"), [("", 7200), ("/rejects.csv", 60)])
async def test_reading_is_counted_too(
    stack: StackConfig, api: httpx.AsyncClient, clinic: Clinic, ending: str, most: int
) -> None:
    """A list of rejects takes up to a hundred reads of the database."""
    started = await upload(api, clinic, "patients", PATIENTS)
    url = f"{started.headers['location']}{ending}"
    assert (await api.get(url, headers=clinic[1])).status_code == 200
    with psycopg.connect(stack.db_url()) as connection:
        connection.execute(
            "update private.flow_counts set requests = %s where flow = %s"
            " and user_id = (select user_id from public.members where clinic_id = %s)",
            [most, "read_rejects" if ending else "read_import", clinic[0]],
        )
    assert_problem(await api.get(url, headers=clinic[1]), 429, "too_many_requests")
