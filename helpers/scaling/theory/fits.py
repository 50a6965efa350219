"""Laws fitted to data, with intervals: a power law, and the Universal Scalability Law."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from helpers.foundations import validation
from helpers.foundations.statistics import Interval, t_quantile


@dataclass(frozen=True)
class PowerLaw:
    """``cost = coefficient * size ** exponent``, fitted on logarithmic axes."""

    coefficient: float
    exponent: Interval


def fit_power_law(sizes: npt.ArrayLike, costs: npt.ArrayLike, confidence: float = 0.95) -> PowerLaw:
    """Fit a straight line to log(cost) against log(size), by least squares.

    Parameters
    ----------
    sizes, costs : array_like, shape (n,)
        At least three points; all > 0, and not all sizes equal.
    confidence : float
        Confidence of the exponent's interval; 0 < confidence < 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    The interval is that of simple linear regression with n - 2 degrees of freedom. It is right if
    a power law is right and the errors are relative; it cannot tell you whether a power law *is*
    right, so look at the residuals, or at the slope between neighbours.
    """
    x = np.log(validation.numbers("sizes", sizes, above=0, ndim=1))
    y = np.log(validation.numbers("costs", costs, above=0, ndim=1))
    confidence = validation.number("confidence", confidence, above=0, below=1)
    if x.shape != y.shape:
        raise ValueError(f"costs must be one per size: shape {x.shape}, got shape {y.shape}")
    if x.size < 3 or np.ptp(x) == 0:
        raise ValueError(f"sizes must hold at least 3 values, not all equal, got {x.size}")
    centred = x - x.mean()
    slope = float(centred @ y / (centred @ centred))
    residual = y - y.mean() - slope * centred
    error = np.sqrt(residual @ residual / (x.size - 2) / (centred @ centred))
    half = t_quantile((1 + confidence) / 2, x.size - 2) * float(error)
    return PowerLaw(
        coefficient=float(np.exp(y.mean() - slope * x.mean())),
        exponent=Interval(slope, slope - half, slope + half, confidence, x.size),
    )


@dataclass(frozen=True)
class ScalabilityFit:
    """The Universal Scalability Law fitted to throughputs.

    Attributes
    ----------
    rate_rps : Interval
        Throughput of one worker, lambda.
    sigma, kappa : Interval
        Contention and coherency; see :func:`helpers.scaling.usl_speedup`.
    """

    rate_rps: Interval
    sigma: Interval
    kappa: Interval


def fit_scalability(
    workers: npt.ArrayLike,
    throughput_rps: npt.ArrayLike,
    *,
    confidence: float = 0.95,
    resamples: int = 1_000,
    seed: int = 1,
) -> ScalabilityFit:
    """Fit the Universal Scalability Law to measured throughputs, with bootstrap intervals.

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
    ScalabilityFit
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
    return ScalabilityFit(rate, sigma, kappa)


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
