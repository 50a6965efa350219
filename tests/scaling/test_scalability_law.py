"""The Universal Scalability Law: its peak, its inverse and its fit."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.scaling import scalability_law as law
from helpers.scaling import speedup


def test_without_coherency_it_is_amdahls() -> None:
    cores = np.array([1, 2, 8, 64])
    np.testing.assert_allclose(law.speedup(cores, 0.05, 0.0), speedup.amdahl(0.05, cores))


@pytest.mark.parametrize(
    ("sigma", "kappa"), [(0.02, 0.0005), (0.1, 0.01), (0.0, 0.001), (0.5, 0.2)]
)
def test_the_peak_is_where_no_neighbour_is_higher(sigma: float, kappa: float) -> None:
    top = law.peak(sigma, kappa)
    every = np.arange(1, 400)
    speedups = law.speedup(every, sigma, kappa)
    assert every[speedups.argmax()] == top.best_workers
    assert top.peak_speedup == pytest.approx(speedups.max())
    assert abs(top.peak_workers - top.best_workers) < 1


def test_a_law_that_never_falls_has_no_peak() -> None:
    assert law.peak(0.05, 0.0) == (math.inf, math.inf, pytest.approx(20))
    assert law.peak(0.0, 0.0) == (math.inf, math.inf, math.inf)
    assert law.peak(0.9, 5.0).best_workers == 1


def test_fewest_workers_is_the_fewest() -> None:
    wanted = np.array([0.5, 1.0, 1.7, 3.3, 7.9])
    for sigma, kappa in ((0.02, 0.0005), (0.1, 0.0), (0.0, 0.0), (0.0, 0.01), (1.0, 0.0)):
        speedups = law.speedup(np.arange(1, 2_000), sigma, kappa)
        for speed, fewest in zip(wanted, law.fewest_workers(wanted, sigma, kappa), strict=True):
            enough = np.flatnonzero(speedups >= speed * (1 - 1e-12))
            assert fewest == (enough[0] + 1 if enough.size else math.inf)


WORKERS = np.array([1, 2, 4, 8, 16, 32])


def check_exact(fit) -> None:
    """From throughputs without errors the fit finds the coefficients."""
    found = fit(WORKERS, 300 * law.speedup(WORKERS, 0.05, 0.002))
    assert found.rate_rps.estimate == pytest.approx(300)
    assert found.sigma.estimate == pytest.approx(0.05)
    assert found.kappa.estimate == pytest.approx(0.002)


def test_the_fit_recovers_the_law() -> None:
    check_exact(law.fit)


def test_its_intervals_hold_the_law() -> None:
    held = np.zeros(2)
    for seed in range(60):
        noise = np.random.default_rng(seed).normal(1, 0.02, (8, WORKERS.size))
        fit = law.fit(WORKERS, 300 * law.speedup(WORKERS, 0.05, 0.002) * noise, seed=seed)
        held += fit.sigma.contains(0.05), fit.kappa.contains(0.002)
    # A bootstrap of 8 repetitions is a little narrow: about 90 % where 95 % is asked. With 60
    # trials fewer than 45 successes have probability below 0.001.
    assert (held >= 45).all()


def test_it_never_reports_a_negative_coefficient() -> None:
    fit = law.fit([1, 2, 4, 8], 100 * np.array([1, 2, 4, 8]) ** 1.2)
    assert fit.sigma.estimate == fit.kappa.estimate == 0
    assert fit.sigma.low == -math.inf  # one repetition says nothing of its spread


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (([1, 2], [1.0, 2.0]), "workers"),
        (([1, 1, 2], [1.0, 1.0, 2.0]), "workers"),
        (([1, 2, 3], [1.0]), "throughput_rps"),
        (([0.5, 2, 3], [1.0, 2.0, 3.0]), "workers"),
    ],
)
def test_what_cannot_be_fitted_is_refused_by_name(arguments, name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name}\b.* must"):
        law.fit(*arguments)
