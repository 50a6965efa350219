"""Followers: waits are Pollaczek-Khinchine's, every follow is paid for once, the page is true."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from helpers.sharding import fan_out
from helpers.sharding.fan_out import FOLLOWERS, THRESHOLDS
from tests import drawn
from tests.checks import assert_tells, drawn_by
from tests.sharding.checks import assert_columns, within


@pytest.mark.parametrize("threshold", [1_000_000.0, 200_000.0, 20_000.0])
def test_waiting_posts_are_pollaczek_khinchine(threshold: float) -> None:
    runs = [fan_out.simulate(threshold=threshold, seed=s) for s in range(1, 60)]
    assert within([r.wait_here_s for r in runs], float(fan_out.theory(runs[0].at).wait_s), 0.01)


def test_the_formula_by_its_moments() -> None:
    at = fan_out.Setting(threshold=100_000.0)
    service = np.where(FOLLOWERS <= 100_000, FOLLOWERS, 0) / 1e6
    rho = 20 * service.mean()
    exact = fan_out.theory(at)
    assert exact.utilisation == pytest.approx(rho)
    assert exact.wait_s == pytest.approx(20 * (service**2).mean() / 2 / (1 - rho))
    assert fan_out.theory(at.but(threshold=1_000.0)).wait_s == 0
    assert fan_out.theory(at.but(threshold=1e6, post_rate_rps=60.0)).wait_s == np.inf


def test_pulling_the_largest_trades_insertions_for_queries() -> None:
    pushed, mixed = (fan_out.Setting(threshold=t) for t in (1_000_000.0, 100_000.0))
    before, after = fan_out.theory(pushed), fan_out.theory(mixed)
    assert after.writes_rps < before.writes_rps
    assert after.reads_rps > before.reads_rps
    waits = [fan_out.simulate(at).wait_here_s for at in (pushed, mixed)]
    assert waits[1] < waits[0] / 20
    # Every follow is paid for exactly once: pushed per post or pulled per read.
    for now in (before, after):
        pushes = now.writes_rps / 20 * 200
        pulls = (now.reads_rps / 100_000 - 1) * 2_000_000
        assert pushes + pulls == pytest.approx(FOLLOWERS.sum())


@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"threshold": 1_000.0, "read_rate_rps": 0.0},
        {"post_rate_rps": 60.0},
        {"threshold": 999_999.0},
        {"threshold": 100_000.0},
    ],
)
def test_what_the_learner_sees_is_the_result(setting: dict) -> None:
    run = fan_out.simulate(**setting)
    at, here, exact = run.at, fan_out.theory(run.at), fan_out.theory(run.at, THRESHOLDS)
    delay, work = drawn_by(fan_out, run)
    np.testing.assert_allclose(drawn.curve(delay, **style.THEORY)[:, 1], exact.wait_s)
    shown = np.isfinite(run.wait_s)
    seen = drawn.error_bars(delay, **style.DOTS)
    parts = [THRESHOLDS, run.wait_s, run.low_s, run.high_s]
    np.testing.assert_allclose(seen, [part[shown] for part in parts])
    _, mean, low, high = (part[shown] for part in parts)
    np.testing.assert_allclose(mean - low, high - mean)
    assert (low < mean)[mean > 0].all()
    lines = (
        (style.BLUE, exact.writes_rps),
        (style.VERMILION, exact.reads_rps),
        (style.INK, exact.writes_rps + exact.reads_rps),
    )
    for color, rate in lines:
        np.testing.assert_allclose(drawn.curve(work, color=color)[:, 1], rate)
    assert (drawn.here(delay), drawn.here(work)) == (at.threshold, at.threshold)
    over = here.utilisation >= 1
    pulled = sum(fans > at.threshold for fans in FOLLOWERS)
    idle = here.utilisation == 0
    waits = [] if over or idle else [f"a post waits {duration(run.wait_here_s)} on average"]
    busy = exact.utilisation[exact.utilisation < 1].max()
    rough = ["more than 60 % busy", "95 % of all runs."] if busy > 0.6 else []
    who = {0: "With nobody", 1: "With the largest author", 200: "With every author"}
    assert_tells(
        run.reading,
        f"{who.get(pulled, f'With the {pulled} largest authors')} pulled at reading",
        *waits,
        f"makes {significant(here.writes_rps)} insertions",
        f"{significant(here.reads_rps)} queries",
        *rough,
    )
    assert ("overloaded" in run.reading) == over
    assert ("nothing to deliver" in run.reading) == idle
    words = {"mean_wait_ms": run.wait_here_s, "mean_wait_theory_ms": float(here.wait_s)}
    for name, seconds in words.items():
        assert run.summary[name] == ("without end" if over else pytest.approx(1e3 * seconds))
    rest = [run.summary[n] for n in ("authors_pulled", "worker_utilisation", "insertions_rps",
                                     "queries_rps")]  # fmt: skip
    assert rest == pytest.approx([pulled, here.utilisation, here.writes_rps, here.reads_rps])
    milli = [1e3 * part for part in (run.wait_s, run.low_s, run.high_s, exact.wait_s)]
    assert_columns(run, THRESHOLDS, *milli, exact.writes_rps, exact.reads_rps)
