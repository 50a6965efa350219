"""Every answer gets what it should."""

from __future__ import annotations

import ast
import builtins

import pytest

from helpers.authoring.grading.checks import bound, free
from tests.answers import Answer, answers, changed, lab_named, labs
from tests.answers.__main__ import listed
from tests.checks import sampled

EVERY = [answer for lab in labs() for answer in answers(lab)]
RIGHT, WRONG = ([one for one in EVERY if one.right == right] for right in (True, False))


@pytest.mark.parametrize("answer", [*sampled(RIGHT, 3), *sampled(WRONG, 6)], ids=str)
def test_an_answer_gets_what_it_should(answer: Answer) -> None:
    failed = answer.failed()
    assert not answer.wrongly(failed), f"it fails {sorted(failed)}"


@pytest.mark.parametrize("lab", labs())
def test_every_task_has_three_right_answers_and_eight_wrong_ones(lab: str) -> None:
    listed = answers(lab)
    for cell in lab_named(lab).blank:
        mine = [answer.right for answer in listed if answer.cell == cell]
        assert mine.count(True) >= 3, cell
        assert mine.count(False) >= 8, cell


@pytest.mark.parametrize("lab", labs())
def test_a_check_binds_nothing_but_itself_and_imports_what_it_needs(lab: str) -> None:
    cells = lab_named(lab).cells
    theirs = {"student_id", *dir(builtins)}
    for cell in cells.values():
        nodes = ast.parse(cell.source).body
        if cell.metadata.nbgrader.solution:
            nodes = [one for one in nodes if not isinstance(one, ast.Import | ast.ImportFrom)]
            theirs |= bound(nodes)
        elif not cell.metadata.nbgrader.grade:
            theirs |= bound(one for one in nodes if isinstance(one, ast.FunctionDef | ast.ClassDef))
    for check in lab_named(lab).points:
        source = cells[check].source
        assert bound(ast.parse(source).body) == {check}
        assert free(source) <= theirs, check


def test_a_diff_changes_what_it_shows() -> None:
    assert changed("a = 1\nb = 2\n", "-1\n+3\n-b = 2\n+b = 4\n+c = 5\n") == "a = 3\nb = 4\nc = 5\n"
    assert changed("a / b\n", "- / b\n") == "a\n"
    with pytest.raises(ValueError, match="there is no 'c'"):
        changed("a / b\n", "-c\n+d\n")


def test_the_table_holds_these_answers() -> None:
    held = {
        lab: {f"{one.cell} {'right' if one.right else 'wrong'}: {one.name}" for one in answers(lab)}
        for lab in labs()
    }
    assert listed() == held, "run: python -m tests.answers"
