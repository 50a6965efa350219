"""The chapter's questions: answers from the models, each asked on the page."""

from __future__ import annotations

import math

import pytest

from helpers.authoring.course import ROOT
from helpers.messaging import load_levelling, questions

PAGE = (ROOT / "notebooks" / "10_asynchronous_processing.ipynb").read_text(encoding="utf-8")


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


def test_with_the_mean_of_the_traffic_a_spike_drains_just_in_time():
    at = load_levelling.Setting()
    mean = questions.PREDICTIONS["every-five"].answer()
    backlog = (at.spike_rps - mean) * at.spike_s
    assert backlog / (mean - at.usual_rps) == pytest.approx(280)


def test_the_answers_that_the_page_s_explanations_name():
    answers = {
        name: one.answer() if callable(one.answer) else one.answer
        for name, one in questions.PREDICTIONS.items()
    }
    assert answers["chain"] == pytest.approx(100 - 95.1, abs=0.01)
    assert answers["every-five"] == pytest.approx(7.6)
    assert answers["save"] == pytest.approx(20.6, abs=0.05)
    assert answers["readers"] == "not at all"
    assert answers["outbox"] == "a message sent twice"
