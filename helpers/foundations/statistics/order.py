"""How long it takes until so many of several independent things have happened."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from helpers.foundations import validation


def fewer_than(k: int, shares: Sequence[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    """Return the probability that fewer than `k` of independent events happen.

    Parameters
    ----------
    k : int
        >= 0.
    shares : sequence of numpy.ndarray
        The probability of each event, at each of several moments.

    Notes
    -----
    The Poisson binomial distribution, event by event. With shares of round trips that are over, it
    is the tail of the k-th shortest; David and Nagaraja, *Order Statistics*, 3rd ed. 2003, 5.2.
    """
    k = validation.integer("k", k, at_least=0)
    counts = [np.ones_like(shares[0])] + [np.zeros_like(shares[0]) for _ in shares]
    for share in shares:
        for many in range(len(counts) - 1, 0, -1):
            counts[many] = counts[many] * (1 - share) + counts[many - 1] * share
        counts[0] = counts[0] * (1 - share)
    return np.asarray(np.sum(counts[:k], axis=0))
