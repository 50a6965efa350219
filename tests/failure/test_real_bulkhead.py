"""Real thread pools, shared and apart, beside theory."""

from __future__ import annotations

import numpy as np

from helpers.failure import real_bulkhead
from helpers.foundations.drawing import style
from helpers.foundations.statistics import Interval
from tests import drawn
from tests.caching.conftest import tidy  # noqa: F401
from tests.checks import assert_legible, drawn_by
from tests.measurements import had_time


def test_real_pools(tidy):  # noqa: F811
    run = real_bulkhead.measure(copies=3, run_s=1.5)
    for both in run.refused.values():
        for interval in both:
            assert 0 <= interval.estimate <= 1
    assert run.reading.endswith(".")
    if had_time(run.reading):
        assert run.refused["shared"][0].estimate > run.refused["bulkheads"][0].estimate


def measured(shared, apart, late_s=0.0001):
    def about(share):
        return Interval(share, share - 0.05, share + 0.05, 0.95, 6)

    refused = {"shared": (about(shared), about(shared)), "bulkheads": (about(apart), about(0.6))}
    return real_bulkhead.MeasuredBulkhead(real_bulkhead.Trial(), refused, late_s)


def test_the_page_of_real_pools():
    assert measured(0.5, 0.03).reading.endswith("the bulkhead keeps them safe.")
    assert measured(0.1, 0.07).reading.endswith("too few requests to tell them apart.")
    assert measured(0.5, 0.03, late_s=0.02).reading.startswith("No verdict")
    run = measured(0.5, 0.03)
    (ax,) = drawn_by(real_bulkhead.plot_measured, run)
    bar = drawn.error_bars(ax, **style.MEASUREMENT)
    np.testing.assert_allclose(bar.middle, [0.5, 0.5, 0.03, 0.6])
    np.testing.assert_allclose(bar.low, np.array([0.5, 0.5, 0.03, 0.6]) - 0.05)
    np.testing.assert_allclose(run.columns["refused"], [0.5, 0.5, 0.03, 0.6])
    assert {"measured", "Erlang B"} <= {text.rstrip(" ●╌") for text in drawn.written(ax)}
    assert_legible(ax)
