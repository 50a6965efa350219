"""What holds for every lab: its points, its solution, a blank one, and numbers of one's own."""

from __future__ import annotations

import importlib
import re

import pytest

from helpers.authoring.course import labs
from tests.checks import weekly
from tests.labs import Lab

LABS = [Lab(name) for name in labs()]
every_lab = pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
STUDENTS = ("1234567", "zoë", " Grace ")
_TASK = re.compile(r"^## .*\(\d+ points?\b.*", re.M)


@every_lab
def test_the_points_are_those_that_the_lab_promises(lab: Lab) -> None:
    (promised,) = re.findall(r"\*\*Points:\*\* (\d+) by tests", lab.solution.cells[0].source)
    assert sum(lab.points.values()) == int(promised)


@every_lab
def test_the_points_of_a_task_are_those_of_its_title(lab: Lab) -> None:
    said, given = [], []
    for cell in lab.solution.cells:
        if cell.cell_type == "markdown" and (title := _TASK.search(cell.source)):
            said.append(sum(map(int, re.findall(r"(\d+) (?:point|for the)", title[0]))))
            given.append(0)
        about = cell.metadata.get("nbgrader", {})
        if about.get("grade"):
            given[-1] += about["points"]
    assert given == said


@pytest.mark.parametrize("student_id", [*(weekly(one) for one in STUDENTS[:-1]), STUDENTS[-1]])
@every_lab
def test_the_solution_loses_nothing_for_any_student(lab: Lab, student_id: str) -> None:
    assert lab.run({}, student_id) == set()


@every_lab
def test_a_learner_who_has_yet_to_begin_scores_nothing(lab: Lab) -> None:
    assert lab.run(lab.blank) == set(lab.points)


@every_lab
def test_numbers_are_ones_own_however_the_id_is_written(lab: Lab) -> None:
    code = "".join(cell.source for cell in lab.solution.cells if cell.cell_type == "code")
    (module,) = set(re.findall(r"from (helpers\.\w+\.lab) import", code))
    numbers = importlib.import_module(module).lab_parameters

    def given(student_id: str) -> str:
        return str(numbers(student_id)).replace(f"'{student_id}'", "")

    assert numbers("ada").student_id == "ada"
    assert str(numbers(" ADA ")) == str(numbers("ada"))
    assert len({given(f"s{n}") for n in range(200)}) > 195, "neighbours share their numbers"
