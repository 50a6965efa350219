"""The chapter's questions: answers from the models, each asked on the page; goals that are met."""

from __future__ import annotations

import math

import pytest

from helpers.authoring.course import ROOT
from helpers.tradeoffs import frontier, nines, partition, questions, quorum

PAGE = (ROOT / "notebooks" / "03_tradeoffs_everywhere.ipynb").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", questions.PREDICTIONS)
def test_a_prediction_has_an_answer_and_is_asked(name):
    asked = questions.PREDICTIONS[name]
    answer = asked.answer() if callable(asked.answer) else asked.answer
    if asked.options:
        assert answer in asked.options
    else:
        assert math.isfinite(answer)
        assert asked.unit
    assert f'predict(questions, \\"{name}\\")' in PAGE


@pytest.mark.parametrize("name", questions.QUIZZES)
def test_a_quiz_is_asked(name):
    assert questions.QUIZZES[name].answer in questions.QUIZZES[name].options
    assert f'quiz(questions, \\"{name}\\")' in PAGE


def test_the_answers_are_those_that_the_words_explain():
    answers = {name: asked.answer() for name, asked in questions.PREDICTIONS.items()}
    assert answers["frontier"] == 34
    assert answers["stale"] == pytest.approx(56.1, abs=1)  # published: 43.9 % are fresh
    assert answers["together"] == pytest.approx(8.766 + 0.71, abs=0.01)
    assert answers["budget"] == pytest.approx(5 * 5.256)
    assert answers["cut"] == "none, neither reads nor writes"
    assert answers["two"] == "neither"
    assert answers["game"] == "R = 3, W = 1"


def test_goals_can_be_met_and_are_not_met_at_the_opening():
    goals = questions.GOALS
    firsts = goals["firsts"].parts
    opening = frontier.simulate()
    assert not any(reached(opening) for reached in firsts.values())
    cheap = frontier.simulate(servers=2, cache="no cache", replicas=0)
    assert [name for name, reached in firsts.items() if reached(cheap)] == ["cost", "staleness"]
    large = frontier.simulate(servers=5, cache="60 s", replicas=2)
    assert {"latency", "outage"} <= {name for name, reached in firsts.items() if reached(large)}
    assert goals["firsts"].boundary(opening) == (
        "No design of the 80 is first in more than 2 of the four."
    )
    for name, missed, met in (
        ("quick-and-fresh", quorum.simulate(), quorum.simulate(read_quorum=3)),
        ("third-copy", nines.simulate(), nines.simulate(down_percent=20.0, income_usd=1e7)),
        ("nobody", partition.simulate(), partition.simulate(replicas=2)),
    ):
        (reached,) = goals[name].parts.values()
        assert not reached(missed)
        assert reached(met)
        assert goals[name].boundary(met).endswith(".")
        assert f'find=(questions, \\"{name}\\")' in PAGE
