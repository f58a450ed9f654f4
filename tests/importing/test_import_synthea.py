"""Synthea's files in a running stack: every row has its outcome, and the database judges."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from appoint.importing.outcomes import SENTENCES, FileTotals
from stack.parts import product_environment
from tests.importing.conftest import Importer
from tests.importing.synthea_files import fresh_sample, rows, write

FIRST_TIME = {
    "organizations.csv": (3, 3, 0, 0),
    "providers.csv": (5, 5, 0, 0),
    "patients.csv": (7, 7, 0, 0),
    "encounters.csv": (24, 21, 0, 3),
}
SECOND_TIME = {
    "organizations.csv": (3, 0, 3, 0),
    "providers.csv": (5, 0, 5, 0),
    "patients.csv": (7, 0, 7, 0),
    "encounters.csv": (24, 0, 21, 3),
}
OVERLAPS = [
    ("encounters.csv", 9, "slot_taken"),
    ("encounters.csv", 14, "slot_taken"),
    ("encounters.csv", 17, "patient_already_booked"),
]
EVERYTHING = """
  select md5(string_agg(line, '' order by line)) from (
    select to_jsonb(clinics)::text as line from public.clinics
    union all select to_jsonb(locations)::text from public.locations
    union all select to_jsonb(services)::text from public.services
    union all select to_jsonb(providers)::text from public.providers
    union all select to_jsonb(patients)::text from public.patients
    union all select to_jsonb(appointments)::text from public.appointments
    union all select to_jsonb(appointment_events)::text from public.appointment_events
    union all select to_jsonb(reservations)::text from private.reservations
  ) as everything
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return fresh_sample(tmp_path)


async def test_the_totals_add_up_and_overlaps_are_refused_by_the_ledger(
    importer: Importer, directory: Path
) -> None:
    assert await importer.load(directory) == FIRST_TIME
    assert importer.rejected() == OVERLAPS
    [(kept,)] = importer.ask(
        "select count(*) from private.reservations join public.appointments"
        " on appointments.id = appointment_id where external_id = any (%s)",
        [encounter["Id"] for encounter in rows(directory, "encounters.csv")],
    )
    assert kept == 21 * 2  # a provider and a patient for each


async def test_a_second_run_changes_nothing(importer: Importer, directory: Path) -> None:
    await importer.load(directory)
    before = importer.ask(EVERYTHING)
    assert await importer.load(directory, batch_size=7) == SECOND_TIME
    assert importer.rejected() == OVERLAPS
    assert importer.ask(EVERYTHING) == before


async def test_an_encounter_becomes_a_fulfilled_appointment_at_its_time_and_place(
    importer: Importer, directory: Path
) -> None:
    await importer.load(directory)
    encounter = rows(directory, "encounters.csv")[3]
    [found] = importer.ask(
        """
        select status::text, booked_via::text, services.name, services.active, clinics.external_id,
          providers.external_id, patients.external_id, locations.time_zone,
          to_char(starts_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
          to_char(ends_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
        from public.appointments
        join public.services on services.id = service_id
        join public.clinics on clinics.id = appointments.clinic_id
        join public.providers on providers.id = provider_id
        join public.patients on patients.id = patient_id
        join public.locations on locations.id = location_id
        where appointments.external_id = %s
        """,
        encounter["Id"],
    )
    assert found == (
        "fulfilled",
        "import",
        encounter["ENCOUNTERCLASS"],
        False,
        encounter["ORGANIZATION"],
        encounter["PROVIDER"],
        encounter["PATIENT"],
        "America/New_York",
        encounter["START"],
        encounter["STOP"],
    )


async def test_nobody_is_told_about_the_past(importer: Importer, directory: Path) -> None:
    await importer.load(directory)
    [(owed,)] = importer.ask(
        "select count(*) from public.notifications join public.appointments"
        " on appointments.id = appointment_id where booked_via = 'import'"
    )
    assert owed == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"STOP": "2022-01-12T13:00:00Z"}, "invalid_time"),
        ({"STOP": "2022-01-12T14:00:00Z"}, "invalid_time"),
        ({"STOP": "2024-01-12T14:00:00Z"}, "invalid_time"),
        ({"START": "0001-01-01T00:00:00Z", "STOP": "0001-01-01T00:15:00Z"}, "invalid_time"),
        ({"START": "2999-01-12T14:00:00Z", "STOP": "2999-01-12T15:00:00Z"}, "invalid_time"),
        ({"START": "12/01/2022"}, "bad_time"),
        ({"START": ""}, "missing_value"),
        ({"PATIENT": "00000000-0000-0000-0000-000000000000"}, "unknown_reference"),
        ({"PROVIDER": "00000000-0000-0000-0000-000000000000"}, "unknown_reference"),
        ({"ORGANIZATION": "00000000-0000-0000-0000-000000000000"}, "unknown_reference"),
        ({"PATIENT": "Perpetua"}, "bad_id"),
        ({"ENCOUNTERCLASS": ""}, "missing_value"),
        ({"ENCOUNTERCLASS": "x" * 201}, "value_too_long"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
async def test_a_bad_encounter_is_rejected_alone(
    importer: Importer, directory: Path, change: dict[str, str], reason: str
) -> None:
    encounters = rows(directory, "encounters.csv")
    encounters[0] |= change
    write(directory, "encounters.csv", encounters)
    totals = await importer.load(directory)
    assert importer.rejected() == [("encounters.csv", 2, reason), *OVERLAPS]
    assert totals == FIRST_TIME | {"encounters.csv": (24, 20, 0, 4)}
    assert reason in SENTENCES


async def test_a_provider_of_another_clinic_is_unknown_there(
    importer: Importer, directory: Path
) -> None:
    encounters = rows(directory, "encounters.csv")
    encounters[0]["PROVIDER"] = rows(directory, "providers.csv")[2]["Id"]
    write(directory, "encounters.csv", encounters)
    await importer.load(directory)
    assert importer.rejected() == [("encounters.csv", 2, "unknown_reference"), *OVERLAPS]


async def test_a_line_that_stands_there_twice_is_there_already(
    importer: Importer, directory: Path
) -> None:
    for file in FIRST_TIME:
        contents = rows(directory, file)
        write(directory, file, [contents[0], *contents])
    assert await importer.load(directory) == {
        file: (read + 1, imported, 1, rejected)
        for file, (read, imported, _, rejected) in FIRST_TIME.items()
    }


async def test_what_depends_on_a_rejected_row_is_rejected_too(
    importer: Importer, directory: Path
) -> None:
    organizations = rows(directory, "organizations.csv")
    organizations[1]["NAME"] = ""
    write(directory, "organizations.csv", organizations)
    patients = rows(directory, "patients.csv")
    patients[0]["BIRTHDATE"] = "1600-01-01"
    patients[1]["BIRTHDATE"] = "tomorrow"
    write(directory, "patients.csv", patients)
    await importer.load(directory)
    told = importer.rejected()
    assert ("organizations.csv", 3, "missing_value") in told
    assert ("providers.csv", 4, "unknown_reference") in told
    assert ("patients.csv", 2, "invalid_input") in told
    assert ("patients.csv", 3, "bad_date") in told
    dependent = [
        line
        for line, encounter in enumerate(rows(directory, "encounters.csv"), start=2)
        if encounter["ORGANIZATION"] == organizations[1]["Id"]
        or encounter["PATIENT"] in {patients[0]["Id"], patients[1]["Id"]}
    ]
    overlaps = {"slot_taken", "patient_already_booked"}
    assert dependent == [
        line for file, line, why in told if file == "encounters.csv" and why not in overlaps
    ]


async def test_a_patient_without_encounters_belongs_to_no_clinic(
    importer: Importer, directory: Path
) -> None:
    patients = rows(directory, "patients.csv")
    stranger = patients[0] | {"Id": "f1c1c1c1-0000-4000-8000-000000000000"}
    write(directory, "patients.csv", [*patients, stranger])
    await importer.load(directory)
    assert importer.rejected() == [("patients.csv", 9, "not_found"), *OVERLAPS]


async def test_an_import_that_was_cut_short_is_completed_by_the_next(
    importer: Importer, directory: Path
) -> None:
    class PulledPlug(BaseException):
        pass

    def pull_the_plug(totals: FileTotals, position: int) -> None:
        if totals.file == "encounters.csv":
            raise PulledPlug

    with pytest.raises(PulledPlug):
        await importer.load(directory, batch_size=5, on_progress=pull_the_plug)
    assert not importer.rejects.exists()
    assert await importer.load(directory) == SECOND_TIME | {"encounters.csv": (24, 16, 5, 3)}
    assert importer.rejected() == OVERLAPS


def run_command(
    importer: Importer, directory: Path, *options: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "appoint", "import", "synthea", str(directory)],
        cwd=directory,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), **product_environment(importer.stack)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_command_prints_a_table_that_adds_up_and_no_personal_data(
    importer: Importer, directory: Path
) -> None:
    finished = run_command(importer, directory)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert "All                   39         36               0          3" in finished.stdout
    rejects = (directory / "rejects.csv").read_text()
    for patient in rows(directory, "patients.csv"):
        for text in (finished.stdout, rejects):
            assert patient["LAST"] not in text
            assert patient["BIRTHDATE"] not in text


def test_the_command_refuses_a_directory_as_a_whole_in_one_line(
    importer: Importer, directory: Path
) -> None:
    organizations = rows(directory, "organizations.csv")
    patients = directory / "patients.csv"
    patients.write_text(patients.read_text().replace("BIRTHDATE", "BORN"))
    finished = run_command(importer, directory)
    assert finished.returncode == 1
    assert finished.stdout == ""
    assert finished.stderr == "error: patients.csv lacks the columns BIRTHDATE\n"
    assert importer.ask(
        "select count(*) from public.clinics where external_id = any (%s)",
        [organization["Id"] for organization in organizations],
    ) == [(0,)]
