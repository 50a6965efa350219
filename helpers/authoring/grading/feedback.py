"""What a student gets back: their work, their points, and nothing that they should not see."""

from __future__ import annotations

import re
import shutil

from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import NbGraderPreprocessor

from helpers.authoring.grading.book import FOR_STUDENT, Book
from helpers.authoring.labs import LabError

_HIDDEN = re.compile(r"^[^\n]*BEGIN HIDDEN TESTS.*?(?:END HIDDEN TESTS[^\n]*\n?|\Z)", re.M | re.S)
_CODE = re.compile(r"(```.*?```|~~~.*?~~~|`[^`\n]*`)", re.S)


class ForStudents(NbGraderPreprocessor):
    """nbgrader preprocessor: leave out hidden tests, what they said, and what a page could run."""

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Change the notebook in place and return both arguments."""
        for cell in nb.cells:
            about = cell.metadata.get("nbgrader", {})
            if cell.cell_type == "code" and about.get("grade") and not about.get("solution"):
                cell.source = _HIDDEN.sub("", cell.source).rstrip()
                text = cell.metadata.get(FOR_STUDENT, "")
                cell.outputs = [new_output("stream", name="stdout", text=text)] if text else []
            elif cell.cell_type == "markdown":
                cell.source = _without_tags(cell.source)
            elif cell.cell_type == "code":
                cell.outputs = [one for one in cell.outputs if _is_plain(one)]
        return nb, resources


def _without_tags(source: str) -> str:
    """Markdown in which HTML is text; what stands in code stays."""
    parts = _CODE.split(source)
    parts[::2] = [part.replace("<", "&lt;") for part in parts[::2]]
    return "".join(parts)


def _is_plain(output: NotebookNode) -> bool:
    data = output.get("data", {})
    return set(data) <= {"text/plain", "image/png", "image/jpeg"}


def give(book: Book, lab: str) -> list[str]:
    """Write a page for everybody who was graded.

    Returns
    -------
    list of str
        What should be known: whose memo is not marked yet, whose page could not be made.

    Raises
    ------
    LabError
        If nobody was graded.
    """
    from nbgrader.apps import NbGraderAPI

    entries = {name: one for name, one in book.entries(lab).items() if one.graded}
    if not entries:
        raise LabError(f"nobody's {lab} was graded yet")
    marked = {
        student for (student, _), (points, _) in book.manual(lab).items() if points is not None
    }
    said: list[str] = []
    with book.course() as course:
        config = course.config
        config.CourseDirectory.root = str(book.folder)
        api = NbGraderAPI(config=config)
        for student, entry in entries.items():
            shutil.rmtree(book.folder / "feedback" / student / lab, ignore_errors=True)
            result = api.generate_feedback(lab, student, force=True)
            if not result["success"]:
                last = (result.get("error") or result.get("log") or "").strip().splitlines()
                said.append(f"{student}: no page could be made: {last[-1] if last else ''}")
            elif any(entry.memos.values()) and student not in marked:
                said.append(f"{student}: the memo is not marked yet")
    return said
