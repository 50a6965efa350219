"""Closed forms of caching: what every simulation of this chapter is checked against.

Popularities are arrays of probabilities, one a key, summing to 1 (`zipf_weights` makes them).
Times are in seconds and rates per second, except where a name says *requests*: a cache under
independent requests keeps time by counting them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from helpers.foundations import validation

#: Euler's constant, the mean of the standard Gumbel distribution.
_EULER_GAMMA = 0.5772156649015329

#: Work on at most this many (key, time) pairs at once: 2 MB of doubles stays in the cache.
_BLOCK = 1 << 18


def mean_decay(x: npt.ArrayLike) -> np.ndarray:
    """Return ``(1 - exp(-x)) / x``: the mean of ``exp(-x u)`` for u uniform on (0, 1).

    Much of this chapter is this one function. It is the share of a lifetime that passes before
    the first event of a Poisson process which has `x` events per lifetime on average.

    Parameters
    ----------
    x : array_like
        Mean number of events; >= 0.

    Returns
    -------
    numpy.ndarray
        Values in (0, 1], same shape, 1 at ``x = 0``.

    Raises
    ------
    TypeError, ValueError
        If `x` is not numeric, empty or negative.
    """
    x = validation.numbers("x", x, at_least=0)
    # expm1 keeps every digit of the numerator; only 0/0 needs the limit.
    return np.where(x == 0, 1.0, -np.expm1(-x) / np.where(x == 0, 1.0, x))


def _one_minus_mean_decay(x: float) -> float:
    """Return ``1 - mean_decay(x)`` without the cancellation that a small `x` would cause."""
    if x < 1e-4:
        return x / 2 - x * x / 6
    return 1 + math.expm1(-x) / x


# --- hit ratios ---------------------------------------------------------------------------------


def theory_characteristic_time(weights: npt.ArrayLike, capacity: float) -> float:
    """Return the age, in requests, at which an LRU cache forgets a key nobody asked for again.

    Parameters
    ----------
    weights : array_like, shape (keys,)
        Popularity of each key; > 0, summing to 1.
    capacity : float
        Items the cache holds; 0 < capacity < keys.

    Returns
    -------
    float
        The root t of ``sum_k (1 - exp(-p_k t)) = capacity``.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Che, Tung and Wang, "Hierarchical Web Caching Systems: Modeling, Design and Experimental
    Results", *IEEE JSAC* 20(7), 2002.
    """
    weights = _popularity(weights)
    capacity = validation.number("capacity", capacity, above=0, below=weights.size, unit="items")

    def missing(time: float) -> tuple[float, float]:
        left = np.exp(-weights * time)
        return weights.size - float(left.sum()) - capacity, float(weights @ left)

    return _increasing_concave_root(missing, start=capacity)


def theory_lru(weights: npt.ArrayLike, capacities: npt.ArrayLike) -> np.ndarray:
    """Hit ratio of LRU under independent requests, by the Che approximation.

    Parameters
    ----------
    weights : array_like, shape (keys,)
        Popularity of each key; > 0, summing to 1.
    capacities : array_like
        Cache sizes in items, any shape; >= 0. A cache with room for every key always hits.

    Returns
    -------
    numpy.ndarray
        Hit ratios, same shape as `capacities`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    ``h = sum_k p_k (1 - exp(-p_k t))`` with t the characteristic time. Che, Tung and Wang 2002;
    why it is so accurate: Fricker, Robert and Roberts, "A versatile and accurate approximation
    for LRU cache performance", ITC 24, 2012.
    """
    weights = _popularity(weights)
    capacities = validation.numbers("capacities", capacities, at_least=0, unit="items")
    result = np.empty(capacities.shape)
    for index, capacity in np.ndenumerate(capacities):
        if capacity >= weights.size:
            result[index] = 1.0
        elif capacity == 0:
            result[index] = 0.0
        else:
            time = theory_characteristic_time(weights, float(capacity))
            result[index] = -(weights @ np.expm1(-weights * time))
    return result


def theory_lru_curve(weights: npt.ArrayLike, points: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Return the whole Che curve, cheaply: cache sizes and the hit ratio at each.

    Size and hit ratio are both explicit in the characteristic time, so running over that time
    traces the curve without solving for anything.

    Parameters
    ----------
    weights : array_like, shape (keys,)
        Popularity of each key; > 0, summing to 1.
    points : int
        Points on the curve; >= 2.

    Returns
    -------
    capacities : numpy.ndarray, shape (points,)
        Cache sizes in items, increasing, from about 1 to nearly all keys.
    hit_ratios : numpy.ndarray, shape (points,)

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Che, Tung and Wang 2002, as in :func:`theory_lru`.
    """
    weights = _popularity(weights)
    points = validation.integer("points", points, at_least=2)
    # At time t the rarest key is still out with probability exp(-p t): stop when that is small.
    times = np.geomspace(1.0, 4.0 / weights.min(), points)
    sizes, ratios = np.empty(points), np.empty(points)
    for start in range(0, points, rows := max(1, _BLOCK // weights.size)):
        block = slice(start, start + rows)
        present = -np.expm1(-np.outer(times[block], weights))
        sizes[block] = present.sum(axis=1)
        ratios[block] = present @ weights
    return sizes, ratios


def theory_fifo(weights: npt.ArrayLike, capacities: npt.ArrayLike) -> np.ndarray:
    """Hit ratio of FIFO (and of random replacement) under independent requests.

    Parameters
    ----------
    weights, capacities
        As for :func:`theory_lru`.

    Returns
    -------
    numpy.ndarray
        Hit ratios, same shape as `capacities`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    A key stays t requests after it came in, however often it is used: it is present for a share
    ``p t / (1 + p t)`` of the time, and t makes the shares add up to the capacity. That FIFO and
    random replacement have equal hit ratios: Gelenbe, "A Unified Approach to the Evaluation of a
    Class of Replacement Algorithms", *IEEE Transactions on Computers* C-22(6), 1973. The
    approximation: Fricker, Robert and Roberts 2012, for random replacement.
    """
    weights = _popularity(weights)
    capacities = validation.numbers("capacities", capacities, at_least=0, unit="items")
    result = np.empty(capacities.shape)
    for index, capacity in np.ndenumerate(capacities):
        if capacity >= weights.size:
            result[index] = 1.0
        elif capacity == 0:
            result[index] = 0.0
        else:
            target = float(capacity)

            def missing(time: float, target: float = target) -> tuple[float, float]:
                share = weights * time / (1 + weights * time)
                slope = weights / (1 + weights * time) ** 2
                return float(share.sum()) - target, float(slope.sum())

            time = _increasing_concave_root(missing, start=target)
            result[index] = weights @ (weights * time / (1 + weights * time))
    return result


def theory_lfu(weights: npt.ArrayLike, capacities: npt.ArrayLike) -> np.ndarray:
    """Hit ratio of a cache that has learned which keys are the most popular, and keeps those.

    Under independent requests no policy that does not see the future beats it in the long run,
    and it is what an ideal LFU converges to.

    Parameters
    ----------
    weights, capacities
        As for :func:`theory_lru`; capacities are rounded down to whole items.

    Returns
    -------
    numpy.ndarray
        Sum of the largest popularities, same shape as `capacities`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    The algorithm A0 of Aho, Denning and Ullman, "Principles of Optimal Page Replacement",
    *Journal of the ACM* 18(1), 1971, without the one place it leaves for the newcomer.
    """
    weights = _popularity(weights)
    capacities = validation.numbers("capacities", capacities, at_least=0, unit="items")
    best_first = np.concatenate([[0.0], np.cumsum(np.sort(weights)[::-1])])
    return best_first[np.minimum(capacities.astype(int), weights.size)]


def theory_loop(policy: str, length: int, capacity: int) -> float:
    """Long-run hit ratio on an endless loop over `length` keys.

    Parameters
    ----------
    policy : {"LRU", "FIFO", "Belady"}
        Eviction policy; each miss brings its key in.
    length : int
        Keys in the loop; >= 2.
    capacity : int
        Items the cache holds; >= 1.

    Returns
    -------
    float
        1 if everything fits. Otherwise 0 for LRU and FIFO, which always throw out the key needed
        soonest, and ``(capacity - 1) / (length - 1)`` for Belady.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    The optimal policy: Belady, "A study of replacement algorithms for a virtual-storage
    computer", *IBM Systems Journal* 5(2), 1966. On a loop it evicts the key just used each time,
    so one place serves all newcomers and the others each save the next lap but one key in turn.
    """
    validation.one_of("policy", policy, ("LRU", "FIFO", "Belady"))
    length = validation.integer("length", length, at_least=2)
    capacity = validation.integer("capacity", capacity, at_least=1)
    if capacity >= length:
        return 1.0
    return (capacity - 1) / (length - 1) if policy == "Belady" else 0.0


# --- herds --------------------------------------------------------------------------------------


def theory_cold_restart(hit_ratio: float) -> float:
    """How many times its usual load the database gets the moment the cache is empty.

    Parameters
    ----------
    hit_ratio : float
        Hit ratio before the restart; 0 <= hit_ratio < 1.

    Returns
    -------
    float
        ``1 / (1 - hit_ratio)``: all requests over the usual misses.

    Raises
    ------
    TypeError, ValueError
        If `hit_ratio` has the wrong type or is out of range.
    """
    hit_ratio = validation.number("hit_ratio", hit_ratio, at_least=0, below=1)
    return 1 / (1 - hit_ratio)


def theory_warm_up(
    weights: npt.ArrayLike, requests: npt.ArrayLike, *, prewarmed: int = 0
) -> np.ndarray:
    """Probability that a request hits, `requests` requests after a cold start.

    Exact for a cache that fills at once and is not full yet. Read sideways it is the Che curve: a
    cold cache hits after t requests as often as a full one whose characteristic time is t.

    Parameters
    ----------
    weights : array_like, shape (keys,)
        Popularity of each key; > 0, summing to 1.
    requests : array_like, shape (n,)
        Mean number of requests since the start (elapsed time times the rate); >= 0.
    prewarmed : int
        How many of the first keys in `weights` were loaded before the start; 0 <= prewarmed.

    Returns
    -------
    numpy.ndarray, shape (n,)
        ``1 - sum_k p_k exp(-p_k t)`` over the keys not prewarmed.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    weights = _popularity(weights)
    requests = validation.numbers("requests", requests, at_least=0, ndim=1)
    prewarmed = validation.integer("prewarmed", prewarmed, at_least=0, at_most=weights.size)
    cold = weights[prewarmed:]
    result = np.empty(requests.size)
    for start in range(0, requests.size, rows := max(1, _BLOCK // weights.size)):
        block = slice(start, start + rows)
        result[block] = 1 - np.exp(-np.outer(requests[block], cold)) @ cold
    return result


def theory_expiry_herd(
    rate_rps: float, recompute_s: float, fix: str = "none", *, beta: float = 1.0
) -> float:
    """Mean number of queries sent to the database when one hot key expires once.

    Parameters
    ----------
    rate_rps : float
        Requests for the key, per second, Poisson; > 0.
    recompute_s : float
        Time to compute the value anew, seconds; > 0.
    fix : {"none", "single-flight", "early refresh", "jitter"}
        ``"early refresh"`` is XFetch; ``"jitter"`` moves the expiry and changes nothing else.
    beta : float
        XFetch's eagerness; > 0. The other fixes take no notice of it.

    Returns
    -------
    float
        ``1 + rate x recompute`` without a fix: the first miss, and all who come before its answer
        is in the cache.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    rate_rps = validation.number("rate_rps", rate_rps, above=0, unit="requests/s")
    recompute_s = validation.number("recompute_s", recompute_s, above=0, unit="s")
    validation.one_of("fix", fix, ("none", "single-flight", "early refresh", "jitter"))
    if fix == "single-flight":
        return 1.0
    if fix == "early refresh":
        return theory_xfetch(rate_rps, recompute_s, beta).queries
    return 1 + rate_rps * recompute_s


def theory_herd_drain(queries: float, recompute_s: float, connections: int) -> float:
    """How long every connection of the database is taken by a herd, as a fluid: seconds.

    Parameters
    ----------
    queries : float
        Queries in the herd; >= 0.
    recompute_s : float
        Time one query holds a connection, seconds; > 0.
    connections : int
        Connections; >= 1.

    Returns
    -------
    float
        ``(queries - connections) x recompute / connections``, or 0 if they all fit. Off by at
        most about one recompute time, because connections fill and empty one by one.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    queries = validation.number("queries", queries, at_least=0)
    recompute_s = validation.number("recompute_s", recompute_s, above=0, unit="s")
    connections = validation.integer("connections", connections, at_least=1)
    return max(0.0, (queries - connections) * recompute_s / connections)


@dataclass(frozen=True)
class XFetchTheory:
    """What probabilistic early refresh does to one hot key, on average."""

    queries: float
    #: How long before the expiry the first refresh starts, seconds; NaN where no closed form.
    lead_s: float
    #: The size of the stampede as the rate grows without bound.
    limit: float


def theory_xfetch(rate_rps: float, recompute_s: float, beta: float = 1.0) -> XFetchTheory:
    """Mean size of the stampede under XFetch, and how early it comes.

    Parameters
    ----------
    rate_rps : float
        Requests for the key, per second, Poisson; > 0.
    recompute_s : float
        Time to compute the value anew, seconds; > 0.
    beta : float
        Eagerness; > 0. 1 is the usual choice.

    Returns
    -------
    XFetchTheory
        Exact for a time to live much longer than the lead.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    A request s seconds before the expiry refreshes if ``-recompute beta ln(u) >= s``, which has
    probability ``exp(-s / (beta recompute))``. Refreshes therefore form a Poisson process whose
    mean count up to that instant is ``A exp(-s / (beta recompute))``, ``A = rate beta
    recompute``. The first comes when the count passes x, x being exponential with mean 1; while
    it is computed the count grows by a factor ``exp(1 / beta)``, so ``x (exp(1 / beta) - 1)``
    more follow: ``exp(1 / beta)`` in the mean, whatever the rate. The terms below add the cases
    in which the answer is not back before the expiry. The lead is ``beta recompute (ln A +
    gamma)``, as ``-ln x`` has a Gumbel distribution.

    The algorithm: Vattani, Chierichetti and Lowenstein, "Optimal Probabilistic Cache Stampede
    Prevention", *PVLDB* 8(8), 2015.
    """
    rate_rps = validation.number("rate_rps", rate_rps, above=0, unit="requests/s")
    recompute_s = validation.number("recompute_s", recompute_s, above=0, unit="s")
    beta = validation.number("beta", beta, above=0)
    at_expiry = rate_rps * beta * recompute_s
    in_time = at_expiry * math.exp(-1 / beta)  # a first refresh below this is back in time
    growth = math.expm1(1 / beta)
    herd = rate_rps * recompute_s

    # First case: 1 + growth x, for x from 0 to in_time. At most x = 700: exp(-700) is nothing.
    end = min(in_time, 700.0)
    early = -math.expm1(-end) + growth * (1 - math.exp(-end) * (1 + end))
    # Second case: the answer comes after the expiry, from when on every request recomputes.
    late = 0.0
    last = min(at_expiry, in_time + 60.0)
    if in_time < 700.0:
        nodes, node_weights = _gauss_legendre()
        x = in_time + (last - in_time) * (nodes + 1) / 2
        followers = at_expiry - x + herd - at_expiry * np.log(at_expiry / x)
        late = (last - in_time) / 2 * float(node_weights @ ((1 + followers) * np.exp(-x)))
    # Third case: nobody refreshed before the expiry, and the herd is a herd.
    missed = (1 + herd) * math.exp(-min(at_expiry, 700.0))
    return XFetchTheory(
        queries=early + late + missed,
        lead_s=beta * recompute_s * (math.log(at_expiry) + _EULER_GAMMA),
        limit=math.exp(1 / beta),
    )


@cache
def _gauss_legendre() -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights for an integral from -1 to 1; finding them takes 13 ms."""
    return np.polynomial.legendre.leggauss(80)


def theory_synchronised_expiry(
    keys: int, rate_rps: float, query_s: float, connections: int, jitter_s: float
) -> float:
    """Longest wait for a connection when many keys expire within `jitter_s`, as a fluid: seconds.

    Parameters
    ----------
    keys : int
        Keys that expire, equally popular, one query for each; >= 1.
    rate_rps : float
        Requests for all of them together, per second, Poisson; > 0.
    query_s : float
        Time one query holds a connection, seconds; > 0.
    connections : int
        Connections; >= 1.
    jitter_s : float
        Width of the interval over which expiries are spread evenly, seconds; >= 0.

    Returns
    -------
    float
        About ``keys x query / connections - jitter`` when requests are frequent: the work takes
        as long as it takes, and spreading it only takes away from the time spent in the queue.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    A key's query comes at its expiry, uniform on (0, J), plus the wait for its first request,
    exponential with mean ``m = keys / rate``. With ``work = keys x query / connections`` and
    ``r = J / work``, queries come faster than they are served from ``t0 = -m ln(1 - r)`` to
    ``t1 = m ln((exp(J / m) - 1) / r)``; what has piled up by then is the longest wait,
    ``(J - t0) / r - (t1 - t0)``. Without jitter the limit is ``work - m - m ln(work / m)``.
    """
    keys = validation.integer("keys", keys, at_least=1)
    rate_rps = validation.number("rate_rps", rate_rps, above=0, unit="requests/s")
    query_s = validation.number("query_s", query_s, above=0, unit="s")
    connections = validation.integer("connections", connections, at_least=1)
    jitter_s = validation.number("jitter_s", jitter_s, at_least=0, unit="s")
    work, gap = keys * query_s / connections, keys / rate_rps
    if jitter_s < 1e-6 * gap:
        return max(0.0, work - gap - gap * math.log(work / gap))
    share = jitter_s / work
    if share >= -math.expm1(-jitter_s / gap):
        return 0.0
    begins = -gap * math.log1p(-share)
    # ln(exp(x) - 1), written so that a large x does not overflow.
    ends = jitter_s + gap * (math.log(-math.expm1(-jitter_s / gap)) - math.log(share))
    return (jitter_s - begins) / share - (ends - begins)


# --- writes -------------------------------------------------------------------------------------


def theory_write_through(cache_s: float, database_s: float) -> float:
    """Write latency when cache and database are both written before the answer: seconds.

    Raises
    ------
    TypeError, ValueError
        If a parameter is not a number or is negative.
    """
    cache_s = validation.number("cache_s", cache_s, at_least=0, unit="s")
    return cache_s + validation.number("database_s", database_s, at_least=0, unit="s")


def theory_write_race(write_rps: float, delay_s: float) -> float:
    """Probability that a burst of write-through writes leaves the wrong value in the cache.

    Parameters
    ----------
    write_rps : float
        Writes to the one key during the burst, per second, Poisson; >= 0.
    delay_s : float
        Mean time from a write's commit in the database to its arrival in the cache, seconds,
        exponential and independent from write to write; >= 0.

    Returns
    -------
    float
        ``1 - (1 - exp(-x)) / x`` with ``x = write_rps x delay_s``, the writes under way.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    The last write to commit reaches the cache after D. One that committed a earlier overtakes it
    from behind if its own delay exceeds ``a + D``: such writes are Poisson with mean
    ``write_rps x integral exp(-(a + D) / delay) da = x exp(-D / delay)``. As ``exp(-D / delay)``
    is uniform on (0, 1), the probability that there are none is ``mean_decay(x)``. With a delay
    that never varies nothing is overtaken, and the probability is 0.
    """
    write_rps = validation.number("write_rps", write_rps, at_least=0, unit="writes/s")
    delay_s = validation.number("delay_s", delay_s, at_least=0, unit="s")
    return _one_minus_mean_decay(write_rps * delay_s)


@dataclass(frozen=True)
class WriteBehindTheory:
    """Acknowledged writes that are lost when the cache crashes, and database writes saved."""

    lost_mean: float
    lost_sd: float
    #: Rows written to the database per second, after coalescing.
    database_rps: float


def theory_write_behind(
    write_rps: float, flush_s: float, weights: npt.ArrayLike | None = None
) -> WriteBehindTheory:
    """Loss and coalescing of a write-behind cache that flushes at fixed intervals.

    Parameters
    ----------
    write_rps : float
        Acknowledged writes per second, Poisson; > 0.
    flush_s : float
        Time between flushes, seconds; > 0. A flush itself takes no time.
    weights : array_like, shape (keys,), optional
        Popularity of each key among the writes; one key is written once per flush however often
        it changed. Without weights every write goes to a key of its own.

    Returns
    -------
    WriteBehindTheory
        For a crash at an instant that has nothing to do with the flushes.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    The time since the last flush is uniform on (0, T): mean loss ``rate T / 2``, variance
    ``rate T / 2 + (rate T)² / 12``. A key with rate r is dirty at a flush with probability
    ``1 - exp(-r T)``.
    """
    write_rps = validation.number("write_rps", write_rps, above=0, unit="writes/s")
    flush_s = validation.number("flush_s", flush_s, above=0, unit="s")
    pending = write_rps * flush_s
    if weights is None:
        rows = write_rps
    else:
        rows = float(-np.expm1(-pending * _popularity(weights)).sum()) / flush_s
    return WriteBehindTheory(pending / 2, math.sqrt(pending / 2 + pending**2 / 12), rows)


# --- freshness ----------------------------------------------------------------------------------


def theory_staleness(update_rps: float, ttl_s: float, *, delivered: float = 0.0) -> float:
    """Share of a cache's hits that return a value the database no longer has.

    Parameters
    ----------
    update_rps : float
        Updates of the key, per second, Poisson; >= 0.
    ttl_s : float
        Time to live, seconds; > 0.
    delivered : float
        Share of the updates whose invalidation reaches the cache, at once; 0 <= delivered <= 1.

    Returns
    -------
    float
        ``1 - (1 - exp(-mu T)) / (mu T)`` when none is delivered, 0 when all are.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    An entry lives until its time is up or an invalidation arrives, ``E[min(T, Exp(q mu))]`` on
    average, and is fresh until the first update, ``E[min(T, Exp(mu))]``. Poisson reads see time
    averages (Wolff, "Poisson Arrivals See Time Averages", *Operations Research* 30(2), 1982), so
    one minus the quotient is the stale share of the hits.
    """
    update_rps = validation.number("update_rps", update_rps, at_least=0, unit="updates/s")
    ttl_s = validation.number("ttl_s", ttl_s, above=0, unit="s")
    delivered = validation.number("delivered", delivered, at_least=0, at_most=1)
    if delivered == 0:
        return _one_minus_mean_decay(update_rps * ttl_s)
    fresh = float(mean_decay(update_rps * ttl_s))
    return 1 - fresh / float(mean_decay(delivered * update_rps * ttl_s))


def theory_ttl_hit_ratio(read_rps: float, ttl_s: float, *, invalidation_rps: float = 0.0) -> float:
    """Hit ratio of one key that is loaded on a miss and then lives for `ttl_s`.

    Parameters
    ----------
    read_rps : float
        Reads of the key, per second, Poisson; >= 0.
    ttl_s : float
        Time to live, seconds; > 0.
    invalidation_rps : float
        Invalidations that reach the cache, per second, Poisson; >= 0.

    Returns
    -------
    float
        ``r L / (1 + r L)``, L being the mean life of an entry: one miss, then ``r L`` hits.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    read_rps = validation.number("read_rps", read_rps, at_least=0, unit="reads/s")
    ttl_s = validation.number("ttl_s", ttl_s, above=0, unit="s")
    invalidation_rps = validation.number(
        "invalidation_rps", invalidation_rps, at_least=0, unit="invalidations/s"
    )
    hits = read_rps * ttl_s * float(mean_decay(invalidation_rps * ttl_s))
    return hits / (1 + hits)


@dataclass(frozen=True)
class RefreshAheadTheory:
    """Refresh-ahead, key by key; every array has shape (keys,)."""

    #: Probability that a refreshed value is read at least once before its time is up.
    useful: np.ndarray
    #: Share of the requests that find a value.
    hit_ratio: np.ndarray
    #: Loads from the database per second, refreshes and misses together.
    loads_rps: np.ndarray
    #: Of these, loads that nobody waited for.
    refreshes_rps: np.ndarray


def theory_refresh_ahead(
    rates_rps: npt.ArrayLike, ttl_s: float, threshold: float, mode: str = "on access"
) -> RefreshAheadTheory:
    """Hit ratio, database load and waste of refresh-ahead.

    Parameters
    ----------
    rates_rps : array_like, shape (keys,)
        Reads of each key, per second, Poisson; > 0.
    ttl_s : float
        Time to live, seconds; > 0.
    threshold : float
        Share of the time to live after which an access starts a refresh; 0 < threshold <= 1. At 1
        there is no refresh-ahead.
    mode : {"on access", "timer"}
        ``"timer"`` reloads every key when its time is up, read or not, and needs no threshold.

    Returns
    -------
    RefreshAheadTheory
        With loads that take no time.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    From one load to the next pass ``threshold x ttl`` and then the wait for a request, ``1 / r``
    on average. That request finds the value alive, and refreshes it, with probability
    ``1 - exp(-r (1 - threshold) ttl)``; all those before it were hits.
    """
    rates = validation.numbers("rates_rps", rates_rps, above=0, unit="reads/s", ndim=1)
    ttl_s = validation.number("ttl_s", ttl_s, above=0, unit="s")
    threshold = validation.number("threshold", threshold, above=0, at_most=1)
    validation.one_of("mode", mode, ("on access", "timer"))
    useful = -np.expm1(-rates * ttl_s)
    if mode == "timer":
        every = np.full(rates.size, 1 / ttl_s)
        return RefreshAheadTheory(useful, np.ones(rates.size), every, every)
    missed = np.exp(-rates * (1 - threshold) * ttl_s)
    per_load = 1 + rates * threshold * ttl_s
    loads = rates / per_load
    return RefreshAheadTheory(useful, 1 - missed / per_load, loads, loads * (1 - missed))


# --- the four strategies ------------------------------------------------------------------------


@dataclass(frozen=True)
class StrategyTheory:
    """One strategy on Poisson traffic; NaN where there is no closed form."""

    hit_ratio: float
    read_s: float
    write_s: float
    database_read_rps: float
    database_write_rps: float
    stale_share: float
    lost_writes: float


def theory_strategies(
    weights: npt.ArrayLike,
    *,
    rate_rps: float,
    write_share: float,
    bypass_share: float,
    ttl_s: float,
    flush_s: float,
    threshold: float,
    cache_s: float,
    database_read_s: float,
    database_write_s: float,
) -> Mapping[str, StrategyTheory]:
    """Latency, database load, staleness and loss of the four strategies.

    Parameters
    ----------
    weights : array_like, shape (keys,)
        Popularity of each key, for reads and writes alike; > 0, summing to 1.
    rate_rps : float
        Operations per second, Poisson; > 0.
    write_share : float
        Share of the operations that write; 0 <= write_share < 1.
    bypass_share : float
        Share of the writes that go straight to the database, past the cache; 0 to 1.
    ttl_s, flush_s : float
        Time to live, and time between write-behind's flushes, seconds; > 0.
    threshold : float
        Refresh-ahead's threshold, as in :func:`theory_refresh_ahead`.
    cache_s, database_read_s, database_write_s : float
        Time of one operation, seconds; >= 0.

    Returns
    -------
    mapping of str to StrategyTheory
        For cache-aside, write-through, write-behind and refresh-ahead.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Key by key, with reads r, writes w through the cache and writes b past it. Cache-aside and
    refresh-ahead drop the entry on a write: it lives ``L = E[min(T, Exp(w))]``. Write-through and
    write-behind renew it: it goes only when T passes without a write, ``(exp(w T) - 1) / w`` on
    average, and comes back with the next read or write. In each case an entry of age a has met no
    bypassing write with probability ``exp(-b a)``.
    """
    weights = _popularity(weights)
    rate_rps = validation.number("rate_rps", rate_rps, above=0, unit="requests/s")
    write_share = validation.number("write_share", write_share, at_least=0, below=1)
    bypass_share = validation.number("bypass_share", bypass_share, at_least=0, at_most=1)
    ttl_s = validation.number("ttl_s", ttl_s, above=0, unit="s")
    flush_s = validation.number("flush_s", flush_s, above=0, unit="s")
    threshold = validation.number("threshold", threshold, above=0, at_most=1)
    cache_s = validation.number("cache_s", cache_s, at_least=0, unit="s")
    database_read_s = validation.number("database_read_s", database_read_s, at_least=0, unit="s")
    database_write_s = validation.number("database_write_s", database_write_s, at_least=0, unit="s")

    read_rate = rate_rps * (1 - write_share)
    reads = weights * read_rate
    writes = weights * rate_rps * write_share * (1 - bypass_share)
    past = weights * rate_rps * write_share * bypass_share
    life = ttl_s * mean_decay(writes * ttl_s)
    fresh = ttl_s * mean_decay((writes + past) * ttl_s) / life

    dropped = reads * life / (1 + reads * life)
    per_ttl = writes * ttl_s
    with np.errstate(over="ignore"):  # renewed so often that it never goes: infinity is right
        alive = ttl_s * np.where(per_ttl == 0, 1.0, np.expm1(per_ttl) / np.maximum(per_ttl, 1e-300))
    renewed = 1 - 1 / (1 + alive * (reads + writes))
    ahead, ahead_fresh, refreshes = _refresh_with_writes(reads, writes, past, ttl_s, threshold)

    def strategy(
        hit: np.ndarray,
        stale_share: float,
        *,
        extra_reads: float = 0.0,
        write_s: float = cache_s + database_write_s,
        write_rps: float = rate_rps * write_share,
        lost: float = 0.0,
    ) -> StrategyTheory:
        ratio = float(weights @ hit)
        return StrategyTheory(
            hit_ratio=ratio,
            # A miss asks the cache, then the database, then fills the cache.
            read_s=cache_s + (1 - ratio) * (database_read_s + cache_s),
            write_s=write_s,
            database_read_rps=read_rate * (1 - ratio) + extra_reads,
            database_write_rps=write_rps,
            stale_share=stale_share,
            lost_writes=lost,
        )

    rows = float(-np.expm1(-writes * flush_s).sum()) / flush_s
    return {
        "cache-aside": strategy(dropped, float(weights @ (dropped * (1 - fresh)))),
        "write-through": strategy(renewed, float(weights @ (renewed * (1 - fresh)))),
        "write-behind": strategy(
            renewed,
            # A flush may overwrite a newer value that came past the cache: no closed form.
            math.nan if past.any() else 0.0,
            write_s=cache_s,
            write_rps=rows + float(past.sum()),
            lost=float(writes.sum()) * flush_s / 2,
        ),
        "refresh-ahead": strategy(
            ahead,
            float(weights @ (ahead * (1 - ahead_fresh))),
            extra_reads=float(refreshes.sum()),
        ),
    }


def _refresh_with_writes(
    reads: np.ndarray, writes: np.ndarray, past: np.ndarray, ttl_s: float, threshold: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hit ratio, fresh share of the hits, and refreshes per second, when a write drops an entry."""
    before, window = threshold * ttl_s, (1 - threshold) * ttl_s
    # An entry reaches the window unless written to; there a read (which refreshes it), a write
    # (which drops it) or the end of its time comes first.
    reach = np.exp(-writes * before)
    any_of_them = reads + writes
    refreshed = reach * -np.expm1(-any_of_them * window) * reads / any_of_them

    def lifetime(extra: npt.ArrayLike) -> np.ndarray:
        """Mean time an entry is both alive and not yet hit by an event of rate `extra`."""
        early = before * mean_decay((writes + extra) * before)
        late = window * mean_decay((any_of_them + extra) * window)
        return early + np.exp(-(writes + extra) * before) * late

    alive = lifetime(0.0)
    loads = 1 / (alive + (1 - refreshed) / reads)
    hit_ratio = 1 - loads * (1 - refreshed) / reads
    return hit_ratio, lifetime(past) / alive, loads * refreshed


# --- shared -------------------------------------------------------------------------------------


def _popularity(weights: npt.ArrayLike) -> np.ndarray:
    weights = validation.numbers("weights", weights, above=0, at_most=1, ndim=1)
    if abs(weights.sum() - 1) > 1e-9:
        raise ValueError(f"weights must sum to 1, got {weights.sum():g}")
    return weights


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
