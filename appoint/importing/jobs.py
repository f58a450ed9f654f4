"""Imports that run in the background: what may be uploaded, and what each file's lines become.

The API uses this to refuse unusable uploads at once, the worker to carry a job out. Files travel
compressed, because what a clinic has on one sheet should fit into one request.
"""

from __future__ import annotations

import base64
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Literal

from appoint.importing import spreadsheets, synthea
from appoint.importing.csv_files import CsvFile
from appoint.importing.loader import Row
from appoint.importing.outcomes import ImportFailed

Kind = Literal["patients", "providers", "synthea"]
Files = Mapping[str, bytes]

LARGEST_FILE = 32 * 1024 * 1024
# Together and compressed, which keeps the call that stores them below 10 MiB.
LARGEST_COMPRESSED = 6 * 1024 * 1024
MOST_ENTRIES = 100
SYNTHEA_FILES = ("providers.csv", "patients.csv", "encounters.csv")


@dataclass(frozen=True, slots=True)
class Step:
    """One file of a job and the kind of rows it holds, by the database's name for it."""

    file: CsvFile
    kind: str
    id_column: str | None
    # Makes what the database takes of one line's fields; raises BadField.
    convert: Callable[[dict[str, str]], Row]


def unpack(kind: Kind, content: bytes) -> dict[str, bytes]:
    """The files of an upload by their own names. Raises ImportFailed with one sentence."""
    if not content:
        raise ImportFailed("the upload is empty")
    if kind != "synthea":
        return {f"{kind}.csv": content}
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            return _unpack_synthea(archive)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError):
        raise ImportFailed("the upload is not a zip file that can be read") from None


def _unpack_synthea(archive: zipfile.ZipFile) -> dict[str, bytes]:
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise ImportFailed(f"the zip file holds more than {MOST_ENTRIES} files")
    files: dict[str, bytes] = {}
    for entry in entries:
        name = entry.filename.rpartition("/")[2].lower()
        if name not in SYNTHEA_FILES:
            continue
        if name in files:
            raise ImportFailed(f"the zip file holds {name} twice")
        with archive.open(entry) as file:
            # What the archive says about sizes is not believed.
            files[name] = file.read(LARGEST_FILE + 1)
        if len(files[name]) > LARGEST_FILE:
            raise ImportFailed(f"{name} is larger than {LARGEST_FILE // 1024**2} MiB")
    missing = [name for name in SYNTHEA_FILES if name not in files]
    if missing:
        raise ImportFailed(f"the zip file lacks {', '.join(missing)}")
    return files


def steps(kind: Kind, files: Files) -> list[Step]:
    """The files in the order in which they depend on each other, their headers looked at.

    Raises ImportFailed with one sentence if one of them is unusable.
    """
    match kind:
        case "patients":
            file = spreadsheets.open_patients("patients.csv", files["patients.csv"])
            return [Step(file, "listed_patient", None, spreadsheets.patient_row)]
        case "providers":
            file = spreadsheets.open_providers("providers.csv", files["providers.csv"])
            return [Step(file, "listed_provider", None, spreadsheets.provider_row)]
        case "synthea":
            return _synthea_steps(files)


def _synthea_steps(files: Files) -> list[Step]:
    """All providers, patients and visits go into one clinic, whatever organization they name."""
    providers, patients, encounters = SYNTHEA_FILES
    bound = synthea.row_of_one_clinic
    return [
        Step(
            synthea.open_provider_file(providers, files[providers]),
            "provider",
            "Id",
            bound(synthea.provider_row),
        ),
        Step(
            synthea.open_patient_file(patients, files[patients]),
            "patient",
            "Id",
            bound(lambda fields: synthea.patient_row(fields, {})),
        ),
        Step(
            synthea.open_encounter_file(encounters, files[encounters]),
            "appointment",
            "Id",
            bound(synthea.appointment_row),
        ),
    ]


def packed(files: Files) -> dict[str, dict[str, Any]]:
    """As `worker.create_import` takes them. Raises ImportFailed if they are too large."""
    compressed = {name: zlib.compress(content) for name, content in files.items()}
    if sum(map(len, compressed.values())) > LARGEST_COMPRESSED:
        raise ImportFailed("the files are too large even when compressed; part them")
    return {
        name: {
            "size_bytes": len(files[name]),
            "content": base64.b64encode(content).decode(),
        }
        for name, content in compressed.items()
    }


def unpacked(content: str) -> bytes:
    """The reverse of `packed`, for one file."""
    return zlib.decompress(base64.b64decode(content))
