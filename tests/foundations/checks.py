"""What must hold of an engine, a workload or an interval: the same checks meet the mutants.

A statistical check compares a simulation with an exact value through an interval of confidence
99.9 %. All seeds are fixed, so a check gives the same answer each time; with another seed a correct
implementation would fail one of them with probability 1/1000.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable

import numpy as np

from helpers.foundations import queueing
from helpers.foundations.statistics import Interval, Intervals, mean_interval
from helpers.foundations.traffic.arrivals import arrival_scv, unit_gaps
from helpers.foundations.traffic.services import service_scv, unit_services
from helpers.foundations.traffic.streams import streams

CONFIDENCE = 0.999
REPLICATIONS = 400
CUSTOMERS = 3_000
WARM_UP = 1_000  # at utilisation 0.7 the empty start is forgotten after a few dozen services

Engine = Callable[[np.ndarray, np.ndarray, int], np.ndarray]


def assert_agrees(samples: np.ndarray, theory: float) -> None:
    """Independent samples, whose mean must be what theory says."""
    interval = mean_interval(samples, CONFIDENCE)
    assert interval.contains(theory), f"theory {theory:.5g}, simulated {interval}"


@functools.cache
def draw(kind_of_gap: str, kind_of_service: str) -> tuple[np.ndarray, np.ndarray]:
    """Unit-mean gaps and services of all replications, the same for every engine."""
    rng = streams(20_240, "gaps", "services")
    shape = (REPLICATIONS, CUSTOMERS)
    gaps = unit_gaps(kind_of_gap, shape, rng["gaps"])
    services = unit_services(kind_of_service, shape, rng["services"])
    for array in (gaps, services):
        array.setflags(write=False)
    return gaps, services


def stationary_waits(
    engine: Engine,
    load: float,
    servers: int,
    gaps: np.ndarray,
    services: np.ndarray,
) -> np.ndarray:
    """Waits after the warm-up, shape (R, n), at mean service time 1."""
    arrivals = np.cumsum(gaps, axis=1) / (load * servers)
    return engine(arrivals, services, servers)[:, WARM_UP:]


def check_mean_wait(engine: Engine, servers: int, gap: str, service: str, load: float) -> None:
    """The mean wait is the exact one, where there is one."""
    waits = stationary_waits(engine, load, servers, *draw(gap, service))
    if gap == "bursty":
        assert (servers, service) == (1, "exponential")
        theory = queueing.bursty_wait(load, 1.0, arrival_scv(gap))
    elif servers == 1:
        theory = queueing.mg1_wait(load, 1.0, service_scv(service))
    else:
        assert service == "exponential"
        theory = queueing.mmc_wait(load * servers, 1.0, servers)
    assert_agrees(waits.mean(axis=1), theory)


def check_distribution(
    engine: Engine, servers: int, load: float, replications: int = REPLICATIONS
) -> None:
    """The shares of requests that wait at all, and longer than two quantiles, are exact."""
    gaps, services = (array[:replications] for array in draw("poisson", "exponential"))
    waits = stationary_waits(engine, load, servers, gaps, services)
    assert_agrees((waits > 0).mean(axis=1), queueing.erlang_c(load * servers, servers))
    for q in (0.9, 0.99):
        limit = queueing.mmc_wait_percentile(load * servers, 1.0, servers, q)
        assert_agrees((waits > limit).mean(axis=1), 1 - q)
        limit = queueing.mmc_response_percentile(load * servers, 1.0, servers, q)
        responses = waits + services[:, WARM_UP:]
        assert_agrees((responses > limit).mean(axis=1), 1 - q)


def check_rules(engine: Engine, servers: int) -> None:
    """First come, first served, and nobody waits while a server is idle: bit by bit."""
    rng = np.random.default_rng(5)
    # Whole numbers: every sum is exact, and customers tie all the time.
    arrivals = np.cumsum(rng.integers(0, 3, (40, 60)), axis=1).astype(float)
    services = rng.integers(0, 2 * servers + 2, (40, 60)).astype(float)
    starts = arrivals + engine(arrivals, services, servers)
    ends = starts + services
    assert (starts >= arrivals).all(), "no one is served before they come"
    assert (np.diff(starts, axis=1) >= 0).all(), "served in the order they come"
    for path in range(len(starts)):
        events = np.unique(np.concatenate([starts[path], ends[path]]))
        for a, b in itertools.pairwise(events):
            busy = ((starts[path] <= a) & (ends[path] >= b)).sum()
            waiting = ((arrivals[path] <= a) & (starts[path] >= b)).sum()
            assert busy <= servers, "no more customers in service than servers"
            assert busy == servers or waiting == 0, "no server idles while someone waits"


def check_poisson(gaps: Callable[[tuple[int, int], np.random.Generator], np.ndarray]) -> None:
    """Unit-rate arrivals whose counts in windows are Poisson: mean and variance equal."""
    times = np.cumsum(gaps((400, 2_000), np.random.default_rng(11)), axis=1)
    edges = np.arange(100.0, 1_600.0, 5.0)
    counts = np.stack([np.diff(np.searchsorted(path, edges)) for path in times])
    assert_agrees(counts.mean(axis=1), 5.0)
    assert_agrees(((counts - 5.0) ** 2).mean(axis=1), 5.0)


def check_moments(draws: np.ndarray, scv: float) -> None:
    """Unit mean and the variance promised, over independent rows."""
    assert_agrees(draws.mean(axis=1), 1.0)
    if scv == 0:
        np.testing.assert_array_equal(draws, 1.0)
    else:
        assert_agrees(((draws - 1.0) ** 2).mean(axis=1), scv)


def check_zipf_weights(weights: Callable[[int, float], np.ndarray]) -> None:
    """A distribution, with the ratios that Zipf's law asks for."""
    for keys in (1, 2, 1_000):
        for exponent in (0.0, 0.5, 1.0, 2.3):
            result = weights(keys, exponent)
            assert result.shape == (keys,)
            assert abs(result.sum() - 1) < 1e-12
            ranks = np.arange(1, keys + 1)
            np.testing.assert_allclose(result[0] / result, ranks**exponent, rtol=1e-12)


def check_zipf_keys(sample: Callable[[int, int, float, np.random.Generator], np.ndarray]) -> None:
    """How often each key is drawn, by a chi-square test at 99.9 % (Wilson and Hilferty's cube)."""
    for seed, (keys, exponent) in enumerate([(7, 0.0), (40, 0.8), (100, 1.0), (30, 1.6)]):
        size = 200_000
        counts = np.bincount(sample(size, keys, exponent, np.random.default_rng(seed)))
        assert counts.size <= keys, "ranks are 0 to keys - 1"
        counts = np.pad(counts, (0, keys - counts.size))
        ranks = np.arange(1, keys + 1) ** -exponent
        expected = size * ranks / ranks.sum()
        chi_square = ((counts - expected) ** 2 / expected).sum()
        df = keys - 1
        z = ((chi_square / df) ** (1 / 3) - (1 - 2 / (9 * df))) / np.sqrt(2 / (9 * df))
        assert z < 3.09, f"{keys} keys, exponent {exponent}: chi-square {chi_square:.1f}, df {df}"


def check_streams(make: Callable[..., dict[str, np.random.Generator]]) -> None:
    """A stream depends on its name and the seed, on nothing else; different ones differ."""
    alone = make(7, "services")["services"].random(5)
    later = make(7, "arrivals", "keys", "services")["services"].random(5)
    np.testing.assert_array_equal(alone, later)
    draws = [
        tuple(generator.random(5))
        for seed in (0, 7, 8, 2**40)
        for generator in make(seed, "a", "b", "ab", "ba", "a\x00").values()
    ]
    assert len(set(draws)) == len(draws)


def check_coverage_of_correlated_run(interval: Callable[[np.ndarray], Interval]) -> None:
    """95 % intervals from single correlated runs contain the true mean nearly 95 % of the time.

    The series are autoregressive, each value 0.9 times the one before plus noise, with mean 0.
    What correlation is left between batches of 500 values costs less than 0.5 % of coverage; of
    600 intervals with coverage 94.5 % at least 549 contain 0 in 999 of 1000 repetitions (binomial).
    """
    runs, length, rho = 600, 10_000, 0.9
    noise = np.random.default_rng(3).standard_normal((length, runs))
    series = np.empty_like(noise)
    series[0] = noise[0] / np.sqrt(1 - rho**2)  # stationary from the start
    for t in range(1, length):
        series[t] = rho * series[t - 1] + noise[t]
    covered = sum(interval(run).contains(0.0) for run in np.ascontiguousarray(series.T))
    assert covered >= 0.915 * runs, f"{covered} of {runs} intervals contain the true mean"


def check_coverage_of_few_samples(intervals: Callable[[np.ndarray], Intervals]) -> None:
    """95 % intervals from five normal samples contain the mean 95 % of the time.

    Of 40,000 a share of 0.95 ± 0.0036 in 999 of 1000 repetitions (binomial).
    """
    samples = np.random.default_rng(4).normal(3.0, 2.0, (5, 40_000))
    share = np.mean(intervals(samples).contains(3.0))
    assert abs(share - 0.95) < 0.0036, f"coverage {share:.4f}"
