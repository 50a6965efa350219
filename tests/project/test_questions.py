"""Every chapter's questions: answers that can be given, each asked once, and none told before."""

from __future__ import annotations

import math
import re
from types import ModuleType

import nbformat
import pytest

from helpers.authoring.course import CHAPTERS, Chapter
from helpers.explore.work import questions_of_chapters

PAGES = {f"{chapter.number:02d}": chapter for chapter in CHAPTERS if chapter.written}
QUESTIONS: list[ModuleType] = sorted(questions_of_chapters(), key=lambda one: one.CHAPTER)
PREDICTIONS = [(one, name) for one in QUESTIONS for name in one.PREDICTIONS]
QUIZZES = [(one, name) for one in QUESTIONS for name in one.QUIZZES]


def called(pairs: list[tuple[ModuleType, str]]) -> list[str]:
    return [f"{questions.CHAPTER}-{name}" for questions, name in pairs]


def cells(chapter: Chapter) -> list[str]:
    """The page's code cells, on one line each."""
    page = nbformat.read(chapter.notebook, as_version=4)
    code = [cell.source for cell in page.cells if cell.cell_type == "code"]
    return [re.sub(r"\s+", " ", source) for source in code]


def test_every_chapter_has_questions() -> None:
    assert [one.CHAPTER for one in QUESTIONS] == list(PAGES)


@pytest.mark.parametrize(("questions", "name"), PREDICTIONS, ids=called(PREDICTIONS))
def test_a_prediction_has_an_answer_and_is_asked_once(questions: ModuleType, name: str) -> None:
    asked = questions.PREDICTIONS[name]
    answer = asked.answer() if callable(asked.answer) else asked.answer
    if asked.options:
        assert answer in asked.options
    else:
        assert math.isfinite(answer)
        assert 0 < asked.tolerance < 1
    assert asked.why.endswith(".")
    page = cells(PAGES[questions.CHAPTER])
    times = sum(cell.count(f'predict(questions, "{name}")') for cell in page)
    assert times == (0 if name in getattr(questions, "CARDS", ()) else 1)


@pytest.mark.parametrize(("questions", "name"), PREDICTIONS, ids=called(PREDICTIONS))
def test_what_would_tell_the_answer_waits_for_the_question(
    questions: ModuleType, name: str
) -> None:
    page = " ".join(cells(PAGES[questions.CHAPTER]))
    asked = page.find(f'predict(questions, "{name}")')
    for shown in re.finditer(rf'after=\(questions, "{re.escape(name)}"\)', page):
        assert asked < shown.start()


@pytest.mark.parametrize(("questions", "name"), QUIZZES, ids=called(QUIZZES))
def test_a_quiz_explains_each_option_and_is_asked_once(questions: ModuleType, name: str) -> None:
    asked = questions.QUIZZES[name]
    assert asked.answer in asked.options
    assert len(asked.options) >= 2
    assert all(asked.options.values())
    page = cells(PAGES[questions.CHAPTER])
    assert sum(cell.count(f'quiz(questions, "{name}")') for cell in page) == 1


def test_texts_have_no_marks_that_a_widget_would_show() -> None:
    for questions in QUESTIONS:
        for asked in questions.PREDICTIONS.values():
            _plain(asked.question, asked.why, *asked.options)
        for quiz in questions.QUIZZES.values():
            _plain(quiz.question, *quiz.options, *quiz.options.values())


def _plain(*texts: str) -> None:
    for text in texts:
        assert not re.search(r"\*\w[^*]*\*|`|\$|\]\(", text), text
