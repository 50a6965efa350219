"""Time to live: how stale, how much load; and refreshing before the time is up."""

from __future__ import annotations

import numpy as np

from helpers.caching import theory
from helpers.caching.simulation._shared import frozen, percent, popularity, rounded, unit_draws
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.traffic.streams import streams

#: What starts a refresh: an access near the end of the time to live, or a clock.
REFRESH_MODES = ("on access", "timer")

_TTLS = np.geomspace(1, 10_000, 13)
_CYCLES = 200  # lives of an entry, for each key


# --- staleness against load -----------------------------------------------------------------------


class StalenessResult(Result):
    """One key with a time to live, read and updated at random."""

    update_rps: float
    read_rps: float
    ttl_s: float
    delivered: float
    replications: int
    #: Times to live, seconds, and the share of the reads that are stale; shape (points,).
    ttls_s: np.ndarray
    stale_share: np.ndarray
    stale_theory: np.ndarray
    #: Share of the reads that load from the database; shape (points,).
    loads: np.ndarray
    loads_theory: np.ndarray
    #: The same two shares at `ttl_s`.
    stale_here: float
    stale_here_theory: float
    loads_here: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "stale_share_of_reads": rounded(self.stale_here),
            "stale_share_theory": rounded(self.stale_here_theory),
            "load_share_of_reads": rounded(self.loads_here),
            "database_loads_rps": rounded(self.loads_here * self.read_rps),
        }

    @property
    def reading(self) -> str:
        return (
            f"With a time to live of {duration(self.ttl_s)}, {percent(self.stale_here)} of the "
            f"reads are stale, and {percent(self.loads_here)} of them load from the database."
        )


def simulate_staleness(
    *,
    update_rps: float = 0.01,
    read_rps: float = 1.0,
    ttl_s: float = 60.0,
    delivered: float = 0.0,
    replications: int = 2_000,
    seed: int = 1,
) -> StalenessResult:
    """Read and update one cached key through many of its entry's lives.

    Parameters
    ----------
    update_rps : float
        Updates in the database, per second, Poisson; > 0.
    read_rps : float
        Reads through the cache, per second, Poisson; > 0.
    ttl_s : float
        Time to live, seconds; > 0.
    delivered : float
        Share of the updates whose invalidation reaches the cache, at once; 0 to 1.
    replications : int
        Lives of the entry at each time to live; >= 2.
    seed : int
        Seed of the traffic.

    Returns
    -------
    StalenessResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    update_rps = validation.number("update_rps", update_rps, above=0, unit="updates/s")
    read_rps = validation.number("read_rps", read_rps, above=0, unit="reads/s")
    ttl_s = validation.number("ttl_s", ttl_s, above=0, unit="s")
    delivered = validation.number("delivered", delivered, at_least=0, at_most=1)
    replications = validation.integer("replications", replications, at_least=2)

    # The first update after a load; if its invalidation is lost, the first that gets through.
    size = (replications, 1)
    first = unit_draws("exponential", "first update", size, seed) / update_rps
    lost = unit_draws("uniform", "delivery", size, seed) >= delivered
    more = unit_draws("exponential", "delivered update", size, seed)
    with np.errstate(divide="ignore"):
        invalidated = first + np.where(lost, np.divide(more, delivered * update_rps), 0.0)

    ttls = np.append(_TTLS, ttl_s)
    life = np.minimum(ttls, invalidated)
    fresh = np.minimum(life, first)
    rng = streams(seed, "reads")["reads"]
    stale_hits = rng.poisson(read_rps * (life - fresh)).sum(axis=0)
    hits = stale_hits + rng.poisson(read_rps * fresh).sum(axis=0)
    reads = replications + hits  # each life begins with the read that missed
    stale_share = stale_hits / reads
    loads = replications / reads

    hit_theory = np.array(
        [
            theory.theory_ttl_hit_ratio(read_rps, ttl, invalidation_rps=delivered * update_rps)
            for ttl in ttls.tolist()
        ]
    )
    stale_theory = hit_theory * np.array(
        [theory.theory_staleness(update_rps, ttl, delivered=delivered) for ttl in ttls.tolist()]
    )
    return StalenessResult(
        update_rps=update_rps,
        read_rps=read_rps,
        ttl_s=ttl_s,
        delivered=delivered,
        replications=replications,
        ttls_s=_TTLS,
        stale_share=frozen(stale_share[:-1]),
        stale_theory=frozen(stale_theory[:-1]),
        loads=frozen(loads[:-1]),
        loads_theory=1 - hit_theory[:-1],
        stale_here=float(stale_share[-1]),
        stale_here_theory=float(stale_theory[-1]),
        loads_here=float(loads[-1]),
    )


# --- refresh-ahead --------------------------------------------------------------------------------


class RefreshAheadResult(Result):
    """Refresh-ahead over keys of unequal popularity."""

    rate_rps: float
    ttl_s: float
    threshold: float
    mode: str
    #: For each key, most popular first: reads per second, and the share of refreshed values that
    #: were read before their time was up; shape (keys,).
    rates_rps: np.ndarray
    useful: np.ndarray
    useful_theory: np.ndarray
    #: All keys together: share of the requests that miss, loads per second, wasted refreshes.
    miss_ratio: float
    loads_rps: float
    wasted_rps: float
    #: The same for on-access refreshing at thresholds from 1 (none) down, in theory.
    thresholds: np.ndarray
    miss_theory: np.ndarray
    loads_theory_rps: np.ndarray

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "miss_ratio": rounded(self.miss_ratio),
            "miss_ratio_without": rounded(self.miss_theory[0]),
            "database_loads_rps": rounded(self.loads_rps),
            "database_loads_without_rps": rounded(self.loads_theory_rps[0]),
            "wasted_refreshes_rps": rounded(self.wasted_rps),
        }

    @property
    def reading(self) -> str:
        return (
            f"Misses go from {percent(self.miss_theory[0])} to {percent(self.miss_ratio)} of the "
            f"requests, database loads from {significant(self.loads_theory_rps[0])} to "
            f"{significant(self.loads_rps)} a second; {significant(self.wasted_rps)} refreshes a "
            "second bring in a value nobody reads."
        )


def simulate_refresh_ahead(
    *,
    rate_rps: float = 100.0,
    keys: int = 500,
    exponent: float = 1.0,
    ttl_s: float = 10.0,
    threshold: float = 0.8,
    mode: str = "on access",
    seed: int = 1,
) -> RefreshAheadResult:
    """Refresh entries before they expire, and see who reads them.

    Parameters
    ----------
    rate_rps : float
        Reads per second over all keys, Poisson; > 0.
    keys : int
        Number of keys; >= 1.
    exponent : float
        Zipf's exponent of the keys' popularity; >= 0.
    ttl_s : float
        Time to live, seconds; > 0.
    threshold : float
        Share of the time to live after which an access starts a refresh in the background;
        0 < threshold <= 1. At 1 there is no refresh-ahead.
    mode : {"on access", "timer"}
        ``"timer"`` reloads every key each time its time is up, read or not.
    seed : int
        Seed of the traffic.

    Returns
    -------
    RefreshAheadResult
        From 200 lives of every key's entry; loads take no time.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    rate_rps = validation.number("rate_rps", rate_rps, above=0, unit="requests/s")
    keys = validation.integer("keys", keys, at_least=1)
    exponent = validation.number("exponent", exponent, at_least=0)
    ttl_s = validation.number("ttl_s", ttl_s, above=0, unit="s")
    threshold = validation.number("threshold", threshold, above=0, at_most=1)
    validation.one_of("mode", mode, REFRESH_MODES)
    weights = popularity(keys, exponent)
    rates = weights * rate_rps
    rng = streams(seed, "reads")["reads"]
    if mode == "timer":
        reads = rng.poisson(np.broadcast_to(rates * ttl_s, (_CYCLES, keys)))
        used = reads > 0
        refreshed = np.ones((_CYCLES, keys), dtype=bool)
        missed, loads = np.zeros(keys), np.full(keys, 1 / ttl_s)
    else:
        # A life: reads while young, then the first read after that, which finds the value alive
        # and refreshes it, or finds it gone.
        young = rng.poisson(np.broadcast_to(rates * threshold * ttl_s, (_CYCLES, keys)))
        wait_s = unit_draws("exponential", "first late read", (_CYCLES, keys), seed) / rates
        refreshed = wait_s < (1 - threshold) * ttl_s
        used = (young > 0) | refreshed
        per_key = (young + 1).sum(axis=0)  # reads of each key in all its lives
        missed = (~refreshed).sum(axis=0) / per_key
        loads = rates * _CYCLES / per_key
    # A value that was brought in by a refresh is like any other: what happened to the lives of
    # loaded values says how often a refreshed one is used.
    useful = used.mean(axis=0)
    thresholds = np.linspace(1.0, 0.05, 20)
    curves = [theory.theory_refresh_ahead(rates, ttl_s, each) for each in thresholds.tolist()]
    return RefreshAheadResult(
        rate_rps=rate_rps,
        ttl_s=ttl_s,
        threshold=threshold,
        mode=mode,
        rates_rps=frozen(rates),
        useful=frozen(useful),
        useful_theory=theory.theory_refresh_ahead(rates, ttl_s, threshold, mode).useful,
        miss_ratio=float(weights @ missed),
        loads_rps=float(loads.sum()),
        wasted_rps=float((loads * refreshed.mean(axis=0) * (1 - useful)).sum()),
        thresholds=frozen(thresholds),
        miss_theory=np.array([1 - float(weights @ each.hit_ratio) for each in curves]),
        loads_theory_rps=np.array([float(each.loads_rps.sum()) for each in curves]),
    )
