"""The chapter's questions are all asked, and nothing before them tells an answer."""

from __future__ import annotations

import nbformat
import numpy as np

from helpers.authoring.course import ROOT
from helpers.why import questions

NOTEBOOK = ROOT / "notebooks" / "01_why_system_design.ipynb"
CELLS = nbformat.read(NOTEBOOK, as_version=4).cells
PROSE = "\n".join(cell.source for cell in CELLS if cell.cell_type == "markdown")


def answer(name: str):
    known = questions.PREDICTIONS[name].answer
    return known() if callable(known) else known


def test_every_question_is_asked_and_every_key_stays() -> None:
    code = "\n".join(cell.source for cell in CELLS if cell.cell_type == "code")
    for name in questions.PREDICTIONS:
        assert name in questions.CARDS or f'predict(questions, "{name}")' in code
        known = answer(name)
        assert known in questions.PREDICTIONS[name].options or np.isfinite(known)
    for name in questions.QUIZZES:
        assert f'quiz(questions, "{name}")' in code
        assert questions.QUIZZES[name].answer in questions.QUIZZES[name].options
    assert questions.CHAPTER == "01"
    kept = "users kill threads cut-off capacity blind deck demo rolling canary boundary"
    assert set(kept.split()) <= set(questions.PREDICTIONS)


def test_nothing_visible_gives_an_answer_away() -> None:
    """What explains a picture comes after it; no call in a cell and no note before it tells."""
    for name in ("canary", "boundary", "blind", "capacity"):
        number = f"{answer(name):,.0f}"
        at = next(
            i for i, cell in enumerate(CELLS) if f'predict(questions, "{name}")' in cell.source
        )
        before = "\n".join(cell.source for cell in CELLS[max(0, at - 3) : at + 2])
        assert f"{number} requests" not in before
        assert f"{number} %" not in before
