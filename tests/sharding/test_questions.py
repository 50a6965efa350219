"""The chapter's questions can be asked, and their answers are the models' own."""

from __future__ import annotations

import pytest

from helpers import sharding
from helpers.explore import predict, quiz
from helpers.sharding import questions


@pytest.mark.parametrize("name", questions._PREDICTIONS)
def test_predictions_can_be_asked(name):
    arguments = sharding.prediction(name)
    assert arguments["key"] == f"08-{name}"
    predict(**arguments)


@pytest.mark.parametrize("name", questions._QUIZZES)
def test_quizzes_can_be_asked(name):
    quiz(**sharding.quiz_question(name))


def test_answers_are_what_the_simulations_show():
    television = sharding.simulate_placement(scheme="range", traffic="sign-ups")
    stored = 800 / television.utilisation.max()
    assert sharding.prediction("growing-ids")["answer"] == pytest.approx(stored)
    before, after = (
        sharding.simulate_fan_out(threshold=t).now["wait_s"] for t in (1_000_000.0, 100_000.0)
    )
    assert sharding.prediction("fan-out")["answer"] == "less than a tenth"
    assert after < before / 10
    # Just below the boundary some share of the disk ends the move, just above none does.
    limit = sharding.prediction("too-late")["answer"] / 100
    for live, possible in ((limit - 0.02, True), (limit + 0.02, False)):
        runs = (
            sharding.simulate_migration(live_utilisation=live, copy_share=share, write_mb_s=30.0)
            for share in (0.14, 0.149, 0.151, 0.16)
        )
        assert possible == any(run.rounds > 0 for run in runs)


def test_unknown_questions_are_named():
    for ask in (sharding.prediction, sharding.quiz_question):
        with pytest.raises(ValueError, match="name"):
            ask("why")
