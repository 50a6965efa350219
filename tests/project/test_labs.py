"""Labs are what their solutions make; nbgrader gives the points it should."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from helpers.authoring import course
from helpers.authoring.labs import (
    Grade,
    LabError,
    generate_labs,
    grade_answers,
    out_of_sync,
    with_answers,
    write_labs,
)

TEST = '''"""Doubles."""
assert double(2) == 4
### BEGIN HIDDEN TESTS
assert double(5) == 10
### END HIDDEN TESTS'''


@pytest.fixture(scope="module")
def generated() -> dict[str, bytes]:
    """What the solutions make."""
    return generate_labs()


def test_the_lab_of_a_chapter_that_is_not_written_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written, planned = (
        course.Chapter(number, "x", "X", range(0), written=number == 1, lab=f"lab{number:02d}_x")
        for number in (1, 2)
    )
    monkeypatch.setattr(course, "CHAPTERS", (written, planned))
    assert course.labs() == ["lab01_x"]


def test_labs_are_what_their_solutions_make(generated: dict[str, bytes]) -> None:
    assert generated, "there are no solutions"
    assert out_of_sync(generated) == [], "run: make labs"


def test_every_lab_of_the_course_is_made(generated: dict[str, bytes]) -> None:
    assert {name.split("/")[0] for name in generated} == set(course.labs())


def test_labs_give_nothing_away(generated: dict[str, bytes]) -> None:
    for name, content in generated.items():
        for secret in (b"BEGIN SOLUTION", b"HIDDEN TESTS", b"MARK SCHEME"):
            assert secret not in content, f"{name} shows {secret.decode()}"


# The same machinery on a lab of two tasks, where every outcome is known.


@pytest.fixture
def solutions(tmp_path: Path) -> Path:
    """A folder with one small lab."""
    cells = [new_markdown_cell("# Doubling")]
    for number in (1, 2):
        answer = new_code_cell(
            "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"
        )
        answer.metadata["nbgrader"] = _about(f"answer_{number}", solution=True)
        test = new_code_cell(TEST)
        test.metadata["nbgrader"] = _about(f"test_{number}", grade=True, points=3, locked=True)
        cells += [answer, test]
    memo = new_markdown_cell("Because.")
    memo.metadata["nbgrader"] = _about("memo", grade=True, solution=True, points=4)
    notebook = new_notebook(
        cells=[*cells, memo],
        metadata={"kernelspec": {"display_name": "Python 3", "name": "python3"}},
    )
    folder = tmp_path / "solutions" / "doubling"
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / "doubling.ipynb")
    (folder / "data.csv").write_text("1,2\n")
    return folder.parent


def _about(name: str, **fields: object) -> dict[str, object]:
    about = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
    return {**about, "grade_id": name, **fields}


def _released(solutions: Path) -> NotebookNode:
    content = generate_labs(solutions)["doubling/doubling.ipynb"]
    return nbformat.reads(content.decode(), as_version=4)


def test_a_lab_is_made_the_same_way_each_time(solutions: Path) -> None:
    generated = generate_labs(solutions)
    assert set(generated) == {"doubling/doubling.ipynb", "doubling/data.csv"}
    assert generate_labs(solutions) == generated
    assert b"return 2 * x" not in generated["doubling/doubling.ipynb"]


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (
            lambda lab: (lab / "doubling.ipynb").write_text(
                (lab / "doubling.ipynb").read_text().replace("# Doubling", "# doubling")
            ),
            "doubling/doubling.ipynb: not what its solution makes",
        ),
        (lambda lab: (lab / "data.csv").unlink(), "doubling/data.csv: missing"),
        (lambda lab: (lab / "more.py").touch(), "doubling/more.py: no solution makes it"),
    ],
    ids=["edited", "deleted", "added"],
)
def test_a_lab_changed_by_hand_is_noticed_and_mended(
    spoil: Callable[[Path], object], found: str, solutions: Path, tmp_path: Path
) -> None:
    generated = generate_labs(solutions)
    labs = tmp_path / "labs"
    write_labs(generated, labs)
    assert out_of_sync(generated, labs) == []
    spoil(labs / "doubling")
    assert out_of_sync(generated, labs) == [found]
    write_labs(generated, labs)
    assert out_of_sync(generated, labs) == []


def test_answers_get_the_points_they_should(solutions: Path) -> None:
    blank = _released(solutions)
    right = dict.fromkeys(("answer_1", "answer_2"), "def double(x):\n    return x + x")
    tampered = with_answers(blank, {"test_1": "pass", "test_2": "pass"})
    grades = grade_answers(
        "doubling",
        {
            "right": with_answers(blank, {**right, "memo": "Because 2 x = x + x."}),
            "blank": blank,
            "hard-coded": with_answers(blank, {**right, "answer_2": "def double(x): return 4"}),
            "syntax": with_answers(blank, {**right, "answer_1": "def double(x:"}),
            "tampered": tampered,
        },
        solutions,
    )
    points = {
        student: (got["test_1"].points, got["test_2"].points) for student, got in grades.items()
    }
    assert points == {
        "right": (3, 3),
        "blank": (0, 0),
        "hard-coded": (3, 0),
        "syntax": (0, 3),
        "tampered": (0, 0),
    }
    assert grades["right"]["memo"] == Grade(points=None, maximum=4, manual=True)
    assert grades["blank"]["memo"] == Grade(points=0, maximum=4, manual=True)


def _strip(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        cell.metadata.clear()


def _copy_into_new(notebook: NotebookNode) -> None:
    for cell in notebook.cells[1:3]:
        cell.metadata.pop("nbgrader")


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (_strip, "has lost 5 of the 5 cells .*answer_1, test_1, answer_2, test_2, memo"),
        (_copy_into_new, r"has lost 2 of the 5 cells .*answer_1, test_1\."),
        (lambda notebook: notebook.cells.pop(), r"has lost 1 of the 5 cells .*memo\."),
    ],
    ids=["stripped", "copied", "deleted"],
)
def test_a_submission_that_lost_its_cells_is_refused_not_graded_zero(
    spoil: Callable[[NotebookNode], object], found: str, solutions: Path
) -> None:
    submission = _released(solutions)
    spoil(submission)
    with pytest.raises(LabError, match=f"(?s)SubmissionError: Not graded: .*{found}"):
        grade_answers("doubling", {"ada": submission}, solutions)


def test_an_unknown_answer_is_refused(solutions: Path) -> None:
    with pytest.raises(KeyError, match=r"no cell named 'answer_3'; there are .*answer_1"):
        with_answers(_released(solutions), {"answer_3": ""})


def test_a_misnamed_solution_is_refused(solutions: Path) -> None:
    notebook = solutions / "doubling" / "doubling.ipynb"
    notebook.rename(notebook.with_name("other.ipynb"))
    with pytest.raises(LabError, match="name the notebook like its folder"):
        generate_labs(solutions)
