"""A lab's check that passes says so and leaves a trace; where labs are graded nobody listens."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from helpers.authoring.check import read
from helpers.authoring.course import ROOT
from helpers.explore.journal import journal
from helpers.explore.lab_checks import after_check, find_check, words
from helpers.explore.work import labs

UTILISATION = "lab02_thinking_at_scale/check_utilisation"
MEMORY = "names_before = sorted(globals())"


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SYSTEM_DESIGN_PROGRESS", str(tmp_path / "progress"))


def lab02():
    return next(lab for lab in labs() if lab.path.stem.startswith("lab02"))


def cells_of(where, *ids):
    path = ROOT / where / "lab02_thinking_at_scale" / "lab02_thinking_at_scale.ipynb"
    by_id = {cell.id: cell.source for cell in read(path).cells}
    return [by_id[one] for one in ids]


def said(cells):
    """Run cells in a kernel; return what each printed."""
    notebook = new_notebook(cells=[new_code_cell(source) for source in cells])
    NotebookClient(notebook, timeout=60, kernel_name="python3", allow_errors=True).execute()
    return [
        "".join(o.text for o in c.outputs if o.output_type == "stream") for c in notebook.cells
    ], notebook


def test_in_a_kernel_a_check_that_passes_says_so_and_binds_nothing():
    setup, check = cells_of("labs", "mine", "check-utilisation")
    (answer,) = cells_of("solutions", "utilisation")
    wrong = answer.replace("/ servers", "")
    look = "print(sorted(set(globals()) - set(names_before) - {'names_before'}))"
    cells = ["student_id = 'ada'", setup, wrong, MEMORY, check, answer, check, look]
    texts, notebook = said(cells)
    assert texts[4] == "", "nothing is said of a check that fails but its own message"
    assert notebook.cells[4].outputs[0].output_type == "error"
    assert texts[6] == (
        "✓ 4 of 4 checks pass; 2 of 21 points visible so far. Hidden checks follow when the lab is "
        "graded.\n"
    )
    assert [output.output_type for output in notebook.cells[6].outputs] == ["stream"]
    left = [name for name in eval(texts[7]) if not name.startswith("_i")]
    assert left in ([], ["check_utilisation"]), "the check's own name, and no other"
    kept = journal().of("check", UTILISATION)
    assert [(one["passed"], one["points"]) for one in kept] == [(False, 2.0), (True, 2.0)]


def test_points_add_up_over_the_lab_and_go_when_a_check_fails(capsys):
    lab = lab02()
    for source in lab.sources.values():
        after_check(source, passed=True)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(lab.sources)
    assert "; 21 of 21 points visible so far. Hidden checks follow" in printed[-1]
    key, source = next(iter(lab.sources.items()))
    after_check(source, passed=False)
    assert capsys.readouterr().out == ""
    after_check(list(lab.sources.values())[1], passed=True)
    assert f"{21 - lab.points[key]:g} of 21 points" in capsys.readouterr().out


def test_the_same_result_twice_is_kept_once(capsys):
    source = lab02().sources[UTILISATION]
    for passed in (True, True, False, False, True):
        after_check(source, passed=passed)
    assert [one["passed"] for one in journal().of("check")] == [True, False, True]


@pytest.mark.parametrize("lab", labs(), ids=lambda lab: lab.path.stem[:5])
def test_every_check_of_every_lab_is_known_and_none_that_has_hidden_tests(lab):
    assert len(set(lab.sources.values())) == len(lab.sources)
    for key, source in lab.sources.items():
        found = find_check(f"{source}\n")
        assert found is not None
        assert (found[0].path, found[1]) == (lab.path, key)
        assert words(source).split()[0] != "0", "a check must check something in sight"
    for cell in read(ROOT / "solutions" / lab.path.parent.name / lab.path.name).cells:
        if "### BEGIN HIDDEN TESTS" in cell.source:
            assert find_check(cell.source) is None


def test_other_code_is_nobodys_business(capsys):
    after_check("assert True", passed=True)
    assert capsys.readouterr().out == ""
    assert journal().entries == ()


def test_a_disk_that_cannot_be_written_is_said(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SYSTEM_DESIGN_PROGRESS", str(tmp_path / "file"))
    after_check(lab02().sources[UTILISATION], passed=True)
    printed = capsys.readouterr().out
    assert "4 of 4 checks pass; 2 of 21 points" in printed
    assert "This could not be kept" in printed


_LISTENERS = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
{kernel}
import helpers.foundations
print([f.__name__ for f in shell.events.callbacks["post_run_cell"] if "after_a" in f.__name__])
"""


@pytest.mark.parametrize(
    ("kernel", "variables", "listeners"),
    [
        ("shell.kernel = object()", {}, "['_after_a_cell']"),
        ("", {}, "[]"),  # the room in which submissions are graded has a shell, and no kernel
        ("shell.kernel = object()", {"NBGRADER_EXECUTION": "autograde"}, "[]"),
        ("shell.kernel = object()", {"NBGRADER_EXECUTION": "validate"}, "[]"),
    ],
)
def test_nobody_listens_where_labs_are_graded(kernel, variables, listeners):
    done = subprocess.run(
        [sys.executable, "-c", _LISTENERS.format(kernel=kernel)],
        env={**os.environ, **variables},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.strip() == listeners, done.stderr
