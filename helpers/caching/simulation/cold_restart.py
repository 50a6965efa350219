"""A cache that comes back empty: the load on the database, and how long until it recovers."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from helpers.caching import theory
from helpers.caching.simulation._shared import (
    frozen,
    percent,
    popularity,
    rounded,
    unit_arrivals,
    zipf_draws,
)
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant

#: Whether misses for the same key share one query.
RESTART_FIXES = ("none", "single-flight")

_KEYS = 10_000
_REQUESTS = 30_000
_QUERY_S = 0.02
_BINS = 60


class ColdRestartResult(Result):
    """The minutes after a cache restarts, seen from the database."""

    rate_rps: float
    capacity: int
    headroom: float
    prewarmed: float
    fix: str
    #: Hit ratio before the restart (Che's approximation).
    hit_ratio: float
    #: Queries per second that the database can answer, and its usual load.
    database_rps: float
    usual_rps: float
    #: Middle of each interval, seconds since the restart; shape (bins,).
    time_s: np.ndarray
    #: Queries sent to the database per second; shape (bins,).
    queries_rps: np.ndarray
    #: The same in theory, for a database that answers at once: instants and load.
    theory_time_s: np.ndarray
    queries_theory_rps: np.ndarray
    #: Longest wait for a connection among the queries of each interval, seconds; shape (bins,).
    wait_s: np.ndarray
    #: Load before the first answer is back over the usual one, and 1 / (1 - h) for what is cold.
    multiplier: float
    multiplier_theory: float
    #: Queries sent in total that a key had already been asked for.
    duplicates: int
    #: When a query last waited for longer than it ran, seconds; 0 if none did.
    recovered_s: float
    worst_wait_s: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "hit_ratio_before": rounded(self.hit_ratio),
            "load_multiplier": rounded(self.multiplier),
            "load_multiplier_theory": rounded(self.multiplier_theory),
            "duplicate_queries": self.duplicates,
            "worst_wait_s": rounded(self.worst_wait_s),
            "recovered_s": rounded(self.recovered_s),
        }

    @property
    def reading(self) -> str:
        first = (
            f"A cache that answered {percent(self.hit_ratio)} of the requests comes back and the "
            f"database gets {significant(self.multiplier)} times its usual load"
        )
        if self.recovered_s == 0:
            return f"{first}, which it can bear."
        end = self.time_s[-1] + (self.time_s[1] - self.time_s[0]) / 2
        if self.recovered_s > 0.98 * end:
            return (
                f"{first}; after {duration(end)} it has not recovered, and a query waits up to "
                f"{duration(self.worst_wait_s)}."
            )
        return (
            f"{first}; queries wait up to {duration(self.worst_wait_s)}, and it is "
            f"{duration(self.recovered_s)} before the queue is gone."
        )


def simulate_cold_restart(
    *,
    rate_rps: float = 2_000.0,
    exponent: float = 0.9,
    capacity: int = 1_000,
    headroom: float = 2.0,
    prewarmed: float = 0.0,
    fix: str = "none",
    seed: int = 1,
) -> ColdRestartResult:
    """Empty an LRU cache under full traffic.

    Parameters
    ----------
    rate_rps : float
        Requests per second, Poisson, for 10,000 keys; > 0.
    exponent : float
        Zipf's exponent of the keys' popularity; >= 0.
    capacity : int
        Items the cache holds; 1 <= capacity < 10,000.
    headroom : float
        What the database can answer, as a multiple of its usual load; > 1.
    prewarmed : float
        Share of the cache that is filled, most popular keys first, before traffic comes; 0 to 1.
    fix : {"none", "single-flight"}
        Whether a miss waits for a query for the same key that is already on its way.
    seed : int
        Seed of the traffic.

    Returns
    -------
    ColdRestartResult
        The first requests, at most 30,000.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    A query holds one of the database's connections for 20 ms; there are as many connections as
    the headroom demands, rounded up.
    """
    rate_rps = validation.number("rate_rps", rate_rps, above=0, unit="requests/s")
    exponent = validation.number("exponent", exponent, at_least=0)
    capacity = validation.integer("capacity", capacity, at_least=1, at_most=_KEYS - 1, unit="items")
    headroom = validation.number("headroom", headroom, above=1)
    prewarmed = validation.number("prewarmed", prewarmed, at_least=0, at_most=1)
    validation.one_of("fix", fix, RESTART_FIXES)

    weights = popularity(_KEYS, exponent)
    hit_ratio = float(theory.theory_lru(weights, capacity))
    usual_rps = rate_rps * (1 - hit_ratio)
    connections = max(1, round(headroom * usual_rps * _QUERY_S))
    query_s = connections / (headroom * usual_rps)  # about _QUERY_S, and the headroom exact

    # Long enough to watch the cache fill several times over.
    full = theory.theory_characteristic_time(weights, capacity)
    requests = min(int(8 * full) + 2_000, _REQUESTS)
    times = unit_arrivals("requests", _REQUESTS, seed)[:requests] / rate_rps
    keys = zipf_draws("keys", _REQUESTS, _KEYS, exponent, seed)[:requests]
    warm = round(prewarmed * capacity)
    sent, starts, duplicates = _replay(
        times, keys, capacity, warm, connections, query_s, fix == "single-flight"
    )
    edges = np.linspace(0.0, times[-1], _BINS + 1)
    middle = (edges[:-1] + edges[1:]) / 2
    width = edges[1]
    bins = np.minimum((sent / width).astype(int), _BINS - 1)
    waits = starts - sent
    longest = np.zeros(_BINS)
    np.maximum.at(longest, bins, waits)
    late = sent[waits > query_s]
    # Dense at first, where the load falls fastest.
    instants = edges[-1] * np.linspace(0, 1, 40) ** 3
    missing = 1 - theory.theory_warm_up(weights, rate_rps * instants, prewarmed=warm)
    cold = weights[warm:].sum()
    before_answers = int(np.searchsorted(times, times[0] + query_s))
    return ColdRestartResult(
        rate_rps=rate_rps,
        capacity=capacity,
        headroom=headroom,
        prewarmed=prewarmed,
        fix=fix,
        hit_ratio=hit_ratio,
        database_rps=headroom * usual_rps,
        usual_rps=usual_rps,
        time_s=frozen(middle),
        queries_rps=frozen(np.bincount(bins, minlength=_BINS) / width),
        theory_time_s=frozen(instants),
        # Once the cache is full it evicts, and the load stays at the usual one.
        queries_theory_rps=frozen(rate_rps * np.maximum(missing, 1 - hit_ratio)),
        wait_s=frozen(longest),
        multiplier=np.searchsorted(sent, times[0] + query_s) / before_answers / (1 - hit_ratio),
        multiplier_theory=float(cold) * theory.theory_cold_restart(hit_ratio),
        duplicates=duplicates,
        recovered_s=float(late[-1]) if late.size else 0.0,
        worst_wait_s=float(waits.max(initial=0.0)),
    )


def _replay(
    times: np.ndarray,
    keys: np.ndarray,
    capacity: int,
    warm: int,
    connections: int,
    query_s: float,
    single_flight: bool,
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return when queries were sent, when they started, and how many were duplicates."""
    ready_at = OrderedDict.fromkeys(range(warm - 1, -1, -1), 0.0)  # the cache, oldest use first
    free_at = [0.0] * connections
    turn = duplicates = 0
    sent: list[float] = []
    starts: list[float] = []
    found, used = ready_at.get, ready_at.move_to_end  # looked up once: this is the hot path
    for now, key in zip(times.tolist(), keys.tolist(), strict=True):
        ready = found(key)
        if ready is not None:
            used(key)
            if ready <= now or single_flight:
                continue
            duplicates += 1
        # Equal queries end in the order they began, so connections are taken in turn.
        start = free_at[turn]
        if start < now:
            start = now
        free_at[turn] = start + query_s
        turn = (turn + 1) % connections
        sent.append(now)
        starts.append(start)
        if ready is None:
            if len(ready_at) == capacity:
                ready_at.popitem(last=False)
            ready_at[key] = start + query_s
    return np.array(sent), np.array(starts), duplicates
