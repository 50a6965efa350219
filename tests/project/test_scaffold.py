"""What the scaffold writes runs at once, is tested, and says what to fill in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from helpers.authoring.course import ROOT
from helpers.authoring.scaffold import ScaffoldError, new_experiment, new_page


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A copy of the parts of the course that a new experiment stands on."""
    without = shutil.ignore_patterns("__pycache__", "*.ipynb", "test_*.py")
    for part in ("helpers", "tests"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=without)
    (tmp_path / "notebooks").mkdir()
    shutil.copy2(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def run(course: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a module in the copied course, on its own helpers."""
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=course,
        env={**os.environ, "PYTHONPATH": str(course)},
        capture_output=True,
        text=True,
        timeout=240,
    )


@pytest.mark.thorough
def test_a_page_runs_its_tests_pass_and_it_is_in_form(course: Path) -> None:
    done = run(course, "helpers.authoring", "new", "page", "retries")
    assert done.returncode == 0, done.stderr
    assert "notebooks/retries.ipynb" in done.stdout.splitlines()
    assert "<angle brackets>" in done.stdout
    done = run(course, "helpers.authoring", "execute", "notebooks/retries.ipynb")
    assert done.returncode == 0, done.stderr
    page = (course / "notebooks/retries.ipynb").read_text()
    assert "Your model: success = 0.87" in page
    assert "def one_service(at, draw):" in page
    done = run(course, "helpers.authoring", "check", "notebooks/retries.ipynb")
    assert "0 findings" in done.stdout
    tests = ("pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir=.")
    done = run(course, *tests, "tests/pages/retries")
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
    for tool in (("ruff", "check"), ("ruff", "format", "--check")):
        done = run(course, *tool, "helpers/pages/retries", "tests/pages/retries")
        assert done.returncode == 0, done.stdout


def test_an_experiment_joins_a_chapter_and_says_what_to_fill_in(course: Path) -> None:
    code, test = new_experiment("caching/tiered", course)
    assert code == course / "helpers/caching/tiered.py"
    assert "<What it shows" in code.read_text()
    assert "helpers.caching.tiered:one_service" in test.read_text()
    with pytest.raises(ScaffoldError, match="is there already"):
        new_experiment("caching/tiered", course)


def test_an_experiment_brings_its_cells_to_a_page(course: Path) -> None:
    page = course / "notebooks" / "09_caching_strategies.ipynb"
    shutil.copy2(ROOT / "notebooks" / page.name, page)
    before = nbformat.read(page, as_version=4).cells
    assert new_experiment("caching/tiered", course, page)[-1] == page
    after = nbformat.read(page, as_version=4).cells
    assert after[: len(before)] == before
    new = after[len(before) :]
    assert "explore(tiered, failure" in new[1].source
    assert [cell.metadata.model for cell in new if "model" in cell.metadata] == [
        "helpers.caching.tiered:one_service"
    ]
    with pytest.raises(ScaffoldError, match="there is no page"):
        new_experiment("caching/other", course, course / "notebooks" / "none.ipynb")


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ("tiered", "say CHAPTER/NAME"),
        ("cacheing/tiered", "a chapter among .*caching"),
        ("caching/Tiered", "in lower case"),
        ("caching/class", "in lower case"),
    ],
)
def test_what_cannot_be_begun_is_refused(where: str, reason: str) -> None:
    with pytest.raises(ScaffoldError, match=reason):
        new_experiment(where)


def test_a_page_needs_a_name_that_is_free(course: Path) -> None:
    new_page("retries", course)
    with pytest.raises(ScaffoldError, match="is there already"):
        new_page("retries", course)
    with pytest.raises(ScaffoldError, match="in lower case"):
        new_page("My page", course)
