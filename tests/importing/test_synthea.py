"""What Synthea's files become, before the database is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from appoint.importing import synthea
from appoint.importing.csv_files import Record
from appoint.importing.outcomes import ImportFailed
from tests.importing.synthea_files import FILES, SAMPLE, copy_sample, rows, write


def converted(directory: Path, file: str) -> list[dict[str, Any]]:
    [step] = [step for step in synthea.steps(directory, "Europe/Vienna") if step.file.name == file]
    return [step.convert(record.fields) for record in step.file.records() if _is_good(record)]


def _is_good(record: object) -> bool:
    return isinstance(record, Record)


def test_every_problem_of_the_files_is_told_before_anything_is_imported(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    (directory / "organizations.csv").unlink()
    (directory / "providers.csv").write_text("")
    (directory / "patients.csv").write_text("Id,FIRST,LAST\n")
    (directory / "encounters.csv").write_text("Id,START,START,STOP\n")
    with pytest.raises(ImportFailed) as failed:
        synthea.steps(directory, "Europe/Vienna")
    message = str(failed.value)
    assert "organizations.csv is missing" in message
    assert "providers.csv is empty" in message
    assert "patients.csv lacks the columns BIRTHDATE" in message
    assert "encounters.csv lacks the columns PATIENT, ORGANIZATION" in message


def test_a_directory_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match="is not a directory"):
        synthea.steps(tmp_path / "nowhere", "Europe/Vienna")


def test_files_are_read_in_the_order_in_which_they_depend_on_each_other() -> None:
    steps = synthea.steps(SAMPLE, "Europe/Vienna")
    assert tuple(step.file.name for step in steps) == FILES


def test_an_organization_brings_the_time_zone_of_its_state_or_the_given_one(
    tmp_path: Path,
) -> None:
    directory = copy_sample(tmp_path)
    organizations = rows(directory, "organizations.csv")
    organizations[2]["STATE"] = "Tyrol"
    write(directory, "organizations.csv", organizations)
    zones = [clinic["time_zone"] for clinic in converted(directory, "organizations.csv")]
    assert zones == ["America/New_York", "America/Chicago", "Europe/Vienna"]


def test_a_patient_brings_every_clinic_their_encounters_name() -> None:
    seen = {
        (encounter["PATIENT"], encounter["ORGANIZATION"])
        for encounter in rows(SAMPLE, "encounters.csv")
    }
    patients = converted(SAMPLE, "patients.csv")
    assert any(len(patient["clinic_ids"]) > 1 for patient in patients)
    assert {
        (patient["id"], clinic) for patient in patients for clinic in patient["clinic_ids"]
    } == seen
