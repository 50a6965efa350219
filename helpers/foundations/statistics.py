"""How far a simulated or measured number can be trusted.

Two mistakes make most simulation results worthless, and both look fine on a plot.

*Warm-up.* A queue that starts empty is shorter at first than it will be later, so an average over
the whole run is too small. Discard the beginning; longer the nearer the utilisation is to 1.

*Correlation.* A customer waits about as long as the one before, so ten thousand waits of one run
say no more about the mean than a few dozen independent ones. The usual interval, which divides the
spread of the single waits by the square root of their number, is then several times too narrow.
Average over independent replications (:func:`mean_interval`), or over a few long batches of one
run (:func:`batch_means`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from helpers.foundations import validation
from helpers.foundations.prose import duration, significant

#: A batch of fewer samples than this has no claim to be nearly independent of its neighbours.
_SMALLEST_BATCH = 10


@dataclass(frozen=True, eq=False)
class Interval:
    """An estimate and how far it can be trusted; floats, or arrays of one shape.

    Attributes
    ----------
    estimate : float or numpy.ndarray
        The estimated mean or quantile.
    low, high : float or numpy.ndarray
        Ends of the interval. If the experiment were repeated many times, a share `confidence` of
        the intervals would contain the true value.
    confidence : float
        Between 0 and 1.
    samples : int
        Number of independent (or nearly independent) values it rests on.
    """

    estimate: float | np.ndarray
    low: float | np.ndarray
    high: float | np.ndarray
    confidence: float
    samples: int

    @property
    def mean(self) -> float | np.ndarray:
        """The estimate, by the name it goes by where a mean is estimated."""
        return self.estimate

    @property
    def half_width(self) -> float | np.ndarray:
        """Half the distance between the ends."""
        return (self.high - self.low) / 2

    def contains(self, value: npt.ArrayLike) -> bool | np.ndarray:
        """Return whether `value` lies between the ends, the ends included."""
        inside = (self.low <= np.asarray(value)) & (np.asarray(value) <= self.high)
        return inside if np.ndim(inside) else bool(inside)

    def __str__(self) -> str:
        if np.ndim(self.estimate):
            return f"{np.shape(self.estimate)} {self.confidence:.4g} intervals"
        return (
            f"{significant(self.estimate)} ({_percent(self.confidence)} interval "
            f"{significant(self.low)} to {significant(self.high)})"
        )


def mean_interval(samples: npt.ArrayLike, confidence: float = 0.95) -> Interval:
    """Return a confidence interval for the mean of independent samples, by Student's t.

    Parameters
    ----------
    samples : array_like, shape (R,) or (R, ...)
        Independent values along the first axis, such as the mean wait of each of R replications.
        *Not* the successive waits of one run: those are correlated, see :func:`batch_means`. To
        compare two designs on the same traffic, pass the differences.
    confidence : float
        Probability that such an interval contains the true mean; 0 < confidence < 1.

    Returns
    -------
    Interval
        Floats if `samples` has one dimension, else arrays of the remaining shape.

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
    values = validation.numbers("samples", samples)
    confidence = validation.number("confidence", confidence, above=0, below=1)
    if values.ndim == 0 or len(values) < 2:
        raise ValueError(f"samples must hold at least 2 values, got shape {values.shape}")
    count = len(values)
    mean = values.mean(axis=0)
    error = values.std(axis=0, ddof=1) / math.sqrt(count)
    half_width = t_quantile((1 + confidence) / 2, count - 1) * error
    low, high = mean - half_width, mean + half_width
    if values.ndim == 1:
        mean, low, high = float(mean), float(low), float(high)
    return Interval(mean, low, high, confidence, count)


def batch_means(
    series: npt.ArrayLike, batches: int = 20, confidence: float = 0.95, *, warmup: int = 0
) -> Interval:
    """Return a confidence interval for the mean of one long, correlated run.

    The run is cut into consecutive batches. If a batch is much longer than the correlation
    reaches, the batches' means are nearly independent, and Student's t applies to them. Nothing
    here can tell that they *are* long enough: :func:`batch_correlation` gives a hint, and a
    longer run a better one.

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


def batch_correlation(series: npt.ArrayLike, batches: int = 20, *, warmup: int = 0) -> float:
    """Return the correlation between the means of successive batches.

    Near 0 (within about ``2 / sqrt(batches)``) nothing speaks against :func:`batch_means`; well
    above it the batches are too short and its interval too narrow.

    Parameters
    ----------
    series, batches, warmup
        As for :func:`batch_means`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range, or a batch would hold fewer than 10
        values.
    """
    deviations = _batch(series, batches, warmup)
    deviations = deviations - deviations.mean()
    spread = float(deviations @ deviations)
    return float(deviations[1:] @ deviations[:-1]) / spread if spread > 0 else 0.0


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


def percentiles(samples: npt.ArrayLike, points: Iterable[float] = (50, 95, 99)) -> dict[str, float]:
    """Return percentiles by name: ``{"p50": ..., "p95": ..., "p99": ...}``.

    Parameters
    ----------
    samples : array_like
        Values, any shape; all are pooled.
    points : iterable of float
        Which percentiles; 0 to 100.

    Raises
    ------
    TypeError, ValueError
        If `samples` is empty or not of finite numbers, or a point is out of range.

    Examples
    --------
    >>> percentiles([1, 2, 3, 4], (50, 75))
    {'p50': 2.5, 'p75': 3.25}
    """
    values = validation.numbers("samples", samples).ravel()
    wanted = [validation.number("points", point, at_least=0, at_most=100) for point in points]
    results = np.percentile(values, wanted)
    return {f"p{point:g}": float(value) for point, value in zip(wanted, results, strict=True)}


def agrees(measured: Interval, theory: float) -> bool:
    """Return whether the theory's value lies in the interval.

    A true theory is rejected with probability ``1 - confidence``: one time in twenty at 95 %.

    Raises
    ------
    TypeError, ValueError
        If `theory` is not a finite number.
    """
    return bool(np.all(measured.contains(validation.number("theory", theory))))


def verdict(measured: Interval, theory: float, *, name: str = "theory", unit: str = "") -> str:
    """Say in one honest line whether an interval and a prediction agree.

    Parameters
    ----------
    measured : Interval
        What was simulated or measured; one interval, not an array of them.
    theory : float
        What was predicted, in the same unit.
    name : str
        What to call the prediction.
    unit : str
        Unit to print; with ``"s"`` each time is printed in the unit that suits it.

    Returns
    -------
    str
        "theory 12.3 ms lies inside the 95 % interval 11.9 ms to 13 ms: agrees".

    Raises
    ------
    TypeError, ValueError
        If `theory` is not a finite number, or `measured` holds arrays.

    Notes
    -----
    "disagrees" gives the distance from the prediction to the nearer end, relative to the
    prediction. "Agrees" is a statement about this interval: a wide one agrees with much.
    """
    theory = validation.number("theory", theory)
    if np.ndim(measured.estimate):
        raise ValueError(f"measured must be one interval, got shape {np.shape(measured.estimate)}")

    def show(value: float) -> str:
        return duration(value) if unit == "s" else f"{significant(value)} {unit}".rstrip()

    interval = f"the {_percent(measured.confidence)} interval {show(measured.low)} to "
    interval += show(measured.high)
    if agrees(measured, theory):
        return f"{name} {show(theory)} lies inside {interval}: agrees"
    distance = max(measured.low - theory, theory - measured.high)
    by = f"{significant(100 * distance / abs(theory), 2)} %" if theory else show(distance)
    return f"{name} {show(theory)} lies outside {interval} by {by}: disagrees"


def t_quantile(p: float, df: float) -> float:
    """Return the p-quantile of Student's t distribution.

    Parameters
    ----------
    p : float
        Probability; 1e-12 <= p <= 1 - 1e-12.
    df : float
        Degrees of freedom; >= 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Inverts ``P(|T| > t) = I_x(df / 2, 1 / 2)``, ``x = df / (df + t²)``, by bisection; accurate to
    better than 1e-9 relative. Abramowitz and Stegun, *Handbook of Mathematical Functions*, 1964,
    26.7.1 and 26.5.8; beyond 10,000 degrees of freedom the expansion 26.7.5.

    Examples
    --------
    >>> round(t_quantile(0.975, 10), 6)
    2.228139
    """
    p = validation.number("p", p, at_least=1e-12, at_most=1 - 1e-12)
    df = validation.number("df", df, at_least=1)
    if p == 0.5:
        return 0.0
    return -_t_upper(p, df) if p < 0.5 else _t_upper(1 - p, df)


@lru_cache(maxsize=256)
def _t_upper(tail: float, df: float) -> float:
    """The t > 0 that is exceeded with probability `tail` < 1/2."""
    if df > 10_000:
        z = -NormalDist().inv_cdf(tail)
        return (
            z
            + (z**3 + z) / (4 * df)
            + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * df**2)
            + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * df**3)
        )
    low, high = 0.0, 1.0
    while _t_two_tails(high, df) > 2 * tail:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        if _t_two_tails(middle, df) > 2 * tail:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _t_two_tails(t: float, df: float) -> float:
    """P(\\|T\\| > t), from the regularised incomplete beta function."""
    inside, outside = t * t / (df + t * t), df / (df + t * t)
    # The continued fraction converges quickly below the mean of the beta distribution.
    if outside < (df / 2 + 1) / (df / 2 + 2.5):
        return _beta_fraction(df / 2, 0.5, outside, inside)
    return 1 - _beta_fraction(0.5, df / 2, inside, outside)


def _beta_fraction(a: float, b: float, x: float, complement: float) -> float:
    """I_x(a, b) by the continued fraction, Lentz's method; `complement` is 1 - x unrounded."""
    front = math.exp(
        math.lgamma(a + b)
        - math.lgamma(a)
        - math.lgamma(b)
        + a * math.log(x)
        + b * math.log(complement)
    )
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, 10_000):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / (1 + term * d)
            c = 1 + term / c
            fraction *= c * d
        if abs(c * d - 1) < 1e-15:
            return front * fraction / a
    raise ArithmeticError(f"no convergence of the incomplete beta function at {(a, b, x)}")


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


def _binomial(n: int, q: float) -> np.ndarray:
    """P(k of n) for k = 0..n, by the ratios of neighbours taken from the most likely k."""
    k = np.arange(1, n + 1)
    logs = np.concatenate([[0.0], np.cumsum(np.log((n - k + 1) / k) + math.log(q / (1 - q)))])
    weights = np.exp(logs - logs.max())
    return weights / weights.sum()


def _batch(series: npt.ArrayLike, batches: int, warmup: int) -> np.ndarray:
    values = validation.numbers("series", series, ndim=1)
    batches = validation.integer("batches", batches, at_least=2)
    warmup = validation.integer("warmup", warmup, at_least=0)
    length = (values.size - warmup) // batches
    if length < _SMALLEST_BATCH:
        raise ValueError(
            f"series must hold at least {_SMALLEST_BATCH * batches + warmup} values for {batches} "
            f"batches after a warm-up of {warmup}, got {values.size}"
        )
    return values[values.size - length * batches :].reshape(batches, length).mean(axis=1)


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"
