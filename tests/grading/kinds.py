"""Submissions of every kind: honest, clumsy and hostile, for any lab.

Each is made from a lab's solution and its blank, so it stays true when the lab's checks change.
"""

from __future__ import annotations

import ast
import copy
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from helpers.authoring.grading.checks import bound
from helpers.authoring.grading.lab import Lab, grade_id, python, student_ids

#: What is handed in: contents of files, by their names in the student's folder.
Files = dict[str, bytes]


@dataclass(frozen=True)
class Kind:
    """One kind of submission, and what should become of it.

    Attributes
    ----------
    name : str
        Of the kind; also the student's.
    make : callable
        Makes the files, of a lab and the student's name.
    points : callable or None
        What it should get, of a lab; None if it should not be graded.
    reason, flag, note : str
        Regular expressions for what should be said; nothing should be said if they are empty.
    """

    name: str
    make: Callable[[Lab, str], Files]
    points: Callable[[Lab], float] | None
    reason: str = ""
    flag: str = ""
    note: str = ""


def everything(lab: Lab) -> float:
    """All points that checks give."""
    return sum(check.points for check in lab.checks.values())


def nothing(lab: Lab) -> float:
    """No points."""
    return 0.0


def all_but_first(lab: Lab) -> float:
    """All points but those for the first answer."""
    first = lab.answers[0]
    return sum(check.points for check in lab.checks.values() if first not in check.after)


def first_only(lab: Lab) -> float:
    """The points for the first answer."""
    return everything(lab) - all_but_first(lab)


# ------------------------------------------------------------------ building blocks


def notebook(lab: Lab, student: str, solved: Iterable[str] | None = None) -> NotebookNode:
    """The lab as a student has it, with their id and some answers taken from the solution."""
    made = copy.deepcopy(lab.released)
    wanted = set(lab.answers if solved is None else solved)
    solution = {grade_id(cell): cell for cell in lab.solution.cells}
    for cell in made.cells:
        name = grade_id(cell)
        if name in wanted:
            cell.source = without_markers(solution[name].source)
        elif cell.cell_type == "code" and student_ids(cell.source):
            cell.source = f'student_id = "{student}"'
    return made


def without_markers(source: str) -> str:
    """A solution as somebody might have written it."""
    source = source.partition("### BEGIN MARK SCHEME")[0]
    lines = [
        line for line in source.splitlines() if "### BEGIN" not in line and "### END" not in line
    ]
    return "\n".join(lines)


def cell_of(made: NotebookNode, name: str) -> NotebookNode:
    """The cell that nbgrader knows by this name."""
    return next(cell for cell in made.cells if grade_id(cell) == name)


def file(lab: Lab, made: NotebookNode, name: str = "") -> Files:
    """The notebook where a student has it."""
    return {f"{lab.name}/{name or lab.name}.ipynb": nbformat.writes(made).encode()}


def before_answers(made: NotebookNode, lab: Lab, source: str) -> NotebookNode:
    """Put a cell of the student's own before the first answer."""
    at = next(i for i, cell in enumerate(made.cells) if grade_id(cell) in lab.answers)
    made.cells.insert(at, new_code_cell(source))
    return made


def attack(source: str, solved: Iterable[str] = ()) -> Callable[[Lab, str], Files]:
    """A cell that attacks, and answers left blank but for some."""

    def make(lab: Lab, student: str) -> Files:
        return file(lab, before_answers(notebook(lab, student, solved), lab, source))

    return make


def names_of(lab: Lab) -> list[tuple[str, list[str]]]:
    """For each answer cell of code the names that it defines."""
    found = []
    for cell in lab.solution.cells:
        if grade_id(cell) in lab.answers and cell.cell_type == "code":
            nodes = [
                node
                for node in ast.parse(python(cell.source)).body
                if not isinstance(node, ast.Import | ast.ImportFrom)
            ]
            found.append((grade_id(cell), sorted(bound(nodes))))
    return found


def all_answers(value: str, prefix: str = "") -> Callable[[Lab, str], Files]:
    """Every name that an answer should define is the same thing."""

    def make(lab: Lab, student: str) -> Files:
        made = notebook(lab, student, ())
        for name, names in names_of(lab):
            cell_of(made, name).source = "\n".join(f"{one} = {value}" for one in names)
        return file(lab, before_answers(made, lab, prefix))

    return make


def in_first_answer(source: str) -> Callable[[Lab, str], Files]:
    """The first answer runs this when it is called; all others are right."""

    def make(lab: Lab, student: str) -> Files:
        made = notebook(lab, student)
        body = "\n".join(f"    {line}" for line in source.splitlines())
        name, names = names_of(lab)[0]
        cell_of(made, name).source = "\n".join(
            f"def {one}(*arguments, **named):\n{body}" for one in names
        )
        return file(lab, made)

    return make


# ------------------------------------------------------------------ honest


def solved(lab: Lab, student: str) -> Files:
    return file(lab, notebook(lab, student))


def blank(lab: Lab, student: str) -> Files:
    return file(lab, notebook(lab, student, ()))


def half(lab: Lab, student: str) -> Files:
    return file(lab, notebook(lab, student, lab.answers[:1]))


def syntax_error(lab: Lab, student: str) -> Files:
    made = notebook(lab, student)
    cell_of(made, lab.answers[0]).source = "def broken(:\n    return"
    return file(lab, made)


def own_names(lab: Lab, student: str) -> Files:
    """Names that mean something else to Python, to the lab, or to a check."""
    taken = "len = sum = max = isinstance = abs = None\n_found = _expected = _mine = least = 'mine'"
    source = f"import math as m\n{taken}\nimport numpy\nnp_is = numpy"
    made = notebook(lab, student)
    # After the answers, so that the answers themselves are not disturbed.
    made.cells.append(new_code_cell(source))
    return file(lab, before_answers(made, lab, "_found = least = 'my own'"))


def chatty(lab: Lab, student: str) -> Files:
    """Extra cells, magics, pictures, awaiting and random numbers, as an eager student has them."""
    source = (
        "%matplotlib inline\nimport asyncio, random, warnings, matplotlib.pyplot as plt\n"
        "import numpy as np\nfrom dataclasses import dataclass\n"
        "warnings.simplefilter('ignore')\nrandom.seed(1)\nnp.random.seed(1)\n"
        "np.seterr(all='ignore')\n"
        "@dataclass(order=True)\nclass Note:\n    text: str = ''\n"
        "plt.plot([1, 2]); plt.show()\nawait asyncio.sleep(0.001)\nprint(Note('hello'))"
    )
    made = before_answers(notebook(lab, student), lab, source)
    made.cells.append(new_markdown_cell("My own **notes** <b>here</b>."))
    made.cells.append(new_code_cell("%timeit -n1 -r1 sum(range(10))\n!echo hello"))
    return file(lab, made)


def pool(lab: Lab, student: str) -> Files:
    """Threads that live as long as the notebook, and answers that need them."""
    made = notebook(lab, student)
    name, names = next((name, names) for name, names in names_of(lab) if names[0].islower())
    one = names[0]
    cell_of(made, name).source += (
        "\n\nfrom concurrent.futures import ThreadPoolExecutor\n"
        f"threads, alone = ThreadPoolExecutor(2), {one}\nthreads.submit(int).result()\n"
        f"def {one}(*arguments, **named):\n"
        "    return threads.submit(alone, *arguments, **named).result()"
    )
    return file(lab, made)


# ------------------------------------------------------------------ clumsy


def again(cell: NotebookNode) -> NotebookNode:
    """A copy of a cell, as Jupyter makes it: only its id is new."""
    made = copy.deepcopy(cell)
    made.id = f"{cell.id}-2"
    return made


def copied(lab: Lab, student: str) -> Files:
    made = notebook(lab, student)
    at = made.cells.index(cell_of(made, lab.answers[0]))
    made.cells.insert(at + 1, again(made.cells[at]))
    return file(lab, made)


def copied_blank(lab: Lab, student: str) -> Files:
    made = notebook(lab, student)
    at = made.cells.index(cell_of(made, lab.answers[0]))
    made.cells.insert(at + 1, again(lab.cells[lab.answers[0]]))
    return file(lab, made)


def copied_check(lab: Lab, student: str) -> Files:
    made = notebook(lab, student)
    check = cell_of(made, next(iter(lab.checks)))
    made.cells.insert(3, again(check))
    return file(lab, made)


def split(lab: Lab, student: str) -> Files:
    """Ctrl-Shift-minus in the middle of an answer."""
    made = notebook(lab, student)
    cell = cell_of(made, lab.answers[0])
    first = again(cell)
    first.source = "# My first thoughts.\nthoughts = 1"
    made.cells.insert(made.cells.index(cell), first)
    return file(lab, made)


def moved(lab: Lab, student: str) -> Files:
    """A check pushed up above the answer that it judges."""
    made = notebook(lab, student)
    check = cell_of(made, next(iter(lab.checks)))
    made.cells.remove(check)
    made.cells.insert(0, check)
    return file(lab, made)


def lost_check(lab: Lab, student: str) -> Files:
    made = notebook(lab, student)
    made.cells = [cell for cell in made.cells if grade_id(cell) not in lab.checks]
    return file(lab, made)


def lost_given(lab: Lab, student: str) -> Files:
    """What the lab gives is edited by some, and deleted by others."""
    made = notebook(lab, student)
    keys = [key for key in lab.given if key != "imports"]
    for cell in made.cells:
        if cell.get("id") in keys[:1]:
            cell.source = "import itertools\n" + cell.source + "\nmore = itertools.count()"
    made.cells = [cell for cell in made.cells if cell.get("id") not in keys[1:]]
    return file(lab, made)


def lost_answer(lab: Lab, student: str) -> Files:
    made = notebook(lab, student)
    made.cells.remove(cell_of(made, lab.answers[0]))
    return file(lab, made)


def stripped(lab: Lab, student: str) -> Files:
    made = notebook(lab, student)
    for cell in made.cells:
        cell.metadata = NotebookNode()
    return file(lab, made)


def pasted(lab: Lab, student: str) -> Files:
    made = new_notebook(cells=[new_code_cell(c.source) for c in notebook(lab, student).cells])
    return file(lab, made)


def as_text(lab: Lab, student: str) -> Files:
    """The key M turns a code cell into Markdown."""
    made = notebook(lab, student)
    cell = cell_of(made, lab.answers[0])
    at = made.cells.index(cell)
    made.cells[at] = new_markdown_cell(cell.source, metadata=cell.metadata)
    return file(lab, made)


def renamed(lab: Lab, student: str) -> Files:
    return file(lab, notebook(lab, student), "Final version (2)")


def changed_bytes(change: Callable[[bytes], bytes]) -> Callable[[Lab, str], Files]:
    def make(lab: Lab, student: str) -> Files:
        return {name: change(data) for name, data in solved(lab, student).items()}

    return make


def other_lab(lab: Lab, student: str) -> Files:
    """Another lab of the course, with this one's name."""
    cells = [new_code_cell("pass") for _ in range(3)]
    for number, cell in enumerate(cells):
        cell.metadata["nbgrader"] = {"grade_id": f"other_{number}", "grade": True}
    return file(lab, new_notebook(cells=cells))


def no_lab(lab: Lab, student: str) -> Files:
    return file(lab, new_notebook(cells=[new_code_cell("print('my homework')")]))


def with_id(source: str, others_too: bool = False) -> Callable[[Lab, str], Files]:
    """The cell that sets the student id is this."""

    def make(lab: Lab, student: str) -> Files:
        made = notebook(lab, student)
        for cell in made.cells:
            if cell.cell_type == "code" and student_ids(cell.source):
                cell.source = source
        return file(lab, made)

    return make


def placeholder(lab: Lab, student: str) -> Files:
    return file(lab, notebook(lab, lab.placeholder or ""))


def twice(lab: Lab, student: str) -> Files:
    """Two versions; the better one is newer only by its time stamp."""
    old = notebook(lab, student, ())
    return {
        f"first/{lab.name}.ipynb": nbformat.writes(old).encode(),
        "first/timestamp.txt": b"2026-03-01 10:00:00 UTC",
        f"second/{lab.name}.ipynb": nbformat.writes(notebook(lab, student)).encode(),
        "second/timestamp.txt": b"2026-03-02 10:00:00 UTC",
    }


def deep(lab: Lab, student: str) -> Files:
    return {f"{lab.name}/{lab.name}.ipynb": b'{"cells": ' + b"[" * 200_000}


def odd_text(lab: Lab, student: str) -> Files:
    """Half a character in a string, as a broken editor leaves it."""
    made = notebook(lab, student)
    data = json.loads(nbformat.writes(made))
    data["cells"][0]["source"] = "half \ud800 a character"
    return {f"{lab.name}/{lab.name}.ipynb": json.dumps(data).encode()}


def odd_outputs(lab: Lab, student: str) -> Files:
    """Outputs that a browser would run."""
    made = notebook(lab, student)
    data = json.loads(nbformat.writes(made))
    hostile = {
        "output_type": "display_data",
        "metadata": {},
        "data": {
            "text/html": "<script>alert(1)</script>",
            "image/png": '"><script>alert(2)</script>',
            "application/javascript": "alert(3)",
        },
    }
    for cell in data["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [hostile, "nonsense", {"output_type": "stream", "text": [1]}]
        elif "nbgrader" in cell["metadata"]:
            cell["source"] = "My memo. <script>alert(4)</script> `a < b`"
    return {f"{lab.name}/{lab.name}.ipynb": json.dumps(data).encode()}


# ------------------------------------------------------------------ hostile

EVERYTHING = """
class Everything(float):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __lt__(self, other): return True
    __le__ = __gt__ = __ge__ = __lt__
    def __hash__(self): return 0
    def __bool__(self): return True
    def __call__(self, *arguments, **named): return self
    def __getattr__(self, name): return self
    def __getitem__(self, key): return self
    def __iter__(self): return iter([self, self])
    def __len__(self): return 2
    def __abs__(self): return 0.0
    def __sub__(self, other): return 0.0
    __rsub__ = __add__ = __radd__ = __mul__ = __rmul__ = __sub__
    def __array__(self, *arguments, **named): raise AttributeError
    def __array_ufunc__(self, *arguments, **named): return True
    def __array_function__(self, *arguments, **named): return True
"""
#: A thing that may be called, indexed and read to any depth, but claims nothing.
ANYTHING = """
class Anything:
    def __call__(self, *arguments, **named): return self
    def __getattr__(self, name): return self
    def __getitem__(self, key): return self
    def __iter__(self): return iter([self, self])
    def __len__(self): return 2
"""
DROP_ASSERTS = """
import ast
class Drop(ast.NodeTransformer):
    def visit_Assert(self, node): return ast.Pass()
get_ipython().ast_transformers.append(Drop())
"""
DROP_LINES = """
get_ipython().input_transformers_post.append(
    lambda lines: ["\\n" if "assert" in line else line for line in lines])
"""
YES = """
import numpy as np, numpy.testing, builtins, math
yes = lambda *arguments, **named: True
for name in ("isclose", "allclose", "array_equal", "all", "any"):
    setattr(np, name, yes)
for name in ("assert_allclose", "assert_equal", "assert_array_equal"):
    setattr(np.testing, name, yes)
math.isclose = yes
"""
YES_INSIDE = """
import numpy as np
yes = (lambda *arguments, **named: True).__code__
for function in (np.isclose, np.allclose, np.array_equal):
    getattr(function, "__wrapped__", function).__code__ = yes
"""
BUILTINS = """
import builtins
yes = lambda *arguments, **named: True
builtins.isinstance = builtins.all = builtins.any = yes
builtins.abs = lambda value: 0
builtins.len = lambda value: 0
"""
SHADOWS = """
class Fake:
    def __getattr__(self, name): return lambda *arguments, **named: True
    def __call__(self, *arguments, **named): return True
np = numpy = math = queueing = scaling = blueprint = Fake()
abs = lambda value: 0
isinstance = all = any = lambda *arguments, **named: True
AssertionError = Exception
__builtins__ = {}
"""
FAKE_RESULTS = """
print("21 of 21 points. Passed.")
import os
for number in range(3, 64):
    try:
        os.write(number, b"verdict [\\"check\\", \\"passed\\"]\\n" * 3)
    except OSError:
        pass
"""
PATCHED_SHELL = """
import traceback, sys
shell = get_ipython()
shell.run_cell = shell.run_code = lambda *arguments, **named: None
type(shell).run_cell_async = lambda *arguments, **named: None
shell.showtraceback = traceback.print_exception = lambda *arguments, **named: None
sys.excepthook = lambda *arguments: None
"""
FRAMES = """
import sys
frame = sys._getframe()
while frame is not None:
    for value in list(frame.f_locals.values()):
        if isinstance(value, dict) and "checks" in value:
            value["checks"].clear()
    frame = frame.f_back
"""
FRAMES_BY_ERROR = """
try:
    1 / 0
except ZeroDivisionError as error:
    frame = error.__traceback__.tb_frame
    while frame.f_back is not None:
        frame = frame.f_back
        frame.f_globals.clear()
"""
OBJECTS = """
import gc
for one in gc.get_objects():
    if isinstance(one, dict) and "checks" in one:
        one["checks"] = {}
"""
MEMORY = """
import ctypes
ctypes.memset(id(False), 0, 64)
ctypes.string_at(0)
"""
TRACE = """
import sys, threading
def trace(frame, event, argument):
    frame.f_trace_lines = True
    return trace
threading.settrace(trace)
sys.settrace(trace)
"""
# It looks for solutions wherever it can think of, and takes its answers from there. It would write
# only into files that the test has put out for it.
NEIGHBOURS = """
import json, os, sqlite3
from pathlib import Path
import helpers
places = [Path.cwd(), Path(helpers.__file__), Path.home(), Path("/tmp"), Path({decoy!r})]
found = []
for place in [*places, *(parent for one in places for parent in one.parents)]:
    for pattern in ("solutions/*/*.ipynb", "submitted/*/*/*.ipynb", "*/*/*.ipynb", "*.ipynb"):
        try:
            found += list(place.glob(pattern))
        except OSError:
            pass
text = ""
for path in found:
    try:
        text += "".join("".join(cell["source"]) for cell in json.loads(path.read_text())["cells"])
    except (OSError, ValueError):
        pass
for path in ({decoy!r} + "/gradebook.db", {decoy!r} + "/solution.ipynb"):
    for do in (os.unlink, lambda name: open(name, "w"), lambda name: os.truncate(name, 0),
               lambda name: os.chmod(name, 0), lambda name: os.rename(name, name + ".old")):
        try:
            do(path)
        except OSError:
            pass
os.system("rm -rf " + {decoy!r})
"""
HANDLER = """
import os, signal
def handler(number, frame):
    while frame is not None:
        names = frame.f_locals
        if "secret" in names and "report" in names:
            for check in names["lab"]["checks"]:
                line = '%s verdict ["%s", "passed", "0", "", ""]' % (names["secret"], check)
                os.write(names["report"], (line + chr(10)).encode())
        frame = frame.f_back
signal.signal(signal.SIGUSR1, handler)
os.kill(os.getpid(), signal.SIGUSR1)
"""
STACK = """
import asyncio
frame = asyncio.current_task().get_stack()[0]
while frame is not None:
    frame.f_locals.get("lab", {}).get("checks", {}).clear()
    frame = frame.f_back
"""
EXPANDED = """
for depth in range(2, 20):
    try:
        secret = get_ipython().var_expand("{secret}", depth)
    except Exception:
        pass
"""
GLOBALS = """
for one in list(globals().values()):
    for part in [one, *vars(one).values()] if isinstance(one, type) else [one]:
        space = getattr(part, "__globals__", None)
        if space is not None and space is not globals():
            space["student_id"] = "somebody"
            for name in ("np", "queueing", "mine", "judge", "pristine"):
                if name in space:
                    space[name] = type("Fake", (), {"__getattr__": lambda self, name: print})()
shell = get_ipython()
for name in ("enable_gui", "showtraceback"):
    getattr(shell, name).__globals__.clear()
"""
LOGS = """
import logging, traceback, warnings, enum, typing, collections, cProfile
logging.getLogger("mine").warning("careful")
try:
    1 / 0
except ZeroDivisionError:
    traceback.print_exc()
    traceback.format_exc()
warnings.warn("careful", stacklevel=2)
Point = collections.namedtuple("Point", "x y")
Colour = enum.Enum("Colour", "RED BLUE")
class Pair(typing.NamedTuple):
    one: int
    two: int = 2
cProfile.run("sum(range(3))")
!echo {Pair(1)}
"""
MODULES = """
import sys, types
fake = types.ModuleType("numpy")
fake.__getattr__ = lambda name: (lambda *arguments, **named: True)
sys.modules["numpy"] = fake
"""
COURSE = """
import helpers.blueprint, helpers.foundations.queueing as queueing
helpers.blueprint.Design.__eq__ = lambda self, other: True
queueing.fifo_waits = queueing.mm1_response = queueing.erlang_c = lambda *arguments: 0.0
"""


def kinds(decoy: str) -> list[Kind]:
    """Every kind of submission.

    Parameters
    ----------
    decoy : str
        A folder of the test's with a gradebook and a solution, of which a hostile submission knows.
    """
    neighbours = NEIGHBOURS.replace("{decoy!r}", repr(decoy))
    return [
        Kind("solved", solved, everything),
        Kind("blank", blank, nothing),
        Kind("half", half, first_only),
        Kind("syntax-error", syntax_error, all_but_first),
        Kind("own-names", own_names, everything),
        Kind("chatty", chatty, everything),
        Kind("logs", attack(LOGS), nothing),
        Kind("pool", pool, everything),
        # clumsy
        Kind("copied", copied, everything, note="copied: the copy was set aside"),
        Kind("copied-blank", copied_blank, everything, note="copied: the copy was set aside"),
        Kind("copied-check", copied_check, everything),
        Kind("split", split, everything, note="split or copied: all its parts count"),
        Kind("moved", moved, everything),
        Kind("lost-check", lost_check, everything),
        Kind("lost-given", lost_given, everything),
        Kind("lost-answer", lost_answer, None, reason="lost 1 of . answer cells"),
        Kind("stripped", stripped, None, reason="lost the metadata by which they are graded"),
        Kind("pasted", pasted, None, reason="lost the metadata by which they are graded"),
        Kind("as-text", as_text, everything, note="of another type than in the lab"),
        Kind("renamed", renamed, everything, note=r"called Final version \(2\)\.ipynb"),
        Kind(
            "truncated",
            changed_bytes(lambda data: data[: len(data) // 2]),
            None,
            reason=r"damaged: .*, line \d+ \(it seems to be cut off\)",
        ),
        Kind("mark", changed_bytes(lambda data: b"\xef\xbb\xbf" + data), everything),
        Kind(
            "utf-16",
            changed_bytes(lambda data: data.decode().encode("utf-16")),
            everything,
            note="UTF-16",
        ),
        Kind("empty", changed_bytes(lambda data: b""), None, reason="the file is empty"),
        Kind(
            "page",
            changed_bytes(lambda data: b"<html>Please log in</html>"),
            None,
            reason="the file is damaged",
        ),
        Kind("list", changed_bytes(lambda data: b"[1, 2]"), None, reason="it has no cells"),
        Kind("bytes", changed_bytes(lambda data: b"\x80\x81" + data), None, reason="not text"),
        Kind("deep", deep, None, reason="damaged: RecursionError"),
        Kind(
            "nobody",
            lambda lab, student: {"readme.txt": b"sorry"},
            None,
            reason="there is no notebook",
        ),
        Kind("other-lab", other_lab, None, reason="it is another lab: lab02_"),
        Kind("no-lab", no_lab, None, reason="it is no lab"),
        Kind("twice", twice, everything, note="more than once: second/.* is graded, not first/"),
        Kind("odd-text", odd_text, everything),
        Kind("odd-outputs", odd_outputs, everything),
        # ids
        Kind("no-id", with_id("pass"), None, reason="sets no student_id"),
        Kind("empty-id", with_id('student_id = " "'), None, reason="no text in quotation marks"),
        Kind("number-id", with_id("student_id = 12345"), None, reason="no text in quotation"),
        Kind("placeholder", placeholder, everything, flag="is still '.*', as the lab is given out"),
        Kind(
            "same-id",
            with_id('student_id = "lender"'),
            everything,
            flag="'lender' is not like the folder's name|same student_id as lender",
        ),
        Kind(
            "unlike",
            with_id('student_id = "somebody"'),
            everything,
            flag="'somebody' is not like the folder's name",
        ),
        Kind("later-id", attack('student_id = "half"'), nothing, flag="more than once"),
        # hostile
        Kind(
            "drop-asserts",
            all_answers("Anything()", ANYTHING + DROP_ASSERTS),
            nothing,
            flag="ast_transformers were changed",
        ),
        Kind(
            "drop-lines",
            all_answers("Anything()", ANYTHING + DROP_LINES),
            nothing,
            flag="input_transformers_post were changed",
        ),
        Kind("yes", all_answers("lambda *a, **k: 0", YES), nothing, flag="numpy.* was replaced"),
        Kind(
            "yes-inside",
            all_answers("lambda *a, **k: 0", YES_INSIDE),
            nothing,
            flag="numpy.* was replaced",
        ),
        Kind(
            "builtins",
            all_answers("lambda *a, **k: 0", BUILTINS),
            nothing,
            flag="builtins.* was replaced",
        ),
        Kind(
            "shadows",
            all_answers("lambda *a, **k: 0", SHADOWS),
            nothing,
            flag="__builtins__ was replaced",
        ),
        Kind("equal", all_answers("Everything()", EVERYTHING), nothing, flag="redefines __"),
        Kind("fake-results", attack(FAKE_RESULTS), nothing, flag="the supervisor's pipe"),
        Kind("patched-shell", attack(PATCHED_SHELL), nothing),
        Kind("frames", attack(FRAMES), nothing, flag="reached for sys._getframe"),
        Kind("error-frames", attack(FRAMES_BY_ERROR), nothing, flag="reached for tb_frame"),
        Kind("objects", attack(OBJECTS), nothing, flag="reached for gc.get_objects"),
        Kind("raw-memory", attack(MEMORY), nothing, flag="reached for ctypes"),
        Kind("trace", attack(TRACE), nothing, flag="reached for sys.settrace"),
        Kind("handler", attack(HANDLER), nothing),
        Kind("stack", attack(STACK), nothing, flag="reached for"),
        Kind("expanded", attack(EXPANDED), nothing, flag="reached for sys._getframe"),
        Kind("globals", attack(GLOBALS), nothing, flag="given.* was replaced"),
        Kind(
            "modules", all_answers("lambda *a, **k: 0", MODULES), nothing, flag="numpy was replaced"
        ),
        Kind("course", attack(COURSE), nothing, flag="helpers.* was replaced"),
        Kind("neighbours", attack(neighbours), nothing, flag="reached for os.(chmod|truncate)"),
        Kind("exit", attack("import sys\nsys.exit(0)"), nothing),
        Kind("hard-exit", attack("import os\nos._exit(0)"), nothing),
        Kind("killed", attack("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"), nothing),
        Kind("kills", attack("import os\nos.system('kill -9 %d' % os.getppid())"), nothing),
        Kind("closes", attack("import os\nos.closerange(3, 100)"), nothing),
        Kind("exits-answer", in_first_answer("import os; os._exit(0)"), all_but_first),
        Kind("quits-answer", in_first_answer("raise SystemExit(0)"), all_but_first),
        Kind(
            "kills-parent",
            in_first_answer("import os; os.kill(os.getppid(), 9)"),
            all_but_first,
            flag="reached for os.kill",
        ),
        Kind(
            "patches-answer",
            in_first_answer(
                "import numpy, builtins\n"
                "numpy.isclose = numpy.allclose = lambda *a, **k: True\n"
                "builtins.abs = lambda value: 0\nreturn 1.0"
            ),
            all_but_first,
            flag="was replaced while a check was running",
        ),
        Kind("loops", attack("while True:\n    pass"), nothing),
        Kind(
            "loops-on",
            attack(
                "while True:\n    try:\n        while True: pass\n    except BaseException: pass"
            ),
            nothing,
        ),
        Kind("loops-answer", in_first_answer("while True:\n    pass"), all_but_first),
        Kind("hoards", attack("data = [bytearray(1 << 28) for _ in range(64)]"), nothing),
        Kind("hoards-answer", in_first_answer("return bytearray(1 << 40)"), all_but_first),
        Kind("floods", attack("import sys\nfor _ in range(300): print('x' * (1 << 20))"), nothing),
        Kind(
            "fills-disk",
            attack(
                "for i in range(30):\n    with open(f'{i}', 'wb') as file:\n"
                "        for _ in range(90): file.write(bytes(1 << 20))"
            ),
            nothing,
        ),
        Kind(
            "multiplies",
            attack("import os, time\nfor _ in range(8):\n    os.fork()\ntime.sleep(5)"),
            nothing,
        ),
        Kind(
            "lingers",
            attack(
                "import subprocess\nsubprocess.Popen(['sleep', '7654'], start_new_session=True)"
            ),
            nothing,
        ),
    ]
