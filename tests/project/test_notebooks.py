"""Every notebook that should be there is there, in good form, and compared by nbval."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from helpers.authoring import course
from helpers.authoring.check import check_links, check_notebook, code_cells, read
from helpers.authoring.course import ROOT
from tests.project.files import tracked

SOLUTIONS = [chapter.solution for chapter in course.CHAPTERS if chapter.lab]
LABS = [ROOT / "labs" / lab / f"{lab}.ipynb" for lab in course.labs()]
EXPECTED = sorted([*course.notebooks(), *SOLUTIONS, *LABS])


def name_of(path: Path) -> str:
    """The path as seen from the top of the course."""
    return path.relative_to(ROOT).as_posix()


def test_the_notebooks_are_those_the_course_lists() -> None:
    # A page of one's own has no number, and stands in no list.
    found = [path for path in tracked() if re.fullmatch(r"(\d\d|lab\d\d)_\w+\.ipynb", path.name)]
    assert [name_of(path) for path in found] == [name_of(path) for path in EXPECTED]


def test_every_claim_belongs_to_one_chapter() -> None:
    claims = Counter(claim for chapter in course.CHAPTERS for claim in chapter.claims)
    assert claims == Counter(range(1, 96))


@pytest.mark.parametrize("path", EXPECTED, ids=name_of)
def test_a_notebook_is_in_good_form(path: Path) -> None:
    assert check_notebook(path) == []


@pytest.mark.parametrize("path", [path for path in tracked() if path.suffix == ".md"], ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    assert check_links(path) == []


@pytest.mark.parametrize("path", EXPECTED, ids=name_of)
def test_a_figure_is_seen_and_not_only_named(path: Path) -> None:
    for cell in read(path).cells:
        for output in cell.get("outputs", []):
            said = output.get("text", "") + output.get("data", {}).get("text/plain", "")
            if re.search(r"<Figure size|Axes\w* ?object|<Axes:", said):
                assert "image/png" in output.get("data", {}), said


def test_nbval_compares_every_code_cell_of_chapters_and_solutions_and_none_of_labs() -> None:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-qq", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "--ignore=tests", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    collected = dict(line.rsplit(": ", 1) for line in done.stdout.splitlines() if ": " in line)
    expected = {
        name_of(path): str(sum(1 for _ in code_cells(read(path))))
        for path in [*course.notebooks(), *SOLUTIONS]
    }
    assert {path: n for path, n in collected.items() if path.endswith(".ipynb")} == expected
