"""Real threads that search SQLite files, and wait for the slowest of them."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import duration
from helpers.foundations.statistics import quantile_interval
from helpers.sharding import real_scatter_gather, scatter_gather
from helpers.sharding.scatter_gather import FAN_OUTS
from tests import drawn
from tests.checks import assert_tells, drawn_by
from tests.measurements import had_time
from tests.sharding.checks import assert_columns


@pytest.mark.usefixtures("leaves_nothing_behind")
def test_gathered_sums_are_right_and_later_with_more_shards() -> None:
    run = real_scatter_gather.measure(fan_outs=(1, 16), queries=25)
    assert run.correct
    assert [len(times) for times in run.times_s] == [200, 25]
    if had_time(run.verdict):
        assert run.medians[1].estimate > 1.5 * run.medians[0].estimate
    assert run.predicted_s(0.5, 16) > run.predicted_s(0.5, 1)


def test_the_first_number_of_shards_is_one() -> None:
    for wrong in ((2, 4), (1, 4, 2), (1, 4, 4)):
        with pytest.raises(ValueError, match="fan_outs"):
            real_scatter_gather.Trial(fan_outs=wrong)


def test_what_the_learner_sees_of_a_measurement() -> None:
    times = np.linspace(0.001, 0.003, 201), np.linspace(0.002, 0.006, 41)
    at = real_scatter_gather.Trial(fan_outs=(1, 8))
    run = real_scatter_gather.MeasuredGather(at, times, correct=True, late_s=1e-6)
    medians = [quantile_interval(each, 0.5) for each in times]
    predicted = np.quantile(times[0], 0.5 ** (1 / np.arange(1, 9)))
    assert_tells(
        run.reading,
        f"answers in {duration(0.002)} in the median",
        f"last of 8 in {duration(0.004)}",
        f"predict {duration(predicted[-1])}",
    )
    interval = quantile_interval(times[0], 0.5 ** (1 / 8))
    ends = [f"{duration(each.low)} to {duration(each.high)}" for each in (interval, medians[1])]
    assert_tells(run.verdict, f"predict {duration(interval.estimate)} ({ends[0]})",
                 f"measured {duration(0.004)} ({ends[1]})")  # fmt: skip
    assert "disagrees" in run.verdict
    near = real_scatter_gather.MeasuredGather(at, (times[0], times[0] + 8e-4), True, 1e-6)
    assert near.verdict.endswith("overlap: agrees")
    late = real_scatter_gather.MeasuredGather(at, times, True, late_s=0.1)
    assert "No verdict" in late.verdict
    assert list(run.summary.items()) == [("median_1_shards_ms", pytest.approx(2)),
                                         ("median_8_shards_ms", pytest.approx(4))]  # fmt: skip
    low, high = ([1e3 * getattr(m, end) for m in medians] for end in ("low", "high"))
    p90 = [1e3 * np.quantile(each, 0.9) for each in times]
    expected_p90 = 1e3 * np.quantile(times[0], 0.9 ** (1 / np.array([1, 8])))
    assert_columns(run, (1, 8), (2, 4), low, high, 1e3 * predicted[[0, 7]], p90, expected_p90)
    (ax,) = drawn_by(real_scatter_gather.plot_measured, run)
    curve = drawn.curve(ax, **style.THEORY)
    np.testing.assert_allclose(curve, np.column_stack((np.arange(1, 9), predicted)))
    seen = drawn.error_bars(ax, **style.MEASUREMENT)
    np.testing.assert_allclose(
        seen, [(1, 8), (0.002, 0.004), np.divide(low, 1e3), np.divide(high, 1e3)]
    )
    nominal = scatter_gather.simulate()
    (ax,) = drawn_by(real_scatter_gather.plot_measured, nominal)
    points = drawn.curve(ax, **style.SIMULATION)
    np.testing.assert_allclose(points, np.column_stack((FAN_OUTS, nominal.p50_s)))
