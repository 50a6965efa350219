"""Asking many shards: order statistics, real shards behind a pool, and the page."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from helpers.foundations.statistics import quantile_interval
from helpers.sharding import scatter_gather
from helpers.sharding.answer_times import (
    Answers,
    any_slow,
    mean_of_slowest,
    sampled_quantile_of_slowest,
)
from helpers.sharding.scatter_gather import FAN_OUTS, quantile_of_slowest
from tests import drawn
from tests.checks import assert_tells, drawn_by
from tests.measurements import had_time
from tests.sharding.checks import Z, assert_columns


def test_tail_at_scale_has_the_papers_number() -> None:
    # Dean and Barroso 2013: 1 % slow servers, 100 of them, 63 % slow requests.
    assert any_slow(0.01, 100) == pytest.approx(0.634, abs=5e-4)


def test_gather_quantile_inverts_the_distribution() -> None:
    answers = Answers(0.01, 0.02, 0.5)
    for q in (0.5, 0.9, 0.999):
        at = quantile_of_slowest(q, [1, 7, 100], answers)
        for t, n in zip(at, (1, 7, 100), strict=True):
            assert (1 - answers.survival(t)) ** n == pytest.approx(q, abs=1e-9)


def test_exponential_maximum_is_harmonic() -> None:
    # The mean of the slowest by integrating the survival 1 - F^n.
    t = np.linspace(0, 0.4, 200_001)
    for n in (1, 2, 10, 100):
        survival = 1 - (1 - Answers(0.01, 0.0, 0.0).survival(t)) ** n
        assert np.trapezoid(survival, t) == pytest.approx(mean_of_slowest(n, 0.01), rel=1e-5)


def test_a_sample_predicts_like_its_law() -> None:
    even = np.linspace(0, 1, 10_001)
    assert sampled_quantile_of_slowest(even, 0.5, [1, 10]) == pytest.approx([0.5, 0.5**0.1])


def test_simulation_equals_order_statistics() -> None:
    for seed in (1, 2, 3):
        run = scatter_gather.simulate(seed=seed, slow_probability=0.013)
        m = 2_000
        for slow, p in zip(run.slow, any_slow(0.013, FAN_OUTS), strict=True):
            assert abs(slow - p) < Z * np.sqrt(p * (1 - p) / m)
        for q, simulated in ((0.5, run.p50_s), (0.99, run.p99_s)):
            # The simulated quantile, put through the exact law, must give back q.
            for t, n in zip(simulated, FAN_OUTS, strict=True):
                exact = (1 - Answers(0.01, 0.013, 1.0).survival(t)) ** n
                assert abs(exact - q) < Z * np.sqrt(q * (1 - q) / m) + 1 / m


@pytest.mark.parametrize(
    "setting", [{}, {"fan_out": 1, "slow_probability": 0.5}, {"fan_out": 7, "slow_ms": 1.0}]
)
def test_what_the_learner_sees_is_the_result(setting: dict) -> None:
    run = scatter_gather.simulate(**setting)
    at, exact = run.at, scatter_gather.theory(run.at, FAN_OUTS)
    here = float(scatter_gather.theory(run.at).slow)
    slow, latency = drawn_by(scatter_gather, run)
    np.testing.assert_allclose(drawn.curve(slow, **style.THEORY)[:, 1], exact.slow)
    points = drawn.curve(slow, marker="o", color=style.BLUE)
    np.testing.assert_allclose(points, np.column_stack((FAN_OUTS, run.slow)))
    curves = [line.get_ydata() for line in drawn.lines(latency, **style.THEORY)]
    np.testing.assert_allclose(curves, [exact.p99_s, exact.p50_s])
    np.testing.assert_allclose(drawn.curve(latency, marker="^")[:, 1], run.p99_s)
    np.testing.assert_allclose(drawn.curve(latency, marker="o")[:, 1], run.p50_s)
    assert (drawn.here(slow), drawn.here(latency)) == (at.fan_out, at.fan_out)
    shards = f"but a request that needs all of {at.fan_out} shards is slow"
    if at.fan_out == 1:
        shards = "and a request that needs 1 shard is slow"
    assert_tells(
        run.reading,
        f"One answer in {significant(1 / at.slow_probability)} is slow",
        f"{shards} {significant(100 * here)} % of the time",
        f"({significant(100 * run.slow_here)} % here)",
        f"median of {duration(run.p50_here_s)}",
    )
    edge = (100 * run.slow_here, 100 * here, 1e3 * run.p50_here_s, 1e3 * run.p99_here_s)
    assert list(run.summary.values()) == pytest.approx(edge)
    columns = (1e3 * run.p50_s, 1e3 * exact.p50_s, 1e3 * run.p99_s, 1e3 * exact.p99_s)
    assert_columns(run, FAN_OUTS, run.slow, exact.slow, *columns)


# --- real shards --------------------------------------------------------------------------------


@pytest.mark.usefixtures("leaves_nothing_behind")
def test_gathered_sums_are_right_and_later_with_more_shards() -> None:
    run = scatter_gather.measure(fan_outs=(1, 16), queries=25)
    assert run.correct
    assert [len(times) for times in run.times_s] == [200, 25]
    if had_time(run.verdict):
        assert run.medians[1].estimate > 1.5 * run.medians[0].estimate
    assert run.predicted_s(0.5, 16) > run.predicted_s(0.5, 1)


def test_the_first_number_of_shards_is_one() -> None:
    for wrong in ((2, 4), (1, 4, 2), (1, 4, 4)):
        with pytest.raises(ValueError, match="fan_outs"):
            scatter_gather.Trial(fan_outs=wrong)


def test_what_the_learner_sees_of_a_measurement() -> None:
    times = np.linspace(0.001, 0.003, 201), np.linspace(0.002, 0.006, 41)
    at = scatter_gather.Trial(fan_outs=(1, 8))
    run = scatter_gather.MeasuredGather(at, times, correct=True, late_s=1e-6)
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
    near = scatter_gather.MeasuredGather(at, (times[0], times[0] + 8e-4), True, 1e-6)
    assert near.verdict.endswith("overlap: agrees")
    late = scatter_gather.MeasuredGather(at, times, True, late_s=0.1)
    assert "No verdict" in late.verdict
    assert list(run.summary.items()) == [("median_1_shards_ms", pytest.approx(2)),
                                         ("median_8_shards_ms", pytest.approx(4))]  # fmt: skip
    low, high = ([1e3 * getattr(m, end) for m in medians] for end in ("low", "high"))
    p90 = [1e3 * np.quantile(each, 0.9) for each in times]
    expected_p90 = 1e3 * np.quantile(times[0], 0.9 ** (1 / np.array([1, 8])))
    assert_columns(run, (1, 8), (2, 4), low, high, 1e3 * predicted[[0, 7]], p90, expected_p90)
    (ax,) = drawn_by(scatter_gather.plot_measured, run)
    curve = drawn.curve(ax, **style.THEORY)
    np.testing.assert_allclose(curve, np.column_stack((np.arange(1, 9), predicted)))
    seen = drawn.error_bars(ax, **style.MEASUREMENT)
    np.testing.assert_allclose(
        seen, [(1, 8), (0.002, 0.004), np.divide(low, 1e3), np.divide(high, 1e3)]
    )
    nominal = scatter_gather.simulate()
    (ax,) = drawn_by(scatter_gather.plot_measured, nominal)
    points = drawn.curve(ax, **style.SIMULATION)
    np.testing.assert_allclose(points, np.column_stack((FAN_OUTS, nominal.p50_s)))
