"""The threshold: the fluid against theory and against the storm, and the page."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.failure import storm, threshold
from helpers.failure.threshold import LOADS
from helpers.foundations.drawing import style
from tests import drawn
from tests.checks import assert_columns, assert_legible, drawn_by


@pytest.mark.parametrize("attempts", [1, 2, 3, 4, 6])
def test_a_hard_trigger_kills_exactly_the_vulnerable_loads(attempts):
    # Within 4 % of the boundary a line of ten seconds has not drained in the time watched.
    run = threshold.simulate(attempts=attempts)
    vulnerable = threshold.theory(run.at)
    assert vulnerable == 1 / attempts
    assert run.answered[vulnerable - 0.04 > LOADS].min() > 0.999
    if attempts > 1:
        assert run.answered[vulnerable < LOADS].max() < 1e-9


def test_without_a_trigger_every_load_is_fine():
    for weak in ({"cut": 0.0}, {"cut_s": 0.0}):
        run = threshold.simulate(attempts=6, **weak)
        assert run.answered.min() == run.answered_here.min() == 1
        assert "too weak" in run.reading


def test_a_larger_or_longer_trigger_kills_more():
    firsts = [threshold.simulate(attempts=3, cut=cut).first_dead for cut in (0.3, 0.5, 0.7, 1.0)]
    assert firsts == sorted(firsts, reverse=True)
    assert firsts[0] > firsts[-1]
    lengths = [threshold.simulate(attempts=3, cut=0.5, cut_s=s).first_dead for s in (1, 5, 20)]
    assert lengths == sorted(lengths, reverse=True)


def test_the_shape_that_huang_et_al_measured():
    # "Metastable Failures in the Wild", OSDI 2022: of three cuts of the capacity, 78 % for 10 s and
    # 80 % for 9 s are survived, and 80 % for 10 s is not. Load and patience are chosen to fit.
    near = {"load": 0.6, "attempts": 2, "timeout_s": 5.2}
    triggers = ((0.78, 10.0), (0.80, 10.0), (0.80, 9.0))
    left = [threshold.simulate(cut=cut, cut_s=lasts, **near).at_end for cut, lasts in triggers]
    assert left == pytest.approx([1, 0, 1], abs=0.01)


def test_the_fluid_is_the_storm_without_chance():
    # The storm's server is cut by a spike instead: both leave a line of 35 s of work at a
    # capacity of 50 and let it drain, at 3 attempts of 14 requests/s.
    at = storm.Setting(load_rps=14.0, spike=6.0, spike_s=5.0, run_s=300.0)
    back = np.mean([storm.simulate(at.but(seed=seed)).back_s for seed in range(6)]) - at.calm_s
    line_s = (3 * 14 * 6 - 50) * 5 / 50  # without the delay of the retries
    fluid = threshold.simulate(load=0.28, attempts=3, cut_s=10.0)
    expected = fluid.back_s * (line_s - 1) / (3 * 0.28 * 10 - 1)
    assert back == pytest.approx(expected, rel=0.25)


@pytest.mark.parametrize(
    "setting",
    [{}, {"load": 0.45}, {"load": 0.5}, {"load": 0.1, "attempts": 6}, {"load": 0.98, "cut": 0.2},
     {"attempts": 1, "load": 0.9}, {"cut_s": 60.0, "timeout_s": 10.0}, {"load": 0.3, "cut": 0.0}],
)  # fmt: skip
def test_the_page(setting):
    run = threshold.simulate(**setting)
    at, bound = run.at, threshold.theory(run.at)
    side = "below" if at.load < bound else "above" if at.load > bound else "just the"
    assert side in run.reading
    assert ("hardly anything is answered" in run.reading) == (run.at_end < 0.5)
    assert_columns(run, load=LOADS, answered=run.answered)
    curve, course = drawn_by(threshold, run)
    points = np.column_stack([LOADS, run.answered])
    np.testing.assert_allclose(drawn.curve(curve, **style.SIMULATION), points)
    assert drawn.curve(curve, **style.THEORY)[0, 0] == bound
    np.testing.assert_allclose(drawn.rings(curve), [[at.load, run.at_end]])
    points = np.column_stack([run.time_s, run.attempts_here])
    np.testing.assert_allclose(drawn.curve(course, **style.SIMULATION), points)
    points = np.column_stack([run.time_s, at.load * run.answered_here])
    np.testing.assert_allclose(drawn.curve(course, color=style.GREEN), points)
    assert drawn.levels(course, **style.THEORY) == [at.load * at.attempts]
    assert drawn.curve(course, color=style.MUTED)[:, 1].min() == pytest.approx(1 - at.cut)
    assert_legible(*drawn_by(threshold, run))
