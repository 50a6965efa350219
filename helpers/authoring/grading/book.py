"""What is kept of a class: verdicts, graded notebooks, nbgrader's gradebook, and the marks.

``grading/<lab>/verdicts.json`` remembers everybody who handed in, graded or not. nbgrader's
gradebook holds the points of those who were graded; who was not has no score there either.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell

from helpers.authoring.course import ROOT
from helpers.authoring.execute import isolation
from helpers.authoring.grading.hide import FOR_STUDENT
from helpers.authoring.grading.lab import Lab, grade_id
from helpers.authoring.grading.look import Cell, Submission, time_of
from helpers.authoring.grading.roster import Roster
from helpers.authoring.grading.run import Mark, Outcome, checks_due
from helpers.authoring.labs import Course, LabError

# nbgrader fills in its own rows a moment before it adds them, which newer SQLAlchemy remarks on.
warnings.filterwarnings("ignore", message="Object of type <Submitted")

_IMAGE = re.compile(r"[A-Za-z0-9+/=\s]+")


@dataclass
class Entry:
    """What is known of one student's work in one lab.

    Attributes
    ----------
    student : str
        Whose.
    graded : bool
        Whether there are marks.
    reason : str
        Why not, or nothing.
    notes, flags : list of str
        What was put right, and what should be looked at.
    marks : dict of str to Mark
        By check.
    errors : dict of str to str
        What cells raised.
    memos : dict of str to str
        For each memo a digest of its text; nothing if it is as it was given out.
    marked : dict of str to str
        The same of each memo when it was marked from a table.
    student_id, digest, lab : str
        The id in the notebook; what changes with the notebook, and with the lab.
    handed_in, graded_at, late : str
        Times, and by how much too late; nothing if unknown, or in time.
    """

    student: str
    graded: bool = False
    reason: str = ""
    notes: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    marks: dict[str, Mark] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    memos: dict[str, str] = field(default_factory=dict)
    marked: dict[str, str] = field(default_factory=dict)
    student_id: str = ""
    digest: str = ""
    lab: str = ""
    handed_in: str = ""
    graded_at: str = ""
    late: str = ""

    @property
    def points(self) -> float:
        """Points by checks."""
        return sum(mark.points for mark in self.marks.values())

    @property
    def changed(self) -> list[str]:
        """Memos that are no longer as they were when they were marked."""
        return [name for name, then in self.marked.items() if self.memos.get(name, "") != then]


class Book:
    """The records of a course.

    Parameters
    ----------
    folder : Path
        Where they are kept: ``gradebook.db``, ``grading/``, ``autograded/`` and ``feedback/``.
    solutions : Path, optional
        Folder with one folder for each lab.
    """

    def __init__(self, folder: Path = ROOT, solutions: Path = ROOT / "solutions") -> None:
        self.folder, self.solutions = folder.resolve(), solutions.resolve()

    def place(self, lab: str) -> Path:
        """The folder of what is kept of a lab."""
        return self.folder / "grading" / lab

    def labs(self) -> list[str]:
        """Labs of which something is kept."""
        return sorted(path.parent.name for path in self.folder.glob("grading/*/verdicts.json"))

    def entries(self, lab: str) -> dict[str, Entry]:
        """Everybody who has handed in a lab, by student."""
        path = self.place(lab) / "verdicts.json"
        if not path.exists():
            return {}
        found: dict[str, Entry] = {}
        for told in json.loads(path.read_text(encoding="utf-8")):
            told["marks"] = {name: Mark(**mark) for name, mark in told["marks"].items()}
            found[told["student"]] = Entry(**told)
        return found

    def save(self, lab: str, entries: Mapping[str, Entry]) -> None:
        """Keep what is known; a crash leaves the old file or the new one, never half of one."""
        told = [asdict(entries[name]) for name in sorted(entries)]
        write(
            self.place(lab) / "verdicts.json",
            json.dumps(told, indent=1, ensure_ascii=False) + "\n",
        )

    @contextmanager
    def course(self) -> Iterator[Course]:
        """nbgrader, working on this gradebook, in a temporary folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(prefix="sd-course-", ignore_cleanup_errors=True) as name,
            isolation(),
        ):
            here = Path.cwd()
            try:
                yield Course(Path(name), self.solutions, self.folder / "gradebook.db")
            finally:
                os.chdir(here)

    def lab(self, name: str) -> Lab:
        """Make a lab from its solution and let the gradebook know it.

        Raises
        ------
        LabError
            If nbgrader cannot.
        """
        with self.course() as course:
            try:
                released = course.release(name)
            except LabError as error:
                if "there are submissions associated with it" in str(error):
                    raise LabError(
                        f"{name} has other graded cells than when it was graded first. Undo that,"
                        " or grade into another folder with --records."
                    ) from error
                raise
            return Lab.read(course.folder / "solutions" / name, released)

    def enter(self, lab: Lab, entries: Iterable[Entry], roster: Roster) -> None:
        """Write the points of those who were graded into nbgrader's gradebook."""
        with self.gradebook() as gradebook:
            for one in roster.students.values():
                gradebook.update_or_create_student(one.student, **_person(roster, one.student))
            for entry in entries:
                if not entry.graded:
                    continue
                gradebook.update_or_create_student(entry.student, **_person(roster, entry.student))
                when = time_of(entry.handed_in)
                submission = gradebook.update_or_create_submission(
                    lab.name, entry.student, **({"timestamp": when.isoformat()} if when else {})
                )
                notebook = submission.notebooks[0]
                for grade in notebook.grades:
                    if grade.name in entry.marks:
                        grade.auto_score = entry.marks[grade.name].points
                        grade.needs_manual_grade = False
                    else:
                        blank = not entry.memos.get(grade.name)
                        grade.auto_score = 0.0 if blank else None
                        grade.needs_manual_grade = not blank and grade.manual_score is None
                for comment in notebook.comments:
                    if comment.name in lab.memos:
                        blank = not entry.memos.get(comment.name)
                        comment.auto_comment = "No answer." if blank else "Not marked yet."
            gradebook.db.commit()

    @contextmanager
    def gradebook(self) -> Iterator[Any]:
        """nbgrader's own interface to the gradebook.

        Raises
        ------
        LabError
            If there is none yet.
        """
        from nbgrader.api import Gradebook

        path = self.folder / "gradebook.db"
        if not path.exists():
            raise LabError(f"there is no {path}: grade a lab first")
        with (
            warnings.catch_warnings(),
            isolation(),
            Gradebook(f"sqlite:///{path}", "system-design") as gradebook,
        ):
            # What SQLAlchemy says of how nbgrader adds a submission is nobody's business here.
            warnings.filterwarnings("ignore", message="Object of type <Submitted")
            yield gradebook

    def manual(self, lab: str) -> dict[tuple[str, str], tuple[float | None, str]]:
        """Points and comments that people gave, by student and cell."""
        found: dict[tuple[str, str], tuple[float | None, str]] = {}
        with self.gradebook() as gradebook:
            for submission in gradebook.assignment_submissions(lab):
                for notebook in submission.notebooks:
                    said = {one.name: one.manual_comment or "" for one in notebook.comments}
                    for grade in notebook.grades:
                        if grade.manual_score is not None or said.get(grade.name):
                            found[submission.student.id, grade.name] = (
                                grade.manual_score,
                                said.get(grade.name, ""),
                            )
        return found

    def keep(self, lab: Lab, submission: Submission, outcome: Outcome) -> None:
        """Write the graded notebook to where nbgrader expects it."""
        place = self.folder / "autograded" / submission.student / lab.name
        shutil.rmtree(place, ignore_errors=True)
        notebook = graded_notebook(lab, submission.cells, outcome)
        write(place / f"{lab.name}.ipynb", nbformat.writes(notebook).rstrip("\n") + "\n")

    def memo(self, lab: str, student: str, name: str) -> str:
        """A memo as it was handed in with the notebook that was graded."""
        path = self.folder / "autograded" / student / lab / f"{lab}.ipynb"
        if not path.exists():
            return ""
        cells = nbformat.read(path, as_version=4).cells
        return "\n\n".join(cell.source for cell in cells if grade_id(cell) == name)

    def forget(self, lab: str, student: str) -> None:
        """Remove what earlier gradings have left of a student who has no marks."""
        from nbgrader.api import MissingEntry

        for kind in ("autograded", "feedback"):
            shutil.rmtree(self.folder / kind / student / lab, ignore_errors=True)
        with self.gradebook() as gradebook:
            try:
                gradebook.remove_submission(lab, student)
            except MissingEntry:
                return


def _person(roster: Roster, student: str) -> dict[str, str]:
    one = roster.students.get(student)
    if one is None:
        return {}
    first, _, last = one.name.rpartition(" ")
    told = {"first_name": first, "last_name": last, "email": one.email}
    return {key: value for key, value in told.items() if value}


def write(path: Path, text: str) -> None:
    """Write a file so that a crash leaves the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, encoding="utf-8", newline="\n")
    new.replace(path)


def entry_of(
    lab: Lab, submission: Submission, outcome: Outcome | None, due: datetime | None
) -> Entry:
    """What is to be kept of a submission; without an outcome it was not run."""
    reason = submission.reason or (outcome.reason if outcome else "")
    when = submission.handed_in
    entry = Entry(
        student=submission.student,
        graded=outcome is not None and not reason,
        reason=reason,
        notes=list(submission.notes),
        flags=[*submission.flags, *(outcome.flags if outcome else [])],
        student_id=submission.student_id,
        digest=submission.digest,
        lab=lab.digest,
        handed_in=when.isoformat(timespec="seconds") if when else "",
        graded_at=datetime.now().astimezone().isoformat(timespec="seconds"),
        late=how_late(when, due),
    )
    if entry.graded and outcome is not None:
        entry.marks, entry.errors = outcome.marks, outcome.errors
        entry.memos = {name: memo_digest(lab, name, submission.cells) for name in lab.memos}
    return entry


def how_late(when: datetime | None, due: datetime | None) -> str:
    """By how much something came too late, in words; nothing if it did not, or nobody knows."""
    if when is None or due is None or when <= due:
        return ""
    minutes = -((due - when) // timedelta(minutes=1))  # rounded up
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    parts = [f"{days} d"] * bool(days) + [f"{hours} h"] * bool(hours)
    return " ".join(parts + [f"{minutes} min"] * (not days))


def memo_text(name: str, cells: Iterable[Cell]) -> str:
    """A memo; if its cell was split, all its parts."""
    return "\n\n".join(cell.source for cell in cells if cell.name == name)


def memo_digest(lab: Lab, name: str, cells: Iterable[Cell]) -> str:
    """Changes with a memo's text; nothing if that is as it was given out."""
    text = memo_text(name, cells).strip()
    if not text or text == lab.cells[name].source.strip():
        return ""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def graded_notebook(lab: Lab, cells: list[Cell], outcome: Outcome) -> NotebookNode:
    """The submission with the lab's checks in it, and under each what it found.

    Outputs are those that were handed in, if they are text or pictures: what a page could run
    is left out.
    """
    due = checks_due(cells, lab)
    made: list[NotebookNode] = [_check(lab, name, outcome) for name in due.get(-1, ())]
    named: set[str] = set()
    for index, cell in enumerate(cells):
        if cell.name not in lab.checks:
            known = lab.cells.get(cell.name) if cell.name not in named else None
            named.add(cell.name)
            error = outcome.errors.get(str(index + 1), "")
            made.append(_cell(cell, known, error))
        made += [_check(lab, name, outcome) for name in due.get(index, ())]
    for number, one in enumerate(made):
        one["id"] = f"cell-{number:03d}"
    return new_notebook(
        cells=made,
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
    )


def _cell(cell: Cell, known: NotebookNode | None, error: str) -> NotebookNode:
    kind = known.cell_type if known is not None else cell.kind
    about = {"nbgrader": dict(known.metadata.nbgrader)} if known is not None else {}
    if kind != "code":
        maker = new_markdown_cell if kind == "markdown" else new_raw_cell
        return maker(cell.source, metadata=about)
    outputs = [found for told in cell.outputs if (found := _harmless(told)) is not None]
    if error:
        text = f"When this was graded, the cell stopped: {error}\n"
        outputs.append(new_output("stream", name="stderr", text=text))
    return new_code_cell(cell.source, metadata=about, outputs=outputs)


def _check(lab: Lab, name: str, outcome: Outcome) -> NotebookNode:
    check, mark = lab.checks[name], outcome.marks[name]
    text = f"{mark.points:g} of {mark.maximum:g} points. {mark.text}\n"
    detail = f"{mark.points:g} of {mark.maximum:g} points. {mark.detail or mark.text}\n"
    return new_code_cell(
        check.source,
        metadata={"nbgrader": dict(lab.cells[name].metadata.nbgrader), FOR_STUDENT: text},
        outputs=[new_output("stream", name="stdout", text=detail)],
    )


def _harmless(told: Any) -> NotebookNode | None:
    """An output as far as it is text or a picture, or None."""
    if not isinstance(told, dict):
        return None
    kind = told.get("output_type")
    if kind == "stream":
        return new_output(
            "stream",
            name="stderr" if told.get("name") == "stderr" else "stdout",
            text=_text(told.get("text"))[:20_000],
        )
    if kind == "error":
        name, value = _text(told.get("ename"))[:100], _text(told.get("evalue"))[:2_000]
        return new_output("stream", name="stderr", text=f"{name}: {value}\n")
    data = told.get("data")
    if kind in ("display_data", "execute_result") and isinstance(data, dict):
        kept = {"text/plain": _text(data.get("text/plain"))[:20_000]}
        for image in ("image/png", "image/jpeg"):
            content = _text(data.get(image))
            if content and _IMAGE.fullmatch(content):
                kept[image] = content
        return new_output("display_data", data=kept)
    return None


def _text(told: Any) -> str:
    if isinstance(told, list):
        told = "".join(part for part in told if isinstance(part, str))
    return told.encode("utf-8", "replace").decode() if isinstance(told, str) else ""


def read_table(path: Path) -> list[dict[str, str]]:
    """Rows of a table, whatever a spreadsheet has parted them with.

    Raises
    ------
    ValueError
        If it is empty.
    """
    text = path.read_text(encoding="utf-8-sig")
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    rows = list(csv.DictReader(text.splitlines(keepends=True), delimiter=delimiter))
    if not rows:
        raise ValueError(f"{path} has no rows")
    return [
        {(key or "").strip(): (value or "") for key, value in row.items() if isinstance(value, str)}
        for row in rows
    ]


def write_table(path: Path, rows: list[dict[str, Any]], columns: list[str]) -> None:
    """Write rows as CSV; a cell that a spreadsheet would take for a formula is made text."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, columns, lineterminator="\n")
        table.writeheader()
        for row in rows:
            table.writerow({key: _no_formula(row.get(key, "")) for key in columns})
        file.seek(0)
        write(path, file.read())


def _no_formula(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value
