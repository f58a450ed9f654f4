"""Files that are not what they should be: one sentence for a file, one reject for a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from appoint.importing.csv_files import LONGEST_LINE, Record, open_csv
from appoint.importing.outcomes import ImportFailed, Reject

COLUMNS = ("Id", "NAME")


def csv_file(directory: Path, content: bytes) -> Path:
    path = directory / "people.csv"
    path.write_bytes(content)
    return path


def read(path: Path) -> list[Record | Reject]:
    return list(open_csv(path, COLUMNS).records())


def outcomes(path: Path) -> list[tuple[int, str]]:
    """Line number and either the name or the reason for rejecting the line."""
    return [
        (record.line, record.reason if isinstance(record, Reject) else record.fields["NAME"])
        for record in read(path)
    ]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "people.csv is empty"),
        (b"\n\n", "people.csv is empty"),
        (b"Id,CITY\n1,Graz\n", "people.csv lacks the columns NAME"),
        (b"1,Odile\n2,Tamsin\n", "people.csv lacks the columns Id, NAME"),
        (b"Id,NAME,name\n1,a,b\n", "people.csv names a column twice: NAME"),
        (b"Id,Id,NAME\n1,2,a\n", "people.csv names a column twice: Id"),
        ("Id,NAME,Größe\n".encode("latin-1"), "people.csv is not UTF-8 text"),
        ("Id,NAME\n1,a\n".encode("utf-16"), "people.csv is not UTF-8 text"),
        (b'Id,"NAME\n1,a\n', "people.csv does not begin with a line of column names"),
        (b"x" * (LONGEST_LINE + 1), "people.csv does not begin with a line of column names"),
    ],
)
def test_an_unusable_file_is_one_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    with pytest.raises(ImportFailed) as failed:
        open_csv(csv_file(tmp_path, content), COLUMNS)
    assert str(failed.value).startswith(sentence)


def test_a_missing_file_and_a_directory_in_its_place_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match=r"^people\.csv is missing$"):
        open_csv(tmp_path / "people.csv", COLUMNS)
    (tmp_path / "people.csv").mkdir()
    with pytest.raises(ImportFailed, match=r"^people\.csv is missing$"):
        open_csv(tmp_path / "people.csv", COLUMNS)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"1", "wrong_number_of_fields"),
        (b"1,Odile,Graz", "wrong_number_of_fields"),
        (b'1,"Odile', "unreadable_line"),
        (b'1,"Odile" x', "unreadable_line"),
        (b"1,Od\0ile", "unreadable_line"),
        ("1,Zoë".encode("latin-1"), "not_utf8"),
        (b"1," + b"x" * LONGEST_LINE, "line_too_long"),
        (b"1," + b"x" * (3 * LONGEST_LINE), "line_too_long"),
    ],
)
def test_a_bad_line_is_rejected_and_the_next_one_read(
    tmp_path: Path, line: bytes, reason: str
) -> None:
    path = csv_file(tmp_path, b"Id,NAME\n" + line + b"\n2,Tamsin\n")
    assert outcomes(path) == [(2, reason), (3, "Tamsin")]


def test_a_reject_does_not_repeat_what_the_line_holds(tmp_path: Path) -> None:
    [reject] = read(csv_file(tmp_path, b'Id,NAME\n1,"Perpetua\n'))
    assert isinstance(reject, Reject)
    assert "Perpetua" not in repr(reject)
    assert reject.row_id is None


@pytest.mark.parametrize(
    "content",
    [
        b"Id,NAME\n1,Zo\xc3\xab\n",
        b"Id,NAME\n1,Zo\xc3\xab",
        b"Id,NAME\r\n1,Zo\xc3\xab\r\n",
        b"\xef\xbb\xbfId,NAME\n1,Zo\xc3\xab\n",
        b"NAME,CITY,Id\nZo\xc3\xab,Graz,1\n",
        b" id , Name \n 1 , Zo\xc3\xab \n",
        b'Id,NAME\n\n"1","Zo\xc3\xab"\n\n',
    ],
    ids=["plain", "no last newline", "Windows", "BOM", "other order", "other case", "blank lines"],
)
def test_harmless_differences_make_no_difference(tmp_path: Path, content: bytes) -> None:
    [record] = read(csv_file(tmp_path, content))
    assert isinstance(record, Record)
    assert record.fields == {"Id": "1", "NAME": "Zoë"}


def test_quoted_commas_and_quotes_belong_to_the_field(tmp_path: Path) -> None:
    path = csv_file(tmp_path, b'Id,NAME\n1,"Halvorsen, ""Bert"""\n')
    assert outcomes(path) == [(2, 'Halvorsen, "Bert"')]


def test_a_header_alone_is_a_file_without_rows(tmp_path: Path) -> None:
    assert read(csv_file(tmp_path, b"Id,NAME\n")) == []


def test_the_end_of_the_last_record_is_the_size_of_the_file(tmp_path: Path) -> None:
    file = open_csv(csv_file(tmp_path, b"Id,NAME\n1,a\n2,bcd\n"), COLUMNS)
    ends = [record.end for record in file.records() if isinstance(record, Record)]
    assert ends == [12, file.size]
