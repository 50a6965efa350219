"""The chapter's questions: answers from the models, each asked on the page."""

from __future__ import annotations

import math

import pytest

from helpers.authoring.course import ROOT
from helpers.caching import expiry, questions

PAGE = (ROOT / "notebooks" / "09_caching_strategies.ipynb").read_text(encoding="utf-8")


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


def test_at_the_breaking_rate_a_herd_fills_a_lifetime():
    rate = questions.PREDICTIONS["break"].answer()
    at = expiry.Setting(rate_rps=rate, recompute_s=2.0, connections=20)
    assert expiry.theory(at).queries["none"] * 2.0 / 20 == pytest.approx(60)
