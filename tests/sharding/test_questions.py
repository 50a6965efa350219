"""The chapter's questions can be asked, and their answers are the models' own."""

from __future__ import annotations

import pytest

from helpers.sharding import fan_out, migration, placement, questions


def answer(name: str) -> float | str:
    asked = questions.PREDICTIONS[name].answer
    return asked() if callable(asked) else asked


def test_answers_have_their_values() -> None:
    numbers = {name: answer(name) for name in questions.PREDICTIONS}
    expected = {
        "growing-ids": 200,
        "range-scan": 16 * (1 - (15 / 16) ** 50),
        "mod-n": 80,
        "ring": sum(1 / k for k in range(1, 9)),
        "celebrity": sum(1 / k for k in range(1, 10_001)),
        "tail": 100 * (1 - 0.99**100),
        "local-join": 25,
        "vertical": 1 / 0.6,
        "too-late": 85,
    }
    for name, value in expected.items():
        assert numbers[name] == pytest.approx(value, rel=1e-6), name


def test_answers_are_what_the_simulations_show() -> None:
    television = placement.Setting(scheme="range", traffic="sign-ups")
    stored = 800 / placement.theory(television).utilisation.max()
    assert answer("growing-ids") == pytest.approx(stored)
    before, after = (fan_out.simulate(threshold=t).wait_here_s for t in (1_000_000.0, 100_000.0))
    assert answer("fan-out") == "less than a tenth"
    assert after < before / 10
    # Just below the boundary some share of the disk ends the move, just above none does.
    limit = answer("too-late") / 100
    for live, possible in ((limit - 0.02, True), (limit + 0.02, False)):
        runs = (
            migration.simulate(live_utilisation=live, copy_share=share, write_mb_s=30.0)
            for share in (0.14, 0.149, 0.151, 0.16)
        )
        assert possible == any(run.rounds > 0 for run in runs)
