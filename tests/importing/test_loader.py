"""How batches are sent, and what happens when the database does not answer as it should."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from appoint.importing import loader
from appoint.importing.csv_files import open_csv
from appoint.importing.fields import BadField, uuid
from appoint.importing.loader import Step
from appoint.importing.outcomes import FileTotals, ImportFailed, RejectsFile
from appoint.settings import Settings
from appoint.supabase_clients import service_client

IDS = [f"2d85c411-b7bb-3133-8903-{number:012d}" for number in range(5)]
SETTINGS = Settings.from_environment(
    environment={
        "SUPABASE_URL": "http://127.0.0.1:1",
        "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_test",
        "SUPABASE_SECRET_KEY": "sb_secret_test",
    },
    env_file=Path("no.env"),
)
Answer = Callable[[list[dict[str, Any]]], httpx.Response]


def imported(rows: list[dict[str, Any]]) -> httpx.Response:
    return httpx.Response(
        200,
        json=[
            {"row_number": row["row_number"], "outcome": "imported", "reason": None} for row in rows
        ],
    )


def refusal(status: int, code: str, message: str = "Perpetua is refused") -> Answer:
    body = {"code": code, "message": message, "details": "Key (name)=(Perpetua)", "hint": None}
    return lambda rows: httpx.Response(status, json=body)


class Database:
    """Stands in for PostgREST: gives the answers in turn, the last one for ever."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.batches: list[list[dict[str, Any]]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/rest/v1/rpc/import_things"
        assert request.headers["content-profile"] == "worker"
        assert request.headers["apikey"] == "sb_secret_test"
        self.batches.append(json.loads(request.content)["rows"])
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return answer(self.batches[-1])


def unreachable(rows: list[dict[str, Any]]) -> httpx.Response:
    raise httpx.ConnectError("no route")


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "PAUSES", (0.0, 0.0))


async def load(
    directory: Path, lines: list[str], database: Database, batch_size: int = 2
) -> tuple[FileTotals, list[str]]:
    path = directory / "things.csv"
    path.write_text("\n".join(["Id,NAME", *lines]))

    def convert(fields: dict[str, str]) -> dict[str, Any]:
        if fields["NAME"] == "bad":
            raise BadField("bad_date")
        return {"id": uuid(fields["Id"])}

    step = Step(open_csv(path, ("Id", "NAME")), "import_things", "Id", convert)
    async with httpx.AsyncClient(transport=httpx.MockTransport(database)) as http:
        with RejectsFile(directory / "rejects.csv") as rejects:
            [totals] = await loader.load(
                service_client(SETTINGS, http),
                [step],
                rejects,
                batch_size=batch_size,
                on_progress=lambda totals, position: None,
            )
    return totals, (directory / "rejects.csv").read_text().splitlines()[1:]


async def test_rows_are_sent_in_batches_and_in_order(tmp_path: Path) -> None:
    database = Database(imported)
    totals, rejects = await load(tmp_path, [f"{id_},x" for id_ in IDS], database)
    assert [[row["row_number"] for row in batch] for batch in database.batches] == [
        [2, 3],
        [4, 5],
        [6],
    ]
    assert (totals.rows, totals.imported, rejects) == (5, 5, [])


async def test_a_row_of_the_wrong_shape_is_rejected_and_never_sent(tmp_path: Path) -> None:
    database = Database(imported)
    totals, rejects = await load(
        tmp_path, [f"{IDS[0]},bad", "Perpetua,x", f"{IDS[1]},x", f"{IDS[2]}"], database
    )
    assert [row["id"] for batch in database.batches for row in batch] == [IDS[1]]
    assert (totals.rows, totals.imported, totals.rejected) == (4, 1, 3)
    assert [line.rpartition(",")[0] for line in rejects] == [
        f"things.csv,2,{IDS[0]},bad_date",
        "things.csv,3,,bad_id",
        "things.csv,5,,wrong_number_of_fields",
    ]


async def test_each_outcome_of_the_database_is_counted_and_rejects_are_listed(
    tmp_path: Path,
) -> None:
    def mixed(rows: list[dict[str, Any]]) -> httpx.Response:
        outcomes = [("imported", None), ("already_there", None), ("rejected", "slot_taken")]
        return httpx.Response(
            200,
            json=[
                {"row_number": row["row_number"], "outcome": outcome, "reason": reason}
                for row, (outcome, reason) in zip(rows, outcomes, strict=True)
            ],
        )

    totals, rejects = await load(
        tmp_path, [f"{id_},x" for id_ in IDS[:3]], Database(mixed), batch_size=3
    )
    assert (totals.imported, totals.already_there, totals.rejected) == (1, 1, 1)
    assert totals.add_up
    assert totals.reasons == {"slot_taken": 1}
    [reject] = rejects
    assert reject.startswith(f"things.csv,4,{IDS[2]},slot_taken,")


@pytest.mark.parametrize(
    "hiccup",
    [unreachable, refusal(503, "PGRST001"), refusal(500, "57014"), refusal(500, "40P01")],
    ids=["unreachable", "no database", "statement time-out", "deadlock"],
)
async def test_a_call_that_may_pass_later_is_made_again(tmp_path: Path, hiccup: Answer) -> None:
    database = Database(hiccup, hiccup, imported)
    totals, _ = await load(tmp_path, [f"{IDS[0]},x"], database)
    assert totals.imported == 1
    assert len(database.batches) == 3


@pytest.mark.parametrize(
    ("answer", "calls", "sentence"),
    [
        (unreachable, 3, "Supabase cannot be reached (ConnectError)"),
        (refusal(503, "PGRST001"), 3, "import_things failed in the database (PGRST001)"),
        (refusal(401, "PGRST301"), 1, "import_things is not allowed with this"),
        (refusal(403, "42501"), 1, "import_things is not allowed with this"),
        (refusal(404, "PGRST202"), 1, "the database has no worker.import_things"),
        (refusal(400, "22P02"), 1, "import_things failed in the database (22P02)"),
        (lambda rows: httpx.Response(401, text="No"), 1, "import_things is not allowed with this"),
        (lambda rows: httpx.Response(200, json=[]), 1, "import_things did not answer for every"),
    ],
)
async def test_an_import_that_cannot_go_on_says_why_without_anyones_data(
    tmp_path: Path, answer: Answer, calls: int, sentence: str
) -> None:
    database = Database(answer)
    with pytest.raises(ImportFailed) as failed:
        await load(tmp_path, [f"{IDS[0]},Perpetua"], database)
    assert str(failed.value).startswith(sentence)
    assert "Perpetua" not in str(failed.value)
    assert len(database.batches) == calls
    assert [entry.name for entry in os.scandir(tmp_path)] == ["things.csv"]


def test_a_rejects_file_that_cannot_be_written_is_told_first(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere" / "rejects.csv"):
        with pytest.raises(ImportFailed, match="the rejects file"), RejectsFile(path):
            raise AssertionError("the import began")


def test_an_old_rejects_file_stays_until_a_new_one_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "rejects.csv"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), RejectsFile(path):
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    with RejectsFile(path):
        pass
    assert path.read_text() == "file,line,id,reason,sentence\n"
