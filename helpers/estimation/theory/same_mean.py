"""Response times with one mean and any tail you like: the lognormal family, and Markov's limit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from helpers.foundations import validation

_NORMAL = NormalDist()


@dataclass(frozen=True)
class SameMeanTheory:
    """What a lognormal response time with a given mean looks like.

    Attributes
    ----------
    median_s, p99_s : float
        Median and 99th percentile, seconds.
    faster_than_mean : float
        Share of requests answered sooner than the mean says.
    late : float
        Share of requests slower than the target.
    p99_limit_s : float
        The largest 99th percentile that *any* distribution with this mean can have, seconds.
    """

    median_s: float
    p99_s: float
    faster_than_mean: float
    late: float
    p99_limit_s: float


def theory_same_mean(*, mean_s: float, spread: float, target_s: float) -> SameMeanTheory:
    """Return percentiles of a lognormal response time, and what Markov's inequality allows.

    Parameters
    ----------
    mean_s : float
        Mean response time, seconds; > 0.
    spread : float
        Standard deviation of the logarithm (sigma); 0.05 <= spread <= 4.
    target_s : float
        Response time that was promised, seconds; > 0.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    With ``mu = ln(mean) - sigma² / 2`` the q-quantile is ``exp(mu + sigma z_q)`` and the share
    below the mean is ``Phi(sigma / 2)``. Markov: ``P(R >= x) <= mean / x``, so a p99 cannot
    exceed 100 means. Johnson, Kotz and Balakrishnan, *Continuous Univariate Distributions*
    vol. 1, 1994, chapter 14; Feller, *An Introduction to Probability Theory* vol. 2, 1971.
    """
    mean = validation.number("mean_s", mean_s, above=0, unit="s")
    sigma = validation.number("spread", spread, at_least=0.05, at_most=4)
    target = validation.number("target_s", target_s, above=0, unit="s")
    mu = math.log(mean) - sigma**2 / 2
    return SameMeanTheory(
        median_s=math.exp(mu),
        p99_s=math.exp(mu + sigma * _NORMAL.inv_cdf(0.99)),
        faster_than_mean=_NORMAL.cdf(sigma / 2),
        late=float(slower_share(np.array([target]), mean, sigma)[0]),
        p99_limit_s=100 * mean,
    )


def slower_share(times_s: npt.ArrayLike, mean_s: float, spread: float) -> np.ndarray:
    """Return the share of requests slower than each time, for a lognormal response time.

    Parameters
    ----------
    times_s : array_like, shape (n,)
        Times, seconds; > 0.
    mean_s, spread
        As for :func:`theory_same_mean`.
    """
    times = np.asarray(times_s, dtype=float)
    mu = math.log(mean_s) - spread**2 / 2
    return np.array([_NORMAL.cdf((mu - math.log(t)) / spread) for t in times.tolist()])
