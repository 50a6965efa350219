"""Run a lab with some of its answers replaced, and say which checks fail.

Cells run one by one as in the grader, but in this process and not in a kernel for each submission:
a check that raises costs its points, and the next cells run all the same. That the
grader agrees, on the blank lab and on the solution, is tested for every lab in ``tests/grading``.
"""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Mapping
from functools import cached_property, lru_cache
from types import CodeType
from typing import Any

import nbformat
from nbformat import NotebookNode

from helpers.authoring.course import ROOT
from helpers.authoring.labs import with_answers
from tests.checks import sampled


def mistakes(wrong: Mapping[str, Collection[str]]) -> list[Any]:
    """Return checks and the names of wrong answers to them; one in four is tried daily."""
    return sampled(((check, name) for check, names in wrong.items() for name in names), 4)


class Lab:
    """One lab: its checks, its answers and what becomes of others.

    Answers are sources by the names of their cells, indented as suits the test they stand in.

    Parameters
    ----------
    name : str
        Name of its folders in ``solutions/`` and ``labs/``. They are read when first needed.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    @cached_property
    def solution(self) -> NotebookNode:
        """The notebook in ``solutions/``."""
        return self._read("solutions")

    @cached_property
    def cells(self) -> dict[str, NotebookNode]:
        """The solution's answers, checks and given code, by name."""
        return _named(self.solution)

    def source(self, cell_id: str) -> str:
        """Return what stands in a cell of the solution, graded or not, by the notebook's id."""
        (found,) = (cell.source for cell in self.solution.cells if cell.id == cell_id)
        return str(found)

    @cached_property
    def points(self) -> dict[str, float]:
        """Points of every check."""
        about = {name: cell.metadata.nbgrader for name, cell in self.cells.items()}
        return {name: check.points for name, check in about.items() if check.grade}

    @cached_property
    def blank(self) -> dict[str, str]:
        """The answers of a learner who has yet to begin, as ``labs/`` has them."""
        cells = _named(self._read("labs"))
        return {
            name: cell.source for name, cell in cells.items() if cell.metadata.nbgrader.solution
        }

    def checks_of(self, name: str) -> set[str]:
        """Names of the checks between an answer's cell and the next answer.

        Parameters
        ----------
        name : str
            Name of the answer's cell.
        """
        found: dict[str, set[str]] = {}
        answer = ""
        for key, cell in self.cells.items():
            about = cell.metadata.nbgrader
            if about.solution:
                answer = key
                found[answer] = set()
            elif about.grade:
                found[answer].add(key)
        return found[name]

    def answer(self, name: str, *changes: str) -> dict[str, str]:
        """The solution's answer with some things changed.

        Parameters
        ----------
        name : str
            Name of the cell.
        *changes : str
            Old, new, old, new, ...

        Raises
        ------
        ValueError
            If the cell lacks something that is to be changed: the answer would be right.
        """
        source = self.cells[name].source
        for old, new in zip(changes[::2], changes[1::2], strict=True):
            if old not in source:
                raise ValueError(f"{name} has no {old!r}")
            source = source.replace(old, new)
        return {name: source}

    def run(
        self,
        answers: Mapping[str, str],
        student_id: str = "ada",
        *,
        checks: Collection[str] | None = None,
    ) -> set[str]:
        """Run the solution with some answers replaced.

        Parameters
        ----------
        answers : mapping of str to str
            What to replace.
        student_id : str, optional
            Whose numbers to use.
        checks : collection of str, optional
            Checks to run; all of them by default.

        Returns
        -------
        set of str
            Names of the checks that fail.

        Raises
        ------
        KeyError
            If the lab has no such cell or check.
        Exception
            Whatever a cell raises that is neither a check nor replaced.
        """
        checks = self.points.keys() if checks is None else checks
        if unknown := set(checks) - self.points.keys():
            raise KeyError(f"no check named {unknown}; there are {sorted(self.points)}")
        failed: set[str] = set()
        waiting = set(checks)
        namespace: dict[str, Any] = {"__name__": "__main__"}
        for cell in with_answers(self._needed, answers).cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
            if name in self.points and name not in checks:
                continue
            source = textwrap.dedent(cell.source)
            if source.startswith("student_id"):
                source = f"student_id = {student_id!r}"
            try:
                exec(_compiled(source, name or "cell"), namespace)
            except Exception:
                if name in self.points:
                    failed.add(name)
                elif name not in answers:
                    raise
            waiting.discard(name)
            if not waiting:
                break
        assert namespace["student_id"] == student_id, f"{self.name} asks for no student_id"
        return failed

    @cached_property
    def _needed(self) -> NotebookNode:
        """The solution's code without measurements and pictures.

        Those are the cells without a name after the first task: no check may need what nbgrader
        does not know.
        """
        code = [cell for cell in self.solution.cells if cell.cell_type == "code"]
        named = ["nbgrader" in cell.metadata for cell in code]
        first = named.index(True)
        kept = [cell for at, cell in enumerate(code) if at < first or named[at]]
        return NotebookNode({**self.solution, "cells": kept})

    def _read(self, folder: str) -> NotebookNode:
        return nbformat.read(ROOT / folder / self.name / f"{self.name}.ipynb", as_version=4)


@lru_cache(maxsize=1_000)
def _compiled(source: str, name: str) -> CodeType:
    return compile(source, name, "exec", dont_inherit=True)


def _named(notebook: NotebookNode) -> dict[str, NotebookNode]:
    return {
        cell.metadata.nbgrader.grade_id: cell
        for cell in notebook.cells
        if cell.cell_type == "code" and "nbgrader" in cell.metadata
    }
