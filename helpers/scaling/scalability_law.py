"""The Universal Scalability Law: what N workers do together, where that peaks, and how to fit it.

``X(N) = lambda N / (1 + sigma (N - 1) + kappa N (N - 1))``, with the contention sigma and the
coherency kappa. Gunther, *Guerrilla Capacity Planning*, 2007, chapters 4 and 5.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from helpers.foundations import validation
from helpers.foundations.statistics import Interval


def speedup(workers: npt.ArrayLike, sigma: float, kappa: float) -> Any:
    """Throughput of N workers over that of one; ``kappa = 0`` is Amdahl's law.

    Parameters
    ----------
    workers : float or array_like
        Number of workers N (threads, cores or machines); >= 1.
    sigma : float
        Contention: the share of the work that only one may do at a time; 0 <= sigma <= 1.
    kappa : float
        Coherency: what each worker must exchange with each other one, in units of its work; >= 0.

    Returns
    -------
    float or numpy.ndarray
    """
    count = validation.numbers("workers", workers, at_least=1)
    sigma = validation.number("sigma", sigma, at_least=0, at_most=1)
    kappa = validation.number("kappa", kappa, at_least=0)
    result = count / (1 + sigma * (count - 1) + kappa * count * (count - 1))
    return result if result.ndim else float(result)


class Peak(NamedTuple):
    """Where throughput is largest.

    Attributes
    ----------
    peak_workers : float
        As a real number; ``inf`` if throughput never falls.
    best_workers : float
        The best whole number of workers; ``inf`` if throughput never falls.
    peak_speedup : float
        Throughput there over the throughput of one; ``inf`` if both coefficients are 0.
    """

    peak_workers: float
    best_workers: float
    peak_speedup: float


def peak(sigma: float, kappa: float) -> Peak:
    """Where throughput peaks, and how high.

    ``N* = sqrt((1 - sigma) / kappa)``. For ``kappa = 0`` the speed-up rises for ever towards
    ``1 / sigma``. When ``N*`` falls below 1, one worker is the best.
    """
    sigma = validation.number("sigma", sigma, at_least=0, at_most=1)
    kappa = validation.number("kappa", kappa, at_least=0)
    if kappa == 0:
        return Peak(math.inf, math.inf, 1 / sigma if sigma else math.inf)
    top = max(1.0, math.sqrt((1 - sigma) / kappa))
    best = max((math.floor(top), math.ceil(top)), key=lambda n: speedup(n, sigma, kappa))
    return Peak(top, float(best), float(speedup(best, sigma, kappa)))


def fewest_workers(wanted: npt.ArrayLike, sigma: float, kappa: float) -> np.ndarray:
    """Fewest workers that reach each wanted speed-up, as whole numbers; ``inf`` if none do.

    The smaller root of ``kappa C N² - (1 - sigma C + kappa C) N + (1 - sigma) C = 0``, rounded up.

    Parameters
    ----------
    wanted : array_like
        Throughput over that of one worker; > 0.
    sigma, kappa : float
        As for :func:`speedup`.
    """
    wanted = validation.numbers("wanted", wanted, above=0)
    slope = 1 - sigma * wanted + kappa * wanted
    constant = (1 - sigma) * wanted
    discriminant = slope**2 - 4 * kappa * wanted * constant
    with np.errstate(invalid="ignore", divide="ignore"):
        # 2c / (b + root) rather than (b - root) / 2a: it stays exact when kappa is 0 or tiny.
        whole = np.ceil(2 * constant / (slope + np.sqrt(discriminant)) - 1e-9)
    impossible = (discriminant < 0) | (slope <= 0)
    return np.where(wanted <= 1, 1.0, np.where(impossible, np.inf, whole))


@dataclass(frozen=True)
class Fit:
    """The law fitted to throughputs.

    Attributes
    ----------
    rate_rps : Interval
        Throughput of one worker, lambda.
    sigma, kappa : Interval
        Contention and coherency.
    """

    rate_rps: Interval
    sigma: Interval
    kappa: Interval


def fit(
    workers: npt.ArrayLike,
    throughput_rps: npt.ArrayLike,
    *,
    confidence: float = 0.95,
    resamples: int = 1_000,
    seed: int = 1,
) -> Fit:
    """Fit the law to measured throughputs, with bootstrap intervals.

    Parameters
    ----------
    workers : array_like, shape (n,)
        Numbers of workers; at least three different ones, all >= 1.
    throughput_rps : array_like, shape (n,) or (R, n)
        Throughput for each number of workers, > 0; R independent repetitions give the intervals.
    confidence : float
        Confidence of the intervals; 0 < confidence < 1.
    resamples : int
        Bootstrap samples; >= 100.
    seed : int
        Seed of the bootstrap; >= 0.

    Returns
    -------
    Fit
        With a single repetition the intervals have no width known, and reach from -inf to inf.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    ``N / X(N) = (1 + sigma (N - 1) + kappa N (N - 1)) / lambda`` is linear in the three unknowns
    ``1 / lambda``, ``sigma / lambda`` and ``kappa / lambda``. They are fitted by least squares of
    the *relative* errors, with none allowed to be negative: a negative coefficient means nothing.
    The transform is Gunther's (2007, chapter 5); percentile bootstrap: Efron and Tibshirani, *An
    Introduction to the Bootstrap*, 1993, chapter 13.
    """
    count = validation.numbers("workers", workers, at_least=1, ndim=1)
    observed = validation.numbers("throughput_rps", throughput_rps, above=0, ndim=(1, 2))
    confidence = validation.number("confidence", confidence, above=0, below=1)
    resamples = validation.integer("resamples", resamples, at_least=100)
    seed = validation.integer("seed", seed, at_least=0)
    runs = np.atleast_2d(observed)
    if runs.shape[1] != count.size:
        raise ValueError(
            f"throughput_rps must have one column per number of workers ({count.size}), "
            f"got shape {observed.shape}"
        )
    if np.unique(count).size < 3:
        raise ValueError(f"workers must hold at least 3 different numbers, got {count.tolist()}")
    estimate = _fit_means(count, runs.mean(axis=0)[np.newaxis])[0]
    repetitions = runs.shape[0]
    if repetitions > 1:
        rng = np.random.default_rng(np.random.SeedSequence(seed))
        picks = rng.integers(repetitions, size=(resamples, repetitions, count.size))
        means = np.take_along_axis(runs[np.newaxis], picks, axis=1).mean(axis=1)
        fits = _fit_means(count, means)
        tails = (1 - confidence) / 2
        low, high = np.quantile(fits, (tails, 1 - tails), axis=0)
    else:
        low, high = np.full(3, -np.inf), np.full(3, np.inf)
    rate, sigma, kappa = (
        Interval(float(e), float(lo), float(hi), confidence, repetitions)
        for e, lo, hi in zip(estimate, low, high, strict=True)
    )
    return Fit(rate, sigma, kappa)


def _fit_means(count: np.ndarray, throughput: np.ndarray) -> np.ndarray:
    """Fit (lambda, sigma, kappa) to each row of `throughput`, shape (B, n); none negative."""
    columns = np.stack([np.ones_like(count), count - 1, count * (count - 1)], axis=1)
    # Dividing an equation by N / X turns its error into a relative one.
    design = columns[np.newaxis] * (throughput / count)[:, :, np.newaxis]
    best = np.zeros((len(throughput), 3))
    best_error = np.full(len(throughput), np.inf)
    # With three unknowns, trying every set of them that may be positive is exact and quick.
    for active in itertools.product((False, True), repeat=2):
        use = [0, *(i + 1 for i, on in enumerate(active) if on)]
        part = design[:, :, use]
        normal = np.einsum("bni,bnj->bij", part, part)
        solution = np.linalg.solve(normal, part.sum(axis=1)[:, :, np.newaxis])[:, :, 0]
        error = np.square(1 - np.einsum("bni,bi->bn", part, solution)).sum(axis=1)
        better = (solution >= 0).all(axis=1) & (error < best_error)
        best[better] = 0.0
        best[np.ix_(better, use)] = solution[better]
        best_error[better] = error[better]
    return np.stack([1 / best[:, 0], best[:, 1] / best[:, 0], best[:, 2] / best[:, 0]], axis=1)
