"""What the chapter asks: answers that can be given, and no answer in sight before it is asked."""

from __future__ import annotations

import nbformat

from helpers.anatomy import questions
from helpers.authoring.course import ROOT

NOTEBOOK = ROOT / "notebooks" / "04_the_anatomy_of_a_system.ipynb"


def test_every_question_is_asked_and_veils_the_explorer_that_would_tell() -> None:
    code = [c.source for c in nbformat.read(NOTEBOOK, as_version=4).cells if c.cell_type == "code"]
    page = "\n".join(code)
    for name in questions.PREDICTIONS:
        assert page.count(f'predict(questions, "{name}")') == 1
        if name != "ladder":  # a measurement, which no explorer shows
            assert f'after=(questions, "{name}")' in page
            assert page.index(f'predict(questions, "{name}")') < page.index(
                f'after=(questions, "{name}")'
            )
    for name in questions.QUIZZES:
        assert page.count(f'quiz(questions, "{name}")') == 1
    before = page[: page.index('predict(questions, "deeper-check")')]
    assert "deep" not in before.replace("deep-", ""), "no control tells what a deep check does"
