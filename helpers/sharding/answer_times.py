"""How long one shard takes to answer: an exponential time, and now and then a hiccup on top."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt


class Answers(NamedTuple):
    """The law of one shard's answer.

    Attributes
    ----------
    mean_s : float
        Mean of the ordinary, exponential part, seconds; > 0.
    slow_probability : float
        Probability that a hiccup is added.
    slow_s : float
        Length of the hiccup, seconds; >= 0.
    """

    mean_s: float
    slow_probability: float
    slow_s: float

    def survival(self, time_s: npt.ArrayLike) -> np.ndarray:
        """Probability that an answer takes longer than `time_s`; 1 before time 0."""
        time, p = np.asarray(time_s, dtype=float), self.slow_probability
        return (1 - p) * self.quick(time) + p * self.quick(time - self.slow_s)

    def quick(self, time_s: np.ndarray) -> np.ndarray:
        """Probability that the ordinary part takes longer than `time_s`."""
        return np.exp(-np.maximum(time_s, 0.0) / self.mean_s)

    def inverted(
        self, survival: Callable[[np.ndarray], np.ndarray], wanted: np.ndarray
    ) -> np.ndarray:
        """Return the times at which a decreasing survival function has the wanted values.

        By bisection; `survival` is made of this law's answers.
        """
        low = np.zeros_like(wanted)
        # Beyond the hiccup everything decays at least like one exponential of up to 2^64 draws.
        most = self.slow_s + self.mean_s * (50 + np.log(1 / wanted.min()))
        high = np.full_like(wanted, most)
        for _ in range(60):
            middle = (low + high) / 2
            late = survival(middle) > wanted
            low, high = np.where(late, middle, low), np.where(late, high, middle)
        return (low + high) / 2


def any_slow(slow_probability: npt.ArrayLike, shards: npt.ArrayLike) -> Any:
    """Probability that at least one of n independent shards answers slowly: ``1 - (1 - p)^n``.

    Dean and Barroso, "The tail at scale", *Communications of the ACM* 56(2), 2013: with p = 1 %
    and n = 100, 63 % of requests are slow.
    """
    p, n = np.asarray(slow_probability, dtype=float), np.asarray(shards, dtype=float)
    with np.errstate(divide="ignore"):
        return -np.expm1(n * np.log1p(-p))


def sampled_quantile_of_slowest(
    samples_s: npt.ArrayLike, quantile: float, shards: npt.ArrayLike
) -> np.ndarray:
    """Predict a quantile of the slowest of n shards from measured times of one shard, seconds.

    The sample quantile at ``q^(1/n)``, since the largest of n independent times is below t with
    probability ``F(t)^n``. Beyond ``q^(1/n) > 1 - 1/m`` of m samples it is the largest of them and
    means little.
    """
    return np.quantile(np.asarray(samples_s, dtype=float), quantile ** (1 / np.asarray(shards)))


def mean_of_slowest(shards: int, mean_s: float) -> float:
    """Mean of the largest of n exponential times, seconds: ``mean H_n``.

    Rényi, "On the theory of order statistics", *Acta Mathematica Academiae Scientiarum Hungaricae*
    4, 1953: the gaps between consecutive order statistics are independent with means ``mean / (n -
    k + 1)``.
    """
    return mean_s * float((1 / np.arange(1, shards + 1)).sum())
