"""Alerts, percentiles, gray failures: published numbers, theory, the edits, and the page."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.failure import burn_rate, gray, percentiles
from helpers.failure.burn_rate import ALERTS, NAIVE
from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, percent, significant
from tests import drawn
from tests.checks import (
    assert_columns,
    assert_legible,
    assert_mean,
    drawn_by,
    runs_of,
)
from tests.models import edited

MODEL = "helpers.failure.burn_rate:rates, goes_off, one_month"


def test_the_table_of_the_sre_workbook():
    # Beyer et al., The Site Reliability Workbook, 2018, chapter 5: 2 % of the budget in 1 h, 5 %
    # in 6 h, 10 % in 3 days are burn rates of 14.4, 6 and 1; short windows are a twelfth.
    assert [burn_rate.budget_spent(alert) for alert in ALERTS] == pytest.approx([0.02, 0.05, 0.1])
    assert [alert.short_min * 12 for alert in ALERTS] == [alert.long_min for alert in ALERTS]
    assert [(alert.long_min, alert.threshold) for alert in ALERTS] == [
        (60, 14.4), (360, 6.0), (4_320, 1.0)]  # fmt: skip
    # A full outage at 99.9 %: (1 - SLO) / error ratio x window x burn rate.
    at = burn_rate.Setting(errors=1.0, usual=0.0)
    assert 60 * float(burn_rate.theory(at, ALERTS[0])) == pytest.approx(51.84)


@pytest.mark.parametrize("errors", [1.0, 0.1, 0.02])
def test_an_alert_goes_off_when_theory_says(errors):
    # To the minute in which the sums are looked at, and the noise of the counts.
    at = burn_rate.Setting(errors=errors, rps=100.0, lasts_h=48.0)
    runs = [burn_rate.simulate(at.but(seed=seed)) for seed in range(10)]
    for alert in ALERTS:
        expected = float(burn_rate.theory(at, alert))
        seen = [run.seen_min[alert.name] for run in runs]
        if math.isnan(expected):
            assert np.isnan(seen).all()
        else:
            assert_mean(seen, expected + 0.5, allowance=0.6 + 0.05 * expected)


def test_what_does_not_burn_fast_enough_never_pages():
    run = burn_rate.simulate(errors=0.005, lasts_h=96.0, rps=100.0)
    assert np.isnan([run.seen_min[alert.name] for alert in ALERTS[:2]]).all()
    assert run.seen_min[ALERTS[2].name] == pytest.approx(
        float(burn_rate.theory(run.at, ALERTS[2])), rel=0.1
    )


def test_windows_keep_the_nights_quiet():
    run = burn_rate.simulate()
    assert [run.false[alert.name] for alert in ALERTS] == [0, 0, 0]
    assert run.false[NAIVE.name] > 100


def test_an_alert_without_its_short_window_stays_on_for_an_hour():
    # Seen in what comes after a short incident: `goes_off` is what pages.
    alone = edited("helpers.failure.burn_rate:rates, goes_off", "long & short", "long")
    at = burn_rate.Setting()
    asked = np.full(600, 600.0)
    failed = np.zeros(600)
    failed[100:120] = 300.0  # twenty minutes of 50 %
    both = burn_rate.goes_off(at, ALERTS[0], asked, failed)
    long = alone(at, ALERTS[0], asked, failed)
    assert np.flatnonzero(both)[-1] <= 125
    assert np.flatnonzero(long)[-1] >= 170


def test_an_alert_that_looks_at_five_minutes_alone_wakes_people():
    hasty = edited(MODEL, "long & short", "short")
    out = runs_of(hasty, burn_rate.Setting, rps=0.1)
    before = runs_of(burn_rate.one_month, burn_rate.Setting, rps=0.1)
    assert out[f"false {ALERTS[0].name}"] > 20 + before[f"false {ALERTS[0].name}"]


@pytest.mark.parametrize("setting", [{}, {"errors": 1.0}, {"errors": 0.0005},
                                     {"errors": 0.002, "lasts_h": 96.0}, {"rps": 0.05},
                                     {"lasts_h": 0.05}])  # fmt: skip
def test_the_page_of_alerts(setting):
    run = burn_rate.simulate(**setting)
    at = run.at
    assert f"a burn rate of {significant(at.errors / at.budget)}" in run.reading
    seen = [run.seen_min[alert.name] for alert in ALERTS]
    if np.isfinite(seen).any():
        first = int(np.nanargmin(seen))
        assert f"“{ALERTS[first].name}”, after {duration(60 * seen[first])}" in run.reading
    else:
        assert "none of the three goes off" in run.reading
    every = (*ALERTS, NAIVE)
    theory = [float(burn_rate.theory(at, alert)) for alert in every]
    np.testing.assert_allclose(run.columns["theory (min)"], theory)
    np.testing.assert_allclose(
        run.columns["goes off after (min)"], [run.seen_min[alert.name] for alert in every]
    )
    mine = {alert.name: 7.0 for alert in every}
    (ax,) = drawn_by(burn_rate, run, mine=mine)
    for alert in every:
        curve = drawn.curve(ax, **style.THEORY | {"color": alert.color})
        expected = 60 * burn_rate.theory(at, alert, curve[:, 0])
        np.testing.assert_allclose(curve[:, 1], expected)
        when = run.seen_min[alert.name]
        if math.isfinite(when):
            dot = drawn.curve(ax, **style.DOTS | {"color": alert.color})
            np.testing.assert_allclose(dot, [[at.errors, 60 * when]])
        assert any(text.startswith(f"{alert.name}: {run.false[alert.name]:,} false")
                   for text in drawn.written(ax))  # fmt: skip
    assert_legible(*drawn_by(burn_rate, run))


# --- percentiles ----------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", [{}, {"slow": 0}, {"servers": 50}, {"servers": 4, "slow": 5}])
def test_percentiles_are_as_theory_says(setting):
    runs = [percentiles.simulate(**setting, seed=seed) for seed in range(12)]
    exact = percentiles.theory(runs[0].at)
    for name in exact._fields:
        # Percentiles of 10,000 times are off by some tenths of a per cent.
        value = getattr(exact, name)
        assert_mean([getattr(run, name) for run in runs], value, allowance=0.004 * value)
    assert percentiles.beyond(runs[0].at, exact.true_ms) == pytest.approx(0.01)


@pytest.mark.parametrize("setting", [{}, {"slow": 0}, {"factor": 1.0}, {"servers": 2, "slow": 5},
                                     {"factor": 100.0, "servers": 50}])  # fmt: skip
def test_the_page_of_percentiles(setting):
    run = percentiles.simulate(**setting)
    at, exact = run.at, percentiles.theory(run.at)
    for value in (run.averaged_ms, run.true_ms, exact.true_ms):
        assert duration(1e-3 * value) in run.reading
    slower = float(percentiles.beyond(at, run.averaged_ms))
    assert f"{significant(100 * slower)} % of the requests" in run.reading
    alike = not at.slow_ones or at.factor == 1
    assert run.reading.startswith("All") == alike
    simulated = [run.overall_ms, run.averaged_ms, run.true_ms]
    names = ["mean", "average of p99", "p99 of all"]
    assert_columns(run, what=names, simulated=simulated, theory=exact)
    (ax,) = drawn_by(percentiles, run)
    curve = drawn.curve(ax, **style.THEORY)
    np.testing.assert_allclose(curve[:, 1], percentiles.beyond(at, curve[:, 0]))
    for value, color in ((exact.averaged_ms, style.VERMILION), (exact.true_ms, style.BLUE)):
        line = drawn.curve(ax, color=color, linestyle=":")
        np.testing.assert_allclose(line[:, 0], value)
    assert_legible(ax)


# --- gray failures --------------------------------------------------------------------------------


def test_round_robin_gives_a_gray_server_its_share():
    for fails, servers in ((1.0, 10), (0.5, 4)):
        run = gray.simulate(fails=fails, servers=servers)
        assert run.share == pytest.approx(1 / servers)
        spread = math.sqrt(fails * (1 - fails) / (2_000 / servers)) / servers
        assert abs(run.failed - gray.theory(run.at)) <= 4.5 * spread + 1e-12


def test_fewest_in_flight_draws_traffic_to_whoever_fails_quickly():
    shares = [gray.simulate(balancer="fewest in flight", utilisation=u).failed
              for u in (0.1, 0.5, 0.85)]  # fmt: skip
    assert shares == sorted(shares)
    assert shares[0] == pytest.approx(0.1, abs=0.03)
    assert shares[-1] > 0.3
    healthy = gray.simulate(balancer="fewest in flight", fails=0.0)
    assert healthy.failed == 0
    assert healthy.share == pytest.approx(0.1, abs=0.03)


def test_the_mean_gets_better():
    run = gray.simulate(balancer="fewest in flight")
    assert run.mean_s < 0.9 * run.well_s
    assert "shorter than" in run.reading


@pytest.mark.parametrize("setting", [{}, {"balancer": "fewest in flight", "utilisation": 0.9},
                                     {"servers": 2, "fails": 0.0}, {"servers": 20,
                                     "balancer": "fewest in flight"}])  # fmt: skip
def test_the_page_of_a_gray_failure(setting):
    run = gray.simulate(**setting)
    at = run.at
    for share in (at.fails, run.share, run.failed, gray.theory(at)):
        assert percent(share) in run.reading
    assert duration(run.mean_s) in run.reading
    assert duration(run.well_s) in run.reading
    assert_columns(run, utilisation=gray.LOADS, failed=run.curve)
    each, curve = drawn_by(gray, run)
    share = run.requests / run.requests.sum()
    assert drawn.bars(each, facecolor=style.VERMILION).ends.tolist() == [share[0]]
    np.testing.assert_allclose(drawn.bars(each, facecolor=style.PALE_BLUE).ends, share[1:])
    points = drawn.curve(curve, **style.SIMULATION)
    np.testing.assert_allclose(points, np.column_stack([gray.LOADS, run.curve]))
    assert drawn.levels(curve, **style.THEORY) == [gray.theory(at)]
    np.testing.assert_allclose(drawn.rings(curve), [[at.utilisation, run.failed]])
    assert_legible(*drawn_by(gray, run))
