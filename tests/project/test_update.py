"""An update of the course keeps what a learner did."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from helpers.update import update
from tests.grading.test_look import git

LAB, PAGE = "labs/lab01/lab01.ipynb", "notebooks/01_why.ipynb"


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / {"lab": LAB, "page": PAGE}[name]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def commit(root: Path, words: str) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", words)


@pytest.fixture
def course(tmp_path: Path) -> tuple[Path, Path]:
    """The course, and a learner's copy of it."""
    upstream, mine = tmp_path / "upstream", tmp_path / "mine"
    write(upstream, lab="lab", page="page")
    (upstream / ".gitignore").write_text("/progress/\n")
    git(upstream, "init", "--quiet")
    commit(upstream, "first")
    subprocess.run(["git", "clone", "--quiet", str(upstream), str(mine)], check=True)
    return upstream, mine


def test_what_the_update_does_not_touch_stays_as_it_was_left(course: tuple[Path, Path]) -> None:
    upstream, mine = course
    write(mine, lab="my answers")
    write(upstream, page="a better page")
    commit(upstream, "second")
    said: list[str] = []
    kept = update(mine, said.append)
    assert (mine / LAB).read_text() == "my answers"
    assert (mine / PAGE).read_text() == "a better page"
    assert kept is not None
    assert (kept / LAB).read_text() == "my answers"
    assert said == ["The course is new.", "Your notebooks are as you left them."]


def test_what_both_changed_is_new_and_the_learners_is_kept(course: tuple[Path, Path]) -> None:
    upstream, mine = course
    write(mine, lab="my answers", page="my run")
    write(upstream, lab="a better lab")
    commit(upstream, "second")
    said: list[str] = []
    kept = update(mine, said.append)
    assert kept is not None
    assert ((mine / LAB).read_text(), (kept / LAB).read_text()) == ("a better lab", "my answers")
    assert (mine / PAGE).read_text() == "my run"
    assert said[1:] == [
        f"  {LAB} is the course's new version; yours is {(kept / LAB).relative_to(mine)}"
    ]


def test_without_changes_and_without_news_nothing_happens(course: tuple[Path, Path]) -> None:
    _, mine = course
    said: list[str] = []
    assert update(mine, said.append) is None
    assert said == ["The course is up to date."]
    assert not (mine / "progress").exists()


def test_an_update_that_fails_puts_everything_back(course: tuple[Path, Path]) -> None:
    upstream, mine = course
    write(mine, lab="my answers")
    upstream.rename(upstream.with_name("gone"))
    with pytest.raises(SystemExit, match="Nothing of yours was lost"):
        update(mine)
    assert (mine / LAB).read_text() == "my answers"
