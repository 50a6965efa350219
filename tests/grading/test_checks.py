"""A compiled check reaches the submission's answers and nothing else of it."""

from __future__ import annotations

import ast
import builtins
import dataclasses
import fractions
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from helpers.authoring.course import ROOT
from helpers.authoring.grading.checks import bound, compiled, free
from helpers.authoring.grading.lab import Lab, student_ids
from helpers.authoring.grading.room import judge, pristine
from tests.grading.kinds import EVERYTHING

KNOWN = frozenset(map(id, pristine.all_classes()))


def run(
    check: str,
    answers: dict[str, Any],
    names: set[str] | None = None,
    allowed: dict[str, list[str]] | None = None,
    **ours: Any,
) -> tuple[dict[str, Any], list[str]]:
    """Run a check; return its names, and what was noticed."""
    noticed: list[str] = []
    code = compiled(check, "<check>", names or set(answers), set(ours))
    space = judge.names_for(answers, ours, vars(builtins), KNOWN, allowed or {}, noticed.append)
    exec(code, space)
    return space, noticed


def submission(source: str) -> dict[str, Any]:
    """The names that a student's cells have bound."""
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(source, space)
    return space


@pytest.mark.parametrize(
    "check",
    [
        "assert double(2) == 4",
        "assert [double(x) for x in (1, 2)] == [2, 4]",
        "def check():\n    from math import isclose\n    assert isclose(double(2), 4)\ncheck()",
        "def check(double=double):\n    assert double(1) == 2\ncheck()",
        "class Case:\n    def check(self):\n        assert double(3) == 6\nCase().check()",
        "f = lambda x: double(x)\nassert f(2) == 4",
        "assert {double(x): x for x in [1]} == {2: 1}",
        "match double(1):\n    case 2: pass\n    case _: raise AssertionError",
        "assert f'{double(2)!r:>3}' == '  4'",
        "x: int = double(2)\nassert x == 4",
        "if (y := double(2)) != 4: raise AssertionError",
        "with __import__('contextlib').nullcontext(double(2)) as z: assert z == 4",
        "a, *rest = [double(x) for x in range(3)]\nassert rest == [2, 4]",
        "try:\n    1 / (double(2) - 4)\nexcept ZeroDivisionError as error:\n    assert str(error)\n"
        "else:\n    raise AssertionError",
        "async def later():\n    return double(2)\nassert __import__('asyncio').run(later()) == 4",
        "def count():\n    yield from (double(x) for x in (1, 2))\nassert list(count()) == [2, 4]",
        "import numpy as np\nassert np.isclose(double(2), 4)",
        "assert globals()['double'](2) == 4",
        "assert max(double(1), 2, key=abs) == 2",
        "total = 0\nfor one in map(double, [1, 2]): total += one\nassert total == 6",
    ],
)
def test_a_right_answer_passes_and_a_wrong_one_does_not(check: str) -> None:
    run(check, submission("def double(x): return 2 * x"))
    with pytest.raises((AssertionError, KeyError, TypeError)):
        run(check, submission("def double(x): return 2 * x + 1"))


def test_a_check_overwrites_nothing_of_the_students() -> None:
    theirs = submission("least = _found = 7\ndef answer(): return least")
    space, _ = run("least = _found = 0\nassert answer() == 7", theirs, {"answer"})
    assert theirs["least"] == theirs["_found"] == 7
    assert space["least"] == 0


def test_names_mean_what_the_check_means() -> None:
    theirs = submission(
        "len = abs = isinstance = np = None\nAssertionError = Exception\ndef answer(): return []"
    )
    check = "assert isinstance(answer(), list) and len(answer()) == 0 and np.abs(-1) == 1"
    run(check, theirs, {"answer"}, np=np)


@pytest.mark.parametrize(
    "replace",
    [
        "double = lambda x: x + x",
        "def double(x):\n    return x + x",
        "from operator import neg as double",
        "globals()['double'] = lambda x: x + x",
        "def swap():\n    global double\n    double = lambda x: x + x\nswap()",
        "class double:\n    def __new__(cls, x): return x + x",
    ],
)
def test_what_a_check_puts_in_an_answers_place_is_what_others_call(replace: str) -> None:
    theirs = submission("def double(x): return 0\ndef quadruple(x): return double(double(x))")
    run(f"{replace}\nassert quadruple(1) == double(double(1))", theirs, {"double", "quadruple"})
    assert theirs["quadruple"](1) in (4, 1)


def test_a_local_name_is_no_answer() -> None:
    check = "def check(double):\n    double = double + 1\n    assert double == 2\ncheck(1)"
    theirs = submission("def double(x): return 2 * x")
    run(check, theirs)
    assert theirs["double"](2) == 4


def test_a_missing_answer_is_a_name_error() -> None:
    with pytest.raises(NameError, match="name 'double' is not defined"):
        run("assert double(2) == 4", {}, {"double"})


def test_a_last_number_is_kept() -> None:
    space, _ = run("points = 1\npoints + double(1)", submission("def double(x): return 2 * x"))
    assert space[judge.VALUE] == 3


@pytest.mark.parametrize(
    "check",
    [
        "assert answer() == 4",
        "assert abs(answer() - 4) < 1e-9",
        "assert answer()",
        "import numpy as np\nassert np.isclose(answer(), 4)",
        "import numpy as np\nnp.testing.assert_allclose(answer(), 4)",
        "assert list(many()) == [1, 2]",
        "for one in lazily(): assert one == 3",
        "assert all(one == 3 for one in lazily())",
        "assert thing == 3",
        "assert box().value == 3",
        "assert box()['value'] == 3",
        "assert sum(lazily()) == 9",
        "seen = []\ngive(seen.append)\nassert seen == [3]",
        "assert answer() in (4, 5)",
        "assert {'a': pair()} == {'a': (1, 2)}",
        "import numpy as np\nassert (boxed() == np.array([1, 2])).all()",
    ],
)
def test_a_thing_that_equals_everything_is_no_answer(check: str) -> None:
    theirs = submission(
        EVERYTHING + "import numpy as np\nthing = Everything()\n"
        "def answer(): return thing\ndef many(): return [thing, thing]\n"
        "def lazily(): yield thing\ndef pair(): return (1, thing)\n"
        "def give(take): take(thing)\ndef boxed(): return np.array([thing, thing], dtype=object)\n"
        "class Box:\n    value = thing\n    def __getitem__(self, key): return thing\n"
        "def box(): return Box()"
    )
    with pytest.raises(AssertionError):
        run(check, theirs)


def test_what_redefines_equality_is_noticed() -> None:
    noticed: list[str] = []
    space = judge.names_for(
        submission(EVERYTHING + "thing = Everything()"), {}, {}, KNOWN, {}, noticed.append
    )
    with pytest.raises(AssertionError, match="is no answer"):
        space[judge.ANSWER]("thing")
    assert noticed == ["a value of class Everything redefines __abs__"]


@pytest.mark.parametrize(
    "source",
    [
        "class Thing(list): pass\nthing = Thing()",
        "class Thing(dict):\n    def __missing__(self, key): return 0\nthing = Thing()",
        "import enum\nclass Thing(enum.IntFlag):\n    A = 1\nthing = Thing.A",
        "import typing\nclass Thing(typing.NamedTuple):\n    a: int = 1\nthing = Thing()",
        "from dataclasses import dataclass\n@dataclass(order=True, frozen=True)\n"
        "class Thing:\n    a: int = 1\nthing = Thing()",
        "from collections import OrderedDict\nclass Thing(OrderedDict):\n"
        "    def __len__(self): return 3\n    def __contains__(self, key): return True\n"
        "thing = Thing()",
        "class Thing:\n    def __iter__(self): return iter(())\n    def __call__(self): return 1\n"
        "thing = Thing()",
        "class Thing(ValueError):\n    def __str__(self): return ''\nthing = Thing()",
    ],
)
def test_an_honest_class_is_no_reason_to_refuse(source: str) -> None:
    assert run("assert thing is not None", submission(source))[1] == []


def test_a_method_that_the_solution_has_may_be_had() -> None:
    theirs = submission("class Heap:\n    def __lt__(self, other): return True\nthing = Heap()")
    with pytest.raises(AssertionError):
        run("assert thing is not None", theirs)
    run("assert thing is not None", theirs, allowed={"Heap": ["__lt__"]})


def test_a_dataclass_cannot_hide_its_own_equality() -> None:
    theirs = submission(
        "from dataclasses import dataclass\n@dataclass\nclass Liar:\n    a: int = 1\n"
        "Liar.__eq__ = lambda self, other: True\nthing = Liar()"
    )
    with pytest.raises(AssertionError):
        run("assert thing == 3", theirs)


def test_values_of_the_checks_own_classes_may_be_anything() -> None:
    check = (
        "class Near:\n    def __eq__(self, other): return abs(other - 4) < 1\n"
        "    __hash__ = None\nassert Near() == double(2)"
    )
    assert run(check, submission("def double(x): return 2 * x"))[1] == []


def test_library_types_pass() -> None:
    for value in (np.float64(4), np.array([4]), fractions.Fraction(4), {1: [2, (3,)]}, None):
        run("assert thing is not thing or True", {"thing": value})


def test_bound_and_free_names() -> None:
    source = (
        "import os.path as p, sys\nfrom a import b\nx, (y, *z) = 1, (2, 3)\n"
        "for i in range(3): pass\nwith f() as w: pass\ndef g(h, *k, m=n): return h + x + o\n"
        "class C(D):\n    inside = E\n[q for q in r if (s := q)]\n"
        "try: pass\nexcept T as u: pass\nlambda v: v + t\n"
    )
    found = bound(ast.parse(source).body)
    assert found == {"p", "sys", "b", "x", "y", "z", "i", "w", "g", "C", "s", "u"}
    assert free(source) == {"range", "f", "n", "o", "D", "E", "r", "T", "t"}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('student_id = "ada"', ["ada"]),
        ("student_id: str = 'ada'  # mine", ["ada"]),
        ("%matplotlib inline\nstudent_id = 'ada'", ["ada"]),
        ("student_id = 'a' + 'da'", [None]),
        ("student_id = 12", [None]),
        ("student_id = input()", [None]),
        ("a = student_id = 'b'", ["b"]),
        ("# student_id = 'ada'", []),
        ("print(student_id)", []),
        ("student_id = (", []),
        ("", []),
    ],
)
def test_student_ids_are_read_not_run(source: str, found: list[str | None]) -> None:
    assert student_ids(source) == found


def test_a_lab_knows_what_its_checks_need(lab: Lab) -> None:
    assert lab.placeholder == "your id"
    assert lab.answers == ["double", "double_all", "box", "my_wait", "design_memo"]
    assert lab.memos == {"design_memo": 4}
    assert lab.maximum == 15
    assert {name: check.after for name, check in lab.checks.items()} == {
        "check_double": ("double",),
        "check_double_all": ("double_all",),
        "check_box": ("box",),
        "check_my_wait": ("my_wait",),
    }
    assert {key: set(given.names) for key, given in lab.given.items()} == {
        "imports": {"math"},
        "mine": {"np", "queueing", "mine", "Meter", "TooMuchError"},
    }
    assert lab.bound_by_answers == {"double", "double_all", "careful", "Box", "my_wait"}
    assert lab.files == {"data.csv": b"1,2\n"}
    for check in lab.checks.values():
        for first, last in check.hidden:
            lines = check.source.splitlines()
            assert "BEGIN HIDDEN" in lines[first - 1]
            assert "END HIDDEN" in lines[last - 1]


# ------------------------------------------------------------------ put back as it was


def test_what_was_changed_is_put_back_and_named() -> None:
    import math

    from helpers.foundations import queueing

    restore, learn, classes, _ = pristine.take()
    assert restore() == []
    before = np.isclose, queueing.erlang_c, math.pi, len, dataclasses.field.__kwdefaults__
    given: dict[str, Any] = {}
    exec("class Given:\n    def ask(self): return 1\ndef help(): return 2", given)
    learn(given, "given")
    np.isclose = lambda *arguments: True
    queueing.erlang_c.__code__ = (lambda *arguments: 0.0).__code__
    math.pi = 3
    builtins.len = lambda one: 0
    given["Given"].ask = lambda self: 9
    given["Given"].__eq__ = lambda self, other: True
    given["help"] = None
    changed = restore()
    assert sorted(changed) == [
        "builtins.Given.__eq__",
        "builtins.Given.ask",
        "builtins.len",
        "given.help",
        "helpers.foundations.queueing.many_servers.erlang_c",
        "math.pi",
        "numpy.isclose",
    ]
    assert (np.isclose, queueing.erlang_c, math.pi, len) == before[:4]
    assert given["Given"]().ask() == 1
    assert given["help"]() == 2
    assert queueing.erlang_c(0.5, 1) == 0.5
    assert restore() == []
    assert id(np.ndarray) in classes


def test_what_a_page_shows_changes_nothing_that_grading_takes_for_tampering() -> None:
    """A lab may hold all that a chapter holds; in a process that has run nothing else."""
    code = """
from helpers.authoring.grading.room import pristine
from helpers.explore import explore, page, picture, predict, quiz, replay, slider
from helpers.scaling import knee, questions, scalability

restore, *_ = pristine.take()
name = next(iter(questions.PREDICTIONS))
asked = predict(questions, name)
covered = explore(knee, after=(questions, name), utilisation=slider(0.1, 0.9))
explore(scalability, find=(questions, "less-than-one"), kappa=slider(0.0, 0.03))
picture(knee, covered.result, after=(questions, name))
quiz(questions, next(iter(questions.QUIZZES)))
replay(knee)
page.tell(dark=True, snug=True, narrow=True)
option = asked.options[0] if asked.options else 1.0
asked.commit(option)
changed = [name for name in restore() if name.startswith("helpers.")]
raise SystemExit(f"changed: {changed}" if changed else 0)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
