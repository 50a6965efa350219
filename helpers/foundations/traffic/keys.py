"""Which keys requests ask for: Zipf's law."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from helpers.foundations import validation
from helpers.foundations.traffic.draws import Size, shape_of


def zipf_weights(keys: int, exponent: float) -> np.ndarray:
    """Return the popularity of each key under Zipf's law: proportional to ``rank ** -exponent``.

    Parameters
    ----------
    keys : int
        Number of keys; >= 1.
    exponent : float
        Skew; >= 0. At 0 all keys are alike; web traffic lies near 0.6 to 1.

    Returns
    -------
    numpy.ndarray
        Weights, shape (keys,), most popular first, summing to 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    keys = validation.integer("keys", keys, at_least=1)
    exponent = validation.number("exponent", exponent, at_least=0)
    weights = np.arange(1, keys + 1, dtype=float) ** -exponent
    weights /= weights.sum()
    return weights


def zipf_keys(size: Size, keys: int, exponent: float, rng: np.random.Generator) -> np.ndarray:
    """Draw the keys that requests ask for, by Zipf's law.

    Parameters
    ----------
    size : int or tuple of int
        Shape of the result.
    keys : int
        Number of keys; >= 1.
    exponent : float
        Skew; >= 0.
    rng : numpy.random.Generator
        Where the randomness comes from; one uniform number is used for each key drawn, so that
        the same stream gives the same requests with another skew.

    Returns
    -------
    numpy.ndarray of int
        Ranks from 0 (the most popular) to ``keys - 1``, shape `size`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Inversion of the distribution function by a guide table: Chen and Asau, "On generating random
    variates from an empirical distribution", *AIIE Transactions* 6, 1974.
    """
    shape = shape_of(size)
    keys = validation.integer("keys", keys, at_least=1)
    exponent = validation.number("exponent", exponent, at_least=0)
    ranks = np.empty(math.prod(shape), dtype=np.int64)
    cumulative = _zipf_cumulative(keys, exponent)
    if ranks.size < _FEW_DRAWS:
        ranks[:] = np.searchsorted(cumulative, rng.random(ranks.size), side="right")
    else:
        guide = _guide_table(keys, exponent)
        uniform = np.empty(_BLOCK)
        for first in range(0, ranks.size, _BLOCK):
            block = ranks[first : first + _BLOCK]
            rng.random(out=uniform[: block.size])
            block[:] = _look_up(uniform[: block.size], cumulative, guide)
    return ranks.reshape(shape)


#: Fewer draws than this are found by bisection sooner than the guide table is built.
_FEW_DRAWS = 20_000

#: Draws looked up together; their temporaries stay in the processor's cache.
_BLOCK = 1 << 15


@lru_cache(maxsize=8)
def _zipf_cumulative(keys: int, exponent: float) -> np.ndarray:
    cumulative = np.cumsum(zipf_weights(keys, exponent))
    cumulative[-1] = 1.0  # no uniform number may fall beyond the last rank
    cumulative.setflags(write=False)
    return cumulative


@lru_cache(maxsize=8)
def _guide_table(keys: int, exponent: float) -> np.ndarray:
    """Return for each cell of [0, 1) the first rank it may hold, r, as ~r if it may hold others."""
    # A power of two, so that multiplying by it is exact; enough cells that few hold two ranks, in
    # a table that still fits into a processor's second cache.
    cells = min(max(1 << (32 * keys - 1).bit_length(), 1 << 16), 1 << 19)
    ends_in = np.ceil(_zipf_cumulative(keys, exponent) * cells).astype(np.intp)
    first = np.bincount(ends_in, minlength=cells + 1).cumsum()[: cells + 1]
    first[-1] = keys - 1
    first[:-1] = np.where(first[:-1] == first[1:], first[:-1], ~first[:-1])
    guide = first.astype(np.int32 if keys < 1 << 31 else np.int64)  # half the memory to walk
    guide.setflags(write=False)
    return guide


def _look_up(uniform: np.ndarray, cumulative: np.ndarray, guide: np.ndarray) -> np.ndarray:
    """Return ``searchsorted(cumulative, uniform, side="right")``, several times faster."""
    cells = (uniform * (guide.size - 1)).astype(np.intp)
    ranks = guide.take(cells)
    open_ = np.flatnonzero(ranks < 0)
    if open_.size:
        sought, found = uniform.take(open_), ~ranks.take(open_)
        found += cumulative.take(found) <= sought  # mostly the cell's first rank or its second
        beyond = np.flatnonzero(cumulative.take(found) <= sought)
        if beyond.size:
            found[beyond] = np.searchsorted(cumulative, sought.take(beyond), side="right")
        ranks[open_] = found
    return ranks
