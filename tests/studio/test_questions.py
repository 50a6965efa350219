"""The answers are those that the words explain."""

from __future__ import annotations

import pytest

from helpers.studio import questions


def test_the_answers_are_those_that_the_words_explain():
    answers = {
        name: one.answer() if callable(one.answer) else one.answer
        for name, one in questions.PREDICTIONS.items()
    }
    assert answers["v0"] == pytest.approx(0.7 * 4 / 0.0775 * 86_400 / 75 / 1e3)
    assert 10 < answers["eager"] < 30
    assert answers["cheapest"] == "room for fewer in line"
    assert answers["lost"] == "about a hundred"
    assert answers["recipe"] == "one or two"
    for name in ("cheapest", "lost", "recipe"):
        assert answers[name] in questions.PREDICTIONS[name].options
