"""The answers are those of the models, and those that the words explain."""

from __future__ import annotations

import pytest

from helpers.messaging import load_levelling, questions


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
    assert answers["line-peak"] == pytest.approx(70.53 / 360 * 24, abs=0.01)
    assert answers["save"] == pytest.approx(20.6, abs=0.05)
    assert answers["readers"] == "not at all"
    assert answers["outbox"] == "a message sent twice"
