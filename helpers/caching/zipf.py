"""Keys of unequal popularity: Zipf's law, and requests that follow it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from helpers.foundations.traffic.keys import zipf_weights


@lru_cache(maxsize=16)
def popularity(keys: int, exponent: float) -> np.ndarray:
    """Return each key's share of the requests, most popular first, shape (keys,); read-only."""
    weights = zipf_weights(keys, exponent)
    weights.setflags(write=False)
    return weights


def requested(weights: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw which key each request asks for.

    One uniform number a request, whatever the popularities: another skew bends the same traffic.
    For the tens of thousands of requests behind a slider this beats building the guide table of
    `zipf_keys` anew for each exponent.

    Parameters
    ----------
    weights : numpy.ndarray, shape (keys,)
        Popularity of each key, summing to 1.
    count : int
    rng : numpy.random.Generator

    Returns
    -------
    numpy.ndarray of int, shape (count,)
    """
    cumulative = np.cumsum(weights)
    cumulative[-1] = 1.0  # no uniform number may fall beyond the last key
    return np.searchsorted(cumulative, rng.random(count), side="right")
