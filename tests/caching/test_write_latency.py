"""What a write costs: the measurement, its verdict, and its picture."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.caching import write_latency
from helpers.foundations.drawing import style
from tests import drawn
from tests.checks import assert_columns, assert_legible, assert_tells, drawn_by


def test_write_latency(tidy):
    run = write_latency.measure(writes=30)
    _, database_s, through_s, behind_s = run.medians_s
    assert run.times_s.shape == (4, 30)
    assert np.all(run.times_s[1] > 0)
    assert behind_s < through_s
    assert run.batched_row_s < database_s


def measured(through_us=840.0):
    medians = np.array([0.25, 800.0, through_us, 1.5]) * 1e-6
    times_s = medians[:, np.newaxis] * np.array([0.5, 0.8, 1.0, 1.1, 3.0])
    return write_latency.MeasuredWriteLatency(write_latency.Trial(), times_s, 7e-6)


def test_a_verdict_can_be_bad():
    assert measured().verdict.endswith(": agrees")
    assert "takes 1.05 times" in measured().verdict
    assert measured(1_300.0).verdict.endswith(": disagrees")
    assert measured(400.0).verdict.endswith(": disagrees")


def test_the_page():
    run = measured()
    assert_tells(run.reading, "write-through 840 µs", "write-behind 1.5 µs", "costs 7 µs")
    assert run.summary == {
        "cache_us": 0.25,
        "database_us": 800,
        "write_through_us": 840,
        "write_behind_us": 1.5,
        "batched_row_us": 7,
    }
    medians = np.array([0.25, 800.0, 840.0, 1.5])
    assert_columns(
        run,
        write=write_latency.KINDS,
        median=medians,
        quarter_below=0.8 * medians,
        quarter_above=1.1 * medians,
    )
    (ax,) = drawn_by(write_latency, run)
    bars = drawn.error_bars(ax, **style.MEASUREMENT)
    assert bars.places.tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(bars.middle, 1e-6 * medians)
    np.testing.assert_allclose(bars.low, 0.8e-6 * medians)
    np.testing.assert_allclose(bars.high, 1.1e-6 * medians)
    places, values = drawn.marks(ax, "x")
    assert places.tolist() == [2]
    assert values == pytest.approx(800.25e-6)
    assert {"250 ns", "800 µs", "840 µs", "1.5 µs"} <= set(drawn.written(ax))
    assert_legible(ax)
