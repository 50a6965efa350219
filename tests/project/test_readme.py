"""The first page says what is true of the course today, and so do its neighbours."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from helpers.authoring import bibliography, claims, counts, glossary, navigation
from helpers.authoring.__main__ import main
from helpers.authoring.course import CHAPTERS, ROOT

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_its_numbers_are_those_of_the_course() -> None:
    assert counts.outdated() == [], "run: python -m helpers.authoring counts"


def test_one_command_knows_all_pages_that_are_made(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = (bibliography, claims, counts, glossary, navigation)
    for maker in made:
        monkeypatch.setattr(maker, "outdated", lambda name=maker.__name__: [f"{name} is old"])
    assert main(["pages", "--check"]) == 1
    *said, last = capsys.readouterr().out.splitlines()
    assert sorted(said) == [f"{maker.__name__} is old" for maker in made]
    assert last.startswith("5 things to mend")
    for maker in made:
        monkeypatch.setattr(maker, "outdated", list)
    assert main(["pages", "--check"]) == 0


def test_what_is_counted_is_there() -> None:
    all_ = counts.counted()
    written = [chapter for chapter in CHAPTERS if chapter.written]
    assert all_.chapters == len(written)
    assert all_.labs == len(list((ROOT / "labs").glob("lab*/lab*.ipynb")))
    assert sum(all_.claims.values()) == sum(len(chapter.claims) for chapter in written)
    pages = [chapter.notebook.read_text(encoding="utf-8") for chapter in written]
    assert all_.explorers == sum(len(re.findall(r'^ *"explore\(', p, re.M)) for p in pages)
    assert all_.models == sum(p.count('"model": "helpers.') for p in pages)
    assert all_.replays >= 1
    assert all_.predictions >= all_.chapters
    assert all_.points > all_.checks > 5 * all_.labs
    for number in (all_.chapters, all_.explorers, all_.predictions, all_.works, all_.points):
        assert f"{number}" in counts.paragraph()


def test_the_first_screen_holds_the_two_commands() -> None:
    first = "\n".join(TEXT.splitlines()[:24])
    for command in ("make lab", "make test", "helpers/start.py"):
        assert command in first


def test_the_pictures_are_there_and_say_what_they_show() -> None:
    pictures = re.findall(r"!\[([^]]+)\]\((docs/[^)]+)\)", TEXT)
    assert len(pictures) >= 2
    assert any("replay" in words for words, _ in pictures)
    for words, path in pictures:
        assert len(words.split()) >= 8, "a picture needs words for those who cannot see it"
        assert (ROOT / path).read_bytes().startswith(b"\x89PNG")
        assert (ROOT / path).stat().st_size < 200_000


def test_one_version_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    version = project["project"]["version"]
    cited = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^version: (.+)$", cited, re.M)[1] == version
    assert re.search(r"^## (.+)$", changes, re.M)[1] == version


def test_every_page_of_docs_is_in_its_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in index


def test_old_numbers_and_a_page_without_them_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "README.md"
    monkeypatch.setattr(counts, "README", page)
    monkeypatch.setattr("helpers.authoring.__main__.ROOT", tmp_path)
    page.write_text("# All\n")
    assert counts.outdated() == ["README.md has no place for the counts"]
    page.write_text("# All\n\n<!-- counts -->\nfew\n<!-- /counts -->\n")
    assert main(["counts", "--check"]) == 1
    assert main(["counts"]) == 0
    assert page.read_text() == (
        f"# All\n\n<!-- counts -->\n{counts.paragraph()}\n<!-- /counts -->\n"
    )
    assert main(["counts", "--check"]) == 0
