"""The answers are those that the words explain."""

from __future__ import annotations

import math

import pytest

from helpers.failure import questions


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
    quick = 20 * (1 - math.exp(-5))  # the mean of an exponential answer, cut at 100 ms
    assert answers["time-out"] == pytest.approx(0.1 * 100 + 0.9 * quick)
    assert answers["drain"] == pytest.approx(5.02e6 / 220 / 3_600, rel=0.01)
    assert answers["percentiles"] == pytest.approx(500 * math.log(10), rel=0.01)
