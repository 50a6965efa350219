"""A lab as grading sees it: its answers, its checks, and the code that it gives."""

from __future__ import annotations

import ast
import base64
import builtins
import hashlib
import marshal
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import CodeType

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from helpers.authoring.grading.checks import bound, compiled, free, imported
from helpers.authoring.grading.room.judge import TELLING

_BEGIN_HIDDEN, _END_HIDDEN = "BEGIN HIDDEN TESTS", "END HIDDEN TESTS"
_BUILTINS = frozenset(dir(builtins))
#: Loaded before a submission runs, so that their classes are known not to be its own.
_ALWAYS = """
asyncio bisect collections concurrent.futures contextlib csv dataclasses datetime decimal enum
fractions functools hashlib heapq inspect io itertools json logging math multiprocessing numbers
operator os pathlib pickle queue random re sched socket sqlite3 statistics string struct subprocess
tempfile textwrap threading time typing unittest.mock uuid zlib
numpy numpy.random numpy.testing pandas matplotlib.pyplot simpy
"""


@dataclass(frozen=True)
class Check:
    """One graded cell of tests.

    Attributes
    ----------
    name : str
        Its ``grade_id``.
    points : float
        What it is worth.
    source : str
        With the hidden tests.
    released : str
        As students have it.
    after : tuple of str
        Names of the answers that stand between the check before and this one.
    hidden : tuple of (int, int)
        First and last lines of the hidden tests.
    """

    name: str
    points: float
    source: str
    released: str
    after: tuple[str, ...]
    hidden: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Given:
    """A code cell that the lab brings and a check needs.

    Attributes
    ----------
    key : str
        Id of the cell.
    source : str
        Its text.
    names : tuple of str
        What it binds.
    """

    key: str
    source: str
    names: tuple[str, ...]


class Lab:
    """One lab, read from its solution and from what students get.

    Parameters
    ----------
    name : str
        Of its folder.
    solution : NotebookNode
        With answers and hidden tests.
    released : NotebookNode
        What nbgrader makes of it.
    files : mapping of str to bytes, optional
        What else students get with it.
    """

    def __init__(
        self,
        name: str,
        solution: NotebookNode,
        released: NotebookNode,
        files: dict[str, bytes] | None = None,
    ) -> None:
        self.name = name
        self.solution = solution
        self.released = released
        self.files = files or {}

    @classmethod
    def read(cls, solution: Path, released: Path) -> Lab:
        """Read a lab from its two folders."""
        name = solution.name
        return cls(
            name,
            nbformat.read(solution / f"{name}.ipynb", as_version=4),
            nbformat.read(released / f"{name}.ipynb", as_version=4),
            {
                path.relative_to(released).as_posix(): path.read_bytes()
                for path in sorted(released.rglob("*"))
                if path.is_file() and path.name != f"{name}.ipynb"
            },
        )

    @cached_property
    def digest(self) -> str:
        """Changes when the lab or its checks do."""
        texts = [f"{cell.cell_type} {grade_id(cell)} {cell.source}" for cell in self.solution.cells]
        return hashlib.sha256("\0".join(texts).encode()).hexdigest()

    @cached_property
    def cells(self) -> dict[str, NotebookNode]:
        """The released lab's cells that nbgrader knows, by name."""
        return {name: cell for cell in self.released.cells if (name := grade_id(cell))}

    @cached_property
    def answers(self) -> list[str]:
        """Names of the cells that students fill in, memos included."""
        return [name for name, cell in self.cells.items() if cell.metadata.nbgrader.solution]

    @cached_property
    def memos(self) -> dict[str, float]:
        """Names of the cells that a person grades, and their points."""
        return {
            name: float(self.cells[name].metadata.nbgrader.points)
            for name in self.answers
            if self.cells[name].metadata.nbgrader.grade
        }

    @cached_property
    def checks(self) -> dict[str, Check]:
        """The cells of tests, by name, in the lab's order."""
        found: dict[str, Check] = {}
        after: list[str] = []
        fresh = True
        for cell in self.solution.cells:
            about = cell.metadata.get("nbgrader")
            if about is None or cell.cell_type != "code":
                continue
            if about.solution:
                after = [*([] if fresh else after), about.grade_id]
                fresh = False
            elif about.grade:
                fresh = True
                name = about.grade_id
                found[name] = Check(
                    name=name,
                    points=float(about.points),
                    source=cell.source,
                    released=self.cells[name].source,
                    after=tuple(after),
                    hidden=tuple(_hidden(cell.source)),
                )
        return found

    @property
    def maximum(self) -> float:
        """Points by tests and for memos."""
        return sum(check.points for check in self.checks.values()) + sum(self.memos.values())

    @cached_property
    def placeholder(self) -> str | None:
        """The student id that the lab is given out with."""
        for cell in self.released.cells:
            if cell.cell_type == "code":
                for value in student_ids(cell.source):
                    return value
        return None

    @cached_property
    def _answer_nodes(self) -> list[ast.stmt]:
        sources = [
            cell.source
            for cell in self.solution.cells
            if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution")
        ]
        return [node for source in sources for node in ast.parse(python(source)).body]

    @cached_property
    def _imports(self) -> list[ast.Import | ast.ImportFrom]:
        """What the solution's answers import; a check may lean on it, a student need not know."""
        return [
            node for node in self._answer_nodes if isinstance(node, ast.Import | ast.ImportFrom)
        ]

    @cached_property
    def bound_by_answers(self) -> frozenset[str]:
        """Names that the solution's answers define."""
        imports = {name for node in self._imports for name in imported(node)}
        return frozenset(bound(self._answer_nodes) - imports)

    @cached_property
    def given(self) -> dict[str, Given]:
        """The given cells that bind what the checks use, by their ids, in order."""
        cells = [
            Given(str(cell.get("id", index)), cell.source, _bound(cell.source))
            for index, cell in enumerate(self.solution.cells)
            if cell.cell_type == "code"
            and not student_ids(cell.source)
            and not {"grade", "solution"} & _roles(cell)
        ]
        lines = [ast.unparse(node) for node in self._imports]
        text = "\n".join(lines)
        cells.insert(0, Given("imports", text, _bound(text)))
        needed: set[str] = set()
        chosen: set[str] = set()
        waiting = {name for check in self.checks.values() for name in free(python(check.source))}
        while waiting:
            name = waiting.pop()
            if name in needed or name in self.bound_by_answers or name in _BUILTINS:
                continue
            needed.add(name)
            for cell in cells:
                if name in cell.names and cell.key not in chosen:
                    chosen.add(cell.key)
                    waiting |= free(python(cell.source)) | set(cell.names)
        return {cell.key: cell for cell in cells if cell.key in chosen}

    def told(self) -> dict[str, object]:
        """What the room is told of the lab, as JSON allows."""
        lent = {name for given in self.given.values() for name in given.names} | {"student_id"}
        wanted = {name for check in self.checks.values() for name in free(python(check.source))}
        theirs = self.bound_by_answers | (wanted - lent - _BUILTINS)
        return {
            "checks": {
                check.name: {
                    "code": packed(
                        compiled(python(check.source), f"<check {check.name}>", theirs, lent)
                    ),
                    "hidden": check.hidden,
                    "binds": sorted(_bound(check.source)),
                }
                for check in self.checks.values()
            },
            "given": {
                given.key: {
                    "code": packed(
                        compiled(
                            python(given.source),
                            f"<given {given.key}>",
                            self.bound_by_answers,
                            wary=False,
                        )
                    ),
                    "names": given.names,
                }
                for given in self.given.values()
            },
            "allowed": self._methods(),
            "modules": [*_ALWAYS.split(), *self._modules()],
        }

    def _methods(self) -> dict[str, list[str]]:
        """Comparisons and the like that the solution's own classes define."""
        return {
            node.name: sorted(bound(node.body) & TELLING)
            for node in self._answer_nodes
            if isinstance(node, ast.ClassDef)
        }

    def _modules(self) -> list[str]:
        found: dict[str, None] = {}
        for cell in self.solution.cells:
            if cell.cell_type == "code":
                for node in ast.walk(ast.parse(python(cell.source))):
                    if isinstance(node, ast.Import):
                        found |= dict.fromkeys(alias.name for alias in node.names)
                    elif isinstance(node, ast.ImportFrom) and node.module:
                        found |= dict.fromkeys(
                            [node.module, *(f"{node.module}.{one.name}" for one in node.names)]
                        )
        return list(found)


def packed(code: CodeType) -> str:
    """A code object as text, for a process of the same Python."""
    return base64.b64encode(marshal.dumps(code)).decode()


def python(source: str) -> str:
    """A cell as Python: magics and the like become calls."""
    return TransformerManager().transform_cell(source) if source.strip() else ""


def grade_id(cell: NotebookNode) -> str:
    """The name by which nbgrader knows a cell, or nothing."""
    return name_in(cell.metadata)


def name_in(metadata: object) -> str:
    """The same, from the metadata of a cell, whatever they are."""
    about = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = about.get("grade_id") if isinstance(about, dict) else None
    return name if isinstance(name, str) else ""


def student_ids(source: str) -> list[str | None]:
    """What a cell sets ``student_id`` to, in order; None for what is not a text in quotes."""
    try:
        tree = ast.parse(python(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found: list[str | None] = []
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(one, ast.Name) and one.id == "student_id" for one in targets):
                value = node.value
                text = value.value if isinstance(value, ast.Constant) else None
                found.append(text if isinstance(text, str) else None)
    return found


def _roles(cell: NotebookNode) -> set[str]:
    about = cell.metadata.get("nbgrader", {})
    return {role for role in ("grade", "solution") if about.get(role)}


def _bound(source: str) -> tuple[str, ...]:
    return tuple(sorted(bound(ast.parse(python(source)).body)))


def _hidden(source: str) -> Iterable[tuple[int, int]]:
    """First and last lines of the hidden tests, counted from 1."""
    first = 0
    lines = source.splitlines()
    for number, line in enumerate(lines, 1):
        if _BEGIN_HIDDEN in line:
            first = number
        elif _END_HIDDEN in line and first:
            yield first, number
            first = 0
    if first:
        yield first, len(lines)
