"""Make labs from solutions, and grade submissions, in a temporary course folder.

``solutions/<lab>/<lab>.ipynb`` is the one source of a lab; ``labs/`` is what nbgrader makes of it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from helpers.authoring.course import ROOT
from helpers.authoring.execute import isolation

SKIPPED = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__", "*.pyc", ".DS_Store")


class LabError(Exception):
    """nbgrader could not make or grade a lab; the message is what it said."""


@dataclass(frozen=True)
class Grade:
    """Points of one graded cell.

    Attributes
    ----------
    points : float or None
        None while a person has yet to grade it; an answer left as it was handed out gets 0.
    maximum : float
        Points for a perfect answer.
    manual : bool
        Whether a person grades it.
    """

    points: float | None
    maximum: float
    manual: bool


class Course:
    """A course folder of its own for nbgrader: sources, labs, submissions and grade book.

    Parameters
    ----------
    folder : Path
        An empty folder.
    solutions : Path
        Folder with one folder for each lab.
    gradebook : Path, optional
        The gradebook's file; one of its own in `folder` by default.
    """

    def __init__(
        self,
        folder: Path,
        solutions: Path = ROOT / "solutions",
        gradebook: Path | None = None,
    ) -> None:
        from nbgrader.apps import NbGraderAPI
        from traitlets.config import PyFileConfigLoader

        self.folder = folder
        if solutions.is_dir():
            shutil.copytree(solutions, folder / "solutions", ignore=SKIPPED)
        config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
        config.CourseDirectory.root = str(folder)
        config.Exchange.root = str(folder / "exchange")
        book = gradebook or folder / "gradebook.db"
        config.CourseDirectory.db_url = f"sqlite:///{book}"
        if not book.exists():
            book.write_bytes(_empty_gradebook(config.CourseDirectory.course_id))
        self.config = config
        self._api = NbGraderAPI(config=config)

    @property
    def labs(self) -> list[str]:
        """Names of the labs that have a solution."""
        sources = sorted((self.folder / "solutions").glob("*/*.ipynb"))
        for source in sources:
            if source.stem != source.parent.name:
                raise LabError(
                    f"{source.relative_to(self.folder)}: name the notebook like its folder"
                )
        return [source.stem for source in sources]

    def release(self, lab: str) -> Path:
        """Make the learner's version of `lab`; return its folder."""
        said = self._api.generate_assignment(lab, force=True)
        if not said["success"]:
            raise LabError(f"{lab}: {said.get('error') or said.get('log')}")
        return self.folder / "labs" / lab

    def submit(self, lab: str, student: str, notebook: NotebookNode) -> None:
        """Hand in `notebook` as the student's answer."""
        folder = self.folder / "submitted" / student / lab
        folder.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, folder / f"{lab}.ipynb")

    def grade(self, lab: str, student: str) -> dict[str, Grade]:
        """Autograde a submission; return a grade for each graded cell's name.

        Raises
        ------
        LabError
            If the submission cannot be graded; the message says why.
        """
        from nbgrader.api import Gradebook

        said = self._api.autograde(lab, student, force=True)
        if not said["success"]:
            raise LabError(f"{lab}, {student}: {said.get('log')}\n{said.get('error')}")
        with Gradebook(self._api.coursedir.db_url) as gradebook:
            submission = gradebook.find_submission_notebook(lab, lab, student)
            by_hand = {cell.name for cell in gradebook.find_notebook(lab, lab).solution_cells}
            return {
                grade.name: Grade(
                    points=grade.auto_score,
                    maximum=grade.max_score,
                    manual=grade.name in by_hand,
                )
                for grade in submission.grades
            }


@cache
def _empty_gradebook(course_id: str) -> bytes:
    """A grade book in which nothing is: nbgrader starts a process for each new one, and takes
    seconds."""
    from nbgrader.api import Gradebook

    with tempfile.TemporaryDirectory(prefix="sd-gradebook-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "gradebook.db"
        with Gradebook(f"sqlite:///{path}", course_id):
            pass
        return path.read_bytes()


@contextmanager
def temporary_course(solutions: Path = ROOT / "solutions") -> Iterator[Course]:
    """A `Course` in a folder that is deleted afterwards, under nobody's personal settings."""
    with (
        tempfile.TemporaryDirectory(prefix="sd-course-", ignore_cleanup_errors=True) as folder,
        isolation(),
    ):
        here = Path.cwd()
        try:
            yield Course(Path(folder), solutions)
        finally:
            os.chdir(here)


def grade_answers(
    lab: str, submissions: Mapping[str, NotebookNode], solutions: Path = ROOT / "solutions"
) -> dict[str, dict[str, Grade]]:
    """Grade several submissions of one lab; return for each name the grades by cell."""
    with temporary_course(solutions) as course:
        course.release(lab)
        for student, notebook in submissions.items():
            course.submit(lab, student, notebook)
        return {student: course.grade(lab, student) for student in submissions}


def with_answers(notebook: NotebookNode, answers: Mapping[str, str]) -> NotebookNode:
    """A copy of a lab with the sources of some cells replaced, named by their grade_id.

    Raises
    ------
    KeyError
        If a name in `answers` is no cell of the lab.
    """
    copy = nbformat.from_dict(notebook)
    cells = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in copy.cells}
    for name, source in answers.items():
        if name not in cells:
            raise KeyError(f"no cell named {name!r}; there are {sorted(filter(None, cells))}")
        cells[name].source = source
    return copy


def files_in(folder: Path) -> dict[str, bytes]:
    """Contents of every file of the labs below `folder`, by relative path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.glob("*/**/*"))
        if path.is_file() and ".ipynb_checkpoints" not in path.parts
    }


def generate_labs(solutions: Path = ROOT / "solutions") -> dict[str, bytes]:
    """Make every lab; return what ``labs/`` must hold, by relative path."""
    with temporary_course(solutions) as course:
        for lab in course.labs:
            course.release(lab)
        return files_in(course.folder / "labs")


def out_of_sync(generated: Mapping[str, bytes], labs: Path = ROOT / "labs") -> list[str]:
    """One line for each file in which `labs` differs from what the solutions make."""
    present = files_in(labs)
    problems = [f"{name}: missing" for name in generated if name not in present]
    problems += [f"{name}: no solution makes it" for name in present if name not in generated]
    problems += [
        f"{name}: not what its solution makes"
        for name in generated
        if name in present and present[name] != generated[name]
    ]
    return sorted(problems)


def write_labs(generated: Mapping[str, bytes], labs: Path = ROOT / "labs") -> None:
    """Make `labs` hold exactly `generated`."""
    for name in files_in(labs):
        if name not in generated:
            (labs / name).unlink()
    for name, content in generated.items():
        path = labs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
    for folder in sorted(labs.glob("*/**/"), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
