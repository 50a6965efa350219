"""Asking many shards: order statistics, real shards behind a pool, and the page."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
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
