"""A time-out and a fallback on a real server: what theory says, the measurement, its page."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.failure import real_fallback
from helpers.foundations.drawing import style
from helpers.foundations.prose import duration
from helpers.foundations.statistics import Interval
from tests import drawn
from tests.caching.conftest import tidy  # noqa: F401
from tests.checks import assert_columns, assert_legible, assert_mean, assert_share, caught, drawn_by
from tests.measurements import had_time

Trial = real_fallback.Trial


def check_theory(at, factor=1.0):
    """Draw a hundred thousand answers, cut each at the time-out, and compare with the formula."""
    rng = np.random.default_rng(7)
    slow = rng.random(100_000) < at.slow
    answers_ms = np.where(slow, at.slow_ms, rng.exponential(at.answer_ms, slow.size))
    for timeout_ms in real_fallback.TIMEOUTS_MS:
        exact = real_fallback.theory(at, timeout_ms)
        wait_s = 1e-3 * np.minimum(answers_ms, factor * timeout_ms)
        assert_mean(wait_s, exact.wait_s)
        assert_share(int((answers_ms > timeout_ms).sum()), slow.size, exact.fallback)


@pytest.mark.parametrize("values", [{}, {"slow": 0.0}, {"slow": 1.0}, {"answer_ms": 50.0}])
def test_waits_and_fallbacks_are_what_the_formula_says(values):
    check_theory(Trial(**values))


def test_a_time_out_that_runs_out_late_is_caught():
    caught(check_theory, Trial(), 1.1)


def test_a_real_server_and_real_time_outs(tidy):  # noqa: F811
    run = real_fallback.measure(pages=60, run_s=0.4, slow_ms=500.0)
    shares = [each.estimate for each in run.fallback]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] == 0  # who waits for ever gets the answer
    assert run.slowest_s[-1] >= 0.5
    # A page never gives up before its time-out is over.
    for timeout_ms, slowest_s, share in zip(
        real_fallback.TIMEOUTS_MS, run.slowest_s, shares, strict=True
    ):
        assert share == 0 or slowest_s >= 1e-3 * timeout_ms - 1e-3
    if had_time(run.reading) and run.bounded:
        assert run.wait[2].estimate < run.wait[-1].estimate


def measured(slowest_ms=101.0, late_s=0.0001):
    def about(middle):
        return Interval(middle, 0.9 * middle, 1.1 * middle, 0.95, 300)

    at = Trial()
    exact = [real_fallback.theory(at, each) for each in real_fallback.TIMEOUTS_MS]
    slowest = (0.03, 0.05, 1e-3 * slowest_ms, 0.2, 0.4, 1.0)
    return real_fallback.MeasuredFallback(
        at,
        tuple(about(each.wait_s) for each in exact),
        tuple(about(each.fallback) for each in exact),
        slowest,
        late_s,
    )


def test_the_page_of_a_time_out():
    run = measured()
    exact = [real_fallback.theory(run.at, each) for each in real_fallback.TIMEOUTS_MS]
    for i in (2, -1):
        ends = f"{duration(run.wait[i].low)} to {duration(run.wait[i].high)}"
        assert f"(95 % interval {ends}, theory {duration(exact[i].wait_s)})" in run.reading
        assert f"the slowest for {duration(run.slowest_s[i])}" in run.reading
    assert run.reading.endswith("has bounded the wait, and the fallback is its price.")
    assert measured(180.0).reading.endswith("held for much longer than their time-out.")
    assert measured(late_s=0.02).reading.startswith("No verdict")
    waits = [1e3 * each.estimate for each in run.wait]
    shares = [each.estimate for each in run.fallback]
    assert_columns(
        run,
        **{"time-out": ("25 ms", "50 ms", "100 ms", "200 ms", "400 ms", "none")},
        mean=waits,
        **{"theory (ms)": [1e3 * each.wait_s for each in exact]},
        slowest=[1e3 * each for each in run.slowest_s],
        fallback=shares,
        theory=[each.fallback for each in exact],
    )
    left, right = drawn_by(real_fallback.plot_measured, run)
    for ax, middle in ((left, waits), (right, shares)):
        np.testing.assert_allclose(drawn.error_bars(ax, **style.MEASUREMENT).middle, middle)
        assert_legible(ax)
    assert math.isclose(exact[-1].wait_s, 0.118)
