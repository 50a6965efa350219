"""A real herd at a slow origin, beside what theory expects of it."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.caching import expiry, real_expiry
from helpers.foundations.drawing import style
from helpers.foundations.prose import duration
from helpers.foundations.queueing import queue_length_at
from tests import drawn
from tests.checks import assert_columns, assert_tells, drawn_by
from tests.measurements import had_time


@pytest.mark.parametrize("fix", real_expiry.MEASURED_FIXES)
def test_a_real_herd(tidy, fix):
    run = real_expiry.measure(rate_rps=1_000.0, recompute_s=0.1, connections=20, fix=fix)
    assert run.clients > 200
    assert np.all(run.arrived_s >= 0)
    if fix == "single-flight":
        assert run.queries == 1
        assert run.saturated_s == 0
    else:
        assert run.queries > 30
        # Work is conserved: so many queries of that length through so many connections.
        assert run.answered_s[-1] >= run.queries * 0.1 / 20
        assert run.at_database.max() <= run.queries
    if had_time(run.verdict) and fix == "none":
        # The root of a Poisson count spreads by one half: 4.5 standard deviations.
        assert abs(np.sqrt(run.queries - 1) - np.sqrt(run.expected - 1)) < 2.25


def test_a_herd_that_takes_too_long_is_given_up(tidy):
    with pytest.raises(TimeoutError):
        real_expiry.measure(rate_rps=500.0, recompute_s=0.2, connections=1, timeout_s=0.5)


@pytest.mark.parametrize("rate_rps", [1.0, 1e6])
def test_a_herd_too_small_or_too_large_is_refused(rate_rps):
    with pytest.raises(ValueError, match="rate_rps x recompute_s must be 10 to 2,000 requests"):
        real_expiry.Trial(rate_rps=rate_rps)


def measured(queries=151, fix="none", late_s=0.001, filled_s=0.16):
    arrived = np.linspace(0.001, 0.15, queries)
    answered = 0.16 + 0.15 * (np.arange(queries) // 15)
    return real_expiry.MeasuredExpiry(
        real_expiry.Trial(fix=fix), 349, arrived, answered, filled_s=filled_s, late_s=late_s
    )


def test_a_verdict_can_be_bad():
    assert measured().verdict.endswith("agrees")
    assert measured(300).verdict.endswith("disagrees")
    assert measured(300, late_s=0.05).verdict.startswith("No verdict")
    assert measured(300, filled_s=0.19).verdict.endswith("an answer of 150 ms took 190 ms.")
    assert measured(1, "single-flight").verdict == "theory 1 query, measured 1: agrees"
    assert measured(2, "single-flight").verdict.endswith("disagrees")


def test_the_interval_is_that_of_a_poisson_count():
    interval = measured(101).interval
    assert (interval.low, interval.high) == pytest.approx((1 + 9.02**2, 1 + 10.98**2))


@pytest.mark.parametrize(("queries", "fix"), [(151, "none"), (1, "single-flight")])
def test_the_page_of_a_measurement(queries, fix):
    run = measured(queries, fix)
    if fix == "none":
        taken = f"all 15 connections were taken for {duration(run.saturated_s)}"
        assert_tells(run.reading, "without a fix: 349 clients", "151 queries", "161", taken)
        assert run.summary["queries_theory"] == 161
    else:
        assert_tells(run.reading, "single-flight: 349 clients", "1 query ", "theory: 1)")
        assert "always had a free connection" in run.reading
    assert run.summary["filled_ms"] == 160
    assert run.summary["saturated_ms"] == pytest.approx(1e3 * run.saturated_s, rel=6e-3)
    assert_columns(
        run,
        query=np.arange(1, queries + 1),
        arrived=run.arrived_s,
        answered=run.answered_s,
    )
    over_time, counts = drawn_by(real_expiry, run)
    points = drawn.curve(over_time, **style.MEASUREMENT | {"markersize": 4})
    present = queue_length_at(points[:, 0], run.arrived_s, run.answered_s)
    np.testing.assert_array_equal(points[:, 1], present)
    row = expiry.FIXES.index(fix) + 0.32
    if fix == "none":
        bar = drawn.error_bars(counts, **style.MEASUREMENT)
        assert [*bar.places, *bar.middle, *bar.low, *bar.high] == pytest.approx(
            [row, 151, run.interval.low, run.interval.high]
        )
    else:
        assert drawn.curve(counts, **style.MEASUREMENT).tolist() == [[1, row]]
