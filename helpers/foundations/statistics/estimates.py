"""Intervals for means and quantiles, of independent samples and of one long run."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from helpers.foundations import validation
from helpers.foundations.statistics.intervals import Interval, Intervals
from helpers.foundations.statistics.students_t import t_quantile

#: A batch of fewer samples than this has no claim to be nearly independent of its neighbours.
_SMALLEST_BATCH = 10


def mean_interval(samples: npt.ArrayLike, confidence: float = 0.95) -> Interval:
    """Return a confidence interval for the mean of independent samples, by Student's t.

    Parameters
    ----------
    samples : array_like, shape (R,)
        Independent values, such as the mean wait of each of R replications. *Not* the successive
        waits of one run: those are correlated, see :func:`batch_means`. To compare two designs on
        the same traffic, pass the differences.
    confidence : float
        Probability that such an interval contains the true mean; 0 < confidence < 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range, or there are fewer than 2 samples.

    Notes
    -----
    ``mean ± t(1 - (1 - confidence) / 2, R - 1) s / sqrt(R)``, exact for normally distributed
    samples, and for means of many others nearly so. Law, *Simulation Modeling and Analysis*,
    section 4.5.
    """
    values = validation.numbers("samples", samples, ndim=1)
    mean, half_width, confidence = _student(values, confidence)
    low, high = mean - half_width, mean + half_width
    return Interval(float(mean), float(low), float(high), confidence, len(values))


def mean_intervals(samples: npt.ArrayLike, confidence: float = 0.95) -> Intervals:
    """Return :func:`mean_interval` for each place of arrays, such as each point of a curve.

    Parameters
    ----------
    samples : array_like, shape (R, ...)
        R independent arrays; at least two dimensions.
    confidence : float
        Probability that one such interval contains its true mean; 0 < confidence < 1. The
        probability that *all* do is smaller.

    Returns
    -------
    Intervals
        Of the shape of one array.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range, or there are fewer than 2 samples.
    """
    values = validation.numbers("samples", samples)
    if values.ndim < 2:
        raise ValueError(f"samples must have 2 or more dimensions, got shape {values.shape}")
    mean, half_width, confidence = _student(values, confidence)
    return Intervals(mean, mean - half_width, mean + half_width, confidence, len(values))


def skewed_interval(samples: npt.ArrayLike, confidence: float = 0.95) -> Interval:
    """Return a confidence interval for the mean of samples of which a few are very large.

    The mean of such samples is mostly a little too small, because the largest values are seldom
    among them, and then their spread is too small as well: Student's interval lies below the truth
    too often. This one reaches farther to the side on which the largest values are.

    Parameters
    ----------
    samples : array_like, shape (R,)
        Independent values; R well above ten.
    confidence : float
        Probability that such an interval contains the true mean; 0 < confidence < 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range, or there are fewer than 2 samples.

    Notes
    -----
    ``T = (mean - truth) / (s / sqrt(R))`` has a skewed distribution if the samples have one. With
    ``g`` for their skewness over ``sqrt(R)``, ``T + g T² / 3 + g² T³ / 27 + g / 6`` is nearly
    symmetric: it is set equal to Student's ``-t`` and ``t``, and solved for the truth. Hall, "On
    the removal of skewness by transformation", *Journal of the Royal Statistical Society B* 54(1),
    1992.
    """
    values = validation.numbers("samples", samples, ndim=1)
    return skewed_intervals(values[:, np.newaxis], confidence)[0]


def skewed_intervals(samples: npt.ArrayLike, confidence: float = 0.95) -> Intervals:
    """Return :func:`skewed_interval` for each place of arrays, such as each point of a curve.

    Parameters
    ----------
    samples : array_like, shape (R, ...)
        R independent arrays; at least two dimensions, R well above ten.
    confidence : float
        Probability that one such interval contains its true mean; 0 < confidence < 1.

    Returns
    -------
    Intervals
        Of the shape of one array.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range, or there are fewer than 2 samples.
    """
    student = mean_intervals(samples, confidence)
    values, mean = np.asarray(samples, dtype=float), student.mean
    third, spread = ((values - mean) ** 3).mean(axis=0), values.std(axis=0)
    t = t_quantile((1 + student.confidence) / 2, student.samples - 1)
    g = np.zeros_like(mean)
    np.divide(third, spread**3 * math.sqrt(student.samples), out=g, where=spread > 0)
    # With next to no skewness the cube root would lose its digits; there it changes nothing.
    skewed = np.abs(g) > 1e-6
    g = np.where(skewed, g, 1.0)
    ends = []
    for end in (t, -t):
        solved = 3 / g * (np.cbrt(1 + g * (end - g / 6)) - 1)
        ends.append(mean - student.half_width / t * np.where(skewed, solved, end))
    return Intervals(mean, ends[0], ends[1], student.confidence, student.samples)


def _student(
    values: npt.NDArray[np.float64], confidence: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], float]:
    """Means over the first axis, half the widths of their intervals, and the confidence."""
    confidence = validation.number("confidence", confidence, above=0, below=1)
    count = len(values)
    if count < 2:
        raise ValueError(f"samples must hold at least 2 values, got shape {values.shape}")
    error = values.std(axis=0, ddof=1) / math.sqrt(count)
    return values.mean(axis=0), t_quantile((1 + confidence) / 2, count - 1) * error, confidence


def batch_means(
    series: npt.ArrayLike, batches: int = 20, confidence: float = 0.95, *, warmup: int = 0
) -> Interval:
    """Return a confidence interval for the mean of one long, correlated run.

    The run is cut into consecutive batches. If a batch is much longer than the correlation
    reaches, the batches' means are nearly independent, and Student's t applies to them. Nothing
    here can tell that they *are* long enough: a longer run gives a hint.

    Parameters
    ----------
    series : array_like, shape (n,)
        Successive values of one run.
    batches : int
        Number of batches; >= 2. Ten to thirty serve best: more are shorter and so less
        independent, fewer widen the interval.
    confidence : float
        Probability that such an interval contains the true mean; 0 < confidence < 1.
    warmup : int
        Number of values to discard at the start; >= 0.

    Returns
    -------
    Interval
        With `samples` the number of batches.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range, or a batch would hold fewer than 10
        values.

    Notes
    -----
    Values that do not fill a batch are dropped from the start, where the run has warmed up least.
    Schmeiser, "Batch size effects in the analysis of simulation output", *Operations Research*
    30, 1982.
    """
    return mean_interval(_batch(series, batches, warmup), confidence)


def quantile_interval(samples: npt.ArrayLike, q: float, confidence: float = 0.95) -> Interval:
    """Return a confidence interval for a quantile of independent samples, of any distribution.

    Parameters
    ----------
    samples : array_like, shape (n,)
        Independent values. Successive response times of one run are correlated: take the quantile
        of each of several replications and pass those to :func:`mean_interval`.
    q : float
        Which quantile; 0 < q < 1, so 0.99 for the 99th percentile.
    confidence : float
        Least probability that such an interval contains the true quantile; 0 < confidence < 1.

    Returns
    -------
    Interval
        Its ends are two of the samples.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range, or there are too few samples to say
        anything at this confidence.

    Notes
    -----
    The number of samples below the true quantile is binomial, whatever the distribution. David
    and Nagaraja, *Order Statistics*, 3rd ed. 2003, section 7.1.
    """
    values = np.sort(validation.numbers("samples", samples, ndim=1))
    q = validation.number("q", q, above=0, below=1)
    confidence = validation.number("confidence", confidence, above=0, below=1)
    low, high = _order_statistics(values.size, q, confidence)
    return Interval(
        float(np.quantile(values, q)),
        float(values[low - 1]),
        float(values[high - 1]),
        confidence,
        values.size,
    )


def wilson_interval(successes: int, trials: int) -> Interval:
    """Return Wilson's 95 % interval for a probability.

    Parameters
    ----------
    successes, trials : int
        0 <= successes <= trials, trials >= 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", *Journal of
    the American Statistical Association* 22, 1927.
    """
    trials = validation.integer("trials", trials, at_least=1)
    successes = validation.integer("successes", successes, at_least=0, at_most=trials)
    z = 1.959964
    share = successes / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = (
        z
        * (share * (1 - share) / trials + z * z / (4 * trials * trials)) ** 0.5
        / (1 + z * z / trials)
    )
    # Where all succeed, or none, the end is 1 or 0; the formula misses it by a rounding error.
    low = middle - half if successes else 0.0
    high = middle + half if successes < trials else 1.0
    return Interval(share, low, high, 0.95, trials)


def wilson_intervals(successes: Iterable[int], trials: int) -> Intervals:
    """Return :func:`wilson_interval` for each of some numbers of successes.

    Parameters
    ----------
    successes : iterable of int
    trials : int
        Of each.
    """
    each = [wilson_interval(int(number), trials) for number in successes]
    middle, low, high = np.array([(one.estimate, one.low, one.high) for one in each]).T
    return Intervals(middle, low, high, 0.95, trials)


@lru_cache(maxsize=64)
def _order_statistics(n: int, q: float, confidence: float) -> tuple[int, int]:
    """Ranks, from 1, of the two order statistics that enclose the quantile often enough."""
    below = np.cumsum(_binomial(n, q))  # below[k] = P(at most k samples lie below the quantile)
    tail = (1 - confidence) / 2
    # low: the largest with P(fewer than low below) <= tail; high: the smallest with
    # P(fewer than high below) >= 1 - tail.
    low = int(np.searchsorted(below, tail, side="right"))
    high = int(np.searchsorted(below, 1 - tail, side="left")) + 1
    if low < 1 or high > n:
        needed = math.ceil(math.log(tail) / math.log(max(q, 1 - q)))
        raise ValueError(
            f"samples must hold at least {needed} values for an interval of confidence "
            f"{confidence:g} for the {q:g} quantile, got {n}"
        )
    return low, high


def _binomial(n: int, q: float) -> npt.NDArray[np.float64]:
    """P(k of n) for k = 0..n, by the ratios of neighbours taken from the most likely k."""
    k = np.arange(1, n + 1)
    logs = np.concatenate([[0.0], np.cumsum(np.log((n - k + 1) / k) + math.log(q / (1 - q)))])
    weights = np.exp(logs - logs.max())
    shares: npt.NDArray[np.float64] = weights / weights.sum()
    return shares


def _batch(series: npt.ArrayLike, batches: int, warmup: int) -> npt.NDArray[np.float64]:
    values = validation.numbers("series", series, ndim=1)
    batches = validation.integer("batches", batches, at_least=2)
    warmup = validation.integer("warmup", warmup, at_least=0)
    length = (values.size - warmup) // batches
    if length < _SMALLEST_BATCH:
        raise ValueError(
            f"series must hold at least {_SMALLEST_BATCH * batches + warmup} values for {batches} "
            f"batches after a warm-up of {warmup}, got {values.size}"
        )
    kept = values[values.size - length * batches :].reshape(batches, length)
    return np.asarray(kept.mean(axis=1))
