"""Pages for students: their work, their points, and nothing that they should not see."""

from __future__ import annotations

import shutil

from helpers.authoring.grading.book import Book
from helpers.authoring.labs import LabError


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
