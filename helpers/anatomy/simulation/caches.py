"""A cache before a database: what reaches the database, and how much memory that takes."""

from __future__ import annotations

from collections import deque
from functools import lru_cache

import numpy as np

from helpers.anatomy.theory import theory_best_hit_ratio, theory_cache_load, theory_hit_ratio
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.queueing import fifo_waits
from helpers.foundations.statistics import Interval, mean_interval
from helpers.foundations.traffic.arrivals import unit_gaps
from helpers.foundations.traffic.keys import zipf_keys
from helpers.foundations.traffic.services import unit_services
from helpers.foundations.traffic.streams import streams

CACHE_MS, DATABASE_MS, CONNECTIONS = 0.5, 10.0, 8

_REQUESTS, _WARM_UP = 800, 300


class CacheLoadResult(Result):
    """Database load and read time behind a cache.

    Attributes
    ----------
    rate_rps, hit_ratio
        The parameters it was made with.
    database : Interval
        Reads per second that reach the database.
    read : Interval or None
        Mean read time, seconds; None where the database cannot keep up.
    grid, theory_rps, theory_read_s : numpy.ndarray, shape (k,)
        Hit ratios, and theory at them; the read time is infinite beyond capacity.
    """

    rate_rps: float
    hit_ratio: float
    database: Interval
    read: Interval | None
    grid: np.ndarray
    theory_rps: np.ndarray
    theory_read_s: np.ndarray

    @property
    def capacity_rps(self) -> float:
        """Reads per second that the database can do."""
        return CONNECTIONS / (1e-3 * DATABASE_MS)

    @property
    def needed_hit_ratio(self) -> float:
        """Hit ratio below which the database cannot keep up."""
        return max(0.0, 1 - self.capacity_rps / self.rate_rps)

    @property
    def summary(self) -> dict[str, float | int | str]:
        expected = theory_cache_load(rate_rps=self.rate_rps, hit_ratio=self.hit_ratio)
        return {
            "database_rps": self.database.estimate,
            "database_theory_rps": expected["database_rps"],
            "database_percent_of_capacity": 100 * self.database.estimate / self.capacity_rps,
            "read_ms": 1e3 * self.read.estimate if self.read else "no steady state",
            "read_theory_ms": 1e3 * expected["read_s"] if self.read else "no steady state",
            "needed_hit_percent": 100 * self.needed_hit_ratio,
        }

    @property
    def reading(self) -> str:
        share = (1 - self.hit_ratio) * self.rate_rps
        start = (
            f"A hit ratio of {significant(100 * self.hit_ratio)} % leaves "
            f"{significant(self.database.estimate)} of {significant(self.rate_rps)} reads/s to the "
            f"database (theory {significant(share)})"
        )
        if self.read is None:
            return (
                f"{start}, more than the {significant(self.capacity_rps)} it can do: it needs at "
                f"least {significant(100 * self.needed_hit_ratio)} % to keep up."
            )
        return (
            f"{start}, and a read takes {duration(self.read.estimate)} on average; without the "
            f"cache the database would get {significant(self.rate_rps / self.capacity_rps, 2)} "
            f"times what it can do."
        )


def simulate_cache_load(
    *,
    rate_rps: float = 4_000.0,
    hit_ratio: float = 0.9,
    replications: int = 16,
    seed: int = 1,
) -> CacheLoadResult:
    """Send reads through a cache to a database that can do 800 of them a second.

    Parameters
    ----------
    rate_rps : float
        Reads per second, Poisson; 100 to 50,000.
    hit_ratio : float
        Fraction that the cache answers, 0 to 1; hits are independent of one another.
    replications : int
        Independent runs; >= 2.
    seed : int
        Seed of arrivals, hits and services; >= 0.

    Returns
    -------
    CacheLoadResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Poisson reads of which each misses by chance leave a Poisson stream of misses: only that is
    drawn, with the first 300 of 800 misses as warm-up.
    """
    rate_rps = validation.number("rate_rps", rate_rps, at_least=100, at_most=50_000)
    hit_ratio = validation.number("hit_ratio", hit_ratio, at_least=0, at_most=1)
    replications = validation.integer("replications", replications, at_least=2)
    gaps, services = _draws(replications, seed)
    miss = 1 - hit_ratio
    load = miss * rate_rps
    read, database = None, mean_interval(np.zeros(replications))
    if load > 0:
        arrivals = np.cumsum(gaps, axis=1) / load
        span = arrivals[:, -1] - arrivals[:, _WARM_UP - 1]
        database = mean_interval((_REQUESTS - _WARM_UP) / span)
        if load * 1e-3 * DATABASE_MS < 0.98 * CONNECTIONS:
            work = 1e-3 * DATABASE_MS * services
            response = (fifo_waits(arrivals, work, CONNECTIONS) + work)[:, _WARM_UP:]
            read = mean_interval(1e-3 * CACHE_MS + miss * response.mean(axis=1))
    else:
        read = mean_interval(np.full(replications, 1e-3 * CACHE_MS))
    # Denser where the read time has its wall, and where the load falls to nothing.
    edge = max(0.0, 1 - CONNECTIONS / (1e-3 * DATABASE_MS * rate_rps))
    wall = edge + (1 - edge) * np.geomspace(2e-3, 0.3, 20)
    grid = np.sort(np.concatenate([np.linspace(0, 1, 26), wall, 1 - np.geomspace(5e-4, 0.03, 8)]))
    theory = [theory_cache_load(rate_rps=rate_rps, hit_ratio=h) for h in grid.tolist()]
    return CacheLoadResult(
        rate_rps=rate_rps,
        hit_ratio=hit_ratio,
        database=database,
        read=read,
        grid=grid,
        theory_rps=np.array([t["database_rps"] for t in theory]),
        theory_read_s=np.array([t["read_s"] for t in theory]),
    )


@lru_cache(maxsize=4)
def _draws(replications: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = streams(seed, "arrivals", "services")
    shape = (replications, _REQUESTS)
    drawn = (
        unit_gaps("poisson", shape, rng["arrivals"]),
        unit_services("exponential", shape, rng["services"]),
    )
    for array in drawn:
        array.setflags(write=False)
    return drawn


# --- how much memory ----------------------------------------------------------------------------

KEYS = 5_000

#: Sizes at which the simulation is run, as shares of the keys.
SHARES = np.array([0.005, 0.03, 0.15, 0.4])

_READS = 12_000


class HitRatioResult(Result):
    """Hit ratio against the size of an LRU cache under Zipf traffic.

    Attributes
    ----------
    exponent, share
        The parameters it was made with.
    shares, simulated : numpy.ndarray, shape (5,)
        Cache sizes as shares of the keys, the learner's first, and the hit ratios at them.
    grid, che, best : numpy.ndarray, shape (k,)
        Sizes, Che's approximation for LRU, and the best there is without seeing the future.
    """

    exponent: float
    share: float
    shares: np.ndarray
    simulated: np.ndarray
    grid: np.ndarray
    che: np.ndarray
    best: np.ndarray

    @property
    def expected(self) -> dict[str, float]:
        """Theory at the learner's size: ``lru`` and ``best``."""
        size = [max(self.share * KEYS, 1.0)]
        lru = theory_hit_ratio(keys=KEYS, exponent=self.exponent, size=size)
        best = theory_best_hit_ratio(keys=KEYS, exponent=self.exponent, size=size)
        return {
            "lru": float(lru[0]),
            "best": float(best[0]),
        }

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "keys_in_cache": round(self.share * KEYS),
            "hit_percent": 100 * float(self.simulated[0]),
            "che_percent": 100 * self.expected["lru"],
            "best_percent": 100 * self.expected["best"],
        }

    @property
    def reading(self) -> str:
        return (
            f"A cache with room for {significant(100 * self.share)} % of the keys answers "
            f"{significant(100 * float(self.simulated[0]))} % of the reads by throwing out what "
            f"was used longest ago (Che: {significant(100 * self.expected['lru'])} %); holding "
            f"exactly the most popular keys would give "
            f"{significant(100 * self.expected['best'])} %."
        )


def simulate_hit_ratio(
    *, exponent: float = 0.9, share: float = 0.1, seed: int = 1
) -> HitRatioResult:
    """Read 5,000 keys with Zipf popularity through LRU caches of several sizes.

    Parameters
    ----------
    exponent : float
        Zipf's exponent: 0 makes all keys alike; 0 to 1.5.
    share : float
        Size of the learner's cache as a share of the keys; 0.001 to 0.6.
    seed : int
        Seed of the reads; >= 0. All sizes see the same ones.

    Returns
    -------
    HitRatioResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    The caches are Python's own ``functools.lru_cache``, exact LRU. They start with the keys in the
    order in which LRU would hold the most popular ones, and the first third of 12,000 reads is not
    counted.
    """
    exponent = validation.number("exponent", exponent, at_least=0, at_most=1.5)
    share = validation.number("share", share, at_least=0.001, at_most=0.6)
    reads = _reads(exponent, validation.integer("seed", seed, at_least=0))
    shares = np.concatenate([[share], SHARES])
    grid = np.geomspace(0.001, 0.6, 60)
    return HitRatioResult(
        exponent=exponent,
        share=share,
        shares=shares,
        simulated=np.array([lru_hit_ratio(reads, round(s * KEYS)) for s in shares.tolist()]),
        grid=grid,
        che=theory_hit_ratio(keys=KEYS, exponent=exponent, size=grid * KEYS),
        best=theory_best_hit_ratio(keys=KEYS, exponent=exponent, size=grid * KEYS),
    )


def lru_hit_ratio(reads: list[int], size: int, *, warm_up: float = 1 / 3) -> float:
    """Return the share of reads that an LRU cache of `size` keys answers.

    Parameters
    ----------
    reads : list of int
        Keys in the order they are read, small numbers popular.
    size : int
        Keys the cache holds; >= 1.
    warm_up : float
        Share of the reads that fill the cache and are not counted.
    """
    cache = lru_cache(maxsize=size)(abs)
    first = int(len(reads) * warm_up)
    deque(map(cache, range(size - 1, -1, -1)), 0)  # the popular ones last, so they stay longest
    deque(map(cache, reads[:first]), 0)
    before = cache.cache_info().hits
    deque(map(cache, reads[first:]), 0)
    return (cache.cache_info().hits - before) / (len(reads) - first)


@lru_cache(maxsize=8)
def _reads(exponent: float, seed: int) -> list[int]:
    return zipf_keys(_READS, KEYS, exponent, streams(seed, "keys")["keys"]).tolist()
