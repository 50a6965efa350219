"""Forecasters and honest twins, in theory, simulated and drawn; faults are noticed."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from helpers.why import forecasters
from helpers.why.forecasters import STATED, expected_brier
from tests import drawn
from tests.checks import assert_summary, assert_table, axes_of, caught
from tests.why.checks import assert_agrees


@pytest.mark.parametrize("truth", [0.5, 0.63, 0.9])
def test_the_score_rewards_honesty(truth: float) -> None:
    said = np.linspace(0, 1, 101)
    assert said[int(np.argmin(expected_brier(said, truth)))] == pytest.approx(truth, abs=0.005)


def check(*overconfidence: float) -> None:
    for degree in overconfidence or (0.0, 0.4, 1.0):
        runs = [
            forecasters.simulate(questions=25, overconfidence=degree, seed=s) for s in range(16)
        ]
        exact = forecasters.theory(runs[0].at)
        assert_agrees((run.brier.mean() for run in runs), exact.brier, "brier")
        assert_agrees((run.honest.mean() for run in runs), exact.honest, "honest")


def test_simulation_and_theory() -> None:
    check()


def test_lucky_forecasters_are_caught(monkeypatch) -> None:
    original = forecasters._draws
    monkeypatch.setattr(
        forecasters, "_draws", lambda seed: (original(seed)[0], 0.9 * original(seed)[1])
    )
    caught(check, 0.4)


AT = [
    forecasters.Setting(),
    forecasters.Setting(questions=1, overconfidence=1.0, seed=2),
    forecasters.Setting(questions=400, overconfidence=0.0),
]


@pytest.mark.parametrize("at", AT)
def test_numbers_sentence_and_table(at: forecasters.Setting) -> None:
    run, exact = forecasters.simulate(at), forecasters.theory(at)
    truth = 0.5 + (np.array(STATED) - 0.5) * (1 - at.overconfidence)
    assert_summary(
        run,
        {
            "questions": at.questions,
            "brier": run.brier.mean(),
            "theory": exact.brier,
            "brier_honest_twin": run.honest.mean(),
            "theory_honest_twin": exact.honest,
            "right_when_90_percent_sure_percent": 100 * truth[3],
        },
    )
    mean, twin = significant(run.brier.mean()), significant(run.honest.mean())
    start = f"Who says 90 % and is right {significant(100 * truth[3])} % of the time scores {mean}"
    assert run.reading.startswith(f"{start} on average (theory: {significant(exact.brier)}; ")
    if at.overconfidence:
        things = "1 question" if at.questions == 1 else f"{at.questions} questions"
        ahead = significant(100 * np.mean(run.honest <= run.brier))
        assert f"an honest twin {twin}; 0 is perfect" in run.reading
        assert run.reading.endswith(
            f"After {things} the twin is level or ahead in {ahead} % of the cases."
        )
    else:
        assert "so they score the same" in run.reading
        np.testing.assert_array_equal(run.brier, run.honest)
    assert_table(run, {"stated": STATED, "true": truth, "observed by forecaster 1": run.shares[0]})


def test_the_picture() -> None:
    run = forecasters.simulate()
    ax, hills = axes_of(forecasters.plot, run)
    band = drawn.spans(ax, color=style.SKY)
    np.testing.assert_allclose(band.places, 100 * np.array(STATED))
    np.testing.assert_allclose(band.low, 100 * np.nanquantile(run.shares, 0.05, axis=0))
    np.testing.assert_allclose(band.high, 100 * np.nanquantile(run.shares, 0.95, axis=0))
    truth = drawn.curve(ax, color=style.BLUE)
    np.testing.assert_allclose(
        truth, np.stack([100 * np.array(STATED), 100 * run.at.true_chance], 1)
    )
    one = drawn.curve(ax, color=style.VERMILION, marker="o")
    np.testing.assert_allclose(one[:, 1], 100 * run.shares[0])
    expected = drawn.curve(hills, **style.THEORY)
    assert expected[0, 0] == pytest.approx(forecasters.theory(run.at).brier)
    assert "- - theory, as they speak" in drawn.written(hills)
    heights = {patch.get_edgecolor()[:3]: patch.get_data().values for patch in hills.patches}
    assert len(heights) == 2
    for values in heights.values():
        assert values.sum() == pytest.approx(1)
