"""`appoint mail preview` shows every mail that can be sent."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from appoint.cli import app
from appoint.mail.rendering import kinds, languages


def test_the_preview_holds_every_kind_in_every_language(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["mail", "preview", "--to", str(tmp_path / "mails")])
    assert done.exit_code == 0, done.output
    page = Path(done.output.strip())
    shown = page.read_text()
    for kind in kinds():
        for language in languages():
            name = f"{kind}.{language}"
            assert f'lang="{language}"' in (tmp_path / "mails" / f"{name}.html").read_text()
            assert (tmp_path / "mails" / f"{name}.txt").read_text().strip()
            assert f'src="{name}.html"' in shown


def test_the_same_preview_twice_is_the_same(tmp_path: Path) -> None:
    for folder in ("first", "second"):
        CliRunner().invoke(app, ["mail", "preview", "--to", str(tmp_path / folder)])
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()}
        for folder in ("first", "second")
    )
    assert len(first) > 40
    assert first == second
