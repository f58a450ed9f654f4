"""Synthea's CSV export: which files and columns are read, and what each line becomes.

Organizations become clinics with one location each, providers and patients keep their ids, and
encounters become past appointments whose service is named after the encounter class. A patient of
Synthea's sees several organizations; with us a patient record belongs to one clinic, so patients
are sent together with the clinics their encounters name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from appoint.importing import fields as shape
from appoint.importing.csv_files import CsvFile, Record, open_csv, open_csv_content
from appoint.importing.loader import Row, Step
from appoint.importing.outcomes import ImportFailed
from appoint.importing.us_time_zones import time_zone_of

ORGANIZATIONS = ("Id", "NAME", "ADDRESS", "CITY", "STATE", "ZIP")
PROVIDERS = ("Id", "ORGANIZATION", "NAME", "SPECIALITY")
PATIENTS = ("Id", "BIRTHDATE", "FIRST", "LAST")
ENCOUNTERS = ("Id", "START", "STOP", "PATIENT", "ORGANIZATION", "PROVIDER", "ENCOUNTERCLASS")


def steps(directory: Path, time_zone: str) -> list[Step]:
    """The four files in the order in which they depend on each other, all looked at beforehand.

    `time_zone` is for organizations outside the United States. Raises ImportFailed with every
    file's problem in one sentence, before anything is imported.
    """
    if not directory.is_dir():
        raise ImportFailed(f"{directory} is not a directory")
    wanted = {
        "organizations.csv": ORGANIZATIONS,
        "providers.csv": PROVIDERS,
        "patients.csv": PATIENTS,
        "encounters.csv": ENCOUNTERS,
    }
    files: dict[str, CsvFile] = {}
    problems = []
    for name, columns in wanted.items():
        try:
            files[name] = open_csv(directory / name, columns)
        except ImportFailed as problem:
            problems.append(str(problem))
    if problems:
        raise ImportFailed("; ".join(problems))
    clinics_of = _clinics_by_patient(files["encounters.csv"])
    return [
        Step(files["organizations.csv"], "import_clinics", "Id", lambda f: _clinic(f, time_zone)),
        Step(files["providers.csv"], "import_providers", "Id", provider_row),
        Step(files["patients.csv"], "import_patients", "Id", lambda f: patient_row(f, clinics_of)),
        Step(files["encounters.csv"], "import_appointments", "Id", appointment_row),
    ]


def open_provider_file(name: str, content: bytes) -> CsvFile:
    """Raises ImportFailed with one sentence if the header is unusable."""
    return open_csv_content(name, content, PROVIDERS)


def open_patient_file(name: str, content: bytes) -> CsvFile:
    """Raises ImportFailed with one sentence if the header is unusable."""
    return open_csv_content(name, content, PATIENTS)


def open_encounter_file(name: str, content: bytes) -> CsvFile:
    """Raises ImportFailed with one sentence if the header is unusable."""
    return open_csv_content(name, content, ENCOUNTERS)


def row_of_one_clinic(convert: Callable[[dict[str, str]], Row]) -> Callable[[dict[str, str]], Row]:
    """The conversion without what it says about clinics: the rows go into one that is known."""

    def of_one_clinic(fields: dict[str, str]) -> Row:
        row = convert(fields)
        return {name: value for name, value in row.items() if not name.startswith("clinic_id")}

    return of_one_clinic


def _clinics_by_patient(encounters: CsvFile) -> dict[str, list[str]]:
    seen: dict[str, dict[str, None]] = {}
    for patient, clinic in _meetings(encounters):
        seen.setdefault(patient, {})[clinic] = None
    return {patient: list(clinics) for patient, clinics in seen.items()}


def _meetings(encounters: CsvFile) -> Iterator[tuple[str, str]]:
    for record in encounters.records():
        if isinstance(record, Record):
            pair = record.fields["PATIENT"], record.fields["ORGANIZATION"]
            if all(shape.is_uuid(value) for value in pair):
                yield pair[0].lower(), pair[1].lower()


def _clinic(fields: dict[str, str], time_zone: str) -> Row:
    return {
        "id": shape.uuid(fields["Id"]),
        "name": shape.text(fields["NAME"]),
        "address": _address(fields),
        "time_zone": time_zone_of(fields["STATE"], time_zone),
    }


def provider_row(fields: dict[str, str]) -> Row:
    return {
        "id": shape.uuid(fields["Id"]),
        "clinic_id": shape.uuid(fields["ORGANIZATION"]),
        "full_name": shape.text(fields["NAME"]),
        "speciality": shape.optional_text(fields["SPECIALITY"]),
    }


def patient_row(fields: dict[str, str], clinics_of: dict[str, list[str]]) -> Row:
    patient_id = shape.uuid(fields["Id"])
    return {
        "id": patient_id,
        "clinic_ids": clinics_of.get(patient_id, []),
        "full_name": shape.text(f"{fields['FIRST']} {fields['LAST']}".strip()),
        "date_of_birth": shape.calendar_date(fields["BIRTHDATE"]),
    }


def appointment_row(fields: dict[str, str]) -> Row:
    return {
        "id": shape.uuid(fields["Id"]),
        "clinic_id": shape.uuid(fields["ORGANIZATION"]),
        "provider_id": shape.uuid(fields["PROVIDER"]),
        "patient_id": shape.uuid(fields["PATIENT"]),
        "service_name": shape.text(fields["ENCOUNTERCLASS"]),
        "starts_at": shape.instant(fields["START"]),
        "ends_at": shape.instant(fields["STOP"]),
    }


def _address(fields: dict[str, str]) -> str | None:
    town = " ".join(part for part in (fields["STATE"], fields["ZIP"]) if part)
    parts = (fields["ADDRESS"], fields["CITY"], town)
    return shape.optional_text(", ".join(part for part in parts if part))
