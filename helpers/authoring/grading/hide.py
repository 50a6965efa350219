"""Leave out of a graded notebook what its student should not see, and what a page could run."""

from __future__ import annotations

import re

from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import NbGraderPreprocessor

#: Where a check's cell keeps what its student is told, in the graded notebook's metadata.
FOR_STUDENT = "system_design_feedback"
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
