"""Refuse a submission that cannot be graded, instead of giving it zero points."""

from __future__ import annotations

from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor


class SubmissionError(ValueError):
    """The submitted notebook lost cells that the lab is graded by."""


class RequireLabCells(NbGraderPreprocessor):
    """nbgrader preprocessor: every graded cell of the lab must be in the submission.

    nbgrader finds graded cells by their metadata. Tools that strip metadata, and copying cells
    into a new notebook, lose it; nbgrader would then grade nothing and record a score of zero.
    """

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Return both arguments unchanged, or raise SubmissionError."""
        about = resources["nbgrader"]
        with Gradebook(about["db_url"]) as gradebook:
            lab = gradebook.find_notebook(about["notebook"], about["assignment"])
            expected = [cell.name for cell in lab.source_cells]
        found = {cell.metadata.get("nbgrader", {}).get("grade_id") for cell in nb.cells}
        if missing := [name for name in expected if name not in found]:
            raise SubmissionError(
                f"Not graded: {about['notebook']}.ipynb of {about.get('student', '?')} has lost "
                f"{len(missing)} of the {len(expected)} cells that the lab is graded by: "
                f"{', '.join(missing)}. Their metadata was stripped or the cells were deleted or "
                "copied into another notebook. Ask for the answers in a fresh copy of the lab, "
                "or restore the cells from labs/."
            )
        return nb, resources
