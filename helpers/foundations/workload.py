"""Seeded traffic: random streams, arrivals, service times and the keys requests ask for.

Every distribution is available with unit mean, so that a caller can draw once and rescale: two
designs, or two positions of a slider, then meet the *same* traffic (common random numbers), and
the difference between them is the design's and not the dice's.

Arrays of times with shape (R, n), for R replications of n requests, are laid out with the
replications of one request side by side in memory, which is the way the queueing engine steps.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from helpers.foundations import validation

#: The kinds of arrival process.
ARRIVALS = ("poisson", "constant", "bursty")

#: The kinds of service time.
SERVICES = ("exponential", "deterministic", "hyperexponential", "bimodal", "lognormal")

Size = int | tuple[int, ...]


def streams(seed: int, *names: str) -> dict[str, np.random.Generator]:
    """Return one independent random stream for each named source of randomness.

    A stream depends on the seed and its own name alone. A model that gains a source of randomness
    keeps the numbers it drew from the others, and two designs that name a stream alike meet the
    same numbers.

    Parameters
    ----------
    seed : int
        Seed of the experiment; >= 0.
    *names : str
        One name for each source, such as ``"arrivals"``; all different, none empty.

    Returns
    -------
    dict of str to numpy.random.Generator
        The streams, by name, in the order given.

    Raises
    ------
    TypeError
        If `seed` is not an integer or a name is not a string.
    ValueError
        If `seed` is negative, or a name is empty or given twice.

    Examples
    --------
    >>> rng = streams(1, "arrivals", "services")
    >>> bool(rng["services"].random() == streams(1, "services")["services"].random())
    True
    """
    seed = validation.integer("seed", seed, at_least=0)
    for position, name in enumerate(names):
        if not isinstance(name, str):
            raise TypeError(f"names[{position}] must be a string, got {name!r}")
        if not name:
            raise ValueError(f"names[{position}] must be a non-empty string, got ''")
        if name in names[:position]:
            raise ValueError(f"names must all be different, got {name!r} twice")
    # The name itself is the spawn key: unlike a hash of it, no two names can share one.
    return {
        name: np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(name.encode())))
        for name in names
    }


# --- arrivals -----------------------------------------------------------------------------------


def unit_gaps(
    kind: str, size: Size, rng: np.random.Generator, *, burstiness: float = 4.0
) -> np.ndarray:
    """Draw gaps between arrivals with mean 1; divide them by a rate to get seconds.

    Parameters
    ----------
    kind : {"poisson", "constant", "bursty"}
        ``"poisson"``: exponential gaps. ``"constant"``: every gap is 1. ``"bursty"``: gaps of a
        balanced two-phase hyperexponential distribution, a renewal process in which a run of
        short gaps is followed now and then by a long one.
    size : int or tuple of int
        Shape of the result.
    rng : numpy.random.Generator
        Where the randomness comes from.
    burstiness : float
        Squared coefficient of variation of the gaps of the bursty process; >= 1, and 1 is Poisson.
        As the process is a renewal process it is also the limit of its index of dispersion for
        counts: over a long window the number of arrivals has variance `burstiness` times its mean.
        The other kinds have no choice (1 and 0) and take no notice of it.

    Returns
    -------
    numpy.ndarray
        Gaps, shape `size`, mean 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Index of dispersion of a renewal process: Cox and Lewis, *The Statistical Analysis of Series
    of Events*, 1966, chapter 4.
    """
    validation.one_of("kind", kind, ARRIVALS)
    shape = _shape(size)
    burstiness = validation.number("burstiness", burstiness, at_least=1)
    if kind == "constant":
        return np.ones(shape, order="F")
    if kind == "poisson":
        return _exponential(shape, rng)
    return _hyperexponential(shape, rng, burstiness)


def arrival_scv(kind: str, burstiness: float = 4.0) -> float:
    """Return the squared coefficient of variation of the gaps that :func:`unit_gaps` draws.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    validation.one_of("kind", kind, ARRIVALS)
    burstiness = validation.number("burstiness", burstiness, at_least=1)
    return {"poisson": 1.0, "constant": 0.0, "bursty": burstiness}[kind]


def interarrival_times(
    kind: str,
    rate_rps: float,
    size: Size,
    rng: np.random.Generator,
    *,
    burstiness: float = 4.0,
) -> np.ndarray:
    """Draw gaps between arrivals, in seconds.

    Parameters
    ----------
    rate_rps : float
        Mean arrival rate, requests per second; > 0.
    kind, size, rng, burstiness
        As for :func:`unit_gaps`.

    Returns
    -------
    numpy.ndarray
        Gaps in seconds, shape `size`, mean ``1 / rate_rps``.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    rate_rps = validation.number("rate_rps", rate_rps, above=0, unit="requests/s")
    gaps = unit_gaps(kind, size, rng, burstiness=burstiness)
    gaps /= rate_rps
    return gaps


def arrival_times(
    kind: str,
    rate_rps: float,
    size: Size,
    rng: np.random.Generator,
    *,
    burstiness: float = 4.0,
) -> np.ndarray:
    """Draw the instants at which requests arrive, the first after one gap from 0.

    Parameters
    ----------
    kind, rate_rps, size, rng, burstiness
        As for :func:`interarrival_times`; time runs along the last axis.

    Returns
    -------
    numpy.ndarray
        Arrival times in seconds, shape `size`, non-decreasing along the last axis.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    gaps = interarrival_times(kind, rate_rps, size, rng, burstiness=burstiness)
    return np.cumsum(gaps, axis=-1, out=gaps)


# --- service times ------------------------------------------------------------------------------


def unit_services(
    kind: str,
    size: Size,
    rng: np.random.Generator,
    *,
    scv: float = 4.0,
    slow_share: float = 0.05,
) -> np.ndarray:
    """Draw service times with mean 1; multiply them by a mean to get seconds.

    Parameters
    ----------
    kind : {"exponential", "deterministic", "hyperexponential", "bimodal", "lognormal"}
        ``"hyperexponential"``: two exponential phases with balanced means. ``"bimodal"``: one of
        two values, a fast one and, for a share `slow_share` of the requests, a slow one.
    size : int or tuple of int
        Shape of the result.
    rng : numpy.random.Generator
        Where the randomness comes from.
    scv : float
        Squared coefficient of variation (variance / mean²) of the last three kinds: >= 1 for the
        hyperexponential, >= 0 for the lognormal, between 0 and ``1 / slow_share - 1`` for the
        bimodal. The first two have no choice (1 and 0) and take no notice of it.
    slow_share : float
        Share of slow requests of the bimodal kind; 0 < slow_share < 1.

    Returns
    -------
    numpy.ndarray
        Service times, shape `size`, mean 1 and squared coefficient of variation `scv`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Two values with mean 1 and variance v, the slow one with probability p: fast
    ``1 - sqrt(v p / (1 - p))``, slow ``1 + sqrt(v (1 - p) / p)``. A lognormal with mean 1 has
    ``sigma² = ln(1 + v)`` and ``mu = -sigma² / 2``.
    """
    scv = service_scv(kind, scv, slow_share=slow_share)
    shape = _shape(size)
    if kind == "deterministic":
        return np.ones(shape, order="F")
    if kind == "exponential":
        return _exponential(shape, rng)
    if kind == "hyperexponential":
        return _hyperexponential(shape, rng, scv)
    if kind == "lognormal":
        variance = math.log1p(scv)
        return np.exp(math.sqrt(variance) * rng.standard_normal(shape[::-1]).T - variance / 2)
    odds = 1 / slow_share - 1  # against being slow
    fast, slow = 1 - math.sqrt(scv / odds), 1 + math.sqrt(scv * odds)
    return np.where(_uniform(shape, rng) < slow_share, slow, fast)


def service_scv(kind: str, scv: float = 4.0, *, slow_share: float = 0.05) -> float:
    """Return the squared coefficient of variation of what :func:`unit_services` draws.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range for this kind.
    """
    validation.one_of("kind", kind, SERVICES)
    slow_share = validation.number("slow_share", slow_share, above=0, below=1)
    if kind == "hyperexponential":
        return validation.number("scv", scv, at_least=1)
    if kind == "bimodal":
        return validation.number("scv", scv, at_least=0, at_most=1 / slow_share - 1)
    scv = validation.number("scv", scv, at_least=0)
    return {"exponential": 1.0, "deterministic": 0.0, "lognormal": scv}[kind]


def service_times(
    kind: str,
    mean_s: float,
    size: Size,
    rng: np.random.Generator,
    *,
    scv: float = 4.0,
    slow_share: float = 0.05,
) -> np.ndarray:
    """Draw service times, in seconds.

    Parameters
    ----------
    mean_s : float
        Mean service time, seconds; > 0.
    kind, size, rng, scv, slow_share
        As for :func:`unit_services`.

    Returns
    -------
    numpy.ndarray
        Service times in seconds, shape `size`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    mean_s = validation.number("mean_s", mean_s, above=0, unit="s")
    services = unit_services(kind, size, rng, scv=scv, slow_share=slow_share)
    services *= mean_s
    return services


def _exponential(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    return rng.standard_exponential(shape[::-1]).T


def _uniform(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    return rng.random(shape[::-1]).T


def _hyperexponential(shape: tuple[int, ...], rng: np.random.Generator, scv: float) -> np.ndarray:
    """Draw from the unit-mean H2 distribution whose two phases carry half of the mean each."""
    short = hyperexponential_share(scv)
    draws = _exponential(shape, rng)
    draws *= np.where(_uniform(shape, rng) < short, 0.5 / short, 0.5 / (1 - short))
    return draws


def hyperexponential_share(scv: float) -> float:
    """Return the share p of short phases of the balanced hyperexponential with mean 1.

    With probability p the draw is exponential with mean ``1 / (2 p)``, otherwise with mean
    ``1 / (2 (1 - p))``.

    Parameters
    ----------
    scv : float
        Squared coefficient of variation; >= 1.

    Raises
    ------
    TypeError, ValueError
        If `scv` has the wrong type or is out of range.

    Notes
    -----
    ``p = (1 + sqrt((scv - 1) / (scv + 1))) / 2``. Allen, *Probability, Statistics, and Queueing
    Theory*, 2nd ed. 1990, on the two-stage hyperexponential.
    """
    scv = validation.number("scv", scv, at_least=1)
    return (1 + math.sqrt((scv - 1) / (scv + 1))) / 2


# --- keys ---------------------------------------------------------------------------------------


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
    shape = _shape(size)
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


def _shape(size: object) -> tuple[int, ...]:
    parts = size if isinstance(size, tuple) else (size,)
    return tuple(validation.integer("size", part, at_least=1) for part in parts)
