"""The chapter's questions: answers from the models, each asked on the page."""

from __future__ import annotations

import math

import pytest

from helpers.authoring.course import ROOT
from helpers.failure import questions

PAGE = (ROOT / "notebooks" / "06_designing_for_failure.ipynb").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", questions.PREDICTIONS)
def test_a_prediction_has_an_answer_and_is_asked(name):
    asked = questions.PREDICTIONS[name]
    answer = asked.answer() if callable(asked.answer) else asked.answer
    if asked.options:
        assert answer in asked.options
    else:
        assert isinstance(answer, float)
        assert math.isfinite(answer)
        assert asked.unit
    assert f'predict(questions, \\"{name}\\")' in PAGE


@pytest.mark.parametrize("name", questions.QUIZZES)
def test_a_quiz_is_asked(name):
    assert questions.QUIZZES[name].answer in questions.QUIZZES[name].options
    assert f'quiz(questions, \\"{name}\\")' in PAGE


def test_the_answers_are_those_that_the_words_explain():
    answers = {name: asked.answer() for name, asked in questions.PREDICTIONS.items()}
    assert answers["layers"] == 27
    assert answers["vulnerable"] == 150
    assert answers["break"] == 20
    assert answers["storm"] == "hardly any"
    assert answers["remedies"] == "backoff with full jitter"
    assert answers["in-turn"] == "hardly any of it"
    assert answers["gray"] == "clearly more than 10 %"
    assert answers["deploy"] == pytest.approx(100 * (1 - 0.99**2))
    assert answers["drain"] == pytest.approx(5.02e6 / 220 / 3_600, rel=0.01)
    assert answers["percentiles"] == pytest.approx(500 * math.log(10), rel=0.01)
