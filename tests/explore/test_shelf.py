"""What there is to read, build and break is what the chapters say at their ends."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from helpers.authoring.check import links_and_ids
from helpers.authoring.course import CHAPTERS, ROOT
from helpers.explore import read_build_break
from helpers.explore.shelf import Shelf, things_of


def page(path: Path, *texts: str) -> Path:
    cells = [{"cell_type": "markdown", "source": text.splitlines(True)} for text in texts]
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "chapter",
    [chapter for chapter in CHAPTERS if chapter.written and chapter.claims],
    ids=lambda chapter: chapter.name,
)
def test_every_chapter_ends_with_something_to_read_to_build_and_to_break(chapter) -> None:
    things = things_of(chapter.notebook)
    assert things is not None
    assert all((things.read, things.build, things.break_))


def test_the_table_has_every_chapter_and_no_dead_link() -> None:
    shelf = read_build_break()
    names = [one.path.stem for one in shelf.things]
    assert names == [one.name for one in CHAPTERS if one.written and one.claims]
    rows = shelf.markdown.splitlines()
    assert len(rows) == len(names) + 2
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 5 for row in rows)
    links, _ = links_and_ids(shelf.markdown)  # relative to the chapters
    local = {unquote(link).partition("#")[0] for link in links if ":" not in link}
    assert len(local) > len(names)
    assert [link for link in local if not (ROOT / "notebooks" / link).exists()] == []


def test_a_section_is_read_as_it_stands(tmp_path: Path) -> None:
    text = (
        "## Read, build, break\n\n- **Read** the *paper* | twice.\n"
        "- **Build** [it](../lab.ipynb).\n"
        "- **Break** one.\n\n**Next:** more.\n\n## After\n\n- **Read** nothing."
    )
    path = page(tmp_path / "notebooks" / "03_x.ipynb", "# 03 Lines\n\nText.", text)
    page(tmp_path / "notebooks" / "04_y.ipynb", "# 04 Circles\n\n- **Read** this.")
    things = things_of(path)
    assert things is not None
    assert (things.read, things.build) == ("The *paper* | twice.", "[it](../lab.ipynb).")
    shelf = read_build_break(tmp_path)
    assert shelf.things == [things]
    assert shelf.markdown.splitlines()[2] == (
        "| [03 Lines](03_x.ipynb) | The *paper* \\| twice. | [it](../lab.ipynb). | One. |"
    )
    assert "1 chapter, each with" in shelf.text
    assert "03 Lines: Build it." in shelf.text


def test_what_is_not_proposed_is_empty(tmp_path: Path) -> None:
    path = page(tmp_path / "notebooks" / "03_x.ipynb", "Text.", "## Read, build, break\n\nNo.")
    things = things_of(path)
    assert things is not None
    assert (things.title, things.read, things.build, things.break_) == ("03_x", "", "", "")


def test_it_is_shown_as_a_table_and_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []
    monkeypatch.setattr("helpers.explore.shelf.display", lambda faces, raw: shown.append(faces))
    Shelf([])._ipython_display_()
    assert shown[0]["text/markdown"].startswith("| chapter | read | build | break |")
    assert "text/plain" in shown[0]
