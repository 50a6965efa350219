"""What must hold of the chapter's simulations; the same checks meet the mutants.

A statistical check runs a simulation with many seeds and compares the mean of its answers with an
exact value through an interval of confidence 99.9 %. All seeds are fixed, so each check gives the
same answer every time; with other seeds a correct implementation would fail one of them with
probability 1/1000.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from helpers import scaling
from helpers.foundations.statistics import mean_interval

CONFIDENCE = 0.999


def assert_agrees(samples: Sequence[float], theory: float, bias: float = 0.0) -> None:
    """Independent answers, whose mean must be what theory says up to a relative `bias`."""
    interval = mean_interval(np.asarray(samples, dtype=float), CONFIDENCE)
    slack = bias * abs(theory)
    assert interval.low - slack <= theory <= interval.high + slack, (
        f"theory {theory:.5g}, {interval}"
    )


def check_knee(simulate: Callable[..., scaling.KneeResult], servers: int, load: float) -> None:
    """Mean and 99th percentile of the response are M/M/c's.

    The percentile of 16 runs of 1,300 requests is off by up to 2 % of itself on average.
    """
    results = [simulate(utilisation=load, servers=servers, seed=seed) for seed in range(24)]
    theory = scaling.theory_knee(load, 0.020, servers)
    assert_agrees([r.here_mean.estimate for r in results], theory.mean_s)
    assert_agrees([r.here_p99.estimate for r in results], theory.p99_s, bias=0.02)


def check_run_length(simulate: Callable[..., scaling.RunLengthResult], load: float) -> None:
    """Runs are unbiased, spread as the asymptotic variance says, and the intervals behave.

    At 4,096 requests the variance of a run's mean is within 15 % of its asymptote.
    """
    results = [simulate(utilisation=load, requests=4_096, seed=seed) for seed in range(12)]
    means = np.concatenate([r.means for r in results])
    assert_agrees(means, 1 / (1 - load))
    squares = (means - 1 / (1 - load)) ** 2
    assert_agrees(squares, scaling.theory_run_length(load) / 4_096, bias=0.15)
    naive = np.mean([r.naive_coverage for r in results])
    batch = np.mean([r.batch_coverage for r in results])
    assert naive < 0.6 < 0.8 < batch <= 1.0


def check_wait_share(simulate: Callable[..., object], load: float, servers: int) -> None:
    """The share of requests that waits is Erlang's C."""
    from helpers.foundations import queueing

    shares = []
    for seed in range(16):
        *_, last = simulate(load, servers, service_times=800, seed=seed)
        shares.append(last.estimate)
    assert_agrees(shares, float(queueing.erlang_c(load, servers)))


def check_bottleneck(simulate: Callable[..., scaling.BottleneckResult]) -> None:
    """Throughput is the exact network's and never exceeds a bound by more than the noise."""
    results = [simulate(seed=seed) for seed in range(16)]
    rows = results[0].grid - 1
    exact = results[0].theory.exact
    for i, row in enumerate(rows):
        rates = [r.throughput.estimate[i] for r in results]
        assert_agrees(rates, float(exact.throughput_rps[row]), bias=0.005)
        times = [r.response.estimate[i] for r in results]
        assert_agrees(times, float(exact.response_s[row]), bias=0.02)


def check_scalability(simulate: Callable[..., scaling.ScalabilityResult], pattern: str) -> None:
    """Throughput is the scalability law's when all come at once, else the machine repairman's.

    A rate is a number over a random time, so its mean is a little high: by less than 0.1 % over a
    hundred rounds, and by up to 1 % over the 1,200 requests of the other pattern.
    """
    results = [simulate(pattern=pattern, seed=seed) for seed in range(16)]
    first = results[0]
    in_rounds = pattern == scaling.PATTERNS[0]
    expected = first.usl_rps if in_rounds else first.repairman_rps
    for i, workers in enumerate(first.grid):
        rates = [r.throughput.estimate[i] for r in results]
        assert_agrees(rates, float(expected[workers - 1]), bias=0.001 if in_rounds else 0.01)


def check_pooling(simulate: Callable[..., scaling.PoolingResult], variability: str) -> None:
    """Waits and responses of the three designs are the closed forms', where there are any."""
    results = [simulate(variability=variability, seed=seed) for seed in range(16)]
    first = results[0]
    # A random split leaves each server a quarter of the requests, too few to forget the empty
    # start entirely: that design's waits are up to 2 % low at 80 %.
    for kind in ("response", "wait"):
        theory = getattr(first, f"theory_{kind}")
        for (design, column), value in np.ndenumerate(theory):
            if np.isnan(value):
                continue
            samples = [getattr(r, kind).estimate[design, column] for r in results]
            assert_agrees(samples, float(value), bias=0.02)


def check_availability(simulate: Callable[..., scaling.AvailabilityResult]) -> None:
    """Downtime of every stage is what series and parallel formulas say."""
    setting = {"mtbf_days": 2.0, "mttr_h": 6.0, "needed": 2, "spare": 1}
    for extra in ({}, {"second_balancer": True, "replica": True}):
        results = [simulate(**setting, **extra, seed=seed) for seed in range(12)]
        for i, expected in enumerate(results[0].theory_h):
            samples = [r.downtime_h.estimate[i] for r in results]
            assert_agrees(samples, float(expected), bias=0.01)


def check_speedup(simulate: Callable[..., scaling.SpeedupResult]) -> None:
    """No speed-up beats Amdahl's, and list scheduling is never worse than Graham's bound."""
    for serial, tasks in ((0.0, 1_000), (5.0, 400), (20.0, 50), (100.0, 10)):
        result = simulate(serial_percent=serial, tasks=tasks)
        bound = scaling.theory_speedup(serial / 100, result.grid)
        assert (result.speedup.estimate <= bound * (1 + 1e-9)).all()
        assert (np.diff(result.speedup.estimate) >= -1e-9).all()
        # The last task starts when some core falls idle, so the makespan is at most the mean load
        # plus the largest task; exponential pieces have a largest one of about ln(tasks) / tasks.
        share = 1 / result.grid + 3 * np.log(max(tasks, 3)) / tasks
        worst = 1 / (serial / 100 + (1 - serial / 100) * np.minimum(share, 1))
        assert (result.speedup.estimate >= worst * (1 - 1e-9)).all()
    fine = simulate(serial_percent=5.0, tasks=1_000)
    small = fine.grid <= 8
    bound = scaling.theory_speedup(0.05, fine.grid[small])
    np.testing.assert_allclose(fine.speedup.estimate[small], bound, rtol=0.02)
