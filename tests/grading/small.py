"""A lab of four tasks and a memo, on which every outcome is known and nothing takes long."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

GIVEN = '''
import numpy as np

from helpers.foundations import queueing


class TooMuchError(Exception):
    """What `ask` raises when it is asked for too much."""


class Meter:
    """Counts what it is asked."""

    def __init__(self, limit):
        self.limit, self.asked = limit, 0

    def ask(self, amount):
        self.asked += 1
        if amount > self.limit:
            raise TooMuchError(amount)
        return amount


mine = {"factor": 2 + len(student_id) % 3}
'''
TASKS = [
    (
        "double",
        '''
def double(x):
    """Return twice x."""
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION
''',
        '''
"""Twice a number."""
_found = double(2)
assert np.isclose(_found, 4), "twice two is four"
assert abs(double(0.5) - 1) < 1e-9
### BEGIN HIDDEN TESTS
for _k in (3, 5):
    assert np.isclose(double(_k), 2 * _k), "SECRET"
np.testing.assert_allclose(double(np.array([1.0, 4.0])), [2.0, 8.0])
### END HIDDEN TESTS
''',
        2,
    ),
    (
        "double_all",
        '''
def double_all(many):
    """Return twice each, by your double."""
    ### BEGIN SOLUTION
    return [double(one) for one in many]
    ### END SOLUTION


def careful(meter, amount):
    """Return what the meter gives, or None if it is too much."""
    ### BEGIN SOLUTION
    try:
        return meter.ask(amount)
    except TooMuchError:
        return None
    ### END SOLUTION
''',
        '''
"""Many numbers, with a right double in place of yours, and a meter that may refuse."""
_theirs = globals().get("double")
double = lambda x: x + x
try:
    assert list(double_all([1, 2])) == [2, 4], "each of them"
    ### BEGIN HIDDEN TESTS
    assert list(double_all(range(100))) == list(range(0, 200, 2))
    assert list(double_all([])) == []
    ### END HIDDEN TESTS
finally:
    double = _theirs
least = Meter(3)
assert careful(least, 2) == 2
assert careful(least, 4) is None, "refused"
assert least.asked == 2
''',
        3,
    ),
    (
        "box",
        '''
class Box:
    """Keeps things by name."""

    ### BEGIN SOLUTION
    def __init__(self):
        self.things = {}

    def __len__(self):
        return len(self.things)

    ### END SOLUTION

    def put(self, name, thing):
        """Keep a thing."""
        ### BEGIN SOLUTION
        self.things[name] = thing
        ### END SOLUTION

    def get(self, name):
        """Return a thing, or None."""
        ### BEGIN SOLUTION
        return self.things.get(name)
        ### END SOLUTION
''',
        '''
def check_box():
    """A box keeps what is put into it."""
    from collections import Counter

    box, calls = Box(), Counter()
    for name in ("a", "b", "a"):
        calls[name] += 1
        box.put(name, calls[name])
    assert len(box) == 2, "two names"
    assert (box.get("a"), box.get("b")) == (2, 1)
    ### BEGIN HIDDEN TESTS
    other = Box()
    assert other.get("a") is None, "SECRET: each box is its own"
    other.put("c", box)
    assert other.get("c") is box
    ### END HIDDEN TESTS


check_box()
''',
        4,
    ),
    (
        "my_wait",
        """
### BEGIN SOLUTION
import math

my_wait = [mine["factor"], math.sqrt(4.0)]
### END SOLUTION
""",
        '''
"""Your own number."""
assert len(my_wait) == 2, "a pair"
### BEGIN HIDDEN TESTS
_factor = 2 + len(student_id) % 3
assert my_wait[0] == _factor == mine["factor"], f"SECRET {_factor}"
assert math.isclose(my_wait[1], float(queueing.mm1_response(0.5, 1.0)))
### END HIDDEN TESTS
''',
        2,
    ),
]
MEMO = """A model memo.

### BEGIN MARK SCHEME

4 points: SECRET RUBRIC.

### END MARK SCHEME"""
NAME = "lab01_doubling"


def about(name: str, **fields: object) -> dict[str, object]:
    """nbgrader's metadata of a cell."""
    usual = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
    return {"nbgrader": {**usual, "grade_id": name, **fields}}


def make_solutions(folder: Path) -> Path:
    """Write the lab, and another one, into a folder of solutions; return it."""
    cells = [
        new_markdown_cell("# Doubling", id="title"),
        new_code_cell('student_id = "your id"', id="who"),
        new_code_cell(GIVEN.strip(), id="mine"),
    ]
    for name, answer, check, points in TASKS:
        cells += [
            new_markdown_cell(f"## {name}"),
            new_code_cell(answer.strip(), metadata=about(name, solution=True)),
            new_code_cell(
                check.strip(),
                metadata=about(f"check_{name}", grade=True, locked=True, points=points),
            ),
        ]
    memo = about("design_memo", grade=True, solution=True, points=4)
    cells += [new_code_cell("double(21)"), new_markdown_cell(MEMO, metadata=memo)]
    _write(folder, NAME, cells)
    others = [
        new_code_cell("1", metadata=about(f"other_{number}", solution=True)) for number in range(3)
    ]
    _write(folder, "lab02_other", [*others, new_markdown_cell("memo", metadata=memo)])
    return folder


def _write(folder: Path, name: str, cells: list[NotebookNode]) -> None:
    for index, cell in enumerate(cells):
        if len(cell.id) == 8:  # made at random
            cell.id = f"cell-{index}"
    notebook = new_notebook(
        cells=cells,
        metadata={
            "kernelspec": {"display_name": "Python 3", "name": "python3", "language": "python"}
        },
    )
    (folder / name).mkdir(parents=True)
    nbformat.write(notebook, folder / name / f"{name}.ipynb")
    (folder / name / "data.csv").write_text("1,2\n")
