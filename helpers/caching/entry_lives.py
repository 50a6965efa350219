"""How long an entry lives in a cache and how fresh it is, by renewal arguments.

Keys are read and written at random; all rates are per second, key by key: reads r, writes w
through the cache, writes b past it. Where that stops being true: the streams are Poisson, and none
knows of another.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def hits_if_dropped(reads: np.ndarray, writes: np.ndarray, ttl_s: float) -> np.ndarray:
    """Hit ratio where a write drops the entry, and a read brings it back.

    It lives ``L = E[min(T, Exp(w))]``, and is away for ``1 / r`` on average.
    """
    life = _mean_cut(writes, ttl_s)
    return reads * life / (1 + reads * life)


def hits_if_renewed(reads: np.ndarray, writes: np.ndarray, ttl_s: float) -> np.ndarray:
    """Hit ratio where a write renews the entry.

    It goes only when T passes without a write, ``(exp(w T) - 1) / w`` on average, and comes back
    with the next read or write.
    """
    with np.errstate(over="ignore"):  # renewed so often that it never goes: infinity is right
        alive = np.where(writes == 0, ttl_s, np.expm1(writes * ttl_s) / np.fmax(writes, 1e-300))
    return 1 - 1 / (1 + alive * (reads + writes))


def fresh_share(writes: np.ndarray, past: np.ndarray, ttl_s: float) -> np.ndarray:
    """Share of the hits that are fresh.

    An entry of age a has met no write past the cache with probability ``exp(-b a)``.
    """
    return _mean_cut(writes + past, ttl_s) / _mean_cut(writes, ttl_s)


def _mean_cut(rates: np.ndarray, at_s: float) -> np.ndarray:
    """Mean of exponential times of these rates, each cut at `at_s`."""
    cut: np.ndarray = np.where(
        rates == 0, at_s, -np.expm1(-rates * at_s) / np.where(rates == 0, 1.0, rates)
    )
    return cut


def refreshed_ahead(
    reads: np.ndarray, writes: np.ndarray, past: np.ndarray, ttl_s: float, threshold: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hit ratio, fresh share of the hits, and refreshes per second, when a write drops an entry."""
    before, window = threshold * ttl_s, (1 - threshold) * ttl_s
    # An entry reaches the window unless written to; there a read (which refreshes it), a write
    # (which drops it) or the end of its time comes first.
    reach = np.exp(-writes * before)
    any_of_them = reads + writes
    refreshed = reach * -np.expm1(-any_of_them * window) * reads / any_of_them

    def lifetime(extra: Any) -> np.ndarray:
        """Mean time an entry is both alive and not yet hit by an event of rate `extra`."""
        early = _mean_cut(writes + extra, before)
        late = _mean_cut(any_of_them + extra, window)
        both: np.ndarray = early + np.exp(-(writes + extra) * before) * late
        return both

    alive = lifetime(0.0)
    loads = 1 / (alive + (1 - refreshed) / reads)
    hit_ratio = 1 - loads * (1 - refreshed) / reads
    return hit_ratio, lifetime(past) / alive, loads * refreshed
