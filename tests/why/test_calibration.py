"""Forecasters and honest twins, and your own scores; faults are noticed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from helpers.why import calibration, scores
from helpers.why.calibration import STATED, expected_brier
from helpers.why.scores import brier_parts
from tests import drawn
from tests.why.checks import assert_agrees, assert_summary, assert_table, axes_of, caught


@pytest.mark.parametrize("truth", [0.5, 0.63, 0.9])
def test_the_score_rewards_honesty(truth: float) -> None:
    said = np.linspace(0, 1, 101)
    assert said[int(np.argmin(expected_brier(said, truth)))] == pytest.approx(truth, abs=0.005)


def check(*overconfidence: float) -> None:
    for degree in overconfidence or (0.0, 0.4, 1.0):
        runs = [
            calibration.simulate(questions=25, overconfidence=degree, seed=s) for s in range(16)
        ]
        exact = calibration.theory(runs[0].at)
        assert_agrees((run.brier.mean() for run in runs), exact.brier, "brier")
        assert_agrees((run.honest.mean() for run in runs), exact.honest, "honest")


def test_simulation_and_theory() -> None:
    check()


def test_lucky_forecasters_are_caught(monkeypatch) -> None:
    original = calibration._draws
    monkeypatch.setattr(
        calibration, "_draws", lambda seed: (original(seed)[0], 0.9 * original(seed)[1])
    )
    caught(check, 0.4)


AT = [
    calibration.Setting(),
    calibration.Setting(questions=1, overconfidence=1.0, seed=2),
    calibration.Setting(questions=400, overconfidence=0.0),
]


@pytest.mark.parametrize("at", AT)
def test_numbers_sentence_and_table(at: calibration.Setting) -> None:
    run, exact = calibration.simulate(at), calibration.theory(at)
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
    run = calibration.simulate()
    ax, hills = axes_of(calibration.plot, run)
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
    assert expected[0, 0] == pytest.approx(calibration.theory(run.at).brier)
    heights = {patch.get_edgecolor()[:3]: patch.get_data().values for patch in hills.patches}
    assert len(heights) == 2
    for values in heights.values():
        assert values.sum() == pytest.approx(1)


# --- your own -------------------------------------------------------------------------------------


def test_brier_parts_add_up() -> None:
    rng = np.random.default_rng(5)
    stated = rng.choice([0.5, 0.7, 0.9], 200)
    right = rng.random(200) < stated - 0.1
    parts = brier_parts(stated, right)
    whole = parts["reliability"] - parts["resolution"] + parts["uncertainty"]
    assert parts["brier"] == pytest.approx(whole)
    assert parts["brier"] == pytest.approx(((stated - right) ** 2).mean())
    with pytest.raises(ValueError, match="right"):
        brier_parts([0.5], [1, 0])


def test_scores_of_your_own_predictions() -> None:
    empty = scores.score(pd.DataFrame(columns=["confidence", "right"]))
    assert empty.summary == {"predictions": 0}
    assert "No predictions yet" in empty.reading
    assert "no predictions yet" in drawn.written(axes_of(scores.plot, empty)[0])
    frame = pd.DataFrame({"confidence": [0.9, 0.9, 0.5], "right": [True, False, True]})
    found = scores.score(frame)
    assert found.summary["brier"] == pytest.approx((0.01 + 0.81 + 0.25) / 3)
    assert found.summary["right_percent"] == pytest.approx(200 / 3)
    assert found.reading.startswith("3 predictions, Brier score 0.357 (always 50 % would get")
    one = scores.score(frame[:1])
    assert one.reading.startswith("1 prediction, Brier score 0.01 ")
    ax, hills = axes_of(scores.plot, found)
    np.testing.assert_allclose(drawn.curve(ax, color=style.VERMILION), [(50, 100), (90, 50)])
    band = drawn.spans(ax, color=style.FAINT)
    np.testing.assert_allclose(band.low, [50 - 98, 90 - 196 * np.sqrt(0.09 / 2)])
    np.testing.assert_allclose(drawn.curve(hills, color=style.VERMILION), [(1.07 / 3, 0.5)])
    with pytest.raises(ValueError, match="'right'"):
        scores.score(frame[["confidence"]])


@pytest.mark.parametrize("right", [True, False])
def test_a_score_at_either_end_can_be_read(right: bool) -> None:
    from helpers.explore.canvas import Canvas
    from tests.drawn import text_faults

    canvas = Canvas(scores.plot)
    canvas.draw([scores.score(pd.DataFrame({"confidence": [0.99], "right": [right]}))])
    assert text_faults(canvas.figure) == []
