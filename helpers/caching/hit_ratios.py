"""Closed forms of hit ratios, for independent requests and for a loop.

Popularities are arrays of shape (keys,) that sum to 1; a cache under independent requests keeps
time by counting them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

#: Work on at most this many (key, time) pairs at once: 2 MB of doubles stays in the cache.
BLOCK = 1 << 18


def characteristic_time(weights: np.ndarray, capacity: float) -> float:
    """Return the age, in requests, at which an LRU cache forgets a key nobody asked for again.

    Parameters
    ----------
    weights : numpy.ndarray, shape (keys,)
        Popularity of each key; > 0, summing to 1.
    capacity : float
        Items the cache holds; 0 < capacity < keys.

    Returns
    -------
    float
        The root t of ``sum_k (1 - exp(-p_k t)) = capacity``.

    Notes
    -----
    Che, Tung and Wang, "Hierarchical Web Caching Systems: Modeling, Design and Experimental
    Results", *IEEE JSAC* 20(7), 2002.
    """

    def missing(time: float) -> tuple[float, float]:
        left = np.exp(-weights * time)
        return weights.size - float(left.sum()) - capacity, float(weights @ left)

    return _increasing_concave_root(missing, start=capacity)


def lru(weights: np.ndarray, capacities: npt.ArrayLike) -> np.ndarray:
    """Hit ratio of LRU under independent requests, by the Che approximation.

    Parameters
    ----------
    weights : numpy.ndarray, shape (keys,)
        Popularity of each key; > 0, summing to 1.
    capacities : array_like
        Cache sizes in items, any shape; >= 0. A cache with room for every key always hits.

    Returns
    -------
    numpy.ndarray
        Hit ratios, same shape as `capacities`.

    Notes
    -----
    ``h = sum_k p_k (1 - exp(-p_k t))`` with t the characteristic time. Che, Tung and Wang 2002;
    why it is so accurate: Fricker, Robert and Roberts, "A versatile and accurate approximation
    for LRU cache performance", ITC 24, 2012.
    """

    def hits(capacity: float) -> float:
        time = characteristic_time(weights, capacity)
        return -float(weights @ np.expm1(-weights * time))

    return _at_each(hits, weights, capacities)


def lru_at_all_sizes(weights: np.ndarray, points: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Return the whole Che curve, cheaply: cache sizes and the hit ratio at each.

    Size and hit ratio are both explicit in the characteristic time, so running over that time
    traces the curve without solving for anything.

    Returns
    -------
    capacities : numpy.ndarray, shape (points,)
        Cache sizes in items, increasing, from about 1 to nearly all keys.
    hit_ratios : numpy.ndarray, shape (points,)
    """
    # At time t the rarest key is still out with probability exp(-p t): stop when that is small.
    times = np.geomspace(1.0, 4.0 / weights.min(), points)
    sizes, ratios = np.empty(points), np.empty(points)
    for start in range(0, points, rows := max(1, BLOCK // weights.size)):
        block = slice(start, start + rows)
        present = -np.expm1(-np.outer(times[block], weights))
        sizes[block] = present.sum(axis=1)
        ratios[block] = present @ weights
    return sizes, ratios


def after_a_cold_start(weights: np.ndarray, requests: np.ndarray, warm: int = 0) -> np.ndarray:
    """Probability that a request hits, `requests` requests after a cold start.

    ``1 - sum_k p_k exp(-p_k t)`` over the keys that were not in the cache. Exact for a cache that
    fills at once and is not full yet. Read sideways it is the Che curve: a cold cache hits after t
    requests as often as a full one whose characteristic time is t.

    Parameters
    ----------
    weights : numpy.ndarray, shape (keys,)
        Popularity of each key, summing to 1.
    requests : numpy.ndarray, shape (n,)
        Mean number of requests since the start.
    warm : int
        How many of the first keys in `weights` were loaded before the start.
    """
    cold = weights[warm:]
    result = np.empty(requests.size)
    for start in range(0, requests.size, rows := max(1, BLOCK // weights.size)):
        block = slice(start, start + rows)
        result[block] = 1 - np.exp(-np.outer(requests[block], cold)) @ cold
    return result


def fifo(weights: np.ndarray, capacities: npt.ArrayLike) -> np.ndarray:
    """Hit ratio of FIFO (and of random replacement) under independent requests; see :func:`lru`.

    Notes
    -----
    A key stays t requests after it came in, however often it is used: it is present for a share
    ``p t / (1 + p t)`` of the time, and t makes the shares add up to the capacity. That FIFO and
    random replacement have equal hit ratios: Gelenbe, "A Unified Approach to the Evaluation of a
    Class of Replacement Algorithms", *IEEE Transactions on Computers* C-22(6), 1973. The
    approximation: Fricker, Robert and Roberts 2012, for random replacement.
    """

    def hits(capacity: float) -> float:
        def missing(time: float) -> tuple[float, float]:
            share = weights * time / (1 + weights * time)
            slope = weights / (1 + weights * time) ** 2
            return float(share.sum()) - capacity, float(slope.sum())

        time = _increasing_concave_root(missing, start=capacity)
        return float(weights @ (weights * time / (1 + weights * time)))

    return _at_each(hits, weights, capacities)


def ideal(weights: np.ndarray, capacities: npt.ArrayLike) -> np.ndarray:
    """Hit ratio of a cache that has learned which keys are the most popular, and keeps those.

    Under independent requests no policy that does not see the future beats it in the long run,
    and it is what an ideal LFU converges to. Capacities are rounded down to whole items.

    Notes
    -----
    The algorithm A0 of Aho, Denning and Ullman, "Principles of Optimal Page Replacement",
    *Journal of the ACM* 18(1), 1971, without the one place it leaves for the newcomer.
    """
    best_first = np.concatenate([[0.0], np.cumsum(np.sort(weights)[::-1])])
    whole: np.ndarray = np.minimum(np.asarray(capacities).astype(int), weights.size)
    return np.asarray(best_first[whole])


def loop(length: int, capacity: int) -> dict[str, float]:
    """Long-run hit ratios of LRU, FIFO and Belady on an endless loop over `length` keys.

    Returns
    -------
    dict of str to float
        All 1 if everything fits. Otherwise 0 for LRU and FIFO, which always throw out the key
        needed soonest, and ``(capacity - 1) / (length - 1)`` for Belady.

    Notes
    -----
    The optimal policy: Belady, "A study of replacement algorithms for a virtual-storage
    computer", *IBM Systems Journal* 5(2), 1966. On a loop it evicts the key just used each time,
    so one place serves all newcomers and the others each save the next lap but one key in turn.
    """
    if capacity >= length:
        return {"LRU": 1.0, "FIFO": 1.0, "Belady": 1.0}
    return {"LRU": 0.0, "FIFO": 0.0, "Belady": (capacity - 1) / (length - 1)}


def _at_each(
    hits: Callable[[float], float], weights: np.ndarray, capacities: npt.ArrayLike
) -> np.ndarray:
    """Return ``hits(capacity)`` for each capacity, and what is plain where none or all fit."""
    sizes = np.asarray(capacities, dtype=float)
    ratios = [
        0.0 if size == 0 else 1.0 if size >= weights.size else hits(size)
        for size in sizes.ravel().tolist()
    ]
    return np.array(ratios).reshape(sizes.shape)


def _increasing_concave_root(
    function: Callable[[float], tuple[float, float]], start: float
) -> float:
    """Find where an increasing concave function is 0, by Newton's method.

    `function` returns value and slope. A concave function lies below its tangents, so from a
    `start` where it is negative no step overshoots: all land left of the root, ever closer.
    """
    x = start
    for _ in range(1_000):
        value, slope = function(x)
        step = -value / slope
        x += step
        if abs(step) <= 1e-12 * x:
            return x
    raise ArithmeticError(f"no convergence: {value:g} left at {x:g}")
