"""Services with one mean: percentiles by theory, and what the picture says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from helpers.estimation import same_mean
from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from tests import drawn


def test_lognormal_percentiles() -> None:
    for spread in (0.3, 1.0, 2.0):
        theory = same_mean.theory(same_mean.Setting(spread=spread))
        times = [same_mean.simulate(spread=spread, seed=seed).times_s for seed in range(20)]
        pooled = np.concatenate(times)
        # 200,000 draws: the shares are good to 0.1 %, 4.5 of those.
        assert np.mean(pooled > 0.3) == pytest.approx(theory.late, abs=0.0045)
        assert np.mean(pooled <= theory.p99_s) == pytest.approx(0.99, abs=0.001)
        assert np.mean(pooled < 0.1) == pytest.approx(theory.faster_than_mean, abs=0.005)
        assert theory.p99_s <= theory.p99_limit_s


def test_the_p99_falls_again_when_the_spread_grows_on() -> None:
    tails = [same_mean.theory(same_mean.Setting(spread=s)).p99_s for s in (1.0, 2.326, 4.0)]
    assert tails[0] < tails[1] > tails[2]
    assert tails[1] == pytest.approx(0.1 * math.exp(2.3263**2 / 2), rel=1e-3)


@pytest.mark.parametrize("given", [{}, {"spread": 4.0, "target_ms": 2_000.0}, {"spread": 0.1}])
def test_what_the_learner_sees(given) -> None:
    run, ax = same_mean.simulate(**given), Figure().subplots()
    same_mean.plot(run, ax)
    at, exact = run.at, same_mean.theory(run.at)
    curve = drawn.curve(ax, **style.THEORY)
    np.testing.assert_allclose(curve[:, 1], same_mean.slower_share(at, curve[:, 0] / 1e3))
    x, y = drawn.curve(ax, color=style.BLUE).T
    expected = [(run.times_s > t / 1e3 * (1 + 1e-12)).mean() for t in x]
    np.testing.assert_allclose(y, expected, atol=1.01e-4)
    markov = drawn.curve(ax, color=style.GHOST)
    np.testing.assert_allclose(markov[:, 0] * markov[:, 1], at.mean_ms)
    assert drawn.rings(ax)[0] == pytest.approx([1e3 * run.p99.estimate, 0.01])
    assert drawn.line(ax, color=style.VERMILION).get_xdata()[0] == at.target_ms
    table = run.table()
    summary = {"mean_ms": np.mean, "p50_ms": np.median}
    for name, of in summary.items():
        assert run.summary[name] == pytest.approx(1e3 * of(run.times_s))
    times = np.percentile(run.times_s, (50, 90, 95, 99, 99.9))
    np.testing.assert_allclose(table["response (ms)"], 1e3 * times)
    np.testing.assert_allclose(table["in means"], 1e3 * times / at.mean_ms)
    shares = same_mean.slower_share(at, times)
    np.testing.assert_allclose(table["theory: slower share"], shares)
    assert list(table.index) == ["p50", "p90", "p95", "p99", "p99.9"]
    reading = run.reading
    mean_s, target_s = at.mean_ms / 1e3, at.target_ms / 1e3
    faster, late = (run.times_s < mean_s).mean(), (run.times_s > target_s).mean()
    p99 = duration(run.p99.estimate)
    assert f"{significant(100 * faster)} % of the requests are faster" in reading
    assert f"takes more than {p99} (theory: {duration(exact.p99_s)}" in reading
    assert f"{significant(100 * late)} % miss the target of {duration(target_s)}" in reading
    assert ("inside" in reading) == (run.p99.low <= exact.p99_s <= run.p99.high)
