"""XFetch: theory by quadrature, the fast simulation, the open model, and the page."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.caching import expiry, xfetch
from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from tests import drawn
from tests.checks import (
    assert_columns,
    assert_legible,
    assert_mean,
    assert_share,
    assert_tells,
    diamonds,
    drawn_by,
    each_of,
)


def test_the_stampede_does_not_depend_on_the_rate():
    run = xfetch.simulate(replications=4_000)
    exact, rates = xfetch.theory(run.at), xfetch.RATES_RPS
    assert rates[-1] / rates[0] == pytest.approx(10_000)
    error = run.queries.half_width.max() / 1.96
    assert np.all(np.abs(run.queries.estimate - exact.queries) < 4.5 * error)
    # From 100 requests per second on, within 10 % of e; the unfixed herd grows a thousandfold.
    frequent = rates >= 99
    assert np.all(np.abs(run.queries.estimate[frequent] / math.e - 1) < 0.1)
    assert exact.unfixed[-1] / exact.unfixed[frequent][0] > 900


def test_its_limits():
    for beta in (0.5, 1.0, 2.0):
        assert xfetch.stampede(1e5, 0.5, beta) == pytest.approx(math.exp(1 / beta), rel=1e-9)
        assert xfetch.theory(xfetch.Setting(beta=beta)).limit == pytest.approx(math.exp(1 / beta))
    assert xfetch.stampede(1e-6, 0.5) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("beta", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("rate", [1.0, 5.0, 30.0, 300.0])
def test_theory_is_the_integral_it_came_from(rate, beta):
    recompute = 0.4
    at_expiry = rate * beta * recompute
    # The count x at the first refresh is exponential; given it, the mean number that follow.
    x = (np.arange(500_000) + 0.5) * 40 / 500_000
    scale = beta * recompute
    first = np.where(x < at_expiry, scale * np.log(x / at_expiry), (x - at_expiry) / rate)
    back = first + recompute
    by_then = np.where(
        back < 0, at_expiry * np.exp(np.minimum(back, 0) / scale), at_expiry + rate * back
    )
    integral = np.sum((1 + by_then - x) * np.exp(-x)) * 40 / 500_000
    assert xfetch.stampede(rate, recompute, beta) == pytest.approx(integral, rel=1e-4)


def test_the_fast_simulation_is_the_one_that_tosses_every_coin():
    rate, recompute = 40.0, 0.3
    at = xfetch.Setting(recompute_s=recompute, replications=4_000, seed=5)
    quick, leads = xfetch.drawn_stampedes(np.array([rate]), at)
    tossed = [
        expiry.simulate(rate_rps=rate, recompute_s=recompute, fix="early refresh", seed=seed)
        for seed in range(400)
    ]
    sizes = np.array([each.queries["early refresh"] for each in tossed])
    assert_mean(sizes, quick.mean(), allowance=4.5 * quick.std() / math.sqrt(4_000))
    assert_mean(
        [recompute - each.cached_s for each in tossed],
        leads.mean(),
        allowance=4.5 * leads.std() / math.sqrt(4_000),
    )
    for size in (1, 2, 4):  # not only the mean
        assert_share(int((sizes <= size).sum()), 400, float((quick <= size).mean()))


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_the_open_model_agrees_with_theory(beta):
    setting = {"recompute_s": 0.1, "beta": beta}
    runs = each_of(xfetch.stampedes, xfetch.Setting, 200, **setting)
    sizes = np.array([each["queries"] for each in runs])
    for column, rate in zip(sizes.T, runs[0]["rate_rps"], strict=True):
        assert_mean(column, xfetch.stampede(rate, 0.1, beta))


def test_the_lead_grows_with_the_logarithm_of_the_rate():
    run = xfetch.simulate(replications=4_000, recompute_s=0.4)
    exact = xfetch.theory(run.at).lead_s
    # A Gumbel distribution with scale 0.4 has a standard deviation of 0.4 pi / sqrt(6).
    error = 0.4 * math.pi / math.sqrt(6 * 4_000)
    late = xfetch.RATES_RPS >= 99
    assert np.all(np.abs(run.lead_s - exact)[late] < 4.5 * error)
    assert np.diff(exact) == pytest.approx(0.4 * math.log(10_000) / 12)


@pytest.mark.parametrize(
    "setting",
    [{}, {"recompute_s": 0.05, "beta": 0.25}, {"recompute_s": 2.0, "beta": 4.0}],
)
def test_the_page(setting):
    run = xfetch.simulate(**setting)
    exact, rates, sizes = xfetch.theory(run.at), xfetch.RATES_RPS, run.queries
    assert_tells(
        run.reading,
        "From 10 to 100,000 requests/s",
        significant(exact.unfixed[0]),
        significant(exact.unfixed[-1]),
        f"{significant(sizes.estimate[0])} queries at one end",
        f"{significant(sizes.estimate[-1])} at the other",
        duration(run.lead_s[-1]),
    )
    assert run.summary["queries_limit"] == pytest.approx(exact.limit, rel=6e-3)
    assert run.summary["unfixed_at_100000_rps"] == pytest.approx(exact.unfixed[-1], rel=6e-3)
    assert run.summary["lead_at_100000_rps_s"] == pytest.approx(run.lead_s[-1], rel=6e-3)
    assert_columns(
        run,
        requests_per_s=rates,
        queries=sizes.estimate,
        **{"from": sizes.low},
        to=sizes.high,
        theory=exact.queries,
        without=exact.unfixed,
        lead_=run.lead_s,
        **{"lead,": exact.lead_s},
    )
    left, right = drawn_by(xfetch, run, mine={"rate_rps": [20.0, 200.0], "queries": [2.0, 3.0]})
    bars = drawn.error_bars(left, **style.DOTS)
    np.testing.assert_allclose(bars.middle, sizes.estimate)
    np.testing.assert_allclose(bars.low, sizes.low)
    np.testing.assert_allclose(bars.high, sizes.high)
    for ax, look, values in (
        (left, style.THEORY, exact.queries),
        (left, {"color": style.VERMILION, "linestyle": "-"}, exact.unfixed),
        (right, {"color": style.BLUE}, run.lead_s),
        (right, style.THEORY, exact.lead_s),
    ):
        np.testing.assert_allclose(drawn.curve(ax, **look), np.column_stack([rates, values]))
    assert drawn.levels(left, color=style.MUTED) == [exact.limit]
    assert drawn.levels(right, color=style.MUTED) == [0]
    assert diamonds(left).tolist() == [[20, 2], [200, 3]]
    assert_legible(left, right)
